"""What people type: a thin face over `scenario` and `report`; exit status 0, 2 wrong input, 3 infeasible, 1 fault."""

from spmforecast.cli import answers, compare, data, planbook, scorecards, territories, update
from spmforecast.cli.common import app, main

__all__ = ["answers", "app", "compare", "data", "main", "planbook", "scorecards", "territories", "update"]

_AS_MET = ("example", "import", "check", "run", "compare", "update", "quotas", "territories", "scorecards", "backtest")
"""Commands in the order in which a new user meets them; --help lists them so, and others behind."""


def _place(name: str | None) -> int:
    return _AS_MET.index(name) if name in _AS_MET else len(_AS_MET)


app.registered_commands.sort(key=lambda one: _place(one.name or getattr(one.callback, "__name__", "")))
