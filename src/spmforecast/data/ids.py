"""Ids: texts found among others, in whole numbers wherever the ids are of one length.

Whole numbers are sorted and found many times quicker than the texts that they stand for (see
:mod:`spmforecast.data.numberings`). Any other ids are looked up as texts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from spmforecast.data.arrow import arrow_of, places_of
from spmforecast.data.numberings import BLOCK, Numbering, matrix_of, numbered
from spmforecast.data.threads import block_by_block

__all__ = ["KnownIds", "aligned_rows", "all_distinct", "rows_of"]

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.signedinteger]

_FEW = 1_000  # texts below which nothing is gained
_ROOM = 16  # places of a table for each known number


def all_distinct(column: pd.Series) -> bool:
    """Tell whether no text stands twice in a column and none is missing."""
    values = arrow_of(column)
    if values.null_count:
        return False
    found = numbered(values) if len(values) >= _FEW else None
    if found is None:
        return bool(pc.count_distinct(values).as_py() == len(values))
    numbers = found[1]
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
    return KnownIds(known).rows_of(wanted)


def aligned_rows(wanted: pd.Series, known: pd.Series) -> Ints:
    """Find texts among others as :func:`rows_of` does, at once where both columns are the same."""
    one, other = arrow_of(wanted), arrow_of(known)
    return np.arange(len(one)) if one.equals(other) else rows_of(wanted, known)


class KnownIds:
    """Texts among which others are found; they are numbered once, when that is first of use.

    Parameters
    ----------
    known : pandas.Series of str, shape (m,)
        The texts.
    """

    def __init__(self, known: pd.Series) -> None:
        self._texts = arrow_of(known)

    def prepare(self) -> None:
        """Write the texts as numbers now, while there is time."""
        _ = self._by_number

    def rows_of(self, wanted: pd.Series) -> Ints:
        """Find texts as :func:`rows_of` does."""
        sought = arrow_of(wanted)
        matrix = matrix_of(sought)
        by_number = self._by_number if len(sought) >= _FEW and matrix is not None else None
        if by_number is None or matrix is None:
            return places_of(sought, self._texts).astype(np.int64)
        numbering, place_of, at_once = by_number

        def find(rows: slice) -> Places:
            numbers, fits = numbering.numbers(matrix[rows])
            places = place_of(numbers)
            places[~fits] = -1
            return places

        return block_by_block(find, len(matrix), at_once, np.int64)

    @cached_property
    def _by_number(self) -> tuple[Numbering, Callable[[Ints], Places], int] | None:
        """How texts are numbered, what finds the place of such numbers, and how many it had best be given."""
        found = numbered(self._texts) if len(self._texts) >= _FEW else None
        return None if found is None else (found[0], *_places_among(found[1]))


def _places_among(known: Ints) -> tuple[Callable[[Ints], Places], int]:
    """Return what finds the first place of numbers among known ones (-1: none), and how many it had best be given."""
    low, high = int(known.min()), int(known.max())
    if high - low >= _ROOM * (len(known) + _FEW):
        return lambda numbers: places_of(pa.array(numbers), pa.array(known)), sys.maxsize
    kind: type[np.signedinteger] = np.int32 if len(known) <= np.iinfo(np.int32).max else np.int64
    table = np.full(high - low + 2, -1, dtype=kind)  # the last place is that of numbers beyond
    table[known[::-1] - low] = np.arange(len(known) - 1, -1, -1, dtype=kind)  # of equal ones the first stays

    def look_up(numbers: Ints) -> Places:
        numbers -= low
        far = numbers.view(np.uint64)  # in which those before the first are far beyond the last
        np.minimum(far, np.uint64(high - low + 1), out=far)
        places: Places = table.take(numbers)
        return places

    return look_up, BLOCK
