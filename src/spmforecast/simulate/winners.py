"""Winners of a batch of open deals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Winners"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Short = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Winners:
    """Winners, or candidates, of a batch of deals: in order of the deals, then of the trials.

    Parameters
    ----------
    number : array of int, shape (deals,)
        How many each deal has.
    at, trial : array of int, shape (n,)
        Deal within the batch, and trial, counted from the first of the block.
    place : array of int, shape (n,)
        Position in an array of deals and trials.
    amount : array of uint16, shape (n,)
        Bits that draw the amount.
    period : array of int, shape (n,)
        Period of the win.
    """

    number: Ints
    at: Ints
    trial: Ints
    place: Ints
    amount: Short
    period: Ints

    @classmethod
    def where(cls, flags: Flags, amount: Short) -> Winners:
        """Take those that are marked, shape (deals, trials); their periods are not known yet."""
        deals, trials = flags.shape
        place = np.flatnonzero(flags)
        bound = place.searchsorted(np.arange(deals + 1) * trials)
        number = np.diff(bound)
        trial = place - np.repeat(np.arange(deals) * trials, number)
        at = np.repeat(np.arange(deals), number)
        return cls(number, at, trial, place, amount.take(place), np.zeros(0, dtype=np.int64))

    def lasting(self, period: npt.NDArray[np.uint8], periods: int) -> Winners:
        """Set the periods, and drop whoever is not won within the horizon."""
        won = np.flatnonzero(period < periods)
        kept = self if len(won) == len(period) else self.take(won)
        held = period if len(won) == len(period) else period.take(won)
        return Winners(kept.number, kept.at, kept.trial, kept.place, kept.amount, held.astype(np.int64))

    def take(self, here: Ints) -> Winners:
        """Keep some; positions rise."""
        at = self.at.take(here)
        return Winners(
            np.bincount(at, minlength=len(self.number)),
            at,
            self.trial.take(here),
            self.place.take(here),
            self.amount.take(here),
            self.period.take(here) if len(self.period) else self.period,
        )
