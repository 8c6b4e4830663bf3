"""Large plain CSV files, read in pieces: hashed, told apart and typed by as many threads as there are cores.

A file is cut at line ends. While one piece is hashed, another becomes columns; dates and numbers are typed at once, so
that their text is never held as a whole. As soon as anything is in doubt the file is left to the other readers.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spmforecast.data.history import SourceFile
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.csvpieces import TYPED, DoubtfulError, PieceReader
from spmforecast.data.sources.plaincsv import BOM, cells_of, header_of, in_order
from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem

__all__ = ["PIECE", "BigCsv", "read_big_csv"]

PIECE = 4_000_000
"""Bytes of a piece, few enough for NumPy to ask for ordinary pages of memory; smaller files are not cut."""


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
        reader = PieceReader(names, separator, kinds, max(stamp[0] - len(head), 1))
        try:
            starts, rows = reader.run(_pieces(stream, digest.update, size), len(head))
        except DoubtfulError:
            return None
    frame = reader.frame()
    origin = BigCsv(path, file, table, names, separator, starts, rows, stamp) if reader.kinds else None
    raw = RawTable(file, frame, origin=origin, bare=reader.bare)
    return raw, SourceFile(file, digest.hexdigest(), starts[-1]), separator


def _stamp(stream: BinaryIO) -> tuple[int, int]:
    found = os.fstat(stream.fileno())
    return found.st_size, found.st_mtime_ns


def _kinds(table: str, names: Sequence[str]) -> dict[str, str]:
    """Return the kind of each column that can be typed."""
    columns = {name: TABLES[table].column(name) for name in names}
    return {name: column.kind for name, column in columns.items() if column is not None and column.kind in TYPED}


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
