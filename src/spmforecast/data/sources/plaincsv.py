"""Plain CSV, read quickly: files in which nothing is odd. Whatever else a file may be is left to the strict reader."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from spmforecast.data.arrow import text_of, whole
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.csvtext import separator_of

__all__ = ["BOM", "cells_of", "header_of", "in_order", "parse_plain_csv"]

BOM = b"\xef\xbb\xbf"
_BLOCK = 1 << 24
_QUOTE, _LINE_FEED, _RETURN = 34, 10, 13


def parse_plain_csv(data: bytes, file: str) -> RawTable | None:
    """Read CSV bytes in which every line is a row with as many cells as the header.

    Parameters
    ----------
    data : bytes
        UTF-8, with or without a byte order mark.
    file : str
        For the result.

    Returns
    -------
    RawTable or None
        The same as :func:`~spmforecast.data.sources.csvtext.parse_csv` gives; None where anything is in doubt: bytes
        that are not UTF-8, NULs, lone carriage returns, blank lines, odd quotation marks, cells with line breaks,
        rows of another width, a header that is not in order.
    """
    start = len(BOM) if data.startswith(BOM) else 0
    end = data.find(b"\n", start)
    header = header_of(data[start : end if end >= 0 else len(data)])
    if header is None:
        return None
    names, separator = header
    table = cells_of(data, names, separator, start, end + 1 if end >= 0 else len(data))
    if table is None:
        return None
    columns = table.columns
    del table
    frame = pd.DataFrame({name: text_of(whole(columns.pop(0))) for name in names}, copy=False)
    return RawTable(file, frame)


def header_of(line: bytes) -> tuple[list[str], str] | None:
    """Return names and separator of a header without its line feed, where every column has a name of its own."""
    try:
        text = line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        return None
    if not text.strip() or "\r" in text or text.count('"') % 2:
        return None
    separator = separator_of(text)
    try:
        names = [cell.strip() for cell in next(csv.reader([text], delimiter=separator, strict=True))]
    except csv.Error:
        return None
    return (names, separator) if all(names) and len(set(names)) == len(names) else None


def cells_of(
    data: bytes, names: Sequence[str], separator: str, start: int = 0, rows: int = 0, columns: Sequence[str] = ()
) -> pa.Table | None:
    """Return the rows of CSV bytes as text, a chunk a column; None where anything is in doubt.

    Parameters
    ----------
    data : bytes
        Whole lines.
    names : sequence of str
        Of the columns.
    separator : str
        What separates cells.
    start, rows : int
        Where text begins, and where rows do: behind the header, if there is one.
    columns : sequence of str
        Which columns to give; all where none is named.
    """
    if not in_order(data, separator, start):
        return None
    text = np.frombuffer(data, dtype=np.uint8)[rows:]
    lines = int(np.count_nonzero(text == _LINE_FEED)) + (len(text) > 0 and text[-1] != _LINE_FEED)
    if not lines:
        return pa.table({name: pa.array([], type=pa.large_string()) for name in columns or names})
    table = _read(text, names, separator, b'"' in data, columns or names)
    return None if table is None or table.num_rows != lines else table


def in_order(data: bytes, separator: str, start: int = 0) -> bool:
    """Tell whether whole lines hold no NULs, no lone carriage returns and no odd quotation marks."""
    if b"\0" in data or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return False
    return b'"' not in data or _quotes_in_order(data, start, separator)


def _quotes_in_order(data: bytes, start: int, separator: str) -> bool:
    """Tell whether quotation marks stand only around whole cells, or doubled inside them."""
    text = np.frombuffer(data, dtype=np.uint8)
    marks = np.flatnonzero(text == _QUOTE)
    if len(marks) % 2:
        return False
    opening, closing = marks[0::2], marks[1::2]
    before = text[np.maximum(opening - 1, 0)]
    after = text[np.minimum(closing + 1, len(text) - 1)]
    edges = [_LINE_FEED, ord(separator), _QUOTE]
    begins = (opening == start) | np.isin(before, edges)
    ends = (closing == len(text) - 1) | np.isin(after, [*edges, _RETURN])
    return bool(begins.all() and ends.all())


def _read(
    data: npt.NDArray[np.uint8], names: Sequence[str], separator: str, quoted: bool, columns: Sequence[str]
) -> pa.Table | None:
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(data)),
            arrow_csv.ReadOptions(column_names=list(names), block_size=_BLOCK, use_threads=len(data) > _BLOCK),
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=quoted),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                include_columns=list(columns),
                strings_can_be_null=False,
                check_utf8=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
