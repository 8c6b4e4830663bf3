"""What counts as prospecting, how it lies in lags, and the law of lags that is found again."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from prospects import FIRST, TODAY, lag_shares, lived
from spmforecast.data import read_history
from spmforecast.models.prospecting import LAGS, LONGEST, SAME_DAY, lagged, prospecting
from spmforecast.models.risksets import day_number
from spmforecast.models.thinning import fit_thinning


def _record(rows):
    deals = pd.DataFrame(
        {"opportunity_id": ["O1"], "owner_id": ["R1"], "created_date": ["2024-01-10"], "status": ["open"]}
    )
    activities = pd.DataFrame(rows, columns=["date", "type", "opportunity_id"])
    activities.insert(0, "activity_id", [f"A{k}" for k in range(len(rows))])
    return read_history({"opportunities": deals, "activities": activities}, max_rejected_share=0.0)


def _counted(rows, as_of="2024-01-20"):
    known = _record(rows).as_of(as_of)
    today = int(day_number(pd.DatetimeIndex([as_of]))[0])
    return prospecting(known, known.opportunities, today)


def test_prospecting_comes_before_a_deal():
    done = _counted(
        [
            ("2024-01-02", "call", None),
            ("2024-01-05", "call", "O1"),  # before the deal that came of it
            ("2024-01-10", "meeting", "O1"),  # on its day
            ("2024-01-11", "meeting", "O1"),  # on a deal that is there
            ("2024-01-03", "coaching", None),
            ("2024-01-03", "proposal_sent", None),
            ("2024-01-25", "call", None),  # not known yet
        ]
    )
    assert done.types == ("call", "meeting")
    assert done.counts.sum(axis=1).tolist() == [2.0, 1.0]
    assert done.counts.shape[1] == 19
    assert np.flatnonzero(done.counts[0]).tolist() == [0, 3]


def test_a_deal_that_is_not_known_yet_makes_no_difference():
    rows = [("2024-01-02", "call", "O1"), ("2024-01-04", "call", None)]
    done = _counted(rows, as_of="2024-01-08")
    assert done.counts.sum() == 2
    assert _counted([("2024-01-03", "coaching", None)]) is None


def test_lags_are_what_a_loop_over_days_says():
    counts = np.random.default_rng(3).poisson(2.0, (2, 120)).astype(float)
    got = lagged(counts)
    assert got.shape == (2, len(LAGS) - 1, 120 - LONGEST)
    for day in (LONGEST, 100, 119):
        for at, (near, far) in enumerate(pairwise(LAGS)):
            days = day - np.arange(near, far)
            np.testing.assert_allclose(got[:, at, day - LONGEST], counts[:, days].mean(axis=1))


@pytest.fixture(scope="module")
def found():
    """Fit eight companies' worth of deals, so that what is off by more than luck shows."""
    done, kind, created = lived(11, leads=True, monthly=480.0, share=0.7)
    first = int(done.min())
    counts = np.stack([np.bincount(done[kind == name] - first) for name in ("call", "meeting")]).astype(float)
    days = np.arange(FIRST, TODAY + 1)[-153 * 7 :]
    deals = np.bincount(created - first, minlength=days[-1] - first + 1)[days - first]
    by_week = [a.reshape(*a.shape[:-1], 153, 7).sum(axis=-1) for a in (deals, np.full(len(days), 480.0 / 30.4))]
    activities = lagged(counts)[:, :, days - first - LONGEST]
    return fit_thinning(*by_week, activities.reshape(2, len(LAGS) - 1, 153, 7).sum(axis=-1)), deals.sum()


def test_the_law_of_lags_is_found_again(found):
    thinning, _ = found
    # Within a tenth for each bin: weeks of activity are alike, so neighbouring bins are told apart with error.
    np.testing.assert_allclose(thinning.common, lag_shares(LAGS), atol=0.1)
    assert thinning.common.sum() == pytest.approx(1.0)
    middle = (LAGS[:-1] + LAGS[1:] - 1) / 2
    assert thinning.common @ middle == pytest.approx(lag_shares(LAGS) @ middle, abs=6.0)
    assert (thinning.law >= 0).all()


def test_rates_and_deals_without_activity_are_found_again(found):
    thinning, deals = found
    np.testing.assert_allclose(thinning.rate, 0.07, rtol=0.15)  # one in ten, of seven tenths of the deals
    assert thinning.bare == pytest.approx(0.3, abs=0.1)
    assert thinning.deals.sum() == pytest.approx(0.7 * deals, rel=0.12)


def test_activities_of_the_same_day_lead_nothing(found):
    thinning, _ = found
    activities = np.zeros((2, len(LAGS) - 1, 1))
    activities[:, SAME_DAY] = 50.0
    assert thinning.led(activities)[0] == 0.0
    activities[:, SAME_DAY + 1] = 1.0
    assert thinning.led(activities)[0] == pytest.approx(float(thinning.rate @ thinning.law[:, SAME_DAY + 1]))
