"""A compensation plan brought to the draws and quotas of a scenario, with what it needs of the fiscal year so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError, Problem
from spmforecast.evaluate.carried import Payout
from spmforecast.evaluate.pay import PlanCost, price_draws
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.plan import CompPlan, QuotaProposal
from spmforecast.plan.compensation.effort import Effort
from spmforecast.plan.compensation.terms import Measure
from spmforecast.scenario.schema import Scenario
from spmforecast.simulate import Forecast

__all__ = ["PayCase", "pay_case", "with_pay"]

Array = npt.NDArray[np.float64]
_FEW = 5


@dataclass(frozen=True)
class PayCase:
    """A plan with everything that it is to be priced on.

    Parameters
    ----------
    plan : CompPlan
        The plan.
    reps, periods : tuple of str
        Who, and when: closed periods of the fiscal year where the plan looks back, then those with proposed quotas.
    closed : int
        Number of periods that are over.
    credits : dict of str to array of float, shape (trials, reps, periods)
        By measure.
    quotas : dict of str to array of float, shape (reps, periods)
        By measure; NaN where there is none.
    calendar : FiscalCalendar
        The scenario's.
    notes : tuple of str
        What was not known.
    """

    plan: CompPlan
    reps: tuple[str, ...]
    periods: tuple[str, ...]
    closed: int
    credits: dict[str, Array]
    quotas: dict[str, Array]
    calendar: FiscalCalendar
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> str:
        """The measure that quotas are proposed for."""
        return self.plan.terms.main

    def price(self, effort: Sequence[Effort] = ()) -> PlanCost:
        """Price the plan."""
        credits = {name: one for name, one in self.credits.items() if name != self.main}
        quotas = {name: one for name, one in self.quotas.items() if name != self.main}
        bookings, quota = self.credits[self.main], self.quotas[self.main]
        return price_draws(
            self.plan, bookings, quota, self.reps, self.periods, effort, self.calendar,
            credits=credits, quotas=quotas, closed=self.closed,
        )  # fmt: skip

    def payout(self, period: str, reps: Sequence[str]) -> Payout:
        """Return pay of one period as a function of bookings and quotas in it, the other periods as proposed.

        Parameters
        ----------
        period : str
            One of the periods.
        reps : sequence of str
            Rows of the quotas that the function will be given.

        Returns
        -------
        callable
            As :data:`~spmforecast.evaluate.carried.Payout`. Asked about a single trial, bookings at quota, it takes
            the other periods at quota too.
        """
        place, found = self.periods.index(period), pd.Index(self.reps).get_indexer(pd.Index(list(reps)))
        there, rows = np.flatnonzero(found >= 0), found[found >= 0]
        year = self.calendar.year_of(period)
        span = [i for i, one in enumerate(self.periods) if self.calendar.year_of(one) == year]
        span = span if looks_back(self.plan) else [place]
        labels, at = [self.periods[i] for i in span], span.index(place)
        credits = {name: one[:, rows][..., span] for name, one in self.credits.items()}
        quotas = {name: one[rows][:, span] for name, one in self.quotas.items()}

        def pay(bookings: Array, quota: Array) -> Array:
            asked = quotas[self.main].copy()
            asked[:, at] = quota[there, 0]
            if len(bookings) == len(credits[self.main]):
                made = dict(credits)
            else:
                made = {name: np.nan_to_num(quotas.get(name, one.mean(axis=0)))[None] for name, one in credits.items()}
            main = np.array(made[self.main])
            main[..., at] = bookings[:, there, 0]
            paid = self.plan.payout(
                {**made, self.main: main}, {**quotas, self.main: asked}, periods=labels, calendar=self.calendar
            )
            out = np.zeros(bookings.shape)
            out[:, there, 0] = paid[..., at]
            return out

        return pay


def looks_back(plan: CompPlan) -> bool:
    """Tell whether pay of a period depends on other periods of its fiscal year."""
    terms = plan.terms
    yearly = terms.cap is not None and terms.cap.yearly
    return yearly or terms.draw is not None or any(one.year_to_date for one in terms.components)


def pay_case(
    scenario: Scenario, plan: CompPlan, forecast: Forecast, quotas: QuotaProposal, known: pd.DataFrame
) -> PayCase:
    """Bring draws and quotas to the periods that a plan looks at.

    Parameters
    ----------
    scenario : Scenario
        The question, with ``compensation``.
    plan : CompPlan
        The plan.
    forecast : Forecast
        Draws; closed periods of the fiscal year stand in them as constants.
    quotas : QuotaProposal
        Proposed quotas.
    known : pandas.DataFrame
        The table ``quotas``: quotas of the year's earlier periods.

    Returns
    -------
    PayCase
    """
    keys = scenario.keys.compensation
    assert keys is not None
    calendar, proposed = forecast.calendar, list(quotas.total)
    reps = _paid(quotas)
    closed = _closed(scenario, forecast, proposed) if looks_back(plan) else []
    periods = [*closed, *proposed]
    wide = _wide(quotas.table, reps, periods)
    wide[:, : len(closed)] = _wide(known, reps, closed)
    terms = plan.terms
    credits = {name: _credit(forecast, terms.measures[name], reps, periods) for name in terms.read}
    asked = {terms.main: wide}
    for name in terms.with_quota:
        if name != terms.main:
            given = keys.quotas[name]
            column = [given.get(rep, np.nan) if isinstance(given, dict) else given for rep in reps]
            asked[name] = np.repeat(np.array(column, dtype=np.float64)[:, None], len(periods), axis=1)
    notes = tuple(_notes(plan, wide, len(closed), periods, reps, calendar))
    return PayCase(plan, tuple(reps), tuple(periods), len(closed), credits, asked, calendar, notes)


def _paid(quotas: QuotaProposal) -> list[str]:
    """List who is paid: everybody in the proposal but people to be hired for whom no quota is left."""
    asked = quotas.table.groupby("rep_id", sort=False)["quota"].sum()
    return [str(rep) for rep, total in asked.items() if rep != TO_BE_HIRED or total > 0]


def _closed(scenario: Scenario, forecast: Forecast, proposed: Sequence[str]) -> list[str]:
    """List the periods of the first proposed fiscal year that are over."""
    year = forecast.calendar.year_of(proposed[0])
    today = pd.Timestamp(scenario.keys.as_of)
    return [
        label
        for label in forecast.periods
        if forecast.calendar.year_of(label) == year and forecast.calendar.period(label).end <= today
    ]


def _wide(table: pd.DataFrame, reps: Sequence[str], periods: Sequence[str]) -> Array:
    """Lay quotas out by rep and period, NaN where there is none."""
    texts = table.assign(rep_id=table["rep_id"].astype(str), period=table["period"].astype(str))
    own = texts[texts["period"].isin(periods)].drop_duplicates(["rep_id", "period"], keep="last")
    laid = own.pivot_table("quota", "rep_id", "period", aggfunc="first", dropna=False)
    return laid.reindex(index=list(reps), columns=list(periods)).to_numpy(dtype=np.float64).copy()


def _credit(forecast: Forecast, measure: Measure, reps: Sequence[str], periods: Sequence[str]) -> Array:
    """Add up what a measure counts, shape (trials, reps, periods)."""
    cells = forecast.cells.astype(str)
    inside = np.ones(len(cells), dtype=bool)
    for name, values in measure.where.items():
        inside &= cells[name].isin(values).to_numpy()
    source = forecast.draws
    if measure.counted:
        if forecast.counts is None:
            told = f"{measure.name} counts deals, and this forecast holds no numbers of wins"
            raise InputError(Problem("compensation", told, "Use a measure of amounts."))
        source = np.asarray(forecast.counts)
    owner = pd.Index(list(reps)).get_indexer(pd.Index(cells["owner_id"]))
    column = pd.Index(list(periods)).get_indexer(pd.Index(cells["period"]))
    out = np.zeros((forecast.trials, len(reps), len(periods)))
    for cell in np.flatnonzero(inside & (owner >= 0) & (column >= 0)):
        out[:, owner[cell], column[cell]] += source[:, cell]
    return out


def _notes(
    plan: CompPlan, wide: Array, closed: int, periods: Sequence[str], reps: Sequence[str], calendar: FiscalCalendar
) -> list[str]:
    """Say what a plan asks for that is not known here."""
    out = []
    unknown = [
        rep
        for rep, row in zip(reps, wide, strict=True)
        if closed and rep != TO_BE_HIRED and np.isnan(row[:closed]).any()
    ]
    yearly = any(one.year_to_date for one in plan.terms.components)
    if unknown and yearly:
        several = f"{', '.join(unknown[:_FEW])}{' and others' if len(unknown) > _FEW else ''}"
        out.append(
            f"{plan.name}: no quota is on record in {', '.join(periods[:closed])} for {len(unknown)} of {len(reps)} "
            f"reps ({several}); their year to date is measured against the quotas that are known"
        )
    if TO_BE_HIRED in reps:
        out.append(f"{plan.name}: {TO_BE_HIRED} is priced as one rep, whatever the number of people behind it")
    for year in dict.fromkeys(calendar.year_of(one) for one in periods):
        inside = [one for one in periods if calendar.year_of(one) == year]
        if yearly and len(inside) < plan.terms.periods_per_year:
            out.append(f"{plan.name}: the quota of {year} is that of {', '.join(inside)} only: no more is proposed")
    if plan.terms.credit.deal_cap is not None:
        out.append(f"{plan.name}: what counts of a single deal is not capped here, because draws hold sums of deals")
    return out


def with_pay(evaluation: pd.DataFrame, cost: PlanCost | None) -> pd.DataFrame:
    """Add the measures of pay to an evaluation; reps at quota stand there by period already."""
    if cost is None:
        return evaluation
    table = cost.metrics()
    return pd.concat([evaluation, table[table["metric"] != "reps_at_quota"]], ignore_index=True)
