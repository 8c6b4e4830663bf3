"""Plain CSV, read quickly: files in which nothing is odd. Whatever else a file may be is left to the strict reader."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from spmforecast.data.arrow import text_of, whole
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.csvtext import separator_of

__all__ = ["parse_plain_csv"]

_BOM = b"\xef\xbb\xbf"
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
    start = len(_BOM) if data.startswith(_BOM) else 0
    if b"\0" in data or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return None
    header = _header(data[start : data.find(b"\n", start) if b"\n" in data else len(data)])
    if header is None:
        return None
    names, separator = header
    quoted = b'"' in data
    if quoted and not _quotes_in_order(data, start, separator):
        return None
    table = _read(data, names, separator, quoted)
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if table is None or table.num_rows + 1 != lines:
        return None
    columns = table.columns
    del table
    frame = pd.DataFrame({name: text_of(whole(columns.pop(0))) for name in names})
    return RawTable(file, frame, np.arange(2, len(frame) + 2, dtype=np.int64))


def _header(line: bytes) -> tuple[list[str], str] | None:
    """Return names and separator where every column has a name of its own."""
    try:
        text = line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        return None
    if not text.strip() or text.count('"') % 2:
        return None
    separator = separator_of(text)
    try:
        names = [cell.strip() for cell in next(csv.reader([text], delimiter=separator, strict=True))]
    except csv.Error:
        return None
    return (names, separator) if all(names) and len(set(names)) == len(names) else None


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


def _read(data: bytes, names: list[str], separator: str, quoted: bool) -> pa.Table | None:
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(data),
            arrow_csv.ReadOptions(skip_rows=1, column_names=names, block_size=_BLOCK),
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=quoted),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False, check_utf8=True
            ),
        )
    except pa.ArrowInvalid:
        return None
