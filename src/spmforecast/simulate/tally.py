"""What a block of trials books: amounts and wins by cell, and what each open deal did."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.sums import WIN, Sums

__all__ = ["BlockResult", "Ledger", "Tally", "joined"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


_MANY = 1 << 40  # more deals than there are


@dataclass(frozen=True)
class Ledger:
    """Winners one by one.

    Parameters
    ----------
    trial : array of int, shape (n,)
        Trial, counted from the first of the run.
    deal : array of int, shape (n,)
        Position among the open deals; -1 - k for deals to come of stream k.
    cell : array of int, shape (n,)
        Cell in which the win is counted.
    amount : array of float, shape (n,)
        The whole amount, before it is shared.
    """

    trial: Ints
    deal: Ints
    cell: Ints
    amount: Array

    @classmethod
    def joined(cls, parts: list[Ledger]) -> Ledger:
        """Put ledgers together, in order of trial, then open deals, then streams."""
        ints, none = np.zeros(0, dtype=np.int64), np.zeros(0)
        trial = np.concatenate([ints, *(part.trial for part in parts)])
        deal = np.concatenate([ints, *(part.deal for part in parts)])
        cell = np.concatenate([ints, *(part.cell for part in parts)])
        amount = np.concatenate([none, *(part.amount for part in parts)])
        order = np.lexsort((amount, cell, np.where(deal < 0, _MANY - deal, deal), trial))
        return cls(trial[order], deal[order], cell[order], amount[order])


@dataclass(frozen=True)
class BlockResult:
    """What a block of trials booked.

    Parameters
    ----------
    sums : Sums
        Bookings and wins of the cells still open; the past is added by the engine.
    deal_wins, deal_cents : array of float, shape (deals, periods)
        Trials in which each open deal was won, and what it brought in them in whole cents, by period.
    deal_sum, deal_squares : array of float, shape (deals,)
        Sums over trials of each open deal's bookings and their squares.
    ledger : Ledger, optional
        Winners one by one, where asked for.
    """

    sums: Sums
    deal_wins: Array
    deal_cents: Array
    deal_sum: Array
    deal_squares: Array
    ledger: Ledger | None = None

    @property
    def amounts(self) -> Array:
        """Bookings, shape (trials, cells)."""
        return self.sums.tables[0]

    @property
    def counts(self) -> npt.NDArray[np.float32]:
        """Wins, shape (trials, cells)."""
        return self.sums.tables[1]


def joined(parts: list[BlockResult]) -> BlockResult:
    """Put the results of blocks that follow each other together."""
    if len(parts) == 1:
        return parts[0]
    ledgers = [part.ledger for part in parts if part.ledger is not None]
    return BlockResult(
        Sums.joined([part.sums for part in parts]),
        np.sum([part.deal_wins for part in parts], axis=0),
        np.sum([part.deal_cents for part in parts], axis=0),
        np.sum([part.deal_sum for part in parts], axis=0),
        np.sum([part.deal_squares for part in parts], axis=0),
        Ledger.joined(ledgers) if ledgers else None,
    )


_WIN = WIN
_PIECE = 1 << 15  # sums taken apart together
_WHOLE = 2.0**53  # sums of whole numbers up to here are exact


class Overflow(ArithmeticError):
    """Sums of cents and of wins ran into each other."""

    def __init__(self) -> None:
        super().__init__("sums of cents ran into those of wins")


@dataclass
class Tally:
    """Running sums of a block.

    Amounts are kept as whole cents: such sums are exact, so they depend neither on the order of the deals nor on how
    they are grouped. Cents and wins of a cell share a number: a win counts 2**40. Should cents ever run into the wins,
    there would be more wins in all than were booked; :meth:`result` says so, and the block is played with sums apart.

    Parameters
    ----------
    start, trials, cells, deals, periods : int
        First trial and sizes.
    keep : bool
        Keep every winner.
    apart : bool
        Keep cents and wins apart.
    room : array of float, shape (cells, trials), optional
        Memory for sums that are not apart, for instance a part of a larger table; what stands in it is lost.
    """

    start: int
    trials: int
    cells: int
    deals: int
    periods: int
    keep: bool = False
    apart: bool = False
    room: Array | None = None
    parts: list[Ledger] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.table = np.empty((self.cells, self.trials)) if self.room is None else self.room
        self.table[:] = 0.0
        self.stride = self.table.strides[0] // self.table.itemsize
        self.sums = _flat(self.table)
        self.counts = np.zeros(self.table.shape if self.apart else (0, 0), dtype=np.float32)
        self.booked = 0
        self.deal_wins, self.deal_cents = np.zeros((2, self.deals, self.periods))
        self.deal_squares = np.zeros(self.deals)

    def win(self, place: Ints, cents: Array) -> None:
        """Book wins and amounts.

        Parameters
        ----------
        place : array of int, shape (n,)
            Positions: cells lie `stride` apart, trials side by side.
        cents : array of float, shape (n,)
            Amounts.
        """
        if not self.apart:
            self._win_together(place, cents + _WIN)
            return
        self.booked += len(place)
        np.add.at(self.sums, place, cents)
        np.add.at(self.counts.reshape(-1), place, np.float32(1))

    def _win_together(self, place: Ints, both: Array) -> None:
        """Book amounts and wins that are in one number each."""
        self.booked += len(place)
        np.add.at(self.sums, place, both)

    def share(self, cell: Ints, trial: Ints, cents: Array) -> None:
        """Book a partner's share, or take it from the leading rep; the win is counted with the leading rep."""
        np.add.at(self.sums, cell * self.stride + trial, cents)

    def note(self, deal: Ints | int, cell: Ints, trial: Ints, cents: Array) -> None:
        """Keep winners for the ledger, where wanted."""
        if self.keep:
            who = np.broadcast_to(np.asarray(deal, dtype=np.int64), cell.shape).copy()
            self.parts.append(Ledger(trial + self.start, who, cell.copy(), cents / 100.0))

    def open_wins(
        self, rows: Ints, number: Ints, place: Ints, slot: Ints, cents: Array, credited: Array | None = None
    ) -> None:
        """Book the wins of a few open deals, and add up what each deal did.

        Parameters
        ----------
        rows : array of int, shape (few,)
            Which deals; each is booked once.
        number : array of int, shape (few,)
            Wins of each; they stand in order of the deals.
        place : array of int, shape (wins,)
            Positions, as in :meth:`win`.
        slot : array of int, shape (wins,)
            Positions in an array of these deals and periods.
        cents : array of float, shape (wins,)
            Amounts; they are overwritten.
        credited : array of float, shape (wins,), optional
            What the cell of each is credited with, where that is not the whole amount.
        """
        some = np.flatnonzero(number)
        if len(some):
            start = (np.cumsum(number) - number)[some]
            self.deal_squares[rows[some]] = np.add.reduceat(cents * cents, start) / 1e4
        if credited is not None or self.apart:
            self.win(place, cents if credited is None else credited)
            wins, sums = self._by_slot(slot, cents, len(rows))
        else:
            cents += _WIN
            self._win_together(place, cents)
            both = np.zeros(len(rows) * self.periods)
            np.add.at(both, slot, cents)
            wins, sums = _apart(both)
            if int(wins.sum(dtype=np.float64)) != len(slot):
                cents -= _WIN
                wins, sums = self._by_slot(slot, cents, len(rows))
        self.deal_wins[rows] = wins.reshape(len(rows), self.periods)
        self.deal_cents[rows] = sums.reshape(len(rows), self.periods)

    def _by_slot(self, slot: Ints, cents: Array, deals: int) -> tuple[npt.NDArray[np.float32], Array]:
        """Add up wins and cents apart."""
        size = deals * self.periods
        wins = np.bincount(slot, minlength=size).astype(np.float32)
        return wins, np.asarray(np.bincount(slot, weights=cents, minlength=size), dtype=np.float64)

    def result(self) -> BlockResult:
        """Return the sums.

        Raises
        ------
        Overflow
            If cents and wins ran into each other.
        """
        sums = Sums(self.table, self.counts if self.apart else None)
        if not sums.hold(self.booked):
            raise Overflow()
        return BlockResult(
            sums,
            self.deal_wins,
            self.deal_cents,
            self.deal_cents.sum(axis=1) / 100.0,
            self.deal_squares,
            Ledger.joined(self.parts) if self.keep else None,
        )


def _flat(table: Array) -> Array:
    """View the memory from a table's first number to its last, whatever lies between its rows."""
    rows, columns = table.shape
    size = (rows - 1) * (table.strides[0] // table.itemsize) + columns if rows else 0
    return np.lib.stride_tricks.as_strided(table, (size,), (table.itemsize,))


def _apart(both: Array) -> tuple[npt.NDArray[np.float32], Array]:
    """Take wins and cents apart, the latter in place; no wins where sums may have been rounded."""
    wins = np.zeros(len(both), dtype=np.float32)
    if not len(both) or float(both.max()) >= _WHOLE:
        return wins, both
    for first in range(0, len(both), _PIECE):
        piece = both[first : first + _PIECE]
        whole = np.floor(piece * (1 / _WIN))
        wins[first : first + _PIECE] = whole
        whole *= _WIN
        piece -= whole
    return wins, both
