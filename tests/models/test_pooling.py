"""Partial pooling: the beta-binomial reference, and what shrinkage must do at its ends."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from spmforecast.models.pooling import GammaPool, fit_beta_binomial, fit_gamma_pool, gamma_quantile


def test_beta_binomial_reference(reference):
    ref = reference("10_beta_binomial_eb")
    rats = pd.read_csv(ref.path / "rats.csv")
    y, n = (rats[name].to_numpy(dtype=float) for name in ("y", "n"))
    alpha, beta = fit_beta_binomial(y, n)
    ref.compare("beta-binomial MLE alpha,beta", [alpha, beta])
    choose = special.gammaln(n + 1) - special.gammaln(y + 1) - special.gammaln(n - y + 1)
    loglik = (choose + special.betaln(y + alpha, n - y + beta) - special.betaln(alpha, beta)).sum()
    ref.compare("loglik (with lchoose)", float(loglik))
    ref.compare("MLE mean, rho=1/(a+b+1)", [alpha / (alpha + beta), 1 / (alpha + beta + 1)])
    mean = (y + alpha) / (n + alpha + beta)
    ref.compare("EB posterior means (y+a)/(n+a+b), groups 1,32,57,67,71", mean[[0, 31, 56, 66, 70]].tolist())
    interval = stats.beta.ppf([0.025, 0.975], y[70] + alpha, n[70] - y[70] + beta)
    ref.compare("EB 95% interval group 71", interval.tolist())


def test_beta_binomial_finds_the_spread_it_was_made_with():
    rng = np.random.default_rng(3)
    n = np.full(400, 60)
    y = rng.binomial(n, rng.beta(6.0, 18.0, 400))
    alpha, beta = fit_beta_binomial(y, n)
    assert alpha / (alpha + beta) == pytest.approx(0.25, abs=0.015)
    assert alpha + beta == pytest.approx(24.0, rel=0.3)


def test_without_overdispersion_the_pool_is_nearly_full():
    rng = np.random.default_rng(1)
    expected = np.full(200, 50.0)
    even = fit_gamma_pool(rng.poisson(expected), expected)
    uneven = fit_gamma_pool(rng.poisson(expected * rng.gamma(4.0, 1 / 4.0, 200)), expected)
    assert even.strength > 300
    assert uneven.strength == pytest.approx(4.0, rel=0.35)
    assert (even.shrinkage > 0.85).all()
    assert (uneven.shrinkage < 0.15).all()


@given(
    counts=st.lists(st.tuples(st.integers(0, 300), st.floats(0.1, 300)), min_size=2, max_size=20),
)
@settings(max_examples=50)
def test_posterior_mean_lies_between_one_and_the_cells_own_ratio(counts):
    observed, expected = (np.array(column, dtype=float) for column in zip(*counts, strict=True))
    pool = fit_gamma_pool(observed, expected)
    own = observed / expected
    tiny = 1e-12 * np.maximum(own, 1.0)
    assert (pool.mean >= np.minimum(own, 1.0) - tiny).all()
    assert (pool.mean <= np.maximum(own, 1.0) + tiny).all()
    assert 0.5 * (1 - 1e-4) <= pool.strength <= 1e4 * (1 + 1e-4)
    np.testing.assert_allclose(pool.mean, pool.shrinkage + (1 - pool.shrinkage) * own, rtol=1e-12)


def test_cell_without_data_keeps_the_prior_mean_and_all_its_width():
    observed, expected = np.array([30.0, 80.0, 0.0]), np.array([50.0, 50.0, 0.0])
    pool = fit_gamma_pool(observed, expected)
    assert pool.mean[2] == 1.0
    assert pool.shrinkage[2] == 1.0
    width = np.asarray(pool.quantile(0.95)) - np.asarray(pool.quantile(0.05))
    assert width[2] > width[0]
    np.testing.assert_allclose(pool.quantile(0.05)[2], stats.gamma.ppf(0.05, pool.strength, scale=1 / pool.strength))


def test_more_data_moves_the_mean_towards_its_own_ratio():
    pool = GammaPool(10.0, np.array([2.0, 20.0, 200.0]), np.array([1.0, 10.0, 100.0]))
    assert (np.diff(pool.mean) > 0).all()
    assert (np.diff(pool.shrinkage) < 0).all()
    assert pool.mean[-1] < 2.0


def test_cells_that_expect_nothing_do_not_bear_on_the_strength():
    observed, expected = np.array([30.0, 80.0, 55.0]), np.array([50.0, 50.0, 50.0])
    with_empty = fit_gamma_pool(np.append(observed, [0.0] * 50), np.append(expected, [0.0] * 50))
    assert with_empty.strength == pytest.approx(fit_gamma_pool(observed, expected).strength)


def test_one_cell_alone_is_shrunk_by_a_fixed_weight():
    one = fit_gamma_pool([80.0], [40.0])
    assert 1.0 < one.mean[0] < 2.0
    assert fit_gamma_pool([0.0], [0.0]).mean[0] == 1.0


@pytest.mark.parametrize("shape", [0.5, 1.0, 7.3, 500.0])
def test_gamma_quantile_is_that_of_scipy(shape):
    q = np.array([0.001, 0.2, 0.5, 0.9, 0.999])
    np.testing.assert_allclose(gamma_quantile(q, shape, 3.0), stats.gamma.ppf(q, shape, scale=1 / 3.0), rtol=1e-9)


def test_gamma_of_shape_zero_is_zero():
    np.testing.assert_array_equal(gamma_quantile([0.1, 0.99], 0.0, 2.0), [0.0, 0.0])


def test_averaged_over_its_posterior_the_spread_never_collapses():
    rng = np.random.default_rng(4)
    few = np.full(8, 30.0)
    even = np.array([25, 35, 30, 28, 32, 30, 24, 36])
    mode, mean = fit_gamma_pool(even, few), fit_gamma_pool(even, few, averaged=True)
    assert mean.strength < 200 < mode.strength
    many = np.full(300, 400.0)
    uneven = rng.poisson(many * rng.gamma(9.0, 1 / 9.0, 300))
    assert fit_gamma_pool(uneven, many, averaged=True).strength == pytest.approx(9.0, rel=0.25)


def test_variance_of_one_drawn_at_random_holds_differences_and_doubt():
    pool = GammaPool(20.0, np.array([30.0, 5.0]), np.array([20.0, 10.0]))
    shape, rate = 20.0 + pool.observed, 20.0 + pool.expected
    drawn = np.random.default_rng(1).gamma(shape, 1 / rate, (400_000, 2))
    weight = np.array([1.0, 3.0])
    mean = (drawn.mean(axis=0) * weight).sum() / 4
    square = ((drawn**2).mean(axis=0) * weight).sum() / 4
    assert pool.variance(weight) == pytest.approx(square / mean**2 - 1, rel=0.02)
    assert pool.variance(np.zeros(2)) == pytest.approx(1 / 20)
