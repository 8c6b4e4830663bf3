"""Quotas of the periods that are left, under the chosen policy: held, or with the gap to plan reallocated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from spmforecast.models import FittedPipeline
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.optimize import propose_quotas
from spmforecast.optimize.quotas import rep_draws
from spmforecast.plan import Limits
from spmforecast.plan.ramp import Ramp, table_ramp
from spmforecast.plan.rounding import largest_remainder
from spmforecast.scenario.keys import LimitKeys, UpdateKeys
from spmforecast.scenario.run import RunResult
from spmforecast.scenario.update.gap import gaps, spread_gap
from spmforecast.scenario.update.landing import booked_in
from spmforecast.scenario.update.seats import CENT, Seat, carried_quotas, relieved

__all__ = ["Remaining", "quotas_in_force", "remaining_quotas"]


@dataclass(frozen=True)
class Remaining:
    """What is proposed for the periods that are left.

    Parameters
    ----------
    table : pandas.DataFrame
        ``rep_id, period, last_quota, carried, quota, change, reason, p_attain, expected_attainment, mean, limit``:
        the quota in force, what is left of it after leavers, newcomers and relief, and the proposal.
    policy : str
        ``hold``, ``reallocate`` or ``partial``.
    share : Decimal
        Of the gap that is reallocated.
    gap : mapping of str to Decimal
        What closed periods of each fiscal year are short of plan; below zero where they are beyond it.
    total, added, remainder : mapping of str to Decimal
        By period: what the quotas in force sum to, what the policy adds, and what no rounding step holds.
    notes : tuple of str
        What a reader must know.
    """

    table: pd.DataFrame
    policy: str
    share: Decimal
    gap: Mapping[str, Decimal]
    total: Mapping[str, Decimal]
    added: Mapping[str, Decimal]
    remainder: Mapping[str, Decimal] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def quotas_in_force(last: pd.DataFrame | None, old: RunResult, new: RunResult) -> dict[str, dict[str, Decimal]]:
    """Find the quotas of each period that is not closed: as kept, else as recorded, else as proposed at the last date.

    Parameters
    ----------
    last : pandas.DataFrame or None
        ``rep_id, period, quota`` kept with the last forecast.
    old, new : RunResult
        Runs as of the two dates.

    Returns
    -------
    dict of str to dict of str to Decimal
        By period and rep, in the order of time.
    """
    proposed = None if old.quotas is None else old.quotas.table
    out: dict[str, dict[str, Decimal]] = {}
    for label in new.forecast.periods:
        if new.scenario.calendar.period(label).end <= new.model.as_of:
            continue
        for table in (last, new.history.quotas, proposed):
            found = _of_period(table, label)
            if found:
                out[label] = found
                break
    return out


def _of_period(table: pd.DataFrame | None, label: str) -> dict[str, Decimal]:
    if table is None or not len(table):
        return {}
    own = table[table["period"].astype(str) == label]
    pairs = zip(own["rep_id"].astype(str), own["quota"].astype(float), strict=True)
    return {rep: Decimal(str(quota)).quantize(CENT, ROUND_HALF_UP) for rep, quota in sorted(pairs) if quota == quota}


def remaining_quotas(keys: UpdateKeys, force: Mapping[str, Mapping[str, Decimal]], new: RunResult) -> Remaining:
    """Propose quotas for the periods that are left.

    Parameters
    ----------
    keys : UpdateKeys
        Policy, limits and relief.
    force : mapping
        Quotas in force, by period and rep.
    new : RunResult
        The run as of the new date.

    Returns
    -------
    Remaining
        Quotas of a period sum to those in force plus what the policy adds, less a declared remainder, to the cent.

    Raises
    ------
    InputError
        If limits or relief name somebody who has no quota.
    InfeasibleError
        Names the limits that clash.
    """
    calendar = new.scenario.calendar
    total = {label: sum(quotas.values(), Decimal(0)) for label, quotas in force.items()}
    booked = {
        label: Decimal(str(booked_in(new, label)))
        for label in _year_periods(new, list(force))
        if calendar.period(label).end <= new.model.as_of
    }
    gap = gaps(new.plan, calendar, booked, list(force))
    share = {"hold": Decimal(0), "reallocate": Decimal(1)}.get(keys.policy, Decimal(str(keys.share)))
    asked = {year: (amount * share).quantize(CENT, ROUND_HALF_UP) for year, amount in gap.items()}
    added = _cushioned(spread_gap(asked, calendar, total), total, new)
    parts = [_one_period(keys, label, force[label], added[label], new) for label in force]
    return Remaining(
        table=pd.concat([part.table for part in parts], ignore_index=True),
        policy=keys.policy,
        share=share,
        gap=gap,
        total=total,
        added={label: part.added for label, part in zip(force, parts, strict=True)},
        remainder={label: part.left for label, part in zip(force, parts, strict=True) if part.left},
        notes=tuple(note for part in parts for note in part.notes),
    )


def _year_periods(run: RunResult, left: list[str]) -> list[str]:
    """Periods of the fiscal years that go on, from their beginning."""
    calendar = run.scenario.calendar
    years = dict.fromkeys(calendar.year_of(label) for label in left)
    whole = [calendar.period(year) for year in years]
    return [one.label for year in whole for one in calendar.periods(year.start, year.end, run.scenario.keys.period)]


def _cushioned(added: Mapping[str, Decimal], total: Mapping[str, Decimal], new: RunResult) -> dict[str, Decimal]:
    """Give what is added the cushion that the quotas in force have over the plan."""
    out = {}
    for label, amount in added.items():
        target = new.plan.exact(label)
        ratio = total[label] / target if target else Decimal(1)
        out[label] = (amount * ratio).quantize(CENT, ROUND_HALF_UP)
    return out


@dataclass(frozen=True, eq=False)
class _Part:
    """Quotas of one period, what the policy added in the end, what no rounding step holds, and notes."""

    table: pd.DataFrame
    added: Decimal
    left: Decimal
    notes: tuple[str, ...]


def _one_period(keys: UpdateKeys, label: str, force: Mapping[str, Decimal], added: Decimal, new: RunResult) -> _Part:
    """Propose the quotas of one period; no more is taken off than those who sell have."""
    period = new.scenario.calendar.period(label)
    carried, reasons = carried_quotas(force, _seats(new), period, _ramp(new) if keys.ramp else None)
    lower, free = relieved(carried, keys.relief, reasons)
    vacant = lower.pop(TO_BE_HIRED, Decimal(0))
    seat = {TO_BE_HIRED: vacant} if vacant else {}
    known = set(new.forecast.cells["owner_id"].astype(str))
    # Who has left but served part of the period keeps a quota that nothing is added to.
    settled = {rep: lower.pop(rep) for rep in list(lower) if rep not in known or rep in _gone(new)}
    if lower:
        added = max(added, -(sum(lower.values(), Decimal(0)) + free))
    table, left, notes = _spread(keys, label, lower, free + added, new, force)
    rest = pd.DataFrame(
        [(rep, label, float(amount)) for rep, amount in {**settled, **seat}.items()],
        columns=["rep_id", "period", "quota"],
    )
    table = pd.concat([table, _judged(rest, new, label)], ignore_index=True) if len(rest) else table
    gone = sorted(rep for rep in set(force) - set(table["rep_id"]) if force[rep])
    if gone:
        lost = pd.DataFrame({"rep_id": gone, "period": label, "quota": 0.0})
        table = pd.concat([table, lost], ignore_index=True)
    last = table["rep_id"].map({rep: float(amount) for rep, amount in force.items()})
    table["last_quota"], table["change"] = last, (table["quota"] - last.fillna(0.0)).round(2)
    table["carried"] = table["rep_id"].map({rep: float(amount) for rep, amount in carried.items()}).fillna(0.0)
    table["reason"] = [reasons.get(rep, "") for rep in table["rep_id"]]
    return _Part(table.reindex(columns=_COLUMNS), added, left, notes)


_COLUMNS = [
    "rep_id", "period", "last_quota", "carried", "quota", "change", "reason", "p_attain", "expected_attainment", "mean",
    "limit",
]  # fmt: skip


def _spread(
    keys: UpdateKeys, label: str, base: dict[str, Decimal], more: Decimal, new: RunResult, force: Mapping[str, Decimal]
) -> tuple[pd.DataFrame, Decimal, tuple[str, ...]]:
    """Spread an amount over those who sell, in proportion to quotas or to the forecast, within limits."""
    if not base:
        note = f"{label}: nobody who sells has a quota, so {more:,} rests with nobody" if more else ""
        return pd.DataFrame(columns=["rep_id", "period", "quota"]), more, (note,) if note else ()
    reps = sorted(base)
    targets = _targets(keys, label, {rep: base[rep] for rep in reps}, more, new)
    whole = sum(targets.values(), Decimal(0))
    fields = pd.DataFrame({"rep_id": reps, "target": [float(targets[rep]) for rep in reps]})
    found = propose_quotas(
        new.forecast,
        {label: whole},
        "weighted" if whole else "even",
        round_to=_step(keys, new) if keys.policy != "hold" else None,
        reps=reps,
        options={"by": "target"} if whole else {},
        fields=fields,
        limits=_limits(keys.limits, {rep: float(force[rep]) for rep in reps if rep in force}),
    )
    return found.table, found.remainder.get(label, Decimal(0)), found.notes


def _step(keys: UpdateKeys, new: RunResult) -> float | None:
    """Return the rounding step of the update, else that of the scenario's quotas."""
    own = new.scenario.keys.quotas
    return keys.round_to if keys.round_to is not None or own is None else own.round_to


