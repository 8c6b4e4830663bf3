"""The pipeline as a river: what flows into and out of each stage, how long it stays, and where its wins come from.

Days are counted at their close. A visit that begins on day `e` and ends on day `x` stands at the closes of the days
``e, …, x - 1``, so that for any span stock at its start + arrivals - departures = stock at its end, and the stock added
up over the closes is the time spent. Wins hang on the chances to move alone: with `P` the chances from stage to stage,
``N = (I - P)^-1`` counts the visits to each stage of a deal (Kemeny & Snell, 1960), and Little's law ``L = lambda W``
(1961) ties what stands in a stage to what arrives and how long it stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.risksets import Stays

__all__ = [
    "Chain",
    "Flows",
    "Sojourns",
    "length_biased_mean",
    "little_stock",
    "sojourns_of",
    "stage_flows",
]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_LONGEST = 730  # days of a stay that are told apart, as in the rates


@dataclass(frozen=True)
class Flows:
    """Numbers of visits by group and stage over a span of days; each of shape (groups, stages).

    Parameters
    ----------
    start, end : array of int
        Visits that stood at the close of the day before the span, and at the close of its last day.
    created, entered : array of int
        Visits that began within the span: with the deal itself, and from another stage (or from a closing taken back).
    onward, back, won, lost : array of int
        Visits that ended within it, by what came next.
    unwatched : array of int
        Visits of deals that are watched no longer, as their loss was entered in a clean-up later.
    deal_days : array of int
        Stock added up over the closes of the span.
    days : int
        Its length.
    """

    start: Ints
    end: Ints
    created: Ints
    entered: Ints
    onward: Ints
    back: Ints
    won: Ints
    lost: Ints
    unwatched: Ints
    deal_days: Ints
    days: int

    @property
    def arrivals(self) -> Ints:
        """Visits that began."""
        return np.asarray(self.created + self.entered)

    @property
    def departures(self) -> Ints:
        """Visits that ended."""
        return np.asarray(self.onward + self.back + self.won + self.lost + self.unwatched)

    @property
    def average(self) -> Array:
        """Mean stock over the closes."""
        return np.asarray(self.deal_days / max(self.days, 1))


def stage_flows(stays: Stays, group: Ints, groups: int, before: int) -> Flows:
    """Count what flowed after the close of a day, up to the close of the as-of day.

    Parameters
    ----------
    stays : Stays
        Visits.
    group : array of int, shape (visits,)
        Group of each, for instance its deal's segment.
    groups : int
        How many there are.
    before : int
        The day; it lies before ``stays.today``.

    Returns
    -------
    Flows
    """
    stages, leave, running = len(stays.stages), stays.entry + stays.duration, stays.open_now
    came, gone = stays.entry > before, (leave > before) & ~running
    stood = (stays.entry <= before) & (leave > before)
    own = np.diff(stays.deal, prepend=-1) != 0  # the first visit of a deal; rows are in order of deal and time
    inner = (stays.to >= 0) & (stays.to < stages)
    closes = np.where(running, leave + 1, leave) - np.maximum(stays.entry, before + 1)

    def count(rows: Mask, weight: Ints | None = None) -> Ints:
        cell = group[rows] * stages + stays.stage[rows]
        of = None if weight is None else weight[rows]
        return np.bincount(cell, of, minlength=groups * stages).astype(np.int64).reshape(groups, stages)

    return Flows(
        start=count(stood),
        end=count(running),
        created=count(came & own),
        entered=count(came & ~own),
        onward=count(gone & inner & (stays.to > stays.stage)),
        back=count(gone & inner & (stays.to <= stays.stage)),
        won=count(gone & (stays.to == stays.won)),
        lost=count(gone & (stays.to == stays.lost)),
        unwatched=count(gone & stays.censored),
        deal_days=count(closes > 0, np.maximum(closes, 0)),
        days=stays.today - before,
    )


@dataclass(frozen=True)
class Sojourns:
    """How long visits last, open ones counted as unfinished.

    Parameters
    ----------
    survival : array of float, shape (groups, stages, ages)
        Kaplan–Meier chance to be there still at the close of each day of age.
    longest : array of int, shape (groups, stages)
        Ages at which anything was watched; beyond, nothing is known.
    """

    survival: Array
    longest: Ints

    @property
    def mean(self) -> Array:
        """Mean days, restricted to the ages that were watched; NaN where none was; shape (groups, stages)."""
        inside = np.arange(self.survival.shape[2]) < self.longest[..., None]
        return np.where(self.longest > 0, (self.survival * inside).sum(axis=2), np.nan)

    @property
    def median(self) -> Array:
        """Days by which half have left; NaN where fewer did; shape (groups, stages)."""
        reached = self.survival <= 0.5
        return np.where(reached.any(axis=2), reached.argmax(axis=2), np.nan)

    @property
    def left_over(self) -> Array:
        """Share of visits that lasted beyond the ages that were watched; shape (groups, stages)."""
        return np.asarray(self.survival[..., -1])


def sojourns_of(stays: Stays, group: Ints, groups: int, before: int, longest: int = _LONGEST) -> Sojourns:
    """Estimate the survival of visits from what was at risk after a day (a period life table, Kaplan–Meier by age).

    Visits that had begun by then are at risk from the age they had; those still open leave the risk set unfinished.

    Parameters
    ----------
    stays, group, groups, before
        As :func:`stage_flows`.
    longest : int
        Oldest age that is told apart, in days.

    Returns
    -------
    Sojourns
    """
    stages, ages = len(stays.stages), longest + 1
    first = np.maximum(stays.start, before + 1 - stays.entry)
    seen = (first <= stays.duration) & (first <= longest)
    cell = (group * stages + stays.stage)[seen] * (ages + 1)
    last = np.minimum(stays.duration, longest)[seen]
    size = groups * stages * (ages + 1)
    ended = (~stays.censored & (stays.duration <= longest))[seen]
    enters = np.bincount(cell + first[seen], minlength=size).reshape(groups, stages, -1)
    leaves = np.bincount(cell + last + 1, minlength=size).reshape(groups, stages, -1)
    exits = np.bincount((cell + last)[ended], minlength=size).reshape(groups, stages, -1)[..., :ages]
    at_risk = np.cumsum(enters - leaves, axis=2)[..., :ages]
    hazard = exits / np.maximum(at_risk, 1)
    watched = np.where(at_risk > 0, np.arange(1, ages + 1), 0).max(axis=2)
    return Sojourns(np.cumprod(1.0 - hazard, axis=2, dtype=np.float64), watched.astype(np.int64))


def little_stock(arrivals_per_day: npt.ArrayLike, mean_days: npt.ArrayLike) -> Array:
    """Stock that arrivals and time in stage hold up in a steady state: ``L = lambda W`` (Little, 1961)."""
    return np.asarray(np.asarray(arrivals_per_day, dtype=np.float64) * np.asarray(mean_days, dtype=np.float64))


def length_biased_mean(mean: npt.ArrayLike, second_moment: npt.ArrayLike) -> Array:
    """Mean length of the visits found open on a day, ``E[T^2] / E[T]``: long ones are found more often."""
    return np.asarray(np.asarray(second_moment, dtype=np.float64) / np.asarray(mean, dtype=np.float64))


@dataclass(frozen=True)
class Chain:
    """Stages as an absorbing Markov chain; leading dimensions (draws, profiles) are carried along.

    Parameters
    ----------
    entry : array of float, shape (..., stages)
        Share of new deals that begin in each stage.
    move : array of float, shape (..., stages, stages)
        Chance that a visit is followed by one to another stage.
    win, lose : array of float, shape (..., stages)
        Chance that a visit ends in a win, in a loss. What is left to one is never closed.
    """

    entry: Array
    move: Array
    win: Array
    lose: Array

    @classmethod
    def of_exits(cls, entry: Array, exits: Array) -> Chain:
        """Take the chances from a table of exits (..., stages, stages + 2): stages, then won, then lost."""
        stages = exits.shape[-2]
        return cls(entry, exits[..., :stages], exits[..., stages], exits[..., stages + 1])

    @property
    def _inner(self) -> Array:
        return np.asarray(np.eye(self.move.shape[-1]) - self.move)

    @property
    def visits(self) -> Array:
        """Visits to each stage of a new deal, ``entry N``; shape (..., stages)."""
        turned = np.swapaxes(self._inner, -1, -2)
        return np.asarray(np.linalg.solve(turned, np.broadcast_to(self.entry, self.win.shape)[..., None])[..., 0])

    @property
    def value(self) -> Array:
        """Chance to be won on entering each stage, ``N win``; shape (..., stages)."""
        return np.asarray(np.linalg.solve(self._inner, self.win[..., None])[..., 0])

    @property
    def win_rate(self) -> Array:
        """Chance of a new deal to be won; shape (...,)."""
        return np.asarray((self.visits * self.win).sum(axis=-1))

    @property
    def leak(self) -> Array:
        """Share of new deals that are lost from each stage; shape (..., stages)."""
        return np.asarray(self.visits * self.lose)

    @property
    def gain(self) -> Array:
        """Wins of a new deal that pass through each move, ``visits P value``; shape (..., stages, stages + 1).

        The last column holds the win itself. Over the win rate it is the elasticity ``d ln wins / d ln P`` of a move
        whose additional chance is taken from losses.
        """
        onward = np.concatenate([self.move * self.value[..., None, :], self.win[..., None]], axis=-1)
        return np.asarray(self.visits[..., None] * onward)

    @property
    def elasticity(self) -> Array:
        """``d ln wins / d ln P`` of each move; shape (..., stages, stages + 1), the win last."""
        return np.asarray(self.gain / self.win_rate[..., None, None])
