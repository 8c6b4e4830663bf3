"""Clock-reset (semi-Markov) state probabilities with no model: the exact Markov-renewal convolution.

Where the time spent in a stage drives it, no Aalen-Johansen product holds. Each state's law of leaving is estimated on
the sojourn scale (age in the state) and the laws are convolved atom by atom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError, Problem
from spmforecast.models.counting import RiskTable, Visits

__all__ = ["SemiMarkov", "SojournLaw"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FINEST = 1e-6  # durations are told apart down to this part of the time unit (a tenth of a second, in days)
_GRID_LIMIT = 50_000_000  # cells of the convolution's grid: 400 MB


@dataclass(frozen=True, slots=True, eq=False)
class SojournLaw:
    """When and whereto a state is left, as atoms on the sojourn scale.

    Attributes
    ----------
    time : numpy.ndarray, shape (m,)
        Ages at which it is left.
    survival : numpy.ndarray, shape (m,)
        Probability of being there after each age.
    kernel : numpy.ndarray, shape (m, states)
        Probability of leaving at that age for each state.
    """

    time: Floats
    survival: Floats
    kernel: Floats

    @classmethod
    def of(cls, table: RiskTable) -> SojournLaw:
        """Turn the risks of leaving a state into its law."""
        after = table.survival
        before = np.concatenate([[1.0], after[:-1]]) if len(after) else after
        return cls(table.time, after, before[:, None] * table.hazard)

    def residual(self, age: float) -> SojournLaw:
        """Return the law of the time still to come, given that `age` was already spent there.

        Raises
        ------
        InputError
            If `age` is negative, or nobody stays that long by this law.
        """
        seen = int(np.searchsorted(self.time, age, side="right"))
        alive = float(self.survival[seen - 1]) if seen else 1.0
        if not (age >= 0 and alive > 0):
            raise InputError(Problem("visits", "by the records nobody is still there at this age", value=str(age)))
        return SojournLaw(self.time[seen:] - age, self.survival[seen:] / alive, self.kernel[seen:] / alive)

    def on_grid(self, tick: float) -> tuple[Ints, Floats, Floats]:
        """Return the ages in whole ticks, the survival with 1 before the first of them, and the kernel."""
        return np.rint(self.time / tick).astype(np.int64), np.concatenate([[1.0], self.survival]), self.kernel


@dataclass(frozen=True, slots=True, eq=False)
class SemiMarkov:
    """Clock-reset process: a sojourn law for each state; states without moves absorb."""

    laws: tuple[SojournLaw, ...]

    @classmethod
    def fit(cls, visits: Visits) -> SemiMarkov:
        """Estimate every sojourn law; entry and exit of the visits are ages in the state."""
        return cls(tuple(SojournLaw.of(visits.risks(state)) for state in range(visits.states)))

    def occupation(self, times: npt.ArrayLike, origin: int, age: float = 0.0) -> Floats:
        """Probability of being in each state, by exact convolution of the atoms.

        ``P_hj(t) = 1{h=j} S_h(t) + sum_k sum_u q_hk(u) P_kj(t-u)``, where the age already spent conditions the
        first sojourn only. Loops are allowed. Probability beyond the last exit seen stays where it is.

        Parameters
        ----------
        times : array-like, shape (n,)
            Times from now, not negative.
        origin : int
            State now.
        age : float
            Time already spent there.

        Returns
        -------
        numpy.ndarray, shape (n, states)
            Rows sum to 1.

        Raises
        ------
        InputError
            If a time is negative, `age` cannot be, or the durations are too fine for an exact grid.
        """
        at = np.atleast_1d(np.asarray(times, dtype=float))
        if not (np.isfinite(at).all() and (at >= 0).all() and 0 <= origin < len(self.laws)):
            raise InputError(Problem("visits", "times must be 0 or more and the origin an existing state"))
        first = self.laws[origin].residual(age)
        tick = self._tick(first, float(at.max(initial=0.0)))
        moments = np.floor(at / tick + 1e-9).astype(np.int64)
        grids = [law.on_grid(tick) for law in self.laws]
        inflow = self._inflow(first.on_grid(tick), grids, int(moments.max(initial=0)))
        out = np.zeros((at.size, len(self.laws)))
        ages, survival, _ = first.on_grid(tick)
        out[:, origin] = survival[np.searchsorted(ages, moments, side="right")]
        for state, (ages, survival, _) in enumerate(grids):
            entered = np.flatnonzero(inflow[:, state])
            mass = inflow[entered, state]
            for row, now in enumerate(moments):
                past = entered <= now
                out[row, state] += mass[past] @ survival[np.searchsorted(ages, now - entered[past], side="right")]
        return out

    def _tick(self, first: SojournLaw, horizon: float) -> float:
        """Find the longest time of which every duration is a multiple; checks that the grid is of reasonable size."""
        fine = np.rint(np.concatenate([law.time for law in (first, *self.laws)]) / _FINEST).astype(np.int64)
        tick = float(np.gcd.reduce(fine)) * _FINEST if fine.size else 1.0
        if horizon / tick * len(self.laws) > _GRID_LIMIT:
            raise InputError(Problem("visits", "durations are too fine for an exact grid", "Round them to whole days."))
        return tick

    def _inflow(
        self, first: tuple[Ints, Floats, Floats], grids: list[tuple[Ints, Floats, Floats]], last: int
    ) -> Floats:
        """Return the expected number of entries to each state at each tick, shape (last + 1, states)."""
        inflow = np.zeros((last + 1, len(grids)))
        _pour(inflow, first, 0, 1.0)
        # Every sojourn lasts at least a tick, so what enters now is complete when the loop comes to it.
        for now in range(1, last + 1):
            for state in np.flatnonzero(inflow[now]):
                _pour(inflow, grids[state], now, inflow[now, state])
        return inflow


def _pour(inflow: Floats, law: tuple[Ints, Floats, Floats], now: int, mass: float) -> None:
    """Add what a mass that entered a state now will send on, up to the end of the grid."""
    ages, _, kernel = law
    kept = int(np.searchsorted(ages, len(inflow) - now, side="left"))
    inflow[now + ages[:kept]] += mass * kernel[:kept]
