"""The chance that nothing comes in, beside all that may: exact laws of a handful of deals against every outcome."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from scipy import stats

from spmforecast.models.amounts import AmountLaw
from spmforecast.simulate.exact import exact_forecast
from spmforecast.simulate.outcomes import period_intensities
from workloads import lognormal_law, market, workload

CHANCE = np.array([0.3, 0.45, 0.2, 0.6])
AMOUNT = np.array([9_000.0, 22_000.0, 31_000.0, 57_000.0])


def handful(chance, amount, ratio, booked=0.0):
    """Open deals of one rep, won in the first quarter by given chances."""
    inputs = workload(deals=len(chance), streams=0, created=0.0, reps=1)
    won = np.zeros((len(chance), 4))
    won[:, 0] = chance
    win, lose = period_intensities(won, np.zeros_like(won))
    deals = dataclasses.replace(inputs.open_deals, win=win[None], lose=lose[None], log_amount=np.log(amount))
    past = np.zeros(len(inputs.plan.frame))
    past[0] = booked
    plan = dataclasses.replace(inputs.plan, amount=past)
    return dataclasses.replace(inputs, open_deals=deals, ratio_law=ratio, plan=plan)


def outcomes(chance):
    """Every set of deals won, and its probability."""
    for won in itertools.product((False, True), repeat=len(chance)):
        yield np.array(won), float(np.prod(np.where(won, chance, 1 - chance)))


@pytest.mark.parametrize("booked", [0.0, 40_000.0])
def test_fixed_amounts_against_every_outcome(booked):
    law = exact_forecast(handful(CHANCE, AMOUNT, AmountLaw(np.zeros((1, 2048))), booked)).company["2025Q1"]
    total = np.array([booked + AMOUNT @ won for won, _ in outcomes(CHANCE)])
    mass = np.array([p for _, p in outcomes(CHANCE)])
    for target in (booked, booked + 1.0, booked + 5_000.0, booked + 15_000.0, booked + 45_000.0, booked + 105_000.0):
        assert law.reach(target) == pytest.approx(mass[total >= target].sum(), abs=1e-3)
    none = float(np.prod(1 - CHANCE))
    assert law.below(booked) == pytest.approx(none, abs=1e-12)
    assert law.below(booked - 0.01) == 0
    assert law.quantile([0.01, none - 1e-6]).tolist() == [booked, booked]
    assert law.quantile(none + 0.02) > booked


def test_lognormal_amounts_against_every_outcome():
    chance, amount, sigma = np.array([0.2, 0.35]), np.array([12_000.0, 30_000.0]), 0.4
    law = exact_forecast(handful(chance, amount, lognormal_law(sigma))).company["2025Q1"]
    ratio = np.exp(lognormal_law(sigma).log_quantiles[0])
    both = np.sort(np.add.outer(amount[0] * ratio[::2], amount[1] * ratio[::2]).ravel())
    laws = {
        (False, False): lambda x: x >= 0,
        (True, False): lambda x: stats.lognorm.cdf(x, sigma, scale=amount[0]),
        (False, True): lambda x: stats.lognorm.cdf(x, sigma, scale=amount[1]),
        (True, True): lambda x: np.searchsorted(both, x) / len(both),
    }
    for x in (1.0, 2_000.0, 8_000.0, 20_000.0, 45_000.0, 90_000.0):
        want = sum(p * laws[tuple(won.tolist())](x) for won, p in outcomes(chance))
        assert law.below(x) == pytest.approx(want, abs=1e-3)
    assert law.quantile([0.1, 0.5]).tolist() == [0.0, 0.0]
    assert law.central(2) == pytest.approx(law.sd**2, rel=0.01)


def test_deals_to_come_that_bring_nothing_are_no_bookings():
    inputs = workload(deals=0, streams=1, created=8.0, reps=1)
    half = dataclasses.replace(inputs, nothing=np.array([0.5]))
    all_pay, some_pay = (exact_forecast(one).company["2025Q2"] for one in (inputs, half))
    assert 0.1 < all_pay.cdf[0] < 0.9
    assert some_pay.cdf[0] == pytest.approx(np.sqrt(all_pay.cdf[0]))


def test_the_market_spreads_the_chance_of_nothing():
    inputs = handful(np.full(6, 0.15), np.full(6, 20_000.0), lognormal_law(0.3))
    calm, wide = (
        exact_forecast(one).company["2025Q1"].cdf[0] for one in (inputs, dataclasses.replace(inputs, market=market()))
    )
    assert calm == pytest.approx(0.85**6)
    assert wide > calm  # none wins together more often
