"""The quality report: a tidy company has no findings; each damage is found by its own rule, with its count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data import History, read_history
from spmforecast.data.maps import parse_map
from spmforecast.data.quality import REPAIRS, RULES, Finding, QualityRules, quality_report, repair
from spmforecast.data.quality.files import told_in_groups, without_figures
from spmforecast.errors import Problem
from tidy import END, tidy_history, tidy_tables

Tables = dict[str, pd.DataFrame]
CUT = "2024-06-30"


def _rows(tables: Tables, status: str) -> pd.Index:
    deals = tables["opportunities"]
    return deals.index[deals["status"] == status]


def _own(tables: Tables, rows: object, **values: object) -> None:
    for name, value in values.items():
        tables["opportunities"].loc[rows, name] = value


def duplicates(t: Tables) -> None:
    again = t["opportunities"].iloc[:3].assign(opportunity_id=["D-1", "D-2", "D-3"])
    t["opportunities"] = pd.concat([t["opportunities"], again], ignore_index=True)


def stray_year(t: Tables) -> None:
    t["stage_history"].loc[5, "entered_date"] = pd.Timestamp("2099-01-01")


def early_event(t: Tables) -> None:
    t["stage_history"].loc[0, "entered_date"] = pd.Timestamp("2022-12-20")


def late_event(t: Tables) -> None:
    row = t["stage_history"].iloc[[0]].assign(entered_date=END, status=None, stage="Proposal")
    t["stage_history"] = pd.concat([t["stage_history"], row], ignore_index=True)


def overdue(t: Tables) -> None:
    _own(t, _rows(t, "open")[:4], created_date=pd.Timestamp("2024-05-01"), close_date=pd.Timestamp("2024-08-01"))


def at_once(t: Tables) -> None:
    rows = _rows(t, "lost")[:200]
    _own(t, rows, close_date=t["opportunities"].loc[rows, "created_date"])


def imported(t: Tables) -> None:
    _own(t, t["opportunities"].index[100:220], created_date=pd.Timestamp("2023-01-02"))


def forgotten(t: Tables) -> None:
    row = _rows(t, "open")[0]
    name = t["opportunities"].loc[row, "opportunity_id"]
    events = t["stage_history"]
    events.loc[events["opportunity_id"] == name, "entered_date"] = pd.Timestamp("2023-03-01")
    _own(t, row, created_date=pd.Timestamp("2023-03-01"))


def won_for_nothing(t: Tables) -> None:
    _own(t, _rows(t, "won")[:2], amount=0.0)


def won_for_unknown(t: Tables) -> None:
    rows = _rows(t, "won")[:3]
    _own(t, rows, amount=np.nan)
    theirs = t["stage_history"]["opportunity_id"].isin(t["opportunities"]["opportunity_id"].iloc[rows])
    t["stage_history"].loc[theirs, "amount"] = np.nan


def lost_for_nothing(t: Tables) -> None:
    _own(t, _rows(t, "lost"), amount=0.0)


def huge(t: Tables) -> None:
    t["opportunities"].loc[7, "amount"] *= 1e6


def huge_booking(t: Tables) -> None:
    day = pd.date_range("2023-01-01", periods=200, freq="3D")
    amounts = np.random.default_rng(3).lognormal(6, 0.5, 200)
    amounts[50] = 1e9
    t["bookings"] = pd.DataFrame({"rep_id": "R1", "date": day, "amount": amounts})


def backwards(t: Tables) -> None:
    events = t["stage_history"]
    second = events.index[events["stage"] == "Proposal"][:60]
    again = events.loc[second].assign(stage="Discovery")
    again["entered_date"] += pd.Timedelta(days=1)
    t["stage_history"] = pd.concat([events, again], ignore_index=True)


def reopened(t: Tables) -> None:
    rows = _rows(t, "won")[:2]
    names = t["opportunities"].loc[rows, "opportunity_id"]
    events = t["stage_history"]
    again = events[events["opportunity_id"].isin(names) & (events["status"] == "won")]
    more = again.assign(status="open", stage="Contract", entered_date=again["entered_date"] + pd.Timedelta(days=3))
    t["stage_history"] = pd.concat([events, more], ignore_index=True)
    _own(t, rows, status="open", close_date=END + pd.Timedelta(days=30))


def set_back(t: Tables) -> None:
    _own(t, _rows(t, "lost"), stage="Discovery")


def strange_account(t: Tables) -> None:
    _own(t, [0, 1], account_id=["a 0002", "X-77"])


def strange_owner(t: Tables) -> None:
    _own(t, [0, 1, 2], owner_id="R99")


def misspelt(t: Tables) -> None:
    _own(t, [0, 1], product=["Core sytem", "core-system"])


def unknown_word(t: Tables) -> None:
    t["accounts"]["industry"] = t["accounts"]["industry"].replace("technology", "technolgy")


def silent_summer(t: Tables) -> None:
    deals = t["opportunities"]
    summer = deals["created_date"].between("2023-06-01", "2023-08-31")
    t["opportunities"] = deals[~summer].reset_index(drop=True)


def no_early_closings(t: Tables) -> None:
    deals = t["opportunities"]
    early = (deals["status"] != "open") & (deals["close_date"] < "2023-10-01")
    t["opportunities"] = deals[~early].reset_index(drop=True)


def no_early_events(t: Tables) -> None:
    events = t["stage_history"]
    t["stage_history"] = events[events["entered_date"] >= "2023-10-01"].reset_index(drop=True)


def shifted_reps(t: Tables) -> None:
    t["reps"]["hire_date"] = "2031-01-01"


def no_account(t: Tables) -> None:
    _own(t, _rows(t, "open")[:30], account_id=None)


def no_events(t: Tables) -> None:
    del t["stage_history"]


def one_amount(t: Tables) -> None:
    events = t["stage_history"]
    events["amount"] = events.groupby("opportunity_id")["amount"].transform("first")


def open_unknown(t: Tables) -> None:
    _own(t, _rows(t, "open"), amount=None)
    names = set(t["opportunities"].loc[_rows(t, "open"), "opportunity_id"])
    t["stage_history"].loc[t["stage_history"]["opportunity_id"].isin(names), "amount"] = None


def telling_score(t: Tables) -> None:
    won = (t["opportunities"]["status"] == "won").to_numpy()
    t["opportunities"]["score"] = np.round(np.random.default_rng(5).random(len(won)) * 0.5 + 0.48 * won, 4)


def reason_of_loss(t: Tables) -> None:
    t["opportunities"]["reason"] = np.where(t["opportunities"]["status"] == "open", None, "price")


def drifting(t: Tables) -> None:
    deals = t["opportunities"]
    first = deals["created_date"] < "2023-04-01"
    # The won of the first quarter become lost; no amount is asked of a lost deal.
    _own(t, deals.index[first & (deals["status"] == "won")], status="lost")


def bell_shaped(t: Tables) -> None:
    rng = np.random.default_rng(9)
    rows = _rows(t, "won")
    more = pd.concat([t["opportunities"].loc[rows]] * 2, ignore_index=True)
    more["opportunity_id"] = [f"N-{k}" for k in range(len(more))]
    t["opportunities"] = pd.concat([t["opportunities"].drop(rows), more], ignore_index=True)
    rows = _rows(t, "won")
    cycle = pd.to_timedelta(np.round(rng.normal(100, 15, len(rows))), unit="D")
    _own(t, rows, close_date=t["opportunities"].loc[rows, "created_date"] + cycle)


def swept(t: Tables) -> None:
    deals = t["opportunities"]
    mine = deals.index[
        (deals["status"] == "lost") & (deals["owner_id"] == "R1") & (deals["created_date"] < "2024-03-01")
    ]
    _own(t, mine[:25], close_date=pd.Timestamp("2024-03-15"))


def _quotas(t: Tables, periods: list[str], amount: float) -> None:
    rows = [(f"R{k}", period, amount) for period in periods for k in range(1, 7)]
    t["quotas"] = pd.DataFrame(rows, columns=["rep_id", "period", "quota"])


def quotas_too_large(t: Tables) -> None:
    _quotas(t, ["2023Q2", "2023Q3", "2023Q4", "2024Q1", "2024Q2"], 9e6)


def quotas_too_far(t: Tables) -> None:
    _quotas(t, ["2031Q1"], 1e5)


def quotas_too_early(t: Tables) -> None:
    _quotas(t, ["2018Q1"], 1e5)


def manager_counted_twice(t: Tables) -> None:
    t["reps"]["role"] = ["Sales manager", *["seller"] * 5]
    _quotas(t, ["2024Q1"], 2e5)
    t["quotas"].loc[0, "quota"] = 1e6


def void_row(t: Tables) -> None:
    _own(t, [0, 1], status="wonn")


def same_id(t: Tables) -> None:
    t["opportunities"] = pd.concat([t["opportunities"], t["opportunities"].iloc[:2]], ignore_index=True)


CASES: list[tuple[Callable[[Tables], None], str, str, str, int | None]] = [
    (duplicates, "likely_duplicates", "opportunities", "opportunity_id", 3),
    (stray_year, "impossible_dates", "stage_history", "entered_date", 1),
    (early_event, "events_out_of_time", "stage_history", "entered_date", 1),
    (late_event, "events_out_of_time", "stage_history", "entered_date", 1),
    (overdue, "past_close_dates", "opportunities", "close_date", 4),
    (at_once, "instant_closings", "opportunities", "close_date", 200),
    (imported, "bulk_creation", "opportunities", "created_date", None),
    (forgotten, "dead_deals", "opportunities", "status", 1),
    (won_for_nothing, "zero_amounts", "opportunities", "amount", 2),
    (won_for_unknown, "won_without_amount", "opportunities", "amount", 3),
    (lost_for_nothing, "zero_amounts_of_lost", "opportunities", "amount", None),
    (huge, "outlying_amounts", "opportunities", "amount", 1),
    (huge_booking, "outlying_amounts", "bookings", "amount", 1),
    (backwards, "back_moves", "stage_history", "stage", 60),
    (reopened, "reopened_deals", "stage_history", "status", 2),
    (reopened, "reopened_wins", "stage_history", "status", 2),
    (set_back, "losses_in_one_stage", "opportunities", "stage", None),
    (strange_account, "unmatched_keys", "opportunities", "account_id", 2),
    (strange_owner, "owners_not_among_reps", "opportunities", "owner_id", 3),
    (misspelt, "misspellings", "opportunities", "product", 2),
    (unknown_word, "misspellings", "accounts", "industry", None),
    (silent_summer, "gaps", "opportunities", "created_date", None),
    (no_early_closings, "late_first_records", "opportunities", "close_date", None),
    (no_early_events, "late_first_records", "stage_history", "entered_date", None),
    (shifted_reps, "tables_apart", "reps", "hire_date", 6),
    (no_account, "empty_cells", "opportunities", "account_id", 30),
    (no_events, "no_stage_history", "stage_history", "opportunity_id", 900),
    (one_amount, "only_final_values", "stage_history", "amount", 900),
    (open_unknown, "unknown_while_open", "opportunities", "amount", None),
    (telling_score, "outcome_columns", "opportunities", "score", None),
    (reason_of_loss, "outcome_columns", "opportunities", "reason", None),
    (drifting, "win_rate_drift", "opportunities", "status", None),
    (bell_shaped, "made_up_cycles", "opportunities", "close_date", None),
    (swept, "clean_up_days", "opportunities", "close_date", 25),
    (quotas_too_large, "quotas_out_of_scale", "quotas", "quota", 30),
    (quotas_too_far, "quotas_beyond_record", "quotas", "period", 6),
    (quotas_too_early, "quotas_beyond_record", "quotas", "period", 6),
    (manager_counted_twice, "quotas_of_managers", "quotas", "rep_id", 1),
    (void_row, "rejected_rows", "opportunities", "status", 2),
    (same_id, "duplicate_ids", "opportunities", "opportunity_id", 2),
]
ELSEWHERE = {
    "unmatched_lookups",
    "left_out_rows",
    "mapped_spellings",
    "no_old_open_deals",
    "outlying_bookings",
    "unknown_words",
}


def _spoilt(spoil: Callable[[Tables], None]) -> History:
    tables = tidy_tables()
    spoil(tables)
    return tidy_history(tables)


def _found(history: History, rule: str, table: str = "", column: str = "", **options: object) -> pd.DataFrame:
    report = quality_report(history, **options)
    return report[(report["rule"] == rule) & ((report["table"] == table) | (not table)) & (report["column"] == column)]


@pytest.fixture(scope="module")
def tidy() -> History:
    return tidy_history()


def test_a_tidy_company_has_no_findings(tidy: History) -> None:
    assert quality_report(tidy).empty
    assert quality_report(tidy, day=CUT).empty


@pytest.mark.parametrize(
    ("spoil", "rule", "table", "column", "rows"), CASES, ids=[f"{case[0].__name__}-{case[1]}" for case in CASES]
)
def test_each_damage_is_found(
    spoil: Callable[[Tables], None], rule: str, table: str, column: str, rows: int | None
) -> None:
    found = _found(_spoilt(spoil), rule, table, column)
    assert len(found) == 1
    one = found.iloc[0]
    assert one["rows"] == rows if rows is not None else one["rows"] > 0
    assert 0 < one["share"] <= 1
    assert one["effect"].endswith(".")
    assert one["mend"].endswith((".", "?"))


def test_every_rule_has_a_case() -> None:
    assert {case[1] for case in CASES} | ELSEWHERE >= set(RULES)


def test_a_skipped_rule_is_silent_and_a_limit_moves_it() -> None:
    history = _spoilt(overdue)
    assert len(_found(history, "past_close_dates", column="close_date")) == 1
    for rules in (QualityRules(skip=("past_close_dates",)), QualityRules(past_close_days=400)):
        assert _found(history, "past_close_dates", column="close_date", rules=rules).empty


def test_the_nearest_match_is_named() -> None:
    examples = _found(_spoilt(strange_account), "unmatched_keys", column="account_id").iloc[0]["examples"]
    assert examples == "a 0002 ~ A-0002; X-77"
    examples = _found(_spoilt(misspelt), "misspellings", column="product").iloc[0]["examples"]
    assert "Core sytem ~ Core system (1)" in examples
    assert "core-system ~ Core system (1)" in examples
    examples = _found(_spoilt(unknown_word), "misspellings", column="industry").iloc[0]["examples"]
    assert examples.startswith("technolgy ~ technology (")


def test_empty_cells_say_whose_they_are() -> None:
    effect = _found(_spoilt(no_account), "empty_cells", column="account_id").iloc[0]["effect"]
    assert "no account_id, all of them open:" in effect


def test_the_win_rate_runs_from_and_to() -> None:
    found = _found(_spoilt(drifting), "win_rate_drift", column="status").iloc[0]
    assert "runs from 0 % (2023Q1) to " in found["effect"]
    assert found["examples"].startswith("2023Q1: 0 %; ")


def test_reversed_bookings_are_summed() -> None:
    tables = tidy_tables()
    rows = _rows(tables, "won")[:2]
    worth = tables["opportunities"].loc[rows, "amount"].sum()
    effect = _found(_spoilt(reopened), "reopened_wins", column="status").iloc[0]["effect"]
    assert f"bookings of {worth:,.0f} were taken back" in effect


def test_observed_from_answers_late_closings() -> None:
    tables = tidy_tables()
    no_early_closings(tables)
    told = read_history(tables, observed_from="2023-10-01", max_rejected_share=1.0)
    found = _found(told, "late_first_records", "opportunities", "close_date").iloc[0]
    assert found["mend"] == "None is needed: observed_from says so."


def test_a_deal_that_closes_before_it_is_created() -> None:
    # Reading rejects such a row; a history made otherwise may still hold one.
    history = tidy_history()
    deals = history.opportunities.copy()
    deals.loc[deals["status"] == "won", "close_date"] = pd.Timestamp("2020-01-01")
    found = _found(
        replace(history, tables={**history.tables, "opportunities": deals}), "impossible_dates", column="close_date"
    )
    assert found["rows"].tolist() == [(deals["status"] == "won").sum()]


def test_no_open_deal_is_old() -> None:
    found = _found(tidy_history(tidy_tables(deals=1800)), "no_old_open_deals", column="created_date")
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
    found = _found(history, "left_out_rows", "opportunities")
    assert found["rows"].tolist() == [partners]
    assert "partners do not count" in found.iloc[0]["effect"]
    found = _found(history, "unmatched_lookups", "opportunities")
    assert found["rows"].tolist() == [(tables["opportunities"]["product"] == "Core system").sum()]
    assert found.iloc[0]["examples"] == "Core system ~ Core-system"
    # They count rows of every date, so a view as of a day tells them on request only.
    assert _found(history, "left_out_rows", day=CUT).empty
    assert len(_found(history, "left_out_rows", day=CUT, files=True)) == 1


def test_an_amount_that_only_events_tell_is_known() -> None:
    tables = tidy_tables()
    rows = _rows(tables, "won")[:3]
    _own(tables, rows, amount=np.nan)
    history = tidy_history(tables)
    assert _found(history, "won_without_amount", column="amount").empty
    assert not any("count as 0" in said for said in history.warnings)
    ids = tables["opportunities"]["opportunity_id"].iloc[rows]
    view = history.as_of(CUT).opportunities.set_index("opportunity_id")["amount"]
    assert view[view.index.isin(ids)].notna().all()


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


def test_the_table_is_typed_and_sorted_even_when_empty(tidy: History) -> None:
    names = ["rule", "table", "column", "rows", "share", "examples", "effect", "mend"]
    empty = quality_report(tidy)
    full = quality_report(_spoilt(no_events))
    assert list(empty.columns) == list(full.columns) == names
    assert (empty.dtypes == full.dtypes).all()
    levels = [min(rule.level for name, rule in RULES.items() if name == one) for one in full["rule"] if one in RULES]
    assert levels == sorted(levels)


def test_a_history_without_deals_and_one_without_anything() -> None:
    day = pd.date_range("2023-01-01", periods=400, freq="D")
    ledger = pd.DataFrame({"rep_id": "R1", "date": day.delete(slice(100, 180)), "amount": 100.0})
    report = quality_report(read_history({"bookings": ledger}))
    assert report[["rule", "table", "rows"]].values.tolist() == [["gaps", "bookings", 80]]
    assert report.iloc[0]["examples"] == "2023-04-11 to 2023-06-29"
    assert quality_report(History({})).empty


def test_a_finding_keeps_five_examples_at_most() -> None:
    one = Finding("r", "t", "c", 3, 2, tuple("abcdefg"), "It is so.", "Do it.")
    assert one.examples == tuple("abcde")
    assert one.share == 1.0
    assert Finding("r", "t", "c", 3, 0, (), "", "").share == 0.0


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


def test_like_problems_are_told_together() -> None:
    dated = [
        Problem("opportunities", f"closes before it was created (2024-03-{k:02d})", "Mend.", "o.csv", k, "close_date")
        for k in range(1, 16)
    ]
    fallen = [Problem("splits", "its opportunity was rejected", "", "s.csv", k, "opportunity_id") for k in range(7)]
    told = told_in_groups([*dated, *fallen], 10)
    assert told[:10] == [str(one) for one in dated[:10]]
    assert told[10] == "… and 5 more of opportunities, close_date: closes before it was created"
    maps = [Problem("map", "unknown key", "", "m.yaml", 3, str(k)) for k in range(12)]
    assert told_in_groups(maps, 2) == [str(one) for one in maps]
    assert told[11:] == ["splits, opportunity_id: 7 rows: its opportunity was rejected"]
    assert without_figures("the id stands already in b.csv, line 17") == "the id stands already in an earlier line"


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
