"""What changed since the last forecast: the bridge, where years land then and now, and quotas of what is left."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from spmforecast.report.blocks import Block, Cell, Column, Heading, Listing, Section, Table, Text, tabulate
from spmforecast.report.bridge_figure import waterfall
from spmforecast.report.folder import Row, Run
from spmforecast.report.periods import is_year
from spmforecast.report.wording import Scale, amount, chance

__all__ = ["section"]

_ENDS = ("last_forecast", "this_forecast")
_NAMES = {
    "last_forecast": "Last forecast",
    "won_as_expected": "Won as expected",
    "created": "Created more or less",
    "converted": "Converted better or worse",
    "timing": "Earlier or later",
    "size": "Larger or smaller",
    "moved": "Moved between regions",
    "model": "Model change",
    "assumptions": "Assumption change",
    "restated": "Restated record",
    "this_forecast": "This forecast",
}
_SHORT = {
    "created": "created",
    "converted": "converted",
    "timing": "timing",
    "size": "size",
    "model": "model change",
    "assumptions": "assumption change",
    "restated": "restated record",
}
_DEALS = 10
_NOTE = (
    "Won as expected moves from what is to come to what is booked and changes no total. Deals are compared one by one, "
    "deals not known at the last date by region and segment; a change of several factors at once is split evenly over "
    "all orders (Shapley). Model change is the refit alone: the new rates against the old ones on the same record."
)


def section(run: Run) -> Section:
    """Make the section; without blocks where the run is no update."""
    if not run.bridge:
        return Section("update", "Update", "What changed since the last forecast", ())
    facts = run.mapping("update")
    blocks: list[Block] = [Text(_told(facts))]
    company = [row for row in run.bridge if row.text("node_level") == "company"]
    years = list(dict.fromkeys(row.text("period") for row in company if is_year(row.text("period"))))
    blocks += [_figure(run, [row for row in company if row.text("period") == year], year) for year in years]
    blocks += [_table(run, company), _table(run, company, "Of this, already booked", "booked")]
    blocks += [Text(_NOTE, "note"), *_regions(run)]
    if run.landing:
        blocks += [Heading("Where periods land"), _landing(run, run.landing)]
    if run.bridge_deals:
        blocks += [Heading("Deals that changed the forecast most"), _deals(run, run.bridge_deals[:_DEALS])]
    blocks += _quotas(run, facts)
    notes = facts.get("notes")
    if isinstance(notes, list) and notes:
        blocks.append(Listing(tuple(str(note) for note in notes), tone="warn", title="Notes"))
    return Section("update", "Update", "What changed since the last forecast", tuple(blocks))


def _told(facts: Mapping[str, object]) -> str:
    closed = facts.get("closed")
    shut = ", ".join(map(str, closed)) if isinstance(closed, list) else ""
    frozen = f" Closed periods stand at their bookings: {shut}." if shut else " No period has closed since."
    return f"The last forecast was made as of {facts.get('last_as_of')}, this one as of {facts.get('as_of')}.{frozen}"


def _figure(run: Run, rows: Sequence[Row], year: str) -> Block:
    by = {row.text("factor"): row for row in rows}
    effects = [
        (name, by[factor].number("amount"))
        for factor, name in _SHORT.items()
        if factor in by and by[factor].number("amount") != 0
    ]
    first, last = ((by[end].number("booked"), by[end].number("to_come")) for end in _ENDS)
    plans = [row.number("plan") for row in run.landing if row.text("period") == year]
    return waterfall(year, (first, last), effects, plans[-1] if plans else math.nan, run.currency)


def _table(run: Run, rows: Sequence[Row], folded: str = "", figure: str = "amount") -> Table:
    """Lay the bridge of one node out: a row for each factor, a column for each period and year."""
    periods = list(dict.fromkeys(row.text("period") for row in rows))
    cells = {(row.text("factor"), row.text("period")): row.number(figure) for row in rows}
    kept = [
        factor
        for factor in _NAMES
        if factor in (*_ENDS, "won_as_expected", "assumptions")
        or any(cells.get((factor, period), 0.0) != 0 for period in periods)
    ]
    scale = Scale.fitting(cells.values(), run.currency)

    def of(period: str) -> Callable[[int], str]:
        return lambda index: scale.text(cells.get((kept[index], period), math.nan))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("", numeric=False, style="strong"), lambda index: _NAMES[kept[index]])
    ]
    columns += [(Column(period, style="strong" if is_year(period) else ""), of(period)) for period in periods]
    return tabulate(columns, len(kept), caption=scale.caption, folded=folded, total=True)


def _regions(run: Run) -> list[Block]:
    nodes = list(dict.fromkeys(row.text("node") for row in run.bridge if row.text("node_level") == "region"))
    return [_table(run, [row for row in run.bridge if row.text("node") == node], f"Bridge of {node}") for node in nodes]


def _landing(run: Run, rows: Sequence[Row]) -> Table:
    scale = Scale.fitting((row.number("p90") for row in rows), run.currency)

    def write(name: str, how: Callable[[float], str]) -> Callable[[int], str]:
        return lambda index: how(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Period", numeric=False, style="strong"), lambda index: rows[index].text("period")),
        (
            Column("Forecast", numeric=False),
            lambda index: f"{rows[index].text('forecast')}, {rows[index].text('as_of')}",
        ),
        (Column("Booked"), write("booked", scale.text)),
        (Column("Expected"), write("mean", scale.text)),
        (Column("P10"), write("p10", scale.text)),
        (Column("P50"), write("p50", scale.text)),
        (Column("P90"), write("p90", scale.text)),
        (Column("Plan"), write("plan", scale.text)),
        (Column("P(plan)"), lambda index: _plan_chance(rows[index])),
    ]
    return tabulate(columns, len(rows), caption=scale.caption)


def _plan_chance(row: Row) -> str:
    """Write the chance to reach plan; a closed period's is certain, and so is a plan that is booked already."""
    certain = row.text("closed") == "True" or row.number("booked") >= row.number("plan") - 0.005
    return chance(row.number("p_plan"), certain)


