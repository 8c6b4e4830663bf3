"""Running a scenario: history, fit, draws, quotas and evaluation, in one line from left to right."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from spmforecast.data import History
from spmforecast.evaluate import PlanCost
from spmforecast.evaluate.monitors import monitor
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.plan import AnnualPlan, QuotaProposal
from spmforecast.scenario.against_data import load_or_tell_all, telling_all
from spmforecast.scenario.assuming import assumption_notes
from spmforecast.scenario.doubts import doubts
from spmforecast.scenario.folder import new_folder, write_run
from spmforecast.scenario.hiring import HiringAnswer
from spmforecast.scenario.measured import Measured
from spmforecast.scenario.pay_plans import pay_plans
from spmforecast.scenario.people import people_tables
from spmforecast.scenario.prepare import Prepared, Progress, prepare
from spmforecast.scenario.quality import Examined
from spmforecast.scenario.record import run_record
from spmforecast.scenario.schema import Scenario
from spmforecast.scenario.tables import company_targets, run_tables
from spmforecast.scenario.task import Judged, Task
from spmforecast.scenario.territory_files import territory_tables, write_pictures
from spmforecast.simulate import ExactForecast, Forecast

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
    return run_scenario(load_or_tell_all(scenario, overrides, strict), jobs, strict, progress)


def run_scenario(
    scenario: Scenario,
    jobs: int = 1,
    strict: bool = False,
    progress: Progress | None = None,
    prepared: Prepared | None = None,
) -> RunResult:
    """Answer a scenario that is already checked, on a fit that is already there if one is given; see :func:`run`."""
    told, timings = progress or (lambda *_: None), dict[str, float]()
    with telling_all([scenario], strict):
        pay_rules = pay_plans(scenario)  # wrong ones are told before anything takes its time
        ready = prepare(scenario, jobs, strict, told, timings) if prepared is None else prepared
        task = Task.of(scenario, ready, pay_rules, jobs, told, timings)
    forecast, mixed = task.drawn()
    exact = task.exact()
    model = task.model
    judged = task.judged(model, forecast)
    territories = task.new_map(model, forecast, judged.quotas)
    return RunResult(
        scenario=scenario,
        history=model.history,
        model=model,
        plan=task.plan,
        forecast=forecast,
        quotas=judged.quotas,
        evaluation=judged.evaluation,
        timings=timings,
        warnings=_warnings(task, model, forecast, judged, mixed, exact),
        pay=judged.pay,
        pay_notes=judged.pay_notes,
        hiring=judged.hiring,
        examined=ready.examined,
        measured=ready.measured.and_(mixed),
        drift=monitor(ready.examined.history, scenario.calendar),
        exact=exact,
        territories=territories,
    )


def _warnings(
    task: Task,
    model: FittedPipeline | FittedBookings,
    forecast: Forecast,
    judged: Judged,
    mixed: Measured,
    exact: ExactForecast | None,
) -> tuple[str, ...]:
    """Put together what a reader must know: of the data, the fit, quotas, choices, assumptions, pay and laws."""
    scenario, ready = task.scenario, task.ready
    return (
        *model.history.warnings,
        *task.phased,
        *doubts(scenario, model, forecast, task.plan, ready.examined.findings),
        *(judged.quotas.notes if judged.quotas else ()),
        *ready.measured.and_(mixed).notes,
        *assumption_notes(scenario.keys.assumptions, bool(mixed.tables)),
        *judged.pay_notes,
        *((exact.left_out,) if exact is not None else ()),
    )
