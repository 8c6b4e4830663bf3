"""Tests of stage processes whose base hazards follow laws: known truth, the plateau, few exits, whole forecasts."""

from __future__ import annotations

import numpy as np
import pytest

import spmforecast as spm
from companies import AS_OF, example_fit, example_tables, profiles_of, stays_of
from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError
from spmforecast.models.futures import residual_futures
from spmforecast.models.parametric import residual
from spmforecast.models.parametric.hazards import StageAges, fit_binned_law
from spmforecast.models.parametric.laws import LAWS
from spmforecast.models.risksets import CENSORED
from spmforecast.models.spec import ModelSpec
from spmforecast.models.transitions import fit_transitions

DAY = int(np.datetime64("2021-01-05").astype(np.int64))
TODAY = DAY + 1500
WIN, LOSE = residual.weibull(1.5, 90), residual.lognormal(4.6, 0.9)


def _lived(n: int, win: residual.FixedLaw, lose: residual.FixedLaw) -> list[tuple[int, ...]]:
    """Let deals of one stage be won or lost by two laws; none leaves on its first day."""
    rng = np.random.default_rng(17)
    won, lost = (np.maximum(law.quantile(rng.random(n)), 1.0) for law in (win, lose))
    age, entry = np.floor(np.minimum(won, lost)), DAY + rng.integers(0, 1400, n)
    seen = entry + age <= TODAY
    to = np.where(seen, np.where(won < lost, 1, 2), CENSORED)
    duration = np.where(seen, age, TODAY - entry).astype(int)
    return [(k, 0, int(entry[k]), 0, int(duration[k]), int(to[k])) for k in range(n)]


@pytest.fixture(scope="module")
def fitted():
    rows = _lived(6000, WIN, LOSE)
    stays = stays_of(rows, stages=("A",), today=TODAY)
    profiles = profiles_of(np.zeros(len(rows)))
    return {
        law: fit_transitions(stays, profiles, FiscalCalendar(), ModelSpec(law=law, amount_bands=()))
        for law in ("piecewise", "weibull", "lognormal", "aic")
    }


def _daily(process) -> np.ndarray:
    """Win intensity of each age, its rhythm over all days evened out."""
    rhythm = process.rhythm[:, process.types_of(np.arange(DAY, TODAY))].mean(axis=1)
    return process.intensities()[0, 0, 1][process.bins.of_age[0, 0]] * rhythm[1]


def test_the_true_law_is_found_again(fitted):
    ages = np.arange(10, 130)
    true = WIN.log_survival(ages) - WIN.log_survival(ages + 1)
    error = {law: np.abs(np.log(_daily(process)[ages] / true)).mean() for law, process in fitted.items()}
    assert error["weibull"] < 0.06
    assert error["weibull"] < error["piecewise"]
    assert error["weibull"] < error["lognormal"]


def test_the_criterion_picks_each_transition_s_own_law(fitted):
    chosen = {place: fit.law.name for place, fit in fitted["aic"].laws.fits.items()}
    assert chosen[0, 1] in ("weibull", "generalized-gamma")
    assert chosen[0, 2] in ("lognormal", "generalized-gamma", "lognormal-cure")


def test_residual_futures_are_those_of_the_law(fitted):
    process = fitted["weibull"]
    rate, days = process.intensities(), 60
    flat = np.ones((3, 1))
    rhythm = process.rhythm[:, process.types_of(np.arange(DAY, TODAY))].mean(axis=1)
    of_age = process.bins.of_age[0]
    zeros = np.zeros(days, dtype=np.int64)
    futures = residual_futures(rate * rhythm[:, None], flat, of_age, zeros, zeros, 1, np.ones(days) / days)
    ages = np.array([20, 60, 100])
    steps = np.arange(1, days + 1)
    for age in ages:
        both = np.exp(
            WIN.log_survival(age + steps)
            - WIN.log_survival(age)
            + LOSE.log_survival(age + steps)
            - LOSE.log_survival(age)
        )
        hazard = WIN.log_survival(age + steps - 1) - WIN.log_survival(age + steps)
        true = float((np.concatenate([[1.0], both[:-1]]) * hazard).sum())
        assert float(futures.won[0, 0, age, 0]) == pytest.approx(true, abs=0.04)


