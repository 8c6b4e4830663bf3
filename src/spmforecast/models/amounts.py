"""Deal amounts: the law of a won deal's amount, and how an open deal's amount ends where it is won.

Log amounts are a location for each segment plus residuals whose law is empirical, so neither lognormal tails nor
a few list prices are forced on the data; means are right because whole laws are drawn from, never ``exp`` of a
mean log (Duan's smearing). Small segments lean on the pooled location and the pooled residuals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models.profiles import Profiles

__all__ = ["AmountLaw", "AmountModel", "fit_amounts"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_GRID = 2048
_LOCATION_PRIOR_DEALS = 5.0
_SHAPE_PRIOR_DEALS = 50.0
_RATIO_PRIOR_DEALS = 50.0
_RATIO_LIMIT = 3.0  # log ratios beyond e^±3 are typing errors, not negotiations


@dataclass(frozen=True)
class AmountLaw:
    """Quantile functions of log amounts on an even grid, one a row.

    Parameters
    ----------
    log_quantiles : array of float, shape (rows, grid)
        Quantiles at the midpoints ``(i + 1/2) / grid``.
    """

    log_quantiles: Array

    def draw(self, row: int, uniform: Array) -> Array:
        """Draw log amounts by the inverse distribution function.

        Parameters
        ----------
        row : int
            Which law.
        uniform : array of float
            Uniforms in [0, 1).

        Returns
        -------
        array of float, shape of `uniform`
        """
        place = uniform * self.log_quantiles.shape[1] - 0.5
        grid = np.arange(self.log_quantiles.shape[1])
        return np.asarray(np.interp(place, grid, self.log_quantiles[row]))

    def mean(self) -> Array:
        """Mean amount of each row, shape (rows,)."""
        return np.asarray(np.exp(self.log_quantiles).mean(axis=1))


@dataclass(frozen=True)
class AmountModel:
    """Amounts of won deals.

    Parameters
    ----------
    won : AmountLaw
        Law of a won amount, a row for each segment.
    location_sd : array of float, shape (segments,)
        Standard error of each segment's log location: the parameter uncertainty of its amounts.
    deals : array of int, shape (segments,)
        Won deals behind each segment.
    shrinkage : array of float, shape (segments,)
        Weight of the pooled location.
    nothing : array of float, shape (segments,)
        Share of won deals that bring nothing (an amount of 0).
    ratio : AmountLaw
        Law of the log of final over present amount for open deals that are won, one row.
    ratio_deals : int
        Won deals behind it; 0 where the history shows no amounts before the end.
    """

    won: AmountLaw
    location_sd: Array
    deals: Ints
    shrinkage: Array
    nothing: Array
    ratio: AmountLaw
    ratio_deals: int


def fit_amounts(deals: pd.DataFrame, stage_history: pd.DataFrame, profiles: Profiles) -> AmountModel:
    """Fit the amount laws from won deals.

    Parameters
    ----------
    deals : pandas.DataFrame
        As known at the as-of date.
    stage_history : pandas.DataFrame
        Events with the amounts as they stood.
    profiles : Profiles
        Segment of each deal.

    Returns
    -------
    AmountModel
    """
    amount = deals["amount"].to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.isfinite(amount) & (amount > 0)
    good = (deals["status"] == "won").to_numpy() & known
    if not good.any():
        good = known  # nothing is won yet: any recorded amount tells more than none
    segments = len(profiles.segments)
    segment, log_amount = profiles.segment_of_deal[good], np.log(amount[good])
    location, sd, shrinkage, count = _locations(log_amount, segment, segments)
    residual = log_amount - location[segment]
    rows = [_mixed_quantiles(residual[segment == s], residual, _SHAPE_PRIOR_DEALS) for s in range(segments)]
    ratio = _log_ratios(deals, stage_history)
    empty = (deals["status"] == "won").to_numpy() & (amount == 0)
    zeros = np.bincount(profiles.segment_of_deal[empty], minlength=segments)
    pooled = zeros.sum() / max(zeros.sum() + len(segment), 1)
    return AmountModel(
        won=AmountLaw(np.stack(rows) + location[:, None]),
        location_sd=sd,
        deals=count,
        shrinkage=shrinkage,
        nothing=(zeros + _LOCATION_PRIOR_DEALS * pooled) / (zeros + count + _LOCATION_PRIOR_DEALS),
        ratio=AmountLaw(_mixed_quantiles(ratio, np.zeros(1), _RATIO_PRIOR_DEALS)[None]),
        ratio_deals=len(ratio),
    )


def _locations(log_amount: Array, segment: Ints, segments: int) -> tuple[Array, Array, Array, Ints]:
    """Mean log amount of each segment, leaning on the pooled mean; its standard error; weights; counts."""
    count = np.bincount(segment, minlength=segments).astype(np.int64)
    if len(log_amount) == 0:
        return np.full(segments, np.log(1e-2)), np.full(segments, 1.0), np.ones(segments), count
    pooled = float(log_amount.mean())
    spread = max(float(log_amount.std()), 0.1)
    total = np.bincount(segment, weights=log_amount, minlength=segments)
    location = (total + _LOCATION_PRIOR_DEALS * pooled) / (count + _LOCATION_PRIOR_DEALS)
    squares = np.bincount(segment, weights=(log_amount - location[segment]) ** 2, minlength=segments)
    variance = (squares + _LOCATION_PRIOR_DEALS * spread**2) / (count + _LOCATION_PRIOR_DEALS)
    shrinkage = _LOCATION_PRIOR_DEALS / (count + _LOCATION_PRIOR_DEALS)
    error = np.asarray(np.sqrt(variance / (count + _LOCATION_PRIOR_DEALS)))
    return location, error, np.asarray(shrinkage, dtype=np.float64), count


def _mixed_quantiles(own: Array, pooled: Array, prior_deals: float) -> Array:
    """Quantile function of a mixture: own values with weight n / (n + prior), the pooled ones with the rest."""
    pool = pooled if len(pooled) else np.zeros(1)
    value = np.concatenate([own, pool])
    share = len(own) / (len(own) + prior_deals)
    weight = np.concatenate([np.full(len(own), share / max(len(own), 1)), np.full(len(pool), (1 - share) / len(pool))])
    order = np.argsort(value, kind="stable")
    reached = np.cumsum(weight[order])
    at = (np.arange(_GRID) + 0.5) / _GRID
    place = np.minimum(np.searchsorted(reached, at * reached[-1]), len(value) - 1)
    return np.asarray(value[order][place], dtype=np.float64)


def _log_ratios(deals: pd.DataFrame, stage_history: pd.DataFrame) -> Array:
    """Log of final over earlier amounts, one for each event of a won deal before its close."""
    final = deals.loc[(deals["status"] == "won") & (deals["amount"] > 0), ["opportunity_id", "amount"]]
    still_open = stage_history["status"].fillna("open").eq("open") & (stage_history["amount"] > 0)
    pairs = stage_history.loc[still_open, ["opportunity_id", "entered_date", "amount"]].merge(
        final, on="opportunity_id", suffixes=("_then", "")
    )
    if pairs.empty:
        return np.empty(0)
    # A deal with many events must not count many times: each deal brings its latest known amount before the end.
    pairs = pairs.sort_values("entered_date", kind="stable").drop_duplicates("opportunity_id", keep="last")
    ratio = np.log(pairs["amount"].to_numpy(dtype=np.float64) / pairs["amount_then"].to_numpy(dtype=np.float64))
    return np.asarray(np.clip(ratio, -_RATIO_LIMIT, _RATIO_LIMIT))
