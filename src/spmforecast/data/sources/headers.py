"""What all sources share: finding a table by its name, sound column names, and rows without NUL characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from spmforecast.data.arrow import arrow_of
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.columns import is_text
from spmforecast.errors import InputError, Problem

__all__ = ["called", "no_column_twice", "numbered", "sole", "unnamed_note", "without_nul"]


def called(table: str, names: Iterable[str]) -> list[str]:
    """Return the names that are a table's own: spelt as it is, else whatever case and blanks they are written with."""
    there = list(names)
    if table in there:
        return [table]
    return [name for name in there if name.strip().lower().replace(" ", "_").replace("-", "_") == table]


def sole(table: str, found: Sequence[str]) -> str | None:
    """Return the only name found, None where there is none.

    Raises
    ------
    InputError
        If there are several.
    """
    if len(found) > 1:
        told = f"{' and '.join(found)} are both there"
        raise InputError(Problem(table, told, "Keep one of them.", file=found[0]))
    return found[0] if found else None


def no_column_twice(names: Iterable[str], table: str, file: str, line: int = 1) -> None:
    """Refuse a header that names a column twice.

    Raises
    ------
    InputError
        With a problem for each such name.
    """
    named = [name for name in names if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        told, mend = "two columns have the same name", "Rename or remove one of them."
        raise InputError(Problem(table, told, mend, file=file, line=line, column=name) for name in twice)


def unnamed_note(file: str, names: Iterable[str]) -> tuple[str, ...]:
    """Say how many columns have no name and are passed over."""
    unnamed = sum(not name for name in names)
    return (f"{file}: {unnamed} column(s) without a name passed over",) if unnamed else ()


def numbered(file: str, frame: pd.DataFrame, table: str, notes: tuple[str, ...] = ()) -> RawTable:
    """Make a raw table of a frame whose rows have no lines of their own: the first row is line 2."""
    return without_nul(RawTable(file, frame, notes=notes), table)


def without_nul(raw: RawTable, table: str) -> RawTable:
    """Take out rows that hold a NUL character, which no text has and most tools stumble over."""
    bad = np.zeros(len(raw.frame), dtype=bool)
    where: dict[int, str] = {}
    for name in raw.frame.columns:
        if not is_text(raw.frame[name]):
            continue
        hit = pc.match_substring(arrow_of(raw.frame[name]), "\0").to_numpy(zero_copy_only=False).astype(bool)
        where.update({int(row): name for row in np.flatnonzero(hit & ~bad)})
        bad |= hit
    if not bad.any():
        return raw
    told, mend = "the cell holds a NUL byte", "Export the data again; this is damaged."
    found = [Problem(table, told, mend, raw.file, int(raw.lines[row]), column) for row, column in sorted(where.items())]
    frame = raw.frame[~bad].reset_index(drop=True)
    return RawTable(raw.file, frame, raw.lines[~bad], (*raw.broken, *found), raw.notes, raw.exclusions)
