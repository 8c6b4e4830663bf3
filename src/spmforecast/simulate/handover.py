"""What leavers leave behind: deals still open on the day a rep leaves are won by a colleague, or by a successor.

A rep who leaves in a trial books nothing afterwards. Whatever the rep's deals bring in later periods, and a share of
the period in which the rep leaves, is credited to a colleague of the same territory who sells the same, drawn anew for
each cell; to people to be hired where there is none, or where the colleague has gone before. Only the credit moves:
totals of territories, regions and the company stay as they are, to the cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.simulate.layout import Groups
from spmforecast.simulate.tally import Ledger, Tally
from spmforecast.simulate.trials import Trials

__all__ = ["HandOver", "Heirs", "hand_over", "plan_heirs"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Heirs:
    """Who inherits the wins of one run of cells (a cell a period).

    Parameters
    ----------
    name : str
        Name of the random stream.
    seller : int
        Rep whose cells they are.
    column : int
        First cell.
    mates : tuple of (int, int)
        Colleagues of the territory with cells of the same kind, and first cell of each.
    hired : int
        First cell of people to be hired.
    """

    name: str
    seller: int
    column: int
    mates: tuple[tuple[int, int], ...]
    hired: int


@dataclass(frozen=True)
class HandOver:
    """How wins of leavers pass on.

    Parameters
    ----------
    heirs : tuple of Heirs
        Runs of cells of those who may leave.
    begins : array of int, shape (periods + 1,)
        Day of the horizon on which each period begins; the last entry is the length of the horizon.
    """

    heirs: tuple[Heirs, ...]
    begins: Ints


def plan_heirs(
    groups: Groups, dims: Sequence[str], owners: Sequence[str], places: pd.DataFrame, there: npt.NDArray[np.bool_]
) -> tuple[Heirs, ...]:
    """Find the heirs of every run of cells; cells of people to be hired are added where there are none yet.

    Parameters
    ----------
    groups : Groups
        Cells handed out so far.
    dims : sequence of str
        Their dimensions.
    owners : sequence of str
        Sellers at the as-of date.
    places : pandas.DataFrame
        ``territory_id`` of each, in the same order.
    there : array of bool, shape (sellers,)
        Who sells already. Those who are supposed to be hired take nothing over and leave what they have to whoever
        follows them, so that no colleague's draws move.

    Returns
    -------
    tuple of Heirs
    """
    territory = dict(zip(owners, places["territory_id"].astype(str), strict=True))
    number = {owner: index for index, owner in enumerate(owners)}
    present = [owner for owner, already in zip(owners, there.tolist(), strict=True) if already]
    runs = [key for key in groups.known if key[1] in number]
    for part in sorted({str(key[0]) for key in runs}):
        rest = sorted({key[2:] for key in runs if key[0] == part})
        groups.place(part, pd.DataFrame([(TO_BE_HIRED, *values) for values in rest], columns=["owner_id", *dims]))
    out = []
    for kind, seller, *values in runs:
        name = str(seller)
        others = present if name in present else []
        mates = [mate for mate in others if mate != name and territory[mate] == territory[name]]
        known = [(number[mate], groups.known.get((kind, mate, *values), -1)) for mate in mates]
        out.append(
            Heirs(
                name="|".join(map(str, (kind, seller, *values))),
                seller=number[name],
                column=groups.known[kind, seller, *values],
                mates=tuple(pair for pair in known if pair[1] >= 0),
                hired=groups.known[kind, TO_BE_HIRED, *values],
            )
        )
    return tuple(out)


def hand_over(plan: HandOver, leave: Sequence[Ints], trials: Trials, tally: Tally, ends: Ints | None = None) -> None:
    """Move the credit for what leavers' deals bring after they left.

    Parameters
    ----------
    plan : HandOver
        Who inherits.
    leave : sequence of array of int, shape (trials,)
        Day of the horizon on which each seller leaves; its length where the seller stays.
    trials : Trials
        The trials.
    tally : Tally
        Wins and amounts, changed in place.
    ends : array of int, shape (sellers,), optional
        Day from which each is supposed to be gone and inherits nothing.
    """
    there = leave if ends is None else [np.minimum(day, end) for day, end in zip(leave, ends.tolist(), strict=True)]
    booked: list[npt.NDArray[Any]] = [tally.table]
    if tally.apart:
        booked.append(tally.counts)
    moved: list[tuple[int, Ints, Ints]] = []
    for heirs in plan.heirs:
        left = leave[heirs.seller]
        for period in range(len(plan.begins) - 1):
            cell = heirs.column + period
            first, last = int(plan.begins[period]), int(plan.begins[period + 1])
            gone = np.flatnonzero((left < last) & np.any([sums[cell] != 0 for sums in booked], axis=0))
            if not len(gone):
                continue
            uniform = trials.uniform("handover", heirs.name, "share", period)[gone]
            gone = gone[uniform * (last - first) < last - np.maximum(left[gone], first)]
            to = _heir(heirs, left, there, gone, trials, period) + period
            for sums in booked:
                sums[to, gone] += sums[cell, gone]
                sums[cell, gone] = 0.0
            moved.append((cell, gone, to))
    if tally.keep:
        tally.parts = [_renamed(Ledger.joined(tally.parts), moved, tally)]


def _heir(heirs: Heirs, left: Ints, there: Sequence[Ints], gone: Ints, trials: Trials, period: int) -> Ints:
    """Draw the heir's first cell in each of these trials."""
    if not heirs.mates:
        return np.full(len(gone), heirs.hired, dtype=np.int64)
    uniform = trials.uniform("handover", heirs.name, "heir", period)[gone]
    chosen = np.minimum((uniform * len(heirs.mates)).astype(np.int64), len(heirs.mates) - 1)
    column = np.array([column for _, column in heirs.mates], dtype=np.int64)[chosen]
    of_mate = np.stack([there[seller][gone] for seller, _ in heirs.mates])[chosen, np.arange(len(gone))]
    return np.where(of_mate > left[gone], column, heirs.hired)


def _renamed(ledger: Ledger, moved: list[tuple[int, Ints, Ints]], tally: Tally) -> Ledger:
    """Put the winners that were handed over into their heirs' cells."""
    place = ledger.cell * tally.trials + (ledger.trial - tally.start)
    order = np.argsort(place, kind="stable")
    cell = ledger.cell.copy()
    for old, trial, new in moved:
        at = old * tally.trials + trial
        low, high = (np.searchsorted(place[order], at, side=side) for side in ("left", "right"))
        for start, stop, target in zip(low, high, new, strict=True):
            cell[order[start:stop]] = target
    return Ledger(ledger.trial, ledger.deal, cell, ledger.amount)
