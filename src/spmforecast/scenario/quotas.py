"""Quotas of a scenario: what the record says of each rep, keys turned into limits, and the cushion chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd

from spmforecast.display import percent
from spmforecast.errors import InputError
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.capacity import MONTH_DAYS, TO_BE_HIRED
from spmforecast.models.risksets import day_number
from spmforecast.optimize import propose_quotas
from spmforecast.optimize.cushion import CUSHIONS, CushionChoice, choose_cushion, cushion_curve
from spmforecast.optimize.quotas import rep_draws
from spmforecast.optimize.ways import ON_DRAWS
from spmforecast.plan import CompPlan, Hierarchy, Limits, QuotaProposal
from spmforecast.plan.ramp import productive_months, table_ramp
from spmforecast.scenario.keys import OutlierKeys, QuotaKeys
from spmforecast.scenario.pay import PayCase, pay_case
from spmforecast.scenario.quota_names import wrong_reps
from spmforecast.scenario.schema import Scenario
from spmforecast.simulate import Forecast

__all__ = ["account_fields", "choice_of", "limits_of", "pay_cases", "quotas_of", "rep_fields"]

Model = FittedPipeline | FittedBookings
# Pay is worked out on fewer cushions than the chance to carry the plan: a plan that looks at the year takes a while.
_COARSE = CUSHIONS[::2]
_PAID = CUSHIONS[::10]
_NAMED = 5
_LEVELS = {"region": "region", "territory": "territory_id", "manager": "manager_id"}


def quotas_of(
    scenario: Scenario,
    keys: QuotaKeys,
    model: Model,
    forecast: Forecast,
    totals: Mapping[str, Decimal],
    plans: Mapping[str, CompPlan] | None = None,
) -> QuotaProposal:
    """Propose quotas as the scenario asks, for those who sell and, by methods that rest on draws, those to be hired.

    Parameters
    ----------
    scenario : Scenario
        The question.
    keys : QuotaKeys
        How to set quotas.
    model : FittedPipeline or FittedBookings
        The fit.
    forecast : Forecast
        Its draws.
    totals : mapping of str to Decimal
        Plan of each period.
    plans : mapping of str to CompPlan, optional
        The scenario's own first: where a cushion is to be chosen within limits of pay.

    Returns
    -------
    QuotaProposal

    Raises
    ------
    InputError
        If nobody sells, or keys name what is not there.
    InfeasibleError
        If limits clash.
    """
    if not model.roster.owners:
        told = "nobody sells at this date, so there is nobody to give a quota"
        raise InputError(scenario.written.problem(("quotas",), told, "Take quotas out, or check reps and owners."))
    vacant = [TO_BE_HIRED] if (forecast.cells["owner_id"] == TO_BE_HIRED).any() else []
    reps = [*model.roster.owners, *(vacant if keys.method in ON_DRAWS else [])]
    if problems := wrong_reps(scenario, keys, reps):
        raise InputError(problems)
    if not keys.cushion.choose:
        found = _propose(keys, model, forecast, totals, reps, keys.over_assignment)
        return replace(found, notes=(*found.notes, *_left_out(model, keys)))
    base = _propose(keys, model, forecast, totals, reps, 0.0)
    cases = pay_cases(scenario, plans or {}, model, forecast, base)
    parts = []
    for period, total in totals.items():
        choice = choice_of(keys, model, forecast, base, period, next(iter(cases.values()), None))
        share = 0.0 if choice is None or choice.cushion is None else choice.cushion
        one = _propose(keys, model, forecast, {period: total}, reps, share, next(iter(totals)))
        told = f"{period}: cushion {percent(share)}: {'the plan is 0' if choice is None else choice.told}"
        parts.append(replace(one, notes=(*one.notes, told)))
    found = QuotaProposal.joined(parts)
    return replace(found, notes=(*found.notes, *_left_out(model, keys)))


def _propose(
    keys: QuotaKeys,
    model: Model,
    forecast: Forecast,
    totals: Mapping[str, Decimal],
    reps: list[str],
    over: float,
    first: str | None = None,
) -> QuotaProposal:
    return propose_quotas(
        forecast,
        dict(totals),
        method=keys.method,
        over_assignment=over,
        round_to=keys.round_to,
        reps=reps,
        options=keys.options,
        fields=rep_fields(model, list(totals), keys.leave_out),
        limits=limits_of(keys, model, first or next(iter(totals))),
        figures=keys.figures,
        figures_as=keys.figures_as,
        hierarchy=_hierarchy(keys, model, reps),
    )


def limits_of(keys: QuotaKeys, model: Model, period: str) -> Limits:
    """Bring the limits asked for together with the quotas before a period."""
    own = keys.limits
    return Limits(
        floor=own.floor,
        ceiling=own.ceiling,
        locks={one.rep_id: one.quota for one in own.locks},
        ratchet_up=own.ratchet_up,
        ratchet_down=own.ratchet_down,
        least_change=own.least_change,
        last=_last_quotas(model, period),
        reasons={one.rep_id: one.reason for one in own.locks},
    )


def pay_cases(
    scenario: Scenario, plans: Mapping[str, CompPlan], model: Model, forecast: Forecast, quotas: QuotaProposal
) -> dict[str, PayCase]:
    """Bring every pay plan of a scenario to the draws and quotas."""
    return {name: pay_case(scenario, plan, forecast, quotas, model.history.quotas) for name, plan in plans.items()}


def choice_of(
    keys: QuotaKeys,
    model: Model,
    forecast: Forecast,
    quotas: QuotaProposal,
    period: str,
    case: PayCase | None,
) -> CushionChoice | None:
    """Choose the cushion of a period on its curve, within the limits that quotas keep to; None where plan is 0."""
    total = float(quotas.total[period])
    if not total > 0:
        return None
    own = quotas.table[quotas.table["period"] == period]
    reps = [str(rep) for rep in own["rep_id"]]
    asked = keys.cushion
    limited = asked.most_payout is not None or asked.most_payout_p90 is not None
    curve = cushion_curve(
        rep_draws(forecast, period, reps)[1],
        total,
        _COARSE if limited else CUSHIONS,
        None if case is None else case.payout(period, reps),
        limits_of(keys, model, next(iter(quotas.total))).bounds(reps),
        None if limited else _PAID,
    )
    return choose_cushion(curve, asked.wanted, asked.least_p_attain, asked.most_payout, asked.most_payout_p90)


def _last_quotas(model: Model, period: str) -> dict[str, float]:
    """Latest quota of each rep for a like period before the one given."""
    table, calendar = model.history.quotas, model.calendar
    kind, start = calendar.kind(period), calendar.period(period).start
    rows = [
        (calendar.period(str(label)).start, str(rep), float(quota))
        for rep, label, quota in zip(table["rep_id"], table["period"], table["quota"], strict=True)
        if calendar.kind(str(label)) == kind and calendar.period(str(label)).start < start
    ]
    return {rep: quota for _, rep, quota in sorted(rows)}


def _hierarchy(keys: QuotaKeys, model: Model, reps: list[str]) -> Hierarchy | None:
    """Place each rep at the levels asked for; people to be hired stand apart."""
    if not keys.hierarchy:
        return None
    places = model.roster.places.reindex(reps).fillna(TO_BE_HIRED)
    columns = {level: places[_LEVELS[level]].astype(str) for level in keys.hierarchy}
    return Hierarchy(pd.DataFrame(columns, index=reps), {str(level): one for level, one in keys.hierarchy.items()})


def rep_fields(model: Model, periods: list[str], leave_out: OutlierKeys | None = None) -> pd.DataFrame:
    """Say of each rep what hand rules use.

    Parameters
    ----------
    model : FittedPipeline or FittedBookings
        The fit.
    periods : list of str
        Periods to come.
    leave_out : OutlierKeys, optional
        Which deals do not count as history.

    Returns
    -------
    pandas.DataFrame
        ``rep_id, period, history`` (bookings of the last twelve months, or since the hire, scaled to the period's
        length), ``potential`` and ``accounts`` (of the accounts held, where the record has them), ``ramped_months`` and
        ``role``.
    """
    rows = []
    today, owners = model.as_of, list(model.roster.owners)
    booked, served = _last_year(model, leave_out)
    held = account_fields(model)
    roles = model.history.current_reps()["role"].astype(object).reindex(owners)
    ramp = table_ramp(model.booking_ramp if isinstance(model, FittedPipeline) else model.factors.ramp)
    tenure = (int(day_number(pd.DatetimeIndex([today]))[0]) - model.roster.hired) / MONTH_DAYS
    for label in periods:
        whole = model.calendar.period(label)
        ahead = (whole.start - today).days / MONTH_DAYS
        for i, rep in enumerate(owners):
            first = float(tenure[i]) + ahead
            months = productive_months(ramp, first, first + whole.days / MONTH_DAYS)
            rows.append((rep, label, booked[i] * whole.days / served[i], months, roles.iloc[i]))
    table = pd.DataFrame(rows, columns=["rep_id", "period", "history", "ramped_months", "role"])
    return table.join(held, on="rep_id")


def outliers(model: Model, leave_out: OutlierKeys | None) -> pd.DataFrame:
    """List the won deals of the last 365 days that are larger than history is to hold.

    Parameters
    ----------
    model : FittedPipeline or FittedBookings
        The fit.
    leave_out : OutlierKeys or None
        Limits on the amounts of these deals: a quantile of them, or a multiple of their median.

    Returns
    -------
    pandas.DataFrame
        Rows of the model's deals.
    """
    won = _won_last_year(model)
    most = np.inf
    if leave_out is not None and len(won):
        if leave_out.above_quantile is not None:
            most = min(most, float(won["amount"].quantile(leave_out.above_quantile)))
        if leave_out.above_times_median is not None:
            most = min(most, leave_out.above_times_median * float(won["amount"].median()))
    return won[won["amount"] > most]


def _won_last_year(model: Model) -> pd.DataFrame:
    deals, first = model.deals, model.as_of - pd.Timedelta(days=364)
    return deals[(deals["status"] == "won") & (deals["close_date"] >= first)]


def _left_out(model: Model, keys: QuotaKeys) -> tuple[str, ...]:
    """Name the deals that do not count as history."""
    gone = outliers(model, keys.leave_out).sort_values("amount", ascending=False)
    if gone.empty:
        return ()
    name = "opportunity_id" if "opportunity_id" in gone else "owner_id"
    named = [f"{row[name]} ({row['amount']:,.0f}, {row['owner_id']})" for row in gone.head(_NAMED).to_dict("records")]
    more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
    return (f"left out of the history that quotas grow, as larger than usual: {', '.join(named)}{more}",)


def _last_year(model: Model, leave_out: OutlierKeys | None) -> tuple[list[float], list[float]]:
    """Bookings of each selling rep in the last 365 days, and the days of these that the rep was there."""
    won = _won_last_year(model).drop(outliers(model, leave_out).index)
    total = won.groupby("owner_id")["amount"].sum()
    today = int(day_number(pd.DatetimeIndex([model.as_of]))[0])
    served = np.clip(today - model.roster.hired + 1, 1, 365)
    return [float(total.get(rep, 0.0)) for rep in model.roster.owners], [float(days) for days in served]


def account_fields(model: Model) -> pd.DataFrame:
    """Count the accounts that each rep holds and, where the record knows it, add up their potential."""
    accounts = model.history.accounts
    grouped = accounts[accounts["owner_id"].notna()].groupby("owner_id")
    out = pd.DataFrame({"accounts": grouped.size()})
    if accounts["potential"].notna().any():
        out["potential"] = grouped["potential"].sum(min_count=1)
    return out
