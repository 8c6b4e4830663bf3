"""Texts out of bytes, wherever they stand: copied by one length, and read eight characters at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["HIGH", "Shape", "are_digits", "number_of", "read_off", "texts_at", "words_of"]

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

HIGH = np.uint64(0x8080808080808080)
"""The highest bit of each of eight characters."""

_STEPS = (
    (np.uint64(10), np.uint64(8), np.uint64(0x00FF00FF00FF00FF)),
    (np.uint64(100), np.uint64(16), np.uint64(0x0000FFFF0000FFFF)),
    (np.uint64(10_000), np.uint64(32), np.uint64(0x00000000FFFFFFFF)),
)


def texts_at(text: Bytes, starts: npt.NDArray[np.integer], length: int) -> Bytes:
    """Return the texts of one length that begin at some places, shape (n, length)."""
    everywhere = np.ndarray((len(text) - length + 1,), dtype=f"V{length}", buffer=text, strides=(1,))
    cells: Bytes = everywhere[starts.astype(np.intp, copy=False)].view(np.uint8)  # picks quicker by its own kind
    return cells.reshape(-1, length)


def words_of(texts: Bytes, at: int) -> Words:
    """Return eight characters of each text, from a place on, as a whole number, the first one lowest; shape (n,)."""
    words: Words = np.ndarray((len(texts),), dtype="<u8", buffer=texts, offset=at, strides=texts.strides[:1])
    return words.astype(np.uint64)


@dataclass(frozen=True)
class Shape:
    """What eight characters have to be.

    Parameters
    ----------
    characters : numpy.uint64
        The characters, with noughts where any digit may stand.
    most : numpy.uint64
        What, added to a character without the one that it has to be, sets its highest bit where it is another one.
    """

    characters: np.uint64
    most: np.uint64

    @classmethod
    def of(cls, characters: bytes, digits: bytes) -> Shape:
        """Let any digit stand where `digits` has a byte that is not nought, elsewhere the character itself."""
        written = bytes(ord("0") if digit else own for own, digit in zip(characters, digits, strict=True))
        return cls(number_of(written), number_of(bytes(0x80 - (10 if digit else 1) for digit in digits)))

    def misfits(self, words: Words) -> Words:
        """Turn digits into what they count and other characters into nought, in place; mark what is not of the shape.

        Parameters
        ----------
        words : numpy.ndarray of uint64, shape (n,)
            Eight characters each; overwritten.

        Returns
        -------
        numpy.ndarray of uint64, shape (n,)
            With :data:`HIGH` where a character is not of the shape.
        """
        words ^= self.characters
        beyond = words + self.most
        beyond |= words
        return beyond


def are_digits(words: Words) -> bool:
    """Tell whether each of eight characters is a digit; noughts are taken off them."""
    beyond = words + number_of(bytes([0x80 - 10] * 8))
    beyond |= words
    return not int(np.bitwise_or.reduce(beyond) & HIGH)


def number_of(characters: bytes) -> np.uint64:
    """Return eight characters as a whole number, the first one lowest."""
    return np.uint64(int.from_bytes(characters, "little"))


def read_off(digits: Words) -> Words:
    """Return the number that eight digits count, the first one highest, in place."""
    for times, places, kept in _STEPS:
        ones = digits >> places
        digits *= times
        digits += ones
        digits &= kept
    return digits
