"""Pieces of a plain CSV file, turned into columns by as many threads as there are cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from spmforecast.arrays import keep_freed_memory
from spmforecast.data.arrow import has_blank_ends, whole
from spmforecast.data.decimals import plain_decimals
from spmforecast.data.isodates import plain_stamps
from spmforecast.data.quick import plain_dates, plain_numbers
from spmforecast.data.sources.cellplaces import CellPlaces, Places
from spmforecast.data.sources.growing import GrowingText, GrowingValues
from spmforecast.data.sources.plaincsv import cells_of
from spmforecast.data.threads import in_line

__all__ = ["TYPED", "DoubtfulError", "PieceReader"]

Values: TypeAlias = npt.NDArray[np.generic]
Cells: TypeAlias = pa.Array | Values
"""A column of a piece: text, or typed."""

_AT_ONCE: dict[str, Callable[[npt.NDArray[np.uint8], Places, Places], Values | None]] = {
    "date": plain_stamps,
    "amount": plain_decimals,
    "number": plain_decimals,
}
"""What types each kind of column out of the bytes of the file, where every cell is written as most are."""

TYPED: dict[str, Callable[[pa.Array], Values | None]] = {
    "date": plain_dates,
    "amount": plain_numbers,
    "number": plain_numbers,
}
"""What types the text of each kind of column, where every cell is beyond doubt."""


class DoubtfulError(Exception):
    """Something that the other readers have to judge."""


@dataclass(frozen=True, eq=False)
class _Part:
    """Bytes and columns of a piece, and the names of those of which surely no cell has blanks around it."""

    size: int
    columns: dict[str, Cells]
    bare: frozenset[str]

    @classmethod
    def of(cls, size: int, columns: dict[str, Cells]) -> _Part:
        """Find the columns without blanks."""
        texts = {name: cells for name, cells in columns.items() if not isinstance(cells, np.ndarray)}
        blank = {name for name, cells in texts.items() if has_blank_ends(cells)}
        return cls(size, columns, frozenset(columns) - blank)

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values())))


class PieceReader:
    """Turns pieces into the columns of one table; the first piece decides which ones are typed.

    Parameters
    ----------
    names : sequence of str
        Header.
    separator : str
        What separates cells.
    kinds : dict of str to str
        Columns to type where they can be.
    size : int
        Bytes of all pieces together.
    """

    def __init__(self, names: Sequence[str], separator: str, kinds: dict[str, str], size: int) -> None:
        self.names, self.separator, self.kinds, self.size = names, separator, dict(kinds), size
        self.bare = frozenset(names)
        self._columns: dict[str, GrowingText | GrowingValues] = {}
        self._starts, self._rows = [0], [0]

    def run(self, pieces: Iterator[bytes], start: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Read every piece; return where each begins, in bytes and rows, with the ends of both.

        Raises
        ------
        DoubtfulError
            If a piece is not plain, or a column cannot be typed in it as in the first one.
        """
        keep_freed_memory()
        self._starts, self._rows = [start], [0]
        self._put(self._begin(next(pieces)))
        in_line(pieces, self._read, self._put)
        return tuple(self._starts), tuple(self._rows)

    def frame(self) -> pd.DataFrame:
        """Return the whole table."""
        return pd.DataFrame({name: self._columns[name].column() for name in self.names}, copy=False)

    def _begin(self, data: bytes) -> _Part:
        """Read the first piece; leave those columns as text that cannot be typed in it."""
        part = self._told(data)
        self.kinds = {name: kind for name, kind in self.kinds.items() if isinstance(part.columns[name], np.ndarray)}
        for name, cells in part.columns.items():
            kind = GrowingValues if isinstance(cells, np.ndarray) else GrowingText
            self._columns[name] = kind(cells, len(data) / self.size)
        return part

    def _read(self, data: bytes) -> _Part:
        """Return the columns of a further piece."""
        part = self._told(data)
        if any(not isinstance(part.columns[name], np.ndarray) for name in self.kinds):
            raise DoubtfulError
        return part

    def _put(self, part: _Part) -> None:
        """Put a piece behind those before it."""
        for name, cells in part.columns.items():
            self._columns[name].add(cells)
        self.bare &= part.bare
        self._starts.append(self._starts[-1] + part.size)
        self._rows.append(self._rows[-1] + part.rows)

    def _told(self, data: bytes) -> _Part:
        places = CellPlaces.of(data, len(self.names), self.separator)
        return self._told_apart(data) if places is None else self._found(data, places)

    def _found(self, data: bytes, places: CellPlaces) -> _Part:
        """Return the columns of lines whose cells were found by their separators."""
        columns = {name: self._cells(places, place, self.kinds.get(name)) for place, name in enumerate(self.names)}
        return _Part.of(len(data), columns)

    @staticmethod
    def _cells(places: CellPlaces, place: int, kind: str | None) -> Cells:
        quick = None if kind is None else _AT_ONCE[kind](places.text, places.starts[place], places.ends[place])
        return _typed(places.texts(place), kind) if quick is None else quick

    def _told_apart(self, data: bytes) -> _Part:
        """Return the columns of lines with cells that may be quoted."""
        table = cells_of(data, self.names, self.separator)
        if table is None:
            raise DoubtfulError
        texts = table.columns
        del table
        columns = {name: _typed(whole(texts.pop(0)), self.kinds.get(name)) for name in self.names}
        return _Part.of(len(data), columns)


def _typed(text: pa.Array, kind: str | None) -> Cells:
    values = None if kind is None else TYPED[kind](text)
    return text if values is None else values
