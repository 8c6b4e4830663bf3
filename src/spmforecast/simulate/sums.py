"""What cells book in every trial, as it is added up: whole cents, and wins, in one number; taken apart at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["WIN", "Sums"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

WIN = 2.0**40  # what a win adds to a sum beside its cents
_WHOLE = 2.0**53  # sums of whole numbers up to here are exact
_PIECE = 1 << 15  # sums looked at together


@dataclass(frozen=True)
class Sums:
    """Bookings and wins of a block.

    Parameters
    ----------
    values : array of float, shape (cells, trials)
        Amounts, and 2**40 for each win where those are not kept apart.
    wins : array of float32, shape (cells, trials), or None
        Wins, where they are kept apart.
    unit : float
        Amounts in one unit of money.
    """

    values: Array
    wins: Floats | None = None
    unit: float = 100.0

    @classmethod
    def joined(cls, parts: list[Sums]) -> Sums:
        """Put those of blocks that follow each other together, wins apart."""
        tables = [part.tables for part in parts]
        amounts, wins = (np.concatenate(several).T for several in zip(*tables, strict=True))
        return cls(amounts, wins, unit=1.0)

    def hold(self, booked: int) -> bool:
        """Tell whether so many wins can be told from the amounts they were added to.

        Should amounts ever have run into wins, there are more of those than were booked.
        """
        if self.wins is not None:
            return True
        wins = 0
        for rows in self._rows():
            whole = self.values[rows] * (1 / WIN)
            if float(whole.max(initial=0.0)) * WIN >= _WHOLE:
                return False
            wins += int(np.floor(whole, out=whole).sum())
        return wins == booked

    def put(self, draws: Array, counts: Floats, amount: Array | float = 0.0, count: Array | float = 0.0) -> None:
        """Write amounts and wins to tables, and add what is known beforehand.

        Parameters
        ----------
        draws, counts : array of float, shape (trials, cells)
            Filled with amounts, in units of money, and wins; quickest where each cell's trials lie side by side. The
            draws may lie where the sums do.
        amount, count : array of float, shape (cells,), or float
            Added in every trial.
        """
        cells = len(self.values)
        amount, count = np.broadcast_to(amount, cells)[:, None], np.broadcast_to(count, cells)[:, None]
        for rows in self._rows():
            money, wins = self._apart(rows)
            np.add(money, amount[rows], out=draws.T[rows])
            np.add(wins, count[rows], out=counts.T[rows], casting="same_kind")

    def _rows(self) -> Iterator[slice]:
        """Take a few cells at a time."""
        cells, trials = self.values.shape
        together = max(1, _PIECE // max(trials, 1))
        yield from (slice(first, first + together) for first in range(0, cells, together))

    def _apart(self, rows: slice) -> tuple[Array, Array]:
        """Amounts in units of money, and wins, of some cells."""
        both = self.values[rows]
        if self.wins is not None:
            return both / self.unit, self.wins[rows].astype(np.float64)
        wins = both * (1 / WIN)
        np.floor(wins, out=wins)
        money = wins * -WIN
        money += both
        money /= self.unit
        return money, wins

    @cached_property
    def tables(self) -> tuple[Array, Floats]:
        """Amounts, in units of money, and wins, both of shape (trials, cells)."""
        shape = self.values.shape
        draws, counts = np.empty(shape).T, np.empty(shape, dtype=np.float32).T
        self.put(draws, counts)
        return draws, counts
