"""Tests of the simple rivals: published reference values, exact spreads, short and odd series."""

from __future__ import annotations

import numpy as np
import pytest

from spmforecast.errors import InputError
from spmforecast.evaluate import baselines as b
from spmforecast.evaluate.decomposition import decompose, holt_winters, simple_smoothing


def _read(path) -> np.ndarray:
    return np.genfromtxt(path, skip_header=1)


def test_filters_with_given_parameters_against_reference(reference):
    ref = reference("20_ets_arima_baselines")
    ref.compare("SES alpha .3, l0=y1, Nile: forecast", simple_smoothing(_read(ref.path / "nile.csv"), 0.3))
    state = holt_winters(_read(ref.path / "airpassengers.csv"), 12, 0.3, 0.1, 0.2, multiplicative=True)
    got = {"a": state.level, "b": state.trend, "s": state.figure.tolist(), "SSE": state.squares}
    ref.compare("HoltWinters multiplicative fixed a=.3 b=.1 g=.2 AirPassengers (R start values l,b,s)", got)
    ref.compare("HW forecasts 12", state.forecast(12).tolist())


def test_fitted_models_against_reference(reference):
    ref = reference("20_ets_arima_baselines")
    series = _read(ref.path / "usaccdeaths.csv")
    smooth = b.smoothing(series, 12, 12)
    ref.compare("ETS(A,N,A) USAccDeaths forecast 12 (optimiser dependent)", smooth.mean.tolist())
    ref.compare("ETS(A,N,A) AICc", smooth.aicc)
    law = b.airline(series, 12, 12)
    found = [law.parameters[key] for key in ("ma1", "sma1", "sigma2")]
    ref.compare("airline ARIMA(0,1,1)(0,1,1)12 USAccDeaths: ma1,sma1,sigma2,loglik", [*found, law.log_likelihood])
    ref.compare("airline forecast 12", law.mean.tolist())
    low, high = law.interval(0.8)
    ref.compare("airline 80% lower/upper h=1,12", [low[0], high[0], low[11], high[11]])


def _seasonal(n: int, season: int = 4) -> np.ndarray:
    rng = np.random.default_rng(8)
    return 100 + 2.0 * np.arange(n) + np.resize([10.0, -5, 0, -5], n) + rng.normal(0, 3, n)


@pytest.mark.parametrize("kind", b.BASELINES)
def test_draws_have_the_law_s_moments_and_are_the_same_again(kind):
    law = b.baseline(kind, _seasonal(24), 6, 4)
    drawn = law.draws(40_000, seed=3)
    assert drawn.shape == (40_000, 6)
    assert drawn.mean(axis=0) == pytest.approx(law.mean, abs=0.03 * law.sd.max())
    assert drawn.std(axis=0) == pytest.approx(law.sd, rel=0.02)
    low, high = law.interval(0.8)
    assert np.mean((drawn >= low) & (drawn <= high), axis=0) == pytest.approx(np.full(6, 0.8), abs=0.01)
    assert (law.draws(400, seed=3) == drawn[:400]).all()
    assert (law.draws(400, seed=3, series="other") != drawn[:400]).any()


def test_response_is_that_of_the_simulated_model():
    # A shock at the end of the record moves the forecasts by the response, shifted by one.
    series = _seasonal(24)
    for trend in ("none", "additive", "damped"):
        law = b.smoothing(series, 8, 4, trend)
        p = law.parameters
        level, slope, figure, path = 0.0, 0.0, [0.0] * 4, []
        for h in range(8):
            error = 1.0 if h == 0 else 0.0
            ahead = level + p["damping"] * slope
            path.append(ahead + figure[h % 4] + error)
            level, slope = ahead + p["level"] * error, p["damping"] * slope + p["trend"] * error
            figure[h % 4] += p["seasonal"] * error
        assert law.response == pytest.approx(path, abs=1e-9)


def test_response_of_the_airline_model_is_its_polynomial():
    law = b.airline(_seasonal(24), 10, 4)
    p = law.parameters
    top = np.convolve([1, p["ma1"]], [1, 0, 0, 0, p["sma1"]])
    bottom = np.convolve([1, -1], [1, 0, 0, 0, -1])
    ratio = []
    for h in range(10):
        before = sum(bottom[k] * ratio[h - k] for k in range(1, min(h, 5) + 1))
        ratio.append((top[h] if h < len(top) else 0.0) - before)
    assert law.response == pytest.approx(ratio, abs=1e-12)


def test_the_choice_finds_season_and_trend():
    assert b.exponential_smoothing(_seasonal(40), 4, 4).name in ("ETS(A,A,A)", "ETS(A,Ad,A)")
    flat = 50 + np.random.default_rng(2).normal(0, 2, 40)
    assert b.exponential_smoothing(flat, 4, 4).name == "ETS(A,N,N)"


@pytest.mark.parametrize("kind", b.BASELINES)
@pytest.mark.parametrize("n", [2, 4, 5, 10])
def test_short_and_constant_series_are_forecast(kind, n):
    for series in (_seasonal(n) * 1e6, np.full(n, 7.0)):
        law = b.baseline(kind, series, 3, 4)
        assert np.isfinite(law.mean).all()
        assert np.isfinite(law.sd).all()
    assert b.baseline(kind, np.full(n, 7.0), 3, 4).mean == pytest.approx([7.0] * 3, rel=1e-3)


def test_seasonal_naive_repeats_the_last_season():
    law = b.seasonal_naive([1, 2, 3, 4, 11, 12, 13, 14], 5, 4)
    assert law.mean.tolist() == [11, 12, 13, 14, 11]
    assert law.sigma == 10
    assert law.sd == pytest.approx([10, 10, 10, 10, 10 * np.sqrt(2)])


def test_decomposition_gives_back_a_pure_season():
    figure = np.array([3.0, -1, -2, 0])
    assert decompose(np.resize(figure, 12) + 5, 4)[1] == pytest.approx(figure)
    assert decompose(np.resize([2.0, 0.5, 0.5], 9) * 7, 3, multiplicative=True)[1] == pytest.approx([2, 0.5, 0.5])
    state = holt_winters(np.resize(figure, 16) + 5, 4, 0.3, 0.1, 0.2)
    assert state.squares == pytest.approx(0, abs=1e-18)
    assert state.forecast(4) == pytest.approx(figure + 5)


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="at least 2 rows are needed, 1 are given"):
        b.baseline("arima", [1.0], 3)
    with pytest.raises(InputError, match="unknown baseline"):
        b.baseline("oracle", [1.0, 2.0], 3)
    with pytest.raises(InputError, match="1 of 3 values are missing"):
        b.seasonal_naive([1.0, np.nan, 2.0], 3)
    with pytest.raises(InputError, match="unknown trend"):
        b.smoothing([1.0, 2, 3, 4], 2, 1, "wild")
