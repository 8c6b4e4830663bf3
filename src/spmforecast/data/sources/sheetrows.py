"""Rows of a worksheet as a raw table: the header found, cells typed, and rows with faulty cells named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.columns import raw_frame
from spmforecast.data.sources.headers import no_column_twice, unnamed_note, without_nul
from spmforecast.data.sources.pyvalues import ValueColumns
from spmforecast.errors import InputError, Problem

__all__ = ["SheetRow", "read_rows"]

SheetRow = tuple[int, Sequence[Any], Sequence[Any]]
"""Number of a row, its cells with values, and the same cells with formulas; cells are openpyxl's."""

_LOOKED_AT = 20
_CHUNK = 20_000


def read_rows(rows: Iterator[SheetRow], file: str, table: str) -> RawTable:
    """Turn the rows of a sheet into a raw table.

    The header is the first row of texts that fills at least half as many cells as the fullest of the first twenty;
    rows above it are titles. Empty rows are passed over; rows with an error, or with a formula that was never
    computed, are broken.

    Parameters
    ----------
    rows : iterator of SheetRow
        In order, empty ones included.
    file, table : str
        For messages.

    Returns
    -------
    RawTable
        Lines are the numbers of the rows.

    Raises
    ------
    InputError
        If the sheet is empty or names a column twice.
    """
    first, notes = _from_header(rows, file, table)
    line, cells, _ = first.pop(0)
    header = ["" if _is_blank(cell) else str(cell.value).strip() for cell in cells]
    no_column_twice(header, table, file, line)
    while header and not header[-1]:
        header.pop()
    named = [place for place, name in enumerate(header) if name]
    columns = ValueColumns([header[place] for place in named])
    lines: list[int] = []
    broken: list[Problem] = []
    chunk: list[list[object]] = []
    for number, row, written in chain(first, rows):
        if _is_empty(row, written):
            continue
        fault = _fault(row, written, header)
        if fault is not None:
            told, mend, column, value = fault
            broken.append(Problem(table, told, mend, file, number, column, value))
            continue
        chunk.append([row[place].value if place < len(row) else None for place in named])
        lines.append(number)
        if len(chunk) == _CHUNK:
            columns.add(chunk)
            chunk = []
    columns.add(chunk)
    said = (*notes, *unnamed_note(file, header))
    raw = RawTable(file, raw_frame(columns.frame()), np.array(lines, dtype=np.int64), tuple(broken), said)
    return without_nul(raw, table)


def _from_header(rows: Iterator[SheetRow], file: str, table: str) -> tuple[list[SheetRow], tuple[str, ...]]:
    """Return the header's row and those behind it that were looked at, and a note on what stands above."""
    seen: list[SheetRow] = []
    for row in rows:
        if not _is_empty(row[1], row[2]):
            seen.append(row)
        if len(seen) == _LOOKED_AT:
            break
    if not seen:
        mend = f"Give a header row and rows below it; a {table} table begins with its column names."
        raise InputError(Problem(table, "the sheet is empty", mend, file=file))
    filled = [[cell.value for cell in row[1] if not _is_blank(cell)] for row in seen]
    most = max(map(len, filled))
    wide = [place for place, values in enumerate(filled) if len(values) >= max((most + 1) // 2, min(2, most))]
    start = next((place for place in wide if all(isinstance(value, str) for value in filled[place])), wide[0])
    if not start:
        return seen, ()
    title = next((str(cell.value) for cell in seen[0][1] if not _is_blank(cell)), "")[:60]
    note = f"{file}: row {seen[start][0]} is taken as the header; {start} title row(s) above it are passed over"
    return seen[start:], (f"{note} (first: {title})",)


def _is_blank(cell: Any) -> bool:
    return cell.value is None or (isinstance(cell.value, str) and not cell.value.strip())


def _is_empty(row: Sequence[Any], written: Sequence[Any]) -> bool:
    return all(map(_is_blank, row)) and (written is row or all(map(_is_blank, written)))


def _fault(row: Sequence[Any], written: Sequence[Any], header: Sequence[str]) -> tuple[str, str, str, str] | None:
    """Return what is wrong with the first faulty cell: reason, mend, column and value."""
    for place, (cell, formula) in enumerate(zip(row, written, strict=False)):
        column = header[place] if place < len(header) else ""
        if cell.data_type == "e":
            mend = "Correct the formula, or empty the cell."
            return f"the cell holds the error {cell.value}", mend, column, str(cell.value)
        # A formula that came to an empty text has the type of a text; one that never ran has none.
        if formula.data_type == "f" and cell.value is None and cell.data_type not in ("str", "s"):
            mend = "Open the workbook in Excel and save it, so that formulas are computed."
            told = "the formula was never computed, so that the file holds no value for it"
            return told, mend, column, str(formula.value)[:80]
        if place >= len(header) and not _is_blank(cell):
            mend = "Give the column a name, or empty the cell."
            return "the row has cells beyond the header", mend, "", str(cell.value)[:80]
    return None
