"""What people type: a thin face over `scenario` and `report`; exit status 0, 2 wrong input, 3 infeasible, 1 fault."""

from spmforecast.cli import answers, compare, data, planbook, scorecards, territories, update
from spmforecast.cli.common import app, main

__all__ = ["answers", "app", "compare", "data", "main", "planbook", "scorecards", "territories", "update"]
