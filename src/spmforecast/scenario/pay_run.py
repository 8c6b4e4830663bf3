"""The pay of a run: the scenario's plan priced, with the effort that it assumes, and the tables that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from spmforecast.evaluate.pay import PlanCost
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.plan import CompPlan, QuotaProposal
from spmforecast.plan.compensation.effort import Effort, Elasticity, Kink, Timing
from spmforecast.scenario.keys import PayKeys
from spmforecast.scenario.pay import PayCase, pay_case
from spmforecast.scenario.schema import Scenario
from spmforecast.simulate import Forecast

__all__ = ["pay_notes", "pay_tables", "priced"]

Model = FittedPipeline | FittedBookings


def priced(
    scenario: Scenario, plans: Mapping[str, CompPlan], model: Model, forecast: Forecast, quotas: QuotaProposal | None
) -> tuple[PlanCost | None, tuple[str, ...]]:
    """Price the scenario's plan; returns the cost, and what a reader must know of it."""
    keys = scenario.keys.compensation
    if keys is None or quotas is None or not plans:
        return None, ()
    case = pay_case(scenario, next(iter(plans.values())), forecast, quotas, model.history.quotas)
    cost = case.price(effort_of(keys, case, model))
    return cost, (*case.notes, *cost.assumptions)


def pay_notes(cost: PlanCost | None, notes: Sequence[str]) -> dict[str, object]:
    """Describe the plan for ``run.json``."""
    if cost is None:
        return {}
    from spmforecast.plan.compensation.words import parts

    told = [{"part": part, "rule": rule} for part, rule in parts(cost.plan.terms)]
    return {
        "compensation": {
            "name": cost.plan.name,
            "periods": list(cost.periods),
            "parts": told,
            "assumptions": list(cost.assumptions),
            "notes": [note for note in notes if note not in cost.assumptions],
        }
    }


def pay_tables(cost: PlanCost) -> dict[str, pd.DataFrame]:
    """Make ``pay.csv``, ``pay_costs.csv`` and ``pay_deciles.csv``."""
    return {"pay": cost.by_period(), "pay_costs": cost.histogram(), "pay_deciles": cost.deciles()}


def effort_of(keys: PayKeys, case: PayCase, model: Model) -> list[Effort]:
    """Turn the switches of a scenario into assumptions; none where none is set."""
    out: list[Effort] = []
    asked = keys.effort
    if asked.elasticity is not None:
        out.append(Elasticity(asked.elasticity.elasticity, asked.elasticity.reference))
    if asked.kink is not None:
        out.append(Kink(asked.kink.rate, asked.kink.accelerated, asked.kink.bonus))
    if asked.timing is not None:
        late, early = near_ends(model, case, asked.timing.days)
        made = case.credits[case.main]
        # Nothing moves out of, or into, a period that is over.
        coming = np.arange(made.shape[2]) >= case.closed
        first = np.arange(made.shape[2]) > case.closed
        out.append(Timing(asked.timing.fraction, made * late * coming, made * early * first, asked.timing.days))
    return out


def near_ends(model: Model, case: PayCase, days: int) -> tuple[float, float]:
    """Measure which share of won amounts was booked in the last, and in the first, days of a period."""
    won = model.deals[(model.deals["status"] == "won").to_numpy()]
    kind = case.calendar.kind(case.periods[0])
    labels = pd.Series(case.calendar.labels(won["close_date"].to_numpy(), kind), index=won.index)
    spans = {label: case.calendar.period(label) for label in labels.unique()}
    day = won["close_date"].dt.normalize()
    whole = labels.map(lambda label: spans[label].end <= model.as_of).to_numpy(dtype=bool)
    left = (labels.map(lambda label: spans[label].end) - day).dt.days.to_numpy()
    gone = (day - labels.map(lambda label: spans[label].start)).dt.days.to_numpy()
    amount = won["amount"].fillna(0.0).to_numpy(dtype=np.float64) * whole
    total = float(amount.sum())
    if total <= 0:
        return 0.0, 0.0
    return float(amount[left < days].sum()) / total, float(amount[gone < days].sum()) / total
