"""Columns that grow piece by piece, so that no piece has to be kept until the last one is read."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from spmforecast.data.arrow import bytes_of, text_of
from spmforecast.data.memory import room

__all__ = ["GrowingText", "GrowingValues"]

T = TypeVar("T", bound=np.generic)

_SPARE = 1.02  # pieces differ a little; room that is never written to costs nothing


class GrowingValues:
    """A column of numbers or dates.

    Parameters
    ----------
    first : numpy.ndarray, shape (n,)
        Values of the first piece, which tell the type; they are still to be added.
    share : float
        How much of the whole the first piece is, roughly.
    """

    def __init__(self, first: npt.NDArray[np.generic], share: float) -> None:
        self._values, self._rows = room(_expected(len(first), share), first.dtype), 0

    def add(self, values: npt.NDArray[np.generic]) -> None:
        """Put the values of the next piece behind the others."""
        self._values = _with_room(self._values, self._rows, len(values))
        self._values[self._rows : self._rows + len(values)] = values
        self._rows += len(values)

    def column(self) -> pd.Series:
        """Return the whole column."""
        return pd.Series(self._values[: self._rows], copy=False)


class GrowingText:
    """A column of text (see :class:`GrowingValues`)."""

    def __init__(self, first: pa.Array, share: float) -> None:
        offsets, _ = bytes_of(first)
        self._ends = room(_expected(len(first), share), np.int64)
        self._ends[0] = 0
        self._text = room(_expected(int(offsets[-1] - offsets[0]), share), np.uint8)
        self._rows = 0

    def add(self, values: pa.Array) -> None:
        """Put the texts of the next piece behind the others; none may be missing."""
        offsets, text = bytes_of(values)
        used, size = int(self._ends[self._rows]), int(offsets[-1] - offsets[0])
        self._ends = _with_room(self._ends, self._rows + 1, len(values))
        self._text = _with_room(self._text, used, size)
        self._text[used : used + size] = text[offsets[0] : offsets[-1]]
        np.add(offsets[1:], used - int(offsets[0]), out=self._ends[self._rows + 1 : self._rows + 1 + len(values)])
        self._rows += len(values)

    def column(self) -> pd.Series:
        """Return the whole column."""
        ends, text = self._ends[: self._rows + 1], self._text[: self._ends[self._rows]]
        return text_of(pa.LargeStringArray.from_buffers(self._rows, pa.py_buffer(ends), pa.py_buffer(text)))


def _expected(size: int, share: float) -> int:
    return int(size / share * _SPARE) + 1


def _with_room(values: npt.NDArray[T], used: int, more: int) -> npt.NDArray[T]:
    """Return an array that holds so many more values than are used, the same one where it does."""
    if used + more <= len(values):
        return values
    larger = room(max(used + more, len(values) + len(values) // 4), values.dtype)
    larger[:used] = values[:used]
    return larger
