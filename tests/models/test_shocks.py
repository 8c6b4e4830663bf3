"""Tests of common shocks on a rate: published reference values, totals without a shock, small records."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spmforecast.errors import InputError
from spmforecast.models import shocks


def _quantiles(mass: np.ndarray) -> list[int]:
    return np.searchsorted(np.cumsum(mass), [0.05, 0.5, 0.95]).tolist()


def test_totals_against_reference(reference):
    ref = reference("31_common_shock")
    n, p, rho = 200, 0.25, 0.02
    ref.compare("beta shock rho=.02: alpha,beta", list(shocks.beta_of_correlation(p, rho)))
    plain, beta = shocks.beta_wins(n, p, 0), shocks.beta_wins(n, p, rho)
    law = shocks.logit_normal(p, 0.4)
    mixed = law.wins(n)
    ref.compare("independent binomial 5,50,95% wins n=200 p=.25", _quantiles(plain))
    ref.compare("beta-binomial 5,50,95%", _quantiles(beta))
    ref.compare("logit-normal 5,50,95% wins", _quantiles(mixed))
    k = np.arange(n + 1)
    sd = [float(np.sqrt(mass @ k**2 - (mass @ k) ** 2)) for mass in (plain, beta)]
    ref.compare("sd independent, beta-binomial; design effect 1+(n-1)rho", [*sd, (sd[1] / sd[0]) ** 2])
    ref.compare("logit-normal tau=.4: intercept m giving mean .25, var(p)", [law.centre, law.moments()[1]])
    below = [float(mass[:41].sum()) for mass in (plain, beta, mixed)]
    ref.compare("P(wins<=40): independent, beta-binomial, logit-normal", below)
    low = shocks.one_factor_quantile(p, 0.1, 0.05)
    ref.compare("one-factor Gaussian copula (Vasicek) limit 5% quantile of win rate, p=.25, rho=.1", low)


def test_estimates_of_the_spread_against_reference(reference):
    ref = reference("31_common_shock")
    cohorts = pd.read_csv(ref.path / "cohorts.csv")
    wins, deals = cohorts["wins"], cohorts["n"]
    fit = shocks.fit_logit_normal(wins, deals)
    ref.compare("20 quarters: logit-normal ML (mu, tau), loglik", [fit.coefficients[0], fit.tau, fit.log_likelihood])
    ref.compare("DerSimonian-Laird tau^2 on logits with +.5", shocks.moment_variance(wins, deals))
    statistic, degrees, p_value = shocks.heterogeneity(wins, deals)
    assert degrees == 19
    ref.compare("Pearson X2 (df 19) and p", [statistic, p_value])
    ref.compare("Williams rho moment", shocks.moment_correlation(wins, deals))


def test_random_intercepts_against_reference(reference):
    ref = reference("13_logit_normal_common_shock")
    herds = pd.read_csv(ref.path / "cbpp.csv", dtype={"herd": str, "period": str})
    design = np.column_stack([np.ones(len(herds)), *[(herds["period"] == p).astype(float) for p in "234"]])
    arguments = (herds["incidence"], herds["size"], herds["herd"], design)
    laplace, quadrature = (shocks.fit_logit_normal(*arguments, nodes=nodes) for nodes in (1, 25))
    ref.compare("Laplace: herd sd", laplace.tau)
    ref.compare("Laplace fixed effects", laplace.coefficients.tolist())
    ref.compare("Laplace loglik", laplace.log_likelihood)
    ref.compare("AGQ25 herd sd", quadrature.tau)
    ref.compare("AGQ25 fixed effects", quadrature.coefficients.tolist())


def test_without_a_shock_everything_is_binomial():
    binomial = stats.binom.pmf(np.arange(51), 50, 0.3)
    assert shocks.logit_normal(0.3, 0.0).wins(50) == pytest.approx(binomial, abs=1e-12)
    assert shocks.beta_wins(50, 0.3, 0) == pytest.approx(binomial)
    assert shocks.beta_wins(50, 0.3, 1e-6) == pytest.approx(binomial, abs=1e-4)


def test_a_shock_does_not_move_the_mean():
    for tau in (0.1, 0.8, 2.0):
        law = shocks.logit_normal(0.1, tau)
        assert law.moments()[0] == pytest.approx(0.1, abs=1e-10)
        assert law.quantile(stats.norm.cdf(np.linspace(-8, 8, 4001))) @ _normal_weights(4001) == pytest.approx(
            0.1, abs=1e-5
        )
        mass = law.wins(30)
        assert mass.sum() == pytest.approx(1, abs=1e-10)
        assert mass @ np.arange(31) == pytest.approx(3, abs=1e-8)


def _normal_weights(n: int) -> np.ndarray:
    weight = stats.norm.pdf(np.linspace(-8, 8, n))
    return weight / weight.sum()


def test_the_spread_is_found_again_and_calm_cohorts_have_none():
    rng = np.random.default_rng(1)
    deals = rng.integers(80, 160, 300)
    wins = rng.binomial(deals, shocks.LogitNormal(-1.0, 0.35).quantile(rng.random(300)))
    fit = shocks.fit_logit_normal(wins, deals)
    assert fit.tau == pytest.approx(0.35, abs=0.06)
    assert shocks.moment_variance(wins, deals) == pytest.approx(0.35**2, abs=0.04)
    calm = np.full(8, 25)
    assert shocks.fit_logit_normal(calm, np.full(8, 100)).tau == 0
    assert shocks.moment_variance(calm, np.full(8, 100)) == 0
    assert shocks.moment_correlation(calm, np.full(8, 100)) == 0
    assert shocks.heterogeneity([0, 0], [5, 9]) == (0.0, 1, 1.0)


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="wins must lie between"):
        shocks.moment_variance([5], [4])
    with pytest.raises(InputError, match="a cohort without deals"):
        shocks.fit_logit_normal([0, 1], [0, 4])
    with pytest.raises(InputError, match="correlation must lie strictly"):
        shocks.one_factor_quantile(0.2, 1.0, 0.5)
