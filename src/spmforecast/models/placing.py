"""Where the log amounts of won deals stand today, by segment.

Prices rise: locations are taken where a shrunk trend has them at the end of the record. Where deals carry amounts
before their outcome, all of them tell the location, and the won ones how far they stand from it
(:mod:`~spmforecast.models.selection`). Small segments lean on the pooled location, by as much as segments are alike
(random effects).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models.profiles import Profiles
from spmforecast.models.selection import fit_shifts, yearly_trend

__all__ = ["PlacedAmounts", "place_amounts"]

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_MOST_PRIOR_DEALS, _PRIOR_SPREAD, _PRIOR_SPREAD_SEGMENTS = 50.0, 0.7, 2.0
_VARIANCE_PRIOR, _VARIANCE_PRIOR_DEALS = 0.4, 2.0  # of log amounts within a segment, where hardly any deal tells


@dataclass(frozen=True)
class PlacedAmounts:
    """Log amounts at today's prices, and where each segment's stand.

    Parameters
    ----------
    log_amount : array of float, shape (n,)
        Log amounts of the deals that tell of won amounts, at today's prices.
    segment : array of int, shape (n,)
        Segment of each.
    location, sd, shrinkage : array of float, shape (segments,)
        Location of won amounts, its standard error, and the weight of what all segments say.
    count : array of int, shape (segments,)
        Deals of `log_amount` in each segment.
    centre : array of float, shape (segments,)
        What the residuals of `log_amount` are taken from.
    trend, trend_variance : float
        Rise of the log amounts in a year, and the variance of its error.
    age : array of float, shape (segments,)
        Mean years from the deals that tell the trend to the end of the record.
    """

    log_amount: Array
    segment: Ints
    location: Array
    sd: Array
    shrinkage: Array
    count: Ints
    centre: Array
    trend: float
    trend_variance: float
    age: Array


def place_amounts(
    deals: pd.DataFrame, profiles: Profiles, good: Bools, log_amount: Array, all_won: bool
) -> PlacedAmounts:
    """Find where won amounts stand.

    Parameters
    ----------
    deals : pandas.DataFrame
        As known at the as-of date.
    profiles : Profiles
        Segment and amount of each deal.
    good : array of bool, shape (deals,)
        Deals that tell of won amounts.
    log_amount : array of float, shape (n,)
        Their log amounts.
    all_won : bool
        Whether all of them are won.

    Returns
    -------
    PlacedAmounts
    """
    segments, segment = len(profiles.segments), profiles.segment_of_deal[good]
    asked = np.isfinite(profiles.amount) & (profiles.amount > 0)
    many = all_won and bool(asked.sum() > good.sum())
    since = _years_since(deals, many)
    entry, entry_segment = np.log(profiles.amount[asked]), profiles.segment_of_deal[asked]
    telling, telling_segment, years = (
        (entry, entry_segment, since[asked]) if many else (log_amount, segment, since[good])
    )
    trend, trend_variance = yearly_trend(telling, telling_segment, years)
    log_amount = log_amount + trend * since[good]
    if many:
        found = _by_all(log_amount, segment, entry + trend * since[asked], entry_segment, segments)
    else:
        location, sd, shrinkage, count = _locations(log_amount, segment, segments)
        found = location, sd, shrinkage, count, location
    age = _means(years, telling_segment, segments)
    return PlacedAmounts(log_amount, segment, *found, trend, trend_variance, age)


def _by_all(
    log_amount: Array, segment: Ints, entry: Array, entry_segment: Ints, segments: int
) -> tuple[Array, Array, Array, Ints, Array]:
    """Locate won amounts by all deals' amounts, shifted by what winning selects; with what residuals are taken from."""
    location, sd, _, _ = _locations(entry, entry_segment, segments)
    shifts = fit_shifts(log_amount, segment, entry, entry_segment, segments)
    count = np.bincount(segment, minlength=segments).astype(np.int64)
    error = np.sqrt(sd**2 + shifts.variance)
    return location + shifts.mean, error, shifts.shrinkage, count, _means(log_amount, segment, segments)


def _means(value: Array, segment: Ints, segments: int) -> Array:
    """Mean by segment; 0 where there is none."""
    count = np.maximum(np.bincount(segment, minlength=segments), 1)
    return np.asarray(np.bincount(segment, weights=value, minlength=segments) / count)


def _years_since(deals: pd.DataFrame, created: bool) -> Array:
    """Years from each deal to the last one, by creation or by close; zero where not all of them are dated."""
    column = "created_date" if created and "created_date" in deals else "close_date"
    date = (
        deals[column].to_numpy("datetime64[D]") if column in deals else np.full(len(deals), np.datetime64("NaT", "D"))
    )
    known = ~np.isnat(date)
    if not known.any() or (column == "close_date" and not known[(deals["status"] == "won").to_numpy()].all()):
        return np.zeros(len(deals))
    days = (date[known].max() - date).astype(np.float64)
    return np.where(known, days, 0.0) / 365.25


def _locations(log_amount: Array, segment: Ints, segments: int) -> tuple[Array, Array, Array, Ints]:
    """Mean log amount of each segment, leaning on the pooled mean; its standard error; weights; counts."""
    count = np.bincount(segment, minlength=segments).astype(np.int64)
    if len(log_amount) == 0:
        return np.full(segments, np.log(1e-2)), np.full(segments, 1.0), np.ones(segments), count
    own = np.bincount(segment, weights=log_amount, minlength=segments) / np.maximum(count, 1)
    squares = np.bincount(segment, weights=(log_amount - own[segment]) ** 2, minlength=segments)
    spare = len(log_amount) - np.count_nonzero(count)
    within = float(squares.sum() + _VARIANCE_PRIOR_DEALS * _VARIANCE_PRIOR) / (spare + _VARIANCE_PRIOR_DEALS)
    between = _between(own, count, within)
    weight = np.where(count > 0, 1.0 / (between + within / np.maximum(count, 1)), 0.0)
    pooled = float((weight * own).sum() / weight.sum())
    lean = float(min(within / between, _MOST_PRIOR_DEALS))
    location = (count * own + lean * pooled) / (count + lean)
    variance = (squares + 5.0 * within) / (count + 5.0)
    error = np.sqrt(variance / np.maximum(count + lean, 1e-9))
    bare = float(np.sqrt(between + within / len(log_amount)))
    return location, np.where(count > 0, error, bare), np.asarray(lean / (count + lean)), count


def _between(own: Array, count: Ints, within: float) -> float:
    """Variance of the segments' true locations, by moments (DerSimonian-Laird), leaning on a usual spread."""
    seen = count > 0
    n, mean = count[seen].astype(np.float64), own[seen]
    levels = len(n)
    prior = _PRIOR_SPREAD**2
    if levels < 2:
        return prior
    centre = float((n * mean).sum() / n.sum())
    excess = float((n * (mean - centre) ** 2).sum()) - (levels - 1) * within
    moment = max(excess / float(n.sum() - (n**2).sum() / n.sum()), 0.0)
    return float(((levels - 1) * moment + _PRIOR_SPREAD_SEGMENTS * prior) / (levels - 1 + _PRIOR_SPREAD_SEGMENTS))
