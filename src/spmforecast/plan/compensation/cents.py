"""Whole cents, half up: exact numbers one by one, and arrays of floats with a proof or a second look.

A float that stands for an exact number ``n / den`` and is off by at most ``err`` is rounded like the exact number if
no other multiple of ``1 / den`` lies near enough to a half cent to be mistaken for it, that is if
``1 / (2 den) > 2 err``. Where the denominator is too large for that, the few entries that come near a half cent are
worked out again exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["Exactly", "decimal_cents", "half_up", "money", "round_half_up", "to_hundredths"]

Array = npt.NDArray[np.float64]
Exactly = Callable[[tuple[int, ...]], Fraction]


def half_up(value: Fraction | int) -> int:
    """Round to a whole number, halves away from zero."""
    value = Fraction(value)
    size = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return size if value >= 0 else -size


def decimal_cents(value: object) -> int:
    """Return the cents of a number as it is written, half up.

    Raises
    ------
    decimal.InvalidOperation
        If it is no number.
    """
    return int((Decimal(str(value)) * 100).to_integral_value(ROUND_HALF_UP))


def money(cents: int) -> Decimal:
    """Return hundredths as a decimal with two places."""
    return Decimal(cents).scaleb(-2)


def to_hundredths(values: npt.ArrayLike) -> Array:
    """Round amounts to hundredths, half up; each float stands for the shortest decimal that it prints as.

    Parameters
    ----------
    values : array-like
        Amounts.

    Returns
    -------
    array of float
        Whole numbers; missing stays missing.
    """
    given = np.asarray(values, dtype=np.float64)
    scaled = given * 100.0
    size = np.abs(scaled)
    rounded: Array = np.copysign(np.floor(size + 0.5), scaled)
    near = np.abs(size - np.floor(size) - 0.5) < np.maximum(size, 1.0) * 2.0**-50
    for place in np.flatnonzero(near & np.isfinite(given)):
        rounded.flat[place] = decimal_cents(float(given.flat[place]))
    return rounded


def round_half_up(values: Array, err: Array, den: Array, exactly: Exactly) -> Array:
    """Round floats that stand for exact fractions to whole numbers, as the fractions would be.

    Parameters
    ----------
    values : array of float, shape (n, *cells)
        Floats.
    err : array of float, shape cells
        Most that they are off.
    den : array of float, shape cells
        A common denominator of the exact values of a cell, or an upper bound of one; may be infinite.
    exactly : callable
        Gives the exact value at an index into `values`.

    Returns
    -------
    array of float, shape (n, *cells)
        Whole numbers.
    """
    size = np.abs(values)
    # Adding err lifts an exact half that was computed a little low over the edge; nothing else is near enough.
    rounded: Array = np.copysign(np.floor(size + (0.5 + err)), values)
    unsure = 4 * err * den >= 1
    if unsure.any():
        near = (np.abs(size - np.floor(size) - 0.5) <= 2 * err) & unsure
        for place in zip(*np.nonzero(near), strict=True):
            rounded[place] = half_up(exactly(tuple(int(step) for step in place)))
    return rounded + 0.0
