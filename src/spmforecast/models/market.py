"""Common shocks: the market that moves every deal at once, estimated from monthly over-dispersion.

Two monthly levels are latent AR(1) series seen through Poisson noise: the log of deals created over those expected,
and the log of stage visits that end upwards (in an advance or a win) over those expected, less the same of losses: the
odds of going up. A good market moves advances and losses at once, so its effect on winning would be far too small if
read from advances alone. A grid posterior over each one's standard deviation, persistence and drift (half-normal and
flat priors) keeps a standard deviation of zero out of reach; a Kalman filter says where the level stands today and how
well its long-run mean is known: a few years of a persistent market leave the mean itself in doubt. The mean drifts, too
(people learn, offers age), as a slow random walk whose pace is a third dimension of the grid, and it grows or shrinks
by a few per cent a year: a trend, shrunk to none and damped ahead, is the fourth. The innovations of both
are correlated: one market moves them with loadings of their own. A level has mean ``-tau²/2``, so that its exponential
has mean one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.models.growth import FREE, GROWTHS, STEADY, GrowthPrior, Trend
from spmforecast.models.season import MEAN_PRIOR_SD, SeasonFit, overfit

__all__ = ["MarketModel", "MonthlyCounts", "ShockPosterior", "fit_market", "fit_shock"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# No market is calmer than 2 % a month in the long run: short records must not claim it.
_TAU_GRID = np.concatenate([np.linspace(0.02, 0.2, 19), np.linspace(0.225, 0.8, 24)])
# Markets persist; shocks that vanish within a month are noise of the counts.
_PHI_GRID = np.array([0.3, 0.6, 0.8, 0.88, 0.93, 0.96, 0.98])
_TAU_PRIOR_SD = 0.3
_DRIFT_GRID = np.array([0.004, 0.012, 0.024])  # of the long-run mean in a month; about 1.5, 4 and 8 % in a year
_DAMPING = 0.98  # of growth from month to month ahead (Gardner 1985, J Forecasting 4:1)
_CORRELATION, _CORRELATION_MONTHS = 0.5, 12.0  # one market moves both: the prior, and the months it is worth
_LEAST_KEPT = 0.3  # of a covariance once the sample's mean is taken off
_MANY_EVENTS = 150  # in a month: the log of their number is normal around that of the expectation


@dataclass(frozen=True)
class ShockPosterior:
    """Grid posterior of one monthly AR(1) level.

    Parameters
    ----------
    tau, phi : array of float, shape (grid,)
        Stationary standard deviation and monthly persistence at each grid point.
    drift : array of float, shape (grid,)
        Standard deviation of the monthly steps of the long-run mean.
    growth : array of float, shape (grid,)
        Its trend, per month.
    weight : array of float, shape (grid,)
        Posterior probability.
    mean, mean_sd : array of float, shape (grid,)
        Long-run mean of the level, relative to what the rates fitted over the whole record imply, and its error.
    level, level_sd : array of float, shape (grid,)
        Present level as a deviation from the long-run mean where that has its expected value, and the error that is
        left once the mean is known.
    slope : array of float, shape (grid,)
        Change of the present deviation for one unit more of the long-run mean.
    months : int
        Months behind it.
    """

    tau: Array
    phi: Array
    drift: Array
    growth: Array
    weight: Array
    mean: Array
    mean_sd: Array
    level: Array
    level_sd: Array
    slope: Array
    months: int

    def tau_mean(self) -> float:
        """Posterior mean of the standard deviation."""
        return float((self.weight * self.tau).sum())

    def tau_quantile(self, q: float) -> float:
        """Posterior quantile of the standard deviation."""
        order = np.argsort(self.tau, kind="stable")
        reached = np.cumsum(self.weight[order])
        return float(self.tau[order][np.searchsorted(reached, q * reached[-1])])

    @staticmethod
    def damping(months: int) -> float:
        """Share of the growth that is left after so many months to come."""
        return float(_DAMPING**months)

    @staticmethod
    def grown(months: int) -> Array:
        """Months' worth of growth by the end of each month to come, damped; shape (months,)."""
        return np.asarray(np.cumsum(_DAMPING ** np.arange(1, months + 1)))

    def paths(self, choice: Array, centre: Array, start: Array, innovation: Array, drift: Array) -> Array:
        """Turn uniforms and normals into paths of the level.

        Parameters
        ----------
        choice : array of float, shape (trials,)
            Uniforms that pick the grid point.
        centre, start : array of float, shape (trials,)
            Standard normals for the long-run mean and the present level.
        innovation, drift : array of float, shape (trials, months)
            Standard normals of the months to come, for the level and for its long-run mean.

        Returns
        -------
        array of float, shape (trials, months)
            Levels of the months to come.
        """
        point = np.minimum(np.searchsorted(np.cumsum(self.weight), choice), len(self.weight) - 1)
        tau, phi, pace = self.tau[point], self.phi[point], self.drift[point]
        apart = self.mean_sd[point] * centre
        mean = self.mean[point] + apart
        grown = self.growth[point][:, None] * self.grown(innovation.shape[1])
        level = self.level[point] + self.slope[point] * apart + self.level_sd[point] * start
        out = np.empty_like(innovation)
        for month in range(innovation.shape[1]):
            level = phi * level + np.sqrt(1 - phi**2) * tau * innovation[:, month]
            mean = mean + pace * drift[:, month]
            out[:, month] = mean + level
        return out + grown - 0.5 * tau[:, None] ** 2


