"""Cells of plain lines by the places of their separators: a piece of a large CSV file, told apart in one pass.

Where no cell is quoted, a line ends at a line feed and a cell at a separator; nothing else has to be looked at. Cells
are not copied before their column is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spmforecast.data.bytewise import texts_at
from spmforecast.data.memory import ORDINARY

__all__ = ["CellPlaces", "Places"]

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int32]

_BLOCK = 1 << 20  # bytes at a time: few enough for the cache of the processor, many enough for threads
_ROWS = 1 << 14
_LINE_FEED, _RETURN = 10, 13
_LAST = 127  # character that is one byte


@dataclass(frozen=True, eq=False)
class CellPlaces:
    """Where the cells of some lines stand.

    Parameters
    ----------
    text : numpy.ndarray of uint8
        The lines.
    starts, ends : numpy.ndarray of int32, shape (columns, lines)
        Where each cell begins and ends.
    """

    text: Bytes
    starts: Places
    ends: Places

    @classmethod
    def of(cls, data: bytes, width: int, separator: str) -> CellPlaces | None:
        """Find the cells of whole lines.

        Parameters
        ----------
        data : bytes
            Lines; the last one may lack its line feed.
        width : int
            Cells that each line has to have.
        separator : str
            What separates them.

        Returns
        -------
        CellPlaces or None
            None where anything is in doubt: quotation marks, NULs, bytes that are not UTF-8, carriage returns other
            than at the end of every line, lines of another width, lines of a single cell, which may be blank.
        """
        if width < 2 or not data or b'"' in data or b"\0" in data:
            return None
        text = np.frombuffer(data if data.endswith(b"\n") else data + b"\n", dtype=np.uint8)
        if not _is_utf8(data, text):
            return None
        places, lines = _marks(text, ord(separator))
        if len(places) != lines * width:
            return None
        ends = _by_column(places.reshape(lines, width))
        if not bool((text.take(ends[-1]) == _LINE_FEED).all()):
            return None
        starts = np.empty_like(ends)
        starts[0, 0] = 0
        np.add(ends[-1, :-1], 1, out=starts[0, 1:])
        np.add(ends[:-1], 1, out=starts[1:])
        if b"\r" in data:
            if data.count(b"\r") != lines or not bool((text[ends[-1] - 1] == _RETURN).all()):
                return None
            ends[-1] -= 1
        return cls(text, starts, ends)

    def texts(self, column: int) -> pa.StringArray:
        """Return the cells of a column, shape (lines,)."""
        starts, ends = self.starts[column], self.ends[column]
        length = int(ends[0] - starts[0])
        if length and bool((ends - starts == length).all()):
            even = np.arange(0, length * len(starts) + 1, length, dtype=np.int32)
            copied = pa.py_buffer(texts_at(self.text, starts, length))
            return pa.StringArray.from_buffers(len(starts), pa.py_buffer(even), copied)
        edges = np.empty(2 * len(starts) + 1, dtype=np.int32)
        edges[0:-1:2], edges[1::2], edges[-1] = starts, ends, ends[-1]
        with_gaps = pa.StringArray.from_buffers(len(edges) - 1, pa.py_buffer(edges), pa.py_buffer(self.text))
        every_other = pa.array(np.arange(0, len(edges) - 1, 2, dtype=np.int32))
        return pc.take(with_gaps, every_other, boundscheck=False, memory_pool=ORDINARY)


def _is_utf8(data: bytes, text: Bytes) -> bool:
    if int(text.max()) <= _LAST:
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _marks(text: Bytes, separator: int) -> tuple[Places, int]:
    """Return the places of separators and line feeds in order, and the number of line feeds."""
    found, lines = [], 0
    ends, between = np.empty(_BLOCK, dtype=bool), np.empty(_BLOCK, dtype=bool)
    for start in range(0, len(text), _BLOCK):
        block = text[start : start + _BLOCK]
        marked = np.equal(block, _LINE_FEED, out=ends[: len(block)])
        lines += int(np.count_nonzero(marked))
        marked |= np.equal(block, separator, out=between[: len(block)])
        found.append(marked.nonzero()[0])
    places = np.empty(sum(map(len, found)), dtype=np.int32)
    at = 0
    for number, part in enumerate(found):
        np.add(part, number * _BLOCK, out=places[at : at + len(part)], casting="unsafe")
        at += len(part)
    return places, lines


def _by_column(places: Places) -> Places:
    """Transpose an array, a part that stays in the processor's cache at a time."""
    out = np.empty(places.shape[::-1], dtype=np.int32)
    for start in range(0, len(places), _ROWS):
        out[:, start : start + _ROWS] = places[start : start + _ROWS].T
    return out
