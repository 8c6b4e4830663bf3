"""Sums of a random number of orders, drawn by inverse distribution functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.models.amounts import AmountLaw

__all__ = ["SizeMoments", "gamma_path", "sum_quantile"]

Array = npt.NDArray[np.float64]

_SYMMETRIC = 1e-3


@dataclass(frozen=True)
class SizeMoments:
    """Mean, standard deviation and skewness of the sizes in one row of a law."""

    mean: float
    sd: float
    skew: float

    @classmethod
    def of(cls, law: AmountLaw, row: int) -> SizeMoments:
        """Take them over the whole law."""
        size = np.exp(law.log_quantiles[row])
        sd = float(size.std())
        skew = float(((size - size.mean()) ** 3).mean() / sd**3) if sd > 1e-9 * size.mean() else 0.0
        return cls(float(size.mean()), sd, skew)


def sum_quantile(uniform: Array, count: Array, moments: SizeMoments) -> Array:
    """Quantile of the sum of many sizes: a shifted gamma law of the same mean, variance and skewness.

    Parameters
    ----------
    uniform : array of float, shape (n,)
        Uniforms in (0, 1).
    count : array of float, shape (n,)
        Sizes in each sum, at least one.
    moments : SizeMoments
        Of one size.

    Returns
    -------
    array of float, shape (n,)
        Nowhere negative.
    """
    skew = moments.skew / np.sqrt(count)
    if abs(moments.skew) < _SYMMETRIC:
        standard = special.ndtri(uniform)
    else:
        shape = 4.0 / skew**2
        # A law skewed to the left is the mirror image of one skewed to the right.
        side = uniform if moments.skew > 0 else 1.0 - uniform
        standard = np.sign(moments.skew) * (special.gammaincinv(shape, side) - shape) / np.sqrt(shape)
    return np.maximum(count * moments.mean + np.sqrt(count) * moments.sd * standard, 0.0)


def gamma_path(uniforms: Array, mean: float, shapes: Array) -> Array:
    """Draw a level whose mean stays and whose certainty fades: gamma at first, then beta shocks.

    If a level is Gamma(a) and is multiplied by Beta(d a, (1 - d) a) / d, it is Gamma(d a) with the same mean.

    Parameters
    ----------
    uniforms : array of float, shape (times, n)
        A uniform for each time and trial.
    mean : float
        Mean of the level at all times.
    shapes : array of float, shape (times,)
        Gamma shape of each time; nowhere growing.

    Returns
    -------
    array of float, shape (n, times)
    """
    out = np.empty((uniforms.shape[1], len(shapes)))
    out[:, 0] = mean * special.gammaincinv(shapes[0], uniforms[0]) / shapes[0]
    for time in range(1, len(shapes)):
        kept = shapes[time] / shapes[time - 1]
        fresh = shapes[time - 1] - shapes[time]
        shock = special.betaincinv(shapes[time], fresh, uniforms[time]) / kept if fresh > 1e-9 else 1.0
        out[:, time] = out[:, time - 1] * shock
    return out
