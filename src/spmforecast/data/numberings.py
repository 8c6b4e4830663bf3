"""Numberings: texts of one length as whole numbers, of their digits or of the characters in which they differ.

Most systems number their records: ids have one length, and but for a few places the same characters. Those few are
written as a whole number, which names the text as surely as the text itself does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spmforecast.data.arrow import bytes_of
from spmforecast.data.bytewise import HIGH, Shape, number_of, read_off, words_of
from spmforecast.data.threads import in_blocks

__all__ = ["BLOCK", "Numbering", "matrix_of", "numbered"]

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

BLOCK = 1 << 17
"""Rows at a time: few enough for the cache of the processor, many enough for threads."""

_LONGEST = 64  # bytes of a text
_WORD = 8  # characters that are read at a time, and that fit into a whole number
_COUNTED = 2  # words of digits that fit


@dataclass(frozen=True, eq=False)
class Numbering:
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

    def all_numbers(self, matrix: Bytes) -> tuple[Ints, Mask]:
        """Return what :meth:`numbers` does, found in threads."""
        parts = in_blocks(lambda rows: self.numbers(matrix[rows]), len(matrix), BLOCK)
        numbers, fits = zip(*parts, strict=True)
        return np.concatenate(numbers), np.concatenate(fits)

    def numbers(self, matrix: Bytes) -> tuple[Ints, Mask]:
        """Return the number of each text, and whether it is written like those that were known."""
        if matrix.shape[1] != len(self.text):
            return np.zeros(len(matrix), dtype=np.int64), np.zeros(len(matrix), dtype=bool)
        return self._counted(matrix) if self.decimal else self._packed(matrix)

    def _counted(self, matrix: Bytes) -> tuple[Ints, Mask]:
        """Count the digits of texts, a word of eight characters at a time."""
        numbers, beyond = np.zeros(len(matrix), dtype=np.uint64), np.zeros(len(matrix), dtype=np.uint64)
        block = _filled(matrix)
        for at, shape, counted in self.words:
            digits = words_of(block, at)
            beyond |= shape.misfits(digits)
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
    def words(self) -> list[tuple[int, Shape, np.uint64]]:
        """Tell the words of a text apart: where each begins, its shape, the bits of digits that are new in it."""
        text, digits = _filled(self.text[None])[0], _filled(self.varies[None].astype(np.uint8) * np.uint8(255))[0]
        left = digits.copy()
        words = []
        for at in _places(len(text)):
            here = slice(at, at + _WORD)
            shape = Shape.of(text[here].tobytes(), digits[here].tobytes())
            words.append((at, shape, number_of(left[here].tobytes())))
            left[here] = 0
        return words


def numbered(values: pa.LargeStringArray) -> tuple[Numbering, Ints] | None:
    """Find how to number texts, and number them; None where they cannot be numbered."""
    matrix = matrix_of(values)
    if matrix is None:
        return None
    varies = _unlike(matrix)
    numbering = Numbering(matrix[0], varies, decimal=True)
    if sum(counted > 0 for *_, counted in numbering.words) <= _COUNTED:
        numbers, fits = numbering.all_numbers(matrix)
        if fits.all():
            return numbering, numbers
    if np.count_nonzero(varies) > _WORD:
        return None
    numbering = Numbering(matrix[0], varies, decimal=False)
    return numbering, numbering.all_numbers(matrix)[0]


def _unlike(matrix: Bytes) -> Mask:
    """Mark the places at which not all texts are alike, shape (length,)."""
    first = _filled(matrix[:1])
    places = _places(first.shape[1])

    def unlike(rows: slice) -> list[np.uint64]:
        block = _filled(matrix[rows])
        return [np.bitwise_or.reduce(words_of(block, at) ^ words_of(first, at)) for at in places]

    found = np.bitwise_or.reduce(np.array(in_blocks(unlike, len(matrix), BLOCK)), axis=0)
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


def matrix_of(values: pa.LargeStringArray) -> Bytes | None:
    """Return the bytes of texts of one length, a row a text; None where lengths differ, or one is missing or empty."""
    if not len(values) or values.null_count:
        return None
    offsets, text = bytes_of(values)
    length = int(offsets[1] - offsets[0])
    if not 0 < length <= _LONGEST or int(offsets[-1] - offsets[0]) != length * len(values):
        return None

    def even(rows: slice) -> bool:
        return bool((offsets[rows.start + 1 : rows.stop + 1] - offsets[rows] == length).all())

    if not all(in_blocks(even, len(values), BLOCK)):
        return None
    return text[offsets[0] : offsets[-1]].reshape(-1, length)
