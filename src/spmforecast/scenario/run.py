"""Running a scenario: history, fit, draws, quotas and evaluation, in one line from left to right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pandas as pd

from spmforecast.data import ExampleCompany, History, read_history
from spmforecast.errors import InputError, Problem
from spmforecast.evaluate import PlanCost, evaluate_plan
from spmforecast.evaluate.monitors import monitor
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.bookings.ledger import booking_lines
from spmforecast.models.profiles import check_attribute
from spmforecast.models.spec import attributes
from spmforecast.plan import AnnualPlan, CompPlan, QuotaProposal
from spmforecast.scenario.doubts import doubts
from spmforecast.scenario.fitting import fit_scenario, without_deals
from spmforecast.scenario.folder import new_folder, write_run
from spmforecast.scenario.hiring import HiringAnswer, hiring_of
from spmforecast.scenario.keys import ExampleSpec
from spmforecast.scenario.measured import Measured, chosen, combined
from spmforecast.scenario.pay import with_pay
from spmforecast.scenario.pay_plans import pay_plans
from spmforecast.scenario.pay_run import priced
from spmforecast.scenario.periods import wrong_periods
from spmforecast.scenario.quality import Examined, examine
from spmforecast.scenario.quotas import quotas_of
from spmforecast.scenario.record import run_record
from spmforecast.scenario.schema import Scenario, load_scenario
from spmforecast.scenario.tables import company_targets, run_tables
from spmforecast.scenario.territories import MapPlan, plan_map
from spmforecast.scenario.territory_files import territory_tables, write_pictures
from spmforecast.simulate import ExactForecast, Forecast, Tolerance, simulate, simulate_exactly
from spmforecast.written import Loc

__all__ = ["RunResult", "load_history", "load_plan", "run", "run_scenario"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class RunResult:
    """What a scenario came to.

    Parameters
    ----------
    scenario : Scenario
        The question.
    history : History
        The record as known at the as-of date, with what was rejected.
    model : FittedPipeline or FittedBookings
        The fit.
    plan : AnnualPlan
        Targets.
    forecast : Forecast
        Draws.
    quotas : QuotaProposal or None
        Proposal, where the scenario asks for one.
    evaluation : pandas.DataFrame
        ``metric, value`` against the plan.
    timings : dict of str to float
        Seconds by step.
    warnings : tuple of str
        What a reader must know.
    examined : Examined
        What was odd about the data and what was repaired.
    measured : Measured
        What was chosen by its score on the company's past.
    drift : pandas.DataFrame
        What the monitors saw (see :func:`spmforecast.evaluate.monitors.monitor`).
    pay : PlanCost or None
        What the compensation plan pays on the draws, where the scenario names one.
    pay_notes : tuple of str
        What was not known of it, and what was assumed.
    hiring : HiringAnswer or None
        How many to hire, where the scenario asks.
    exact : ExactForecast or None
        Laws without sampling error, where the scenario asks for them.
    territories : MapPlan or None
        New map, where the scenario asks for one; `forecast` and `quotas` stay those of today's map.
    """

    scenario: Scenario
    history: History
    model: FittedPipeline | FittedBookings
    plan: AnnualPlan
    forecast: Forecast
    quotas: QuotaProposal | None
    evaluation: pd.DataFrame
    timings: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    examined: Examined = field(default_factory=lambda: Examined(History({})))
    measured: Measured = field(default_factory=Measured)
    drift: pd.DataFrame = field(default_factory=pd.DataFrame)
    pay: PlanCost | None = None
    pay_notes: tuple[str, ...] = ()
    hiring: HiringAnswer | None = None
    exact: ExactForecast | None = None
    territories: MapPlan | None = None

    @property
    def targets(self) -> dict[str, float]:
        """Company targets of the periods and whole years that the forecast reaches."""
        return company_targets(self.plan, self.forecast)

    def save(self, folder: str | Path) -> Path:
        """Write the run folder, whole or not at all.

        Parameters
        ----------
        folder : path or str
            Where it is to stand; an older run of the same scenario is replaced.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If something else stands there.
        """
        with new_folder(folder, self.scenario.keys.name) as draft:
            self.write(draft)
        return Path(folder)

    def write(self, folder: Path) -> None:
        """Write the files of the run into an empty folder."""
        start = time.perf_counter()
        tables = {**run_tables(self), **territory_tables(self.territories)}
        timings = {**self.timings, "tables": round(time.perf_counter() - start, 3)}
        write_run(folder, run_record(self, timings), self.forecast.draws, tables)
        write_pictures(folder, self.territories)

    def _repr_html_(self) -> str:
        from spmforecast.display import card

        keys = self.scenario.keys
        facts = {"as of": keys.as_of, "until": keys.until, "trials": f"{self.forecast.trials:,}"}
        return card(f"Run: {keys.name}", facts, self.evaluation)


def run(
    scenario: str | Path,
    as_of: object = None,
    trials: int | None = None,
    seed: int | None = None,
    jobs: int = 1,
    strict: bool = False,
    progress: Progress | None = None,
) -> RunResult:
    """Answer a scenario file.

    Parameters
    ----------
    scenario : path or str
        A YAML file.
    as_of : date-like, optional
        Instead of the file's.
    trials, seed : int, optional
        Instead of the file's.
    jobs : int
        Processes for the simulation; they change no figure.
    strict : bool
        Bear no rejected row.
    progress : callable, optional
        Called with the step, what is done and what there is to do.

    Returns
    -------
    RunResult

    Raises
    ------
    InputError
        If scenario or data are wrong; with every problem.
    InfeasibleError
        If what is asked cannot be had.
    """
    overrides = {"as_of": None if as_of is None else str(as_of)[:10], "trials": trials, "seed": seed}
    return run_scenario(load_scenario(scenario, overrides), jobs, strict, progress)


def run_scenario(
    scenario: Scenario, jobs: int = 1, strict: bool = False, progress: Progress | None = None
) -> RunResult:
    """Answer a scenario that is already checked; see :func:`run`."""
    keys, told = scenario.keys, progress or (lambda *_: None)
    timings: dict[str, float] = {}
    with _timed(timings, "read", told):
        history = load_history(scenario, strict)
        plan = load_plan(scenario, history)
        wrong = wrong_attributes(scenario, history) + wrong_periods(history, scenario.calendar, keys.as_of)
        if wrong:
            raise InputError(wrong)
        pay_rules = pay_plans(scenario)
        examined = examine(history.as_of(keys.as_of), keys.quality)
    with _timed(timings, "choose", told):
        spec, measured = chosen(scenario, examined.history, jobs, lambda done, wanted: told("choose", done, wanted))
    with _timed(timings, "fit", told):
        model = fit_scenario(scenario, examined.history, spec)
    with _timed(timings, "simulate", told):
        forecast = simulate(
            model,
            keys.until,
            trials=keys.simulate.trials,
            tolerance=Tolerance(keys.simulate.tolerance, keys.simulate.tolerance),
            targets={label: target for label in _coming(scenario) if (target := plan.target(label)) is not None},
            cluster=keys.simulate.dask,
            seed=keys.simulate.seed,
            period=keys.period,
            levels=keys.levels,
            jobs=jobs,
            progress=lambda done, wanted: told("simulate", done, wanted),
        )
    with _timed(timings, "combine", told):
        steps = lambda done, wanted: told("combine", done, wanted)  # noqa: E731
        forecast, mixed = combined(scenario, forecast, examined.history, spec, jobs, steps)
        measured = measured.and_(mixed)
    exact = None
    if keys.simulate.method == "exact":
        with _timed(timings, "exact", told):
            exact = simulate_exactly(model, keys.until, keys.period, keys.levels)
    with _timed(timings, "evaluate", told):
        quotas = _quotas(scenario, model, forecast, plan, pay_rules)
        evaluation = evaluate_plan(forecast, company_targets(plan, forecast), quotas)
        pay, pay_told = priced(scenario, pay_rules, model, forecast, quotas)
        evaluation = with_pay(evaluation, pay)
        hiring = hiring_of(scenario, model, forecast, company_targets(plan, forecast))
    territories = None
    if keys.territories.new_map:
        with _timed(timings, "territories", told):
            territories = plan_map(scenario, model, forecast, plan, quotas, quota_totals(scenario, plan))
    return RunResult(
        scenario=scenario,
        history=model.history,
        model=model,
        plan=plan,
        forecast=forecast,
        quotas=quotas,
        evaluation=evaluation,
        timings=timings,
        warnings=(
            *model.history.warnings,
            *doubts(scenario, model, forecast, plan),
            *(quotas.notes if quotas else ()),
            *measured.notes,
            *pay_told,
            *((exact.left_out,) if exact is not None else ()),
        ),
        pay=pay,
        pay_notes=pay_told,
        hiring=hiring,
        examined=examined,
        measured=measured,
        drift=monitor(examined.history, scenario.calendar),
        exact=exact,
        territories=territories,
    )


@contextmanager
def _timed(timings: dict[str, float], step: str, told: Progress) -> Iterator[None]:
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


def _quotas(
    scenario: Scenario,
    model: FittedPipeline | FittedBookings,
    forecast: Forecast,
    plan: AnnualPlan,
    pay_rules: dict[str, CompPlan],
) -> QuotaProposal | None:
    """Propose quotas for every period to come that has a target, for those who sell and those to be hired."""
    keys = scenario.keys.quotas
    if keys is None:
        return None
    totals = quota_totals(scenario, plan)
    if not totals:
        raise InputError(no_plan_for_quotas(scenario))
    return quotas_of(scenario, keys, model, forecast, totals, pay_rules)


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


def quota_totals(scenario: Scenario, plan: AnnualPlan) -> dict[str, Decimal]:
    """Targets of the periods to come that have one: what quotas are to carry."""
    labels = _coming(scenario)
    targets = {label: plan.exact(label) for label in labels}
    return {label: target for label, target in targets.items() if target is not None}


def no_plan_for_quotas(scenario: Scenario) -> Problem:
    """Say that quotas need a plan."""
    told = "quotas need a plan for at least one period of the forecast"
    return scenario.written.problem(("quotas",), told, f"Give a target for one of {', '.join(_coming(scenario))}.")


def _coming(scenario: Scenario) -> list[str]:
    keys = scenario.keys
    first = pd.Timestamp(keys.as_of) + pd.Timedelta(days=1)
    return [period.label for period in scenario.calendar.periods(first, keys.until, keys.period)]
