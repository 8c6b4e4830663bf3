"""Time decay: how much an old record still counts."""

from __future__ import annotations

import numpy.typing as npt

from spmforecast.arrays import Floats, finite, require

__all__ = ["effective_size", "half_life_weights"]


def half_life_weights(age: npt.ArrayLike, half_life: float) -> Floats:
    """Weight ``2^(-age / half_life)`` of each record.

    Parameters
    ----------
    age : array-like
        Ages, not negative, any unit.
    half_life : float
        In the same unit, positive; infinity for no decay.

    Returns
    -------
    array of float, shape of `age`

    Raises
    ------
    InputError
        If an age is missing or negative, or the half-life is not positive.
    """
    (old,) = finite("decay", {"age": age})
    require((old >= 0).all(), "decay", "ages must not be negative", "age")
    require(half_life > 0, "decay", "the half-life must be positive", "half_life")
    return 2.0 ** (-old / half_life)


def effective_size(weight: npt.ArrayLike) -> float:
    """Kish's effective number of records, ``(sum w)² / sum w²``; zero where nothing counts."""
    (w,) = finite("decay", {"weight": weight})
    return float(w.sum() ** 2 / (w**2).sum()) if (w != 0).any() else 0.0
