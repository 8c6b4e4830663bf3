"""What the records say with no model at all: Nelson-Aalen and Aalen-Johansen estimates.

Risk sets and weights follow :mod:`spmforecast.models.counting`. The clock is the caller's: with times counted from the
start of a deal the Aalen-Johansen product is a clock-forward (Markov) estimate. For a clock-reset process use
:mod:`spmforecast.models.renewal`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError, Problem
from spmforecast.models.counting import RiskTable, Visits, count_risks

__all__ = [
    "CumulativeHazard",
    "Incidence",
    "TransitionProbabilities",
    "aalen_johansen",
    "nelson_aalen",
    "transition_probabilities",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeHazard:
    """Nelson-Aalen estimate: step functions, right-continuous, 0 before the first event.

    Attributes
    ----------
    time : numpy.ndarray, shape (m,)
        Distinct event times.
    value, variance : numpy.ndarray, shape (m, causes)
        Cumulative hazard of each cause after each time and its variance (Greenwood's form).
    """

    time: Floats
    value: Floats
    variance: Floats

    @classmethod
    def of(cls, table: RiskTable) -> CumulativeHazard:
        """Sum the increments of a risk table."""
        hazard = table.hazard
        variance = hazard * (1 - hazard) / table.at_risk[:, None]
        return cls(table.time, np.cumsum(hazard, axis=0), np.cumsum(variance, axis=0))

    def at(self, times: npt.ArrayLike) -> Floats:
        """Return the cumulative hazards at these times, shape ``times.shape + (causes,)``."""
        return _step(self.time, self.value, np.zeros(self.value.shape[1]), times)


@dataclass(frozen=True, slots=True, eq=False)
class Incidence:
    """Competing risks of leaving one stage.

    Attributes
    ----------
    time : numpy.ndarray, shape (m,)
        Distinct event times.
    survival, survival_se : numpy.ndarray, shape (m,)
        Probability of no event yet, and its standard error.
    incidence, incidence_se : numpy.ndarray, shape (m, causes)
        Probability of an event of each cause so far (cumulative incidence), and its standard error.
    """

    time: Floats
    survival: Floats
    incidence: Floats
    survival_se: Floats
    incidence_se: Floats

    def at(self, times: npt.ArrayLike) -> Floats:
        """Return survival, then each incidence, at these times: shape ``times.shape + (1 + causes,)``.

        Beyond the last event the curves stay where they are: what was not seen is not extrapolated.
        """
        both = np.column_stack([self.survival, self.incidence])
        return _step(self.time, both, np.eye(both.shape[1])[0], times)


@dataclass(frozen=True, slots=True, eq=False)
class TransitionProbabilities:
    """Clock-forward Aalen-Johansen estimate of P(start, t).

    Attributes
    ----------
    time : numpy.ndarray, shape (m + 1,)
        `start`, then every distinct event time after it.
    probability : numpy.ndarray, shape (m + 1, states, states)
        From row to column.
    covariance : numpy.ndarray, shape (m + 1, states, states, states)
        Greenwood covariance of each row of `probability`: ``[:, i]`` belongs to row i.
    """

    time: Floats
    probability: Floats
    covariance: Floats

    def at(self, time: float) -> Floats:
        """Return P(start, time), shape (states, states)."""
        return np.asarray(self.probability[self._place(time)])

    def standard_error(self, time: float) -> Floats:
        """Return the standard error of P(start, time), shape (states, states)."""
        variance = np.einsum("ihh->ih", self.covariance[self._place(time)])
        return np.asarray(np.sqrt(np.maximum(variance, 0)))

    def length_of_stay(self, until: float) -> Floats:
        """Return the expected time spent in each state from `start` to `until`, by state at `start`."""
        last = self._place(until)
        width = np.diff(np.append(self.time[: last + 1], until))
        return np.asarray(np.tensordot(width, self.probability[: last + 1], axes=(0, 0)))

    def _place(self, time: float) -> int:
        if not time >= self.time[0]:
            raise InputError(Problem("visits", "the time lies before the start of the estimate", value=str(time)))
        return int(np.searchsorted(self.time, time, side="right")) - 1


def nelson_aalen(
    entry: npt.ArrayLike,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
) -> CumulativeHazard:
    """Cumulative hazard of each cause; arguments as :func:`count_risks`."""
    return CumulativeHazard.of(count_risks(entry, exit, event, weights))


def aalen_johansen(
    entry: npt.ArrayLike,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    start: float = 0.0,
) -> Incidence:
    """Cumulative incidence of each cause of leaving one stage, with left truncation; arguments as :func:`count_risks`.

    Parameters
    ----------
    entry, exit, event, weights : array-like
        As :func:`count_risks`.
    start : float
        Landmark: probabilities are for those still there at this time.

    Returns
    -------
    Incidence
        With a single cause, survival is the Kaplan-Meier estimate.
    """
    table = _after(count_risks(entry, exit, event, weights), start)
    causes = table.events.shape[1]
    moves = np.broadcast_to(np.eye(causes + 1), (len(table.time), causes + 1, causes + 1)).copy()
    moves[:, 0, 1:] = table.hazard
    moves[:, 0, 0] = np.maximum(1 - table.hazard.sum(axis=1), 0)
    at_risk = np.zeros((len(table.time), causes + 1))
    at_risk[:, 0] = table.at_risk
    probability, covariance = _product_integral(moves, at_risk)
    row = probability[1:, 0]
    error = np.sqrt(np.maximum(np.einsum("mhh->mh", covariance[1:, 0]), 0))
    return Incidence(table.time, row[:, 0], row[:, 1:], error[:, 0], error[:, 1:])


def transition_probabilities(visits: Visits, start: float = 0.0) -> TransitionProbabilities:
    """Clock-forward Aalen-Johansen estimate ``P(start, t) = prod (I + dA(u))`` over event times in (start, t].

    Aalen & Johansen (1978), Scand J Stat 5:141; Greenwood covariance by the recursion of de Wreede, Fiocco & Putter
    (2010), Comput Methods Programs Biomed 99:261.

    Parameters
    ----------
    visits : Visits
        With times on one clock for all states.
    start : float
        Landmark.

    Returns
    -------
    TransitionProbabilities
    """
    tables = [_after(visits.risks(state), start) for state in range(visits.states)]
    time = np.unique(np.concatenate([table.time for table in tables]))
    moves = np.broadcast_to(np.eye(visits.states), (time.size, visits.states, visits.states)).copy()
    at_risk = np.zeros((time.size, visits.states))
    for state, table in enumerate(tables):
        place = np.searchsorted(time, table.time)
        moves[place, state] = table.hazard
        moves[place, state, state] = np.maximum(1 - table.hazard.sum(axis=1), 0)
        at_risk[place, state] = table.at_risk
    probability, covariance = _product_integral(moves, at_risk)
    return TransitionProbabilities(np.concatenate([[start], time]), probability, covariance)


def _product_integral(moves: Floats, at_risk: Floats) -> tuple[Floats, Floats]:
    """Multiply up the one-step matrices (m, K, K) and carry the covariance of each row along.

    Each row of a step is a multinomial proportion p out of Y at risk, with covariance ``(diag(p) - pp') / Y``.
    """
    steps, k, _ = moves.shape
    probability = np.empty((steps + 1, k, k))
    covariance = np.zeros((steps + 1, k, k, k))
    probability[0] = np.eye(k)
    share = np.divide(1.0, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    diagonal = np.arange(k)
    for m, step in enumerate(moves):
        weight = probability[m] ** 2 * share[m]
        fresh = -(step.T * weight[:, None, :]) @ step
        fresh[:, diagonal, diagonal] += weight @ step
        covariance[m + 1] = step.T @ covariance[m] @ step + fresh
        probability[m + 1] = probability[m] @ step
    return probability, covariance


def _after(table: RiskTable, start: float) -> RiskTable:
    kept = table.time > start
    return RiskTable(table.time[kept], table.at_risk[kept], table.events[kept])


def _step(time: Floats, values: Floats, initial: Floats, at: npt.ArrayLike) -> Floats:
    padded = np.concatenate([initial[None], values])
    return np.asarray(padded[np.searchsorted(time, np.asarray(at, dtype=float), side="right")])
