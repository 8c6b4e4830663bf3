"""Vocabulary: countries and industries, so that a misspelling shows even where the right word is nowhere else."""

from __future__ import annotations

__all__ = ["COUNTRIES", "INDUSTRIES"]

COUNTRIES = frozenset(
    name.strip()
    for name in """
Afghanistan, Albania, Algeria, Andorra, Angola, Argentina, Armenia, Australia, Austria, Azerbaijan, Bahamas, Bahrain,
Bangladesh, Barbados, Belarus, Belgium, Belize, Benin, Bhutan, Bolivia, Bosnia and Herzegovina, Botswana, Brazil,
Brunei, Bulgaria, Burkina Faso, Burundi, Cambodia, Cameroon, Canada, Cape Verde, Chad, Chile, China, Colombia, Comoros,
Congo, Costa Rica, Croatia, Cuba, Cyprus, Czech Republic, Czechia, Denmark, Djibouti, Dominica, Dominican Republic,
Ecuador, Egypt, El Salvador, England, Eritrea, Estonia, Eswatini, Ethiopia, Fiji, Finland, France, Gabon, Gambia,
Georgia, Germany, Ghana, Great Britain, Greece, Greenland, Grenada, Guatemala, Guinea, Guyana, Haiti, Honduras,
Hong Kong, Hungary, Iceland, India, Indonesia, Iran, Iraq, Ireland, Israel, Italy, Ivory Coast, Jamaica, Japan, Jordan,
Kazakhstan, Kenya, Kiribati, Korea, Kosovo, Kuwait, Kyrgyzstan, Laos, Latvia, Lebanon, Lesotho, Liberia, Libya,
Liechtenstein, Lithuania, Luxembourg, Macao, Macau, Macedonia, Madagascar, Malawi, Malaysia, Maldives, Mali, Malta,
Mauritania, Mauritius, Mexico, Micronesia, Moldova, Monaco, Mongolia, Montenegro, Morocco, Mozambique, Myanmar,
Namibia, Nepal, Netherlands, New Zealand, Nicaragua, Niger, Nigeria, North Korea, North Macedonia, Northern Ireland,
Norway, Oman, Pakistan, Palestine, Panama, Papua New Guinea, Paraguay, Peru, Philippines, Poland, Portugal,
Puerto Rico, Qatar, Romania, Russia, Rwanda, Samoa, San Marino, Saudi Arabia, Scotland, Senegal, Serbia, Seychelles,
Sierra Leone, Singapore, Slovakia, Slovenia, Somalia, South Africa, South Korea, South Sudan, Spain, Sri Lanka, Sudan,
Suriname, Sweden, Switzerland, Syria, Taiwan, Tajikistan, Tanzania, Thailand, Togo, Tonga, Trinidad and Tobago,
Tunisia, Turkey, Türkiye, Turkmenistan, Uganda, Ukraine, United Arab Emirates, United Kingdom, United States,
United States of America, Uruguay, Uzbekistan, Vatican, Venezuela, Vietnam, Wales, Yemen, Zambia, Zimbabwe
""".replace("\n", " ").split(",")
)
"""Countries by their usual English names."""

INDUSTRIES = frozenset(
    name.strip()
    for name in """
accounting, advertising, aerospace, agriculture, airlines, apparel, architecture, automotive, banking, biotechnology,
business services, chemicals, communications, construction, consulting, consumer goods, consumer services, defense,
distribution, education, electronics, employment, energy, engineering, entertainment, environmental, finance,
financial services, food and beverage, forestry, government, healthcare, health care, hospitality, hotels, industrial,
information technology, insurance, internet, investment, legal, leisure, life sciences, logistics, machinery,
manufacturing, marketing, media, medical, metals, mining, non-profit, not for profit, oil and gas, packaging, pharma,
pharmaceuticals, pharmaceutical, printing, professional services, public sector, publishing, real estate, recreation,
recruitment, restaurants, retail, science, security, semiconductors, services, shipping, software, sports,
staffing, technology, telecom, telecommunications, textiles, tourism, trade, transportation, travel, utilities,
veterinary, warehousing, wholesale
""".replace("\n", " ").split(",")
)
"""Industries as CRMs and their users call them."""
