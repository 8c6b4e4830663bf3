"""How good it is: calibration, backtest, choice among model specs, fairness, plan attainment and pay cost.

Public names so far: :func:`fairness` and the measures in :mod:`spmforecast.evaluate.inequality`.
"""

from spmforecast.evaluate.fairness import Fairness, fairness

__all__ = ["Fairness", "fairness"]
