"""The luck of open deals: for every deal and trial one word of 32 bits, which decides about the win and the amount.

A deal is won in a trial where its word, a uniform in steps of 2**-32, lies below its chance: chances hold to 32 bits,
and the word does not depend on them. What draws the amount is the same word times an odd number, modulo 2**32. Word and
product are the points of a lattice that fills the unit square evenly: those of the words of any interval are as even as
numbers can be. Given that a deal is won in a period, of chance c, no share of its amounts is off by more than some
5 * 2**-32 / c (Kronecker's sequence of the golden ratio: Niederreiter 1992, Random number generation and quasi-Monte
Carlo methods, 3.1).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.streams import Streams

__all__ = ["draw_words", "leading_bits", "turned"]

Short = npt.NDArray[np.uint16]
Words = npt.NDArray[np.uint32]

_GOLDEN = np.uint32(2654435769)  # 2**32 over the golden ratio, whose multiples are the most even of all
_STEP = 8  # trials that share a step of the counter


def draw_words(streams: Streams, keys: npt.NDArray[np.uint64], start: int, stop: int) -> Words:
    """Draw the words of some deals in the trials from `start` to `stop`.

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
    array of uint32, shape (deals, stop - start)
    """
    first = start - start % _STEP
    pairs = np.empty((len(keys), -(-(stop - first) // 2)), dtype=np.uint64)
    streams.words_of(keys, first // 2, -(-stop // 2), pairs)
    return np.ascontiguousarray(pairs.view(np.uint32)[:, start - first : stop - first])


def turned(words: Words) -> Words:
    """Turn words into others that are uniform, too, whichever interval the words lie in."""
    return np.asarray(words * _GOLDEN)


def leading_bits(words: Words) -> Short:
    """Keep the first 16 bits."""
    return np.asarray((words >> np.uint32(16)).astype(np.uint16))
