"""The activity funnel: recent prospecting as a leading indicator of creation, used only where it foretold better.

What the activities on record lead to (:mod:`~spmforecast.models.thinning`) gives a level of creation for each of the
next three months. The direct model has a level of its own: base, ramp and season, times the market as filtered. The
forecast's log level is the direct one moved by a share of the way to the activities' one. The shares are a ridge
regression through zero on what past month ends would have foretold, and never negative: more activity never lowers
what is expected.

The choice is made by the negative binomial log score of the months after each past month end, where market, funnel and
shares are fitted to what lay before. Base, reps, ramp and season are those of the whole record on both sides, so the
direct model is a stronger rival there than it is in truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from spmforecast.calendar import FiscalCalendar
from spmforecast.data import History
from spmforecast.models.creation import CreationModel, month_of
from spmforecast.models.leading import AHEAD, PastLevels, market_ahead, past_levels, record_of
from spmforecast.models.market import ShockPosterior
from spmforecast.models.prospecting import prospecting
from spmforecast.models.thinning import Thinning

__all__ = ["Funnel", "Shares", "fit_funnel", "log_score", "rolling_gains", "shares_before"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_DAYS, _LEAST_ACTIVITIES, _LEAST_ORIGINS = 365, 100, 6
_SILENT_DAYS = 28  # without any activity: the record of them has most likely ended
_SHARE_SD = 0.5  # of the prior, normal around no effect
_LEAST_PAIRS = 3
_MARGIN = 1.0


@dataclass(frozen=True)
class Funnel:
    """Whether recent activity moves the deals to come, by what score, and how.

    Parameters
    ----------
    used : bool
        Whether it does.
    why : str
        Why the record does not allow to ask; empty where it was measured.
    activities : int
        Prospecting activities on record.
    origins, better : int
        Past month ends at which it was measured, and how many of them it won.
    gain : float
        Log score gained over them in all, each the mean of its months.
    share, share_sd : array of float, shape (3,)
        Share of the way from the direct level to the activities' one in each month to come, and its error.
    apart : array of float, shape (3,)
        Log of the activities' level over the direct one.
    kept : float
        How much of an unusual pace of activity is left after four weeks.
    thinning : Thinning, optional
        What activities lead to.
    today : int
        Day number of the as-of date.
    calendar : FiscalCalendar
        Decides the months.
    """

    used: bool
    why: str = ""
    activities: int = 0
    origins: int = 0
    better: int = 0
    gain: float = 0.0
    share: Array = field(default_factory=lambda: np.zeros(AHEAD))
    share_sd: Array = field(default_factory=lambda: np.zeros(AHEAD))
    apart: Array = field(default_factory=lambda: np.zeros(AHEAD))
    kept: float = 0.0
    thinning: Thinning | None = None
    today: int = 0
    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)

    def factors(self, errors: float = 0.0) -> Array:
        """Multipliers of creation in the next three months, the shares so many errors off; shape (3,)."""
        return np.asarray(np.exp((self.share + errors * self.share_sd) * self.apart))

    def along(self, days: Ints) -> Array:
        """Multipliers of creation on days to come, shape of `days`; beyond three months they fade to one."""
        month = month_of(days, self.calendar) - int(month_of(np.array([self.today + 1]), self.calendar)[0])
        beyond = np.maximum(month - (AHEAD - 1), 0)
        return np.asarray(self.factors()[np.clip(month, 0, AHEAD - 1)] ** (self.kept**beyond))

    def told(self) -> str:
        """Say in a sentence or two what was measured and what follows."""
        if self.why:
            return f"Recent activity does not move the deals to come: {self.why}."
        gain = round(self.gain, 1) + 0.0  # no sign where nothing was gained
        score = (
            f"at {self.origins} past month ends, with {self.activities:,} prospecting activities on record, it would "
            f"have changed the log score of the creations of the months after by {gain:+.1f} in all, for the "
            f"better at {self.better}"
        )
        if not self.used:
            needs = "it takes more than one, and more than half of the month ends"
            return f"Recent activity does not move the deals to come: {score}; {needs}."
        moved = ", ".join(f"{factor:.2f}" for factor in self.factors())
        return f"Recent activity multiplies the deals to come of the next three months by {moved}: {score}."


@dataclass(frozen=True)
class Shares:
    """Shares of the way from the direct level to the activities' one, each of shape (months ahead,)."""

    value: Array
    sd: Array
    pairs: Ints


