"""The exact engine's one market factor: moments of drawn paths, means and variances of drawn totals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spmforecast.models.market import MarketModel, ShockPosterior
from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.exact import exact_forecast
from spmforecast.simulate.exact.conditional import expected_cohorts
from spmforecast.simulate.exact.market import market_law
from workloads import market, workload

MONTHS = 12


def posterior(tau, phi, mean, level, slope):
    """Two points of a grid that differ in everything."""
    return ShockPosterior(
        tau=np.array([tau, 0.5 * tau]),
        phi=np.array([phi, 0.5]),
        drift=np.array([0.004, 0.02]),
        growth=np.array([-0.003, 0.004]),
        weight=np.array([0.7, 0.3]),
        mean=np.array([mean, -0.05]),
        mean_sd=np.array([0.08, 0.03]),
        level=np.array([level, 0.02]),
        level_sd=np.array([0.05, 0.1]),
        slope=np.array([slope, -0.2]),
        months=48,
    )


MARKET = MarketModel(posterior(0.2, 0.9, 0.05, 0.1, -0.6), posterior(0.3, 0.8, -0.02, -0.15, -0.4), 0.6)


def drawn_paths(trials):
    """Levels of creation and of conversion as the engine draws them, side by side."""
    rng = np.random.default_rng(3)
    own = rng.standard_normal((trials, MONTHS))
    joint = MARKET.correlation * own + np.sqrt(1 - MARKET.correlation**2) * rng.standard_normal((trials, MONTHS))
    parts = []
    for shock, innovation in ((MARKET.creation, own), (MARKET.conversion, joint)):
        centre, start = rng.standard_normal((2, trials))
        drift = rng.standard_normal((trials, MONTHS))
        parts.append(shock.paths(rng.random(trials), centre, start, innovation, drift))
    return np.concatenate(parts, axis=1)


def test_moments_are_those_of_the_drawn_paths():
    law, paths = market_law(MARKET, MONTHS), drawn_paths(100_000)
    error = paths.std(axis=0) / np.sqrt(len(paths))
    assert np.abs((paths[:, MONTHS:].mean(axis=0) - law.level) / error[MONTHS:]).max() < 4
    made = np.exp(paths[:, :MONTHS])
    assert np.abs((made.mean(axis=0) - np.exp(law.made)) / made.std(axis=0) * np.sqrt(len(paths))).max() < 4
    sd = np.sqrt(np.diag(law.covariance))
    assert np.abs((np.cov(paths.T) - law.covariance) / np.outer(sd, sd)).max() < 0.02


def test_a_factor_carries_the_whole_variance_of_what_it_follows():
    law, gradient = market_law(MARKET, MONTHS), np.random.default_rng(1).standard_normal(2 * MONTHS)
    loading = law.loading(gradient)
    whole = gradient @ law.covariance @ gradient
    assert (gradient @ loading.followed) ** 2 == pytest.approx(whole)
    assert gradient @ loading.rest @ gradient == pytest.approx(0.0, abs=1e-12 * whole)
    assert np.linalg.eigvalsh(loading.rest).min() > -1e-12
    nothing = law.loading(np.zeros(2 * MONTHS))
    assert not nothing.followed.any()
    np.testing.assert_array_equal(nothing.rest, law.covariance)


def test_creation_has_the_same_mean_however_much_is_followed():
    law, shares = market_law(MARKET, MONTHS), np.kron(np.eye(4), np.full((1, 3), 1 / 3))
    node, weight = np.polynomial.hermite_e.hermegauss(15)
    followed = law.loading(np.ones(2 * MONTHS))
    mean = sum(w * followed.creation(z, shares) for z, w in zip(node, weight / weight.sum(), strict=True))
    np.testing.assert_allclose(mean, np.exp(law.made) @ shares.T, rtol=1e-10)


@pytest.fixture(scope="module")
def stormy():
    inputs = workload(deals=1200, streams=30, created=2400.0, reps=12)
    return dataclasses.replace(inputs, market=market(0.25, 0.25))


def test_means_and_spreads_of_the_company_are_the_drawn_ones(stormy):
    trials = 20_000
    draws = simulate_block(stormy, 0, trials).amounts.reshape(trials, -1, 4).sum(axis=1)
    for law, total in zip(exact_forecast(stormy).company.values(), draws.T, strict=True):
        assert abs(total.mean() - law.mean) < 4 * law.sd / np.sqrt(trials) + 0.002 * law.mean
        assert total.std() == pytest.approx(law.sd, rel=0.03)
        np.testing.assert_allclose(law.quantile([0.1, 0.5, 0.9]), np.quantile(total, [0.1, 0.5, 0.9]), rtol=0.025)


def test_what_cohorts_are_expected_to_win_is_what_the_laws_expect(stormy):
    made, won = expected_cohorts(stormy)
    assert made.shape == (30, 4)
    later = dataclasses.replace(stormy, open_deals=workload(deals=0, streams=30, reps=12).open_deals)
    draws = simulate_block(later, 0, 8000).counts.reshape(8000, -1, 4).sum(axis=1)
    error = draws.std(axis=0) / np.sqrt(len(draws))
    assert np.abs((draws.mean(axis=0) - won.sum(axis=(0, 1))) / error).max() < 4.5
