"""Winners of a batch of open deals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ["Winners"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]

_NONE: Ints = np.zeros(0, dtype=np.int64)


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
    def at_places(cls, place: Ints, amount: Short) -> Winners:
        """Take those at some positions, which rise; their periods are not known yet.

        Parameters
        ----------
        place : array of int, shape (n,)
            Positions in an array of deals and trials.
        amount : array of uint16, shape (deals, trials)
            Bits that draw the amounts of all.

        Returns
        -------
        Winners
        """
        deals, trials = amount.shape
        number = np.diff(place.searchsorted(np.arange(deals + 1) * trials))
        trial = place - np.repeat(np.arange(deals) * trials, number)
        return cls(number, np.repeat(np.arange(deals), number), trial, place, amount.take(place), _NONE)

    def lasting(self, period: npt.NDArray[np.uint8], periods: int) -> Winners:
        """Set the periods, and drop whoever is not won within the horizon."""
        if not len(period) or int(period.max()) < periods:
            return replace(self, period=period.astype(np.int64))
        won = np.flatnonzero(period < periods)
        return replace(self.take(won), period=period.take(won).astype(np.int64))

    def take(self, here: Ints) -> Winners:
        """Keep some; positions rise."""
        number = np.diff(here.searchsorted(np.append(0, np.cumsum(self.number))))
        return Winners(
            number,
            np.repeat(np.arange(len(number)), number),
            self.trial.take(here),
            self.place.take(here),
            self.amount.take(here),
            self.period.take(here) if len(self.period) else self.period,
        )