def fit_funnel(
    known: History, deals: pd.DataFrame, creation: CreationModel, market: ShockPosterior, first_day: int, today: int
) -> Funnel | None:
    """Measure whether activities lead creation, and fit how.

    Parameters
    ----------
    known : History
        Cut at the as-of date.
    deals : pandas.DataFrame
        Deals with ``opportunity_id`` and ``created_date``.
    creation : CreationModel
        The direct model.
    market : ShockPosterior
        Its level of today.
    first_day, today : int
        First and last day on which every creation is on record.

    Returns
    -------
    Funnel or None
        None where the record has no prospecting activities.
    """
    done = prospecting(known, deals, today)
    if done is None:
        return None
    number = int(done.counts.sum())
    why = _too_little(done.counts, number, today + 1 - first_day)
    if why:
        return Funnel(used=False, why=why, activities=number)
    record = record_of(done, deals, creation, first_day, today)
    past = past_levels(record)
    gains = rolling_gains(past)
    better, gain = int((gains > 0).sum()), float(gains.sum())
    shares = shares_before(past, len(past.count))
    used = len(gains) >= _LEAST_ORIGINS and gain > _MARGIN and 2 * better > len(gains)
    thinning, kept = record.fit(today), record.kept(today)
    apart = record.ahead(today, thinning, kept) - market_ahead(market).log_mean
    return Funnel(
        used=used,
        activities=number,
        origins=len(gains),
        better=better,
        gain=gain,
        share=shares.value,
        share_sd=shares.sd,
        apart=apart,
        kept=kept,
        thinning=thinning,
        today=today,
        calendar=creation.calendar,
    )


def _too_little(counts: Array, number: int, watched: int) -> str:
    """Say why a record does not allow to ask whether activities lead; empty where it does."""
    days = min(counts.shape[1], watched)
    if days < _LEAST_DAYS or number < _LEAST_ACTIVITIES:
        return f"{number:,} prospecting activities, {days:,} days of them beside creations, are too few to tell"
    if not counts[:, -_SILENT_DAYS:].any():
        return f"no prospecting activity is on record in the last {_SILENT_DAYS} days"
    return ""


def shares_before(past: PastLevels, origin: int) -> Shares:
    """Regress past surprises on how far apart the levels were, with what was known at an origin.

    Parameters
    ----------
    past : PastLevels
        All origins, a month apart.
    origin : int
        Which of them asks; months that had not come by then are left out. Their number: all are taken.

    Returns
    -------
    Shares
        None below zero or above one, and none larger than that of a nearer month.
    """
    at, ahead = np.meshgrid(np.arange(len(past.count)), np.arange(1, AHEAD + 1), indexing="ij")
    told = np.isfinite(past.surprise) & np.isfinite(past.noise) & ((at + ahead <= origin) | (origin == len(at)))
    weight = np.where(told, 1.0 / np.where(told, past.variance + past.noise, 1.0), 0.0)
    surprise = np.where(told, past.surprise, 0.0)
    information = (weight * past.apart**2).sum(axis=0) + 1.0 / _SHARE_SD**2
    value = (weight * past.apart * surprise).sum(axis=0) / information
    pairs = told.sum(axis=0)
    value = np.where(pairs < _LEAST_PAIRS, 0.0, np.clip(value, 0.0, 1.0))
    return Shares(np.minimum.accumulate(value), 1.0 / np.sqrt(information), pairs)


def rolling_gains(past: PastLevels) -> Array:
    """Log score that the activities' level would have gained at each past month end.

    Parameters
    ----------
    past : PastLevels
        All origins.

    Returns
    -------
    array of float, shape (scored origins,)
        Mean over the months after; only origins before which shares could be told.
    """
    gains = []
    for origin in range(len(past.count)):
        shares = shares_before(past, origin) if origin else None
        if shares is None or shares.pairs[0] < _LEAST_PAIRS:
            continue
        come = np.isfinite(past.count[origin]) & (past.expected[origin] > 0)
        hoped = past.expected[origin] * np.exp(past.log_mean[origin])
        moved = hoped * np.exp(shares.value * past.apart[origin])
        scores = [log_score(past.count[origin], mean, past.variance[origin]) for mean in (moved, hoped)]
        if come.any():
            gains.append(float((scores[0] - scores[1])[come].mean()))
    return np.array(gains)


def log_score(count: Array, mean: Array, variance: Array) -> Array:
    """Log chance of counts whose mean varies by a gamma law of that variance of the log."""
    size = 1.0 / np.expm1(variance)
    return np.asarray(
        special.gammaln(count + size)
        - special.gammaln(size)
        - special.gammaln(count + 1.0)
        + size * np.log(size / (size + mean))
        + special.xlogy(count, mean / (size + mean))
    )
