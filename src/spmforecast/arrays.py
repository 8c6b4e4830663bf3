"""Plain arrays: checks that name every value that is not a finite number, and work on long ones in threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError, Problem

__all__ = ["Floats", "columns", "finite", "in_turn", "keep_freed_memory", "require", "side_by_side"]

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")

Floats = npt.NDArray[np.float64]

_MEND = "Leave these cells out on purpose first."
_LARGE = 32_000_000  # bytes, nearly the most that the GNU allocator ever keeps


def require(holds: bool | np.bool_, about: str, reason: str, column: str = "", mend: str = "") -> None:
    """Raise an :class:`InputError` unless a condition holds."""
    if not holds:
        raise InputError(Problem(about, reason, mend, column=column))


def finite(about: str, values: dict[str, npt.ArrayLike], mend: str = _MEND) -> list[Floats]:
    """Turn each value into a float array without missing or infinite entries.

    Parameters
    ----------
    about : str
        What is being worked out; stands first in the messages.
    values : dict of str to array-like
        Values by name.
    mend : str
        What the user can do about a missing one.

    Returns
    -------
    list of array of float
        In the order of `values`.

    Raises
    ------
    InputError
        Naming every value that is no array of finite numbers.
    """
    arrays, problems = [], []
    for name, value in values.items():
        try:
            array = np.asarray(value, dtype=np.float64)
        except (ValueError, TypeError):
            problems.append(Problem(about, "not an array of numbers", column=name))
            continue
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            told = f"{len(bad)} of {array.size} values are missing or infinite"
            problems.append(Problem(about, told, mend, column=name, value=str(array[tuple(bad[0])])))
        arrays.append(array)
    if problems:
        raise InputError(problems)
    return arrays


def columns(about: str, values: dict[str, npt.ArrayLike], least: int = 1) -> list[Floats]:
    """Turn values into one-dimensional float arrays of one length.

    Parameters
    ----------
    about : str
        What is being worked out.
    values : dict of str to array-like of shape (n,)
        Values by name.
    least : int
        Rows that are needed.

    Returns
    -------
    list of array of float, shape (n,)

    Raises
    ------
    InputError
        If a value is missing, infinite or not a list, lengths differ, or there are fewer rows than needed.
    """
    arrays = finite(about, values)
    problems = [
        Problem(about, f"must be a list, not of shape {array.shape}", column=name)
        for name, array in zip(values, arrays, strict=True)
        if array.ndim != 1
    ]
    if problems:
        raise InputError(problems)
    sizes = {name: array.size for name, array in zip(values, arrays, strict=True)}
    told = ", ".join(f"{name} {size}" for name, size in sizes.items())
    require(len(set(sizes.values())) == 1, about, f"lengths differ: {told}")
    require(arrays[0].size >= least, about, f"at least {least} rows are needed, {arrays[0].size} are given")
    return arrays


def in_turn(do: Callable[[T], U], items: Iterable[T], many: bool) -> list[U]:
    """Do the same with each item; where that is much work, in as many threads as there are cores.

    Arrays of some hundred thousand numbers let other threads run while they are worked on. Results come in the order of
    the items and are the same either way.
    """
    if not many:
        return [do(item) for item in items]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(do, items))


def side_by_side(one: Callable[[], U], other: Callable[[], V], many: bool) -> tuple[U, V]:
    """Do two things that do not hang on each other; where that is much work, in two threads."""
    if not many:
        return one(), other()
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(other)
        return one(), later.result()


@cache
def keep_freed_memory() -> None:
    """Have the C library keep what arrays free, once in a process.

    The GNU allocator hands larger arrays back to the system as soon as they are freed until it has seen still larger
    ones freed; every batch would have to be given cleared pages again. One array, never touched, teaches it. Elsewhere
    this does nothing.
    """
    np.empty(_LARGE, dtype=np.uint8)
