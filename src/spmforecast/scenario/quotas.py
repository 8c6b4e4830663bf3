"""Quotas of a scenario: what the record says of each rep, keys turned into limits, and the study beside it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spmforecast.display import money, percent
from spmforecast.errors import InputError
from spmforecast.evaluate.schemes import SchemeComparison, compare_schemes
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.capacity import MONTH_DAYS, TO_BE_HIRED
from spmforecast.models.risksets import day_number
from spmforecast.optimize import propose_quotas
from spmforecast.optimize.cushion import CushionChoice, choose_cushion, cushion_curve
from spmforecast.optimize.quotas import rep_draws
from spmforecast.optimize.ways import ON_DRAWS
from spmforecast.plan import Hierarchy, Limits, QuotaProposal
from spmforecast.plan.ramp import productive_months, table_ramp
from spmforecast.scenario.folder import defused, new_folder, rounded
from spmforecast.scenario.keys import QuotaKeys
from spmforecast.scenario.schema import Scenario
from spmforecast.simulate import Forecast

if TYPE_CHECKING:
    from spmforecast.scenario.run import RunResult

__all__ = ["quotas_of", "rep_fields", "study", "study_run"]

Model = FittedPipeline | FittedBookings
_LEVELS = {"region": "region", "territory": "territory_id", "manager": "manager_id"}


def quotas_of(
    scenario: Scenario, keys: QuotaKeys, model: Model, forecast: Forecast, totals: Mapping[str, Decimal]
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
    return propose_quotas(
        forecast,
        dict(totals),
        method=keys.method,
        over_assignment=keys.over_assignment,
        round_to=keys.round_to,
        reps=reps,
        options=keys.options,
        fields=rep_fields(model, list(totals)),
        limits=_limits(keys, model, next(iter(totals))),
        figures=keys.figures,
        figures_as=keys.figures_as,
        hierarchy=_hierarchy(keys, model, reps),
    )


def _limits(keys: QuotaKeys, model: Model, period: str) -> Limits:
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


def rep_fields(model: Model, periods: list[str]) -> pd.DataFrame:
    """Say of each rep what hand rules use.

    Parameters
    ----------
    model : FittedPipeline or FittedBookings
        The fit.
    periods : list of str
        Periods to come.

    Returns
    -------
    pandas.DataFrame
        ``rep_id, period, history`` (bookings of the last twelve months, or since the hire, scaled to the period's
        length), ``potential`` and ``accounts`` (of the accounts held, where the record has them), ``ramped_months`` and
        ``role``.
    """
    rows = []
    today, owners = model.as_of, list(model.roster.owners)
    booked, served = _last_year(model)
    held = _accounts(model)
    roles = model.history.current_reps()["role"].astype(object).reindex(owners)
    ramp = table_ramp(model.creation.ramp if isinstance(model, FittedPipeline) else model.factors.ramp)
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


def _last_year(model: Model) -> tuple[list[float], list[float]]:
    """Bookings of each selling rep in the last 365 days, and the days of these that the rep was there."""
    deals, first = model.deals, model.as_of - pd.Timedelta(days=364)
    won = deals[(deals["status"] == "won") & (deals["close_date"] >= first)]
    total = won.groupby("owner_id")["amount"].sum()
    today = int(day_number(pd.DatetimeIndex([model.as_of]))[0])
    served = np.clip(today - model.roster.hired + 1, 1, 365)
    return [float(total.get(rep, 0.0)) for rep in model.roster.owners], [float(days) for days in served]


def _accounts(model: Model) -> pd.DataFrame:
    accounts = model.history.accounts
    grouped = accounts[accounts["owner_id"].notna()].groupby("owner_id")
    out = pd.DataFrame({"accounts": grouped.size()})
    if accounts["potential"].notna().any():
        out["potential"] = grouped["potential"].sum(min_count=1)
    return out


def study(
    scenario: Scenario, model: Model, forecast: Forecast, quotas: QuotaProposal
) -> tuple[dict[str, pd.DataFrame], dict[str, CushionChoice], dict[str, SchemeComparison]]:
    """Look at what stands beside a proposal: the curve over cushions, and other ways to split the same sum.

    Parameters
    ----------
    scenario : Scenario
        The question, with ``quotas``.
    model, forecast, quotas
        Of its run.

    Returns
    -------
    tables : dict of str to DataFrame
        ``cushions``, ``schemes``, ``differences``, ``overrides`` and, with a hierarchy, ``nodes``; for CSV files.
    choices : dict of str to CushionChoice
        By period.
    comparisons : dict of str to SchemeComparison
        By period; the proposal first.
    """
    keys = scenario.keys.quotas
    assert keys is not None
    choices, comparisons = {}, {}
    for period, total in quotas.total.items():
        own = quotas.table[quotas.table["period"] == period]
        reps = [str(rep) for rep in own["rep_id"]]
        draws = rep_draws(forecast, period, reps)[1]
        if total > 0:
            curve = cushion_curve(draws, float(total))
            choices[period] = choose_cushion(curve, keys.cushion.wanted, keys.cushion.least_p_attain)
        schemes = {quotas.method: own["quota"].to_numpy(dtype=np.float64)}
        for method in keys.compare:
            if method != quotas.method:
                found = _rival(model, forecast, period, own, method)
                schemes[method] = found
        potential = own["rep_id"].map(_accounts(model).get("potential", pd.Series(dtype=float)))
        last = own["last_quota"].to_numpy(dtype=np.float64) if "last_quota" in own else None
        known = potential.to_numpy(dtype=np.float64)
        comparisons[period] = compare_schemes(draws, schemes, float(total), potential=known, last=last)
    tables = {
        "cushions": _stacked({period: one.curve for period, one in choices.items()}),
        "schemes": _stacked({period: one.table for period, one in comparisons.items()}),
        "differences": _stacked({period: one.differences for period, one in comparisons.items()}),
        "overrides": quotas.overrides,
    }
    return {**tables, **({"nodes": quotas.nodes} if quotas.nodes is not None else {})}, choices, comparisons


def _rival(model: Model, forecast: Forecast, period: str, own: pd.DataFrame, method: str) -> Any:
    """Split the same sum by another method, without limits; who it cannot see (people to be hired) gets nothing."""
    reps = [str(rep) for rep in own["rep_id"] if method in ON_DRAWS or rep != TO_BE_HIRED]
    fields = rep_fields(model, [period])
    found = propose_quotas(forecast, {period: round(float(own["quota"].sum()), 2)}, method, reps=reps, fields=fields)
    by_rep = found.table.set_index("rep_id")["quota"]
    return by_rep.reindex(own["rep_id"].astype(str)).fillna(0.0).to_numpy(dtype=np.float64)


def _stacked(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    frames = [frame.assign(period=period) for period, frame in parts.items()]
    if not frames:
        return pd.DataFrame()
    out = pd.concat(frames, ignore_index=True)
    return out[["period", *(name for name in out.columns if name != "period")]]


def study_run(result: RunResult, place: Path) -> list[str]:
    """Write the run folder of a scenario with its study of quotas, and say in lines what came out.

    Parameters
    ----------
    result : RunResult
        With quotas.
    place : Path
        Run folder; beside the files of a run it gets ``cushions.csv``, ``schemes.csv``, ``differences.csv``,
        ``overrides.csv`` and, with a hierarchy, ``nodes.csv``.

    Returns
    -------
    list of str
        For the screen.
    """
    assert result.quotas is not None
    tables, choices, comparisons = study(result.scenario, result.model, result.forecast, result.quotas)
    with new_folder(place, result.scenario.keys.name) as draft:
        result.write(draft)
        for name, table in tables.items():
            path = draft / f"{name}.csv"
            defused(rounded(table)).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
    lines = [line for period in result.quotas.total for line in _lines(result, period, choices, comparisons)]
    return [*lines, f"Tables: {place}"]


def _lines(
    result: RunResult,
    period: str,
    choices: Mapping[str, CushionChoice],
    comparisons: Mapping[str, SchemeComparison],
) -> list[str]:
    """Tell the quotas of one period: their sum and chances, the cushion that would do, and the other schemes."""
    assert result.quotas is not None
    own = result.quotas.table[result.quotas.table["period"] == period]
    chance, plan = own["p_attain"], money(float(result.quotas.total[period]))
    out = [
        f"{period}: {len(own)} quotas sum to {money(float(own['quota'].sum()))}; plan {plan}; "
        f"P(attain) {percent(chance.min())} to {percent(chance.max())}"
    ]
    if period in choices:
        named = choices[period].cushion
        out.append(f"  cushion: {'none' if named is None else percent(named)}: {choices[period].told}")
    return out + [
        f"  {row['scheme']}: plan carried {percent(row['p_carried'])}, reps at quota {percent(row['reps_at_quota'])}, "
        f"spread of P(attain) {percent(row['p_attain_range'])}"
        for row in comparisons[period].table.to_dict("records")
    ]
