"""Texts out of bytes, wherever they stand: copied by one length, and read eight characters at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["texts_at", "words_of"]

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]


def texts_at(text: Bytes, starts: npt.NDArray[np.integer], length: int) -> Bytes:
    """Return the texts of one length that begin at some places, shape (n, length)."""
    everywhere = np.ndarray((len(text) - length + 1,), dtype=f"V{length}", buffer=text, strides=(1,))
    cells: Bytes = everywhere[starts].view(np.uint8)
    return cells.reshape(-1, length)


def words_of(texts: Bytes, at: int) -> Words:
    """Return eight characters of each text, from a place on, as a whole number, the first one lowest; shape (n,)."""
    words: Words = np.ndarray((len(texts),), dtype="<u8", buffer=texts, offset=at, strides=texts.strides[:1])
    return words.astype(np.uint64)
