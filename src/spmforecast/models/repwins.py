"""How much better or worse each rep wins than colleagues do with deals of the same segment, age and time.

A rep who wins more does so all the way from creation on. Wins are therefore held against what the deals had to win
since they were created: the cumulative hazard of a win by age, in which lost deals stay at risk for ever (the
subdistribution hazard of Fine and Gray, 1999, JASA 94:496), since that is what a rep's multiplier moves in the
forecast. Deals of one quarter of a year are compared with each other, or reps who sold in good times would look good,
and newcomers' deals with newcomers', or whoever has just begun would be taken for somebody who wins little for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.ids import rows_of
from spmforecast.models.capacity import RepSpans
from spmforecast.models.newcomers import WinRamp, fit_win_ramp
from spmforecast.models.pooling import GammaPool, fit_gamma_pool
from spmforecast.models.risksets import Stays, day_number

__all__ = ["expected_wins", "fit_rep_wins"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_QUARTER_DAYS = 91  # deals created within as many days, counted from the first, are compared with each other
_SWEEPS = 8  # quarters, reps and newcomers in turn
_YEAR_DAYS = 365
_PASSES = 4  # multipliers are shrunk, so that their average goes down by less than what it is divided by


def fit_rep_wins(stays: Stays, segment: Ints, spans: RepSpans, ramp: Array, made: Array) -> tuple[GammaPool, WinRamp]:
    """Compare each owner's wins with those of all deals of the same segment, age, quarter and tenure.

    Parameters
    ----------
    stays : Stays
        Visits to stages, with their deals.
    segment : array of int, shape (deals,)
        Segment of each deal.
    spans : RepSpans
        Owners, as the multipliers are ordered, and when they were hired; all owners of the deals are among them.
    ramp : array of float, shape (months of tenure + 1,)
        Productivity in creating deals, one when ramped.
    made : array of float, shape (owners,)
        What each creates from now on, in any unit: the average of the multipliers, so weighted, is to be one, as the
        process and the market speak of the team as it is.

    Returns
    -------
    pool : GammaPool
        Wins seen and expected of each owner.
    newcomers : WinRamp
        How much less deals are won that a newcomer created.
    """
    watched = _Watched.of(stays, segment, spans)
    lately = _sum(watched.tenure, watched.created > stays.today - _YEAR_DAYS, len(ramp))
    newcomers = fit_win_ramp(np.zeros(len(ramp)), np.zeros(len(ramp)), ramp, lately)
    for _ in range(_SWEEPS):
        pool, of_reps = _owners(watched, newcomers.fitted[watched.tenure], made)
        seen, hoped = (_sum(watched.tenure, of, len(ramp)) for of in (watched.won, of_reps))
        newcomers = fit_win_ramp(seen, hoped, ramp, lately)
    return pool, newcomers


@dataclass(frozen=True)
class _Watched:
    """Deals that were watched for a while.

    Parameters
    ----------
    owner, tenure : array of int, shape (deals,)
        Who owns each, and in which month of tenure it was created.
    created, quarter : array of int, shape (deals,)
        Day of creation, and which quarter of a year it lies in.
    won : array of bool, shape (deals,)
        Whether it was won.
    expected : array of float, shape (deals,)
        Wins that its segment's deals have at those ages at which it was watched.
    """

    owner: Ints
    tenure: Ints
    created: Ints
    quarter: Ints
    won: npt.NDArray[np.bool_]
    expected: Array

    @classmethod
    def of(cls, stays: Stays, segment: Ints, spans: RepSpans) -> _Watched:
        """Take the deals that have a visit on record; what closed before the record began has none."""
        first = np.flatnonzero(np.diff(stays.deal, prepend=-1))
        there = stays.deal[first]
        deals = stays.deals.iloc[there]
        won = (deals["status"] == "won").to_numpy()
        owner = rows_of(deals["owner_id"], pd.Series(spans.owners, dtype="str"))
        created = day_number(deals["created_date"])
        return cls(
            owner=owner,
            tenure=spans.tenure_at(owner, created),
            created=created,
            quarter=(created - created.min(initial=stays.today)) // _QUARTER_DAYS,
            won=won,
            expected=_expected_while_watched(stays, first, segment[there], created, won),
        )


def _owners(watched: _Watched, ramped: Array, made: Array) -> tuple[GammaPool, Array]:
    """Compare owners within quarters.

    Parameters
    ----------
    watched : _Watched
        The deals.
    ramped : array of float, shape (deals,)
        Multiplier of each deal's month of tenure.
    made : array of float, shape (owners,)
        Weights of the owners, as in :func:`fit_rep_wins`.

    Returns
    -------
    pool : GammaPool
        The owners' multipliers.
    expected : array of float, shape (deals,)
        What each deal is to win with its owner, in its quarter, were nobody new.
    """
    expected = watched.expected * ramped
    times = _times(watched.quarter, watched.won, expected)
    seen, hoped = (_sum(watched.owner, of, len(made)) for of in (watched.won, expected * times))
    pool = _of_team(seen, hoped, made)
    return pool, watched.expected * times * pool.mean[watched.owner]


def _times(quarter: Ints, won: npt.NDArray[np.bool_], expected: Array) -> Array:
    """Multiplier of each deal's quarter of creation.

    It is told without the reps: whoever sold in good times alone would else be taken for what made them good.
    """
    hoped = np.bincount(quarter, expected)
    return np.asarray(fit_gamma_pool(np.bincount(quarter, won), hoped, averaged=True).mean[quarter])


def _sum(group: Ints, of: npt.NDArray[np.generic], groups: int) -> Array:
    """Add a column up by group."""
    return np.bincount(group, weights=of, minlength=groups).astype(np.float64)


def _expected_while_watched(
    stays: Stays, first: Ints, segment: Ints, created: Ints, won: npt.NDArray[np.bool_]
) -> Array:
    """Work out what each deal had to win while it was watched, as its segment wins by age."""
    last = np.flatnonzero(np.diff(stays.deal, append=-1))
    end, left = np.full(len(created), stays.today), stays.censored[last]
    end[left] = (stays.entry + stays.duration)[last[left]]  # today, or the clean-up up to which a deal is watched
    end[won] = day_number(stays.deals["close_date"].iloc[stays.deal[first[won]]])
    age = np.maximum(end - created, 0)
    watched = stays.entry[first] + stays.start[first]
    return expected_wins(segment, np.clip(watched - created, 0, age), age, won)


def expected_wins(group: Ints, start: Ints, age: Ints, won: npt.NDArray[np.bool_]) -> Array:
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
    out = np.zeros(len(age))
    for one in np.unique(group):
        here = np.flatnonzero(group == one)
        days = int(age[here].max()) + 1
        entered, left = (np.bincount(at[here], minlength=days) for at in (start, age))
        at_risk = np.cumsum(entered) - np.cumsum(left) + left
        wins = np.bincount(age[here], weights=won[here], minlength=days)
        until = np.concatenate([[0.0], np.cumsum(wins / np.maximum(at_risk, 1))])
        out[here] = until[age[here] + 1] - until[start[here]]
    return out


def _of_team(seen: Array, hoped: Array, made: Array) -> GammaPool:
    """Pool the owners, the multiplier of those who sell being one on average."""
    pool = fit_gamma_pool(seen, hoped, averaged=True)
    for _ in range(_PASSES if made.sum() > 0 else 0):
        hoped = hoped * float((pool.mean * made).sum() / made.sum())
        pool = fit_gamma_pool(seen, hoped, averaged=True)
    return pool
