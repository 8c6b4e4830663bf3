"""Bookings and quotas as people hand them in, brought to trials × reps × periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError, Problem
from spmforecast.plan.compensation.cents import to_hundredths
from spmforecast.plan.compensation.spans import Grid, year_starts
from spmforecast.plan.compensation.terms import Terms
from spmforecast.written import nearest

__all__ = ["ByMeasure", "Shaped", "grid_of", "named", "shaped"]

Array = npt.NDArray[np.float64]
_MOST = 1e13  # beyond, floats do not hold every cent

ByMeasure = npt.ArrayLike | Mapping[str, npt.ArrayLike]


@dataclass(frozen=True)
class Shaped:
    """What was handed in.

    Parameters
    ----------
    credits : dict of str to array, shape (trials, reps, periods)
        Credit by measure, in units of the measure.
    grid : Grid
        Quotas and periods.
    shape : tuple of int
        Shape in which the answer goes back.
    """

    credits: dict[str, Array]
    grid: Grid
    shape: tuple[int, ...]

    @property
    def whole(self) -> tuple[int, int, int]:
        """Trials, reps and periods."""
        trials = next(iter(self.credits.values())).shape[0]
        return (trials, *self.grid.shape)


def shaped(
    terms: Terms,
    bookings: ByMeasure,
    quota: ByMeasure | None,
    periods: Sequence[str] | None,
    active: npt.ArrayLike | None,
    calendar: FiscalCalendar | None,
) -> Shaped:
    """Check bookings and quotas and bring them to one form (see :meth:`CompPlan.payout`).

    Raises
    ------
    InputError
        With everything that does not fit.
    """
    problems: list[Problem] = []
    given = _named(terms, bookings, "bookings", terms.read, problems)
    asked = _named(terms, quota, "quota", terms.with_quota, problems)
    if problems:
        raise InputError(problems)
    shape = np.broadcast_shapes(*(one.shape for one in given.values())) if _agree(given, problems) else ()
    if len(shape) > 3:
        told = f"an array of {len(shape)} dimensions"
        problems.append(Problem("bookings", told, "Give trials × reps × periods, reps × periods, or a plain array."))
    if problems:
        raise InputError(problems)
    whole = _whole(shape, asked, periods)
    credits = {name: np.broadcast_to(one, shape).reshape(whole) for name, one in given.items()}
    cells = _cells(shape, whole, asked, problems)
    if problems:
        raise InputError(problems)
    return Shaped(credits, grid_of(terms, cells, (whole[1], whole[2]), periods, active, calendar), shape)


def grid_of(
    terms: Terms,
    quotas: Mapping[str, npt.ArrayLike],
    shape: tuple[int, int],
    periods: Sequence[str] | None,
    active: npt.ArrayLike | None,
    calendar: FiscalCalendar | None,
) -> Grid:
    """Make the grid of reps and periods.

    Raises
    ------
    InputError
        If quotas are negative or infinite, shares of periods are none, or shapes do not fit.
    """
    problems: list[Problem] = []
    asked = {name: np.asarray(values, dtype=np.float64) for name, values in quotas.items()}
    for name, values in asked.items():
        if ((values < 0) | (values > _MOST)).any():
            mend = "Give 0 or more, or nothing (NaN) where there is no quota."
            problems.append(Problem("quota", "a quota below 0 or without end", mend, column=name))
    sound = not problems
    read = {n: _spread(to_hundredths(v) if sound else v, shape, "quota", problems) for n, v in asked.items()}
    there = _spread(np.asarray(1.0 if active is None else active, dtype=float), shape, "active", problems)
    if not ((there >= 0) & (there <= 1)).all():
        problems.append(Problem("active", "must be a share of the period", "Give 0 to 1.", column="active"))
    if periods is not None and len(periods) != shape[1]:
        told = f"{len(periods)} labels for {shape[1]} periods"
        problems.append(Problem("periods", told, "Give one for each column.", column="periods"))
    calendar = calendar or FiscalCalendar()
    starts = [calendar.period(str(label)).start for label in periods or ()]
    if any(later <= earlier for earlier, later in pairwise(starts)):
        told = "the periods are not in order of time"
        problems.append(Problem("periods", told, "Sort them, with the columns.", column="periods"))
    if problems:
        raise InputError(problems)
    years = year_starts(shape[1], terms.periods_per_year, periods, calendar)
    return Grid(terms, read, there, years)


def named(terms: Terms, values: ByMeasure | None, kind: str, needed: tuple[str, ...]) -> dict[str, Array]:
    """Give every measure its array; a plain array is the main measure's.

    Raises
    ------
    InputError
        If one that is needed is missing, or one is given that the plan does not know.
    """
    problems: list[Problem] = []
    read = _named(terms, values, kind, needed, problems)
    if problems:
        raise InputError(problems)
    return read


def _named(
    terms: Terms, values: ByMeasure | None, kind: str, needed: tuple[str, ...], problems: list[Problem]
) -> dict[str, Array]:
    """Give every measure its array (see :func:`named`)."""
    if values is None:
        named: Mapping[str, npt.ArrayLike] = {}
    elif isinstance(values, Mapping):
        named = values
    else:
        named = {terms.main: values}
    for name in named:
        if name not in terms.measures:
            near = nearest(str(name), terms.measures)
            mend = f"Did you mean {near}?" if near else f"The plan reads {', '.join(terms.read)}."
            problems.append(Problem(kind, "there is no such measure", mend, value=str(name)))
    for name in needed:
        if name not in named:
            mend = f"Give {{{', '.join(repr(one) + ': …' for one in needed)}}}."
            problems.append(Problem(kind, f"the plan reads {name}, which is not given", mend, column=name))
    read = {str(name): np.asarray(one, dtype=np.float64) for name, one in named.items()}
    if kind == "bookings":
        for name, one in read.items():
            if not (np.abs(one) <= _MOST).all():
                mend = "Give 0 where nothing was booked."
                problems.append(Problem(kind, "not every number is finite, or one is beyond 1e13", mend, column=name))
    return {name: one for name, one in read.items() if name in needed}


def _agree(given: Mapping[str, Array], problems: list[Problem]) -> bool:
    try:
        np.broadcast_shapes(*(one.shape for one in given.values()))
    except ValueError:
        told = ", ".join(f"{name} {one.shape}" for name, one in given.items())
        problems.append(Problem("bookings", f"shapes do not fit: {told}", "Give arrays of like shape."))
        return False
    return True


def _whole(shape: tuple[int, ...], asked: Mapping[str, Array], periods: Sequence[str] | None) -> tuple[int, int, int]:
    """Return trials, reps and periods of what was handed in."""
    if len(shape) == 3:
        if any(one.ndim == 3 for one in asked.values()):
            return (1, shape[0] * shape[1], shape[2])  # quotas that differ by trial: every trial has reps of its own
        return (shape[0], shape[1], shape[2])
    if len(shape) == 2:
        return (1, shape[0], shape[1])
    count = shape[0] if shape else 1
    return (1, 1, count) if periods is not None else (1, count, 1)


def _cells(
    shape: tuple[int, ...], whole: tuple[int, int, int], asked: Mapping[str, Array], problems: list[Problem]
) -> dict[str, Array]:
    """Spread quotas over reps and periods."""
    flat = len(shape) == 3 and whole[0] == shape[0] and not any(one.ndim == 3 for one in asked.values())
    like = shape[1:] if flat else shape
    return {
        name: _spread(one, like, "quota", problems).reshape(whole[1], whole[2]) if not problems else one
        for name, one in asked.items()
    }


def _spread(values: Array, shape: tuple[int, ...], kind: str, problems: list[Problem]) -> Array:
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        told = f"shape {values.shape} does not fit {shape}"
        problems.append(Problem(kind, told, "Give an array of the bookings' shape, without trials.", column=kind))
        return np.zeros(shape)
