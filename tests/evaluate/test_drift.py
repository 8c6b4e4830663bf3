"""Tests of the monitors: reference values, limits that mean what they say, odd counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from spmforecast.errors import InputError
from spmforecast.evaluate import drift
from spmforecast.models.decay import effective_size, half_life_weights


def test_against_reference(reference):
    ref = reference("49_drift")
    bins = ref.checks["PSI of 5 bins"]["input"]
    ref.compare("PSI of 5 bins", drift.stability_index(bins["expected"], bins["actual"]))
    statistic, degrees, p = drift.homogeneity(bins["expected"], bins["actual"])
    assert degrees == 4
    ref.compare("chi2 homogeneity stat,p (2x5)", [statistic, p])
    ref.compare("win rate 62/240 vs 41/230: two-proportion pooled z, p", list(drift.two_proportions(62, 240, 41, 230)))
    name = "Bernoulli CUSUM for a fall .30->.15: final value, max"
    chart = drift.bernoulli_cusum(ref.checks[name]["input"], 0.30, 0.15)
    ref.compare(name, [float(chart.path[-1]), float(chart.path.max())])
    name = "EWMA half-life 90 d: weight at ages 0,90,180,365"
    ref.compare(name, half_life_weights([0, 90, 180, 365], 90).tolist())


def test_false_alarms_come_as_rarely_as_wanted():
    limit = drift.cusum_limit(0.3, 0.15, 200)
    assert drift.cusum_run_length(0.3, 0.15, limit, 0.3) == pytest.approx(200, rel=1e-3)
    assert drift.cusum_run_length(0.3, 0.15, limit, 0.15) < 40
    rng = np.random.default_rng(5)
    runs = []
    for _ in range(400):
        outcomes = (rng.random(3000) < 0.3).astype(float)
        alert = drift.bernoulli_cusum(outcomes, 0.3, 0.15, limit=limit).alert
        runs.append(3000 if alert is None else alert + 1)
    assert np.mean(runs) == pytest.approx(200, abs=4 * np.std(runs) / 20 + 8)


def test_a_rising_rate_is_watched_as_well_as_a_falling_one():
    calm = drift.bernoulli_cusum([0, 1] * 20, 0.5, 0.8)
    rise = drift.bernoulli_cusum([0, 1] * 20 + [1] * 20, 0.5, 0.8)
    assert calm.alert is None
    assert rise.alert is not None
    assert rise.alert > 40


def test_poisson_limits_of_a_cohort():
    table = drift.observed_expected([0, 10, 30, 5], [5.0, 10.0, 12.0, 0.0], ["a", "b", "c", "d"], level=0.95)
    assert table["alert"].tolist() == [True, False, True, False]
    assert table.loc[1, "low"] * 10 == pytest.approx(stats.chi2.ppf(0.025, 20) / 2)
    assert table.loc[1, "high"] * 10 == pytest.approx(stats.chi2.ppf(0.975, 22) / 2)
    assert table.loc[0, "p_value"] == pytest.approx(2 * stats.poisson.cdf(0, 5))
    assert table.loc[2, "p_value"] == pytest.approx(2 * stats.poisson.sf(29, 12))
    assert table.loc[1, "p_value"] == 1.0
    assert np.isnan(table.loc[3, "ratio"])


def test_empty_bins_and_certain_rates():
    same = drift.stability_index([10, 0, 5], [20, 0, 10])
    assert same == 0.0
    assert 0 < drift.stability_index([10, 0, 5], [10, 3, 5]) < np.inf
    assert drift.homogeneity([3, 0], [5, 0]) == (0.0, 0, 1.0)
    assert np.isnan(drift.two_proportions(0, 4, 0, 9)[0])


def test_effective_size():
    assert effective_size([1, 1, 1, 1]) == 4
    assert effective_size([1, 0]) == 1
    assert effective_size([0, 0]) == 0
    assert (half_life_weights([0, 10], np.inf) == 1).all()


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="counts must not be negative"):
        drift.stability_index([-1, 2], [1, 2])
    with pytest.raises(InputError, match="5 successes of 4 trials"):
        drift.two_proportions(5, 4, 1, 2)
    with pytest.raises(InputError, match="two rates must differ"):
        drift.bernoulli_cusum([0, 1], 0.3, 0.3)
    with pytest.raises(InputError, match="the half-life must be positive"):
        half_life_weights([1], 0)
