"""How integrated intensities change when deals are won more often, move at another pace, or are known to end."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.models.adjust import DealOutcome, Faster, Likelier
from spmforecast.simulate.adjusting.scopes import day_flags, period_shares
from spmforecast.simulate.adjusting.tables import Change
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.outcomes import period_intensities, winning_chances

__all__ = ["likelier", "outcome", "paced", "slipped"]

Array = npt.NDArray[np.float64]

_SURELY = 60.0  # an integrated intensity beyond which nothing is left
_SHORT = 1.0 - 1e-9


def likelier(adjustment: Likelier, horizon: Horizon) -> Change:
    """Multiply the chance to be won in each period; chances to be lost give way first, then what is still open.

    Notes
    -----
    With `points` added, the multiplier is one plus the points over the chance to be won within the horizon.
    """
    share = period_shares(adjustment.scope, horizon)

    def change(win: Array, lose: Array, first: int) -> tuple[Array, Array]:
        won = winning_chances(win, lose, np.ones(win.shape[-1]))
        factor = np.full(won.shape[:-1], adjustment.factor)[..., None]
        if adjustment.points:
            within = won.sum(axis=-1, keepdims=True)
            factor = 1.0 + np.divide(adjustment.points, within, out=np.zeros_like(within), where=within > 1e-12)
        return _with_chances(win, lose, won * np.maximum(1.0 + (factor - 1.0) * share[first:], 0.0))

    return change


def _with_chances(win: Array, lose: Array, wanted: Array) -> tuple[Array, Array]:
    """Find intensities under which deals are won with the wanted chances and leave as fast as before, or faster."""
    total = win + lose
    new_win, new_lose = np.empty_like(win), np.empty_like(lose)
    alive = np.ones(win.shape[:-1])
    for period in range(win.shape[-1]):
        leave = -np.expm1(-total[..., period])
        won = np.minimum(np.divide(wanted[..., period], alive, out=np.zeros_like(alive), where=alive > 1e-12), _SHORT)
        leave = np.maximum(leave, won)
        speed = -np.log1p(-np.minimum(leave, _SHORT))
        share = np.divide(won, leave, out=np.zeros_like(won), where=leave > 0)
        new_win[..., period], new_lose[..., period] = speed * share, speed * (1.0 - share)
        alive = alive * (1.0 - leave)
    return new_win, new_lose


def paced(adjustment: Faster, horizon: Horizon) -> Change:
    """Let time run at another pace: where every stay takes twice as long, half as much happens by any day.

    Notes
    -----
    A change of time scale: the intensities gathered by day *t* become those gathered by the day that the deals' own
    clock shows then. Within a period they are spread evenly, beyond the horizon they go on as in its last period; the
    calendar's rhythm within a quarter moves with the clock.
    """
    clock = np.concatenate(
        [[0.0], np.cumsum(np.where(day_flags(adjustment.scope, horizon) > 0, 1 / adjustment.factor, 1.0))]
    )
    ends = np.concatenate([[0], np.cumsum(np.bincount(horizon.cell, minlength=len(horizon.periods)))])

    def change(win: Array, lose: Array, first: int) -> tuple[Array, Array]:
        begin = ends[first]
        days = (ends[first:] - begin).astype(np.float64)
        shown = clock[ends[first:]] - clock[begin]
        return _retimed(win, days, shown), _retimed(lose, days, shown)

    return change


def _retimed(speed: Array, days: Array, shown: Array) -> Array:
    """Read gathered intensities or chances, straight between the ends of periods, at other times."""
    gathered = np.concatenate([np.zeros((*speed.shape[:-1], 1)), np.cumsum(speed, axis=-1)], axis=-1)
    at = np.clip(np.searchsorted(days, shown, side="right") - 1, 0, len(days) - 2)
    part = (shown - days[at]) / (days[at + 1] - days[at])
    read = gathered[..., at] + part * (gathered[..., at + 1] - gathered[..., at])
    return np.asarray(np.diff(read, axis=-1))


def slipped(days_later: int, horizon: Horizon) -> Change:
    """Move what becomes of a deal by some days: what falls before today comes at once, what falls later is not seen.

    Notes
    -----
    Chances to be won and to be lost move together. Where they move forward, the deal goes on beyond the horizon as in
    its last period.
    """
    lengths = np.bincount(horizon.cell, minlength=len(horizon.periods)).astype(np.float64)
    further = float(max(-days_later, 0))
    ends = np.concatenate([[0.0], np.cumsum(lengths), [lengths.sum() + max(further, 1.0)]])
    asked = np.clip(ends[:-1] - days_later, 0.0, ends[-1])
    asked[0] = 0.0

    def change(win: Array, lose: Array, _first: int) -> tuple[Array, Array]:
        win, lose = (_longer(speed, further / lengths[-1]) for speed in (win, lose))
        always = np.ones(win.shape[-1])
        won, lost = winning_chances(win, lose, always), winning_chances(lose, win, always)
        return period_intensities(_retimed(won, ends, asked), _retimed(lost, ends, asked))

    return change


def _longer(speed: Array, share: float) -> Array:
    """Add a period that is a share of the last one, in length and so in what is gathered."""
    return np.concatenate([speed, share * speed[..., -1:]], axis=-1)


def outcome(adjustment: DealOutcome, horizon: Horizon) -> Change:
    """Let a deal be lost, or won in the period of the stated day (the first where none is stated)."""
    at = 0
    if adjustment.day is not None:
        number = int(np.datetime64(adjustment.day, "D").astype(np.int64))
        at = int(horizon.cell[np.clip(np.searchsorted(horizon.days, number), 0, len(horizon.days) - 1)])

    def change(win: Array, lose: Array, _first: int) -> tuple[Array, Array]:
        won = np.zeros_like(win)
        if adjustment.outcome == "lost":
            gone = np.zeros_like(lose)
            gone[..., 0] = _SURELY
            return won, gone
        won[..., at] = _SURELY
        return won, np.zeros_like(lose)

    return change
