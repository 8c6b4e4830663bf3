"""The page of a comparison, made from its folder alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spmforecast.report.blocks import Block, Cell, Code, Column, Facts, Heading, Listing, Section, Table, Text, tabulate
from spmforecast.report.compare_figures import ranges, swings, waterfall
from spmforecast.report.files import FileSpec
from spmforecast.report.folder import Row, Run, read_tables
from spmforecast.report.periods import order
from spmforecast.report.wording import Scale, amount, chance, count, share

__all__ = ["FACTS", "CompareRun", "read_compare", "sections"]

FACTS = "compare.json"
_LEVELS = {
    "company": "Company", "region": "Regions", "territory": "Territories", "manager": "Managers", "rep": "Reps",
    "segment": "Segments", "product": "Products",
}  # fmt: skip
_MOST_ROWS = 60

_FILES = {
    "comparison": FileSpec(
        "comparison.csv",
        ("scenario", "node_level", "node", "period", "base", "mean", "difference"),
        ("base", "mean", "difference", "se", "low", "high", "p10", "p50", "p90", "p_above", "p_below", "trials_needed"),
        required=True,
    ),
    "plans": FileSpec(
        "plans.csv",
        ("scenario", "period", "p_plan_base", "p_plan"),
        ("plan_base", "plan", "p_plan_base", "p_plan", "difference", "se", "low", "high"),
    ),
    "metrics": FileSpec("metrics.csv", ("scenario", "metric", "value"), ("value", "difference")),
    "attribution": FileSpec(
        "attribution.csv", ("scenario", "period", "figure", "change", "share"), ("share", "se", "low", "high")
    ),
    "changes": FileSpec("changes.csv", ("scenario", "period", "change"), ("alone", "last")),
    "inputs": FileSpec("inputs.csv", ("period", "input"), ("low", "high", "mean", "se")),
    "value": FileSpec("value.csv", ("input", "value"), ("value",)),
}


@dataclass(frozen=True)
class CompareRun:
    """All that the page knows: facts of ``compare.json`` and rows of the tables by name."""

    facts: Run
    tables: dict[str, tuple[Row, ...]]

    def rows(self, table: str, **wanted: str) -> tuple[Row, ...]:
        """Return the rows of a table whose columns have these texts."""
        return tuple(row for row in self.tables[table] if all(row.text(key) == text for key, text in wanted.items()))

    @property
    def scenarios(self) -> list[str]:
        """Names, the base first."""
        return [str(one.get("name", "")) for one in self.facts.records("scenarios")]

    @property
    def focus(self) -> str:
        """Period that the page speaks of first."""
        return self.facts.fact("focus")


def read_compare(folder: Path) -> CompareRun:
    """Read the folder of a comparison.

    Raises
    ------
    InputError
        If a file is missing or damaged: every one is named.
    """
    facts, tables = read_tables(folder, FACTS, _FILES)
    return CompareRun(Run(facts, ()), tables)


def sections(run: CompareRun) -> tuple[Section, ...]:
    """Make the sections of the page."""
    made = (_headline(run), _shares(run), _uncertain(run), _levels(run), _method(run))
    return tuple(one for one in made if one.blocks)


def _headline(run: CompareRun) -> Section:
    base, others = run.scenarios[0], run.scenarios[1:]
    blocks: list[Block] = [Listing(run.facts.strings("verdict"))]
    company = [row for row in run.rows("comparison", node_level="company") if row.number("base") != row.number("mean")]
    company = [row for row in company if row.number("se") > 0]
    if company:
        blocks.append(ranges(company, run.facts.currency, base))
    for name in others:
        blocks += [Heading(f"{name} against {base}"), _company(run, name), *_plans(run, name)]
    told = [
        f"{one.get('name')}: {line}"
        for one in run.facts.records("scenarios")
        for line in _texts(one.get("assumptions"))
    ]
    if told:
        blocks.append(Listing(tuple(told), title="What is assumed"))
    return Section("answer", "Answer", f"{' and '.join(others)} against {base}", tuple(blocks))


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _company(run: CompareRun, name: str) -> Table:
    rows = sorted(
        run.rows("comparison", node_level="company", scenario=name), key=lambda row: order(row.text("period"))
    )
    return _table(run, [row for row in rows if row.number("se") > 0 or row.number("difference") != 0] or rows, False)


def _table(run: CompareRun, rows: Sequence[Row], nodes: bool, folded: str = "") -> Table:
    scale = Scale.fitting((row.number("mean") for row in rows), run.facts.currency)

    def write(name: str, how: Callable[[float], str]) -> Callable[[int], str]:
        return lambda index: how(rows[index].number(name))

    def part(name: str) -> Callable[[int], str]:
        return lambda index: chance(rows[index].number(name), certain=_never_apart(rows[index]))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = []
    if nodes:
        columns.append((Column("Node", numeric=False, style="id"), lambda index: rows[index].text("node")))
    columns += [
        (Column("Period", numeric=False), lambda index: run.facts.label(rows[index].text("period"))),
        (Column("Base"), write("base", scale.text)),
        (Column("This one"), write("mean", scale.text)),
        (Column("Difference", style="strong"), write("difference", scale.text)),
        (Column("95 % from"), write("low", scale.text)),
        (Column("to"), write("high", scale.text)),
        (Column("P10 of it"), write("p10", scale.text)),
        (Column("P50"), write("p50", scale.text)),
        (Column("P90"), write("p90", scale.text)),
        (Column("P(more)"), part("p_above")),
        (Column("P(less)"), part("p_below")),
    ]
    return tabulate(columns, len(rows), caption=scale.caption, folded=folded, dense=True)


def _never_apart(row: Row) -> bool:
    return row.number("p_above") == row.number("p_below") == 0.0


def _plans(run: CompareRun, name: str) -> list[Block]:
    rows = [row for row in run.rows("plans", scenario=name) if 0 < row.number("p_plan_base") + row.number("p_plan") < 2]
    if not rows:
        return []
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Period", numeric=False), lambda index: rows[index].text("period")),
        (Column("Plan"), lambda index: amount(rows[index].number("plan"))),
        (Column("P(plan), base"), lambda index: chance(rows[index].number("p_plan_base"))),
        (Column("P(plan), this one", style="strong"), lambda index: chance(rows[index].number("p_plan"))),
        (Column("Difference"), lambda index: share(rows[index].number("difference"))),
        (Column("95 % from"), lambda index: share(rows[index].number("low"))),
        (Column("to"), lambda index: share(rows[index].number("high"))),
    ]
    return [tabulate(columns, len(rows))]


def _shares(run: CompareRun) -> Section:
    blocks: list[Block] = []
    for name in run.scenarios[1:]:
        rows = run.rows("attribution", scenario=name, period=run.focus, figure="bookings")
        if len([row for row in rows if not row.text("change").startswith("(")]) < 2:
            continue
        first = next(row for row in run.rows("comparison", scenario=name, node_level="company", period=run.focus))
        blocks += [
            Heading(f"{name}, {run.focus}"),
            waterfall(f"shares-{len(blocks)}", first.number("base"), rows, run.facts.currency),
            _share_table(run, name),
            _alone(run, name),
        ]
    if blocks:
        blocks.append(
            Text(
                "What a change brings depends on which others are made already. Its share is what it adds averaged "
                f"over all orders (Shapley), on the first {count(float(run.facts.fact('shared_trials') or 0))} draws; "
                "what further draws add has a row of its own, so that shares sum to the difference, to the cent.",
                "note",
            )
        )
    return Section("shares", "Shares", "What brings how much", tuple(blocks))


def _share_table(run: CompareRun, name: str) -> Table:
    rows = [
        row
        for row in run.rows("attribution", scenario=name)
        if row.text("figure") == "bookings" or row.text("period") == run.focus
    ]
    rows = sorted(rows, key=lambda row: (row.text("figure"), order(row.text("period"))))
    scale = Scale.fitting((row.number("share") for row in rows if row.text("figure") == "bookings"), run.facts.currency)

    def write(column: str) -> Callable[[int], str]:
        def told(index: int) -> str:
            value = rows[index].number(column)
            return share(value) if rows[index].text("figure") == "p_plan" else scale.text(value)

        return told

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Period", numeric=False), lambda index: rows[index].text("period")),
        (Column("Figure", numeric=False), lambda i: "P(plan)" if rows[i].text("figure") == "p_plan" else "bookings"),
        (Column("Change", numeric=False), lambda index: rows[index].text("change").strip("()")),
        (Column("Share", style="strong"), write("share")),
        (Column("95 % from"), write("low")),
        (Column("to"), write("high")),
    ]
    return tabulate(columns, len(rows), caption=scale.caption, folded=f"Shares by period, {name}")


def _alone(run: CompareRun, name: str) -> Table:
    rows = run.rows("changes", scenario=name, period=run.focus)
    scale = Scale.fitting((row.number("alone") for row in rows), run.facts.currency)
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Change", numeric=False), lambda index: rows[index].text("change")),
        (Column("Made alone"), lambda index: scale.text(rows[index].number("alone"))),
        (Column("Made last"), lambda index: scale.text(rows[index].number("last"))),
    ]
    return tabulate(
        columns, len(rows), caption=scale.caption, folded=f"Each change alone, and after all others, {name}"
    )


def _uncertain(run: CompareRun) -> Section:
    rows = run.rows("inputs", period=run.focus)
    blocks: list[Block] = []
    if rows:
        blocks = [
            Text(f"How far bookings of {run.focus} move with what is uncertain in {run.scenarios[0]}."),
            swings(rows, run.facts.currency),
            _swing_table(rows, run.facts.currency),
        ]
    value = run.rows("value")
    if any(row.number("value") > 0 for row in value):
        scale = Scale.fitting((row.number("value") for row in value), run.facts.currency)
        columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
            (Column("To know", numeric=False), lambda index: value[index].text("input")),
            (Column("is worth"), lambda index: scale.text(value[index].number("value"))),
        ]
        blocks += [
            Heading("What knowing it would be worth, before a scenario is chosen"),
            Text(_worth(run)),
            tabulate(columns, len(value), caption=scale.caption),
        ]
    return Section("inputs", "Uncertainty", "What is uncertain, and what it is worth to know", tuple(blocks))


def _swing_table(rows: Sequence[Row], currency: str) -> Table:
    rows = sorted(rows, key=lambda row: -abs(row.number("high") - row.number("low")))
    scale = Scale.fitting((row.number("mean") for row in rows), currency)
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Input", numeric=False), lambda index: rows[index].text("input")),
        (Column("Bookings where it is low"), lambda index: scale.text(rows[index].number("low"))),
        (Column("where it is high"), lambda index: scale.text(rows[index].number("high"))),
        (
            Column("Difference", style="strong"),
            lambda index: scale.text(rows[index].number("high") - rows[index].number("low")),
        ),
        (Column("± error"), lambda index: scale.text(rows[index].number("se"))),
    ]
    caption = f"{scale.caption}; ± one standard error of simulation of the difference".lstrip("; ")
    return tabulate(columns, len(rows), caption=caption, folded="These figures")


def _worth(run: CompareRun) -> str:
    margin = run.facts.fact("margin")
    told = [
        f"{one.get('name')} {amount(float(one.get('worth', math.nan)), run.facts.currency)}"
        for one in run.facts.records("scenarios")
    ]
    return f"Bookings of the horizon times {margin}, less what assumptions cost: {', '.join(told)}."


def _levels(run: CompareRun) -> Section:
    blocks: list[Block] = []
    for name in run.scenarios[1:]:
        for level, title in _LEVELS.items():
            rows = [
                row
                for row in run.rows("comparison", scenario=name, node_level=level, period=run.focus)
                if row.number("difference") != 0 or row.number("se") > 0
            ]
            if level == "company" or not rows:
                continue
            rows.sort(key=lambda row: -abs(row.number("difference")))
            left = f" (the {_MOST_ROWS} largest of {len(rows)})" if len(rows) > _MOST_ROWS else ""
            blocks.append(_table(run, rows[:_MOST_ROWS], True, f"{title}, {name}, {run.focus}{left}"))
    return Section("levels", "Levels", "Where it differs", tuple(blocks))


def _method(run: CompareRun) -> Section:
    facts = run.facts
    files = " ".join(str(one.get("file", "")) for one in facts.records("scenarios"))
    told = (
        ("As of", facts.fact("as_of")),
        ("Until", facts.fact("until")),
        ("Draws", count(float(facts.trials))),
        ("Seed", facts.fact("seed")),
        ("spmforecast", facts.fact("version")),
    )
    text = (
        "All scenarios are drawn with the same luck, entity by entity, so a difference comes from what differs and "
        "from nothing else. Intervals of 95 % tell the error of simulation in the mean difference; P10 to P90 are "
        "quantiles of the difference between paired draws, which are not differences of quantiles; P(more) and P(less) "
        "are the shares of draws in which the scenario books more, and less."
    )
    again = f"spmforecast compare {files} --trials {facts.trials} --seed {facts.fact('seed')} -o FOLDER"
    return Section("method", "Method", "How it was made", (Text(text), Facts(told), Code(again)))
