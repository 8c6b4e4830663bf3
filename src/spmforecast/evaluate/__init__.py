"""How good it is: calibration, backtest, choice among model specs, fairness, plan attainment and pay cost.

Public names: :func:`evaluate_plan`, :func:`compare_schemes`, :func:`price_plan`, :func:`price_draws`, :func:`fairness`;
measures stand in :mod:`~spmforecast.evaluate.inequality`, :mod:`~spmforecast.evaluate.risk` and
:mod:`~spmforecast.evaluate.information`.
"""

from spmforecast.evaluate.fairness import Fairness, fairness
from spmforecast.evaluate.pay import PlanCost, price_draws, price_plan
from spmforecast.evaluate.plan import evaluate_plan
from spmforecast.evaluate.schemes import SchemeComparison, compare_schemes

__all__ = [
    "Fairness",
    "PlanCost",
    "SchemeComparison",
    "compare_schemes",
    "evaluate_plan",
    "fairness",
    "price_draws",
    "price_plan",
]
