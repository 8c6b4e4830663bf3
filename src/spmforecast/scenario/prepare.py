"""What an answer rests on: history read and cut, the plan, and the fit; one for all scenarios that share it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from spmforecast.data import ExampleCompany, History, read_history
from spmforecast.errors import InputError, Problem
from spmforecast.models import FittedBookings, FittedPipeline, ModelSpec
from spmforecast.models.bookings.ledger import booking_lines
from spmforecast.models.profiles import check_attribute
from spmforecast.models.spec import attributes
from spmforecast.plan import AnnualPlan
from spmforecast.scenario.fitting import fit_scenario, without_deals
from spmforecast.scenario.keys import ExampleSpec
from spmforecast.scenario.measured import Measured, chosen
from spmforecast.scenario.periods import wrong_periods
from spmforecast.scenario.quality import Examined, examine
from spmforecast.scenario.schema import Scenario
from spmforecast.written import Loc

__all__ = [
    "Prepared",
    "Progress",
    "coming",
    "load_history",
    "load_plan",
    "no_plan_for_quotas",
    "prepare",
    "prepared_by",
    "quota_totals",
    "timed",
    "unknown_amounts",
    "wrong_attributes",
]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is known and fitted before anything is drawn.

    Parameters
    ----------
    history : History
        The whole record, as it was read.
    examined : Examined
        The record as known at the as-of date, looked through.
    spec : ModelSpec
        What was fitted.
    measured : Measured
        How it was chosen.
    model : FittedPipeline or FittedBookings
        The fit.
    """

    history: History
    examined: Examined
    spec: ModelSpec
    measured: Measured
    model: FittedPipeline | FittedBookings


def prepare(
    scenario: Scenario, jobs: int, strict: bool, told: Progress, timings: dict[str, float] | None = None
) -> Prepared:
    """Read, look through, choose and fit.

    Parameters
    ----------
    scenario : Scenario
        The question.
    jobs : int
        Processes.
    strict : bool
        Bear no rejected row.
    told : callable
        Called with the step, what is done and what there is to do.
    timings : dict, optional
        Seconds of each step, added to.

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        If data or scenario are wrong; with every problem.
    """
    keys, clock = scenario.keys, {} if timings is None else timings
    with timed(clock, "read", told):
        history = load_history(scenario, strict)
        wrong = wrong_attributes(scenario, history) + wrong_periods(history, scenario.calendar, keys.as_of)
        if wrong:
            raise InputError(wrong)
        load_plan(scenario, history)  # so that a wrong plan is told before anything takes its time
        examined = examine(history.as_of(keys.as_of), keys.quality)
        if wrong := unknown_amounts(scenario, examined.history):
            raise InputError(wrong)
    with timed(clock, "choose", told):
        spec, measured = chosen(scenario, examined.history, jobs, lambda done, wanted: told("choose", done, wanted))
    with timed(clock, "fit", told):
        model = fit_scenario(scenario, examined.history, spec)
    return Prepared(history, examined, spec, measured, model)


def prepared_by(scenario: Scenario) -> str:
    """Return a text that two scenarios share if, and only if, :func:`prepare` does the same for both."""
    keys = scenario.keys.model_dump(mode="json", exclude_unset=False)
    names = (
        "history", "as_of", "model", "quality", "period", "fiscal_year_start", "fiscal_calendar", "timezone",
        "currency", "levels", "backtest",
    )  # fmt: skip
    told = {name: keys[name] for name in names}
    return json.dumps([str(scenario.path.parent.resolve()), told, keys["simulate"]["seed"]], sort_keys=True)


@contextmanager
def timed(timings: dict[str, float], step: str, told: Progress) -> Iterator[None]:
    """Tell that a step begins and ends, and note how long it took."""
    told(step, 0, 1)
    start = time.perf_counter()
    yield
    timings[step] = round(time.perf_counter() - start, 3)
    told(step, 1, 1)


