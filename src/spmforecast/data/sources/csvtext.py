"""CSV text as a raw table, judged strictly: every row that cannot be told apart into cells is named."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import numpy as np
import pandas as pd

from spmforecast.data.sources.base import RawTable
from spmforecast.errors import InputError, Problem

__all__ = ["parse_csv", "separator_of"]

_SEPARATORS = ",;\t|"


def parse_csv(text: str, file: str, table: str) -> RawTable:
    """Read CSV text with a header.

    The separator (comma, semicolon, tab or bar) is the one that splits the header most. Cells may hold quoted
    line breaks; wholly empty lines are passed over.

    Parameters
    ----------
    text : str
        The file's text.
    file, table : str
        For messages.

    Returns
    -------
    RawTable

    Raises
    ------
    InputError
        If it is empty, has no header, names a column twice or leaves a quotation mark open.
    """
    if not text.strip():
        mend = f"Give a header line and rows, or remove the file; a {table} table begins with its column names."
        raise InputError(Problem(table, "the file is empty", mend, file=file, line=1))
    separator = separator_of(text.lstrip("\r\n").splitlines()[0])
    header: list[str] | None = None
    rows: list[list[str]] = []
    lines: list[int] = []
    broken: list[Problem] = []
    for line, cells in _records(text, separator, table, file):
        if isinstance(cells, Problem):
            if header is None:
                raise InputError(cells)
            broken.append(cells)
        elif header is None:
            header = _header(cells, table, file, line)
        elif len(cells) == len(header):
            rows.append(cells)
            lines.append(line)
        else:
            broken.append(_wrong_width(cells, header, table, file, line))
    assert header is not None, "text that is not blank has a first record"
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    named = {name: pd.Series(cells, dtype="str") for name, cells in zip(header, columns, strict=True) if name}
    raw = RawTable(file, pd.DataFrame(named), np.array(lines, dtype=np.int64), tuple(broken))
    raw = _with_notes(raw, header)
    return _without_nul(raw, table) if "\0" in text else raw


def _records(text: str, separator: str, table: str, file: str) -> Iterator[tuple[int, list[str] | Problem]]:
    """Yield each record with the line on which it begins; one that is malformed is yielded as its problem."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    while True:
        try:
            for cells in reader:
                if cells:
                    yield start, cells
                start = reader.line_num + 1
            return
        except csv.Error as error:
            if "unexpected end" in str(error) or "field larger" in str(error):
                mend = "Close the quotation mark, or double it if it belongs to the text."
                told = "a quotation mark is opened here and never closed"
                raise InputError(Problem(table, told, mend, file=file, line=start)) from error
            span = f" (the row runs to line {reader.line_num})" if reader.line_num > start else ""
            told = f"the row cannot be told apart into cells: {error}{span}"
            yield start, Problem(table, told, "Double every quotation mark inside a quoted cell.", file, start)
            start = reader.line_num + 1


def separator_of(first: str) -> str:
    """Return the separator that splits the first line into most cells; comma where none does."""
    widths = [len(next(csv.reader([first], delimiter=candidate), [])) for candidate in _SEPARATORS]
    return _SEPARATORS[int(np.argmax(widths))]


def _header(cells: list[str], table: str, file: str, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not any(names):
        raise InputError(Problem(table, "there is no header", "Begin with the column names.", file=file, line=line))
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        mend = "Rename or remove one of them."
        raise InputError(
            Problem(table, "two columns have the same name", mend, file=file, line=line, column=name) for name in twice
        )
    return names


def _wrong_width(cells: list[str], header: list[str], table: str, file: str, line: int) -> Problem:
    told = f"the row has {len(cells)} cells, the header {len(header)}"
    mend = "Add the missing separators." if len(cells) < len(header) else "Quote cells that hold the separator."
    return Problem(table, told, mend, file=file, line=line, value=" | ".join(cells)[:80])


def _with_notes(raw: RawTable, header: list[str]) -> RawTable:
    unnamed = sum(not name for name in header)
    if not unnamed:
        return raw
    note = f"{raw.file}: {unnamed} column(s) without a name passed over"
    return RawTable(raw.file, raw.frame, raw.lines, raw.broken, (note,))


def _without_nul(raw: RawTable, table: str) -> RawTable:
    """Take out rows that hold a NUL byte, which no text has and most tools stumble over."""
    bad = np.zeros(len(raw.frame), dtype=bool)
    where: dict[int, str] = {}
    for name in raw.frame.columns:
        hit = raw.frame[name].str.contains("\0", regex=False).to_numpy(dtype=bool)
        where.update({int(row): name for row in np.flatnonzero(hit & ~bad)})
        bad |= hit
    if not bad.any():
        return raw
    told, mend = "the cell holds a NUL byte", "Export the file again; this one is damaged."
    found = [Problem(table, told, mend, raw.file, int(raw.lines[row]), column) for row, column in sorted(where.items())]
    frame = raw.frame[~bad].reset_index(drop=True)
    return RawTable(raw.file, frame, raw.lines[~bad], (*raw.broken, *found), raw.notes)
