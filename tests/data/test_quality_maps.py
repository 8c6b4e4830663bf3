"""What a map does on purpose is told: rows that it leaves out, and names that it brings to another spelling."""

from __future__ import annotations

import pandas as pd

from spmforecast.data import History, read_history
from spmforecast.data.maps import parse_map
from spmforecast.data.quality import QualityRules, quality_report
from tidy import tidy_tables

LEAVING_OUT = (
    "tables:\n  opportunities:\n    file: opportunities\n"
    "    exclude: {where: {lead_source: partner}, reason: partners do not count}\n"
)
TRANSLATING = (
    "tables:\n  opportunities:\n    file: opportunities\n"
    "    values:\n"
    "      product: {Core-System: Core system, Plus pakage: Plus package}\n"
    "      segment: {Small: SMB}\n"
    "      forecast_category: {Best Case: best_case}\n"
    "      status: {Won: won}\n"
)


def _mapped(text: str, tables: dict[str, pd.DataFrame]) -> History:
    return read_history(tables, map=parse_map(text), max_rejected_share=1.0)


def _misspelt() -> dict[str, pd.DataFrame]:
    tables = tidy_tables()
    deals = tables["opportunities"]
    cores, plus = deals.index[deals["product"] == "Core system"], deals.index[deals["product"] == "Plus package"]
    deals.loc[cores[:7], "product"] = "Core-System"
    deals.loc[plus[:2], "product"] = "Plus pakage"
    deals.loc[deals.index[deals["status"] == "won"], "status"] = "Won"
    deals["forecast_category"] = "Best Case"
    return tables


def test_the_finding_of_rows_left_out_in_its_words() -> None:
    tables = tidy_tables()
    report = quality_report(_mapped(LEAVING_OUT, tables))
    found = report[(report["rule"] == "left_out_rows") & (report["table"] == "opportunities")]
    assert len(found) == 1
    one = found.iloc[0]
    partners = (tables["opportunities"]["lead_source"] == "partner").sum()
    assert (one["rows"], one["share"], one["examples"]) == (partners, partners / 900, "opportunities")
    assert one["effect"] == (
        "Rows are left out on purpose (partners do not count): nothing they hold reaches the forecast."
    )
    assert one["mend"] == (
        "None is needed if the reason is right; else complete the rows, or change the map that leaves them out."
    )
    # Their events go with them: that is counted and shown apart, and is no finding of its own.
    assert report[report["rule"] == "left_out_rows"]["table"].tolist() == ["opportunities"]


def test_names_that_a_map_puts_right_are_still_told() -> None:
    history = _mapped(TRANSLATING, _misspelt())
    report = quality_report(history)
    found = report[report["rule"] == "mapped_spellings"]
    assert found[["table", "column", "rows"]].to_numpy().tolist() == [["opportunities", "product", 9]]
    assert found.iloc[0]["examples"] == "Core-System ~ Core system (7); Plus pakage ~ Plus package (2)"
    assert found.iloc[0]["share"] == 9 / 900
    assert "the map writes them alike" in found.iloc[0]["effect"]
    assert not (report["rule"] == "misspellings").any()


def test_every_name_that_a_map_changes_is_recorded_and_the_tables_own_words_are_not() -> None:
    tables = _misspelt()
    told = _mapped(TRANSLATING, tables).translations
    assert told["column"].tolist() == ["product", "product", "segment", "forecast_category"]
    assert told["became"].tolist() == ["Core system", "Plus package", "SMB", "best_case"]
    small = (tables["opportunities"]["segment"] == "Small").sum()
    assert told["rows"].tolist() == [7, 2, small, 900]
    assert read_history(tidy_tables()).translations.empty


def test_rows_that_are_left_out_do_not_count_as_put_right() -> None:
    tables = _misspelt()
    tables["opportunities"].loc[tables["opportunities"]["product"] == "Plus pakage", "lead_source"] = "nobody"
    text = TRANSLATING + "    exclude: {where: {lead_source: nobody}, reason: not ours}\n"
    assert "Plus pakage" not in _mapped(text, tables).translations["value"].tolist()


def test_the_rule_can_be_skipped_and_is_no_part_of_a_view_as_of_a_day() -> None:
    history = _mapped(TRANSLATING, _misspelt())
    skipped = quality_report(history, QualityRules(skip=("mapped_spellings",)))
    assert not (skipped["rule"] == "mapped_spellings").any()
    assert not (quality_report(history, day="2024-06-30")["rule"] == "mapped_spellings").any()
    assert (quality_report(history, day="2024-06-30", files=True)["rule"] == "mapped_spellings").any()
