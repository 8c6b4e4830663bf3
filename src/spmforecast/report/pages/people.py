"""People's own forecasts beside the model's, and what theirs came to before."""

from __future__ import annotations

from collections.abc import Callable

from spmforecast.report.blocks import Block, Cell, Column, Heading, Section, Table, Text, tabulate
from spmforecast.report.folder import Run
from spmforecast.report.wording import Scale, chance, count, percent, significant

__all__ = ["section"]

_WORDS = {"commit": "commit", "most_likely": "most likely", "best_case": "best case"}


def section(run: Run) -> Section:
    """Make the section; without blocks where nobody submits."""
    blocks: list[Block] = []
    if run.calls:
        blocks += [Text("People's calls are kept apart from the forecast and change nothing in it."), _calls(run)]
    if run.people:
        told = (
            "Bookings over the last call of each closed period. The estimate leans on all who call, by as much as they "
            "are alike; below 1, calls have been too high."
        )
        blocks += [Heading("What calls came to"), Text(told), _people(run)]
    return Section("people", "Calls", "What people call", tuple(blocks))


def _calls(run: Run) -> Table:
    rows = run.calls
    scale = Scale.fitting((row.number("call") for row in rows), run.currency)

    def write(name: str) -> Callable[[int], str]:
        return lambda index: scale.text(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Period", numeric=False), lambda index: rows[index].text("period")),
        (Column("Node", numeric=False, style="id"), lambda index: rows[index].text("node")),
        (Column("By", numeric=False, style="id"), lambda index: rows[index].text("submitted_by")),
        (Column("Call", numeric=False), lambda index: _WORDS.get(rows[index].text("category"), "")),
        (Column("Amount", style="strong"), write("call")),
        (Column("As calls came true"), write("expected")),
        (Column("Forecast"), write("model_mean")),
        (Column("P10"), write("model_p10")),
        (Column("P90"), write("model_p90")),
        (Column("P(call reached)"), lambda index: chance(rows[index].number("p_reached"))),
    ]
    return tabulate(columns, len(rows), caption=scale.caption, dense=True)


def _people(run: Run) -> Table:
    rows = run.people

    def write(name: str) -> Callable[[int], str]:
        return lambda index: significant(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("By", numeric=False, style="id"), lambda index: rows[index].text("submitted_by")),
        (Column("Call", numeric=False), lambda index: _WORDS.get(rows[index].text("category"), "")),
        (Column("Periods"), lambda index: count(rows[index].number("periods"))),
        (Column("Booked / called"), write("realisation")),
        (Column("Estimate", style="strong"), write("estimate")),
        (Column("95 % from"), write("low")),
        (Column("to"), write("high")),
        (Column("Leans on all by"), lambda index: percent(rows[index].number("shrinkage"))),
        (Column("Call reached"), lambda index: percent(rows[index].number("reached"))),
    ]
    return tabulate(columns, len(rows), dense=True)
