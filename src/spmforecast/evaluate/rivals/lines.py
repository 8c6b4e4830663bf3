"""Bookings as lines of node and day: what was booked, by company, region and rep, in any stretch of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import NONE, History
from spmforecast.models.bookings.ledger import booking_lines
from spmforecast.models.risksets import day_number
from spmforecast.simulate.credits import divide, shares_of

__all__ = ["COMPANY", "LEVELS", "Lines", "Node", "without_deals"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Node = tuple[str, str]

COMPANY: Node = ("company", "company")
LEVELS = ("company", "region", "rep")


def without_deals(known: History) -> bool:
    """Tell whether a record holds bookings alone, so that they are all that a forecast can rest on."""
    return known.opportunities.empty and len(known.bookings) > 0


@dataclass(frozen=True)
class Lines:
    """What was booked.

    Parameters
    ----------
    day : array of int, shape (n,)
        Day number since 1970-01-01.
    amount : array of float, shape (n,)
        Amount credited.
    places : mapping of str to array of object, shape (n,)
        ``region`` and ``rep`` of each line.
    """

    day: Ints
    amount: Array
    places: dict[str, npt.NDArray[np.object_]]

    @classmethod
    def of(cls, history: History) -> Lines:
        """Collect the lines that a record knows, splits credited, each where its deal stands.

        Parameters
        ----------
        history : History
            Cut at any day.

        Returns
        -------
        Lines
        """
        if without_deals(history):
            booked = booking_lines(history)
            amount = booked["amount"].to_numpy(dtype=np.float64, na_value=0.0)
            return cls._made(booked, booked["owner_id"].astype(object).to_numpy(), amount)
        deals = history.deals()
        won = deals[(deals["status"] == "won").to_numpy() & deals["close_date"].notna().to_numpy()]
        shared = shares_of(won, history.splits)
        at = shared["row"].to_numpy(dtype=np.int64)
        whole = won["amount"].to_numpy(dtype=np.float64, na_value=0.0)[at]
        amount = divide(whole, shared["share"].to_numpy(dtype=np.float64), shared["lead"].to_numpy(dtype=bool))
        return cls._made(won.iloc[at], shared["owner_id"].to_numpy(dtype=object), amount)

    @classmethod
    def _made(cls, rows: pd.DataFrame, owner: npt.NDArray[np.object_], amount: Array) -> Lines:
        region = rows["region"].astype(object).to_numpy()
        return cls(day_number(rows["close_date"]), amount, {"region": region, "rep": owner})

    def nodes(self, since: int) -> list[Node]:
        """Return the company, then regions and reps with a line on or after a day, in order of their names."""
        recent = self.day >= since
        found = [(level, name) for level in LEVELS[1:] for name in sorted(set(self.places[level][recent].tolist()))]
        return [COMPANY, *((level, str(name)) for level, name in found if name != NONE)]

    def codes(self, level: str, names: list[str]) -> Ints:
        """Return the place of each line's node among `names`, -1 where it is none of them."""
        if level == "company":
            return np.zeros(len(self.day), dtype=np.int64)
        place = {name: index for index, name in enumerate(names)}
        return np.array([place.get(name, -1) for name in self.places[level].tolist()], dtype=np.int64)

    def sums(self, nodes: list[Node], starts: Ints, stops: Ints) -> Array:
        """Add up the lines of each node in stretches of days.

        Parameters
        ----------
        nodes : list of (level, name)
            Grouped by level, as :meth:`nodes` returns them.
        starts, stops : array of int, shape (k,)
            First and last day of each stretch, both included.

        Returns
        -------
        array of float, shape (nodes, k)
            To the cent.
        """
        order = np.argsort(self.day, kind="stable")
        day, amount = self.day[order], self.amount[order]
        low, high = np.searchsorted(day, starts, side="left"), np.searchsorted(day, stops, side="right")
        out = np.zeros((len(nodes), len(starts)))
        for level in LEVELS:
            rows = [row for row, node in enumerate(nodes) if node[0] == level]
            code = self.codes(level, [nodes[row][1] for row in rows])[order]
            for stretch, (first, last) in enumerate(zip(low, np.maximum(high, low), strict=True)):
                inside = code[first:last]
                mine = inside >= 0
                out[rows, stretch] = np.bincount(inside[mine], weights=amount[first:last][mine], minlength=len(rows))
        return np.round(out, 2)
