"""What spoils the tidy company, one thing at a time, and the rule of the quality report that finds it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from spmforecast.data import History
from spmforecast.data.quality import quality_report
from tidy import END, tidy_history, tidy_tables

Tables = dict[str, pd.DataFrame]
CUT = "2024-06-30"


def deals_that_are(tables: Tables, status: str) -> pd.Index:
    deals = tables["opportunities"]
    return deals.index[deals["status"] == status]


def set_deals(tables: Tables, rows: object, **values: object) -> None:
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
    set_deals(
        t, deals_that_are(t, "open")[:4], created_date=pd.Timestamp("2024-05-01"), close_date=pd.Timestamp("2024-08-01")
    )


def at_once(t: Tables) -> None:
    rows = deals_that_are(t, "lost")[:200]
    set_deals(t, rows, close_date=t["opportunities"].loc[rows, "created_date"])


def imported(t: Tables) -> None:
    set_deals(t, t["opportunities"].index[100:220], created_date=pd.Timestamp("2023-01-02"))


def forgotten(t: Tables) -> None:
    row = deals_that_are(t, "open")[0]
    name = t["opportunities"].loc[row, "opportunity_id"]
    events = t["stage_history"]
    events.loc[events["opportunity_id"] == name, "entered_date"] = pd.Timestamp("2023-03-01")
    set_deals(t, row, created_date=pd.Timestamp("2023-03-01"))


def won_for_nothing(t: Tables) -> None:
    set_deals(t, deals_that_are(t, "won")[:2], amount=0.0)


def won_for_unknown(t: Tables) -> None:
    rows = deals_that_are(t, "won")[:3]
    set_deals(t, rows, amount=np.nan)
    theirs = t["stage_history"]["opportunity_id"].isin(t["opportunities"]["opportunity_id"].iloc[rows])
    t["stage_history"].loc[theirs, "amount"] = np.nan


def lost_for_nothing(t: Tables) -> None:
    set_deals(t, deals_that_are(t, "lost"), amount=0.0)


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
    rows = deals_that_are(t, "won")[:2]
    names = t["opportunities"].loc[rows, "opportunity_id"]
    events = t["stage_history"]
    again = events[events["opportunity_id"].isin(names) & (events["status"] == "won")]
    more = again.assign(status="open", stage="Contract", entered_date=again["entered_date"] + pd.Timedelta(days=3))
    t["stage_history"] = pd.concat([events, more], ignore_index=True)
    set_deals(t, rows, status="open", close_date=END + pd.Timedelta(days=30))


def set_back(t: Tables) -> None:
    set_deals(t, deals_that_are(t, "lost"), stage="Discovery")


def strange_account(t: Tables) -> None:
    set_deals(t, [0, 1], account_id=["a 0002", "X-77"])


def strange_owner(t: Tables) -> None:
    set_deals(t, [0, 1, 2], owner_id="R99")


def misspelt(t: Tables) -> None:
    set_deals(t, [0, 1], product=["Core sytem", "core-system"])


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
    set_deals(t, deals_that_are(t, "open")[:30], account_id=None)


def no_events(t: Tables) -> None:
    del t["stage_history"]


def one_amount(t: Tables) -> None:
    events = t["stage_history"]
    events["amount"] = events.groupby("opportunity_id")["amount"].transform("first")


def open_unknown(t: Tables) -> None:
    set_deals(t, deals_that_are(t, "open"), amount=None)
    names = set(t["opportunities"].loc[deals_that_are(t, "open"), "opportunity_id"])
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
    set_deals(t, deals.index[first & (deals["status"] == "won")], status="lost")


def bell_shaped(t: Tables) -> None:
    rng = np.random.default_rng(9)
    rows = deals_that_are(t, "won")
    more = pd.concat([t["opportunities"].loc[rows]] * 2, ignore_index=True)
    more["opportunity_id"] = [f"N-{k}" for k in range(len(more))]
    t["opportunities"] = pd.concat([t["opportunities"].drop(rows), more], ignore_index=True)
    rows = deals_that_are(t, "won")
    cycle = pd.to_timedelta(np.round(rng.normal(100, 15, len(rows))), unit="D")
    set_deals(t, rows, close_date=t["opportunities"].loc[rows, "created_date"] + cycle)


def swept(t: Tables) -> None:
    deals = t["opportunities"]
    mine = deals.index[
        (deals["status"] == "lost") & (deals["owner_id"] == "R1") & (deals["created_date"] < "2024-03-01")
    ]
    set_deals(t, mine[:25], close_date=pd.Timestamp("2024-03-15"))


def give_quotas(t: Tables, periods: list[str], amount: float) -> None:
    rows = [(f"R{k}", period, amount) for period in periods for k in range(1, 7)]
    t["quotas"] = pd.DataFrame(rows, columns=["rep_id", "period", "quota"])


def quotas_too_large(t: Tables) -> None:
    give_quotas(t, ["2023Q2", "2023Q3", "2023Q4", "2024Q1", "2024Q2"], 9e6)


def quotas_too_far(t: Tables) -> None:
    give_quotas(t, ["2031Q1"], 1e5)


def quotas_too_early(t: Tables) -> None:
    give_quotas(t, ["2018Q1"], 1e5)


def manager_counted_twice(t: Tables) -> None:
    t["reps"]["role"] = ["Sales manager", *["seller"] * 5]
    give_quotas(t, ["2024Q1"], 2e5)
    t["quotas"].loc[0, "quota"] = 1e6


def void_row(t: Tables) -> None:
    set_deals(t, [0, 1], status="wonn")


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
"""What spoils, the rule that finds it, in which table and column, and in how many rows (None: in some)."""


def spoilt(spoil: Callable[[Tables], None]) -> History:
    tables = tidy_tables()
    spoil(tables)
    return tidy_history(tables)


def found_in(history: History, rule: str, table: str = "", column: str = "", **options: object) -> pd.DataFrame:
    report = quality_report(history, **options)
    return report[(report["rule"] == rule) & ((report["table"] == table) | (not table)) & (report["column"] == column)]
