"""Deal amounts: the law of a won deal's amount, and how an open deal's amount ends where it is won.

Log amounts are a location for each segment plus residuals whose law is empirical, so neither lognormal tails nor
a few list prices are forced on the data; means are right because whole laws are drawn from, never ``exp`` of a
mean log (Duan's smearing). Where deals carry amounts before their outcome, all of them tell where the won ones stand
(:mod:`~spmforecast.models.selection`). Small segments lean on the pooled location, by as much as segments are alike
(random effects), and on the pooled residuals. Prices rise: locations stand where a shrunk trend has them at the end of
the record. One deal far beyond all others counts for no more than the largest of so many plausibly is
(:mod:`~spmforecast.models.outliers`). An open deal in an early stage has its discount still to come, so its amount is
expected to change as that of won deals did from the same stage on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.events import EventLog, last_of_run, status_codes
from spmforecast.models.outliers import largest_plausible
from spmforecast.models.placing import place_amounts
from spmforecast.models.profiles import Profiles

__all__ = ["AmountLaw", "AmountModel", "fit_amounts"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WON = 1  # code of the status
_GRID = 2048
_ZERO_PRIOR_DEALS = 5.0
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
    mean_sd : array of float, shape (segments,)
        Standard error of the log of each segment's mean amount today: of the location, the trend and the law's tail.
    deals : array of int, shape (segments,)
        Won deals behind each segment.
    shrinkage : array of float, shape (segments,)
        Weight of the pooled location; of the pooled shift of won deals where all deals tell the location.
    nothing : array of float, shape (segments,)
        Share of won deals that bring nothing (an amount of 0).
    ratio : AmountLaw
        Law of the log of final over present amount for open deals that are won, one row.
    ratio_deals : int
        Won deals behind it; 0 where the history shows no amounts before the end.
    from_stage : dict of str to float
        Log of the mean change from an amount as it stands in a stage to the final one, relative to `ratio`.
    trend : float
        Rise of the log amounts in a year.
    limited : tuple of (float, float)
        Amounts far beyond all others, and what each counts for; the largest first.
    """

    won: AmountLaw
    location_sd: Array
    mean_sd: Array
    deals: Ints
    shrinkage: Array
    nothing: Array
    ratio: AmountLaw
    ratio_deals: int
    from_stage: dict[str, float] = field(default_factory=dict)
    trend: float = 0.0
    limited: tuple[tuple[float, float], ...] = ()

    def stage_shift(self, stages: Sequence[str]) -> Array:
        """Return the expected log change of each stage's amounts beyond what `ratio` says, shape (stages,)."""
        return np.array([self.from_stage.get(stage, 0.0) for stage in stages], dtype=np.float64)

    def coming(self, days: int) -> Array:
        """Shift of the locations of deals to come within so many days, shape (segments,).

        Prices go on rising while deals are created; those that are created late are seldom won in time, so that a
        winner is on average as old as a third of the horizon. Half the variance of the locations' errors is taken off,
        as the mean amount is not to grow with doubt.
        """
        return np.asarray(self.trend * days / 365.25 / 3.0 - 0.5 * self.location_sd**2)


def fit_amounts(
    deals: pd.DataFrame,
    stage_history: pd.DataFrame,
    profiles: Profiles,
    log: EventLog | None = None,
    limit: bool = False,
) -> AmountModel:
    """Fit the amount laws from won deals.

    Parameters
    ----------
    deals : pandas.DataFrame
        As known at the as-of date.
    stage_history : pandas.DataFrame
        Events with the amounts as they stood.
    profiles : Profiles
        Segment of each deal.
    log : EventLog, optional
        The same events in the order of `deals`, where they are at hand.
    limit : bool
        Let no amount count for more than the largest of so many would plausibly be.

    Returns
    -------
    AmountModel
    """
    amount = _amounts_of(deals)
    is_won = status_codes(deals["status"]) == _WON
    known = np.isfinite(amount) & (amount > 0)
    good = is_won & known
    if not good.any():
        good = known  # nothing is won yet: any recorded amount tells more than none
    recorded = np.log(amount[good])
    counted = _limited(recorded, profiles.segment_of_deal[good]) if limit else recorded
    told = place_amounts(deals, profiles, good, counted, bool(is_won[good].all()))
    residual = told.log_amount - told.centre[told.segment]
    own = [_spread_out(residual[told.segment == s]) for s in range(len(profiles.segments))]
    residual = np.concatenate(own)
    law = AmountLaw(
        np.stack([_mixed_quantiles(one, residual, _SHAPE_PRIOR_DEALS) for one in own]) + told.location[:, None]
    )
    zeros = np.bincount(profiles.segment_of_deal[is_won & (amount == 0)], minlength=len(own))
    changes = _Changes.of(deals, EventLog.of(deals, stage_history) if log is None else log)
    ratio = changes.last()
    return AmountModel(
        won=law,
        location_sd=told.sd,
        mean_sd=np.sqrt(told.sd**2 + _tail_variance(law, told.count) + told.trend_variance * told.age**2),
        deals=told.count,
        shrinkage=told.shrinkage,
        nothing=_nothing(zeros, told.count),
        ratio=AmountLaw(_mixed_quantiles(ratio, np.zeros(1), _RATIO_PRIOR_DEALS)[None]),
        ratio_deals=len(ratio),
        from_stage=changes.by_stage(),
        trend=told.trend,
        limited=_told_limits(recorded, counted),
    )


