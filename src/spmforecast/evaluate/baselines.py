"""Simple rivals for a series of totals: seasonal naive, exponential smoothing and ARIMA, as laws of what comes next.

All have additive errors, so each is a mean path and the response of later values to a shock: draws are exact paths,
and sums over periods keep their covariance. statsmodels fits; start states are those of R's ``ets``.

Sources: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., chapters 8 and 9; Hyndman, Koehler,
Ord & Snyder (2008), Forecasting with Exponential Smoothing, table 6.1; Box & Jenkins (1976), chapter 9.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spmforecast.arrays import Floats, columns, require
from spmforecast.evaluate.decomposition import decompose, start_line
from spmforecast.simulate.streams import Streams

__all__ = ["BASELINES", "Law", "airline", "baseline", "exponential_smoothing", "seasonal_naive", "smoothing"]

_TOPIC = "baselines"
_TRENDS = ("none", "additive", "damped")


@dataclass(frozen=True)
class Law:
    """What a linear model says of the next values.

    Parameters
    ----------
    name : str
        Model, in the field's notation.
    mean : array of float, shape (ahead,)
        Expected values.
    response : array of float, shape (ahead,)
        Effect of a unit shock on the value of its own time (1) and of those after it.
    sigma : float
        Standard deviation of a shock, corrected for the parameters fitted.
    parameters : dict of str to float
        Fitted parameters.
    log_likelihood : float
        Maximised, NaN where the model has none.
    aicc : float
        Corrected criterion, NaN where there is none.
    """

    name: str
    mean: Floats
    response: Floats
    sigma: float
    parameters: dict[str, float]
    log_likelihood: float = float("nan")
    aicc: float = float("nan")

    @property
    def sd(self) -> Floats:
        """Standard deviation of each value ahead, shape (ahead,)."""
        return np.asarray(self.sigma * np.sqrt(np.cumsum(self.response**2)))

    def interval(self, level: float = 0.8) -> tuple[Floats, Floats]:
        """Central normal interval of each value."""
        from scipy import special

        reach = float(special.ndtri((1 + level) / 2)) * self.sd
        return self.mean - reach, self.mean + reach

    def draws(self, trials: int, seed: int = 0, series: str = "total") -> Floats:
        """Draw paths, shape (trials, ahead).

        Parameters
        ----------
        trials : int
            Number of paths.
        seed : int
            Seed of the streams.
        series : str
            Name of the series; other names draw independently.
        """
        streams = Streams(seed)
        ahead = len(self.mean)
        shock = np.stack([streams.normals("baseline", series, "shock", 0, trials, lane=h) for h in range(ahead)])
        later = np.arange(ahead)[:, None] - np.arange(ahead)
        effect = np.where(later >= 0, self.response[np.maximum(later, 0)], 0.0)
        # Summed in a fixed order rather than by BLAS, whose bytes may depend on its threads.
        return np.asarray(self.mean + self.sigma * np.einsum("hk,kt->th", effect, shock))


def seasonal_naive(series: npt.ArrayLike, ahead: int, season: int = 1) -> Law:
    """Take the value of a season ago, or the last one while there is no whole season.

    Parameters
    ----------
    series : array-like, shape (n,)
        Values in order of time, at least two.
    ahead : int
        Values to forecast.
    season : int
        Values in a season; 1 for none.

    Returns
    -------
    Law
        Its shocks are the seasonal differences.

    Raises
    ------
    InputError
        If the series is too short, or has missing values.
    """
    y = _series(series, ahead, season, least=2)
    lag = season if len(y) > season else 1
    step = np.arange(ahead)
    sigma = float(np.sqrt(np.mean((y[lag:] - y[:-lag]) ** 2)))
    return Law(f"naive({lag})", y[len(y) - lag + step % lag], (step % lag == 0).astype(float), sigma, {})


def smoothing(series: npt.ArrayLike, ahead: int, season: int = 1, trend: str = "none") -> Law:
    """Exponential smoothing with additive errors; parameters by maximum likelihood.

    Parameters
    ----------
    series, ahead, season
        As :func:`seasonal_naive`; seasonality needs two whole seasons and is left out before.
    trend : str
        ``"none"``, ``"additive"`` or ``"damped"``.

    Returns
    -------
    Law
        ``aicc`` follows R's ``ets``: ``n log(sum of squares)``, start states counted.

    Raises
    ------
    InputError
        If the series is shorter than four values, or the trend is unknown.
    """
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    y = _series(series, ahead, season, least=4)
    require(trend in _TRENDS, _TOPIC, f"unknown trend; use one of {', '.join(_TRENDS)}", "trend")
    m = season if season > 1 and len(y) >= 2 * season else 1
    figure = decompose(y, m)[1] if m > 1 else np.zeros(1)
    level, slope = start_line(y - np.resize(figure, len(y)), min(max(10, 2 * m), len(y)))
    trended = trend != "none"
    flat = float(np.mean((y - np.resize(figure, len(y)))[: min(max(10, 2 * m), len(y))]))
    model = ETSModel(
        y,
        error="add",
        trend="add" if trended else None,
        damped_trend=trend == "damped",
        seasonal="add" if m > 1 else None,
        seasonal_periods=m if m > 1 else None,
        initialization_method="known",
        initial_level=level if trended else flat,
        initial_trend=slope if trended else None,
        initial_seasonal=figure if m > 1 else None,
    )
    with _quiet():
        fit = model.fit(disp=False, maxiter=2000)
    names = dict(zip(fit.param_names, (float(v) for v in fit.params), strict=True))
    found = {key: names.get(f"smoothing_{key}", 0.0) for key in ("level", "trend", "seasonal")}
    found["damping"] = names.get("damping_trend", 1.0) if trended else 0.0
    free = 1 + (m > 1) + 2 * trended + (trend == "damped") + m
    return _smoothed(f"ETS(A,{_letter(trend)},{'A' if m > 1 else 'N'})", fit, found, m, free, ahead)


def _letter(trend: str) -> str:
    return {"none": "N", "additive": "A", "damped": "Ad"}[trend]


def _smoothed(name: str, fit: Any, found: dict[str, float], season: int, free: int, ahead: int) -> Law:
    """Gather a fitted smoothing model."""
    residual = np.asarray(fit.resid, dtype=np.float64)
    n, squares = len(residual), float(np.sum(residual**2))
    step = np.arange(ahead)
    damped = np.cumsum(found["damping"] ** step) - 1 if found["damping"] > 0 else np.zeros(ahead)
    response = found["level"] + found["trend"] * damped + found["seasonal"] * (step % season == 0) * (season > 1)
    response[0] = 1.0
    k = free + 1
    aicc = n * np.log(max(squares, 1e-300)) + 2 * k * n / (n - k - 1) if n > k + 1 else float("inf")
    sigma = float(np.sqrt(squares / max(n - free, 1)))
    mean = np.asarray(fit.forecast(ahead), dtype=np.float64)
    return Law(name, mean, response, sigma, found, float(fit.llf), float(aicc))


def exponential_smoothing(series: npt.ArrayLike, ahead: int, season: int = 1) -> Law:
    """Choose trend and season of :func:`smoothing` by AICc."""
    y = _series(series, ahead, season, least=4)
    seasons = (1, season) if season > 1 and len(y) >= 2 * season else (1,)
    laws = [smoothing(y, ahead, m, trend) for m in seasons for trend in _TRENDS]
    return min(laws, key=lambda law: law.aicc)


def airline(series: npt.ArrayLike, ahead: int, season: int = 1) -> Law:
    """ARIMA(0,1,1)(0,1,1) with the season's length; without the seasonal part while there are not two seasons and two.

    Parameters
    ----------
    series, ahead, season
        As :func:`seasonal_naive`, at least five values.

    Returns
    -------
    Law
        Exact likelihood of the differenced series; shocks with the degrees of freedom of the parameters taken off.

    Raises
    ------
    InputError
        If the series is too short or has missing values.
    """
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    y = _series(series, ahead, season, least=5)
    m = season if season > 1 and len(y) >= 2 * season + 2 else 1
    seasonal = (0, 1, 1, m) if m > 1 else (0, 0, 0, 0)
    # In units of the series' own size, so that the start values and stopping rules of the optimiser fit any currency.
    unit = float(np.std(np.diff(y))) or 1.0
    options = {"order": (0, 1, 1), "seasonal_order": seasonal}
    with _quiet():
        model = SARIMAX(y / unit, simple_differencing=True, **options)
        fit = model.fit(disp=False, maxiter=500)
        whole = SARIMAX(y / unit, use_exact_diffuse=True, **options).filter(fit.params)
        mean = np.asarray(whole.forecast(ahead), dtype=np.float64) * unit
    n, free = model.nobs, len(fit.params) - 1
    values = [float(value) for value in fit.params]
    variance = values[-1] * unit**2 * n / max(n - free, 1)
    found = dict(zip(("ma1", "sma1") if m > 1 else ("ma1",), values[:-1], strict=True)) | {"sigma2": variance}
    name = f"ARIMA(0,1,1)(0,1,1){m}" if m > 1 else "ARIMA(0,1,1)"
    likelihood = float(fit.llf) - n * np.log(unit)
    response = _airline_response(found["ma1"], found.get("sma1", 0.0), m, ahead)
    return Law(name, mean, response, float(np.sqrt(variance)), found, likelihood)


def _airline_response(ma1: float, sma1: float, season: int, ahead: int) -> Floats:
    """Coefficients of ``(1 + ma1 B)(1 + sma1 B^m) / ((1 - B)(1 - B^m))``."""
    out = np.zeros(ahead)
    out[0] = 1.0
    if ahead > 1:
        out[1] = ma1
    out = np.cumsum(out)
    if season == 1:
        return out
    for h in range(ahead - 1, season - 1, -1):
        out[h] += sma1 * out[h - season]
    for h in range(season, ahead):
        out[h] += out[h - season]
    return out


BASELINES = ("seasonal-naive", "smoothing", "arima")


def baseline(kind: str, series: npt.ArrayLike, ahead: int, season: int = 1) -> Law:
    """Fit a rival by name; a series too short for it is left to the seasonal naive one, whose name says so.

    Parameters
    ----------
    kind : str
        One of :data:`BASELINES`.
    series, ahead, season
        As :func:`seasonal_naive`.

    Returns
    -------
    Law

    Raises
    ------
    InputError
        If the kind is unknown, or the series has missing or fewer than two values.
    """
    require(kind in BASELINES, _TOPIC, f"unknown baseline; use one of {', '.join(BASELINES)}", "kind")
    y = _series(series, ahead, season, least=2)
    if kind == "smoothing" and len(y) >= 4:
        return exponential_smoothing(y, ahead, season)
    if kind == "arima" and len(y) >= 5 and np.ptp(np.diff(y)) > 0:
        return airline(y, ahead, season)
    return seasonal_naive(y, ahead, season)


def _series(series: npt.ArrayLike, ahead: int, season: int, least: int) -> Floats:
    (y,) = columns(_TOPIC, {"series": series}, least)
    require(ahead >= 1, _TOPIC, "at least one value must be asked for", "ahead")
    require(season >= 1, _TOPIC, "a season has at least one value", "season")
    return y


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the optimiser's remarks to itself: a rival that did not quite converge is still a rival."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