def load_history(scenario: Scenario, strict: bool = False) -> History:
    """Read the history that a scenario names.

    Parameters
    ----------
    scenario : Scenario
        The question.
    strict : bool
        Bear no rejected row.

    Returns
    -------
    History

    Raises
    ------
    InputError
        If it cannot be read or too much of it cannot be used.
    """
    keys = scenario.keys
    if isinstance(keys.history, ExampleSpec):
        example = keys.history.example
        company = ExampleCompany(seed=example.seed, size=example.size, character=example.character)
        return read_history(company.tables(), timezone=keys.timezone, strict=strict)
    spec = keys.history
    return read_history(
        spec.source(scenario.path.parent),
        map=None if spec.map is None else scenario.resolve(spec.map),
        timezone=keys.timezone,
        strict=strict,
        max_rejected_share=spec.max_rejected_share,
        observed_from=spec.observed_from,
        crm=spec.crm,
        crm_options=spec.options(scenario.path.parent, keys.currency, scenario.calendar),
    )


def load_plan(scenario: Scenario, history: History) -> AnnualPlan:
    """Return the plan of the scenario, else the one among the tables, else an empty one.

    Raises
    ------
    InputError
        If targets are wrong.
    """
    plan = scenario.keys.plan
    if isinstance(plan, dict):
        return AnnualPlan.from_mapping(plan, scenario.calendar)
    if isinstance(plan, str):
        path = scenario.resolve(plan)
        try:
            frame = pd.read_csv(path, dtype="str", keep_default_na=False)
        except (OSError, ValueError) as error:
            told = "the plan cannot be read"
            mend = "Give a CSV file with the columns period and target."
            raise InputError(scenario.written.problem(("plan",), told, mend, plan)) from error
        return AnnualPlan.from_frame(frame, scenario.calendar, str(path))
    return AnnualPlan.from_frame(history.plan, scenario.calendar)


def wrong_attributes(scenario: Scenario, history: History) -> list[Problem]:
    """Name the levels and segments that the deals do not have, or that would tell the outcome."""
    keys = scenario.keys
    named: list[tuple[Loc, str]] = [(("levels",), level) for level in keys.levels]
    if without_deals(history):
        known = booking_lines(history, rows=False)
    else:
        known = history.deals()
        named += [(("model", "segment_by"), name) for name in attributes(keys.model.segment_by)]
    found = [(loc, check_attribute(name, known)) for loc, name in named]
    return [scenario.written.problem(loc, one.reason, one.mend, one.value) for loc, one in found if one is not None]


def unknown_amounts(scenario: Scenario, known: History) -> list[Problem]:
    """Refuse deals of which no amount is known at all: what they would book could only be made up."""
    deals = known.opportunities
    if deals.empty or (deals["amount"] > 0).any():
        return []
    told = f"no amount above 0 is known of any of {len(deals):,} deals, so nothing can be forecast in money"
    mend = "Fill the column amount of opportunities, or map the one that holds it to amount."
    return [Problem("opportunities", told, mend, file=scenario.written.name, column="amount")]


def quota_totals(scenario: Scenario, plan: AnnualPlan) -> dict[str, Decimal]:
    """Targets of the periods to come that have one: what quotas are to carry."""
    labels = coming(scenario)
    targets = {label: plan.exact(label) for label in labels}
    return {label: target for label, target in targets.items() if target is not None}


def no_plan_for_quotas(scenario: Scenario) -> Problem:
    """Say that quotas need a plan."""
    told = "quotas need a plan for at least one period of the forecast"
    return scenario.written.problem(("quotas",), told, f"Give a target for one of {', '.join(coming(scenario))}.")


def coming(scenario: Scenario) -> list[str]:
    """Name the periods of the forecast."""
    keys = scenario.keys
    first = pd.Timestamp(keys.as_of) + pd.Timedelta(days=1)
    return [period.label for period in scenario.calendar.periods(first, keys.until, keys.period)]
