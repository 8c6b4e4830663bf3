"""What a compensation plan costs, and what it rewards, on the draws of a forecast.

Expected pay is the mean of the pay of draws. The pay of mean bookings is shown beside it, because with accelerators it
is too low and with caps too high (Jensen's inequality).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.display import card, heading, money
from spmforecast.errors import InputError, Problem
from spmforecast.plan import CompPlan, QuotaProposal
from spmforecast.plan.compensation.effort import Effort, Reckoning
from spmforecast.simulate import Forecast

__all__ = ["PlanCost", "price_draws", "price_plan"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PlanCost:
    """Pay on draws; every figure is computed from them.

    Parameters
    ----------
    plan : CompPlan
        The plan.
    reps, periods : tuple of str
        Rows and columns of each trial.
    pay, bookings : array of float, shape (trials, reps, periods)
        Pay and credited bookings.
    quota : array of float, shape (reps, periods)
        Quotas; NaN where there is none.
    at_quota : array of float, shape (reps, periods)
        Target pay: what the plan pays for bookings at quota.
    at_mean : array of float, shape (reps, periods)
        Pay of mean bookings.
    assumptions : tuple of str
        What was assumed on effort, to be printed with every figure.
    """

    plan: CompPlan
    reps: tuple[str, ...]
    periods: tuple[str, ...]
    pay: Array
    bookings: Array
    quota: Array
    at_quota: Array
    at_mean: Array
    assumptions: tuple[str, ...] = ()

    def metrics(self) -> pd.DataFrame:
        """Return the measures of cost and of what it rewards.

        Returns
        -------
        pandas.DataFrame
            ``metric, value``: ``comp_cost`` (mean), ``comp_cost_sd``, ``_p10``, ``_p50``, ``_p90``; ``comp_cost`` of
            each period in brackets; ``comp_cost_at_mean_bookings``; ``cost_of_sales`` (mean pay over mean bookings) and
            its ``_p10`` and ``_p90`` over draws; ``payout_ratio`` (mean pay over target pay); ``leverage`` (P90 of a
            rep's pay over his target pay, pooled over reps and draws); ``pay_performance`` (correlation of attainment
            and pay over target pay); ``reps_at_quota`` (share of rep-periods with a quota whose bookings reach it).
            A figure that is not defined, such as leverage without target pay, is missing.
        """
        cost, sales = self.pay.sum(axis=(1, 2)), self.bookings.sum(axis=(1, 2))
        low, middle, high = np.quantile(cost, [0.1, 0.5, 0.9])
        rows = {
            "comp_cost": float(cost.mean()),
            "comp_cost_sd": float(cost.std(ddof=1)) if len(cost) > 1 else float("nan"),
            "comp_cost_p10": float(low),
            "comp_cost_p50": float(middle),
            "comp_cost_p90": float(high),
            "comp_cost_at_mean_bookings": float(self.at_mean.sum()),
            "cost_of_sales": _over(float(cost.mean()), float(sales.mean())),
        }
        if (sales > 0).all():
            rows["cost_of_sales_p10"], rows["cost_of_sales_p90"] = map(float, np.quantile(cost / sales, [0.1, 0.9]))
        rows |= self._rewards()
        by_period = self.pay.sum(axis=1).mean(axis=0)
        rows |= {f"comp_cost[{name}]": float(one) for name, one in zip(self.periods, by_period, strict=True)}
        return pd.DataFrame({"metric": list(rows), "value": list(rows.values())})

    def by_period(self) -> pd.DataFrame:
        """Return pay of each rep in each period.

        Returns
        -------
        pandas.DataFrame
            ``rep_id, period``, and the columns of :meth:`by_rep`.
        """
        rows = []
        for place, period in enumerate(self.periods):
            part = slice(place, place + 1)
            own = replace(
                self,
                periods=(period,),
                pay=self.pay[..., part],
                bookings=self.bookings[..., part],
                quota=self.quota[:, part],
                at_quota=self.at_quota[:, part],
                at_mean=self.at_mean[:, part],
            )
            table = own.by_rep()
            table.insert(1, "period", period)
            rows.append(table)
        return pd.concat(rows, ignore_index=True)

    def histogram(self, bins: int = 30) -> pd.DataFrame:
        """Return the law of what is paid in all, over draws.

        Parameters
        ----------
        bins : int
            Of equal width.

        Returns
        -------
        pandas.DataFrame
            ``period`` (``all`` for all of them), ``low, high, share``: the share of draws that pay so much.
        """
        totals = {"all": self.pay.sum(axis=(1, 2))}
        totals |= {period: self.pay[:, :, place].sum(axis=1) for place, period in enumerate(self.periods)}
        rows = []
        for period, total in totals.items():
            count, edge = np.histogram(total, bins)
            rows += [(period, edge[i], edge[i + 1], count[i] / len(total)) for i in range(bins)]
        return pd.DataFrame(rows, columns=["period", "low", "high", "share"])

    def by_rep(self) -> pd.DataFrame:
        """Return pay of each rep over all periods.

        Returns
        -------
        pandas.DataFrame
            ``rep_id, bookings, quota, target_pay, pay, pay_p10, pay_p50, pay_p90``; means but for the quantiles.
        """
        pay = self.pay.sum(axis=2)
        low, middle, high = np.quantile(pay, [0.1, 0.5, 0.9], axis=0)
        return pd.DataFrame(
            {
                "rep_id": list(self.reps),
                "bookings": self.bookings.sum(axis=2).mean(axis=0),
                "quota": np.nansum(self.quota, axis=1),
                "target_pay": self.at_quota.sum(axis=1),
                "pay": pay.mean(axis=0),
                "pay_p10": low,
                "pay_p50": middle,
                "pay_p90": high,
            }
        )

    def deciles(self) -> pd.DataFrame:
        """Return pay by decile of attainment, over all reps with a quota and all draws.

        Returns
        -------
        pandas.DataFrame
            ``decile`` (1 lowest), ``attainment`` (mean), ``pay`` (mean of a rep over all periods), ``share`` of all
            pay; equal numbers of rep-draws in each, as far as they divide.
        """
        attained, pay, _ = self._pooled()
        order = np.argsort(attained, kind="stable")
        parts = [part for part in np.array_split(order, 10) if len(part)]
        total = float(pay.sum())
        rows = [
            (i, float(attained[part].mean()), float(pay[part].mean()), _over(float(pay[part].sum()), total))
            for i, part in enumerate(parts, start=1)
        ]
        return pd.DataFrame(rows, columns=["decile", "attainment", "pay", "share"])

    def _rewards(self) -> dict[str, float]:
        attained, pay, target = self._pooled()
        paid = target > 0
        ratio = pay[paid] / target[paid]
        known = np.isfinite(self.quota) & (self.quota > 0)
        moving = len(ratio) > 1 and ratio.std() > 0 and attained[paid].std() > 0
        return {
            "payout_ratio": _over(float(self.pay.sum(axis=(1, 2)).mean()), float(self.at_quota.sum())),
            "leverage": float(np.quantile(ratio, 0.9)) if len(ratio) else float("nan"),
            "pay_performance": float(np.corrcoef(attained[paid], ratio)[0, 1]) if moving else float("nan"),
            "reps_at_quota": float((self.bookings >= self.quota)[:, known].mean()) if known.any() else float("nan"),
        }

    def _pooled(self) -> tuple[Array, Array, Array]:
        """Return attainment, pay and target pay of every rep with a quota in every draw, over all periods."""
        asked = np.nansum(self.quota, axis=1)
        known = asked > 0
        attained = self.bookings.sum(axis=2)[:, known] / asked[known]
        target = np.broadcast_to(self.at_quota.sum(axis=1)[known], attained.shape)
        return attained.ravel(), self.pay.sum(axis=2)[:, known].ravel(), target.ravel()

    def _repr_html_(self) -> str:
        table = self.metrics()
        facts = {heading(name): money(one) for name, one in zip(table["metric"][:5], table["value"][:5], strict=True)}
        return card(f"Cost of {self.plan.name}", {**facts, **_numbered(self.assumptions)}, self.by_rep())


def price_draws(
    plan: CompPlan,
    bookings: npt.ArrayLike,
    quota: npt.ArrayLike,
    reps: Sequence[str],
    periods: Sequence[str],
    effort: Sequence[Effort] = (),
    calendar: FiscalCalendar | None = None,
    *,
    credits: Mapping[str, npt.ArrayLike] | None = None,
    quotas: Mapping[str, npt.ArrayLike] | None = None,
    closed: int = 0,
) -> PlanCost:
    """Price a plan on draws of the bookings of its main measure.

    Parameters
    ----------
    plan : CompPlan
        The plan.
    bookings : array-like, shape (trials, reps, periods)
        Draws.
    quota : array-like, shape (reps, periods)
        Quotas; NaN where there is none.
    reps, periods : sequence of str
        Names; periods are labels in order of time.
    effort : sequence of Effort
        Assumptions on what reps do about their pay, applied one after the other; none unless asked for.
    calendar : FiscalCalendar, optional
        Calendar years where absent.
    credits, quotas : mapping of str to array-like, optional
        Credit, shape (trials, reps, periods), and quota, shape (reps, periods), of the plan's other measures.
    closed : int
        Number of periods at the beginning that are over: what was booked in them counts in the year to date and in the
        balance of draws, no effort changes it, and its pay is left out.

    Returns
    -------
    PlanCost

    Raises
    ------
    InputError
        If shapes do not fit, or the plan reads a measure that is not given.
    """
    made, asked = np.asarray(bookings, dtype=np.float64), np.asarray(quota, dtype=np.float64)
    shape = (len(reps), len(periods))
    if made.ndim != 3 or made.shape[1:] != shape or asked.shape != shape or not len(made):
        told = f"bookings {made.shape} and quotas {asked.shape} for {shape[0]} reps and {shape[1]} periods"
        raise InputError(Problem("compensation", told, "Give (trials, reps, periods) and (reps, periods)."))
    other = {name: np.asarray(one, dtype=np.float64) for name, one in (credits or {}).items()}
    pay = Reckoning(plan, tuple(map(str, periods)), calendar, other, dict(quotas or {}))
    for one in effort:
        made = _ahead(made, one.respond(pay, made, asked), closed)
    mean = {name: one.mean(axis=0) for name, one in other.items()}
    target = {name: np.nan_to_num(np.asarray(one, dtype=np.float64)) for name, one in (quotas or {}).items()}
    return PlanCost(
        plan,
        tuple(map(str, reps)),
        tuple(map(str, periods))[closed:],
        pay.payout(made, asked)[..., closed:],
        made[..., closed:],
        asked[..., closed:],
        replace(pay, credits={**mean, **target}).payout(np.nan_to_num(asked), asked)[..., closed:],
        replace(pay, credits=mean).payout(made.mean(axis=0), asked)[..., closed:],
        tuple(one.assumption for one in effort),
    )


def _ahead(before: Array, after: Array, closed: int) -> Array:
    """Keep what is over as it was."""
    return np.concatenate([before[..., :closed], after[..., closed:]], axis=-1) if closed else after


def price_plan(
    forecast: Forecast, plan: CompPlan, quotas: QuotaProposal | pd.DataFrame, effort: Sequence[Effort] = ()
) -> PlanCost:
    """Price a plan on the draws of a forecast.

    Parameters
    ----------
    forecast : Forecast
        Draws with ``owner_id`` and ``period``.
    plan : CompPlan
        A plan that reads one measure, bookings.
    quotas : QuotaProposal or pandas.DataFrame
        ``rep_id, period, quota``. Reps and periods are those named there; for plans that look at the year to date, name
        the year's earlier periods too.
    effort : sequence of Effort
        As :func:`price_draws`.

    Returns
    -------
    PlanCost

    Raises
    ------
    InputError
        As :func:`price_draws`, and if a quota is given twice or a period lies outside the forecast.
    """
    table = quotas.table if isinstance(quotas, QuotaProposal) else quotas
    if table.duplicated(["rep_id", "period"]).any():
        raise InputError(Problem("quotas", "a quota is given twice", "Keep one for each rep and period."))
    asked = table.assign(rep_id=table["rep_id"].astype(str), period=table["period"].astype(str))
    wide = asked.pivot_table("quota", "rep_id", "period", aggfunc="first", dropna=False)
    periods = sorted(wide.columns, key=lambda label: forecast.calendar.period(label).start)
    wide = wide[periods]
    bookings = _bookings(forecast, list(wide.index), periods)
    return price_draws(
        plan, bookings, wide.to_numpy(dtype=np.float64), list(wide.index), periods, effort, forecast.calendar
    )


def _bookings(forecast: Forecast, reps: list[str], periods: list[str]) -> Array:
    """Add the draws up to reps and periods."""
    owner = pd.Index(reps).get_indexer(pd.Index(forecast.cells["owner_id"].astype(str)))
    labels = forecast.cells["period"].astype(str)
    out = np.zeros((forecast.trials, len(reps), len(periods)))
    for place, period in enumerate(periods):
        inside = labels.map(lambda own, outer=period: forecast.calendar.contains(outer, own)).to_numpy(bool)
        if not inside.any():
            told = "the forecast does not reach this period"
            raise InputError(Problem("quotas", told, "Take it out, or simulate further.", value=period))
        for cell in np.flatnonzero(inside & (owner >= 0)):
            out[:, owner[cell], place] += forecast.draws[:, cell]
    return out


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def _numbered(assumptions: tuple[str, ...]) -> dict[str, str]:
    return {f"assumption {i}": told for i, told in enumerate(assumptions, start=1)}
