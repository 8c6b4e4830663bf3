"""Recent activity on open deals, read as it stood on the day."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.models.touches import read_touches

DEALS = pd.DataFrame({"opportunity_id": pd.array(["A", "B", "C"], dtype="str")})
LOG = [
    ("A", "2024-01-02", "call"),
    ("A", "2024-03-01", "meeting"),
    ("A", "2024-03-20", "email"),
    ("B", "2024-03-22", "call"),
    ("B", "2024-03-23", "coaching"),
    ("gone", "2024-03-24", "call"),
    (None, "2024-03-24", "call"),
]


def number(date):
    return int(np.datetime64(date, "D").astype(np.int64))


def touches(log):
    names, days, kinds = zip(*log, strict=True)
    ids = pd.array(names, dtype="str")
    return read_touches(pd.DataFrame({"opportunity_id": ids, "date": pd.to_datetime(days), "type": kinds}), DEALS)


def at(day, log=LOG, age=500):
    return touches(log).signals(number(day), np.arange(3), np.full(3, age))


def test_activities_of_the_last_four_weeks_are_counted():
    pace = at("2024-03-28")[:, 0]
    np.testing.assert_allclose(pace, np.log1p([2, 1, 0]))
    np.testing.assert_allclose(at("2024-03-29")[:, 0], np.log1p([1, 1, 0]))  # the meeting is 28 days old


def test_of_a_young_deal_the_pace_counts():
    np.testing.assert_allclose(at("2024-03-28", age=6)[1, 0], np.log1p(4.0))


def test_only_talks_are_talks():
    assert at("2024-03-28")[:, 1].tolist() == [1, 0, 0]
    assert at("2024-04-28")[:, 1].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("day", "lull", "silent"), [("2024-04-03", 0, 0), ("2024-04-04", 1, 0), ("2024-05-05", 0, 1)])
def test_quiet_deals_are_told_by_the_days_since_the_last_activity(day, lull, silent):
    assert at(day)[0, 2:].tolist() == [lull, silent]


def test_a_deal_is_not_quiet_for_longer_than_it_lives():
    assert at("2024-05-05", age=10)[:, 2:].tolist() == [[0, 0]] * 3
    assert at("2024-05-05", age=20)[2, 2:].tolist() == [1, 0]


def test_coaching_and_activities_without_a_known_deal_do_not_count():
    assert len(touches(LOG).every) == 4
    assert touches([("gone", "2024-01-01", "call")]) is None
    assert read_touches(pd.DataFrame({"opportunity_id": [], "date": [], "type": []}), DEALS) is None


def test_before_activities_were_on_record_nothing_is_said():
    assert (at("2024-01-29") == 0).all()
    assert (at("2024-01-30")[:, 3] == 1).any()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 200)), min_size=1, max_size=30),
    st.integers(28, 200),
    st.randoms(use_true_random=False),
)
def test_neither_the_order_of_rows_nor_what_comes_later_matters(rows, day, random):
    log = [(deal, str(np.datetime64("2024-01-01") + when), "call") for deal, when in [("C", 0), *rows]]
    today = number("2024-01-01") + day
    known = [row for row in log if number(row[1]) <= today]
    mixed = random.sample(log, len(log))
    ages = np.array([3, 40, 400])
    every, some = (touches(one).signals(today, np.arange(3), ages) for one in (mixed, known))
    np.testing.assert_array_equal(every, some)
