"""The quality report: what single findings say, of whom, since when and with which examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from damages import (
    CUT,
    deals_that_are,
    drifting,
    found_in,
    misspelt,
    no_account,
    no_early_closings,
    reopened,
    set_deals,
    spoilt,
    strange_account,
    unknown_word,
)
from spmforecast.data import read_history
from spmforecast.data.maps import parse_map
from tidy import tidy_history, tidy_tables


def test_the_nearest_match_is_named() -> None:
    examples = found_in(spoilt(strange_account), "unmatched_keys", column="account_id").iloc[0]["examples"]
    assert examples == "a 0002 ~ A-0002; X-77"
    examples = found_in(spoilt(misspelt), "misspellings", column="product").iloc[0]["examples"]
    assert "Core sytem ~ Core system (1)" in examples
    assert "core-system ~ Core system (1)" in examples
    examples = found_in(spoilt(unknown_word), "misspellings", column="industry").iloc[0]["examples"]
    assert examples.startswith("technolgy ~ technology (")


def test_empty_cells_say_whose_they_are() -> None:
    effect = found_in(spoilt(no_account), "empty_cells", column="account_id").iloc[0]["effect"]
    assert "no account_id, all of them open:" in effect


def test_the_win_rate_runs_from_and_to() -> None:
    found = found_in(spoilt(drifting), "win_rate_drift", column="status").iloc[0]
    assert "runs from 0 % (2023Q1) to " in found["effect"]
    assert found["examples"].startswith("2023Q1: 0 %; ")


def test_reversed_bookings_are_summed() -> None:
    tables = tidy_tables()
    rows = deals_that_are(tables, "won")[:2]
    worth = tables["opportunities"].loc[rows, "amount"].sum()
    effect = found_in(spoilt(reopened), "reopened_wins", column="status").iloc[0]["effect"]
    assert f"bookings of {worth:,.0f} were taken back" in effect


def test_observed_from_answers_late_closings() -> None:
    tables = tidy_tables()
    no_early_closings(tables)
    told = read_history(tables, observed_from="2023-10-01", max_rejected_share=1.0)
    found = found_in(told, "late_first_records", "opportunities", "close_date").iloc[0]
    assert found["mend"] == "None is needed: observed_from says so."


def test_a_deal_that_closes_before_it_is_created() -> None:
    # Reading rejects such a row; a history made otherwise may still hold one.
    history = tidy_history()
    deals = history.opportunities.copy()
    deals.loc[deals["status"] == "won", "close_date"] = pd.Timestamp("2020-01-01")
    found = found_in(
        replace(history, tables={**history.tables, "opportunities": deals}), "impossible_dates", column="close_date"
    )
    assert found["rows"].tolist() == [(deals["status"] == "won").sum()]


def test_no_open_deal_is_old() -> None:
    found = found_in(tidy_history(tidy_tables(deals=1800)), "no_old_open_deals", column="created_date")
    assert found["rows"].tolist() == [(tidy_tables(deals=1800)["opportunities"]["status"] == "open").sum()]
    assert "though" in found.iloc[0]["effect"]


def test_what_a_map_leaves_out_or_cannot_look_up_is_told() -> None:
    tables = tidy_tables()
    tables["products"] = pd.DataFrame(
        {"name": ["Core-system", "Plus package", "Suite license"], "line": ["a", "b", "c"]}
    )
    chart = parse_map(
        "tables:\n  opportunities:\n    file: opportunities\n"
        "    join: {file: products, on: {product: name}, take: {line: line}}\n"
        "    exclude: {where: {lead_source: partner}, reason: partners do not count}\n"
    )
    history = read_history(tables, map=chart, max_rejected_share=1.0)
    partners = (tables["opportunities"]["lead_source"] == "partner").sum()
    found = found_in(history, "left_out_rows", "opportunities")
    assert found["rows"].tolist() == [partners]
    assert "partners do not count" in found.iloc[0]["effect"]
    found = found_in(history, "unmatched_lookups", "opportunities")
    assert found["rows"].tolist() == [(tables["opportunities"]["product"] == "Core system").sum()]
    assert found.iloc[0]["examples"] == "Core system ~ Core-system"
    # They count rows of every date, so a view as of a day tells them on request only.
    assert found_in(history, "left_out_rows", day=CUT).empty
    assert len(found_in(history, "left_out_rows", day=CUT, files=True)) == 1


def test_an_amount_that_only_events_tell_is_known() -> None:
    tables = tidy_tables()
    rows = deals_that_are(tables, "won")[:3]
    set_deals(tables, rows, amount=np.nan)
    history = tidy_history(tables)
    assert found_in(history, "won_without_amount", column="amount").empty
    assert not any("count as 0" in said for said in history.warnings)
    ids = tables["opportunities"]["opportunity_id"].iloc[rows]
    view = history.as_of(CUT).opportunities.set_index("opportunity_id")["amount"]
    assert view[view.index.isin(ids)].notna().all()
