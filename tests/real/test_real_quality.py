"""Public data sets with known quirks, which their own descriptions name: the quality report finds every one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from spmforecast.data import History, read_history
from spmforecast.data.crm import CrmOptions
from spmforecast.data.maps import parse_map
from spmforecast.data.quality import quality_report

HERE = Path(__file__).parent
Shared = Callable[[str], Path]


class Report:
    """A quality report, asked for one finding at a time."""

    def __init__(self, history: History) -> None:
        self.table = quality_report(history)

    @classmethod
    def of(cls, folder: Path, text: str) -> Report:
        return cls(read_history(folder, map=parse_map(text)))

    def find(self, rule: str, table: str, column: str = "") -> pd.Series:
        hit = (self.table["rule"] == rule) & (self.table["table"] == table) & (self.table["column"] == column)
        assert hit.sum() == 1, f"{rule} {table}.{column} among {self.table['rule'].tolist()}"
        return self.table[hit].iloc[0]

    def has(self, rule: str) -> bool:
        return bool((self.table["rule"] == rule).any())


def _map(folder: str) -> str:
    return (HERE / folder / "map.yaml").read_text(encoding="utf-8")


def _without(text: str, *lines: str) -> str:
    for line in lines:
        assert line in text
        text = text.replace(line, "")
    return text


@pytest.fixture(scope="module")
def maven(shared_data: Shared) -> Report:
    # The map as it ships mends two of the quirks, each by a line of its own; here they stand as they came.
    text = _without(
        _map("maven_crm"), "      product: {GTXPro: GTX Pro}", "    values:\n      industry: {technolgy: technology}\n"
    )
    product = (
        "      - file: products.csv\n        on: {product: product}\n        take: {series: series}\n    exclude:\n"
    )
    return Report.of(shared_data("maven_crm"), text.replace("    exclude:\n", product, 1))


def test_maven_product_that_the_price_list_spells_otherwise(maven: Report) -> None:
    found = maven.find("unmatched_lookups", "opportunities")
    assert (found["rows"], found["examples"]) == (1480, "GTXPro ~ GTX Pro")


def test_maven_misspelt_sector_and_country(maven: Report) -> None:
    found = maven.find("misspellings", "accounts", "industry")
    assert (found["rows"], found["examples"]) == (12, "technolgy ~ technology (12)")
    assert maven.find("misspellings", "accounts", "office_location")["examples"] == "Philipines ~ Philippines (1)"


def test_maven_names_that_the_shipped_map_puts_right_are_still_told(shared_data: Shared) -> None:
    report = Report.of(shared_data("maven_crm"), _map("maven_crm"))
    found = report.find("mapped_spellings", "opportunities", "product")
    # 1,480 in the file, of which 80 belong to the deals without any date that the map leaves out.
    assert (found["rows"], found["examples"]) == (1480 - 80, "GTXPro ~ GTX Pro (1,400)")
    found = report.find("mapped_spellings", "accounts", "industry")
    assert (found["rows"], found["examples"]) == (12, "technolgy ~ technology (12)")
    assert report.find("misspellings", "accounts", "office_location")["examples"] == "Philipines ~ Philippines (1)"


def test_maven_accounts_are_missing_for_open_deals_only(maven: Report) -> None:
    found = maven.find("empty_cells", "opportunities", "account_id")
    # 1,425 in the file, of which 337 belong to the deals without any date that the map leaves out.
    assert found["rows"] == 1425 - 337
    assert "all of them open" in found["effect"]


def test_maven_deals_without_any_date(maven: Report) -> None:
    found = maven.find("left_out_rows", "opportunities")
    assert found["rows"] == 500
    assert "no date at all" in found["effect"]


def test_maven_no_closing_before_march_and_no_stage_history(maven: Report) -> None:
    found = maven.find("late_first_records", "opportunities", "close_date")
    assert found["examples"] == "closings from 2017-03-01; deals from 2016-10-20"
    assert maven.find("no_stage_history", "stage_history", "opportunity_id")["rows"] == 8300


@pytest.fixture(scope="module")
def regional(shared_data: Shared) -> Report:
    return Report.of(shared_data("ms_regional_sales"), _map("ms_regional_sales"))


def test_regional_cycles_are_too_near_normal(regional: Report) -> None:
    assert "bell-shaped" in regional.find("made_up_cycles", "opportunities", "close_date")["effect"]


def test_regional_losses_stand_in_the_first_stage(regional: Report) -> None:
    found = regional.find("losses_in_one_stage", "opportunities", "stage")
    assert (found["rows"], found["examples"]) == (6542, "1-Qualify")
    assert found["share"] == pytest.approx(6542 / 7385)


def test_regional_raw_probability_tells_the_outcome(regional: Report) -> None:
    found = regional.find("outcome_columns", "opportunities", "Probability (raw)")
    assert "tells won deals from lost ones" in found["effect"]


def test_regional_open_deals_are_all_young(regional: Report) -> None:
    found = regional.find("no_old_open_deals", "opportunities", "created_date")
    assert found["rows"] == 5333
    assert "before 2021-05-17" in found["effect"]


def test_regional_win_rate_drifts(regional: Report) -> None:
    effect = regional.find("win_rate_drift", "opportunities", "status")["effect"]
    assert "to 81 % (2020Q3)" in effect


def test_regional_campaigns_are_missing_for_a_third(regional: Report) -> None:
    assert regional.find("empty_cells", "opportunities", "lead_source")["rows"] == 6732


def _adventure(shared_data: Shared, start: str, end: str, instead: str) -> Report:
    text = _map("adventureworks")
    begin = text.index(f"  {start}:\n")
    stop = text.index(f"  {end}:\n") if end else len(text)
    return Report.of(shared_data("adventureworks"), text[:begin] + instead + text[stop:])


@pytest.fixture(scope="module")
def laboratory(shared_data: Shared) -> Report:
    months = [f"{year}-{month:02d}" for year in range(2017, 2022) for month in range(1, 13)]
    periods = ", ".join(f'"{month}-01": "{month}"' for month in months)
    targets = (
        "  quotas:\n    file: targets_monthly.csv\n    rename: {TargetMonth: period, TargetAmount: quota}\n"
        "    join: {file: salesperson.csv, on: {EmployeeID: EmployeeID}, take: {EmployeeKey: rep_id}}\n"
        f"    values: {{period: {{{periods}}}}}\n"
    )
    return _adventure(shared_data, "quotas", "", targets)


def test_adventure_targets_reach_beyond_the_sales(laboratory: Report) -> None:
    found = laboratory.find("quotas_beyond_record", "quotas", "period")
    assert found["examples"] == "quotas to 2021-12; record to 2020-06-30"


def test_adventure_targets_of_managers_overlap_those_of_reps(laboratory: Report) -> None:
    assert laboratory.find("quotas_of_managers", "quotas", "rep_id")["rows"] == 168


def test_adventure_targets_are_four_times_the_sales(laboratory: Report) -> None:
    assert "23 % were booked" in laboratory.find("quotas_out_of_scale", "quotas", "quota")["effect"]


def test_adventure_quotas_of_the_warehouse_fit(shared_data: Shared) -> None:
    report = Report.of(shared_data("adventureworks"), _map("adventureworks"))
    assert not any(report.has(rule) for rule in ("quotas_out_of_scale", "quotas_of_managers", "quotas_beyond_record"))


def _by_own_date(shared_data: Shared, file: str, rep: str, date: str, quota: str) -> Report:
    """Take quotas by the month of the date that they came with."""
    days = pd.read_csv(shared_data("adventureworks") / file, dtype="str")[date].unique()
    months = ", ".join(f'"{day}": "{pd.Timestamp(day):%Y-%m}"' for day in days)
    dated = (
        f"  quotas:\n    file: {file}\n    rename: {{{rep}: rep_id, {date}: period, {quota}: quota}}\n"
        f"    values: {{period: {{{months}}}}}\n"
    )
    return _adventure(shared_data, "quotas", "", dated)


def test_adventure_quotas_are_dated_years_before_the_sales(shared_data: Shared) -> None:
    # The map takes the quarters that were aligned with the sales instead.
    report = _by_own_date(shared_data, "quota_quarterly.csv", "EmployeeKey", "DateKey", "SalesAmountQuota")
    found = report.find("quotas_beyond_record", "quotas", "period")
    assert (found["rows"], found["examples"]) == (163, "quotas from 2010-12; record from 2017-07-01")


def test_adventure_quotas_of_the_other_database_were_moved(shared_data: Shared) -> None:
    report = _by_own_date(
        shared_data, "oltp_SalesPersonQuotaHistory.csv", "BusinessEntityID", "QuotaDate", "SalesQuota"
    )
    found = report.find("quotas_beyond_record", "quotas", "period")
    assert (found["rows"], found["examples"]) == (163, "quotas to 2025-02; record to 2020-06-30")
    assert report.find("unmatched_keys", "quotas", "rep_id")["rows"] > 0


def test_adventure_reps_share_territories(shared_data: Shared) -> None:
    several = (
        "  reps:\n    file: salesperson_region.csv\n"
        "    rename: {EmployeeKey: rep_id, SalesTerritoryKey: territory_id}\n"
    )
    text = _map("adventureworks")
    text = text[: text.index("  reps:\n")] + several + text[text.index("  territories:\n") :]
    history = read_history(shared_data("adventureworks"), map=parse_map(text), max_rejected_share=1.0)
    report = quality_report(history)
    found = report[(report["rule"] == "duplicate_ids") & (report["table"] == "reps")]
    assert found["rows"].tolist() == [39 - 18]


def test_adventure_dates_of_the_other_database_were_moved(shared_data: Shared) -> None:
    moved = (
        "  reps:\n    file: oltp_SalesTerritoryHistory.csv\n"
        "    rename: {BusinessEntityID: rep_id, TerritoryID: territory_id, StartDate: effective_from, EndDate: until}\n"
    )
    report = _adventure(shared_data, "reps", "territories", moved)
    found = report.find("tables_apart", "reps", "effective_from")
    assert found["examples"].startswith("reps 2022-05-30 to ")


@pytest.fixture(scope="module")
def loans(shared_data: Shared) -> Report:
    return Report.of(shared_data("bpic2012"), _map("bpic2012"))


def test_loans_are_declined_within_minutes(loans: Report) -> None:
    found = loans.find("instant_closings", "opportunities", "close_date")
    assert "half of them within 1 minute" in found["effect"]
    assert found["share"] > 0.5


def test_loans_of_the_last_weeks_are_still_open(loans: Report) -> None:
    found = loans.find("no_old_open_deals", "opportunities", "created_date")
    assert found["rows"] == 399
    assert "right censoring" in found["effect"]


def test_loan_amounts_are_those_asked_for(loans: Report) -> None:
    assert "never changes" in loans.find("only_final_values", "stage_history", "amount")["effect"]
    assert loans.find("zero_amounts_of_lost", "opportunities", "amount")["rows"] == 1


def test_loans_have_several_offers(shared_data: Shared) -> None:
    # The map keeps the states of the application; with those of its offers, stages are passed again and again.
    text = _map("bpic2012")
    begin, stop = text.index("    where:\n"), text.index("    join:\n")
    found = Report.of(shared_data("bpic2012"), text[:begin] + text[stop:]).find("back_moves", "stage_history", "stage")
    assert "O_SENT" in found["examples"]


def test_loans_end_once_each(loans: Report) -> None:
    # No application has more than one final state.
    assert not loans.has("reopened_deals")
    assert not loans.has("reopened_wins")


def test_salesforce_rows_of_a_warehouse(shared_data: Shared) -> None:
    options = CrmOptions(deleted="keep")
    history = read_history(
        shared_data("crm_schema_samples"), crm="salesforce", crm_options=options, max_rejected_share=0.1
    )
    report = Report(history)
    found = report.find("rejected_rows", "opportunities", "close_date")
    assert (found["rows"], found["effect"]) == (
        1,
        "Rows were rejected and are not used: closes before it was created.",
    )
    assert report.find("won_without_amount", "opportunities", "amount")["rows"] == 3
    assert report.find("past_close_dates", "opportunities", "close_date")["examples"] == "006q000000HdOhuAAF"


def test_hubspot_rows_of_a_warehouse(shared_data: Shared, tmp_path: Path) -> None:
    for path in shared_data("crm_schema_samples").glob("hubspot_*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    report = Report(read_history(tmp_path, crm="hubspot"))
    assert report.find("no_stage_history", "stage_history", "opportunity_id")["rows"] == 44
    assert report.find("unknown_while_open", "opportunities", "amount")["rows"] == 44
    found = report.find("left_out_rows", "stage_history")
    assert (found["rows"], found["share"]) == (14, 1.0)
    assert "its deal is not in the export" in found["effect"]
