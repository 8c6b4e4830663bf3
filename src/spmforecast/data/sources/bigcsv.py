"""Large plain CSV files, read in pieces: hashed, told apart and typed by as many threads as there are cores.

A file is cut at line ends. While one piece is hashed, others become columns; dates and numbers are typed at once, so
that their text is never held as a whole. As soon as anything is in doubt the file is left to the other readers.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from spmforecast.data.arrow import text_of, whole
from spmforecast.data.history import SourceFile
from spmforecast.data.quick import plain_dates, plain_numbers
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.plaincsv import BOM, cells_of, header_of, in_order
from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem

__all__ = ["PIECE", "BigCsv", "read_big_csv"]

PIECE = 1 << 23
"""Bytes of a piece; smaller files are not cut."""

_TYPED: dict[str, Callable[[pd.Series], npt.NDArray[np.generic] | None]] = {
    "date": plain_dates,
    "amount": plain_numbers,
    "number": plain_numbers,
}

Part: TypeAlias = pa.Array | npt.NDArray[np.generic]
"""A column of a piece: text, or typed."""


class _DoubtfulError(Exception):
    """Something that the other readers have to judge."""


@dataclass(frozen=True)
class BigCsv:
    """Where the cells of a table stand that was read in pieces, so that a finding can name one as it is written.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    file, table : str
        For messages.
    names : tuple of str
        Header.
    separator : str
        What separates cells.
    starts, rows : tuple of int
        Byte at which each piece begins, and the first row in it; last the file's length and number of rows.
    stamp : tuple of int
        Length and time of change of the file when it was read.
    """

    path: Path
    file: str
    table: str
    names: tuple[str, ...]
    separator: str
    starts: tuple[int, ...]
    rows: tuple[int, ...]
    stamp: tuple[int, int]

    def cells(self, name: str, lines: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        """Return the cells of a column on some lines as they are written.

        Raises
        ------
        InputError
            If the file was changed since it was read.
        """
        out = np.full(len(lines), "", dtype=object)
        row = np.asarray(lines, dtype=np.int64) - 2
        piece = np.searchsorted(self.rows, row, side="right") - 1
        with self.path.open("rb") as stream:
            if _stamp(stream) != self.stamp:
                told, mend = "the file was changed while it was read", "Try again when it is complete."
                raise InputError(Problem(self.table, told, mend, file=self.file))
            for one in np.unique(piece):
                stream.seek(self.starts[one])
                data = stream.read(self.starts[one + 1] - self.starts[one])
                table = cells_of(data, self.names, self.separator, columns=[name])
                assert table is not None, "a piece that was read once can be read again"
                here = np.flatnonzero(piece == one)
                out[here] = table.column(0).take(pa.array(row[here] - self.rows[one])).to_pylist()
        return out


def read_big_csv(
    path: Path, file: str, table: str, typed: bool, piece: int | None = None
) -> tuple[RawTable, SourceFile, str] | None:
    """Read a CSV file in pieces.

    Parameters
    ----------
    path : pathlib.Path
        UTF-8, with or without a byte order mark.
    file, table : str
        For the result and for messages.
    typed : bool
        Whether the columns have the names of the canonical table, so that its dates and numbers are typed.
    piece : int, optional
        Bytes of a piece; :data:`PIECE` where not given.

    Returns
    -------
    (RawTable, SourceFile, str) or None
        What :func:`~spmforecast.data.sources.plaincsv.parse_plain_csv` gives, but for the types, the file and
        what separates cells; None where anything is in doubt, or the file has but one piece.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    size = PIECE if piece is None else piece
    with path.open("rb") as stream:
        stamp = _stamp(stream)
        if stamp[0] <= size:
            return None
        head = stream.readline(size)
        begin = len(BOM) if head.startswith(BOM) else 0
        header = header_of(head[begin:].removesuffix(b"\n"))
        if header is None or not head.endswith(b"\n") or not in_order(head, header[1], begin):
            return None
        digest = hashlib.sha256(head)
        names, separator = tuple(header[0]), header[1]
        kinds = _kinds(table, names) if typed else {}
        reader = _Reader(names, separator, kinds)
        try:
            starts, rows = reader.run(_pieces(stream, digest.update, size), len(head))
        except _DoubtfulError:
            return None
    frame = reader.frame()
    origin = BigCsv(path, file, table, names, separator, starts, rows, stamp) if reader.kinds else None
    raw = RawTable(file, frame, np.arange(2, len(frame) + 2, dtype=np.int64), origin=origin)
    return raw, SourceFile(file, digest.hexdigest(), starts[-1]), separator


