"""From tables to counts: visits and sufficient statistics against a plain loop over deals, events and days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import AS_OF, example_tables, profiles_of, shuffled
from spmforecast.data import read_history
from spmforecast.models import moves
from spmforecast.models.agebins import age_bins
from spmforecast.models.exposure import collect
from spmforecast.models.risksets import CENSORED, build_stays
from spmforecast.models.spec import ModelSpec

NAMES = ("stages", "deal", "stage", "entry", "start", "duration", "to", "today", "unplaced")


def visits_by_hand(known):
    """Walk through the events of each deal: (id, stage, entry, start, duration, destination or None)."""
    today = pd.Timestamp(AS_OF)
    out = []
    for deal in known.deals().sort_values("opportunity_id").itertuples():
        own = known.stage_history[known.stage_history["opportunity_id"] == deal.opportunity_id]
        own = own.sort_values("entered_date", kind="stable")
        steps = [(row.entered_date.normalize(), row.stage) for row in own.itertuples() if row.status not in CLOSED]
        if deal.status in CLOSED:
            steps = [step for step in steps if step[0] <= deal.close_date.normalize()]
            steps.append((deal.close_date.normalize(), deal.status))
        # An event that names the same stage again tells of an amount or a date.
        steps = [step for k, step in enumerate(steps) if k == 0 or steps[k - 1][1] != step[1]]
        for (day, stage), after in zip(steps, [*steps[1:], None], strict=True):
            if stage not in CLOSED:
                ended, to = (after[0], after[1]) if after else (today, None)
                out.append((deal.opportunity_id, stage, day, 0, (ended - day).days, to))
    return out


CLOSED = ("won", "lost")


@pytest.fixture(scope="module")
def known():
    return read_history(example_tables()).as_of(AS_OF)


def test_visits_are_those_of_a_loop_over_the_events_of_each_deal(known):
    stays = build_stays(known)
    names = dict(enumerate((*stays.stages, *CLOSED))) | {CENSORED: None}
    got = [
        (ident, stays.stages[s], pd.Timestamp(int(e), unit="D"), int(b), int(d), names[int(j)])
        for ident, s, e, b, d, j in zip(
            stays.deals["opportunity_id"].to_numpy()[stays.deal],
            stays.stage, stays.entry, stays.start, stays.duration, stays.to, strict=True,
        )
    ]  # fmt: skip
    wanted = visits_by_hand(known)
    assert len(wanted) > 500
    assert got == wanted


def test_sufficient_statistics_are_those_of_a_loop_over_deals_and_days(known):
    stays = build_stays(known)
    profiles = profiles_of(np.arange(len(stays.deals)) % 3)
    bins = age_bins(stays, profiles, ModelSpec())
    count = collect(stays, profiles, bins)
    stage = {name: code for code, name in enumerate((*stays.stages, *CLOSED))}
    row = {name: k for k, name in enumerate(stays.deals["opportunity_id"])}
    exposure, events = np.zeros_like(count.exposure), np.zeros_like(count.events)
    for ident, name, entry, _, duration, to in visits_by_hand(known):
        g, s, day = row[ident] % 3, stage[name], (entry - pd.Timestamp(0)).days - count.first_day
        of_age = bins.of_age[g, s]
        for age in range(duration + 1):
            exposure[g, s, of_age[min(age, bins.cap)], day + age] += 1
        if to is not None:
            events[g, s, stage[to], of_age[min(duration, bins.cap)], day + duration] += 1
    np.testing.assert_array_equal(count.exposure, exposure)
    np.testing.assert_array_equal(count.events, events)
    kind = np.arange(len(count.days)) % 4
    np.testing.assert_array_equal(count.events_by(kind, 4), events @ np.eye(4)[kind])
    np.testing.assert_array_equal(count.events_of_day(), events.sum(axis=(0, 3)))


@pytest.mark.parametrize("at_once", [1, 13])
def test_how_many_deals_are_done_at_once_changes_nothing(known, monkeypatch, at_once):
    whole = build_stays(known)
    monkeypatch.setattr(moves, "DEALS_AT_ONCE", at_once)
    parts = build_stays(known)
    for name in NAMES:
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name), err_msg=name)


def test_a_deal_without_events_begins_where_deals_do_even_if_the_newest_event_stands_first():
    deals = pd.DataFrame({"opportunity_id": ["D", "E", "F"], "created_date": "2024-01-10"})
    deals = deals.assign(owner_id="R1", status="open")
    events = pd.DataFrame({"opportunity_id": ["D", "D", "E", "E"], "stage": ["Late", "Early", "Late", "Early"]})
    events = events.assign(entered_date=["2024-01-20", "2024-01-10", "2024-01-21", "2024-01-10"])
    stays = build_stays(read_history({"opportunities": deals, "stage_history": events}).as_of("2024-02-01"))
    assert stays.stages == ("Early", "Late")
    assert stays.stage[stays.deal == 2].tolist() == [0]
    assert stays.unplaced == 1


def test_shuffled_files_give_the_same_visits(known):
    whole = build_stays(known)
    mixed = build_stays(read_history(shuffled(example_tables(), np.random.default_rng(5))).as_of(AS_OF))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(mixed, name), getattr(whole, name), err_msg=name)
