"""The random bits of open deals: for every deal and trial 16 that decide about the win and 16 about the amount.

A deal is won in a trial where its uniform lies below its chance. The first 16 bits of the uniform tell nearly always on
which side it lies; only where they are those of the chance itself are 16 more bits drawn, from a place of their own in
the same stream. So chances hold to 32 bits at the price of 16, and the bits of a trial never depend on the chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.streams import Streams

__all__ = ["FINER", "FINER_LOSS", "Luck", "draw_luck", "finer"]

Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]
Words = npt.NDArray[np.uint64]

_CHUNK = 256  # trials whose bits of either kind lie side by side
_PER_WORD = 4  # trials that share a 64-bit word
_WIDE = 2 * _CHUNK // _PER_WORD  # words of a chunk

FINER, FINER_LOSS = 1, 2  # lanes of the further bits: of winning, of being lost before


@dataclass(frozen=True)
class Luck:
    """Bits of some deals.

    Parameters
    ----------
    outcome, amount : array of uint16, shape (deals, trials)
        First bits of the uniform that decides about the win, and those that draw the amount.
    """

    outcome: Short
    amount: Short


def draw_luck(streams: Streams, keys: Words, start: int, stop: int) -> Luck:
    """Draw the bits of some deals in the trials from `start` to `stop`.

    Parameters
    ----------
    streams : Streams
        All streams.
    keys : array of uint64, shape (deals, 2)
        Key of each deal.
    start, stop : int
        Trials.

    Returns
    -------
    Luck
    """
    first = start // _CHUNK
    chunks = -(-stop // _CHUNK) - first
    words = np.empty((2, len(keys), chunks, _WIDE // 2), dtype=np.uint64)
    streams.words_of(keys, first * _WIDE, (first + chunks) * _WIDE, words.transpose(1, 2, 0, 3))
    bits = words.view(np.uint16).reshape(2, len(keys), chunks * _CHUNK)
    skipped = start - first * _CHUNK
    outcome, amount = np.ascontiguousarray(bits[:, :, skipped : skipped + stop - start])
    return Luck(outcome, amount)


def finer(streams: Streams, key: Words | Sequence[int], trial: int, lane: int = FINER) -> int:
    """Draw the 16 further bits of one deal in one trial; `lane` says which of them."""
    return streams.short(key, trial, lane)
