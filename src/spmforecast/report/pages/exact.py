"""The company's exact laws beside the draws."""

from __future__ import annotations

from collections.abc import Callable

from spmforecast.report.blocks import Block, Cell, Column, Section, Text, tabulate
from spmforecast.report.folder import Row, Run
from spmforecast.report.pages.forecast import chance
from spmforecast.report.wording import Scale

__all__ = ["section"]

_AMOUNTS = (
    ("Mean", "mean"), ("Std. dev.", "sd"), ("P10", "p10"), ("Median", "p50"), ("P90", "p90"), ("Plan", "plan"),
)  # fmt: skip


def section(run: Run) -> Section:
    """Make the section on exact laws; empty where the run has none."""
    pairs = _pairs(run)
    if not pairs:
        return Section("exact", "Exact laws", "Exact laws", ())
    rows = [row for pair in pairs for row in pair]
    scale = Scale.fitting((row.number(name) for row in rows for _, name in _AMOUNTS), run.currency)

    def money(name: str) -> Callable[[int], str]:
        return lambda index: scale.text(rows[index].number(name))

    def reached(index: int) -> Cell:
        return chance(run.comparable(rows[index]).number("p_plan"))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Period", numeric=False, style="id"), lambda index: run.label(rows[index].text("period"))),
        (Column("Law", numeric=False), lambda index: ("exact", "drawn")[index % 2]),
        *((Column(title, style="strong" if name == "mean" else ""), money(name)) for title, name in _AMOUNTS),
        (Column("P(plan)", style="meterbar"), reached),
    ]
    text = (
        "Worked out without sampling error, beside the figures of the draws, on which every other table and chart of "
        f"this page rests. {_sentence(rows[0].text('left_out'))} Laws of each rep stand in exact.csv."
    )
    blocks: tuple[Block, ...] = (tabulate(columns, len(rows), caption=scale.caption), Text(text, "note"))
    return Section("exact", "Exact laws", "Exact laws of the company's bookings", blocks)


def _pairs(run: Run) -> list[tuple[Row, Row]]:
    """Pair the company's exact law of each period with what the draws say of it."""
    drawn = {row.text("period"): row for row in run.company}
    exact = [row for row in run.exact if row.text("node_level") == "company"]
    return [(row, drawn[row.text("period")]) for row in exact if row.text("period") in drawn]


def _sentence(told: str) -> str:
    """Write what is left out as a sentence."""
    told = told.removeprefix("method exact: ")
    return f"{told[:1].upper()}{told[1:]}." if told else ""