def _stamp(stream: BinaryIO) -> tuple[int, int]:
    found = os.fstat(stream.fileno())
    return found.st_size, found.st_mtime_ns


def _kinds(table: str, names: Sequence[str]) -> dict[str, str]:
    """Return the kind of each column that can be typed."""
    columns = {name: TABLES[table].column(name) for name in names}
    return {name: column.kind for name, column in columns.items() if column is not None and column.kind in _TYPED}


def _pieces(stream: BinaryIO, update: Callable[[bytes], object], size: int) -> Iterator[bytes]:
    """Yield the rest of a file, cut at line ends; every byte is hashed."""
    start = stream.tell()
    while True:
        stream.seek(start + size)
        stream.readline()
        end = stream.tell()
        stream.seek(start)
        data = stream.read(end - start)
        if not data:
            return
        update(data)
        start += len(data)
        yield data
        del data


class _Reader:
    """Turns pieces into columns; the first one decides which columns are typed.

    Parameters
    ----------
    names : sequence of str
        Header.
    separator : str
        What separates cells.
    kinds : dict of str to str
        Columns to type where they can be.
    """

    def __init__(self, names: Sequence[str], separator: str, kinds: dict[str, str]) -> None:
        self.names, self.separator, self.kinds = names, separator, dict(kinds)
        self.parts: list[dict[str, Part]] = []

    def run(self, pieces: Iterator[bytes], start: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Read every piece; return where each begins, in bytes and rows, with the ends of both."""
        starts, rows = [start], [0]
        cores = os.cpu_count() or 1
        with ThreadPoolExecutor(cores) as pool:
            waiting: deque[Future[dict[str, Part]]] = deque()
            for data in pieces:
                starts.append(starts[-1] + len(data))
                if len(starts) == 2:
                    self._keep(self._first(data), rows)
                    continue
                waiting.append(pool.submit(self._columns, data))
                del data
                if len(waiting) > cores:
                    self._keep(waiting.popleft().result(), rows)
            while waiting:
                self._keep(waiting.popleft().result(), rows)
        return tuple(starts), tuple(rows)

    def frame(self) -> pd.DataFrame:
        """Put the pieces together; they are given up column by column."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return pd.DataFrame(dict(zip(self.names, pool.map(self._whole, self.names), strict=True)), copy=False)

    def _keep(self, part: dict[str, Part], rows: list[int]) -> None:
        self.parts.append(part)
        rows.append(rows[-1] + len(part[self.names[0]]))

    def _first(self, data: bytes) -> dict[str, Part]:
        """Read the first piece and leave those columns as text that cannot be typed in it."""
        part = self._columns(data, doubt=False)
        self.kinds = {name: kind for name, kind in self.kinds.items() if isinstance(part[name], np.ndarray)}
        return part

    def _columns(self, data: bytes, doubt: bool = True) -> dict[str, Part]:
        """Return the columns of a piece.

        Raises
        ------
        _DoubtfulError
            If it is not plain or, unless that is no matter, a column cannot be typed.
        """
        table = cells_of(data, self.names, self.separator)
        if table is None:
            raise _DoubtfulError
        columns, out = table.columns, dict[str, Part]()
        del table
        for name in self.names:
            text = whole(columns.pop(0))
            kind = self.kinds.get(name)
            typed = None if kind is None else _TYPED[kind](text_of(text))
            if kind is not None and typed is None and doubt:
                raise _DoubtfulError
            out[name] = text if typed is None else typed
        return out

    def _whole(self, name: str) -> pd.Series:
        parts = [part.pop(name) for part in self.parts]
        if name in self.kinds:
            return pd.Series(np.concatenate(parts), copy=False)
        return text_of(pa.concat_arrays(parts))
