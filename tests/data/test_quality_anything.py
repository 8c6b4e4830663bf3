"""The quality report: no records are too odd to look at, and neither the order of rows nor the future changes it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from damages import (
    CASES,
    CUT,
    backwards,
    manager_counted_twice,
    misspelt,
    overdue,
    quotas_too_early,
    quotas_too_far,
    reason_of_loss,
    same_id,
    swept,
    telling_score,
    void_row,
)
from spmforecast.data import History, read_history
from spmforecast.data.quality import REPAIRS, QualityRules, quality_report, repair
from tidy import tidy_history, tidy_tables


def test_what_comes_later_changes_nothing() -> None:
    tables = tidy_tables()
    for spoil in (misspelt, overdue, swept, backwards, telling_score, reason_of_loss):
        spoil(tables)
    before = quality_report(tidy_history(tables), day=CUT)
    assert len(before) >= 3
    rng = np.random.default_rng(11)
    deals, events = tables["opportunities"], tables["stage_history"]
    late = deals["created_date"] > CUT
    deals.loc[late, "product"] = [f"Core syste{k}" for k in rng.integers(0, 9, late.sum())]
    deals.loc[late, "owner_id"] = "R99"
    deals.loc[late, "amount"] = rng.lognormal(20, 3, late.sum())
    gone = (deals["status"] != "open") & (deals["close_date"] > CUT)
    deals.loc[gone, "amount"] = 1e12
    later = events["entered_date"] > CUT
    events.loc[later, "amount"] = 1e12
    events.loc[later, "owner_id"] = "R99"
    pd.testing.assert_frame_equal(quality_report(tidy_history(tables), day=CUT), before)


def test_a_history_without_deals_and_one_without_anything() -> None:
    day = pd.date_range("2023-01-01", periods=400, freq="D")
    ledger = pd.DataFrame({"rep_id": "R1", "date": day.delete(slice(100, 180)), "amount": 100.0})
    report = quality_report(read_history({"bookings": ledger}))
    assert report[["rule", "table", "rows"]].values.tolist() == [["gaps", "bookings", 80]]
    assert report.iloc[0]["examples"] == "2023-04-11 to 2023-06-29"
    assert quality_report(History({})).empty


@settings(max_examples=8)
@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(CASES), min_size=1, max_size=3))
def test_the_order_of_rows_does_not_matter(random: object, cases: list[object]) -> None:
    tables = tidy_tables(deals=300)
    for case in cases:
        if case[0] not in (
            same_id,
            void_row,
            quotas_too_far,
            quotas_too_early,
            manager_counted_twice,
        ):  # these count rows by place
            case[0](tables)
    key = ["rule", "table", "column", "rows", "share"]
    plain = quality_report(tidy_history(tables))[key]
    seed = random.randrange(2**31)
    # Events of one instant keep the order of the file, so they are not shuffled.
    deals = tables["opportunities"].sample(frac=1.0, random_state=seed).reset_index(drop=True)
    mixed = quality_report(tidy_history({**tables, "opportunities": deals}))[key]
    order = ["rule", "table", "column", "rows"]
    pd.testing.assert_frame_equal(
        mixed.sort_values(order, ignore_index=True), plain.sort_values(order, ignore_index=True)
    )


WHEN = st.sampled_from(["2023-01-01", "2023-01-02", "2023-06-30", "2024-05-01", "2099-12-31"])
DEALS = st.lists(
    st.fixed_dictionaries(
        {
            "owner_id": st.sampled_from(["R1", "r 1", "R2", "(none)"]),
            "created_date": WHEN,
            "status": st.sampled_from(["open", "won", "lost"]),
            "amount": st.sampled_from([None, 0, 1, 1e15]),
            "close_date": st.one_of(st.none(), WHEN),
            "account_id": st.sampled_from([None, "A", "a"]),
            "stage": st.sampled_from([None, "Offer", "offer", "Ofer", "0"]),
            "score": st.sampled_from([None, "1", "inf", "nan", "x"]),
        }
    ),
    max_size=12,
)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "opportunity_id": st.sampled_from(["D0", "D1", "D2", "D11"]),
            "stage": st.sampled_from(["Offer", "offer", "Won"]),
            "entered_date": WHEN,
            "status": st.sampled_from([None, "open", "won", "lost"]),
        }
    ),
    max_size=12,
)


@settings(max_examples=20)
@given(DEALS, EVENTS, st.one_of(st.none(), WHEN))
def test_no_records_are_too_odd_to_look_at(deals: list[object], events: list[object], day: str | None) -> None:
    frame = pd.DataFrame(
        deals, columns=["owner_id", "created_date", "status", "amount", "close_date", "account_id", "stage", "score"]
    )
    frame.insert(0, "opportunity_id", [f"D{k}" for k in range(len(frame))])
    tables = {
        "opportunities": frame,
        "stage_history": pd.DataFrame(events, columns=["opportunity_id", "stage", "entered_date", "status"]),
        "reps": pd.DataFrame({"rep_id": ["R1"]}),
        "bookings": pd.DataFrame({"rep_id": ["R1"], "date": ["2023-01-01"], "amount": [0.0]}),
    }
    history = read_history(tables, max_rejected_share=1.0)
    known = history if day is None else history.as_of(day)
    loose = QualityRules(
        dead_least_exits=0, past_close_days=0, gap_days=0, empty_share=0.0, back_share=0.0, rare_share=1.0,
        outcome_auc=0.5, drift_spread=0.0, instant_share=0.0, one_stage_share=0.0, clean_up_least=0,
        clean_up_factor=0.0,
    )  # fmt: skip
    for rules in (QualityRules(), loose):
        report = quality_report(known, rules)
        assert report["share"].between(0, 1).all()
        assert (report["rows"] >= 1).all()
        repaired = repair(known, REPAIRS, rules)
        assert set(repaired.repairs["repair"]) <= set(REPAIRS)
        assert repaired.opportunities["opportunity_id"].is_unique