def _targets(
    keys: UpdateKeys, label: str, base: dict[str, Decimal], more: Decimal, new: RunResult
) -> dict[str, Decimal]:
    """Work out wanted quotas that sum exactly; less than nothing is asked of nobody."""
    weights = {rep: float(amount) for rep, amount in base.items()}
    if keys.spread == "forecast":
        names, draws = rep_draws(new.forecast, label, list(base))
        weights = dict(zip(names, draws.mean(axis=0).tolist(), strict=True))
    weight = sum(weights.values())
    shares = {rep: Decimal(str(weights[rep] / weight)) if weight > 0 else Decimal(1) / len(base) for rep in base}
    whole = sum(base.values(), Decimal(0)) + more
    wanted = [base[rep] + more * shares[rep] for rep in base]
    cents = largest_remainder(wanted, max(whole, Decimal(0)), CENT, lower=0).multiples
    return {rep: part * CENT for rep, part in zip(base, cents, strict=True)}


def _limits(own: LimitKeys, last: dict[str, float]) -> Limits:
    return Limits(
        floor=own.floor,
        ceiling=own.ceiling,
        locks={one.rep_id: one.quota for one in own.locks},
        ratchet_up=own.ratchet_up,
        ratchet_down=own.ratchet_down,
        least_change=own.least_change,
        last=last,
        reasons={one.rep_id: one.reason for one in own.locks},
    )


