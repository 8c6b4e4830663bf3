"""Realisation of calls: recovered where there is a truth, leaning where there is little, right on paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.evaluate.people import fit_realisation


def drawn(callers: int, periods: int, seed: int, between: float = 0.15, spread: float = 0.2):
    """Draw calls whose realisations are known."""
    rng = np.random.default_rng(seed)
    truth = 0.9 + between * rng.standard_normal(callers)
    call = rng.uniform(50, 150, (callers, periods))
    booked = truth[:, None] * call + spread * np.sqrt(100 * call) * rng.standard_normal((callers, periods))
    names = np.repeat([f"M{k:02d}" for k in range(callers)], periods)
    return truth, pd.DataFrame({"caller": names, "call": call.ravel(), "booked": booked.ravel()})


def test_with_many_callers_and_periods_the_truth_is_found():
    truth, calls = drawn(40, 60, seed=1)
    fit = fit_realisation(calls)
    assert fit.pooled == pytest.approx(0.9, abs=0.05)
    assert fit.between == pytest.approx(0.15, abs=0.04)
    assert fit.spread == pytest.approx(0.2, abs=0.01)
    np.testing.assert_allclose(fit.table["estimate"], truth, atol=0.1)


def test_intervals_hold_the_truth_as_often_as_they_say():
    held = []
    for seed in range(60):
        truth, calls = drawn(6, 5, seed)
        table = fit_realisation(calls).table
        held += list((table["low"] <= truth) & (truth <= table["high"]))
    assert 0.90 < np.mean(held) < 0.99


def test_few_periods_lean_on_the_others_and_come_nearer():
    plain, shrunk = [], []
    for seed in range(40):
        truth, calls = drawn(8, 2, seed)
        table = fit_realisation(calls).table
        plain.append(((table["realisation"] - truth) ** 2).mean())
        shrunk.append(((table["estimate"] - truth) ** 2).mean())
    assert np.mean(shrunk) < 0.9 * np.mean(plain)
    lean = [fit_realisation(drawn(8, periods, 3)[1]).table["shrinkage"].mean() for periods in (1, 4, 16)]
    assert lean[0] > lean[1] > lean[2]


def test_a_period_is_reached_or_not():
    calls = pd.DataFrame({"caller": ["A"] * 4, "call": [100.0] * 4, "booked": [100.0, 99.99, 150.0, 0.0]})
    assert fit_realisation(calls).table["reached"].tolist() == [0.5]


def test_a_new_caller_is_as_the_others_with_more_doubt():
    fit = fit_realisation(drawn(5, 8, 2)[1])
    mean, sd = fit.of("somebody new")
    assert mean == fit.pooled
    assert sd > max(fit.of(caller)[1] for caller in fit.table["caller"])
    expected, wide = fit.expect("somebody new", 100.0)
    assert expected == pytest.approx(100 * mean)
    assert wide > 100 * sd