def _limited(log_amount: Array, segment: Ints) -> Array:
    """Take log amounts back to the largest plausible one of their segment."""
    typical = np.zeros(int(segment.max(initial=-1)) + 1)
    for own in np.unique(segment):
        typical[own] = np.median(log_amount[segment == own])
    return np.minimum(log_amount, typical[segment] + largest_plausible(log_amount - typical[segment]))


def _told_limits(recorded: Array, counted: Array) -> tuple[tuple[float, float], ...]:
    """Pairs of amounts that count for less than they are, the largest first."""
    less = np.flatnonzero(counted < recorded)
    less = less[np.argsort(-recorded[less], kind="stable")]
    pairs = np.exp(np.column_stack([recorded[less], counted[less]])).round(2).tolist()
    return tuple((whole, part) for whole, part in pairs)


def _spread_out(residual: Array) -> Array:
    """Scale residuals up about their mean: it is their own, so that they scatter too little and few sum up too low.

    Where their location leans on that of others their mean is not zero, and stays as it is.
    """
    if len(residual) < 2:
        return residual
    mean = residual.mean()
    return np.asarray(mean + (residual - mean) * np.sqrt(len(residual) / (len(residual) - 1)))


def _nothing(zeros: Ints, won: Ints) -> Array:
    """Share of each segment's won deals that bring nothing, leaning on that of all."""
    pooled = zeros.sum() / max(zeros.sum() + won.sum(), 1)
    return np.asarray((zeros + _ZERO_PRIOR_DEALS * pooled) / (zeros + won + _ZERO_PRIOR_DEALS))


def _tail_variance(law: AmountLaw, deals: Ints) -> Array:
    """Variance of each log mean beyond that of the location: few deals tell little of the largest amounts.

    At least that of a lognormal law of the same spread: the largest amounts seen understate those there are.
    """
    spread = law.log_quantiles.var(axis=1)
    amount = np.exp(law.log_quantiles - law.log_quantiles.mean(axis=1, keepdims=True))
    relative = np.maximum(amount.var(axis=1) / amount.mean(axis=1) ** 2, np.expm1(np.minimum(spread, 4.0)))
    return np.asarray(np.maximum(relative - spread, 0.0) / (deals + 1.0))


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


@dataclass(frozen=True)
class _Changes:
    """How earlier amounts of won deals became their final ones: an event each, in order of deal and time."""

    deal: Ints
    stage: npt.NDArray[np.int32]
    stages: tuple[str, ...]
    log_ratio: Array

    @classmethod
    def of(cls, deals: pd.DataFrame, log: EventLog) -> _Changes:
        """Compare every amount on record while a deal was open with that at which it was won."""
        final = np.where(status_codes(deals["status"]) == _WON, _amounts_of(deals), np.nan)
        told = np.flatnonzero((final > 0)[log.deal] & (log.status <= 0))
        deal, row = log.deal[told], log.row[told]
        then = log.frame["amount"].to_numpy(dtype=np.float64, na_value=np.nan)[row]
        if not (known := then > 0).all():
            deal, row, then = deal[known], row[known], then[known]
        stage, stages = log.codes("stage")
        ratio = np.log(final[deal] / then)
        # Beyond the limit it is a typing error.
        return cls(deal, stage[row], stages, np.clip(ratio, -_RATIO_LIMIT, _RATIO_LIMIT))

    def last(self) -> Array:
        """Take the last one of each deal: a deal with many events must not count many times."""
        return self.log_ratio[last_of_run(self.deal)]

    def by_stage(self) -> dict[str, float]:
        """Log mean change from each stage's last amount to the end, beyond the mean change from the last of all."""
        number: Ints = np.cumsum(last_of_run(self.deal)) - last_of_run(self.deal)
        key = number * len(self.stages) + self.stage
        place = np.zeros(int(key.max(initial=-1)) + 1, dtype=np.int64)
        place[key] = np.arange(len(key))  # of equal keys the one written last stays
        last = place[key] == np.arange(len(key))
        usual = _shrunk_change(self.last())
        stage, ratio = self.stage[last], self.log_ratio[last]
        return {self.stages[s]: _shrunk_change(ratio[stage == s]) - usual for s in np.unique(stage).tolist()}


def _amounts_of(deals: pd.DataFrame) -> Array:
    return np.asarray(deals["amount"].to_numpy(dtype=np.float64, na_value=np.nan))


def _shrunk_change(ratio: Array) -> float:
    return float(np.log((np.exp(ratio).sum() + _RATIO_PRIOR_DEALS) / (len(ratio) + _RATIO_PRIOR_DEALS)))
