"""Tests of NB2 regression: published reference values, known truth, Poisson counts, wrong input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.errors import InputError
from spmforecast.models.counts import fit_negative_binomial, overdispersion


def _main_effects(quine: pd.DataFrame) -> np.ndarray:
    levels = [("Sex", "M"), ("Age", "F1"), ("Age", "F2"), ("Age", "F3"), ("Eth", "N"), ("Lrn", "SL")]
    return np.column_stack([np.ones(len(quine)), *[(quine[name] == level) for name, level in levels]]).astype(float)


def _nested(quine: pd.DataFrame) -> np.ndarray:
    """Sex, and within each sex age, ethnicity, learner and the last two together; columns without data left out."""
    columns = [np.ones(len(quine)), quine["Sex"] == "M"]
    for sex in ("F", "M"):
        here = quine["Sex"] == sex
        columns += [here & (quine["Age"] == age) for age in ("F1", "F2", "F3")]
        eth, slow = quine["Eth"] == "N", quine["Lrn"] == "SL"
        columns += [here & eth, here & slow, here & eth & slow]
    return np.column_stack(columns).astype(float)


def test_against_reference(reference):
    ref = reference("11_negative_binomial_quine")
    quine = pd.read_csv(ref.path / "quine.csv")
    design = _main_effects(quine)
    fit = fit_negative_binomial(quine["Days"], design)
    ref.compare("theta main effects", fit.theta)
    ref.compare("SE theta", fit.theta_se)
    ref.compare("coef (Intercept),SexM,AgeF1,AgeF2,AgeF3,EthN,LrnSL", fit.coefficients.tolist())
    ref.compare("se", fit.se.tolist())
    ref.compare("2*loglik", 2 * fit.log_likelihood)
    ref.compare("AIC", fit.aic)
    nested = fit_negative_binomial(quine["Days"], _nested(quine))
    ref.compare("theta of Sex/(Age+Eth*Lrn)", nested.theta)
    ref.compare("2*loglik of Sex/(Age+Eth*Lrn)", 2 * nested.log_likelihood)
    ref.compare("Poisson Pearson X2/df (overdispersion flag)", overdispersion(quine["Days"], design))


def test_known_truth_with_an_offset_is_found_again():
    rng = np.random.default_rng(12)
    n = 2000
    x, capacity = rng.normal(size=n), rng.uniform(0.5, 8, n)
    mean = capacity * np.exp(0.4 + 0.3 * x)
    count = rng.poisson(mean * rng.gamma(2.5, 1 / 2.5, n))
    fit = fit_negative_binomial(count, np.column_stack([np.ones(n), x]), capacity)
    assert fit.coefficients == pytest.approx([0.4, 0.3], abs=4 * fit.se.max())
    assert fit.theta == pytest.approx(2.5, abs=4 * fit.theta_se)
    drawn = fit.quantile(rng.random(20_000), np.full(20_000, 5.0))
    assert drawn.mean() == pytest.approx(5, rel=0.03)
    assert drawn.var() == pytest.approx(5 + 25 / fit.theta, rel=0.07)


def test_poisson_counts_need_no_spread():
    rng = np.random.default_rng(3)
    count = rng.binomial(20, 0.5, 300)
    fit = fit_negative_binomial(count, np.ones((300, 1)))
    assert fit.theta > 1e4
    assert fit.coefficients[0] == pytest.approx(np.log(count.mean()), abs=1e-6)
    assert overdispersion(count, np.ones((300, 1))) < 0.8


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="counts must not be negative"):
        fit_negative_binomial([-1, 2], [[1.0], [1.0]])
    with pytest.raises(InputError, match="repeat each other"):
        fit_negative_binomial([1, 2, 3], np.ones((3, 2)))
    with pytest.raises(InputError, match="exposure must be positive"):
        fit_negative_binomial([1, 2], [[1.0], [1.0]], [1.0, 0.0])
