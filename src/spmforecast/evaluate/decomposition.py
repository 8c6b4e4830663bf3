"""Level, trend and season of a series by moving averages, and Holt–Winters' filter with given parameters.

The conventions are those of R's ``decompose`` and ``HoltWinters`` (package stats).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.arrays import Floats, columns, require

__all__ = ["HoltWinters", "decompose", "holt_winters", "simple_smoothing", "start_line"]

_TOPIC = "decomposition"


def decompose(series: npt.ArrayLike, season: int, multiplicative: bool = False) -> tuple[Floats, Floats]:
    """Split a series into a moving average over one season and the season's figure.

    Parameters
    ----------
    series : array-like, shape (n,)
        At least two whole seasons.
    season : int
        Values in a season, at least two.
    multiplicative : bool
        The figure multiplies (mean 1) rather than adds (mean 0).

    Returns
    -------
    tuple of array of float
        Trend, shape (n,), NaN at the ends; figure, shape (season,), in the order in which the series begins.

    Raises
    ------
    InputError
        If the series is too short or has missing values.
    """
    require(season >= 2, _TOPIC, "a season has at least two values", "season")
    (y,) = columns(_TOPIC, {"series": series}, least=2 * season)
    window = np.ones(season + 1 - season % 2)
    if season % 2 == 0:
        window[[0, -1]] = 0.5
    half = len(window) // 2
    trend = np.full(len(y), np.nan)
    trend[half : len(y) - half] = np.convolve(y, window / season, "valid")
    off = y / trend if multiplicative else y - trend
    figure = np.array([np.nanmean(off[k::season]) for k in range(season)])
    return trend, figure / figure.mean() if multiplicative else figure - figure.mean()


def start_line(series: Floats, length: int) -> tuple[float, float]:
    """Level (one step before the first value) and slope of a straight line through the first values."""
    if length < 2:
        return float(series[0]), 0.0
    slope, level = np.polyfit(np.arange(1, length + 1), series[:length], 1)
    return float(level), float(slope)


def simple_smoothing(series: npt.ArrayLike, alpha: float) -> float:
    """Level after simple exponential smoothing that starts at the first value: the forecast of every later one."""
    (y,) = columns(_TOPIC, {"series": series})
    require(0 < alpha <= 1, _TOPIC, "alpha must lie above 0 and at most at 1", "alpha")
    level = float(y[0])
    for value in y[1:]:
        level += alpha * (float(value) - level)
    return level


@dataclass(frozen=True)
class HoltWinters:
    """State after the last value of a series.

    Parameters
    ----------
    level, trend : float
        Last level and slope.
    figure : array of float, shape (season,)
        Season's figure, next value first.
    squares : float
        Sum of squared one-step errors.
    multiplicative : bool
        Whether the figure multiplies.
    """

    level: float
    trend: float
    figure: Floats
    squares: float
    multiplicative: bool

    def forecast(self, ahead: int) -> Floats:
        """Continue the series, shape (ahead,)."""
        line = self.level + self.trend * np.arange(1, ahead + 1)
        figure = np.resize(self.figure, ahead)
        return line * figure if self.multiplicative else line + figure


def holt_winters(
    series: npt.ArrayLike, season: int, alpha: float, beta: float, gamma: float, multiplicative: bool = False
) -> HoltWinters:
    """Run Holt–Winters' filter with given parameters, started from the first two seasons.

    Parameters
    ----------
    series : array-like, shape (n,)
        At least two whole seasons.
    season : int
        Values in a season.
    alpha, beta, gamma : float
        Smoothing of level, trend and season.
    multiplicative : bool
        The season multiplies.

    Returns
    -------
    HoltWinters

    Raises
    ------
    InputError
        If the series is too short or has missing values.
    """
    trend_line, start = decompose(np.asarray(series, dtype=float)[: 2 * season], season, multiplicative)
    (y,) = columns(_TOPIC, {"series": series})
    known = trend_line[np.isfinite(trend_line)]
    level, trend = start_line(known, len(known))
    figure, squares = list(start), 0.0
    for value in y[season:]:
        old = figure[-season]
        hoped = (level + trend) * old if multiplicative else level + trend + old
        squares += float(value - hoped) ** 2
        fresh = value / old if multiplicative else value - old
        raised = alpha * fresh + (1 - alpha) * (level + trend)
        trend = beta * (raised - level) + (1 - beta) * trend
        level = raised
        figure.append(gamma * (value / level if multiplicative else value - level) + (1 - gamma) * old)
    return HoltWinters(float(level), float(trend), np.array(figure[-season:]), squares, multiplicative)
