"""Winners of a batch of open deals, and the candidates among whom they are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["Candidates", "Winners"]

Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]
S = TypeVar("S", bound=np.generic)


@dataclass(frozen=True)
class Candidates:
    """Some trials of each of a batch of deals: in order of the deals, then of the trials.

    What costs a pass over them is worked out when it is asked for.

    Parameters
    ----------
    place : array of int, shape (n,)
        Position in an array of deals and trials.
    number : array of int, shape (deals,)
        How many each deal has.
    trials : int
        Trials of the block.
    """

    place: Ints
    number: Ints
    trials: int

    @classmethod
    def at(cls, place: Ints, deals: int, trials: int) -> Candidates:
        """Take those at some positions, which rise."""
        return cls(place, np.diff(place.searchsorted(np.arange(deals + 1) * trials)), trials)

    def take(self, here: Ints) -> Candidates:
        """Keep some, given by their positions, which rise."""
        number = np.diff(here.searchsorted(np.append(0, np.cumsum(self.number))))
        return Candidates(self.place.take(here), number, self.trials)

    def of_deal(self, values: npt.NDArray[S]) -> npt.NDArray[S]:
        """Hand each what its deal has, shape (deals,) to (n,)."""
        return np.repeat(values, self.number)

    @property
    def deal(self) -> Ints:
        """Deal of each within the batch."""
        return np.repeat(np.arange(len(self.number)), self.number)

    @property
    def trial(self) -> Ints:
        """Trial of each, counted from the first of the block."""
        return self.place - np.repeat(np.arange(len(self.number)) * self.trials, self.number)


@dataclass(frozen=True)
class Winners:
    """Winners of a batch of deals.

    Parameters
    ----------
    found : Candidates
        Where they are.
    slot : array of int, shape (n,)
        Period in which each is won, as position in an array of deals and periods.
    amount : array of uint16, shape (n,)
        Bits that draw the amount.
    """

    found: Candidates
    slot: Ints
    amount: Short
