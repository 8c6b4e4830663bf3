"""Tests of the laws' fits: published reference values, truncation, factorised causes, weights, wrong input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.errors import InputError
from spmforecast.models.parametric import LAWS, fit_law, rank_laws
from spmforecast.models.parametric import residual as r

SURVREG = {"weibull": "weibull", "lognormal": "lognormal", "loglogistic": "log-logistic", "exponential": "exponential"}


@pytest.mark.parametrize("name", SURVREG)
def test_regressions_against_reference(reference, name):
    ref = reference("04_survreg_parametric")
    lung, ovarian = (pd.read_csv(ref.path / f"{table}.csv") for table in ("lung", "ovarian"))
    dead = (lung["status"] == 2).astype(float)
    for table, fit in (
        ("lung", fit_law(SURVREG[name], lung["time"], dead, location=lung[["age", "sex"]])),
        (
            "ovarian",
            fit_law(SURVREG[name], ovarian["futime"], ovarian["fustat"], location=ovarian[["ecog.ps", "rx"]]),
        ),
    ):
        scale = 1.0 if name == "exponential" else float(np.exp(fit.coefficients[3]))
        terms = "(Intercept,age,sex)" if table == "lung" else "(Intercept,ecog.ps,rx)"
        got = [*fit.coefficients[:3].tolist(), scale, fit.log_likelihood]
        ref.compare(f"{table} {name} coef {terms}, scale, loglik", got)
        if table == "lung":
            ref.compare(f"lung {name} se of (Intercept,age,sex,log scale)", fit.se.tolist())
    alone = fit_law(SURVREG[name], lung["time"], dead)
    ref.compare(f"lung {name} intercept-only quantiles .1,.5,.9", alone.at().quantile([0.1, 0.5, 0.9]).tolist())


def test_generalized_gamma_fits_against_reference(reference):
    ref = reference("05_generalized_gamma")
    bc = pd.read_csv(ref.path / "bc.csv")
    group = np.column_stack([bc["group"] == "Medium", bc["group"] == "Poor"]).astype(float)
    fit = fit_law("generalized-gamma", bc["recyrs"], bc["censrec"], location=group)
    mu, medium, poor, log_sigma, q = fit.coefficients
    ref.compare("bc gengamma ~group: mu,sigma,Q,groupMedium,groupPoor", [mu, float(np.exp(log_sigma)), q, medium, poor])
    ref.compare("loglik", fit.log_likelihood)
    ref.compare("AIC", fit.aic)
    alone = fit_law("generalized-gamma", bc["recyrs"], bc["censrec"])
    mu, log_sigma, q = alone.coefficients
    ref.compare("bc gengamma ~1: mu,sigma,Q", [mu, float(np.exp(log_sigma)), q])
    ref.compare("bc gengamma ~1 loglik", alone.log_likelihood)
    nested = ("weibull", "lognormal", "log-logistic", "gamma", "gompertz")
    fits = {law: fit_law(law, bc["recyrs"], bc["censrec"]) for law in nested}
    ref.compare("bc ~1 loglik weibull,lnorm,llogis,gamma,gompertz", [fits[law].log_likelihood for law in nested])
    location, log_scale = fits["weibull"].coefficients
    ref.compare("bc ~1 weibull shape,scale", [float(np.exp(-log_scale)), float(np.exp(location))])


def test_generalized_gamma_pointwise_against_reference(reference):
    ref = reference("05_generalized_gamma")
    law = r.generalized_gamma(0.3, 0.8, 0.6)
    ref.compare("dgengamma(1.5; mu=.3,sigma=.8,Q=.6)", float(law.density(1.5)))
    ref.compare("hgengamma(1.5;.3,.8,.6)", float(law.hazard(1.5)))
    ref.compare("qgengamma(.9;.3,.8,.6)", float(law.quantile(0.9)))
    for name, q in (
        ("pgengamma(1.5; .3,.8,.6)", 0.6),
        ("pgengamma(1.5; .3,.8,-.6)", -0.6),
        ("pgengamma(1.5;.3,.8,0)=lognormal", 0.0),
        ("pgengamma(1.5;.3,.8,1)=Weibull(shape 1/.8, scale exp(.3))", 1.0),
    ):
        ref.compare(name, 1 - float(r.generalized_gamma(0.3, 0.8, q).survival(1.5)))
    assert float(r.lognormal(0.3, 0.8).survival(1.5)) == pytest.approx(
        float(r.generalized_gamma(0.3, 0.8, 0.0).survival(1.5)), abs=1e-14
    )


def test_cured_shares_against_reference(reference):
    ref = reference("08_mixture_cure")
    bc = pd.read_csv(ref.path / "bc.csv")
    group = np.column_stack([bc["group"] == "Medium", bc["group"] == "Poor"]).astype(float)
    alone = fit_law("weibull-cure", bc["recyrs"], bc["censrec"])
    location, log_scale, _ = alone.coefficients
    never = float(alone.at().never_chance(0.0))
    got = [never, float(np.exp(-log_scale)), float(np.exp(location)), alone.log_likelihood]
    ref.compare("Weibull mixture cure ~1: theta(cured),shape,scale,loglik", got)
    ref.compare("flexsurvcure Weibull ~1 loglik", alone.log_likelihood)
    fit = fit_law("weibull-cure", bc["recyrs"], bc["censrec"], cure=group)
    location, log_scale, _, medium, poor = fit.coefficients
    good = float(fit.at(cure=[0, 0]).never_chance(0.0))
    got = [good, float(np.exp(-log_scale)), float(np.exp(location)), medium, poor]
    ref.compare("flexsurvcure Weibull ~group: theta(Good),shape,scale,logit effects Medium,Poor", got)
    ref.compare("loglik ~group", fit.log_likelihood)
    log_normal = fit_law("lognormal-cure", bc["recyrs"], bc["censrec"], cure=group)
    mean, log_sd, _, medium, poor = log_normal.coefficients
    good = float(log_normal.at(cure=[0, 0]).never_chance(0.0))
    name = (
        "flexsurvcure lognormal ~group: theta(Good), meanlog, sdlog, logit effect Medium"
        " (Poor runs to -inf: boundary, cured fraction 0)"
    )
    ref.compare(name, [good, mean, float(np.exp(log_sd)), medium])
    ref.compare("lognormal ~group loglik", log_normal.log_likelihood)
    # The boundary is told: nothing is known of how far beyond it lies, and a draw stays there.
    assert poor < -8
    drawn = log_normal.draws(np.ones((3, 5)))
    assert np.isfinite(drawn).all()


def _truncated(n: int = 6000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(21)
    time = 40 * rng.weibull(1.6, n)
    entry = np.where(rng.random(n) < 0.5, rng.uniform(0, 60, n), 0.0)
    end = rng.uniform(20, 120, n)
    kept = (time > entry) & (end > entry)
    time, entry, end = time[kept], entry[kept], end[kept]
    return np.minimum(time, end), (time <= end).astype(float), entry


def test_left_truncation_is_accounted_for():
    time, event, entry = _truncated()
    fit, naive = fit_law("weibull", time, event, entry), fit_law("weibull", time, event)
    location, log_scale = fit.coefficients
    assert location == pytest.approx(np.log(40), abs=3 * fit.se[0])
    assert log_scale == pytest.approx(-np.log(1.6), abs=3 * fit.se[1])
    assert abs(naive.coefficients[0] - np.log(40)) > 5 * fit.se[0]


def test_the_likelihood_ignores_how_exposure_is_cut():
    time, event, entry = _truncated(400)
    cut = entry + 0.4 * (time - entry)
    whole = fit_law("log-logistic", time, event, entry)
    halves = fit_law(
        "log-logistic",
        np.concatenate([cut, time]),
        np.concatenate([0 * event, event]),
        np.concatenate([entry, cut]),
    )
    assert halves.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-7)
    assert halves.coefficients == pytest.approx(whole.coefficients, abs=1e-5)


def test_weights_stand_for_repeated_rows_and_units_do_not_matter():
    time, event, entry = _truncated(300)
    double = fit_law("generalized-gamma", np.tile(time, 2), np.tile(event, 2), np.tile(entry, 2))
    weighed = fit_law("generalized-gamma", time, event, entry, weight=np.full(len(time), 2.0))
    assert weighed.log_likelihood == pytest.approx(double.log_likelihood, rel=1e-10)
    assert weighed.covariance == pytest.approx(double.covariance, rel=1e-3)
    weeks = fit_law("gompertz", time / 7, event, entry / 7)
    days = fit_law("gompertz", time, event, entry)
    assert weeks.coefficients == pytest.approx(days.coefficients * [1, 7] - [np.log(7), 0], rel=1e-5)
    assert days.log_likelihood == pytest.approx(weeks.log_likelihood - event.sum() * np.log(7), abs=1e-5)


def test_causes_factorise():
    rng = np.random.default_rng(6)
    win, lose = 60 * rng.weibull(1.5, 5000), 90 * rng.weibull(0.8, 5000)
    time = np.minimum(win, lose)
    won = fit_law("weibull", time, (win < lose).astype(float))
    lost = fit_law("weibull", time, (lose < win).astype(float))
    assert won.coefficients == pytest.approx([np.log(60), -np.log(1.5)], abs=0.06)
    assert lost.coefficients == pytest.approx([np.log(90), -np.log(0.8)], abs=0.1)


@pytest.mark.parametrize("law", sorted(LAWS))
def test_every_law_finds_its_own_parameters_again(law):
    rng = np.random.default_rng(31)
    values = {"location": 3.0, "log_scale": -0.4, "q": 0.5, "growth": 0.02, "cure": -1.2}
    true = np.array([values[name] for name in LAWS[law].parameters])
    time = r.FixedLaw(LAWS[law], tuple(true)).quantile(rng.random(2000))
    seen = time < 80
    fit = fit_law(law, np.minimum(time, 80), seen.astype(float))
    assert (np.abs(fit.coefficients - true) < 4 * fit.se).all()
    assert fit.draws(np.zeros((1, len(true))))[0] == pytest.approx(fit.coefficients)


def test_akaike_s_criterion_finds_the_law():
    rng = np.random.default_rng(9)
    time = r.log_logistic(2.2, 30).quantile(rng.random(4000))
    ranked = rank_laws(time, np.ones(4000), laws=("exponential", "weibull", "lognormal", "log-logistic"))
    assert [ranked[0].law.name, ranked[-1].law.name] == ["log-logistic", "exponential"]


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="unknown law 'wiebull'"):
        fit_law("wiebull", [1.0], [1])
    with pytest.raises(InputError, match="times must be positive"):
        fit_law("weibull", [0.0, 1], [1, 1])
    with pytest.raises(InputError, match="an entry age must lie between"):
        fit_law("weibull", [1.0, 2], [1, 1], entry=[0, 2])
    with pytest.raises(InputError, match="no exit was seen"):
        fit_law("weibull", [1.0, 2], [0, 0])
    with pytest.raises(InputError, match="weibull has no parameter cure"):
        fit_law("weibull", [1.0, 2], [1, 1], cure=[0.0, 1.0])
    with pytest.raises(InputError, match="location takes 1 covariates"):
        fit_law("exponential", [1.0, 2, 3], [1, 1, 1], location=[0.0, 1.0, 0.0]).at(location=[1, 2])
