"""Lower-tail risk and value of information against references 33 and 44."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from spmforecast.errors import InputError
from spmforecast.evaluate.information import evpi, evpi_normal, evsi_normal
from spmforecast.evaluate.risk import lower_cvar, lower_cvar_lognormal, lower_cvar_normal
from spmforecast.optimize.mixes import safest_mix


def test_tail_means_of_the_reference(reference):
    ref = reference("33_cvar")
    shares = (0.1, 0.25, 0.5)
    twelve = np.array(ref.checks["12 scenarios: lower-tail CVaR at 10%,25%,50%"]["input"])
    ru = [max(c - np.maximum(c - twelve, 0).mean() / share for c in twelve) for share in shares]
    returns = pd.read_csv(ref.path / "scenarios.csv").to_numpy()
    units, value = safest_mix(returns, 10.0, 0.1)
    best = int(returns.mean(axis=0).argmax())
    got = {
        "normal(6200,850): 10% quantile, lower-tail CVaR 10%": [
            6200 + 850 * norm.ppf(0.1),
            lower_cvar_normal(6200, 850, 0.1),
        ],
        "12 scenarios: lower-tail CVaR at 10%,25%,50%": [lower_cvar(twelve, share) for share in shares],
        "same through Rockafellar-Uryasev max": ru,
        "naive mean of values <= 10% quantile (np.quantile linear) WRONG": float(
            twelve[twelve <= np.quantile(twelve, 0.1)].mean()
        ),
        "lognormal(m=8,s=.4) lower-tail CVaR 5%": lower_cvar_lognormal(8, 0.4, 0.05),
        "LP: max CVaR_10% of x.Y, sum x=10, x>=0 (200 scenarios CSV): optimum": value,
        "LP x": units.tolist(),
        "mean-max corner for contrast: CVaR of putting all in the best-mean segment": lower_cvar(
            10 * returns[:, best], 0.1
        ),
    }
    assert set(got) == set(ref.checks)
    for name, one in got.items():
        ref.compare(name, one)
    assert lower_cvar(returns @ units, 0.1) == pytest.approx(value)


def test_the_whole_sample_is_the_mean_and_a_draw_counts_with_its_fraction():
    assert lower_cvar([3, 1, 2], 1.0) == pytest.approx(2.0)
    assert lower_cvar([3, 1, 2], 1 / 3) == pytest.approx(1.0)
    assert lower_cvar([3, 1, 2], 0.5) == pytest.approx((1 + 0.5 * 2) / 1.5)
    assert lower_cvar([7.0], 0.01) == pytest.approx(7.0)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_wrong_shares_are_refused(share):
    with pytest.raises(InputError, match="a share above 0 and up to 1"):
        lower_cvar([1.0], share)
    with pytest.raises(InputError, match="a share above 0 and up to 1"):
        safest_mix([[1.0]], 1.0, share)


def test_value_of_information_of_the_reference(reference):
    ref = reference("44_value_of_information")
    table = ref.checks["3x3 table: expected values, EVPI"]["input"]
    payoff, chance = np.array(table["payoff"]), np.array(table["prob"])
    got = {
        "two-action linear, incremental NB~N(40,100): EVPI = s*[phi(u)-u(1-Phi(u))]": evpi_normal(40, 100),
        "EVSI of one noisy signal sd 60: pre-posterior sd, EVSI": list(evsi_normal(40, 100, 60)),
        "3x3 table: expected values, EVPI": [(payoff @ chance).tolist(), evpi(payoff, chance)],
    }
    assert set(got) == set(ref.checks)
    for name, one in got.items():
        ref.compare(name, one)


def test_information_on_draws_is_that_of_the_closed_form():
    z = norm.ppf((np.arange(40_000) + 0.5) / 40_000)
    assert evpi([40 + 100 * z, np.zeros(40_000)]) == pytest.approx(evpi_normal(40, 100), rel=1e-3)
    assert evpi_normal(40, 0) == 0.0
    assert evsi_normal(40, 100, 0)[1] == pytest.approx(evpi_normal(40, 100))


def test_wrong_payoffs_are_refused():
    with pytest.raises(InputError, match="a row an action"):
        evpi([1.0, 2.0])
    with pytest.raises(InputError, match="must be at least 0 and sum to 1"):
        evpi([[1.0, 2.0]], [0.5, 0.6])
