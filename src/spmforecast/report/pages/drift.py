"""Whether deals still behave as those did that the rates come from."""

from __future__ import annotations

from collections.abc import Callable

from spmforecast.report import wording
from spmforecast.report.blocks import Block, Cell, Column, Listing, Section, Text, tabulate
from spmforecast.report.folder import Row, Run

__all__ = ["section"]


def section(run: Run) -> Section:
    """Make the section on drift."""
    rows = run.drift
    if not rows:
        told = Text("No drift was looked for: there are no deals, or too few.", "note")
        return Section("drift", "Drift", "Has something changed?", (told,))
    alerts = [row for row in rows if _alerts(row)]
    blocks: list[Block] = [
        Listing(tuple(f"{row.text('told')}." for row in alerts), tone="warn", title="Alerts")
        if alerts
        else Text("No monitor alerts: deals behave, and look, as before.")
    ]
    blocks.append(
        Text(
            "A monitor alerts and changes nothing. Wins of an entry cohort are held against deals of other cohorts at "
            "the same ages; closings against the win rate before the last year (CUSUM, a false alarm in 2,000 "
            "closings); the make-up of new deals against the year before (PSI). "
            "A lively market raises a few alerts of its own.",
            "note",
        )
    )
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Monitor", numeric=False, style="strong"), lambda index: rows[index].text("monitor")),
        (Column("Of", numeric=False), lambda index: rows[index].text("what")),
        (Column("Value"), lambda index: f"{rows[index].number('value'):.2f}"),
        (Column("Limit"), lambda index: rows[index].text("limit")),
        (Column("Cases"), lambda index: wording.count(rows[index].number("cases"))),
        (Column("Alert", numeric=False), lambda index: "alert" if _alerts(rows[index]) else ""),
    ]
    blocks.append(tabulate(columns, len(rows), folded="" if len(rows) < 6 else "All monitors"))
    return Section("drift", "Drift", "Has something changed?", tuple(blocks))


def _alerts(row: Row) -> bool:
    return row.text("alert") == "True"
