"""Rows of Python values as raw columns: what database drivers and workbooks give, cell by cell."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from spmforecast.data.sources.arrowtypes import EXACT
from spmforecast.data.sources.columns import as_text, is_text

__all__ = ["ValueColumns"]

_INT64 = 2**63
_NONE = type(None)


@dataclass
class ValueColumns:
    """Columns that grow by chunks of rows, each chunk typed at once, so that few Python objects live at a time.

    Parameters
    ----------
    names : sequence of str
        Names of the k columns, each once.
    """

    names: Sequence[str]
    rows: int = field(default=0, init=False)
    _parts: list[list[pd.Series]] = field(default_factory=list, init=False)
    _bytes: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._parts = [[] for _ in self.names]

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Take in some rows, each of k cells; None is a missing value."""
        self.rows += len(rows)
        for place, cells in enumerate(zip(*rows, strict=True)):
            odd = sum(_no_text(cell) for cell in cells if isinstance(cell, bytes | bytearray | memoryview))
            if odd:
                self._bytes[self.names[place]] = self._bytes.get(self.names[place], 0) + odd
            self._parts[place].append(_column(cells))

    def frame(self) -> pd.DataFrame:
        """Return all rows: float64, int64, datetime64 or text by column, text where cells are of several types."""
        columns = {name: _joined(parts) for name, parts in zip(self.names, self._parts, strict=True)}
        return pd.DataFrame(columns, index=range(self.rows))

    def notes(self, file: str) -> tuple[str, ...]:
        """Say which columns hold bytes that are no text."""
        return tuple(
            f"{file}: {cells:,} cells of {name} hold bytes that are no UTF-8 text, read as hexadecimal digits"
            for name, cells in self._bytes.items()
        )


def _column(cells: Sequence[object]) -> pd.Series:
    """Type a chunk; one without any value has the dtype object, which :func:`_joined` fits to the others."""
    kinds = {type(cell) for cell in cells} - {_NONE}
    if not kinds:
        return pd.Series([None] * len(cells), dtype="object")
    if kinds <= {int, float}:
        return _numbers(cells, kinds)
    if kinds <= {datetime, date}:
        return _dates(cells)
    return _words(cells)


def _numbers(cells: Sequence[object], kinds: set[type]) -> pd.Series:
    whole = [cell for cell in cells if isinstance(cell, int)]
    if kinds == {int} and len(whole) == len(cells) and all(-_INT64 <= cell < _INT64 for cell in whole):
        return pd.Series(whole, dtype="int64")
    if all(-EXACT < cell < EXACT for cell in whole):
        return pd.Series(cells, dtype="float64")
    return _words(cells)


def _dates(cells: Sequence[object]) -> pd.Series:
    stamps = [_stamp(cell) for cell in cells]
    zones = {stamp.tzinfo is not None for stamp in stamps if stamp is not None}
    if len(zones) > 1:
        return _words(cells)
    aware = zones == {True}
    try:
        bare = [None if s is None else s.astimezone(UTC).replace(tzinfo=None) if aware else s for s in stamps]
    except OverflowError:  # a day at the very end of the calendar
        return _words(cells)
    column = pd.Series(np.array(bare, dtype="datetime64[us]"))
    return column.dt.tz_localize("UTC") if aware else column


def _stamp(cell: object) -> datetime | None:
    if isinstance(cell, datetime):
        return cell
    return datetime(cell.year, cell.month, cell.day) if isinstance(cell, date) else None


def _words(cells: Sequence[object]) -> pd.Series:
    return pd.Series([_word(cell) for cell in cells], dtype="str")


def _word(cell: object) -> str:
    """Write one value as text: ISO 8601 dates, whole numbers without a point, JSON for lists and records."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if abs(cell) < EXACT and cell == int(cell) else repr(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, bytes | bytearray | memoryview):
        data = bytes(cell)
        return rf"\x{data.hex()}" if _no_text(data) else data.decode()
    if isinstance(cell, dict | list | tuple):
        return json.dumps(cell, default=str, ensure_ascii=False)
    return str(cell)


def _no_text(data: bytes | bytearray | memoryview) -> bool:
    try:
        bytes(data).decode()
    except UnicodeDecodeError:
        return True
    return False


def _joined(parts: Sequence[pd.Series]) -> pd.Series:
    """Stack the chunks of a column; where their types differ, numbers become floats and all else text."""
    filled = [part for part in parts if part.dtype != "object"]
    if not filled:
        return pd.Series("", index=range(sum(map(len, parts))), dtype="str")
    kinds = {part.dtype for part in filled}
    gaps = len(filled) < len(parts)
    if kinds <= {np.dtype("int64"), np.dtype("float64")} and (len(kinds) > 1 or gaps):
        return _as_numbers(parts)
    if len(kinds) > 1:
        return pd.concat([as_text(part) for part in parts], ignore_index=True)
    kind = "" if is_text(filled[0]) else None
    same = [part if part.dtype != "object" else part.fillna("").astype("str") if kind == "" else part for part in parts]
    return pd.concat([part.astype(filled[0].dtype) for part in same], ignore_index=True)


def _as_numbers(parts: Sequence[pd.Series]) -> pd.Series:
    whole = [part for part in parts if part.dtype == "int64" and len(part)]
    if all(int(part.abs().max()) < EXACT and int(part.min()) > -EXACT for part in whole):
        return pd.concat([part.astype("float64") for part in parts], ignore_index=True)
    return pd.concat([as_text(part) for part in parts], ignore_index=True)
