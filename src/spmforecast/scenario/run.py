"""Running a scenario: history, fit, draws, quotas and evaluation, in one line from left to right."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from spmforecast.data import History
from spmforecast.errors import InputError
from spmforecast.evaluate import PlanCost, evaluate_plan
from spmforecast.evaluate.monitors import monitor
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.adjust import Adjustment
from spmforecast.plan import AnnualPlan, CompPlan, QuotaProposal
from spmforecast.scenario.assuming import adjustments_of, assumption_notes
from spmforecast.scenario.card_names import wrong_card_names
from spmforecast.scenario.doubts import doubts
from spmforecast.scenario.folder import new_folder, write_run
from spmforecast.scenario.hiring import HiringAnswer, hiring_of
from spmforecast.scenario.measured import Measured, combined
from spmforecast.scenario.pay import with_pay
from spmforecast.scenario.pay_plans import pay_plans
from spmforecast.scenario.pay_run import priced
from spmforecast.scenario.people import people_tables
from spmforecast.scenario.phasing import phased_plan
from spmforecast.scenario.prepare import (
    Prepared,
    Progress,
    coming,
    load_plan,
    no_plan_for_quotas,
    prepare,
    quota_totals,
    timed,
)
from spmforecast.scenario.quality import Examined
from spmforecast.scenario.quotas import quotas_of
from spmforecast.scenario.record import run_record
from spmforecast.scenario.schema import Scenario, load_scenario
from spmforecast.scenario.tables import company_targets, run_tables
from spmforecast.scenario.territory_files import territory_tables, write_pictures
from spmforecast.simulate import ExactForecast, Forecast, Tolerance, simulate, simulate_exactly
from spmforecast.simulate.adjusting import with_people

if TYPE_CHECKING:
    from spmforecast.scenario.territories import MapPlan

__all__ = ["RunResult", "run", "run_scenario"]


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
        tables = {
            **run_tables(self),
            **territory_tables(self.territories),
            **people_tables(self.model, self.forecast),
        }
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
    scenario: Scenario,
    jobs: int = 1,
    strict: bool = False,
    progress: Progress | None = None,
    prepared: Prepared | None = None,
) -> RunResult:
    """Answer a scenario that is already checked, on a fit that is already there if one is given; see :func:`run`."""
    keys, told = scenario.keys, progress or (lambda *_: None)
    timings: dict[str, float] = {}
    pay_rules = pay_plans(scenario)
    ready = prepare(scenario, jobs, strict, told, timings) if prepared is None else prepared
    if wrong := wrong_card_names(
        scenario, ready.model.stays.stages if isinstance(ready.model, FittedPipeline) else None
    ):
        raise InputError(wrong)
    examined, measured = ready.examined, ready.measured
    plan, phased = phased_plan(scenario, load_plan(scenario, ready.history), examined.history)
    adjustments = adjustments_of(scenario, ready.model)
    with timed(timings, "simulate", told):
        forecast = _simulated(scenario, ready.model, plan, adjustments, jobs, told)
    with timed(timings, "combine", told):
        steps = lambda done, wanted: told("combine", done, wanted)  # noqa: E731
        forecast, mixed = combined(scenario, forecast, examined.history, ready.spec, jobs, steps)
        measured = measured.and_(mixed)
    exact = None
    if keys.simulate.method == "exact":
        with timed(timings, "exact", told):
            exact = simulate_exactly(ready.model, keys.until, keys.period, keys.levels, adjustments)
    model = with_people(ready.model, adjustments)
    with timed(timings, "evaluate", told):
        quotas = _quotas(scenario, model, forecast, plan, pay_rules)
        evaluation = evaluate_plan(forecast, company_targets(plan, forecast), quotas)
        pay, pay_told = priced(scenario, pay_rules, model, forecast, quotas)
        evaluation = with_pay(evaluation, pay)
        hiring = hiring_of(scenario, model, forecast, company_targets(plan, forecast))
    territories = None
    if keys.territories.new_map:
        from spmforecast.scenario.territories import plan_map  # few runs ask for a new map

        with timed(timings, "territories", told):
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
            *phased,
            *doubts(scenario, model, forecast, plan, examined.findings),
            *(quotas.notes if quotas else ()),
            *measured.notes,
            *assumption_notes(keys.assumptions, bool(mixed.tables)),
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


def _simulated(
    scenario: Scenario,
    model: FittedPipeline | FittedBookings,
    plan: AnnualPlan,
    adjustments: list[Adjustment],
    jobs: int,
    told: Progress,
) -> Forecast:
    """Draw the trials that the scenario asks for."""
    keys = scenario.keys
    return simulate(
        model,
        keys.until,
        trials=keys.simulate.trials,
        tolerance=Tolerance(keys.simulate.tolerance, keys.simulate.tolerance),
        targets={label: target for label in coming(scenario) if (target := plan.target(label)) is not None},
        cluster=keys.simulate.dask,
        seed=keys.simulate.seed,
        period=keys.period,
        levels=keys.levels,
        jobs=jobs,
        progress=lambda done, wanted: told("simulate", done, wanted),
        adjustments=adjustments,
    )


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
