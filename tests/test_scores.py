"""Scoring rules against R's scoringRules, their own definitions and their limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from spmforecast import scores
from spmforecast.errors import InputError

LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
FINITE = st.floats(-1e6, 1e6, allow_subnormal=False)


def reference_values(path):
    sample = pd.read_csv(path / "crps_sample.csv")["x"].to_numpy()
    members = pd.read_csv(path / "energy_members.csv").to_numpy()
    came = pd.read_csv(path / "energy_obs.csv")["y"].to_numpy()
    q = stats.norm(100, 15).ppf(LEVELS)
    lower, upper = q[[2, 1, 0]], q[[4, 5, 6]]
    pinballs = scores.pinball(q, 130, LEVELS)
    return {
        "CRPS N(0,1) y=0,1,-2.5": scores.crps_normal(0, 1, [0, 1, -2.5]).tolist(),
        "CRPS N(100,15) y=130": scores.crps_normal(100, 15, 130),
        "CRPS lognormal(3,.5) y=30": scores.crps_lognormal(3, 0.5, 30),
        "CRPS gamma(shape2,rate.1) y=35": scores.crps_gamma(2, 0.1, 35),
        "CRPS Poisson(4) y=6; NB(size3,prob.4) y=2": [
            scores.crps_poisson(4, 6),
            scores.crps_negative_binomial(3, 0.4, 2),
        ],
        "CRPS sample (edf form) y=150": scores.crps(sample, 150),
        "CRPS sample fair (n(n-1)) y=150": scores.crps(sample, 150, fair=True),
        "energy score": scores.energy(members, came),
        "variogram score p=.5 w=1": scores.variogram(members, came),
        "log score N(100,15) y=130": scores.log_score_normal(100, 15, 130),
        "pinball y=130 for N(100,15) quantiles .05,.1,.25,.5,.75,.9,.95": pinballs.tolist(),
        "interval score 90% y=130": scores.interval(q[0], q[-1], 130, level=0.9),
        "WIS (Bracher: (w0|y-m|+sum a/2 IS)/(K+1/2)), K=3 (50,80,90%)": scores.weighted_interval(
            lower, upper, q[3], 130, [0.5, 0.8, 0.9]
        ),
        "identity: WIS = 2*mean pinball over the 7 levels": 2 * pinballs.mean(),
    }


def test_every_reference_value(reference):
    ref = reference("18_proper_scores")
    got = reference_values(ref.path)
    assert set(got) == set(ref.checks)
    for name, value in got.items():
        ref.compare(name, value)


@given(hnp.arrays(float, st.integers(2, 30), elements=FINITE), FINITE)
def test_crps_is_its_definition(x, y):
    distance = np.abs(x - y).mean()
    spread = np.abs(x[:, None] - x).sum()
    n = len(x)
    scale = 1e-9 * (1 + np.abs(x).max() + abs(y))
    assert scores.crps(x, y) == pytest.approx(distance - spread / (2 * n * n), abs=scale)
    assert scores.crps(x, y, fair=True) == pytest.approx(distance - spread / (2 * n * (n - 1)), abs=scale)


def test_crps_of_many_cells_is_that_of_each():
    draws = np.random.default_rng(3).normal(size=(200, 4))
    came = np.array([0.0, 1.0, -1.0, 2.0])
    assert scores.crps(draws, came) == pytest.approx([scores.crps(draws[:, i], came[i]) for i in range(4)])
    assert scores.crps(draws, 0.5).shape == (4,)


def test_crps_is_twice_the_mean_pinball_of_all_quantiles():
    x = np.sort(np.random.default_rng(5).gamma(2, 10, size=400))
    levels = (np.arange(400) + 0.5) / 400
    assert 2 * scores.pinball(x, 17.0, levels).mean() == pytest.approx(scores.crps(x, 17.0), rel=1e-9)


def test_energy_in_one_dimension_is_crps_beyond_one_block():
    x = np.random.default_rng(6).normal(size=1300)
    assert scores.energy(x[:, None], [0.3]) == pytest.approx(scores.crps(x, 0.3))
    assert scores.energy(x[:, None], [0.3], fair=True) == pytest.approx(scores.crps(x, 0.3, fair=True))


@pytest.mark.parametrize(
    ("law", "closed", "came"),
    [
        (stats.lognorm(0.5, scale=np.exp(3)), lambda y: scores.crps_lognormal(3, 0.5, y), -4.0),
        (stats.gamma(2, scale=10), lambda y: scores.crps_gamma(2, 0.1, y), -4.0),
        (stats.poisson(400), lambda y: scores.crps_poisson(400, y), 390),
        (stats.nbinom(3, 0.4), lambda y: scores.crps_negative_binomial(3, 0.4, y), 0),
    ],
)
def test_closed_forms_agree_with_the_quantile_sample(law, closed, came):
    x = law.ppf((np.arange(20_000) + 0.5) / 20_000)
    assert closed(came) == pytest.approx(scores.crps(x, came), rel=2e-3)


def test_interval_charges_width_and_twice_the_miss_over_alpha():
    assert scores.interval(0, 10, 5) == pytest.approx(10)
    assert scores.interval(0, 10, [-1, 12], level=0.8).tolist() == pytest.approx([20, 30])


def test_weighted_interval_of_many_cells():
    lower, upper = np.array([[1.0, 2], [0, 1]]), np.array([[3.0, 4], [5, 6]])
    both = scores.weighted_interval(lower, upper, [2, 3], [9, 3], [0.5, 0.9])
    assert both[1] == pytest.approx(scores.weighted_interval(lower[:, 1], upper[:, 1], 3, 3, [0.5, 0.9]))


def test_variogram_notices_wrong_dependence():
    generator = np.random.default_rng(8)
    shared = generator.normal(size=(2000, 1)) * np.ones(3)
    apart = generator.normal(size=(2000, 3))
    came = np.array([1.5, 1.5, 1.5])
    assert scores.variogram(shared, came) < scores.variogram(apart, came)
    assert scores.variogram(apart, came, weights=np.zeros((3, 3))) == 0


def test_pit_without_ties_is_the_share_below():
    assert scores.pit([1.0, 2, 3, 4], 2.5) == 0.5
    assert scores.pit([1.0, 2, 3, 4], 2.5, seed=9) == 0.5


def test_pit_with_ties_lies_within_the_jump_and_repeats():
    draws = np.tile([[0.0], [0], [1], [2]], 50)
    first = scores.pit(draws, 0.0, seed=4)
    assert np.all((first >= 0) & (first <= 0.5))
    assert len(np.unique(first)) == 50
    assert np.array_equal(first, scores.pit(draws, 0.0, seed=4))
    assert np.array_equal(first[:20], scores.pit(draws[:, :20], 0.0, seed=4))
    assert not np.array_equal(first, scores.pit(draws, 0.0, seed=5))


def test_pit_of_a_calibrated_count_forecast_is_uniform():
    generator = np.random.default_rng(10)
    values = scores.pit(generator.poisson(1.5, size=(4000, 1500)), generator.poisson(1.5, size=1500))
    assert stats.kstest(values, "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scores.crps([1.0, np.nan], 1.0), "draws: 1 of 2 values are missing"),
        (lambda: scores.crps([1.0, 2.0], np.inf), "observed: 1 of 1 values are missing"),
        (lambda: scores.crps([[1.0, 2.0]], [1.0, 2, 3]), "observed has shape"),
        (lambda: scores.crps(np.ones((2, 2, 2)), 1.0), "draws must have shape"),
        (lambda: scores.crps([], 1.0), "at least 1 draws are needed"),
        (lambda: scores.crps([1.0], 1.0, fair=True), "at least 2 draws are needed"),
        (lambda: scores.crps(["a"], 1.0), "not an array of numbers"),
        (lambda: scores.pit([1.0], 1.0, seed=-1), "seed must not be negative"),
        (lambda: scores.pinball(1.0, 1.0, 1.0), "quantile level"),
        (lambda: scores.pinball([1.0, 2], [1.0, 2, 3], 0.5), "shapes do not agree"),
        (lambda: scores.interval(2, 1, 0), "lower end lies above"),
        (lambda: scores.interval(0, 1, 0, level=1), "level must lie strictly"),
        (lambda: scores.weighted_interval([0], [1], 0, 0, [0.5, 0.8]), "a row for each level"),
        (lambda: scores.energy([1.0, 2], [1.0, 2]), "shape \\(trials, d\\)"),
        (lambda: scores.energy([[1.0, 2]], [1.0]), "observed has shape"),
        (lambda: scores.variogram([[1.0, 2]], [1.0, 2], power=0), "power must be positive"),
        (lambda: scores.crps_normal(0, 0, 1), "sd must be positive"),
        (lambda: scores.crps_negative_binomial(1, 1, 1), "prob must lie strictly"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_all_bad_arrays_are_named_at_once():
    with pytest.raises(InputError, match="draws") as caught:
        scores.crps([np.nan], np.nan)
    assert [problem.column for problem in caught.value.problems] == ["draws", "observed"]
