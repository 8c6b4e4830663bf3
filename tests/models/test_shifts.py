"""What all deals tell about the won ones: shifts shrunk to a pooled one, and trends of prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from companies import profiles_of
from spmforecast.data.tables import empty_frame
from spmforecast.models.amounts import fit_amounts
from spmforecast.models.selection import fit_shifts, yearly_trend


def company(rng, deals, shift=-0.1):
    """Log amounts of deals in three segments, and which of them are won: larger ones less often."""
    segment = rng.integers(0, 3, deals)
    noise = rng.normal(0.0, 0.7, deals)
    won = rng.random(deals) < 0.25 * np.exp(shift / 0.7**2 * noise)
    return segment, 9.0 + 1.2 * segment + noise, won


def test_many_wins_show_the_shift():
    segment, log_amount, won = company(np.random.default_rng(1), 40_000)
    shifts = fit_shifts(log_amount[won], segment[won], log_amount, segment, 3)
    np.testing.assert_allclose(shifts.mean, -0.1, atol=0.03)
    assert (np.sqrt(shifts.variance) < 0.02).all()


def test_a_segment_without_wins_takes_the_pooled_shift_and_more_doubt():
    segment, log_amount, won = company(np.random.default_rng(2), 40_000)
    won &= segment < 2
    shifts = fit_shifts(log_amount[won], segment[won], log_amount, segment, 3)
    assert shifts.mean[2] == pytest.approx(-0.1, abs=0.05)
    assert shifts.variance[2] > 10 * shifts.variance[:2].max()
    assert shifts.shrinkage[2] == 1.0 > 0.1 > shifts.shrinkage[:2].max()


def test_without_any_win_nothing_is_shifted_but_doubt_remains():
    every = np.log([100.0, 200.0, 400.0])
    shifts = fit_shifts(np.empty(0), np.empty(0, dtype=np.int64), every, np.array([0, 0, 1]), 2)
    np.testing.assert_array_equal(shifts.mean, 0.0)
    assert (shifts.variance > 0.2).all()
    assert (shifts.shrinkage == 1.0).all()


def test_few_wins_lean_on_the_deals_lost_and_come_nearer_to_the_truth():
    direct, helped = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        segment, log_amount, won = company(rng, 300)
        deals = pd.DataFrame(
            {
                "opportunity_id": np.arange(300).astype(str),
                "amount": np.exp(log_amount),
                "status": np.where(won, "won", "lost"),
            }
        )
        profiles = profiles_of(segment, segments=3)
        for errors, amount in ((direct, np.full(300, np.nan)), (helped, np.exp(log_amount))):
            profiles = replace(profiles, amount=amount)
            law = fit_amounts(deals, empty_frame("stage_history"), profiles).won
            errors.append(np.median(law.log_quantiles, axis=1) - (8.9 + 1.2 * np.arange(3)))
    assert np.square(helped).mean() < 0.75 * np.square(direct).mean()


def test_a_trend_of_all_deals_is_found_within_segments():
    rng = np.random.default_rng(3)
    segment, since = rng.integers(0, 3, 20_000), rng.uniform(0.0, 3.5, 20_000)
    log_amount = 9.0 + 1.2 * segment - 0.03 * since + rng.normal(0.0, 0.6, 20_000)
    trend, variance = yearly_trend(log_amount, segment, since)
    assert trend == pytest.approx(0.03, abs=0.012)
    assert 0.0 < variance < 0.012**2
    assert abs(yearly_trend(log_amount[:5], segment[:5], since[:5])[0]) < 0.03
    assert yearly_trend(log_amount[:1], segment[:1], since[:1]) == (0.0, pytest.approx(0.03**2))


def test_deals_to_come_stand_where_the_trend_will_have_them():
    rng = np.random.default_rng(4)
    days = np.sort(rng.integers(0, 1096, 6000))
    amount = np.exp(9.0 + 0.05 * days / 365.25 + rng.normal(0.0, 0.3, 6000))
    deals = pd.DataFrame(
        {
            "opportunity_id": np.arange(6000).astype(str),
            "amount": amount,
            "status": np.where(rng.random(6000) < 0.3, "won", "lost"),
            "created_date": pd.Timestamp("2022-01-01") + pd.to_timedelta(days, unit="D"),
        }
    )
    profiles = profiles_of(np.zeros(6000))
    profiles = replace(profiles, amount=amount)
    model = fit_amounts(deals, empty_frame("stage_history"), profiles)
    assert model.trend == pytest.approx(0.05, abs=0.01)
    assert np.median(model.won.log_quantiles) == pytest.approx(9.15, abs=0.03)
    assert model.coming(365)[0] == pytest.approx(model.trend / 3, abs=0.002)
