"""The one place where a bridge is rounded: effects become whole cents that still add up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["whole_cents"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def whole_cents(start: Array, end: Array, effects: Array) -> tuple[Ints, Ints, Ints]:
    """Round both ends to the cent, and the effects between them so that they add up exactly.

    Parameters
    ----------
    start, end : array of float, shape (...)
        Amounts before and after.
    effects : array of float, shape (factors, ...)
        Add up to the difference but for the noise of floating point.

    Returns
    -------
    start, end : array of int, shape (...)
        In cents.
    effects : array of int, shape (factors, ...)
        In cents: ``start + effects.sum(axis=0) == end``. Each is within a cent of what it was (largest remainders); one
        that is exactly zero stays so.

    Raises
    ------
    ArithmeticError
        If the effects do not add up to the difference within a cent.
    """
    first, last = (np.rint(100.0 * side).astype(np.int64) for side in (start, end))
    exact = 100.0 * effects
    if (np.abs(exact.sum(axis=0) - 100.0 * (end - start)) > 1.0 + 1e-9 * np.abs(exact).sum(axis=0)).any():
        raise ArithmeticError("the effects of a bridge do not add up to its difference")
    cents = np.floor(exact).astype(np.int64)
    missing = last - first - cents.sum(axis=0)
    moves = exact != 0
    for place in zip(*np.nonzero(missing), strict=True):
        at = (slice(None), *place)
        some = np.flatnonzero(moves[at])
        # Without any effect both ends are equal but for the last bits; then the first factor bears the cent.
        some = some if len(some) else np.zeros(1, dtype=np.int64)
        order = some[np.argsort(-(exact[at][some] - cents[at][some]), kind="stable")]
        each, more = divmod(int(missing[place]), len(order))
        cents[(order, *place)] += each
        cents[(order[:more], *place)] += 1
    return first, last, cents
