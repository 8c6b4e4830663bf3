"""Stages: moves that go back, deals that are opened again, losses that all stand in one stage."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import Ints, Records, codes_of

__all__ = ["back_moves", "losses_in_one_stage", "reopened_deals", "stage_places"]

_MANY_LOST = 100


def stage_places(records: Records) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the mean place of each stage among a deal's first visits: the order in which deals usually meet them."""
    visits = records.visits
    deal, stage = visits.deal, visits.stage  # the visits of a deal stand together
    _, first = np.unique(deal * len(visits.stages) + stage, return_index=True)
    first = np.sort(first)
    begins = np.append(True, np.diff(deal[first]) != 0) if len(first) else np.empty(0, dtype=bool)
    start = np.maximum.accumulate(np.where(begins, np.arange(len(first)), 0))
    place = np.arange(len(first)) - start
    count = np.bincount(stage[first], minlength=len(visits.stages))
    total = np.bincount(stage[first], weights=place, minlength=len(visits.stages))
    return np.asarray(total / np.maximum(count, 1))


def back_moves(records: Records) -> Iterator[Finding]:
    """Find moves from a stage to one that deals usually meet earlier."""
    visits = records.visits
    # Between a closing and what follows it lies a re-opening, which is another matter.
    moved = (visits.deal[1:] == visits.deal[:-1]) & (visits.leave[:-1] == visits.entry[1:])
    rows = np.flatnonzero(moved)
    if not len(rows):
        return
    place = stage_places(records)
    back = rows[place[visits.stage[rows + 1]] < place[visits.stage[rows]]]
    if len(back) < max(records.limits.back_share * len(rows), 1):
        return
    pairs = visits.stage[back] * len(place) + visits.stage[back + 1]
    pair, count = np.unique(pairs, return_counts=True)
    order = np.argsort(-count, kind="stable")[:5]
    names = visits.stages
    told = [f"{names[pair[k] // len(place)]} → {names[pair[k] % len(place)]}: {count[k]:,}" for k in order]
    deals = len(np.unique(visits.deal[back]))
    yield Finding(
        "back_moves",
        "stage_history",
        "stage",
        len(back),
        len(rows),
        tuple(told),
        f"Moves of {deals:,} deals go back to a stage that deals usually meet earlier: they count as new visits, so "
        "a stage can be passed several times; an automatism or a renamed stage looks the same.",
        "Tell renamed or side stages apart with a map (values).",
    )


def reopened_deals(records: Records) -> Iterator[Finding]:
    """Find deals that go on after a closing, and wins that were taken back."""
    moves = records.moves
    same = moves.deal[1:] == moves.deal[:-1]
    again = np.flatnonzero(same & moves.closed[:-1] & moves.open[1:])
    if not len(again):
        return
    deals = np.unique(moves.deal[again])
    yield Finding(
        "reopened_deals",
        "stage_history",
        "status",
        len(deals),
        len(records.deals),
        records.ids(deals),
        "Deals were opened again after a closing: each opening is a new visit, and only the last closing counts.",
        "None is needed if they were truly opened again.",
    )
    yield from _reversed(records, again)


def _reversed(records: Records, again: Ints) -> Iterator[Finding]:
    moves = records.moves
    history = records.history.stage_history
    rows = moves.row[again]
    status = codes_of(history["status"].iloc[rows])
    wins = again[np.append(status.names == "won", False)[status.code]]
    if not len(wins):
        return
    amount = history["amount"].to_numpy(dtype=np.float64)[moves.row[wins]]
    unknown = np.isnan(amount)
    # Where the event carries no amount, the deal's own row does.
    amount = np.where(unknown, records.amount[moves.deal[wins]], amount)
    deals = np.unique(moves.deal[wins])
    yield Finding(
        "reopened_wins",
        "stage_history",
        "status",
        len(deals),
        int(records.won.sum()) + len(deals),
        records.ids(deals),
        f"Won deals were opened again: bookings of {np.nansum(amount):,.0f} were taken back, and figures reported "
        "before differ from today's by them.",
        "None is needed if the reversals are true.",
    )


def losses_in_one_stage(records: Records) -> Iterator[Finding]:
    """Find records in which nearly all losses stand in one stage that open deals rest in, too."""
    stage = records.codes("opportunities", "stage")
    lost = stage.code[records.lost & (stage.code >= 0)]
    resting = np.unique(stage.code[records.open & (stage.code >= 0)])
    if len(lost) < _MANY_LOST or len(resting) < 3:
        return
    count = np.bincount(lost, minlength=len(stage.names))
    top = int(np.argmax(count))
    if top not in resting or count[top] < records.limits.one_stage_share * len(lost):
        return
    yield Finding(
        "losses_in_one_stage",
        "opportunities",
        "stage",
        int(count[top]),
        len(lost),
        (str(stage.names[top]),),
        f"{count[top]:,} of {len(lost):,} losses stand in the stage {stage.names[top]}: either nearly all are lost "
        "there, or the stage is set back on losing; beyond it hardly anything seems to be lost.",
        "Find out whether the stage is the one in which the deal was lost.",
    )
