"""Events and risk sets: the one counting kernel that feeds every nonparametric estimator.

Its convention, stated here once: a row is at risk at time t when ``entry < t <= exit``. So a row that came under
observation late (left truncation) counts only from then on, and cutting a row in two changes nothing.

Weights are frequencies: a weight of 2 is the row written twice, in estimates and in standard errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError, Problem

__all__ = ["RiskTable", "TransitionCounts", "Visits", "count_risks"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RiskTable:
    """Events and risk sets at each distinct event time.

    Attributes
    ----------
    time : numpy.ndarray, shape (m,)
        Distinct event times, ascending.
    at_risk : numpy.ndarray, shape (m,)
        Weight of the rows at risk.
    events : numpy.ndarray, shape (m, causes)
        Weight of the events of each cause.
    """

    time: Floats
    at_risk: Floats
    events: Floats

    @property
    def hazard(self) -> Floats:
        """Increments of the cumulative hazard, shape (m, causes)."""
        return self.events / self.at_risk[:, None]

    @property
    def survival(self) -> Floats:
        """Product-limit probability of no event of any cause after each time, shape (m,)."""
        return np.cumprod(np.maximum(1 - self.hazard.sum(axis=1), 0))


@dataclass(frozen=True, slots=True, eq=False)
class TransitionCounts:
    """How often each move was seen.

    Attributes
    ----------
    moves : numpy.ndarray of int, shape (states, states)
        From row to column.
    stayed : numpy.ndarray of int, shape (states,)
        Visits whose end was not seen; for an absorbing state every arrival.
    entered : numpy.ndarray of int, shape (states,)
        Visits; for an absorbing state arrivals.
    """

    moves: Ints
    stayed: Ints
    entered: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """Visits to the stages of a process, one row each; made by :meth:`of`, which checks them.

    Attributes
    ----------
    entry, exit : numpy.ndarray, shape (n,)
        Time at which the visit comes under observation and at which it was last seen or left, in one unit.
    origin : numpy.ndarray of int, shape (n,)
        State visited, 0 to states - 1.
    destination : numpy.ndarray of int, shape (n,)
        State moved to at `exit`; -1 where that was not seen.
    weight : numpy.ndarray, shape (n,)
        Frequency weight.
    states : int
        Number of states.
    """

    entry: Floats
    exit: Floats
    origin: Ints
    destination: Ints
    weight: Floats
    states: int

    @classmethod
    def of(
        cls,
        entry: npt.ArrayLike,
        exit: npt.ArrayLike,
        origin: npt.ArrayLike,
        destination: npt.ArrayLike,
        states: int,
        weights: npt.ArrayLike | None = None,
    ) -> Visits:
        """Check and hold the visits; scalars are spread over all rows.

        Raises
        ------
        InputError
            If a visit lasts no time, a time or weight is not a number, or a state does not exist.
        """
        start, end, left, to, weight = _rows(entry, exit, origin, destination, 1.0 if weights is None else weights)
        problems = _time_problems(start, end, weight)
        problems += _code_problems("origin", left, 0, states - 1) + _code_problems("destination", to, -1, states - 1)
        problems += _tell("move from a stage to itself", (left == to), "Join them into one visit.")
        if problems:
            raise InputError(problems)
        return cls(start, end, left.astype(np.int64), to.astype(np.int64), weight, states)

    def risks(self, origin: int) -> RiskTable:
        """Count events and risk sets of leaving one state; column k holds the moves to state k."""
        rows = self.origin == origin
        return _count(self.entry[rows], self.exit[rows], self.destination[rows] + 1, self.weight[rows], self.states)

    def counts(self) -> TransitionCounts:
        """Count moves, unseen ends and entries, without weights."""
        moved = self.destination >= 0
        moves = np.zeros((self.states, self.states), dtype=np.int64)
        np.add.at(moves, (self.origin[moved], self.destination[moved]), 1)
        rows = np.bincount(self.origin, minlength=self.states).astype(np.int64)
        entered = np.where(rows > 0, rows, moves.sum(axis=0))
        return TransitionCounts(moves, entered - moves.sum(axis=1), entered)


def count_risks(
    entry: npt.ArrayLike,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    causes: int | None = None,
) -> RiskTable:
    """Count events and risk sets at each distinct event time, O(n log n).

    Parameters
    ----------
    entry, exit : array-like, shape (n,)
        Time at which the row comes under observation (scalar 0: from the start) and at which it is left.
    event : array-like of int or bool, shape (n,)
        0 nothing seen at `exit` (censored), 1 to `causes` the cause.
    weights : array-like, shape (n,), optional
        Frequency weights.
    causes : int, optional
        Number of causes; the largest seen (at least 1) where absent.

    Returns
    -------
    RiskTable

    Raises
    ------
    InputError
        If a row lasts no time, a time or weight is not a number, or a cause is out of range.
    """
    start, end, cause, weight = _rows(entry, exit, event, 1.0 if weights is None else weights)
    problems = _time_problems(start, end, weight)
    problems += _code_problems("event", cause, 0, np.inf if causes is None else causes)
    if problems:
        raise InputError(problems)
    known = max(1, int(cause.max(initial=1))) if causes is None else causes
    return _count(start, end, cause.astype(np.int64), weight, known)


def _count(start: Floats, end: Floats, cause: Ints, weight: Floats, causes: int) -> RiskTable:
    used = weight > 0
    start, end, cause, weight = start[used], end[used], cause[used], weight[used]
    seen = cause > 0
    time, place = np.unique(end[seen], return_inverse=True)
    events = np.zeros((time.size, causes))
    np.add.at(events, (place, cause[seen] - 1), weight[seen])
    at_risk = _weight_before(start, weight, time) - _weight_before(end, weight, time)
    # Rounding of the two sums must not leave fewer at risk than had an event.
    return RiskTable(time, np.maximum(at_risk, events.sum(axis=1)), events)


def _weight_before(moment: Floats, weight: Floats, time: Floats) -> Floats:
    """Weight of the rows whose moment lies strictly before each time."""
    order = np.argsort(moment, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    return np.asarray(total[np.searchsorted(moment[order], time, side="left")])


def _rows(*values: npt.ArrayLike) -> tuple[Floats, ...]:
    """Spread the columns over all rows, as floats."""
    try:
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, dtype=float)) for value in values))
    except (ValueError, TypeError):
        raise InputError(Problem("visits", "columns must hold numbers and be of one length")) from None
    if columns[0].ndim != 1:
        raise InputError(Problem("visits", "columns must have one dimension"))
    return tuple(columns)


def _tell(what: str, wrong: npt.NDArray[np.bool_], mend: str = "", column: str = "") -> list[Problem]:
    """Name a fault once, with the number of rows and the first of them: thousands of like rows help nobody."""
    if not wrong.any():
        return []
    reason = f"{wrong.sum()} of {wrong.size} rows {what}"
    return [Problem("visits", reason, mend, column=column, value=f"row {np.argmax(wrong)}")]


def _time_problems(start: Floats, end: Floats, weight: Floats) -> list[Problem]:
    known = np.isfinite(start) & np.isfinite(end)
    return [
        *_tell("have no finite time", ~known, column="exit"),
        *_tell("last no time", known & (start >= end), "Give moves within a day half a day.", "exit"),
        *_tell("have a weight that is missing or negative", ~(np.isfinite(weight) & (weight >= 0)), column="weights"),
    ]


def _code_problems(name: str, code: Floats, low: float, high: float) -> list[Problem]:
    wrong = ~((code >= low) & (code <= high) & (code == np.floor(code)))
    return _tell(f"have no whole number from {low:g} to {high:g}", wrong, column=name)
