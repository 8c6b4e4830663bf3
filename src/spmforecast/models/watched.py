"""Deals held against what they had to win: how long each was watched, and what its segment's deals win by age.

Wins are held against the cumulative hazard of a win since creation, in which lost deals stay at risk for ever (the
subdistribution hazard of Fine and Gray, 1999, JASA 94:496), since that is what a multiplier of a rep, or of a team's
quarter, moves in the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.ids import rows_of
from spmforecast.models.capacity import RepSpans
from spmforecast.models.risksets import Stays, day_number

__all__ = ["Watched", "WinsByAge", "expected_wins"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WinsByAge:
    """Cumulative hazard of a win by age, as the deals of each group win.

    Parameters
    ----------
    until : array of float, shape (n,)
        Hazard met before each age in days, one group's table behind the other's.
    first : array of int, shape (deals,)
        Where the table of each deal's group begins.
    """

    until: Array
    first: Ints

    @classmethod
    def of(cls, group: Ints, start: Ints, age: Ints, won: Flags) -> WinsByAge:
        """Estimate it; arguments as in :func:`expected_wins`."""
        first, tables, size = np.zeros(len(age), dtype=np.int64), [], 0
        for one in np.unique(group):
            here = np.flatnonzero(group == one)
            days = int(age[here].max()) + 1
            entered, left = (np.bincount(at[here], minlength=days) for at in (start, age))
            at_risk = np.cumsum(entered) - np.cumsum(left) + left
            wins = np.bincount(age[here], weights=won[here], minlength=days)
            tables.append(np.concatenate([[0.0], np.cumsum(wins / np.maximum(at_risk, 1))]))
            first[here], size = size, size + days + 1
        return cls(np.concatenate([*tables, np.zeros(0)]), first)

    def before(self, age: Ints) -> Array:
        """Hazard that each deal meets before an age, shape (deals,)."""
        return np.asarray(self.until.take(self.first + age))


@dataclass(frozen=True)
class Watched:
    """Deals that were watched for a while.

    Parameters
    ----------
    owner, tenure : array of int, shape (deals,)
        Who owns each, and in which month of tenure it was created.
    created : array of int, shape (deals,)
        Day of creation.
    won : array of bool, shape (deals,)
        Whether it was won.
    start, age : array of int, shape (deals,)
        Ages in days at which it began to be watched, and was won or last seen.
    wins : WinsByAge
        How deals of its segment win.
    today : int
        The as-of day.
    """

    owner: Ints
    tenure: Ints
    created: Ints
    won: Flags
    start: Ints
    age: Ints
    wins: WinsByAge
    today: int

    @classmethod
    def of(cls, stays: Stays, segment: Ints, spans: RepSpans) -> Watched:
        """Take the deals that have a visit on record; what closed before the record began has none.

        Parameters
        ----------
        stays : Stays
            Visits to stages, with their deals.
        segment : array of int, shape (deals,)
            Segment of each deal.
        spans : RepSpans
            Owners, and when they were hired; all owners of the deals are among them.
        """
        first = np.flatnonzero(np.diff(stays.deal, prepend=-1))
        there = stays.deal[first]
        deals = stays.deals.iloc[there]
        won = (deals["status"] == "won").to_numpy()
        owner = rows_of(deals["owner_id"], pd.Series(spans.owners, dtype="str"))
        created = day_number(deals["created_date"])
        age = np.maximum(_last_seen(stays, there, won) - created, 0)
        start = np.clip(stays.entry[first] + stays.start[first] - created, 0, age)
        wins = WinsByAge.of(segment[there], start, age, won)
        return cls(owner, spans.tenure_at(owner, created), created, won, start, age, wins, stays.today)

    @property
    def expected(self) -> Array:
        """Wins that deals of each one's segment have at those ages at which it was watched, shape (deals,)."""
        return self.wins.before(self.age + 1) - self.wins.before(self.start)

    def taken(self, rows: Ints) -> Watched:
        """Take some of the deals."""
        return Watched(
            owner=self.owner.take(rows),
            tenure=self.tenure.take(rows),
            created=self.created.take(rows),
            won=self.won.take(rows),
            start=self.start.take(rows),
            age=self.age.take(rows),
            wins=WinsByAge(self.wins.until, self.wins.first.take(rows)),
            today=self.today,
        )

    def met_by(self, day: int) -> Array:
        """Hazard that each has met by the close of a day, from age zero or, if later, from when it was watched on."""
        until = day + 1 - self.created
        np.maximum(until, self.start, out=until)
        np.minimum(until, self.age + 1, out=until)
        return self.wins.before(until)


def _last_seen(stays: Stays, there: Ints, won: Flags) -> Ints:
    """Day on which each deal was won, else today, or the clean-up up to which it is watched."""
    last = np.flatnonzero(np.diff(stays.deal, append=-1))
    end, left = np.full(len(there), stays.today), stays.censored[last]
    end[left] = (stays.entry + stays.duration)[last[left]]
    end[won] = day_number(stays.deals["close_date"].iloc[there[won]])
    return end


def expected_wins(group: Ints, start: Ints, age: Ints, won: Flags) -> Array:
    """Work out the cumulative hazard of a win that each deal has met between two ages, as its group's deals win.

    Parameters
    ----------
    group : array of int, shape (deals,)
        Which deals are compared with each other.
    start, age : array of int, shape (deals,)
        Ages in days at which each deal began to be watched, and ended or was last seen.
    won : array of bool, shape (deals,)
        Whether it ended in a win. Deals that were lost stay at risk up to `age`, which is then that of the last day.

    Returns
    -------
    array of float, shape (deals,)
        Within each group they sum to its wins.
    """
    wins = WinsByAge.of(group, start, age, won)
    return wins.before(age + 1) - wins.before(start)
