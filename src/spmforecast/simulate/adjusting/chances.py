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
    """Multiply the chance to be won in each period; deals that would be lost give way first, then those still open.

    Notes
    -----
    With `points` added, the multiplier is one plus the points over the chance to be won within the horizon.
    """
    share = period_shares(adjustment.scope, horizon)
    since = int(np.argmax(share > 0)) if share.any() else len(share)

    def change(win: Array, lose: Array, first: int) -> tuple[Array, Array]:
        won = winning_chances(win, lose, np.ones(win.shape[-1]))
        factor = np.full(won.shape[:-1], adjustment.factor)[..., None]
        if adjustment.points:
            within = won.sum(axis=-1, keepdims=True)
            factor = 1.0 + np.divide(adjustment.points, within, out=np.zeros_like(within), where=within > 1e-12)
        wanted = won * np.maximum(1.0 + (factor - 1.0) * share[first:], 0.0)
        return _with_chances(win, lose, wanted, max(since - first, 0))

    return change


def _with_chances(win: Array, lose: Array, wanted: Array, since: int) -> tuple[Array, Array]:
    """Find intensities under which deals are won with the wanted chances, as far as these add up to one at most.

    Deals leave when they did before: what is won less is lost, and what is won more would have been lost in the same
    period, then in the last ones, then would still have been open. Nothing changes in the periods before `since`.
    """
    always = np.ones(win.shape[-1])
    won, lost = winning_chances(win, lose, always), winning_chances(lose, win, always)
    wanted = _at_most(wanted, _SHORT - lost[..., :since].sum(axis=-1))
    lost = _at_most(np.maximum(lost + won - wanted, 0.0), 1.0 - wanted.sum(axis=-1))
    new_win, new_lose = period_intensities(wanted, lost)
    new_win[..., :since], new_lose[..., :since] = win[..., :since], lose[..., :since]
    return new_win, new_lose


def _at_most(chances: Array, room: Array) -> Array:
    """Cut chances short where their sum passes a bound."""
    reached = np.minimum(np.cumsum(chances, axis=-1), room[..., None])
    return np.asarray(np.diff(reached, axis=-1, prepend=0.0))


def paced(adjustment: Faster, horizon: Horizon) -> Change:
    """Let time run at another pace: where every stay takes twice as long, half as much happens by any day.

    Notes
    -----
    A change of time scale: what has become of deals by day *t* becomes what had by the day that their own clock shows
    then, so none is won or lost that would not be in the end. Within a period intensities are even, beyond the horizon
    they go on as in its last period; the calendar's rhythm within a quarter moves with the clock.
    """
    clock = np.concatenate(
        [[0.0], np.cumsum(np.where(day_flags(adjustment.scope, horizon) > 0, 1 / adjustment.factor, 1.0))]
    )
    ends = np.concatenate([[0], np.cumsum(np.bincount(horizon.cell, minlength=len(horizon.periods)))])

    def change(win: Array, lose: Array, first: int) -> tuple[Array, Array]:
        begin = ends[first]
        days = (ends[first:] - begin).astype(np.float64)
        shown = clock[ends[first:]] - clock[begin]
        return _retimed(win, lose, days, shown)

    return change


def slipped(days_later: int, horizon: Horizon) -> Change:
    """Move what becomes of a deal by some days: what falls before today comes at once, what falls later is not seen."""
    lengths = np.bincount(horizon.cell, minlength=len(horizon.periods))
    ends = np.concatenate([[0.0], np.cumsum(lengths, dtype=np.float64)])
    shown = np.maximum(ends - days_later, 0.0)
    shown[0] = 0.0

    def change(win: Array, lose: Array, _first: int) -> tuple[Array, Array]:
        return _retimed(win, lose, ends, shown)

    return change


def _retimed(win: Array, lose: Array, days: Array, shown: Array) -> tuple[Array, Array]:
    """Find intensities under which has happened by the ends of periods what had happened at other times."""
    won, lost = _happened(win, lose, days, shown), _happened(lose, win, days, shown)
    return period_intensities(np.diff(won, axis=-1), np.diff(lost, axis=-1))


def _happened(win: Array, lose: Array, days: Array, shown: Array) -> Array:
    """Chance to be won by some days, shape (..., days shown), where intensities are even within each period."""
    total = win + lose
    rate = np.exp(total - np.cumsum(total, axis=-1)) * win / np.maximum(total, 1e-300)
    won = rate * -np.expm1(-total)
    before = np.cumsum(won, axis=-1) - won
    at = np.clip(np.searchsorted(days, shown, side="right") - 1, 0, len(days) - 2)
    part = (shown - days[at]) / (days[at + 1] - days[at])
    return np.asarray(before[..., at] + rate[..., at] * -np.expm1(-part * total[..., at]))


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
