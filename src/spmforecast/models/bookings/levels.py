"""Each rep's level of bookings, shrunk to the company's and remembered with fading memory.

Money is counted in *units*: a unit is the variance of bookings over their mean, so that bookings in units scatter as
Poisson counts do, whatever the size of orders. A rep's level relative to the average rep is then gamma-Poisson,

    ``O ~ Poisson(theta * E)``,  ``theta ~ Gamma(a, a)``,

with observed and expected units faded by a factor a month: levels wander. Both the strength of the prior and the
memory maximise the likelihood of each month given the months before it, over all reps. A rep with little history
leans on the company; a newcomer has the prior with its whole width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.models.pooling import gamma_quantile

__all__ = ["MEMORY", "RepLevels", "fit_levels", "smoothed_levels"]

Array = npt.NDArray[np.float64]

MEMORY = np.array([0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.985, 1.0])
_STRENGTH = np.geomspace(0.5, 200.0, 16)
_MEMORY_PRIOR = 0.95  # leaning on it with a weak prior keeps short records from claiming perfect memory or none
_MEMORY_PRIOR_WEIGHT = 2.0


@dataclass(frozen=True)
class RepLevels:
    """Posterior of each rep's level relative to the average rep, at the as-of date.

    Parameters
    ----------
    strength : float
        Prior strength `a`, in units.
    memory : float
        Weight that a month keeps when the next one comes.
    observed, expected : array of float, shape (reps,)
        Faded units, seen and expected of an average rep.
    """

    strength: float
    memory: float
    observed: Array
    expected: Array

    @property
    def shape(self) -> Array:
        """Gamma shape of each posterior."""
        return self.strength + self.observed

    @property
    def mean(self) -> Array:
        """Posterior mean of each level."""
        return (self.strength + self.observed) / (self.strength + self.expected)

    @property
    def shrinkage(self) -> Array:
        """Weight of the average level in each posterior mean."""
        return self.strength / (self.strength + self.expected)

    def quantile(self, uniform: npt.ArrayLike) -> Array:
        """Inverse distribution function of the levels at the as-of date, broadcast against the reps."""
        return gamma_quantile(uniform, self.shape, self.strength + self.expected)

    def shapes_ahead(self, months: Array) -> Array:
        """Gamma shapes after some months without news: means stay, certainty fades.

        Parameters
        ----------
        months : array of float, shape (times,)
            Months ahead.

        Returns
        -------
        array of float, shape (reps, times)
        """
        return self.strength + self.observed[:, None] * self.memory ** months[None, :]


def fit_levels(observed: Array, expected: Array) -> RepLevels:
    """Estimate strength, memory and levels.

    Parameters
    ----------
    observed, expected : array of float, shape (reps, months)
        Units of each month, and those that an average rep would have booked (zero while a rep was not there).

    Returns
    -------
    RepLevels
    """
    seen = np.maximum(observed, 0.0)
    best = (-np.inf, _STRENGTH[0], 1.0)
    for memory in MEMORY:
        past, hoped = _faded(seen, memory)[:, :-1], _faded(expected, memory)[:, :-1]
        start = np.zeros((len(seen), 1))
        past, hoped = np.hstack([start, past])[..., None] * memory, np.hstack([start, hoped])[..., None] * memory
        fit = _log_predictive(seen[..., None], expected[..., None], past + _STRENGTH, hoped + _STRENGTH)
        total = fit.sum(axis=(0, 1)) - 0.1 * _STRENGTH**-1
        total -= _MEMORY_PRIOR_WEIGHT * ((1 - memory) - (1 - _MEMORY_PRIOR)) ** 2 / (1 - _MEMORY_PRIOR) ** 2
        if total.max() > best[0]:
            best = (float(total.max()), float(_STRENGTH[total.argmax()]), float(memory))
    _, strength, memory = best
    return RepLevels(strength, memory, _faded(seen, memory)[:, -1], _faded(expected, memory)[:, -1])


def smoothed_levels(observed: Array, expected: Array, strength: float, memory: float, leave_out: bool = False) -> Array:
    """Level of each rep in each month, from the months around it.

    Parameters
    ----------
    observed, expected : array of float, shape (reps, months)
        Units.
    strength, memory : float
        See :class:`RepLevels`.
    leave_out : bool
        Without the month itself, for residuals.

    Returns
    -------
    array of float, shape (reps, months)
    """
    seen = np.maximum(observed, 0.0)
    own = 0.0 if leave_out else 1.0
    around = [_faded(of, memory) + _faded(of[:, ::-1], memory)[:, ::-1] - (2.0 - own) * of for of in (seen, expected)]
    return np.asarray((strength + around[0]) / (strength + around[1]))


def _faded(value: Array, memory: float) -> Array:
    """Keep running sums in which each month's weight fades, shape of `value`."""
    out = np.empty_like(value)
    total = np.zeros(len(value))
    for month in range(value.shape[1]):
        total = memory * total + value[:, month]
        out[:, month] = total
    return out


def _log_predictive(seen: Array, hoped: Array, shape: Array, rate: Array) -> Array:
    """Log of the negative binomial law of units given gamma levels, carried over to fractions of units."""
    terms = special.gammaln(shape + seen) - special.gammaln(shape) - special.gammaln(seen + 1.0)
    terms = terms + shape * np.log(rate / (rate + hoped)) + seen * np.log(np.maximum(hoped, 1e-12) / (rate + hoped))
    return np.where(hoped > 0, terms, 0.0)
