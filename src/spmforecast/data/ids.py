"""Ids: texts found among others, in whole numbers wherever the ids are of one length.

Most systems number their records: ids have one length, and but for a few places the same characters. Those few are
written as a whole number, which names the text as surely as the text itself does, and is sorted and found many times
quicker. Any other ids are looked up as texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from spmforecast.data.arrow import arrow_of, bytes_of, places_of
from spmforecast.data.memory import room
from spmforecast.data.threads import in_blocks

__all__ = ["aligned_rows", "all_distinct", "rows_of"]

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_FEW = 1_000  # texts below which nothing is gained
_LONGEST = 64  # bytes of an id
_PACKED = 8  # bytes that fit into a whole number
_DIGITS = 18  # digits that fit
_ROOM = 16  # places of a table for each known number
_BLOCK = 1 << 16  # rows at a time, so that they stay in the processor's cache
_ZERO = np.uint8(ord("0"))


def all_distinct(column: pd.Series) -> bool:
    """Tell whether no text stands twice in a column and none is missing."""
    values = arrow_of(column)
    if values.null_count:
        return False
    numbering = _Numbering.of(values)
    if numbering is None:
        return bool(pc.count_distinct(values).as_py() == len(values))
    numbers = numbering.numbers(values)[0]
    if bool((numbers[1:] > numbers[:-1]).all()):
        return True
    numbers.sort()
    return not bool((numbers[1:] == numbers[:-1]).any())


def rows_of(wanted: pd.Series, known: pd.Series) -> Ints:
    """Find texts among others.

    Parameters
    ----------
    wanted : pandas.Series of str, shape (n,)
        What to find; missing values are found nowhere.
    known : pandas.Series of str, shape (m,)
        Where to find it.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        Row of `known` that holds each text first, -1 where none does.
    """
    sought, texts = arrow_of(wanted), arrow_of(known)
    numbering = _Numbering.of(texts) if len(sought) >= _FEW else None
    if numbering is None or _matrix(sought) is None:
        return places_of(sought, texts).astype(np.int64)
    numbers, fits = numbering.numbers(sought)
    _find(numbers, numbering.numbers(texts)[0])
    numbers[~fits] = -1
    return numbers


def aligned_rows(wanted: pd.Series, known: pd.Series) -> Ints:
    """Find texts among others as :func:`rows_of` does, at once where both columns are the same."""
    one, other = arrow_of(wanted), arrow_of(known)
    return np.arange(len(one)) if one.equals(other) else rows_of(wanted, known)


def _find(wanted: Ints, known: Ints) -> None:
    """Replace each number by its first place among known ones, -1 where there is none."""
    low, high = int(known.min()), int(known.max())
    if high - low >= _ROOM * (len(known) + _FEW):
        wanted[:] = places_of(pa.array(wanted), pa.array(known))
        return
    table = np.full(high - low + 2, -1, dtype=np.int64)  # the last place is that of numbers beyond
    table[(known - low)[::-1]] = np.arange(len(known))[::-1]  # of equal ones the first stays

    def find(rows: slice) -> None:
        places = wanted[rows] - low
        far = places.view(np.uint64)  # in which those before the first are far beyond the last
        np.minimum(far, np.uint64(high - low + 1), out=far)
        np.take(table, places, out=wanted[rows], mode="clip")  # they are all inside; to check it takes time

    in_blocks(find, len(wanted), _BLOCK)


@dataclass(frozen=True, eq=False)
class _Numbering:
    """How texts of one length are written as whole numbers.

    Parameters
    ----------
    text : numpy.ndarray of uint8, shape (length,)
        One of the texts.
    varies : numpy.ndarray of int
        Places at which not all of them are alike.
    decimal : bool
        Whether only digits stand there.
    """

    text: Bytes
    varies: Ints
    decimal: bool

    @classmethod
    def of(cls, values: pa.LargeStringArray) -> _Numbering | None:
        """Find how to number texts; None where they are few or cannot be numbered."""
        matrix = _matrix(values)
        if matrix is None or len(matrix) < _FEW:
            return None
        least, most = matrix[0].copy(), matrix[0].copy()
        for start in range(0, len(matrix), _BLOCK):
            block = np.ascontiguousarray(matrix[start : start + _BLOCK].T)
            np.minimum(least, block.min(axis=1), out=least)
            np.maximum(most, block.max(axis=1), out=most)
        varies = np.flatnonzero(least != most)
        decimal = bool(((least >= _ZERO) & (most < _ZERO + 10))[varies].all())
        if len(varies) > (_DIGITS if decimal else _PACKED):
            return None
        return cls(matrix[0], varies, decimal)

    def numbers(self, values: pa.LargeStringArray) -> tuple[Ints, Mask]:
        """Return the number of each text, and whether it is written like those that were known."""
        matrix = _matrix(values)
        assert matrix is not None, "only texts of one length are numbered"
        numbers, fits = room(len(matrix), np.int64), np.zeros(len(matrix), dtype=bool)
        if matrix.shape[1] != len(self.text):
            numbers[:] = 0
            return numbers, fits
        alike = np.setdiff1d(np.arange(len(self.text)), self.varies)

        def number(rows: slice) -> None:
            block = np.ascontiguousarray(matrix[rows].T)
            fits[rows] = (block[alike] == self.text[alike, None]).all(axis=0)
            numbers[rows] = 0
            for row in block[self.varies]:
                self._append(numbers[rows], fits[rows], row)

        in_blocks(number, len(matrix), _BLOCK)
        return numbers, fits

    def _append(self, numbers: Ints, fits: Mask, row: Bytes) -> None:
        if not self.decimal:
            numbers <<= 8
            numbers |= row
            return
        digits = row - _ZERO
        fits &= digits < 10
        numbers *= 10
        numbers += digits


def _matrix(values: pa.LargeStringArray) -> Bytes | None:
    """Return the bytes of texts of one length, a row a text; None where lengths differ, or one is missing or empty."""
    if not len(values) or values.null_count:
        return None
    offsets, text = bytes_of(values)
    length = int(offsets[1] - offsets[0])
    if not 0 < length <= _LONGEST or int(offsets[-1] - offsets[0]) != length * len(values):
        return None

    def even(rows: slice) -> bool:
        return bool((offsets[rows.start + 1 : rows.stop + 1] - offsets[rows] == length).all())

    if not all(in_blocks(even, len(values), _BLOCK)):
        return None
    return text[offsets[0] : offsets[-1]].reshape(-1, length)
