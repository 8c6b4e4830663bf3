"""The new map, where there is one: rules, balance, what it books against today's map, and each move with its reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from spmforecast.report.blocks import Block, Cell, Column, Drawing, Heading, Listing, Section, Table, Text, tabulate
from spmforecast.report.folder import Row, Run
from spmforecast.report.maps import balance_by_moves, before_and_after, load_bars
from spmforecast.report.pages.levels import names
from spmforecast.report.wording import Scale, count, percent, significant

__all__ = ["section"]

_OPEN = 25
_TOLD = {
    "bookings": "Bookings, mean",
    "p_plan": "Probability of reaching the plan",
    "reps_at_quota": "Reps at or above quota",
    "p_plan_carried": "Plan reached without bookings above quota",
    "p_attain_range": "Spread of P(attain) between reps",
}


def section(run: Run) -> Section:
    """Make the section; without blocks where today's map is kept."""
    title = "Territories: the new map"
    if not run.mapping("territories"):
        return Section("territories", "Territories", title, ())
    blocks: list[Block] = [Text(_verdict(run)), Listing(_rules(run), title="Rules and assumptions")]
    blocks += _drawings(run)
    blocks += [Heading("What it books, on the same draws", "territories-paired"), *_paired(run)]
    if run.territories:
        blocks.append(_reps(run))
    if run.moves:
        blocks += [Heading("Moves", "territories-moves"), *_moves(run)]
    return Section("territories", "Territories", title, tuple(blocks))


def _verdict(run: Run) -> str:
    told = run.mapping("territories")
    gap, share = told.get("gap"), told.get("moved_share")
    proof = f"within {100 * gap:.2f} % of the proven bound" if isinstance(gap, int | float) else "without a proven gap"
    part = f", {percent(share)} of potential" if isinstance(share, int | float) else ""
    return (
        f"{told.get('moves', 0):,} of {len(run.territory_accounts):,} accounts change hands{part}; the map is {proof}."
    )


def _rules(run: Run) -> tuple[str, ...]:
    rules = run.mapping("territories").get("rules")
    return tuple(str(rule) for rule in rules) if isinstance(rules, list) else ()


def _drawings(run: Run) -> list[Drawing]:
    measures = run.mapping("territories").get("measures")
    called = names(run)
    found = [before_and_after(run.territory_accounts, called)]
    if isinstance(measures, dict):
        found += [load_bars(run.territories, str(name), float(share), called) for name, share in measures.items()]
    found.append(balance_by_moves(run.territory_frontier))
    return [one for one in found if one is not None]


def _paired(run: Run) -> list[Block]:
    """Tabulate metrics by period: today, proposed, difference and its interval."""
    rows = run.territory_evaluation
    scale = Scale.fitting(
        (row.number(name) for row in rows if row.text("metric") == "bookings" for name in ("today", "proposed")),
        run.currency,
    )

    def write(name: str, signed: bool = False) -> Callable[[int], str]:
        return lambda index: _figure(rows[index], name, scale, signed)

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Period", numeric=False), lambda index: rows[index].text("period")),
        (Column("Measure", numeric=False), lambda index: _TOLD.get(rows[index].text("metric"), "")),
        (Column("Today"), write("today")),
        (Column("Proposed"), write("proposed")),
        (Column("Difference", style="strong"), write("difference", True)),
        (Column("95 % from"), write("low", True)),
        (Column("95 % to"), write("high", True)),
    ]
    note = "Intervals tell the error of simulation in the mean difference, not that of the model or of the assumptions."
    return [tabulate(columns, len(rows), caption=scale.caption), Text(note, "note")]


def _figure(row: Row, name: str, scale: Scale, signed: bool) -> str:
    value = row.number(name)
    if math.isnan(value):
        return ""
    written = scale.text(value) if row.text("metric") == "bookings" else count(100 * value, 1)
    sign = "+" if signed and value > 0 and written.strip("0.,") else ""
    if row.text("metric") == "bookings":
        return sign + written
    return f"{sign}{written} {'points' if signed else '%'}"


def _reps(run: Run) -> Table:
    rows = run.territories

    def whole(name: str) -> Callable[[int], str]:
        return lambda index: significant(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Rep", numeric=False, style="id"), lambda index: _called(run, rows[index].text("rep_id"))),
        (Column("Accounts today"), whole("accounts_today")),
        (Column("Accounts"), whole("accounts")),
        (Column("Potential today"), whole("potential_today")),
        (Column("Potential"), whole("potential")),
        (Column("Workload today"), whole("workload_today")),
        (Column("Workload"), whole("workload")),
        (Column("Km today"), whole("km_today")),
        (Column("Km"), whole("km")),
    ]
    return tabulate(columns, len(rows), folded="Each rep today and under the new map")


def _moves(run: Run) -> list[Block]:
    head, rest = run.moves[:_OPEN], run.moves[_OPEN:]
    tables: list[Block] = [_move_table(run, head, "")]
    return tables + ([_move_table(run, rest, f"{len(rest):,} further moves")] if rest else [])


def _called(run: Run, rep: str) -> str:
    name = names(run).get(rep, "")
    return f"{name} ({rep})" if name and name != rep else rep


def _move_table(run: Run, rows: Sequence[Row], folded: str) -> Table:
    def text(name: str) -> Callable[[int], str]:
        return lambda index: rows[index].text(name)

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Account", numeric=False, style="id"), text("account_id")),
        (Column("From", numeric=False, style="id"), lambda index: _called(run, rows[index].text("from"))),
        (Column("To", numeric=False, style="id"), lambda index: _called(run, rows[index].text("to"))),
        (Column("Potential"), lambda index: significant(rows[index].number("potential"))),
        (Column("Reason", numeric=False), text("reason")),
    ]
    return tabulate(columns, len(rows), folded=folded)
