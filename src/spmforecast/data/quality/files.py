"""What was found while the files were read: rejected rows, rows left out, names put right, lookups without a match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from spmforecast.data.history import REJECTED_COLUMNS
from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import Records
from spmforecast.data.quality.spelling import Speller
from spmforecast.data.tables import TABLES
from spmforecast.errors import Problem

__all__ = [
    "grouped",
    "left_out_rows",
    "mapped_spellings",
    "rejected_among",
    "rejected_rows",
    "told_in_groups",
    "unmatched_lookups",
    "without_figures",
]

_IN_BRACKETS = re.compile(r"\s*\([^()]*\d[^()]*\)")
_FIGURE = re.compile(r"\d[\d.,:T+-]*\d|\d")
_PLACE = re.compile(r"(stands already in ).*$")
_NOTE = re.compile(
    r"^(?P<file>.+?): (?P<rows>[\d,]+) rows have no match in (?P<other>.+) \(first: (?P<first>.*?)"
    r"(?:; did you mean (?P<nearest>.*)\?)?\)$",
    re.DOTALL,
)
_ON_PURPOSE = ("left out by where", "its opportunity was left out")
_DUPLICATE = "stands already in"
_ORPHAN = "its opportunity was rejected"


def without_figures(reason: str) -> str:
    """Strip what differs from row to row out of a reason, so that like ones can be grouped."""
    return _FIGURE.sub("#", _PLACE.sub(r"\1an earlier line", _IN_BRACKETS.sub("", reason)))


def grouped(rejected: pd.DataFrame) -> pd.DataFrame:
    """Group rejected rows that are rejected for the same reason.

    Parameters
    ----------
    rejected : pandas.DataFrame
        As in :class:`~spmforecast.data.history.History`.

    Returns
    -------
    pandas.DataFrame
        The same rows with a column ``group``, a number for each table, column and kind of reason in order of first
        appearance, and ``kind``, the reason without figures.
    """
    reasons = rejected["reason"].astype(object)
    kinds = {reason: without_figures(reason) for reason in reasons.unique()}
    told = rejected.assign(kind=reasons.map(kinds).astype("str"))
    return told.assign(group=told.groupby(["table", "column", "kind"], sort=False, dropna=False).ngroup())


def told_in_groups(problems: Iterable[Problem], most: int = 10) -> list[str]:
    """Write problems out, of rows rejected for a like reason the first few only with the number of the others.

    Parameters
    ----------
    problems : iterable of Problem
        In any number.
    most : int
        Examples of each table, column and kind of reason. Rows that fall with their opportunity are counted only;
        what is no row of a table (a map, a scenario, a file) is written out whatever its number.

    Returns
    -------
    list of str
        A line each, like ones together.
    """
    groups: dict[tuple[str, str, str], list[Problem]] = {}
    for number, one in enumerate(problems):
        row = one.table in TABLES and one.line is not None
        kind = without_figures(one.reason) if row else f"{one.reason}\x00{number}"
        groups.setdefault((one.table, one.column, kind), []).append(one)
    lines = []
    for (table, column, kind), like in groups.items():
        shown = 0 if kind == _ORPHAN else most
        lines += [str(one) for one in like[:shown]]
        rest = len(like) - shown
        if kind == _ORPHAN:
            rows = "1 row" if len(like) == 1 else f"{len(like):,} rows"
            lines.append(f"{table}, {column}: {rows}: {kind}")
        elif rest > 0:
            place = f"{table}, {column}" if column else table
            lines.append(f"… and {rest:,} more of {place}: {kind}")
    return lines


def rejected_among(problems: Iterable[Problem]) -> pd.DataFrame:
    """Return what ``rejected.csv`` holds of some problems: those that speak of a row of a table."""
    rows = [[getattr(one, name) for name in REJECTED_COLUMNS] for one in problems if _of_row(one)]
    return pd.DataFrame(rows, columns=list(REJECTED_COLUMNS))


def _of_row(one: Problem) -> bool:
    return one.table in TABLES and one.line is not None and one.line > 1


def rejected_rows(records: Records) -> Iterator[Finding]:
    """Tell the rejected rows, grouped by table, column and reason."""
    told = grouped(records.history.rejected)
    read = records.history.counts.groupby("table", sort=False)["read"].sum()
    for _, rows in told.groupby("group", sort=True):
        one = rows.iloc[0]
        table = str(one["table"])
        examples = [_place(row) for row in rows.head(5).to_dict("records")]
        yield Finding(
            "duplicate_ids" if _DUPLICATE in one["kind"] else "rejected_rows",
            table,
            str(one["column"]),
            len(rows),
            int(read.get(table, len(rows))),
            tuple(examples),
            f"Rows were rejected and are not used: {one['kind']}.",
            "Mend the rows of the opportunities; these will follow." if one["kind"] == _ORPHAN else str(one["mend"]),
        )


def _place(row: dict[object, object]) -> str:
    value = f" {row['value']!r}" if row["value"] else ""
    return f"{row['file']}, line {row['line']}{value}"


def left_out_rows(records: Records) -> Iterator[Finding]:
    """Tell what a map or a preset leaves out with a reason."""
    read = records.history.counts.groupby("table", sort=False)["read"].sum()
    for row in records.history.exclusions.to_dict("records"):
        if row["reason"] in _ON_PURPOSE:
            continue
        table = str(row["table"])
        yield Finding(
            "left_out_rows",
            table,
            "",
            int(row["rows"]),
            int(read.get(table, row["rows"])),
            (str(row["file"]),),
            f"Rows are left out on purpose ({row['reason']}): nothing they hold reaches the forecast.",
            "None is needed if the reason is right; else complete the rows, or change the map that leaves them out.",
        )


def mapped_spellings(records: Records) -> Iterator[Finding]:
    """Tell the names that a map brings to another spelling; what becomes another name altogether is no repair."""
    read = records.history.counts.groupby("table", sort=False)["read"].sum()
    told = records.history.translations
    pairs = zip(told["column"], told["value"], told["became"], strict=True)
    told = told[np.array([_is_spelling(*pair) for pair in pairs], dtype=bool)]
    for (table, column), rows in told.groupby(["table", "column"], sort=False):
        examples = [f"{one['value']} ~ {one['became']} ({one['rows']:,})" for one in rows.to_dict("records")]
        yield Finding(
            "mapped_spellings",
            str(table),
            str(column),
            int(rows["rows"].sum()),
            int(read[str(table)]),
            tuple(examples),
            f"The source spells some {column} otherwise than elsewhere: the map writes them alike.",
            "None is needed; other readers of the source will stumble over them.",
        )


def _is_spelling(column: str, value: str, became: str) -> bool:
    """Tell whether two names are one but for a slip; forecast categories are a vocabulary, not names."""
    return column != "forecast_category" and Speller([became]).nearest(value) is not None


def unmatched_lookups(records: Records) -> Iterator[Finding]:
    """Tell the lookups of a map (join) that found no match; :mod:`spmforecast.data.joins` words the notes."""
    files = records.history.counts.set_index("file")
    for note in records.history.warnings:
        found = _NOTE.match(note)
        if found is None:
            continue
        file, rows = found["file"], int(found["rows"].replace(",", ""))
        here = files[files.index == file]
        table = str(here["table"].iloc[0]) if len(here) else file
        near = found["nearest"]
        yield Finding(
            "unmatched_lookups",
            table,
            "",
            rows,
            int(here["read"].iloc[0]) if len(here) else rows,
            (f"{found['first']} ~ {near}" if near else found["first"],),
            f"Rows of {file} find no match in {found['other']}: what was to be looked up stays empty.",
            f"Make the two spellings one: {found['first']} in {file}, {near} in {found['other']}."
            if near
            else f"Complete {found['other']}, or correct the key.",
        )
