"""The page of scorecards, made from their folder alone: river, team, leaderboard, and a card for each rep."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spmforecast.report.blocks import Block, Cell, Code, Column, Facts, Heading, Listing, Section, Text, tabulate
from spmforecast.report.folder import Row, Run, read_tables
from spmforecast.report.scorecard_cards import orphans, rep_card
from spmforecast.report.scorecard_figures import ranks, river
from spmforecast.report.scorecard_files import SCORECARD_FILES
from spmforecast.report.wording import MISSING, Scale, amount, chance, count, percent, share, tally

__all__ = ["FACTS", "ScorecardRun", "read_scorecards", "sections"]

FACTS = "scorecards.json"
COMPANY, OTHERS = "(company)", "(others)"
_ALL = "(all)"
_SHOWN = 15
_WAYS = {
    "leak": "a tenth of its losses and steps back moves on instead",
    "pace": "deals stay there a fifth less time",
}


@dataclass(frozen=True)
class ScorecardRun:
    """All that the page knows: facts of ``scorecards.json`` and rows of the tables by name."""

    facts: Run
    tables: dict[str, tuple[Row, ...]]

    def rows(self, table: str, **wanted: str) -> tuple[Row, ...]:
        """Return the rows of a table whose columns have these texts."""
        return tuple(row for row in self.tables[table] if all(row.text(key) == text for key, text in wanted.items()))


def read_scorecards(folder: Path) -> ScorecardRun:
    """Read the folder of scorecards.

    Raises
    ------
    InputError
        If a file is missing or damaged: every one is named.
    """
    facts, tables = read_tables(folder, FACTS, SCORECARD_FILES)
    return ScorecardRun(Run(facts, ()), tables)


def sections(run: ScorecardRun) -> tuple[Section, ...]:
    """Make the sections of the page."""
    made = (_river(run), _limits(run), _team(run), _board(run), _reps(run), _method(run))
    return tuple(one for one in made if one.blocks)


def _river(run: ScorecardRun) -> Section:
    facts, rows = run.facts, run.rows("river", segment=_ALL)
    found = facts.mapping("bottleneck")
    blocks: list[Block] = [Text(str(found.get("reason", "")))]
    if facts.strings("notes"):
        blocks.append(Listing(facts.strings("notes")))
    blocks += [river(rows, str(found.get("stage", ""))), _stage_table(run, rows, "")]
    blocks += [
        _stage_table(run, run.rows("river", segment=name), f"Segment {name}")
        for name in dict.fromkeys(row.text("segment") for row in run.tables["river"])
        if name != _ALL
    ]
    blocks += [Heading("What mending a stage is worth"), *_mends(run)]
    return Section("river", "River", f"{facts.fact('name')}: the pipeline as a river", tuple(blocks))


def _stage_table(run: ScorecardRun, rows: Sequence[Row], folded: str) -> Block:
    def number(name: str, write: Callable[[float], str] = count) -> Callable[[int], str]:
        return lambda index: _known(rows[index].number(name), write)

    def interval(name: str) -> Callable[[int], str]:
        return lambda index: _between(rows[index], name)

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Stage", numeric=False, style="strong"), lambda index: rows[index].text("stage")),
        (Column("In"), lambda index: count(rows[index].number("created") + rows[index].number("entered"))),
        (Column("On"), number("onward")),
        (Column("Won"), number("won")),
        (Column("Lost"), number("lost")),
        (Column("Mean days"), number("mean_days")),
        (Column("Median"), number("median_days")),
        (Column("Open now"), number("open")),
        (Column("By Little"), number("little_open", tally)),
        (Column("Healthy days"), number("longest_days")),
        (Column("Over it"), number("over_limit")),
        (Column("Wanted deals"), number("wanted", tally)),
        (Column("Move on (90 %)"), interval("p_on")),
        (Column("Won in the end (90 %)"), interval("p_won")),
        (Column("Visits behind"), number("visits")),
        (Column("Leverage"), number("leverage", _two)),
    ]
    caption = "" if folded else (
        f"Flows from {run.facts.fact('since')} to {run.facts.fact('as_of')}. Leverage: per cent more wins for one per "
        "cent more of those who move on."
    )  # fmt: skip
    return tabulate(columns, len(rows), caption=caption, folded=folded, dense=True)


def _mends(run: ScorecardRun) -> list[Block]:
    rows = sorted(run.tables["mends"], key=lambda row: -row.number("worth"))
    scale = Scale.fitting((row.number("p90") for row in rows), run.facts.currency)
    gains = {row.text("stage"): row.number("gain_leak") for row in run.rows("river", segment=_ALL)}

    def money(name: str) -> Callable[[int], str]:
        return lambda index: scale.text(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Stage", numeric=False, style="strong"), lambda index: rows[index].text("stage")),
        (Column("If", numeric=False), lambda index: _WAYS.get(rows[index].text("way"), rows[index].text("way"))),
        (Column("Worth", style="strong"), money("worth")),
        (Column("± error of simulation"), lambda index: scale.text(1.96 * rows[index].number("se"))),
        (Column("P10"), money("p10")),
        (Column("P50"), money("p50")),
        (Column("P90"), money("p90")),
        (Column("Draws above 0"), lambda index: chance(rows[index].number("p_above"))),
        (
            Column("Wins in the long run"),
            lambda index: (
                f"+{share(gains.get(rows[index].text('stage'), math.nan))}" if rows[index].text("way") == "leak" else ""
            ),
        ),
    ]
    told = (
        f"Bookings until {run.facts.fact('until')} beyond the forecast's, on the same luck draw by draw; what is still "
        "open then brings more later, which the last column tells in wins."
    )
    return [Text(told, "note"), tabulate(columns, len(rows), caption=scale.caption)]


def _limits(run: ScorecardRun) -> Section:
    rows = run.tables["breaches"]
    title = "Deals beyond the healthy time of their stage"
    if not rows:
        return Section("limits", "Stuck deals", title, (Text("None.", "note"),))
    shown = rows[:_SHOWN]
    expected = math.fsum(row.number("expected_amount") for row in rows if math.isfinite(row.number("expected_amount")))
    more = f" The {_SHOWN} of most expected amount:" if len(rows) > _SHOWN else ""
    told = (
        f"{len(rows):,} open {'deals' if len(rows) > 1 else 'deal'}, worth {amount(expected, run.facts.currency)} in "
        f"expectation.{more}"
    )
    scale = Scale.fitting((row.number("amount") for row in shown), run.facts.currency)
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Deal", numeric=False, style="id"), lambda index: shown[index].text("opportunity_id")),
        (Column("Owner", numeric=False, style="id"), lambda index: shown[index].text("owner_id")),
        (Column("Segment", numeric=False), lambda index: shown[index].text("segment")),
        (Column("Stage", numeric=False), lambda index: shown[index].text("stage")),
        (Column("Days there"), lambda index: count(shown[index].number("age_days"))),
        (Column("Healthy up to"), lambda index: count(shown[index].number("longest_days"))),
        (Column("Amount"), lambda index: scale.text(shown[index].number("amount"))),
        (Column("P(win)"), lambda index: chance(shown[index].number("p_win"))),
    ]
    caption = ", ".join(part for part in (scale.caption, "all of them in breaches.csv" if more else "") if part)
    return Section("limits", "Stuck deals", title, (Text(told), tabulate(columns, len(shown), caption=caption)))


def _team(run: ScorecardRun) -> Section:
    rows, facts = run.tables["team"], run.facts
    names = ("p90", "quota", "open_amount", "booked_year")
    scale = Scale.fitting((row.number(name) for row in rows for name in names), facts.currency)

    def money(name: str) -> Callable[[int], str]:
        return lambda index: scale.text(rows[index].number(name))

    def number(name: str, write: Callable[[float], str] = count) -> Callable[[int], str]:
        return lambda index: _known(rows[index].number(name), write)

    ahead = facts.fact("period_ahead")
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Manager", numeric=False, style="id"), lambda index: _manager(rows[index])),
        (Column("Reps"), number("reps")),
        (Column("Ramping"), number("ramping")),
        (Column(f"Booked {facts.fact('period')}"), money("booked_period")),
        (Column(f"Booked {facts.fact('fiscal_year')}"), money("booked_year")),
        (Column(f"{ahead}: P10"), money("p10")),
        (Column("P50"), money("p50")),
        (Column("P90"), money("p90")),
        (Column("Quotas"), money("quota")),
        (Column("P(quotas)"), number("p_quota", chance)),
        (Column("Reps below half"), number("reps_below_half")),
        (Column("Open"), money("open_amount")),
        (Column("Stuck deals"), number("over_limit")),
        (Column("Deals to act on"), number("actions")),
        (Column("Week’s targets met"), number("targets_met", percent)),
    ]
    told = (
        "The company's bookings and deals to act on hold those of owners who no longer sell, and its forecast people "
        "to come."
    )
    if any(math.isfinite(row.number("p_quota")) for row in rows):
        told = (
            "P(quotas): chance that a team reaches the sum of its quotas. Reps below half: those whose own chance to "
            f"reach the quota is below one half. {told}"
        )
    return Section(
        "team",
        "Team",
        "The team at a glance",
        (tabulate(columns, len(rows), caption=scale.caption, total=True, dense=True), Text(told, "note")),
    )


def _manager(row: Row) -> str:
    name = row.text("name")
    return f"{row.text('manager_id')}  {name}".strip() if name else row.text("manager_id")


def _board(run: ScorecardRun) -> Section:
    rows = run.tables["leaderboard"]
    if not rows:
        return Section("board", "Leaderboard", "Leaderboard", (Text("Nobody sells at this date.", "note"),))
    scale = Scale.fitting((row.number("bookings") for row in rows), run.facts.currency)

    def number(name: str, write: Callable[[float], str] = count) -> Callable[[int], str]:
        return lambda index: _known(rows[index].number(name), write)

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Adjusted"), number("rank_adjusted")),
        (Column("Raw"), number("rank")),
        (Column("Rep", numeric=False, style="id"), lambda index: _named(rows[index])),
        (Column("Territory", numeric=False, style="id"), lambda index: rows[index].text("territory_id")),
        (Column("Months here"), number("tenure_months")),
        (Column("Bookings"), number("bookings", scale.text)),
        (Column("Average rep’s"), number("expected_bookings", scale.text)),
        (Column("Index (90 %)"), lambda index: _span(rows[index])),
        (Column("P(best quarter)"), number("p_best_quarter", chance)),
        (
            Column("Deals opened / expected"),
            lambda index: f"{count(rows[index].number('opened'))} / {tally(rows[index].number('opened_expected'))}",
        ),
        (Column("Opening"), number("opened_index", _two)),
        (Column("Winning"), number("won_index", _two)),
        (Column("Richness of territory"), number("territory_level", _two)),
    ]
    told = (
        "Raw rank: bookings of the last year. Adjusted rank: what the rep made of the seat. Opening holds deals opened "
        "against those of an average rep of the same tenure in the same months and territory; winning holds bookings "
        "against what deals of the same segment, size and age brought. Their product, each shrunk towards 1 as far as "
        "reps' own figures are few, is the index: no hard territory and no newcomer is punished, and no lucky one "
        "praised, more than the record can tell."
    )
    shown = ranks(rows[:40])
    return Section(
        "board",
        "Leaderboard",
        "Leaderboard, raw and adjusted",
        (Text(told), shown, tabulate(columns, len(rows), caption=scale.caption, dense=True)),
    )


def _named(row: Row) -> str:
    return f"{row.text('rep_id')}  {row.text('name')}".strip()


def _span(row: Row) -> str:
    value, low, high = (row.number(f"index{end}") for end in ("", "_low", "_high"))
    return f"{value:.2f} ({low:.2f}–{high:.2f})" if math.isfinite(value + low + high) else MISSING


def _reps(run: ScorecardRun) -> Section:
    rows = [row for row in run.tables["scorecards"] if row.text("rep_id") != OTHERS]
    facts = run.facts
    told = (
        f"The week is that of {facts.fact('week')}, the last whole one. Proposed targets rest on the "
        f"{facts.fact('pace_weeks')} weeks before it; weekly.csv says whence each comes."
    )
    cards = [
        rep_card(
            facts,
            row,
            [one for one in run.tables["weekly"] if one.text("rep_id") == row.text("rep_id")],
            [one for one in run.tables["actions"] if one.text("rep_id") == row.text("rep_id")],
            [one for one in run.tables["well"] if one.text("rep_id") == row.text("rep_id")],
        )
        for row in rows
    ]
    reps = {row.text("rep_id") for row in rows}
    left = orphans(facts, [one for one in run.tables["actions"] if one.text("rep_id") not in reps])
    return (
        Section("reps", "Reps", "Each rep: scorecard and week", (Text(told, "note"), *cards, *left))
        if cards
        else Section("reps", "Reps", "Each rep", ())
    )


def _method(run: ScorecardRun) -> Section:
    facts = run.facts
    told = (
        ("As of", facts.fact("as_of")),
        ("River and leaderboard since", facts.fact("since")),
        ("Done so far in", facts.fact("period")),
        ("Forecast and quota of", facts.fact("period_ahead")),
        ("Draws", count(float(facts.trials))),
        ("Seed", facts.fact("seed")),
        ("spmforecast", facts.fact("version")),
    )
    text = (
        "Flows are counted at the close of days: what stood in a stage, plus what came, less what went, is what stands "
        "there now. Mean and median times count open deals as unfinished (Kaplan–Meier). Chances are views on "
        "the fitted process behind the forecast, with 90 % intervals; bookings so far and draws are the forecast's "
        "own, so the cards add up to it."
    )
    again = "spmforecast scorecards SCENARIO.yaml -o FOLDER\nspmforecast report FOLDER"
    return Section("method", "Method", "How it was made", (Text(text), Facts(told), Code(again)))


def _known(value: float, write: Callable[[float], str]) -> str:
    return write(value) if math.isfinite(value) else MISSING


def _two(value: float) -> str:
    return f"{value:.2f}"


def _between(row: Row, name: str) -> str:
    value, low, high = (row.number(f"{name}{end}") for end in ("", "_low", "_high"))
    if not math.isfinite(value):
        return MISSING
    return f"{percent(value)} ({100 * low:.0f}–{100 * high:.0f})" if math.isfinite(low + high) else percent(value)
