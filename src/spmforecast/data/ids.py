"""Ids: texts found among others, in whole numbers wherever the ids are of one length.

Most systems number their records: ids have one length, and but for a few places the same characters. Those few are
written as a whole number, which names the text as surely as the text itself does, and is sorted and found many times
quicker. Any other ids are looked up as texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from spmforecast.data.arrow import arrow_of, bytes_of, places_of
from spmforecast.data.bytewise import HIGH, number_of, read_off, shaped, words_of
from spmforecast.data.memory import room
from spmforecast.data.threads import in_blocks

__all__ = ["aligned_rows", "all_distinct", "rows_of"]

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_FEW = 1_000  # texts below which nothing is gained
_LONGEST = 64  # bytes of an id
_WORD = 8  # characters that are read at a time, and that fit into a whole number
_COUNTED = 2  # words of digits that fit
_ROOM = 16  # places of a table for each known number
_BLOCK = 1 << 17  # rows at a time: few enough for the cache of the processor, many enough for threads


def all_distinct(column: pd.Series) -> bool:
    """Tell whether no text stands twice in a column and none is missing."""
    values = arrow_of(column)
    if values.null_count:
        return False
    numbered = _numbered(values)
    if numbered is None:
        return bool(pc.count_distinct(values).as_py() == len(values))
    numbers = numbered[1]
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
    numbered = _numbered(texts) if len(sought) >= _FEW else None
    matrix = _matrix(sought)
    if numbered is None or matrix is None:
        return places_of(sought, texts).astype(np.int64)
    numbering, known_numbers = numbered
    numbers, fits = numbering.numbers(matrix)
    _find(numbers, known_numbers)
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
    kind = np.int32 if len(known) <= np.iinfo(np.int32).max else np.int64
    table = np.full(high - low + 2, -1, dtype=kind)  # the last place is that of numbers beyond
    table[(known - low)[::-1]] = np.arange(len(known))[::-1]  # of equal ones the first stays

    def find(rows: slice) -> None:
        places = wanted[rows] - low
        far = places.view(np.uint64)  # in which those before the first are far beyond the last
        np.minimum(far, np.uint64(high - low + 1), out=far)
        wanted[rows] = table[places]

    in_blocks(find, len(wanted), _BLOCK)


@dataclass(frozen=True, eq=False)
class _Numbering:
    """How texts of one length are written as whole numbers.

    Parameters
    ----------
    text : numpy.ndarray of uint8, shape (length,)
        One of the texts.
    varies : numpy.ndarray of bool, shape (length,)
        Places at which not all of them are alike.
    decimal : bool
        Whether only digits stand there.
    """

    text: Bytes
    varies: Mask
    decimal: bool

    def numbers(self, matrix: Bytes) -> tuple[Ints, Mask]:
        """Return the number of each text, and whether it is written like those that were known."""
        numbers, fits = room(len(matrix), np.int64), room(len(matrix), np.bool_)
        if matrix.shape[1] != len(self.text):
            numbers[:], fits[:] = 0, False
            return numbers, fits
        write = self._counted if self.decimal else self._packed

        def number(rows: slice) -> None:
            numbers[rows], fits[rows] = write(matrix[rows])

        in_blocks(number, len(matrix), _BLOCK)
        return numbers, fits

    def _counted(self, matrix: Bytes) -> tuple[Ints, Mask]:
        """Count the digits of texts, a word of eight characters at a time."""
        numbers, beyond = np.zeros(len(matrix), dtype=np.uint64), np.zeros(len(matrix), dtype=np.uint64)
        block = _filled(matrix)
        for at, shape, counted, noughts in self.words:
            digits = words_of(block, at)
            beyond |= shaped(digits, shape)
            if noughts:  # shapes take any digit for a nought; one that all known texts have must be a nought
                beyond |= (digits & noughts) + noughts
            if counted:
                digits &= counted
                numbers *= np.uint64(10**_WORD)
                numbers += read_off(digits)
        return numbers.view(np.int64), beyond & HIGH == 0

    def _packed(self, matrix: Bytes) -> tuple[Ints, Mask]:
        """Put the characters that vary one behind the other."""
        numbers, block = np.zeros(len(matrix), dtype=np.int64), np.ascontiguousarray(matrix.T)
        for row in block[self.varies]:
            numbers <<= 8
            numbers |= row
        return numbers, (block[~self.varies] == self.text[~self.varies, None]).all(axis=0)

    @cached_property
    def words(self) -> list[tuple[int, bytes, np.uint64, np.uint64]]:
        """Tell the words of a text apart.

        Where each begins, its shape, the bits of those digits in it that no word before it holds, and those of the
        noughts in it that all texts have.
        """
        shape = _filled(np.where(self.varies, ord("0"), self.text).astype(np.uint8)[None])[0]
        left = _filled(self.varies[None].astype(np.uint8) * np.uint8(255))[0]
        nought = _filled((~self.varies & (self.text == ord("0")))[None].astype(np.uint8) * np.uint8(0x7F))[0]
        words = []
        for at in _places(len(shape)):
            here = slice(at, at + _WORD)
            bits = number_of(left[here].tobytes()), number_of(nought[here].tobytes())
            words.append((at, shape[here].tobytes(), *bits))
            left[here] = 0
        return words


def _numbered(values: pa.LargeStringArray) -> tuple[_Numbering, Ints] | None:
    """Find how to number texts, and number them; None where they are few or cannot be numbered."""
    matrix = _matrix(values)
    if matrix is None or len(matrix) < _FEW:
        return None
    varies = _unlike(matrix)
    numbering = _Numbering(matrix[0], varies, decimal=True)
    if sum(counted > 0 for _, _, counted, _ in numbering.words) <= _COUNTED:
        numbers, fits = numbering.numbers(matrix)
        if fits.all():
            return numbering, numbers
    if np.count_nonzero(varies) > _WORD:
        return None
    numbering = _Numbering(matrix[0], varies, decimal=False)
    return numbering, numbering.numbers(matrix)[0]


def _unlike(matrix: Bytes) -> Mask:
    """Mark the places at which not all texts are alike, shape (length,)."""
    first = _filled(matrix[:1])
    places = _places(first.shape[1])

    def unlike(rows: slice) -> list[np.uint64]:
        block = _filled(matrix[rows])
        return [np.bitwise_or.reduce(words_of(block, at) ^ words_of(first, at)) for at in places]

    found = np.bitwise_or.reduce(np.array(in_blocks(unlike, len(matrix), _BLOCK)), axis=0)
    varies = np.zeros(first.shape[1], dtype=bool)
    for at, word in zip(places, found, strict=True):
        varies[at : at + _WORD] |= np.frombuffer(int(word).to_bytes(_WORD, "little"), dtype=np.uint8) > 0
    return varies[: matrix.shape[1]]


def _places(length: int) -> list[int]:
    """Return where the words of a text of a length begin; the last two may overlap."""
    return [*range(0, length - _WORD, _WORD), length - _WORD]


def _filled(matrix: Bytes) -> Bytes:
    """Fill texts up to the length of a word."""
    lacking = _WORD - matrix.shape[1]
    return matrix if lacking <= 0 else np.pad(matrix, ((0, 0), (0, lacking)))


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
