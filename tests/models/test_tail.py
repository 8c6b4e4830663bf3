"""Tests of the tail of deal sizes: published reference values, known truth, where it is left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special

from companies import profiles_of
from spmforecast.data.tables import empty_frame
from spmforecast.errors import InputError
from spmforecast.models import ModelSpec
from spmforecast.models.amounts import fit_amounts
from spmforecast.models.tail import fit_tail, hill, lognormal_moments, with_pareto_tail


def test_against_reference(reference):
    ref = reference("17_gpd_tail")
    losses = np.genfromtxt(ref.path / "danish.csv", skip_header=1)
    tail = fit_tail(losses, 10)
    ref.compare("n, exceedances of 10", [tail.total, tail.exceedances])
    ref.compare("GPD u=10: xi,beta", [tail.xi, tail.beta])
    ref.compare("GPD loglik u=10", tail.log_likelihood)
    ref.compare("VaR .99,.995; ES .99", [*tail.quantile([0.99, 0.995]).tolist(), float(tail.shortfall(0.99))])
    ref.compare("Hill xi at k=50,109,200", [hill(losses, k) for k in (50, 109, 200)])
    mean, sd, likelihood = lognormal_moments(losses)
    ref.compare("lognormal MLE meanlog,sdlog, loglik", [mean, sd, likelihood])
    thin = float(np.exp(mean + sd * special.ndtri(0.995)))
    ref.compare("lognormal WRONG .995 quantile (tail far too thin)", thin)
    assert float(tail.quantile(0.995)) > 2.5 * thin


def _won(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Amounts of two segments, lognormal with a Pareto tail from the 95 % quantile on."""
    rng = np.random.default_rng(seed)
    u = rng.random(n)
    body = np.exp(0.6 * special.ndtri(np.minimum(u, 0.95)))
    excess = 1.2 / 0.35 * (np.maximum((1 - u) / 0.05, 1e-12) ** -0.35 - 1)
    segment = rng.integers(0, 2, n)
    amount = (body + np.where(u > 0.95, excess, 0.0)) * np.where(segment == 0, 1e4, 5e4)
    deals = pd.DataFrame({"opportunity_id": [f"D{k}" for k in range(n)], "amount": amount, "status": "won"})
    return deals, segment


def test_a_tail_is_found_again_and_reaches_beyond_the_largest_deal():
    deals, segment = _won(4000, 5)
    profiles = profiles_of(segment)
    plain = fit_amounts(deals, empty_frame("stage_history"), profiles)
    model = with_pareto_tail(plain, deals, profiles)
    body = plain.won.log_quantiles[0] < np.quantile(plain.won.log_quantiles[0], 0.93)
    assert (model.won.log_quantiles[0][body] == plain.won.log_quantiles[0][body]).all()
    assert (np.diff(model.won.log_quantiles, axis=1) >= -1e-12).all()
    assert model.won.mean() == pytest.approx(plain.won.mean(), rel=0.1)
    true = np.log(1e4 * (np.exp(0.6 * special.ndtri(0.95)) + 1.2 / 0.35 * ((0.001 / 0.05) ** -0.35 - 1)))
    assert model.won.draw(0, np.array([0.999]))[0] == pytest.approx(true, abs=0.25)


def test_the_prior_tells_where_few_deals_do_not():
    rng = np.random.default_rng(2)
    few = rng.pareto(1.1, 30) + 1
    free, leaned = fit_tail(few, 1.0), fit_tail(few, 1.0, prior=True)
    assert abs(leaned.xi - 0.25) < abs(free.xi - 0.25)
    assert leaned.xi_se < free.xi_se
    assert -0.2 <= fit_tail(np.arange(1.0, 60), 0.5, prior=True).xi <= 0.8


def test_few_large_deals_leave_the_amounts_alone():
    deals, segment = _won(400, 3)
    profiles = profiles_of(segment)
    plain = fit_amounts(deals, empty_frame("stage_history"), profiles)
    assert with_pareto_tail(plain, deals, profiles) is plain


def test_an_exponential_tail_has_index_zero():
    rng = np.random.default_rng(8)
    tail = fit_tail(rng.exponential(3.0, 5000), 2.0)
    assert tail.xi == pytest.approx(0, abs=3 * tail.xi_se)
    assert float(tail.mean_beyond(10.0)) == pytest.approx(13, abs=0.7)
    assert float(tail.quantile(0.99)) == pytest.approx(-3 * np.log(0.01), rel=0.1)


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="only 1 values lie above"):
        fit_tail([1.0, 2, 30], 10)
    with pytest.raises(InputError, match="k must lie between 1 and 2"):
        hill([1.0, 2, 3], 3)
    with pytest.raises(InputError, match="unknown tail 'fat'"):
        ModelSpec(amount_tail="fat")
