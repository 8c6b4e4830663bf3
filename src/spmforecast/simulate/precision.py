"""How precise figures from draws are: standard errors, and how many trials a wanted precision takes.

Errors are those of the trials alone: what the model does not know is part of the draws, not of these errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = [
    "Tolerance",
    "control_variate",
    "mean_error",
    "paired_error",
    "probability_error",
    "quantile_errors",
    "quantile_ranks",
    "sd_error",
    "trials_for_mean",
    "trials_for_probability",
]

Array = npt.NDArray[np.float64]

PILOT = 1000
MOST = 1_000_000
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Tolerance:
    """When a run with ``trials: auto`` has enough trials, at 95 % confidence.

    Parameters
    ----------
    relative : float
        Half width allowed for means and quantiles (10, 50, 90 %), as a share of the mean.
    probability : float
        Half width allowed for the chance to reach a target.
    """

    relative: float = 0.01
    probability: float = 0.01

    def met(self, draws: Array, targets: Sequence[float | None] = ()) -> bool:
        """Tell whether a set of totals is known well enough.

        Parameters
        ----------
        draws : array of float, shape (trials, totals)
            Totals that decide.
        targets : sequence of float or None
            Target of each total; empty for none.

        Returns
        -------
        bool
        """
        mean = np.abs(draws.mean(axis=0))
        # A width is compared with an estimated mean: gamma / (1 + gamma) keeps the promise (Law and Kelton).
        allowed = self.relative / (1 + self.relative) * mean
        widths = [_Z95 * mean_error(draws), *(_Z95 * quantile_errors(draws, (0.1, 0.5, 0.9)))]
        if any((width > np.maximum(allowed, 1e-9)).any() for width in widths):
            return False
        chances = [(draws[:, k] >= t - 0.005).mean() for k, t in enumerate(targets) if t is not None]
        # One win or miss more than were seen: a chance of 0 or 1 in a pilot is not known for certain.
        n = len(draws)
        safe = [(chance * n + 1) / (n + 2) for chance in chances]
        return all(_Z95 * np.sqrt(p * (1 - p) / n) <= self.probability for p in safe)


def mean_error(draws: Array) -> Array:
    """Return the standard error of the means of draws of shape (trials, n)."""
    return np.asarray(draws.std(axis=0) / np.sqrt(max(len(draws), 1)))


def sd_error(draws: Array) -> Array:
    """Return the standard error of the standard deviations of draws of shape (trials, n)."""
    apart = draws - draws.mean(axis=0)
    variance = (apart**2).mean(axis=0)
    spread = np.maximum((apart**4).mean(axis=0) - variance**2, 0.0)
    safe = np.maximum(variance, 1e-300)
    return np.where(variance > 0, 0.5 * np.sqrt(spread / (safe * max(len(draws), 1))), 0.0)


def probability_error(chance: npt.ArrayLike, trials: int) -> Array:
    """Return the standard error of a share of trials."""
    share = np.asarray(chance, dtype=np.float64)
    return np.asarray(np.sqrt(share * (1 - share) / max(trials, 1)))


def quantile_ranks(trials: int, q: float, level: float = 0.95) -> tuple[int, int, float]:
    """Ranks of the order statistics that enclose a quantile.

    Parameters
    ----------
    trials : int
        Sample size.
    q, level : float
        Quantile and confidence.

    Returns
    -------
    tuple of int, int, float
        Lower and upper rank, counted from one, and the exact coverage.
    """
    from scipy import stats

    law = stats.binom(trials, q)
    low, high = int(law.ppf((1 - level) / 2)), int(law.ppf((1 + level) / 2)) + 1
    return low, high, float(law.cdf(high - 1) - law.cdf(low - 1))


def quantile_errors(draws: Array, levels: Sequence[float], ordered: bool = False) -> Array:
    """Estimate standard errors of quantiles from the order statistics around them, without a density.

    Parameters
    ----------
    draws : array of float, shape (trials, n)
        Draws.
    levels : sequence of float
        Quantiles.
    ordered : bool
        Whether each column is sorted already.

    Returns
    -------
    array of float, shape (levels, n)
        Half the distance between the order statistics one standard error of the rank below and above.
    """
    rows = draws if ordered else np.sort(draws, axis=0)
    n = len(rows)
    out = np.empty((len(levels), rows.shape[1]))
    for index, q in enumerate(levels):
        apart = np.sqrt(n * q * (1 - q))
        low, high = (int(np.clip(round(q * (n - 1) + sign * apart), 0, n - 1)) for sign in (-1, 1))
        out[index] = 0.5 * (rows[high] - rows[low])
    return out


def trials_for_probability(chance: float, half_width: float, level: float = 0.95) -> int:
    """Trials that a probability takes to be known to a half width."""
    z = float(special.ndtri((1 + level) / 2))
    return int(np.ceil(z**2 * chance * (1 - chance) / half_width**2))


def trials_for_mean(variation: float, relative: float, level: float = 0.95) -> int:
    """Trials that a mean takes to be known to a half width, given the coefficient of variation."""
    z = float(special.ndtri((1 + level) / 2))
    return int(np.ceil((z * variation / relative) ** 2))


def paired_error(one: Array, other: Array) -> tuple[float, float, float]:
    """Compare two runs on the same trials.

    Parameters
    ----------
    one, other : array of float, shape (trials,)
        A figure in both.

    Returns
    -------
    tuple of float
        Mean difference, its standard error, and how many times smaller its variance is than for independent runs.
    """
    difference = other - one
    variance = float(difference.var())
    apart = float(one.var() + other.var())
    gain = apart / variance if variance > 0 else float("inf")
    return float(difference.mean()), float(np.sqrt(variance / len(one))), gain


def control_variate(draws: Array, control: Array, mean: float) -> tuple[float, float]:
    """Estimate a mean with the help of a control whose mean is known.

    Parameters
    ----------
    draws, control : array of float, shape (trials,)
        The figure wanted and its control on the same trials.
    mean : float
        Exact mean of the control.

    Returns
    -------
    tuple of float
        Estimate, and its standard error.
    """
    apart = control - control.mean()
    spread = float((apart**2).sum())
    slope = float((draws * apart).sum()) / spread if spread > 0 else 0.0
    left = draws - slope * (control - mean)
    return float(left.mean()), float(left.std() / np.sqrt(len(draws)))
