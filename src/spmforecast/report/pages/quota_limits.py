"""What stands behind single quotas: how a total falls down the levels, and what people decided, with their reasons."""

from __future__ import annotations

import math
from collections.abc import Callable

from spmforecast.report.blocks import Cell, Column, Table, tabulate
from spmforecast.report.folder import Row, Run
from spmforecast.report.wording import Scale, share

__all__ = ["decided", "down"]


def down(run: Run, period: str, folded: str) -> list[Table]:
    """Tabulate the nodes between company and rep: asked for, cushion, handed on; none where there is no hierarchy."""
    rows = [row for row in run.nodes if row.text("period") == period]
    if not rows:
        return []
    write, scale = _amounts(run, rows, ("quota", "assigned", "remainder"))
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Level", numeric=False), lambda index: rows[index].text("node_level")),
        (Column("Node", numeric=False, style="id"), lambda index: rows[index].text("node")),
        (Column("Part of", numeric=False), lambda index: rows[index].text("parent")),
        (Column("Asked for", style="strong"), write("quota")),
        (Column("Cushion"), lambda index: share(rows[index].number("cushion"))),
        (Column("Handed on"), write("assigned")),
        (Column("Left by rounding"), write("remainder")),
    ]
    return [tabulate(columns, len(rows), caption=scale.caption, folded=folded)]


def decided(run: Run) -> Table:
    """Tabulate decisions on single reps with their reasons, beside what the method would have said."""
    rows = list(run.overrides)
    write, scale = _amounts(run, rows, ("amount", "quota", "without_limits"))
    names = {row.text("rep_id"): row.text("name") for row in run.quotas}

    def rep(index: int) -> str:
        own = rows[index].text("rep_id")
        name = names.get(own, "")
        return f"{name} ({own})" if name and name != own else own

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Rep", numeric=False, style="id"), rep),
        (Column("Period", numeric=False), lambda index: rows[index].text("period")),
        (Column("What", numeric=False), lambda index: rows[index].text("limit")),
        (Column("Amount"), write("amount")),
        (Column("Quota", style="strong"), write("quota")),
        (Column("By the method alone"), write("without_limits")),
        (Column("Reason", numeric=False), lambda index: rows[index].text("reason")),
    ]
    return tabulate(columns, len(rows), caption=scale.caption)


def _amounts(run: Run, rows: list[Row], names: tuple[str, ...]) -> tuple[Callable[[str], Callable[[int], str]], Scale]:
    found = (row.number(name) for row in rows for name in names)
    scale = Scale.fitting((value for value in found if math.isfinite(value)), run.currency)
    return lambda name: lambda index: scale.text(rows[index].number(name)), scale
