"""An earlier fit carried onto a later record: the rates learned then, applied to the deals and reps of now.

It tells apart what news of deals and reps did to a forecast from what the refit did.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spmforecast.models.amounts import AmountLaw, AmountModel
from spmforecast.models.creation import month_of
from spmforecast.models.market import MarketModel, ShockPosterior
from spmforecast.models.pipeline import FittedPipeline
from spmforecast.models.pooling import GammaPool
from spmforecast.models.profiles import OTHER, UNKNOWN_BAND, Profiles, entry_amounts
from spmforecast.models.risksets import Stays
from spmforecast.models.spec import attributes

__all__ = ["carried", "carried_shock"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_YEAR_DAYS = 365.25


def carried(old: FittedPipeline, new: FittedPipeline) -> FittedPipeline | None:
    """Apply what was learned at an earlier date to the record of a later one.

    Parameters
    ----------
    old : FittedPipeline
        Gives rates, amounts, productivity, market and attrition.
    new : FittedPipeline
        Gives deals, stages, reps and dates.

    Returns
    -------
    FittedPipeline or None
        None where the later record knows stages that the earlier fit does not.

    Notes
    -----
    The market is carried forward without looking, by its own law and growth, and shocks of teams begin anew; prices go
    on along their trend; owners unknown then have the prior; deals fall into the bands of amounts and the segments of
    then. What a simulation learns by looking back (signals of open deals, lags of new ones) it learns from the later
    record.
    """
    if not set(new.stays.stages) <= set(old.stays.stages):
        return None
    stays = _renumbered(new.stays, old.stays.stages)
    fresh = tuple(name for name in new.creation.owners if name not in set(old.creation.owners))
    months = int(np.diff(month_of(np.array([old.stays.today, new.stays.today]), old.calendar))[0])
    profiles = _assigned(old, new)
    creation = replace(
        old.creation, owners=(*old.creation.owners, *fresh), reps=_extended(old.creation.reps, len(fresh))
    )
    return replace(
        new,
        spec=old.spec,
        stays=stays,
        profiles=profiles,
        process=old.process,
        amounts=_repriced(old.amounts, (new.stays.today - old.stays.today) / _YEAR_DAYS),
        creation=creation,
        market=MarketModel(
            carried_shock(old.market.creation, months),
            carried_shock(old.market.conversion, months),
            old.market.correlation,
        ),
        attrition=replace(old.attrition, vacancies=new.attrition.vacancies),
        rep_wins=_extended(old.rep_wins, len(fresh)),
        win_ramp=old.win_ramp,
        funnel=old.funnel,
        teams=None if old.teams is None else old.teams.unseen(),
    )


def carried_shock(shock: ShockPosterior, months: int) -> ShockPosterior:
    """Move the posterior of a monthly level forward by its own law.

    Parameters
    ----------
    shock : ShockPosterior
        As known now.
    months : int
        Months that pass unseen.

    Returns
    -------
    ShockPosterior
        Joint normal law of long-run mean and deviation after them, at each grid point.
    """
    kept = shock.phi**months
    before, after = shock.mean_sd**2, shock.mean_sd**2 + months * shock.drift**2
    slope = kept * shock.slope * before / np.maximum(after, 1e-300)
    spread = kept**2 * (shock.slope**2 * before + shock.level_sd**2) + shock.tau**2 * (1 - kept**2)
    return replace(
        shock,
        growth=shock.growth * shock.damping(months),
        mean=shock.mean + shock.growth * (shock.grown(months)[-1] if months else 0.0),
        mean_sd=np.sqrt(after),
        level=kept * shock.level,
        slope=slope,
        level_sd=np.sqrt(np.maximum(spread - slope**2 * after, 0.0)),
    )


def _renumbered(stays: Stays, stages: tuple[str, ...]) -> Stays:
    """Give the stages of a record the numbers that they had in an earlier one."""
    if stays.stages == stages:
        return stays
    place = np.array([stages.index(name) for name in stays.stages] + [len(stages), len(stages) + 1], dtype=np.int64)
    inside = stays.to >= 0
    to = np.where(inside, place[np.where(inside, stays.to, 0)], stays.to)
    return replace(stays, stages=stages, stage=place[stays.stage], to=to)


def _extended(pool: GammaPool, more: int) -> GammaPool:
    """Give owners without history the prior."""
    none = np.zeros(more)
    return replace(pool, observed=np.concatenate([pool.observed, none]), expected=np.concatenate([pool.expected, none]))


def _repriced(amounts: AmountModel, years: float) -> AmountModel:
    """Let prices go on along their trend."""
    return replace(amounts, won=AmountLaw(amounts.won.log_quantiles + amounts.trend * years))


def _assigned(old: FittedPipeline, new: FittedPipeline) -> Profiles:
    """Put the deals of a later record into the profiles of an earlier fit."""
    known = old.profiles
    segment = _segments(known, new, attributes(old.spec.segment_by))
    amount = entry_amounts(new.history, new.deals)
    band = _bands(known, amount, segment)
    of_pair = {(int(s), int(b)): index for index, (s, b) in enumerate(known.table)}
    pairs = np.stack([segment, band], axis=1)
    unique, place = np.unique(pairs, axis=0, return_inverse=True)
    found = np.array([of_pair.get((int(s), int(b)), _nearest(known.table, int(s), int(b))) for s, b in unique])
    of_deal = found[place.reshape(-1)] if len(pairs) else np.zeros(0, dtype=np.int64)
    return replace(known, of_deal=of_deal.astype(np.int64), segment_of_deal=segment, amount=amount)


def _segments(known: Profiles, new: FittedPipeline, names: tuple[str, ...]) -> Ints:
    """Segment of each deal; one that was not known then is pooled, or counted with the most frequent."""
    value = new.deals[names[0]].astype(str)
    for name in names[1:]:
        value = value + " · " + new.deals[name].astype(str)
    code = {name: index for index, name in enumerate(known.segments)}
    usual = int(np.bincount(known.segment_of_deal, minlength=len(known.segments)).argmax())
    other = code.get(OTHER, usual)
    return value.map(lambda name: code.get(name, other)).to_numpy(dtype=np.int64)


def _bands(known: Profiles, amount: Array, segment: Ints) -> Ints:
    """Band each amount, relative to what was typical of its segment then."""
    usable = np.isfinite(amount) & (amount > 0)
    if len(known.band_edges) == 0:
        return np.full(len(amount), UNKNOWN_BAND, dtype=np.int64)
    seen = np.isfinite(known.amount) & (known.amount > 0)
    size = np.log(np.where(seen, known.amount, 1.0))
    count = np.bincount(known.segment_of_deal[seen], minlength=len(known.segments))
    total = np.bincount(known.segment_of_deal[seen], weights=size[seen], minlength=len(known.segments))
    typical = np.where(count > 0, total / np.maximum(count, 1), 0.0)
    shift = size[seen].mean() - typical if len(known.segments) > 1 else np.zeros(len(known.segments))
    relative = np.where(usable, amount, 1.0) * np.exp(shift[segment])
    return np.where(usable, np.searchsorted(known.band_edges, relative, side="right") + 1, UNKNOWN_BAND)


def _nearest(table: Ints, segment: int, band: int) -> int:
    """Profile of the segment whose band is nearest; the unknown band only where there is no other."""
    own = np.flatnonzero(table[:, 0] == segment)
    if not len(own):
        own = np.arange(len(table))
    away = np.abs(table[own, 1] - band) + 1000 * ((table[own, 1] == UNKNOWN_BAND) & (band != UNKNOWN_BAND))
    return int(own[np.argmin(away)])