def test_nobody_is_rewarded_for_being_stale(fitted):
    process = fitted["weibull"]
    rate = process.intensities()[0, 0, 1]
    plateau = int(process.bins.plateau[0])
    assert rate[2] < rate[plateau - 1]
    assert (np.diff(rate[plateau:]) <= 1e-15).all()
    drawn = process.intensity_draws(np.random.Generator(np.random.Philox(key=1)), 16)[:, 0, 0, 1]
    assert (np.diff(drawn[:, plateau:], axis=1) <= 1e-15).all()


def test_draws_are_as_wide_as_the_fit_is_uncertain(fitted):
    process = fitted["weibull"]
    fit = process.laws.fits[0, 1]
    normals = np.random.default_rng(3).normal(size=(4000, 2))
    drawn = fit.draws(normals)
    assert drawn.mean(axis=0) == pytest.approx(fit.coefficients, abs=0.01)
    assert np.cov(drawn, rowvar=False) == pytest.approx(fit.covariance, rel=0.15, abs=1e-5)
    # The curvature is that of the counts: about one over the number of wins.
    wins = process.observed[0, 0, 1]
    assert fit.covariance[1, 1] == pytest.approx(0.6 / wins, rel=0.5)


@pytest.mark.parametrize("law", sorted(LAWS))
def test_counts_that_a_law_makes_are_fitted_by_it(law):
    values = {"location": 0.4, "log_scale": -0.3, "q": 0.4, "growth": 0.1, "cure": -1.0}
    ages = StageAges(np.concatenate([[0.0], np.geomspace(2, 300, 23)]), 20)
    true = np.array([values[name] for name in LAWS[law].parameters])
    begin, end = ages.spans()
    at = residual.FixedLaw(LAWS[law], tuple(true))
    rate = (at.log_survival(begin / ages.unit) - at.log_survival(end / ages.unit)) / (end - begin)
    exposure = 4e5 * np.exp(-begin / 80)
    fit = fit_binned_law(LAWS[law], ages, exposure * rate, exposure)
    # Past the plateau the truth may rise; the fit's intensities may not.
    assert fit.intensities(ages)[:19] == pytest.approx(rate[:19], rel=0.03)


@pytest.mark.slow
def test_a_forecast_runs_on_laws_and_is_the_same_again():
    model = spm.PipelineModel(ModelSpec(law="log-logistic")).fit(spm.read_history(example_tables()), as_of=AS_OF)
    free, first, second = (
        spm.simulate(fit, until="2024-12-31", trials=200, seed=2).draws.sum(axis=1)
        for fit in (example_fit(), model, model)
    )
    assert (first == second).all()
    assert (first != free).any()
    assert first.mean() == pytest.approx(free.mean(), rel=0.25)
    assert model.conversion_rates(None)["estimate"].between(0, 1).all()


def test_few_exits_are_left_to_the_free_bins():
    rows = [(k, 0, DAY + 20 * k, 0, 5 + 3 * k, 1 if k % 2 else 2) for k in range(8)]
    stays = stays_of(rows, stages=("A",), today=TODAY)
    process = fit_transitions(stays, profiles_of(np.zeros(8)), FiscalCalendar(), ModelSpec(law="weibull"))
    assert process.laws.fits == {}
    assert np.isfinite(process.intensities()).all()


def test_an_unknown_law_is_named_with_the_nearest():
    with pytest.raises(InputError, match=r"unknown law .* Did you mean lognormal\?"):
        ModelSpec(law="lognormla")
