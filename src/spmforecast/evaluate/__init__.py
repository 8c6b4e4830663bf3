"""How good it is: calibration, backtest, choice among model specs, fairness, plan attainment and pay cost.

Public names so far: :func:`evaluate_plan`, :func:`price_plan`, :func:`price_draws`, :func:`fairness` and the measures
in :mod:`spmforecast.evaluate.inequality`.
"""

from spmforecast.evaluate.fairness import Fairness, fairness
from spmforecast.evaluate.pay import PlanCost, price_draws, price_plan
from spmforecast.evaluate.plan import evaluate_plan

__all__ = ["Fairness", "PlanCost", "evaluate_plan", "fairness", "price_draws", "price_plan"]
