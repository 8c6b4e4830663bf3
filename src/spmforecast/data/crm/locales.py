"""Locales: dates and numbers of an export as a person's map describes them, before a preset sees the cells.

A map beside a preset replaces the mapping of the tables that it names. Where it says nothing of a table but how dates
or numbers are written there, the preset goes on to hold, and the cells are brought to ISO 8601 and plain digits first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from spmforecast.data.cells import plain_numbers
from spmforecast.data.crm.rebuilt import RebuiltSource
from spmforecast.data.maps import Map, NumberFormat, TableMap
from spmforecast.data.naming import find_name, fold_column
from spmforecast.data.pieces import mapped_file
from spmforecast.data.sources import RawTable, Source
from spmforecast.data.sources.columns import as_text, is_text
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["in_plain_cells"]

_FORMATS = {"dates", "numbers"}


@dataclass
class _PlainSource(RebuiltSource):
    """An export some of whose tables were brought to plain cells; in all else it is as it was."""

    @property
    def folder(self) -> Path | None:
        """The folder of the export, where it is one."""
        folder = getattr(self.below, "folder", None)
        return folder if isinstance(folder, Path) else None

    def read_bytes(self, name: str, table: str) -> bytes:
        """Return the bytes of a file of the folder."""
        data: bytes = self.below.read_bytes(name, table)  # type: ignore[attr-defined]
        return data

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return the export's own notes."""
        return self.below.leftovers(used)


def in_plain_cells(source: Source, chart: Map | None, preset: Map) -> tuple[Source, Map | None]:
    """Take what a map says of dates and numbers alone out of it, and apply that to the export's cells.

    Parameters
    ----------
    source : Source
        The export.
    chart : Map or None
        The map that is to lie over a preset.
    preset : Map
        The preset, which says what columns may be called.

    Returns
    -------
    source : Source
        The export with plain cells.
    chart : Map or None
        What is left of the map.

    Raises
    ------
    InputError
        If a file or a column is not there; with every problem.
    """
    formats = {} if chart is None else {name: ones for name, ones in chart.tables.items() if _only_formats(ones)}
    if chart is None or not formats:
        return source, chart
    tables: dict[str, RawTable] = {}
    problems: list[Problem] = []
    for table, mappings in formats.items():
        for place, one in enumerate(mappings):
            try:
                name = mapped_file(source, one, chart, table, place)
                if name is not None:
                    raw = tables[name] if name in tables else source.read(name, table)
                    columns = _columns(raw, one, preset.tables.get(table, ()), chart, table, place)
                    tables[name] = _plain(raw, one, columns, table)
            except InputError as error:
                problems += error.problems
    if problems:
        raise InputError(problems)
    rest = {name: ones for name, ones in chart.tables.items() if name not in formats}
    return _PlainSource(source, tables, frozenset(tables)), replace(chart, tables=rest)


def _only_formats(mappings: tuple[TableMap, ...]) -> bool:
    """Tell whether mappings say nothing but how dates and numbers are written."""
    said = [one.model_fields_set for one in mappings]
    return all(keys & _FORMATS and keys <= {"file", "optional", *_FORMATS} for keys in said)


def _columns(
    raw: RawTable, mapping: TableMap, presets: tuple[TableMap, ...], chart: Map, table: str, place: int
) -> dict[str, list[str]]:
    """Find the file's columns that each name under ``dates`` and ``numbers`` means.

    A name is one of the file's own, or one of the preset's, which may stand for several of the file's.
    """
    there = list(raw.frame.columns)
    out: dict[str, list[str]] = {}
    problems = []
    for key in sorted(_FORMATS):
        for name in getattr(mapping, key):
            sought = [one.columns[name] for one in presets if name in one.columns]
            called = [[name], *([word] for words in sought for word in words)]
            found = dict.fromkeys(column for words in called for column in find_name(words, there, fold_column))
            out[name] = list(found)
            if not found:
                near = nearest(name, there)
                mend = f"Did you mean {near}?" if near else f"The columns are {', '.join(there)}."
                told = f"{raw.file} has no such column"
                problems.append(chart.problem(("tables", table, place, key, name), told, mend, name))
    if problems:
        raise InputError(problems)
    return out


def _plain(raw: RawTable, mapping: TableMap, columns: Mapping[str, list[str]], table: str) -> RawTable:
    """Rewrite cells; rows with a cell of another format are broken, each told once."""
    frame = raw.frame.copy()
    broken: dict[int, Problem] = {}
    for own, values, wrong, told in _rewritten(raw, mapping, columns):
        for row in np.flatnonzero(wrong).tolist():
            mend = "Write it as the map says, or correct the format there."
            found = str(raw.frame[own].iloc[row])
            broken.setdefault(row, Problem(table, told, mend, raw.file, int(raw.lines[row]), own, found))
        frame[own] = values
    kept = np.ones(len(frame), dtype=bool)
    kept[list(broken)] = False
    return replace(
        raw,
        frame=frame[kept].reset_index(drop=True),
        numbers=raw.lines[kept],
        broken=(*raw.broken, *(broken[row] for row in sorted(broken))),
    )


def _rewritten(
    raw: RawTable, mapping: TableMap, columns: Mapping[str, list[str]]
) -> Iterator[tuple[str, pd.Series, pd.Series, str]]:
    """Yield each column of the file with its new cells, which of them are of another format, and how to say so."""
    for name, pattern in mapping.dates.items():
        for own in columns[name]:
            if is_text(raw.frame[own]):
                yield own, *_dates(raw.frame[own], pattern), f"not a date of the format {pattern}"
    for name, how in mapping.numbers.items():
        for own in columns[name]:
            if is_text(raw.frame[own]):
                yield own, *_numbers(raw.frame[own], how), "not a number of the format that the map gives"


def _dates(cells: pd.Series, pattern: str) -> tuple[pd.Series, pd.Series]:
    words = as_text(cells).str.strip()
    read = pd.to_datetime(words.where(words != ""), format=pattern, errors="coerce", utc="%z" in pattern)
    timed = any(code in pattern for code in ("%H", "%I", "%X", "%c"))
    zone = "Z" if "%z" in pattern else ""
    plain = read.dt.strftime(f"%Y-%m-%dT%H:%M:%S{zone}" if timed else "%Y-%m-%d").astype("str").fillna("")
    return plain, (words != "") & read.isna()


def _numbers(cells: pd.Series, how: NumberFormat) -> tuple[pd.Series, pd.Series]:
    plain, wrong = plain_numbers(as_text(cells).str.strip(), how)
    return plain, pd.Series(wrong, index=cells.index)
