"""The steps of a run, each of which rests on those before: draw, judge against plan and quotas, plan a new map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from spmforecast.errors import InputError
from spmforecast.evaluate import PlanCost, evaluate_plan
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.adjust import Adjustment
from spmforecast.plan import AnnualPlan, CompPlan, QuotaProposal
from spmforecast.scenario.assuming import adjustments_of
from spmforecast.scenario.card_names import wrong_card_names
from spmforecast.scenario.fitted_names import without_quota
from spmforecast.scenario.hiring import HiringAnswer, hiring_of
from spmforecast.scenario.measured import Measured, combined
from spmforecast.scenario.pay import with_pay
from spmforecast.scenario.pay_run import priced
from spmforecast.scenario.phasing import phased_plan
from spmforecast.scenario.prepare import (
    Prepared,
    Progress,
    coming,
    load_plan,
    no_plan_for_quotas,
    quota_totals,
    timed,
)
from spmforecast.scenario.quotas import quotas_of
from spmforecast.scenario.schema import Scenario
from spmforecast.scenario.tables import company_targets
from spmforecast.simulate import ExactForecast, Forecast, Tolerance, simulate, simulate_exactly
from spmforecast.simulate.adjusting import with_people

if TYPE_CHECKING:
    from spmforecast.scenario.territories import MapPlan

__all__ = ["Judged", "Task"]


@dataclass(frozen=True, eq=False)
class Judged:
    """How draws stand against the plan, and what is proposed on them.

    Parameters
    ----------
    quotas : QuotaProposal or None
        Where the scenario asks for quotas.
    evaluation : pandas.DataFrame
        ``metric, value, se``.
    pay : PlanCost or None
        Where it names a compensation plan.
    pay_notes : tuple of str
        What was not known of pay, and what was assumed.
    hiring : HiringAnswer or None
        Where it asks how many to hire.
    """

    quotas: QuotaProposal | None
    evaluation: pd.DataFrame
    pay: PlanCost | None
    pay_notes: tuple[str, ...]
    hiring: HiringAnswer | None


@dataclass(frozen=True, eq=False)
class Task:
    """A question with all that is known before anything is drawn.

    Parameters
    ----------
    scenario : Scenario
        The question.
    ready : Prepared
        Record and fit.
    plan : AnnualPlan
        Targets.
    phased : tuple of str
        How a year's plan was shared out among its periods, in words.
    adjustments : list of Adjustment
        What is assumed.
    pay_rules : dict of str to CompPlan
        Compensation plans by their files.
    jobs : int
        Processes.
    told : callable
        Called with the step, what is done and what there is to do.
    timings : dict of str to float
        Seconds of each step, added to.
    """

    scenario: Scenario
    ready: Prepared
    plan: AnnualPlan
    phased: tuple[str, ...]
    adjustments: list[Adjustment]
    pay_rules: dict[str, CompPlan]
    jobs: int
    told: Progress
    timings: dict[str, float]

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        ready: Prepared,
        pay_rules: dict[str, CompPlan],
        jobs: int,
        told: Progress,
        timings: dict[str, float],
    ) -> Task:
        """Check what the scenario names against the fit, and read plan and assumptions.

        Raises
        ------
        InputError
            If a name is not known, or a target is wrong.
        """
        stages = ready.model.stays.stages if isinstance(ready.model, FittedPipeline) else None
        if wrong := wrong_card_names(scenario, stages):
            raise InputError(wrong)
        if wrong := without_quota(scenario, ready.model):
            raise InputError(wrong)
        plan, phased = phased_plan(scenario, load_plan(scenario, ready.history), ready.examined.history)
        adjustments = adjustments_of(scenario, ready.model)
        return cls(scenario, ready, plan, tuple(phased), adjustments, pay_rules, jobs, told, timings)

    @property
    def model(self) -> FittedPipeline | FittedBookings:
        """The fit, with the people who are assumed to come."""
        return with_people(self.ready.model, self.adjustments)

    def drawn(self) -> tuple[Forecast, Measured]:
        """Draw the trials, mix a rival in where the scenario asks for it, and say what that rests on."""
        with timed(self.timings, "simulate", self.told):
            forecast = self._simulated()
        with timed(self.timings, "combine", self.told):
            steps = lambda done, wanted: self.told("combine", done, wanted)  # noqa: E731
            known, spec = self.ready.examined.history, self.ready.spec
            return combined(self.scenario, forecast, known, spec, self.jobs, steps)

    def _simulated(self) -> Forecast:
        keys = self.scenario.keys
        targets = {label: self.plan.target(label) for label in coming(self.scenario)}
        return simulate(
            self.ready.model,
            keys.until,
            trials=keys.simulate.trials,
            tolerance=Tolerance(keys.simulate.tolerance, keys.simulate.tolerance),
            targets={label: target for label, target in targets.items() if target is not None},
            cluster=keys.simulate.dask,
            seed=keys.simulate.seed,
            period=keys.period,
            levels=keys.levels,
            jobs=self.jobs,
            progress=lambda done, wanted: self.told("simulate", done, wanted),
            adjustments=self.adjustments,
        )

    def exact(self) -> ExactForecast | None:
        """Work out laws without sampling error, where the scenario asks for them."""
        keys = self.scenario.keys
        if keys.simulate.method != "exact":
            return None
        with timed(self.timings, "exact", self.told):
            return simulate_exactly(self.ready.model, keys.until, keys.period, keys.levels, self.adjustments)

    def judged(self, model: FittedPipeline | FittedBookings, forecast: Forecast) -> Judged:
        """Propose quotas, hold draws against the plan, price pay and say how many to hire."""
        targets = company_targets(self.plan, forecast)
        with timed(self.timings, "evaluate", self.told):
            quotas = self._quotas(model, forecast)
            evaluation = evaluate_plan(forecast, targets, quotas)
            pay, notes = priced(self.scenario, self.pay_rules, model, forecast, quotas)
            hiring = hiring_of(self.scenario, model, forecast, targets)
            return Judged(quotas, with_pay(evaluation, pay), pay, notes, hiring)

    def _quotas(self, model: FittedPipeline | FittedBookings, forecast: Forecast) -> QuotaProposal | None:
        """Propose quotas for every period to come that has a target, for those who sell and those to be hired."""
        keys = self.scenario.keys.quotas
        if keys is None:
            return None
        totals = quota_totals(self.scenario, self.plan)
        if not totals:
            raise InputError(no_plan_for_quotas(self.scenario))
        return quotas_of(self.scenario, keys, model, forecast, totals, self.pay_rules)

    def new_map(
        self, model: FittedPipeline | FittedBookings, forecast: Forecast, quotas: QuotaProposal | None
    ) -> MapPlan | None:
        """Plan a new map, where the scenario asks for one."""
        if not self.scenario.keys.territories.new_map:
            return None
        from spmforecast.scenario.territories import plan_map  # few runs ask for a new map

        with timed(self.timings, "territories", self.told):
            totals = quota_totals(self.scenario, self.plan)
            return plan_map(self.scenario, model, forecast, self.plan, quotas, totals)
