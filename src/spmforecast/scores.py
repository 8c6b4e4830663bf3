"""Proper scoring rules on plain arrays: lower is better, in the unit of what is forecast unless said otherwise.

Sample rules take `draws` with one row a trial. The names follow Gneiting & Raftery (2007), JASA 102:359; the closed
forms Jordan, Krueger & Lerch (2019), JSS 90(12).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.arrays import Floats, finite, require
from spmforecast.errors import InputError, Problem

__all__ = [
    "crps",
    "crps_gamma",
    "crps_lognormal",
    "crps_negative_binomial",
    "crps_normal",
    "crps_poisson",
    "energy",
    "interval",
    "log_score_normal",
    "pinball",
    "pit",
    "variogram",
    "weighted_interval",
]

_BLOCK = 512  # rows of a distance matrix held at a time: 10,000 draws need 40 MB, not 800 MB


def crps(draws: npt.ArrayLike, observed: npt.ArrayLike, fair: bool = False) -> float | Floats:
    """Continuous ranked probability score of a sample, for each cell.

    ``mean|x - y| - mean|x - x'| / 2`` by sorting, O(n log n).

    Parameters
    ----------
    draws : array-like, shape (trials,) or (trials, cells)
        The forecast.
    observed : array-like, scalar or shape (cells,)
        What came.
    fair : bool
        Divide the spread by n(n-1) instead of n²: unbiased for the law that the draws are a sample of. Needs two draws.

    Returns
    -------
    float or numpy.ndarray of shape (cells,)
        A float where `draws` has one dimension.

    Raises
    ------
    InputError
        If shapes do not agree, or a value is missing or infinite.
    """
    x, y = _sample(draws, observed, least=2 if fair else 1)
    n = len(x)
    ranks = 2.0 * np.arange(1, n + 1) - n - 1
    spread = np.tensordot(ranks, np.sort(x, axis=0), axes=(0, 0)) / (n * (n - 1 if fair else n))
    return _plain(np.abs(x - y).mean(axis=0) - spread)


def pit(draws: npt.ArrayLike, observed: npt.ArrayLike, seed: int = 0) -> float | Floats:
    """Probability integral transform: the share of draws below what came, uniform on (0, 1) if calibrated.

    Where draws equal the observation (counts, a point mass at zero) the value is ``F(y-) + u (F(y) - F(y-))``, with
    `u` the uniform that stands at the cell's place in the Philox stream of `seed`: the same call always gives the same
    answer, and a further cell changes none of the others. Without ties nothing is random.

    Parameters
    ----------
    draws : array-like, shape (trials,) or (trials, cells)
        The forecast.
    observed : array-like, scalar or shape (cells,)
        What came.
    seed : int
        Key of the uniforms for ties, at least 0.

    Returns
    -------
    float or numpy.ndarray of shape (cells,)
        Between 0 and 1.

    Raises
    ------
    InputError
        If shapes do not agree, a value is missing or infinite, or `seed` is negative.
    """
    x, y = _sample(draws, observed)
    _require(seed >= 0, "the seed must not be negative", "seed")
    uniform = np.random.Generator(np.random.Philox(key=seed)).random(y.size).reshape(y.shape)
    return _plain((x < y).mean(axis=0) + uniform * (x == y).mean(axis=0))


def pinball(quantile_forecast: npt.ArrayLike, observed: npt.ArrayLike, q: npt.ArrayLike) -> float | Floats:
    """Quantile score ``(1{y < f} - q)(f - y)``; twice its mean over all q is the CRPS.

    Parameters
    ----------
    quantile_forecast, observed, q : array-like
        Forecast of the quantile, what came, and the level strictly between 0 and 1; broadcast together.

    Returns
    -------
    float or numpy.ndarray of the broadcast shape

    Raises
    ------
    InputError
        If shapes do not agree, a value is missing or infinite, or a level is out of range.
    """
    f, y, level = _together(quantile_forecast=quantile_forecast, observed=observed, q=q)
    _require(np.all((level > 0) & (level < 1)), "a quantile level must lie strictly between 0 and 1", "q")
    return _plain(((y < f) - level) * (f - y))


def interval(
    lower: npt.ArrayLike, upper: npt.ArrayLike, observed: npt.ArrayLike, level: npt.ArrayLike = 0.8
) -> float | Floats:
    """Score of a central interval: its width, plus ``2 / (1 - level)`` times the miss.

    Parameters
    ----------
    lower, upper, observed : array-like
        The interval's ends and what came; broadcast together.
    level : array-like
        Nominal coverage, strictly between 0 and 1.

    Returns
    -------
    float or numpy.ndarray of the broadcast shape

    Raises
    ------
    InputError
        If shapes do not agree, a value is missing or infinite, ends cross or a level is out of range.
    """
    low, high, y, cover = _together(lower=lower, upper=upper, observed=observed, level=level)
    _require(np.all((cover > 0) & (cover < 1)), "a level must lie strictly between 0 and 1", "level")
    _require(np.all(low <= high), "an interval's lower end lies above its upper end", "lower")
    miss = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return _plain(high - low + 2 / (1 - cover) * miss)


def weighted_interval(
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    median: npt.ArrayLike,
    observed: npt.ArrayLike,
    levels: npt.ArrayLike,
) -> float | Floats:
    """Weighted interval score of Bracher et al. (2021), PLoS Comp Biol 17(2) e1008618.

    ``(|y - m| / 2 + sum (alpha_k / 2) IS_k) / (K + 1/2)``: twice the mean pinball score over the same quantiles.

    Parameters
    ----------
    lower, upper : array-like, shape (K,) or (K, cells)
        Ends of the K central intervals.
    median, observed : array-like, scalar or shape (cells,)
        The forecast's median and what came.
    levels : array-like, shape (K,)
        Nominal coverage of each interval.

    Returns
    -------
    float or numpy.ndarray of shape (cells,)

    Raises
    ------
    InputError
        As :func:`interval`.
    """
    (cover,) = _together(levels=levels)
    _require(cover.ndim == 1 and cover.size > 0, "levels must be a list of at least one", "levels")
    ends = np.asarray(lower)
    _require(ends.ndim in (1, 2) and len(ends) == cover.size, "lower must have a row for each level", "lower")
    column = cover.reshape((-1,) + (1,) * (ends.ndim - 1))
    middle, y = _together(median=median, observed=observed)
    each = np.asarray(interval(lower, upper, y, column))
    return _plain((np.abs(y - middle) / 2 + ((1 - column) / 2 * each).sum(axis=0)) / (cover.size + 0.5))


def energy(draws: npt.ArrayLike, observed: npt.ArrayLike, fair: bool = False) -> float:
    """Energy score of a vector: ``mean|X - y| - mean|X - X'| / 2`` in Euclidean distance.

    Parameters
    ----------
    draws : array-like, shape (trials, d)
        The joint forecast, scaled so that the components compare (for teams: by plan).
    observed : array-like, shape (d,)
        What came.
    fair : bool
        Divide the spread by n(n-1) instead of n².

    Returns
    -------
    float

    Raises
    ------
    InputError
        If shapes do not agree, or a value is missing or infinite.
    """
    from scipy.spatial.distance import cdist

    x, y = _vectors(draws, observed, least=2 if fair else 1)
    n = len(x)
    spread = sum(float(cdist(x[i : i + _BLOCK], x).sum()) for i in range(0, n, _BLOCK))
    return float(np.linalg.norm(x - y, axis=1).mean() - spread / (2 * n * (n - 1 if fair else n)))


def variogram(
    draws: npt.ArrayLike, observed: npt.ArrayLike, power: float = 0.5, weights: npt.ArrayLike | None = None
) -> float:
    """Variogram score of Scheuerer & Hamill (2015): sensitive to wrong dependence between the components.

    ``sum_ij w_ij (|y_i - y_j|^p - mean |X_i - X_j|^p)²`` over ordered pairs.

    Parameters
    ----------
    draws : array-like, shape (trials, d)
        The joint forecast.
    observed : array-like, shape (d,)
        What came.
    power : float
        Positive exponent p.
    weights : array-like, shape (d, d), optional
        Non-negative; 1 where absent.

    Returns
    -------
    float
        In the unit of the forecast to the power 2p.

    Raises
    ------
    InputError
        If shapes do not agree, a value is missing or infinite, the power is not positive or a weight is negative.
    """
    x, y = _vectors(draws, observed)
    (w,) = _together(weights=np.ones((y.size, y.size)) if weights is None else weights)
    _require(power > 0, "the power must be positive", "power")
    _require(w.shape == (y.size, y.size), f"weights must have shape ({y.size}, {y.size})", "weights")
    _require(np.all(w >= 0), "a weight must not be negative", "weights")
    expected = np.stack([(np.abs(x - x[:, [i]]) ** power).mean(axis=0) for i in range(y.size)])
    return float((w * (np.abs(y[:, None] - y) ** power - expected) ** 2).sum())


def crps_normal(mean: npt.ArrayLike, sd: npt.ArrayLike, observed: npt.ArrayLike) -> float | Floats:
    """Return the CRPS of a normal law; arguments broadcast, `sd` is positive."""
    m, s, y = _together(mean=mean, sd=sd, observed=observed)
    _positive(sd=s)
    z = (y - m) / s
    return _plain(s * (z * (2 * special.ndtr(z) - 1) + 2 * _normal_density(z) - 1 / np.sqrt(np.pi)))


def crps_lognormal(meanlog: npt.ArrayLike, sdlog: npt.ArrayLike, observed: npt.ArrayLike) -> float | Floats:
    """Return the CRPS of a lognormal law with these moments of the logarithm; `sdlog` is positive."""
    m, s, y = _together(meanlog=meanlog, sdlog=sdlog, observed=observed)
    _positive(sdlog=s)
    z = (np.log(np.maximum(y, np.finfo(float).tiny)) - m) / s
    below = np.where(y > 0, special.ndtr(z), 0.0)
    partial = np.where(y > 0, special.ndtr(z - s), 0.0) + special.ndtr(s / np.sqrt(2)) - 1
    return _plain(y * (2 * below - 1) - 2 * np.exp(m + s**2 / 2) * partial)


def crps_gamma(shape: npt.ArrayLike, rate: npt.ArrayLike, observed: npt.ArrayLike) -> float | Floats:
    """Return the CRPS of a gamma law; `shape` and `rate` are positive."""
    a, b, y = _together(shape=shape, rate=rate, observed=observed)
    _positive(shape=a, rate=b)
    reach = np.maximum(y, 0) * b
    here, above = special.gammainc(a, reach), special.gammainc(a + 1, reach)
    return _plain(y * (2 * here - 1) - a / b * (2 * above - 1) - 1 / (b * special.beta(0.5, a)))


def crps_poisson(rate: npt.ArrayLike, observed: npt.ArrayLike) -> float | Floats:
    """Return the CRPS of a Poisson law; `rate` is positive."""
    r, y = _together(rate=rate, observed=observed)
    _positive(rate=r)
    k = np.maximum(np.floor(y), 0)
    below = np.where(y >= 0, special.pdtr(k, r), 0.0)
    mass = np.where(y >= 0, np.exp(special.xlogy(k, r) - r - special.gammaln(k + 1)), 0.0)
    # ive is the Bessel function already scaled by exp(-2 rate): the plain one overflows beyond a rate of 350.
    return _plain((y - r) * (2 * below - 1) + 2 * r * mass - r * (special.ive(0, 2 * r) + special.ive(1, 2 * r)))


def crps_negative_binomial(size: npt.ArrayLike, prob: npt.ArrayLike, observed: npt.ArrayLike) -> float | Floats:
    """Return the CRPS of a negative binomial law: mean ``size (1 - prob) / prob``, `prob` strictly between 0 and 1."""
    n, p, y = _together(size=size, prob=prob, observed=observed)
    _positive(size=n, prob=p)
    _require(np.all(p < 1), "prob must lie strictly between 0 and 1", "prob")
    odds = (1 - p) / p**2
    above = p * (2 * _below_nb(y - 1, n + 1, p) - 1) + special.hyp2f1(n + 1, 0.5, 2, -4 * odds)
    return _plain(y * (2 * _below_nb(y, n, p) - 1) - n * odds * above)


def log_score_normal(mean: npt.ArrayLike, sd: npt.ArrayLike, observed: npt.ArrayLike) -> float | Floats:
    """Return minus the natural logarithm of a normal density at what came; `sd` is positive."""
    m, s, y = _together(mean=mean, sd=sd, observed=observed)
    _positive(sd=s)
    return _plain(((y - m) / s) ** 2 / 2 + np.log(s) + np.log(2 * np.pi) / 2)


def _below_nb(y: Floats, size: Floats, prob: Floats) -> Floats:
    """Distribution function of the negative binomial law."""
    return np.asarray(np.where(y >= 0, special.betainc(size, np.maximum(np.floor(y), 0) + 1, prob), 0.0))


def _normal_density(z: Floats) -> Floats:
    return np.asarray(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))


def _plain(value: npt.ArrayLike) -> float | Floats:
    array = np.asarray(value, dtype=float)
    return float(array) if array.ndim == 0 else array


def _require(holds: bool | np.bool_, reason: str, column: str) -> None:
    require(holds, "scores", reason, column)


def _positive(**values: Floats) -> None:
    for name, value in values.items():
        _require(np.all(value > 0), f"{name} must be positive", name)


def _finite(values: dict[str, npt.ArrayLike]) -> list[Floats]:
    return finite("scores", values, "Leave these cells out on purpose before scoring.")


def _together(**values: npt.ArrayLike) -> list[Floats]:
    arrays = _finite(values)
    try:
        np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(values, arrays, strict=True))
        raise InputError(Problem("scores", f"shapes do not agree: {shapes}")) from None
    return arrays


def _sample(draws: npt.ArrayLike, observed: npt.ArrayLike, least: int = 1) -> tuple[Floats, Floats]:
    x, y = _finite({"draws": draws, "observed": observed})
    _require(x.ndim in (1, 2), f"draws must have shape (trials,) or (trials, cells), not {x.shape}", "draws")
    _require(len(x) >= least, f"at least {least} draws are needed", "draws")
    fits = y.ndim == 0 or y.shape == x.shape[1:]
    _require(fits, f"observed has shape {y.shape}; these draws need a scalar or {x.shape[1:]}", "observed")
    return x, np.broadcast_to(y, x.shape[1:])


def _vectors(draws: npt.ArrayLike, observed: npt.ArrayLike, least: int = 1) -> tuple[Floats, Floats]:
    x, y = _finite({"draws": draws, "observed": observed})
    _require(x.ndim == 2, f"draws must have shape (trials, d), not {x.shape}", "draws")
    _require(len(x) >= least, f"at least {least} draws are needed", "draws")
    _require(y.shape == x.shape[1:], f"observed has shape {y.shape}, these draws need {x.shape[1:]}", "observed")
    return x, y
