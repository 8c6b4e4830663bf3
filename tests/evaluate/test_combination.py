"""Tests of combination weights and linear pools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from spmforecast.errors import InputError
from spmforecast.evaluate import combination as c


def test_weights_against_reference(reference):
    ref = reference("47_forecast_combination")
    matrix = c.mean_square_errors(ref.checks["MSE matrix"]["input"])
    ref.compare("MSE matrix", matrix.tolist())
    inverse, free = c.inverse_error_weights(matrix), c.minimum_variance_weights(matrix)
    ref.compare("inverse-MSE weights (Bates-Granger, correlations ignored)", inverse.tolist())
    ref.compare("minimum-variance weights (may be negative)", free.tolist())
    bounded = c.minimum_variance_weights(matrix, non_negative=True)
    ref.compare("non-negative minimum-variance weights", bounded.tolist())
    equal = np.full(3, 1 / 3)
    errors = [c.combined_error(w, matrix) for w in (equal, inverse, free)]
    ref.compare("combined MSE equal, inverse-MSE, min-var", errors)
    pair = np.array([[4, 0.3 * 6], [0.3 * 6, 9]])
    weight = c.minimum_variance_weights(pair)
    got = [float(weight[0]), c.combined_error(weight, pair)]
    ref.compare("two forecasts var 4, 9, corr .3: weight on first, combined variance", got)


def test_linear_pool_against_reference(reference):
    ref = reference("47_forecast_combination")
    mean, sd = c.pool_moments([100, 130], [10, 20], [0.5, 0.5])
    laws = [lambda x: special.ndtr((x - 100) / 10), lambda x: special.ndtr((x - 130) / 20)]
    low = c.pool_quantile(laws, [0.5, 0.5], 0.05, 0.0, 200.0)
    name = "linear pool of N(100,10) and N(130,20) weights .5: mean, sd, 5% quantile (not the average of quantiles)"
    ref.compare(name, [mean, sd, low])


def test_pooled_draws_have_the_pool_s_law_and_keep_paths_whole():
    n = 20_000
    grid = special.ndtri((np.arange(n) + 0.5) / n)
    rng = np.random.default_rng(1)
    first, second = (rng.permutation(grid) * s + m for m, s in ((100, 10), (130, 20)))
    paths = [np.stack([x, -x], axis=1) for x in (first, second)]
    drawn = c.pool_draws(paths, [0.3, 0.7], seed=4)
    mean, sd = c.pool_moments([100, 130], [10, 20], [0.3, 0.7])
    assert drawn[:, 0].mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(n))
    assert drawn[:, 0].std() == pytest.approx(sd, rel=0.02)
    assert (drawn.sum(axis=1) == 0).all()
    own = (drawn[:, 0] == first) | (drawn[:, 0] == second)
    assert own.all()
    assert (c.pool_draws(paths, [0.3, 0.7], seed=4) == drawn).all()
    assert (c.pool_draws(paths, [1.0, 0.0]) == paths[0]).all()
    assert (c.pool_draws(paths, [0.0, 1.0]) == paths[1]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.integers(0, 10_000))
def test_non_negative_weights_are_optimal(members, seed):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(12, 1))
    matrix = c.mean_square_errors(shared + rng.normal(size=(12, members)) * rng.uniform(0.1, 2, members))
    weight = c.minimum_variance_weights(matrix, non_negative=True)
    assert weight.sum() == pytest.approx(1)
    assert weight.min() >= 0
    rival = optimize.minimize(
        lambda w: w @ matrix @ w,
        np.full(members, 1 / members),
        bounds=[(0, 1)] * members,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    assert c.combined_error(weight, matrix) <= rival.fun + 1e-7
    assert c.combined_error(c.minimum_variance_weights(matrix), matrix) <= c.combined_error(weight, matrix) + 1e-12


def test_shrinking_goes_half_way_to_equal():
    assert c.shrink_to_equal([0.9, 0.1]).tolist() == pytest.approx([0.7, 0.3])
    assert c.shrink_to_equal([0.9, 0.1], 1.0).tolist() == pytest.approx([0.5, 0.5])
    assert c.inverse_score_weights([0.0, 2.0, 0.0]).tolist() == [0.5, 0.0, 0.5]


def test_members_without_error_between_them_take_all():
    # The errors of the first two cancel exactly.
    matrix = c.mean_square_errors([[1.0, -1.0, 0.5], [-2.0, 2.0, 0.3]])
    weight = c.minimum_variance_weights(matrix)
    assert c.combined_error(weight, matrix) == pytest.approx(0, abs=1e-12)
    assert weight.sum() == pytest.approx(1)


def test_wrong_input_is_named():
    with pytest.raises(InputError, match=r"weights sum to 0\.9"):
        c.shrink_to_equal([0.4, 0.5])
    with pytest.raises(InputError, match="not negative"):
        c.pool_draws([[1.0], [2.0]], [1.5, -0.5])
    with pytest.raises(InputError, match="members differ in shape"):
        c.pool_draws([[1.0], [2.0, 3.0]], [0.5, 0.5])
    with pytest.raises(InputError, match="does not lie between"):
        c.pool_quantile([special.ndtr], [1.0], 0.9, -1.0, 0.0)
    with pytest.raises(InputError, match="must be square"):
        c.inverse_error_weights([[1.0, 2.0]])