@dataclass(frozen=True)
class MarketModel:
    """Shocks on creation and on conversion (odds of going up, at every stage); correlation of their innovations.

    The trend is that of creation, had it been free to grow at any pace.
    """

    creation: ShockPosterior
    conversion: ShockPosterior
    correlation: float
    trend: Trend | None = None


@dataclass(frozen=True)
class MonthlyCounts:
    """Observed and expected counts of the same months, each of shape (months,)."""

    observed: Array
    expected: Array

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Months in which something is expected; others carry no information."""
        return np.asarray(self.expected > 0)

    def log_odds(self, against: MonthlyCounts) -> tuple[Array, Array]:
        """Log ratio less that of other counts, and its variance."""
        (ratio, noise), (other, also) = self.log_ratio(), against.log_ratio()
        return ratio - other, noise + also

    def log_ratio(self) -> tuple[Array, Array]:
        """Log of observed over expected, half an event added, and its Poisson variance.

        The log is taken against its own mean under the expected count, so that a month without a shock reads zero on
        average however few its events: adding half an event to both counts reads ten events as 5 % too few.
        """
        mean, variance = _log_moments(self.expected)
        ratio = np.where(self.known, np.log(self.observed + 0.5) - mean, 0.0)
        return ratio, np.where(self.known, np.maximum(variance, 1.0 / (self.expected + 0.5)), np.inf)


def _log_moments(expected: Array) -> tuple[Array, Array]:
    """Mean and variance of the log of a Poisson count and a half, shape of `expected`."""
    many = expected > _MANY_EVENTS
    few = np.where(many, 0.0, expected)[:, None]
    count = np.arange(2 * _MANY_EVENTS)
    chance = np.exp(special.xlogy(count, few) - few - special.gammaln(count + 1.0))
    log = np.log(count + 0.5)
    mean = (chance * log).sum(axis=1)
    variance = (chance * (log - mean[:, None]) ** 2).sum(axis=1)
    # Of many events the mean is the log of the expectation, but for terms in one over its square.
    safe = np.maximum(expected, 1.0)
    return np.where(many, np.log(safe), mean), np.where(many, 1.0 / safe, variance)


def fit_market(
    created: MonthlyCounts,
    up: MonthlyCounts,
    lost: MonthlyCounts,
    season: SeasonFit | None = None,
    month: Ints | None = None,
    growth: str = STEADY,
) -> MarketModel:
    """Fit both levels from monthly counts of the same months.

    Parameters
    ----------
    created : MonthlyCounts
        Deals created.
    up : MonthlyCounts
        Stage visits that end in an advance or a win.
    lost : MonthlyCounts
        Stage visits that end in a loss.
    season : SeasonFit, optional
        Season that the expected creations hold, fitted to the same months.
    month : array of int, shape (months,), optional
        Calendar month of each, 0 to 11; needed with a season.
    growth : str
        What growth creation may go on with, by name of :data:`~spmforecast.models.growth.GROWTHS`.

    Returns
    -------
    MarketModel
    """
    odds = up.log_odds(lost)
    ways = {way: fit_shock(*created.log_ratio(), season, month, prior) for way, prior in GROWTHS.items()}
    creation, conversion = ways[growth], fit_shock(*odds)
    both = created.known & up.known & lost.known
    correlation = _correlation(created.log_ratio()[0][both], odds[0][both], creation, conversion)
    return MarketModel(creation, conversion, correlation, Trend.of(ways[FREE].growth, ways[FREE].weight))


def _correlation(a: Array, b: Array, one: ShockPosterior, two: ShockPosterior) -> float:
    """Correlation of the latent levels: noise of the counts is independent and needs no correction of the covariance.

    Months that last tell the same twice, and the mean of a short record follows them: by how much the levels persist,
    fewer months count and more of the covariance is missing from the sample's (Bartlett's formulas).
    """
    n = len(a)
    if n < 4:
        return _CORRELATION
    first, second = (float(shock.weight @ shock.phi) for shock in (one, two))
    told = n * (1 - first * second) / (1 + first * second)
    kept = max(1 - (1 / (1 - first) + 1 / (1 - second) - 1) / n, _LEAST_KEPT)
    covariance = float(np.mean((a - a.mean()) * (b - b.mean()))) / kept
    seen = float(np.clip(covariance / (one.tau_mean() * two.tau_mean()), -1.0, 1.0))
    weight = told / (told + _CORRELATION_MONTHS)
    return float(np.clip(weight * seen + (1 - weight) * _CORRELATION, -0.5, 0.95))


def fit_shock(
    ratio: Array,
    noise: Array,
    season: SeasonFit | None = None,
    month: Ints | None = None,
    growths: GrowthPrior = GROWTHS[STEADY],
) -> ShockPosterior:
    """Fit one level by a grid over its standard deviation, persistence, drift and growth.

    Parameters
    ----------
    ratio : array of float, shape (months,)
        Observed level of each month.
    noise : array of float, shape (months,)
        Variance of its error; infinite where the month tells nothing.
    season, month
        As in :func:`fit_market`: a season fitted to these months has taken part of the level with it.
    growths : GrowthPrior
        Growth of the long-run mean beforehand.

    Returns
    -------
    ShockPosterior
    """
    axes = np.meshgrid(_TAU_GRID, _PHI_GRID, _DRIFT_GRID, growths.month, indexing="ij")
    tau, phi, drift, growth = (grid.ravel() for grid in axes)
    state = _Filter(tau, phi, drift)
    log_likelihood = np.zeros_like(tau)
    for at, (y, v) in enumerate(zip(ratio, noise, strict=True)):
        if at > 0:
            state.step()
        if np.isfinite(v):
            # Seen from the last month on record, so that the mean is the present one.
            log_likelihood += state.see(y + 0.5 * tau**2 - growth * (at + 1 - len(ratio)), v)
    if season is not None and month is not None:
        few = (grid[:, :, 0, 0].ravel() for grid in axes[:2])  # drift and growth are slow beside a season
        log_likelihood += overfit(ratio, noise, month, season, *few).repeat(len(_DRIFT_GRID) * len(growths.month))
    width = np.log(np.gradient(_TAU_GRID)).repeat(len(tau) // len(_TAU_GRID))
    log_prior = -0.5 * (tau / _TAU_PRIOR_SD) ** 2 + width + np.tile(growths.log, len(tau) // len(growths.log))
    log_posterior = log_likelihood + log_prior
    weight = np.exp(log_posterior - special.logsumexp(log_posterior))
    months = int(np.isfinite(noise).sum())
    slope = state.cross / state.mean_variance
    left = np.sqrt(np.maximum(state.level_variance - slope * state.cross, 0.0))
    error = np.sqrt(state.mean_variance)
    return ShockPosterior(tau, phi, drift, growth, weight, state.mean, error, state.level, left, slope, months)


class _Filter:
    """Kalman filter of a mean and an AR(1) deviation from it, at every point of the grid at once."""

    def __init__(self, tau: Array, phi: Array, drift: Array) -> None:
        self.tau, self.phi, self.drift = tau, phi, drift
        self.level, self.mean = np.zeros_like(tau), np.zeros_like(tau)
        self.level_variance, self.cross = tau**2, np.zeros_like(tau)
        self.mean_variance = np.full_like(tau, MEAN_PRIOR_SD**2)

    def step(self) -> None:
        """Go on to the next month."""
        self.level = self.phi * self.level
        self.level_variance = self.phi**2 * self.level_variance + (1 - self.phi**2) * self.tau**2
        self.cross = self.phi * self.cross
        self.mean_variance = self.mean_variance + self.drift**2

    def see(self, value: Array, noise: float) -> Array:
        """Take in a month's value; return its log likelihood."""
        by_level, by_mean = self.level_variance + self.cross, self.cross + self.mean_variance
        total = by_level + by_mean + noise
        surprise = value - self.level - self.mean
        self.level = self.level + by_level / total * surprise
        self.mean = self.mean + by_mean / total * surprise
        self.level_variance = self.level_variance - by_level**2 / total
        self.cross = self.cross - by_level * by_mean / total
        self.mean_variance = self.mean_variance - by_mean**2 / total
        return np.asarray(-0.5 * (np.log(total) + surprise**2 / total))
