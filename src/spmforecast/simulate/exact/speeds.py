"""Speeds of winning along one market factor, and chances from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.exact.sellers import created, means
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.outcomes import bent

__all__ = ["Answers", "last_chance", "open_answers", "stream_answers"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """How deals answer to the market: open deals, of shape (deals, periods), or streams (streams, cohorts, periods).

    Parameters
    ----------
    row : array of int, shape (n,)
        Row of each in the tables of hazards.
    own : array of float, shape (n,)
        Mean multiplier of its owner.
    response, bend : array of float, shape (n, ..., periods)
        As in :class:`spmforecast.simulate.inputs.OpenDeals`.
    win, lose : array of float, shape (n, ..., periods)
        Hazards, averaged over the draws of the parameters, the owner's multiplier included.
    """

    row: Ints
    own: Array
    response: Array
    bend: Array
    win: Array
    lose: Array

    @classmethod
    def of(cls, row: Ints, own: Array, response: Array, bend: Array, win: Floats, lose: Floats) -> Answers:
        """Read tables, `win` and `lose` with draws of the parameters first, at the rows."""
        own = own.reshape(-1, *[1] * (response.ndim - 1))
        mean = win.mean(axis=0, dtype=np.float64)[row] * own
        return cls(row, own, response[row], bend[row], mean, lose.mean(axis=0, dtype=np.float64)[row])

    def part(self, rows: slice) -> Answers:
        """Return some of them."""
        return Answers(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def to(self, period: int) -> Answers:
        """Return them up to a period, and to the cohort created in it."""
        end = slice(period + 1)
        cut = (slice(None), end) if self.win.ndim == 2 else (slice(None), end, end)
        arrays = (self.response, self.bend, self.win, self.lose)
        return Answers(self.row, self.own, *(one[cut] for one in arrays))

    def lift(self, level: Array, doubt: Array) -> Array:
        """Multiplier of the hazards, whose chances are mean chances.

        Parameters
        ----------
        level, doubt : array of float, shape (..., periods)
            Mean and variance of the level that deals have met.

        Returns
        -------
        array of float, shape of `win`

        Notes
        -----
        By Taylor's second term of the chance ``1 - exp(-h exp(r x - b x²))``; levels of all periods of a deal are taken
        to move together.
        """
        near = np.clip(level, -1.0, 1.0)
        slope = self.response - 2.0 * self.bend * near
        curve = np.where(np.abs(level) < 1.0, -2.0 * self.bend, 0.0)
        saturated = 2.0 * np.cumsum(self.win, axis=-1) - self.win
        log = self.response * level - self.bend * bent(level)
        return np.asarray(np.exp(log + 0.5 * doubt * (slope**2 * (1.0 - saturated) + curve)))

    def speed(self, level: Array, doubt: Array) -> Array:
        """Return the same, the owner's multiplier included: for hazards of an average owner."""
        return self.lift(level, doubt) * self.own


def open_answers(inputs: SimulationInputs) -> Answers:
    """Lay the open deals out."""
    deals = inputs.open_deals
    own = means(inputs.win_shape, inputs.win_rate)[deals.owner]
    return Answers.of(deals.state, own, deals.response, deals.bend, deals.win, deals.lose)


def stream_answers(inputs: SimulationInputs) -> tuple[Answers, Array]:
    """Lay the streams out, with the deals that each creates by cohort where the market stands at its mean."""
    new, cells = inputs.new_deals, inputs.new_deals.cells
    effect = means(inputs.win_shape, inputs.win_rate)
    seller = np.minimum(cells.seller, max(len(cells.sellers) - 1, 0))
    known = cells.seller < len(cells.sellers)
    owner = np.array([inputs.owners.index(name) for name in cells.sellers], dtype=np.int64)
    own = np.where(known, effect[owner[seller]] if len(owner) else 1.0, 1.0)
    made = created(inputs)[cells.seller] * cells.share[:, None]
    made = made if cells.tilt is None else made * cells.tilt
    return Answers.of(cells.segment, own, new.response, new.bend, new.win, new.lose), made


def last_chance(win: Array, lose: Array, speed: Array) -> Array:
    """Chance to be won in the last of the periods, shape of `speed` without its last axis."""
    total = win * speed + lose
    won, last = win[..., -1] * speed[..., -1], total[..., -1]
    before = np.exp(-total[..., :-1].sum(axis=-1))
    return np.asarray(before * -np.expm1(-last) * (won / np.maximum(last, 1e-300)))
