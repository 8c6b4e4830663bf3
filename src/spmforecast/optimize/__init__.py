"""What to promise: quota allocation on the draws of a forecast, the cushion on top, and hires.

The room works on forecasts and plain arrays; it knows nothing of files, YAML or screens.
"""

from spmforecast.optimize.cushion import CushionChoice, choose_cushion, cushion_curve
from spmforecast.optimize.hirelaw import HireLaw, learn_hire_law
from spmforecast.optimize.hiring import HiringPlan, plan_hiring
from spmforecast.optimize.objective import Objective, Solution
from spmforecast.optimize.quotas import propose_quotas

__all__ = [
    "CushionChoice",
    "HireLaw",
    "HiringPlan",
    "Objective",
    "Solution",
    "choose_cushion",
    "cushion_curve",
    "learn_hire_law",
    "plan_hiring",
    "propose_quotas",
]
