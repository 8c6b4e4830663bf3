"""What to promise: quotas on draws with the cushion on top, hires, and territories with a proven bound.

The room works on forecasts, tables and plain arrays; it knows nothing of files, YAML or screens. Public names are
imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spmforecast.optimize.cushion import CushionChoice, choose_cushion, cushion_curve
    from spmforecast.optimize.hirelaw import HireLaw, learn_hire_law
    from spmforecast.optimize.hiring import HiringPlan, plan_hiring
    from spmforecast.optimize.objective import Objective, Solution
    from spmforecast.optimize.quotas import propose_quotas
    from spmforecast.optimize.territory.assigning import assign
    from spmforecast.optimize.territory.districting import design_territories
    from spmforecast.optimize.territory.potential import fit_potential, fit_workload
    from spmforecast.optimize.territory.proposing import fewest_moves, frontier, propose_territories, revise_territories
    from spmforecast.optimize.territory.staffing import match_reps, staffing_gaps

_HOME = {
    "CushionChoice": "cushion",
    "HireLaw": "hirelaw",
    "HiringPlan": "hiring",
    "Objective": "objective",
    "Solution": "objective",
    "assign": "territory.assigning",
    "choose_cushion": "cushion",
    "cushion_curve": "cushion",
    "design_territories": "territory.districting",
    "fewest_moves": "territory.proposing",
    "fit_potential": "territory.potential",
    "fit_workload": "territory.potential",
    "frontier": "territory.proposing",
    "learn_hire_law": "hirelaw",
    "match_reps": "territory.staffing",
    "plan_hiring": "hiring",
    "propose_quotas": "quotas",
    "propose_territories": "territory.proposing",
    "revise_territories": "territory.proposing",
    "staffing_gaps": "territory.staffing",
}

__all__ = [
    "CushionChoice",
    "HireLaw",
    "HiringPlan",
    "Objective",
    "Solution",
    "assign",
    "choose_cushion",
    "cushion_curve",
    "design_territories",
    "fewest_moves",
    "fit_potential",
    "fit_workload",
    "frontier",
    "learn_hire_law",
    "match_reps",
    "plan_hiring",
    "propose_quotas",
    "propose_territories",
    "revise_territories",
    "staffing_gaps",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
