"""From a company's CRM history to a plan it can trust.

Fit how deals really move, simulate what may happen, propose quotas, and judge every proposal against the annual plan.
Public names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spmforecast import scores
    from spmforecast.calendar import FiscalCalendar
    from spmforecast.data import ExampleCompany, History, read_history
    from spmforecast.data.quality import quality_report
    from spmforecast.errors import InfeasibleError, InputError, Problem, SpmError
    from spmforecast.evaluate import PlanCost, compare_schemes, evaluate_plan, price_draws, price_plan
    from spmforecast.evaluate.backtest import Backtest, BacktestSettings
    from spmforecast.models import BookingsModel, FittedBookings, FittedPipeline, ModelSpec, PipelineModel
    from spmforecast.optimize import (
        HireLaw,
        assign,
        choose_cushion,
        cushion_curve,
        design_territories,
        learn_hire_law,
        plan_hiring,
        propose_quotas,
        propose_territories,
        revise_territories,
    )
    from spmforecast.plan import (
        AnnualPlan,
        Assignment,
        AttributeLimit,
        CompPlan,
        Districts,
        Hierarchy,
        Ledger,
        Limits,
        QuotaProposal,
        Statement,
        TerritoryProposal,
        prorate,
    )
    from spmforecast.report import report
    from spmforecast.scenario import RunResult, load_scenario
    from spmforecast.scenario.backtest import backtest
    from spmforecast.scenario.compare import Comparison, compare
    from spmforecast.scenario.planbook import Planbook
    from spmforecast.scenario.run import run
    from spmforecast.scenario.scorecards import Scorecards, scorecards
    from spmforecast.scenario.update import UpdateResult, update
    from spmforecast.simulate import ExactForecast, Forecast, Tolerance, simulate, simulate_exactly

# Where each public name lives; "" marks a module of its own.
_HOME = {
    "AnnualPlan": "plan",
    "Assignment": "plan",
    "AttributeLimit": "plan",
    "Backtest": "evaluate.backtest",
    "BacktestSettings": "evaluate.backtest",
    "BookingsModel": "models",
    "CompPlan": "plan",
    "Comparison": "scenario.compare",
    "Districts": "plan",
    "ExactForecast": "simulate",
    "ExampleCompany": "data",
    "FiscalCalendar": "calendar",
    "FittedBookings": "models",
    "FittedPipeline": "models",
    "Forecast": "simulate",
    "Hierarchy": "plan",
    "HireLaw": "optimize",
    "History": "data",
    "InfeasibleError": "errors",
    "InputError": "errors",
    "Ledger": "plan",
    "Limits": "plan",
    "ModelSpec": "models",
    "PipelineModel": "models",
    "PlanCost": "evaluate",
    "Planbook": "scenario.planbook",
    "Problem": "errors",
    "QuotaProposal": "plan",
    "RunResult": "scenario",
    "Scorecards": "scenario.scorecards",
    "SpmError": "errors",
    "Statement": "plan",
    "TerritoryProposal": "plan",
    "Tolerance": "simulate",
    "UpdateResult": "scenario.update",
    "assign": "optimize",
    "backtest": "scenario",
    "choose_cushion": "optimize",
    "compare": "scenario.compare",
    "compare_schemes": "evaluate",
    "cushion_curve": "optimize",
    "design_territories": "optimize",
    "evaluate_plan": "evaluate",
    "learn_hire_law": "optimize",
    "load_scenario": "scenario",
    "plan_hiring": "optimize",
    "price_draws": "evaluate",
    "price_plan": "evaluate",
    "propose_quotas": "optimize",
    "propose_territories": "optimize",
    "prorate": "plan",
    "quality_report": "data.quality",
    "read_history": "data",
    "report": "report",
    "revise_territories": "optimize",
    "run": "scenario",
    "scorecards": "scenario.scorecards",
    "scores": "",
    "simulate": "simulate",
    "simulate_exactly": "simulate",
    "update": "scenario.update",
}

__all__ = [
    "AnnualPlan",
    "Assignment",
    "AttributeLimit",
    "Backtest",
    "BacktestSettings",
    "BookingsModel",
    "CompPlan",
    "Comparison",
    "Districts",
    "ExactForecast",
    "ExampleCompany",
    "FiscalCalendar",
    "FittedBookings",
    "FittedPipeline",
    "Forecast",
    "Hierarchy",
    "HireLaw",
    "History",
    "InfeasibleError",
    "InputError",
    "Ledger",
    "Limits",
    "ModelSpec",
    "PipelineModel",
    "PlanCost",
    "Planbook",
    "Problem",
    "QuotaProposal",
    "RunResult",
    "Scorecards",
    "SpmError",
    "Statement",
    "TerritoryProposal",
    "Tolerance",
    "UpdateResult",
    "assign",
    "backtest",
    "choose_cushion",
    "compare",
    "compare_schemes",
    "cushion_curve",
    "design_territories",
    "evaluate_plan",
    "learn_hire_law",
    "load_scenario",
    "plan_hiring",
    "price_draws",
    "price_plan",
    "propose_quotas",
    "propose_territories",
    "prorate",
    "quality_report",
    "read_history",
    "report",
    "revise_territories",
    "run",
    "scorecards",
    "scores",
    "simulate",
    "simulate_exactly",
    "update",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not _HOME[name]:
        return importlib.import_module(f"{__name__}.{name}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
