"""The page of a backtest, made from its folder alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spmforecast.report.backtest_figures import curves, histograms, scores_by_week
from spmforecast.report.blocks import Block, Cell, Code, Column, Facts, Heading, Listing, Section, Table, Text, tabulate
from spmforecast.report.files import FileSpec
from spmforecast.report.folder import Row, Run, read_tables
from spmforecast.report.wording import MISSING, amount, count, share

__all__ = ["FACTS", "BacktestRun", "read_backtest", "sections"]

FACTS = "backtest.json"
FORECAST = "this forecast"
_AHEAD = ("the period under way", "the next period")
_LEVELS = {"company": "Company", "region": "Regions", "rep": "Reps"}

_FILES = {
    "summary": FileSpec(
        "backtest.csv",
        ("level", "ahead", "week", "method", "crps"),
        ("ahead", "cells", "periods", "crps", "wis", "energy", "bias", "held_50", "held_80", "held_95", "band_80_low",
         "band_80_high", "ratio", "ratio_low", "ratio_high", "p_value", "dm", "dm_p_value"),
        required=True,
    ),
    "cells": FileSpec("backtest_cells.csv", ("level", "ahead", "method", "pit"), ("ahead", "pit"), required=True),
    "deals": FileSpec("backtest_deals.csv", ("ahead", "brier"),
                      ("ahead", "deals", "won", "chance", "observed", "brier", "brier_base", "brier_skill", "slope")),
    "reliability": FileSpec("backtest_reliability.csv", ("ahead", "chance", "observed"),
                            ("ahead", "n", "chance", "observed", "low", "high")),
    "ages": FileSpec("backtest_ages.csv", ("ahead", "decile", "chance", "observed"),
                     ("ahead", "decile", "age_from", "age_to", "deals", "chance", "observed", "low", "high")),
    "drift": FileSpec("backtest_drift.csv", ("level", "target", "mean"), ("cases", "mean", "p_value")),
    "mixes": FileSpec("backtest_mixes.csv", ("as_of", "ahead", "rival", "weight"), ("ahead", "weight")),
}  # fmt: skip


@dataclass(frozen=True)
class BacktestRun:
    """All that the page knows: facts of ``backtest.json`` and rows of the tables by name."""

    facts: Run
    tables: dict[str, tuple[Row, ...]]

    def rows(self, name: str, **wanted: str) -> tuple[Row, ...]:
        """Return the rows of a table whose columns have these texts."""
        return tuple(row for row in self.tables[name] if all(row.text(key) == value for key, value in wanted.items()))

    @property
    def levels(self) -> list[tuple[str, str]]:
        """Levels and periods ahead that were judged, in order."""
        return list(dict.fromkeys((row.text("level"), row.text("ahead")) for row in self.tables["summary"]))


def read_backtest(folder: Path) -> BacktestRun:
    """Read the folder of a backtest.

    Raises
    ------
    InputError
        If a file is missing or damaged: every one is named.
    """
    facts, tables = read_tables(folder, FACTS, _FILES)
    return BacktestRun(Run(facts, ()), tables)


def sections(run: BacktestRun) -> tuple[Section, ...]:
    """Make the sections of the page."""
    return (_headline(run), _scores(run), _calibration(run), _deals(run), _method(run))


def _headline(run: BacktestRun) -> Section:
    facts = run.facts
    told = (
        f"{facts.fact('origins')} forecasts from {facts.fact('first')} to {facts.fact('last')}, each made with nothing "
        f"but what was known then, and judged by the record up to {facts.fact('until')}."
    )
    title = f"{facts.fact('name')}: the forecast on its own past"
    return Section("verdict", "Verdict", title, (Text(told), Listing(facts.strings("verdict"))))


def _scores(run: BacktestRun) -> Section:
    blocks: list[Block] = [
        Text(
            "CRPS is the distance between forecast and outcome in money: lower is better, a point forecast's is its "
            "absolute error. A ratio below 1 says that this forecast is better than the method; its interval resamples "
            "whole periods, the p-value flips the signs of whole periods. Up to p = 0.1 a difference counts as more "
            "than luck.",
            "note",
        )
    ]
    for level, ahead in run.levels:
        rows = run.rows("summary", level=level, ahead=ahead, week="all")
        blocks += [Heading(_heading(level, ahead)), _score_table(rows, run.facts.currency)]
        weeks = [row for row in run.rows("summary", level=level, ahead=ahead) if row.text("week") != "all"]
        if level == "company" and len({row.text("week") for row in weeks}) > 1:
            blocks.append(scores_by_week(weeks, run.facts.currency, f"weeks-{ahead}"))
    return Section("scores", "Against rivals", "Against what you do already", tuple(blocks))


def _heading(level: str, ahead: str) -> str:
    number = int(float(ahead))
    when = _AHEAD[number] if number < len(_AHEAD) else f"{number} periods ahead"
    return f"{_LEVELS.get(level, level)}, {when}"


def _score_table(rows: Sequence[Row], currency: str) -> Table:
    most = max((row.number("cells") for row in rows), default=0.0)
    ordered = sorted(rows, key=lambda row: row.number("crps"))
    unit = f" ({currency})" if currency else ""

    def number(name: str, write: Callable[[float], str]) -> Callable[[int], Cell | str]:
        return lambda index: _known(ordered[index].number(name), write)

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Method", numeric=False, style="strong"), lambda index: ordered[index].text("method")),
        (Column("Cases"), lambda index: _cases(ordered[index], most)),
        (Column(f"CRPS{unit}"), number("crps", amount)),
        (Column("Ratio"), number("ratio", _two)),
        (Column("90 % interval"), lambda index: _span(ordered[index])),
        (Column("p"), number("p_value", _two)),
        (Column(f"WIS{unit}"), number("wis", amount)),
        (Column("Energy"), number("energy", _two)),
        (Column("Bias"), number("bias", _signed)),
        (Column("50 % held"), number("held_50", share)),
        (Column("80 % held"), number("held_80", share)),
        (Column("95 % held"), number("held_95", share)),
    ]
    own = next((row for row in rows if row.text("method") == FORECAST), None)
    caption = ""
    if own is not None:
        band = f"{share(own.number('band_80_low'))} to {share(own.number('band_80_high'))}"
        cases = f"{count(own.number('periods'))} periods, {count(own.number('cells'))} cases"
        caption = f"{cases}; true 80 % intervals would hold {band} of them."
    return tabulate(columns, len(ordered), caption=caption, dense=True)


def _calibration(run: BacktestRun) -> Section:
    groups = [
        (
            _heading(level, ahead),
            [row.number("pit") for row in run.rows("cells", level=level, ahead=ahead, method=FORECAST)],
        )
        for level, ahead in run.levels
    ]
    told = Text(
        "Where each outcome fell in its forecast law, 0 the lowest draw and 1 the highest. Flat is calibrated; a hump "
        "in the middle means intervals too wide, heavy ends too narrow, a slope a bias. The band holds nine bars in "
        "ten by luck, if cases were independent.",
        "note",
    )
    return Section("calibration", "Intervals", "Do the intervals hold?", (told, histograms(groups), *_by_period(run)))


def _by_period(run: BacktestRun) -> list[Block]:
    rows = run.tables["drift"]
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (
            Column("Level", numeric=False),
            lambda index: _LEVELS.get(rows[index].text("level"), rows[index].text("level")),
        ),
        (Column("Period", numeric=False), lambda index: rows[index].text("target")),
        (Column("Cases"), lambda index: count(rows[index].number("cases"))),
        (Column("Mean place"), lambda index: _known(rows[index].number("mean"), _two)),
        (Column("p"), lambda index: _known(rows[index].number("p_value"), _two)),
    ]
    told = "Where outcomes fell, period by period: a mean below 0.5 says that less came than was forecast."
    return [Text(told, "note"), tabulate(columns, len(rows), folded="Place of outcomes by period")]


def _deals(run: BacktestRun) -> Section:
    if not run.tables["reliability"]:
        told = Text("No deals are recorded, or none was open at an origin.", "note")
        return Section("deals", "Deals", "Are the chances of single deals true?", (told,))
    blocks: list[Block] = []
    for ahead in dict.fromkeys(row.text("ahead") for row in run.tables["reliability"]):
        number = int(float(ahead))
        when = f"won by the end of {_AHEAD[number] if number < len(_AHEAD) else f'{number} periods ahead'}"
        blocks += [
            Heading(f"Chance to be {when}"),
            *_brier(run.rows("deals", ahead=ahead)),
            curves(run.rows("reliability", ahead=ahead), run.rows("ages", ahead=ahead), f"reliability-{number}"),
        ]
    return Section("deals", "Deals", "Are the chances of single deals true?", tuple(blocks))


def _brier(rows: Sequence[Row]) -> list[Block]:
    return [
        Facts(
            (
                ("forecasts of open deals", count(row.number("deals"))),
                ("expected to be won", share(row.number("chance"))),
                ("won", share(row.number("observed"))),
                ("Brier score", f"{row.number('brier'):.4f}"),
                ("of the share won, known afterwards", f"{row.number('brier_base'):.4f}"),
                ("calibration slope (1 is right)", _known(row.number("slope"), _two)),
            )
        )
        for row in rows
    ]


def _method(run: BacktestRun) -> Section:
    facts = run.facts
    told = (
        "At the close of each chosen week of every period the model was fitted again to what was known on that day. "
        "Rivals saw the same; round the number that each of them says stand the ratios of truth to forecast that it "
        "met at the same week of earlier periods. The mix takes some trials from the rival that had done best so far, "
        "by the weight that had done best, half-way to equal."
    )
    partners = [row.text("rival") for row in run.tables["mixes"] if row.text("rival")]
    mixes = [
        f"{name}: {partners.count(name)} of {len(partners)} mixes" for name in sorted(set(partners), key=partners.index)
    ]
    asked = (
        ("weeks of the period", ", ".join(str(week) for week in facts.facts.get("weeks", []))),
        ("trials", facts.fact("trials")),
        ("seed", facts.fact("seed")),
        ("origins that only taught the rivals", facts.fact("warm_up")),
    )
    blocks: list[Block] = [Text(told), Facts(asked)]
    if mixes:
        blocks.append(Listing(tuple(mixes), title="Rivals that the mix was made with"))
    blocks += [
        Heading("To make it again"),
        Code("spmforecast backtest SCENARIO.yaml -o FOLDER\nspmforecast report FOLDER"),
    ]
    return Section("method", "Method", "How it was made", tuple(blocks))


def _cases(row: Row, most: float) -> str:
    """Write how many cases a method spoke in, and of how many where it was silent in some."""
    told = _known(row.number("cells"), count)
    return f"{told} of {count(most)}" if row.number("cells") < most else told


def _known(value: float, write: Callable[[float], str]) -> str:
    return write(value) if math.isfinite(value) else MISSING


def _two(value: float) -> str:
    return f"{value:.2f}"


def _signed(value: float) -> str:
    return f"{100 * value:+z.0f} %".replace("-", "−")


def _span(row: Row) -> str:
    low, high = row.number("ratio_low"), row.number("ratio_high")
    return f"{low:.2f} – {high:.2f}" if math.isfinite(low) and math.isfinite(high) else MISSING
