"""Salesforce objects written down by hand, the example company as its export, and how both are read and compared."""

from __future__ import annotations

from functools import cache

import pandas as pd

from byday import days
from spmforecast.data import ExampleCompany, read_history
from spmforecast.data.crm import CrmOptions

NOT_TOLD_AT_ALL = {"enablement", "plan", "submissions"}
"""Tables that Salesforce has no object for."""
NOT_TOLD = {"reps": {"effective_from", "latitude", "longitude"}}
"""Columns that it has no field for."""


@cache
def company():
    return ExampleCompany(seed=5, character="tiny", start="2022-07-01", export="2024-12-31").tables()


@cache
def wanted():
    return read_history(company())


def imported(frames, share=0.0, timezone="UTC", chart=None, **options):
    return read_history(
        frames,
        map=chart,
        crm="salesforce",
        crm_options=CrmOptions(**options),
        timezone=timezone,
        max_rejected_share=share,
    )


def in_order(frame, keys):
    """A table without times of day, rows by key and time; events of one instant keep their order."""
    return days(frame.sort_values(keys, kind="stable", ignore_index=True))


KEYS = {
    "stage_history": ["opportunity_id", "entered_date"],
    "quotas": ["rep_id", "period"],
    "reps": ["rep_id"],
    "territories": ["territory_id"],
    "accounts": ["account_id"],
    "activities": ["activity_id"],
    "opportunities": ["opportunity_id"],
}


def changing(events):
    """Leave out events that change nothing: a log of changes has no row for them."""
    states = events.drop(columns="entered_date")
    return events[(states != states.shift()).any(axis=1)].reset_index(drop=True)


def assert_same(history, tables, without=()):
    for name in tables:
        columns = [column for column in wanted().table(name) if column not in {*without, *NOT_TOLD.get(name, ())}]
        got, want = (in_order(one.table(name), KEYS[name])[columns] for one in (history, wanted()))
        if name == "stage_history" and "OpportunityFieldHistory" in set(history.counts["file"]):
            got, want = changing(got), changing(want)
        pd.testing.assert_frame_equal(got, want, obj=name)


def assert_balanced(history):
    counts = history.counts
    assert (counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]).all()
    assert history.exclusions["rows"].sum() == counts["excluded"].sum()


def deal(key="006000000000001AAA", **cells):
    plain = {
        "Id": key,
        "OwnerId": "005000000000001AAA",
        "CreatedDate": "2024-01-01T09:00:00.000+0000",
        "StageName": "Prospecting",
        "Amount": "100",
        "CloseDate": "2024-06-30",
        "IsClosed": "false",
        "IsWon": "false",
    }
    return {**plain, **cells}


EARLIER = ("006000000000000AAA", "2023-12-01T09:00:00.000Z", "created", "", "")
"""What shows that a log goes back beyond the deals of a test."""


def changes(*rows, **columns):
    names = ["OpportunityId", "CreatedDate", "Field", "OldValue", "NewValue"]
    return pd.DataFrame([EARLIER, *rows], columns=names).assign(**columns)


def exclusions(history, table):
    """Rows left out by reason, those of creations aside."""
    rows = history.exclusions[history.exclusions["table"] == table]
    counted = dict(zip(rows["reason"], rows["rows"].tolist(), strict=True))
    counted.pop("tells only that the deal was created", None)
    return counted
