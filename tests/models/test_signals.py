"""Signals of open deals, read as they stood on the day."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import history_of
from spmforecast.models.risksets import build_stays
from spmforecast.models.signals import Known, event_table, open_rows, signals

EVENTS = [
    {"opportunity_id": "A", "stage": "One", "entered_date": "2024-01-01", "close_date": "2024-02-01"},
    {"opportunity_id": "A", "stage": "One", "entered_date": "2024-02-10", "close_date": "2024-03-15"},
    {"opportunity_id": "A", "stage": "Two", "entered_date": "2024-03-20", "close_date": "2024-05-01"},
    {"opportunity_id": "B", "stage": "One", "entered_date": "2024-01-05", "close_date": "2024-12-01"},
]
DEALS = [
    {"opportunity_id": "A", "created_date": "2024-01-01"},
    {"opportunity_id": "B", "created_date": "2024-01-05"},
]


def read(events, until="2024-06-30"):
    history = history_of(DEALS, events).as_of(until)
    stays = build_stays(history)
    return stays, event_table(history.stage_history, stays.deals)


def number(date):
    return int(np.datetime64(date, "D").astype(np.int64))


def at(day, events=EVENTS):
    stays, table = read(events)
    rows = open_rows(stays, number(day))
    usual = np.full(len(stays.deal), 30.0)
    return signals(stays, table, rows, number(day), usual, Known(np.full(2, -1), np.zeros(2), np.zeros(2, dtype=int)))


def test_pushes_are_counted_up_to_the_day():
    _, table = read(EVENTS)
    counted = [table.pushes[table.last_until(number(day), np.array([0, 1]))].tolist() for day in
               ("2024-02-09", "2024-02-10", "2024-06-01")]  # fmt: skip
    assert counted == [[0, 0], [1, 0], [2, 0]]


def test_before_the_first_event_nothing_is_known():
    _, table = read(EVENTS)
    assert table.last_until(number("2023-12-31"), np.array([0, 1])).tolist() == [-1, -1]


def test_each_deal_stands_in_the_stage_in_which_it_closed_the_day():
    stays, _ = read(EVENTS)
    assert stays.stage[open_rows(stays, number("2024-03-19"))].tolist() == [0, 0]
    assert stays.stage[open_rows(stays, number("2024-03-20"))].tolist() == [1, 0]
    assert len(open_rows(stays, number("2024-01-03"))) == 1
    np.testing.assert_array_equal(open_rows(stays, stays.today), np.flatnonzero(stays.open_now))


def test_a_passed_close_date_shows_until_it_is_pushed():
    assert not np.array_equal(at("2024-02-09")[0], at("2024-01-20")[0])
    late = 3  # one column for all, one for each of the two stages, then: passed long ago, passed of late
    assert at("2024-02-09")[0, late : late + 2].tolist() == [0.0, 1.0]
    assert at("2024-02-20")[0, late : late + 2].tolist() == [0.0, 0.0]
    assert at("2024-06-01")[0, late : late + 2].tolist() == [1.0, 0.0]


def test_what_comes_later_changes_no_signal():
    later = [*EVENTS, {"opportunity_id": "B", "stage": "Two", "entered_date": "2024-04-01", "close_date": "2025-01-01"}]
    np.testing.assert_array_equal(at("2024-03-01"), at("2024-03-01", later))


def test_a_record_without_dates_or_categories_gives_signals_all_the_same():
    bare = [{key: event[key] for key in ("opportunity_id", "stage", "entered_date")} for event in EVENTS]
    x = at("2024-03-01", bare)
    assert np.isfinite(x).all()
    assert x.shape[0] == 2


@pytest.mark.parametrize("days", [0, 400])
def test_a_deal_that_was_slow_before_shows_it(days):
    moved = pd.Timestamp("2024-01-01") + pd.Timedelta(days=days)
    deals = [{"opportunity_id": "A", "created_date": "2024-01-01"}]
    events = [
        {"opportunity_id": "A", "stage": "One", "entered_date": "2024-01-01"},
        {"opportunity_id": "A", "stage": "Two", "entered_date": moved.date().isoformat()},
    ]
    stays = build_stays(history_of(deals, events).as_of("2025-06-30"))
    table = event_table(history_of(deals, events).as_of("2025-06-30").stage_history, stays.deals)
    rows = open_rows(stays, stays.today)
    slow = signals(
        stays,
        table,
        rows,
        stays.today,
        np.full(len(stays.deal), 30.0),
        Known(np.full(1, -1), np.zeros(1), np.zeros(1, dtype=int)),
    )[0, -1]
    assert slow > 0 if days else slow < 0


def test_segments_are_told_apart_where_there_are_several():
    stays, table = read(EVENTS)
    rows, usual = open_rows(stays, number("2024-02-10")), np.full(len(stays.deal), 30.0)
    alone, apart = (Known(np.full(2, -1), np.zeros(2), np.array(of)) for of in ([0, 0], [0, 1]))
    assert (alone.segments, apart.segments) == (0, 2)
    plain, told = (signals(stays, table, rows, number("2024-02-10"), usual, known) for known in (alone, apart))
    assert told.shape[1] == plain.shape[1] + 2
    np.testing.assert_array_equal(told[:, 1:3], np.eye(2)[apart.segment[stays.deal[rows]]])
    np.testing.assert_array_equal(np.delete(told, [1, 2], axis=1), plain)
    assert Known(np.full(9, -1), np.zeros(9), np.arange(9)).segments == 0