def _deals(run: Run, rows: Sequence[Row]) -> Table:
    scale = Scale.fitting((row.number("change") for row in rows), run.currency)

    def write(name: str) -> Callable[[int], str]:
        return lambda index: scale.text(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Deal", numeric=False, style="id"), lambda index: rows[index].text("opportunity_id")),
        (Column("Owner", numeric=False), lambda index: rows[index].text("owner_id")),
        (Column("Now", numeric=False), lambda index: rows[index].text("status")),
        (Column("Was expected"), write("last_expected")),
        (Column("Is expected"), write("expected")),
        (Column("Change", style="strong"), write("change")),
        (Column("by chance"), write("converted")),
        (Column("by size"), write("size")),
    ]
    return tabulate(columns, len(rows), caption=f"At the rates of the last forecast{_comma(scale.caption)}")


def _comma(text: str) -> str:
    return f", {text}" if text else ""


def _quotas(run: Run, facts: Mapping[str, object]) -> list[Block]:
    rows = run.remaining_quotas
    if not rows:
        return []
    gap = facts.get("gap")
    told = [f"Policy: {facts.get('policy')}."]
    for year, value in gap.items() if isinstance(gap, dict) else ():
        short = float(value)
        if not round(short):
            continue
        side = "short of" if short > 0 else "beyond"
        told.append(f"Closed periods of {year} are {amount(abs(short), run.currency)} {side} plan.")
    scale = Scale.fitting((row.number("quota") for row in rows), run.currency)

    def write(name: str, how: Callable[[float], str]) -> Callable[[int], str]:
        return lambda index: how(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Period", numeric=False), lambda index: rows[index].text("period")),
        (Column("Rep", numeric=False, style="id"), lambda index: rows[index].text("rep_id")),
        (Column("Quota so far"), write("last_quota", scale.text)),
        (Column("Proposed", style="strong"), write("quota", scale.text)),
        (Column("Change"), write("change", scale.text)),
        (Column("P(attain)"), write("p_attain", chance)),
        (Column("Held by", numeric=False), lambda index: rows[index].text("limit")),
        (Column("Why", numeric=False), lambda index: rows[index].text("reason")),
    ]
    table = tabulate(columns, len(rows), caption=scale.caption, folded="" if len(rows) <= 16 else "All quotas")
    return [Heading("Quotas of the periods left"), Text(" ".join(told)), table]
