"""Amounts in several currencies, brought into one by a table of rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data import CrmOptions, History, read_history
from spmforecast.data.crm.money import open_exchange
from spmforecast.data.maps import parse_map
from spmforecast.errors import InputError

MAP = """tables:
  opportunities:
    file: deals.csv
    money: {columns: [amount, list_price], currency_column: Currency}
  stage_history:
    file: events.csv
    optional: true
    money: {columns: amount, currency_column: Currency}
"""
HEAD = "opportunity_id,owner_id,created_date,status,close_date,amount,list_price,Currency\n"
DEALS = HEAD + (
    "D1,R,2024-01-10,won,2024-02-10,100,120,USD\n"
    "D2,R,2024-01-10,won,2024-04-10,100,,usd\n"
    "D3,R,2024-01-10,open,2025-12-01,100,,USD\n"
    "D4,R,2024-01-10,won,2024-04-10,100,,EUR\n"
    "D5,R,2024-01-10,open,,,,GBP\n"
)
RATES = "currency,rate,from\nUSD,0.9,2024-01-01\nUSD,0.8,2024-04-01\nUSD,0.5,2025-01-01\nGBP,1.2,2024-01-01\n"


def _read(folder: Path, currency: str = "EUR", rates: str | None = RATES, deals: str = DEALS, text: str = MAP,
          **files: str) -> History:  # fmt: skip
    (folder / "deals.csv").write_text(deals)
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content)
    place = folder / "rates"
    place.mkdir(exist_ok=True)
    if rates is not None:
        (place / "rates.csv").write_text(rates)
    options = CrmOptions(currency, None if rates is None else place / "rates.csv")
    return read_history(folder, map=parse_map(text), crm_options=options)


def test_a_won_deal_is_converted_at_its_close_and_an_open_one_at_the_last_known_rate(tmp_path: Path) -> None:
    history = _read(tmp_path)
    deals = history.opportunities.set_index("opportunity_id")
    # Nothing is recorded after 10 April 2024, so the rate of 2025 is not known to the record of the open deal.
    np.testing.assert_allclose(deals["amount"], [90, 80, 80, 100, np.nan])
    assert deals.loc["D1", "list_price"] == pytest.approx(108)
    assert "rates.csv" in [file.name for file in history.sources]


def test_an_event_is_converted_at_the_rate_of_its_own_day(tmp_path: Path) -> None:
    events = (
        "opportunity_id,stage,entered_date,amount,Currency\nD1,a,2024-01-10,50,USD\nD1,b,2024-04-01T08:00:00Z,50,USD\n"
    )
    assert _read(tmp_path, events=events).stage_history["amount"].tolist() == [45, 40]


@settings(max_examples=20)
@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=4), st.integers(0, 400))
def test_no_later_rate_changes_an_amount(rates: list[float], day: int) -> None:
    """Poisoned future: whatever rates come after the last recorded day, amounts stay as they are."""
    closed = pd.Timestamp("2024-01-01") + pd.Timedelta(days=day)
    deals = pd.DataFrame(
        {"opportunity_id": ["A", "B"], "owner_id": "R", "created_date": ["2023-12-01"] * 2, "status": ["won", "open"],
         "close_date": [str(closed.date()), "2031-01-01"], "amount": [100.0, 100.0], "Currency": "USD"}
    )  # fmt: skip
    known = pd.DataFrame({"currency": "USD", "rate": [0.5], "from": ["2023-01-01"]})
    later = pd.DataFrame(
        {"currency": "USD", "rate": rates,
         "from": [str((closed + pd.Timedelta(days=1 + place)).date()) for place in range(len(rates))]}
    )  # fmt: skip
    chart = parse_map(MAP.replace("deals.csv", "deals").replace(", list_price", ""))
    for table in (known, pd.concat([known, later])):
        history = read_history({"deals": deals}, map=chart, crm_options=CrmOptions("EUR", table))
        assert history.opportunities["amount"].tolist() == [50.0, 50.0]


def test_a_missing_rate_is_a_problem_of_its_row(tmp_path: Path) -> None:
    rows = "".join(f"X{i},R,2024-01-10,won,2024-04-10,10,,USD\n" for i in range(120))
    odd = "A,R,2022-01-10,won,2022-04-10,10,,USD\nB,R,2024-01-10,won,2024-04-10,10,,USB\n"
    odd += "C,R,2024-01-10,won,2024-04-10,10,,\n"
    events = "opportunity_id,stage,entered_date,amount,Currency\nX1,a,2024-01-10,50,USD\n"
    history = _read(tmp_path, deals=HEAD + rows + odd, events=events)
    told = history.rejected[history.rejected["table"] == "opportunities"]
    assert told[["line", "column", "value", "reason"]].values.tolist() == [
        [122, "amount", "10 USD", "there is no rate of USD on 2022-04-10; the first is from 2024-01-01"],
        [123, "amount", "10 USB", "there is no rate of USB"],
        [124, "amount", "10", "the amount names no currency"],
    ]
    assert told["mend"].tolist()[1] == "Add it to the table of rates; did you mean USD?"
    assert history.counts.iloc[0][["read", "used", "rejected"]].tolist() == [123, 120, 3]


def test_several_currencies_without_rates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"amounts are in 2 currencies \(EUR, USD\)\. Give a table of rates"):
        _read(tmp_path, rates=None)
    with pytest.raises(InputError, match=r"Give the currency wanted \(currency\) and a table of rates"):
        _read(tmp_path, currency="", rates=None)


def test_currencies_of_rows_left_out_do_not_count(tmp_path: Path) -> None:
    text = MAP.replace("    money: {columns: [", "    where: {Currency: USD}\n    money: {columns: [", 1)
    history = _read(tmp_path, currency="", rates=None, text=text)
    assert history.opportunities["amount"].tolist() == [100, 100]


def test_one_currency_that_is_not_the_one_wanted_is_said(tmp_path: Path) -> None:
    deals = HEAD + "D1,R,2024-01-10,won,2024-02-10,100,,USD\nD2,R,2024-01-10,won,2024-02-10,100,,\n"
    history = _read(tmp_path, rates=None, deals=deals)
    assert history.opportunities["amount"].tolist() == [100, 100]
    said = "deals.csv: amounts are in USD, not in EUR, and are not converted: no rates were given"
    assert said in history.warnings
    assert "deals.csv: 1 amounts name no currency and are taken as USD" in history.warnings


def test_where_the_currency_column_is_absent_nothing_is_converted(tmp_path: Path) -> None:
    text = MAP.replace("currency_column: Currency}", "currency_column: Curency}", 1)
    with pytest.raises(InputError, match=r"money\.currency_column\.Curency: deals\.csv has no such column .*Currency"):
        _read(tmp_path, text=text)
    found = MAP.replace("    money: {columns: [", "    columns: {Curency: Curency}\n    money: {columns: [", 1).replace(
        "currency_column: Currency}", "currency_column: Curency}", 1
    )
    assert _read(tmp_path, text=found).opportunities["amount"].tolist()[:2] == [100, 100]


def test_dates_in_another_format_and_a_column_of_its_own(tmp_path: Path) -> None:
    text = MAP.replace("currency_column: Currency}", "currency_column: Currency, date: created_date}", 1).replace(
        "  stage_history", '    dates: {created_date: "%d.%m.%Y"}\n  stage_history'
    )
    deals = HEAD + "D1,R,10.01.2024,won,2024-05-10,100,,USD\n"
    assert _read(tmp_path, text=text, deals=deals).opportunities["amount"].tolist() == [90]


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ("currency,rat\nUSD,1\n", r"line 1, rate: a required column is missing\. Did you mean rat"),
        ("currency,rate\nUSD,0\n", "line 2, rate: not a rate .*'0'"),
        ("currency,rate\nUSD,x\n", "line 2, rate: not a rate .*'x'"),
        ("currency,rate\nUS$,1\n", "line 2, currency: not a currency"),
        ("currency,rate\nEUR,1.1\n", "EUR is the currency wanted, so its rate is 1"),
        ("currency,rate,from\nUSD,1,1.1.2024\n", "line 2, from: not a date .*'1.1.2024'"),
        ("currency,rate\nUSD,1\nusd,2\n", "line 3, currency: the rate stands already in line 2"),
        ("currency,rate\n", "there are no rates"),
        ("currency,rate\nUSD,1,2\n", "line 2: the row has 3 cells"),
    ],
)
def test_rates_that_are_none(tmp_path: Path, rates: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        _read(tmp_path, rates=rates)


def test_all_wrong_rates_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2") as caught:
        _read(tmp_path, rates="currency,rate\nUSD,0\nGB,1\n")
    assert [problem.line for problem in caught.value.problems] == [2, 3]


def test_rates_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: the rates cannot be read"):
        open_exchange(CrmOptions("EUR", tmp_path / "none.csv"))
    (tmp_path / "odd.csv").write_bytes(b"currency,rate\nUSD,\xff\n")
    with pytest.raises(InputError, match="the text is not UTF-8"):
        open_exchange(CrmOptions("EUR", tmp_path / "odd.csv"))
    with pytest.raises(InputError, match="not the currency that they lead to"):
        open_exchange(CrmOptions(rates=pd.DataFrame({"currency": ["USD"], "rate": [1.0]})))


def test_options_are_checked_at_once() -> None:
    with pytest.raises(InputError, match="not a currency") as caught:
        CrmOptions("euro", fiscal_year_start=13)
    assert len(caught.value.problems) == 2
    assert CrmOptions(" eur ").currency == "EUR"
