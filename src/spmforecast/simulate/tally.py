"""What a block of trials books: amounts and wins by cell, and what each open deal did."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

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
    amounts, counts : array of float, shape (trials, cells)
        Bookings and wins of the cells still open; the past is added by the engine.
    deal_wins, deal_cents : array of float, shape (deals, periods)
        Trials in which each open deal was won, and what it brought in them in whole cents, by period.
    deal_sum, deal_squares : array of float, shape (deals,)
        Sums over trials of each open deal's bookings and their squares.
    ledger : Ledger, optional
        Winners one by one, where asked for.
    """

    amounts: Array
    counts: npt.NDArray[np.float32]
    deal_wins: Array
    deal_cents: Array
    deal_sum: Array
    deal_squares: Array
    ledger: Ledger | None = None


def joined(parts: list[BlockResult]) -> BlockResult:
    """Put the results of blocks that follow each other together."""
    if len(parts) == 1:
        return parts[0]
    ledgers = [part.ledger for part in parts if part.ledger is not None]
    return BlockResult(
        np.concatenate([part.amounts for part in parts]),
        np.concatenate([part.counts for part in parts]),
        np.sum([part.deal_wins for part in parts], axis=0),
        np.sum([part.deal_cents for part in parts], axis=0),
        np.sum([part.deal_sum for part in parts], axis=0),
        np.sum([part.deal_squares for part in parts], axis=0),
        Ledger.joined(ledgers) if ledgers else None,
    )


@dataclass
class Tally:
    """Running sums of a block.

    Amounts are kept as whole cents: such sums are exact, so they depend neither on the order of the deals nor on how
    they are grouped.

    Parameters
    ----------
    start, trials, cells, deals, periods : int
        First trial and sizes.
    keep : bool
        Keep every winner.
    """

    start: int
    trials: int
    cells: int
    deals: int
    periods: int
    keep: bool = False
    cents: Array = field(init=False)
    wins: npt.NDArray[np.float32] = field(init=False)
    parts: list[Ledger] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.cents = np.zeros(self.cells * self.trials)
        self.wins = np.zeros(self.cells * self.trials, dtype=np.float32)
        self.deal_wins, self.deal_cents = np.zeros((2, self.deals, self.periods))
        self.deal_sum, self.deal_squares = np.zeros(self.deals), np.zeros(self.deals)

    def win(self, cell: Ints, trial: Ints, cents: Array, credited: Array | None = None) -> None:
        """Book wins and amounts; `credited` is what the leading rep keeps where a deal is shared."""
        at = cell * self.trials + trial
        np.add.at(self.cents, at, cents if credited is None else credited)
        np.add.at(self.wins, at, np.float32(1))

    def share(self, cell: Ints, trial: Ints, cents: Array) -> None:
        """Book a partner's share; the win is counted with the leading rep."""
        np.add.at(self.cents, cell * self.trials + trial, cents)

    def note(self, deal: Ints | int, cell: Ints, trial: Ints, cents: Array) -> None:
        """Keep winners for the ledger, where wanted."""
        if self.keep:
            who = np.broadcast_to(np.asarray(deal, dtype=np.int64), cell.shape).copy()
            self.parts.append(Ledger(trial + self.start, who, cell, cents / 100.0))

    def open_wins(self, number: Ints, place: Ints, cents: Array, rows: Ints) -> None:
        """Add up what each of a few open deals did.

        Parameters
        ----------
        number : array of int, shape (few,)
            Wins of each deal; the winners stand in order of the deals.
        place : array of int, shape (wins,)
            Period of each win, plus the periods of all deals before.
        cents : array of float, shape (wins,)
            Amounts.
        rows : array of int, shape (few,)
            Which deals.
        """
        wins = np.bincount(place, minlength=len(rows) * self.periods)
        self.deal_wins[rows] += wins.reshape(len(rows), self.periods)
        sums = np.bincount(place, weights=cents, minlength=len(rows) * self.periods)
        self.deal_cents[rows] += sums.reshape(len(rows), self.periods)
        some = np.flatnonzero(number)
        if len(some):
            start = (np.cumsum(number) - number)[some]
            self.deal_sum[rows[some]] += np.add.reduceat(cents, start) / 100.0
            self.deal_squares[rows[some]] += np.add.reduceat(cents * cents, start) / 1e4

    def result(self) -> BlockResult:
        """Return the sums, cents as units of money."""
        self.cents /= 100.0
        return BlockResult(
            self.cents.reshape(self.cells, self.trials).T,
            self.wins.reshape(self.cells, self.trials).T,
            self.deal_wins,
            self.deal_cents,
            self.deal_sum,
            self.deal_squares,
            Ledger.joined(self.parts) if self.keep else None,
        )