def _judged(rest: pd.DataFrame, new: RunResult, label: str) -> pd.DataFrame:
    """Hold quotas that are settled against the draws, where there are any."""
    known = set(new.forecast.cells["owner_id"].astype(str))
    here = [rep for rep in rest["rep_id"] if rep in known]
    names, draws = rep_draws(new.forecast, label, here)
    mean = dict(zip(names, draws.mean(axis=0).tolist(), strict=True))
    quota = dict(zip(rest["rep_id"], rest["quota"], strict=True))
    reached = {
        rep: float((draws[:, at] >= quota[rep] - 0.005).mean()) for at, rep in enumerate(names) if quota[rep] > 0
    }
    out = rest.assign(mean=rest["rep_id"].map(mean), p_attain=rest["rep_id"].map(reached))
    return out.assign(expected_attainment=(out["mean"] / out["quota"]).where(out["quota"] > 0))


def _gone(run: RunResult) -> set[str]:
    return {rep for rep, seat in _seats(run).items() if seat.left is not None}


def _seats(run: RunResult) -> dict[str, Seat]:
    """List those who sell at the run's date, and those of the record who do not any more."""
    roster, reps = run.model.roster, run.history.current_reps()
    places = roster.places["territory_id"].astype(str)
    out = {}
    for owner, day in zip(roster.owners, roster.hired, strict=True):
        hired = reps["hire_date"].get(owner) if len(reps) else None
        started = pd.Timestamp(int(day), unit="D") if hired is None or pd.isna(hired) else pd.Timestamp(hired)
        out[owner] = Seat(owner, str(places.get(owner, "")), started)
    for rep, row in reps.iterrows():
        if str(rep) not in out and pd.notna(row["end_date"]):
            out[str(rep)] = Seat(str(rep), str(row["territory_id"]), row["hire_date"], pd.Timestamp(row["end_date"]))
    return out


def _ramp(run: RunResult) -> Ramp:
    model = run.model
    return table_ramp(model.booking_ramp if isinstance(model, FittedPipeline) else model.factors.ramp)
