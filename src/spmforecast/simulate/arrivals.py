"""Winners first: keyed points of a Poisson process over trials and expected wins, drawn in order of their height.

A trial in which a stream of deals expects H wins is a strip of height H; every point in it is a win. Points have rate
one, so their number is Poisson, and the work is that of the points: a stream that seldom wins costs next to nothing.
More expected wins add points and move none, so whatever becomes likelier keeps the wins there were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.streams import Streams

__all__ = ["LENGTH", "STEPS", "Points", "arrivals"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]
Words = npt.NDArray[np.uint64]

LENGTH = 2048  # trials whose points are drawn together; processes begin anew at its multiples
_TRIAL = np.uint16(LENGTH - 1)
STEPS = 2.0**44  # steps in which heights are counted
_GAP_BITS = 14
_GAP_SHIFT = np.uint16(16 - _GAP_BITS)
_TOGETHER = 32_768  # points drawn in one go: arrays of so many fit the cache
_PARTS = 3  # 16 bits each for gap, trial and amount


def _mean_gaps() -> Ints:
    """Return means of an exponential variable over equal shares of its probability, divided by the trials of a block.

    So gaps keep their mean, and all but 1e-4 of their variance. They are whole steps: sums of them are exact.
    """
    edge = np.linspace(0.0, 1.0, 2**_GAP_BITS + 1)
    # The integral of -log u is u - u log u.
    whole = edge - edge * np.log(np.maximum(edge, 1e-300))
    return np.asarray(np.rint(np.diff(whole) * (2**_GAP_BITS / LENGTH * STEPS)), dtype=np.int64)


_GAPS = _mean_gaps()


@dataclass(frozen=True)
class Points:
    """Points of a process, the lowest first.

    Parameters
    ----------
    trial : array of int, shape (n,)
        Trial, counted from the first asked for.
    height : array of int, shape (n,)
        Expected wins below each, in steps of 2**-44.
    bits : array of uint16, shape (n,)
        A uniform of each, in steps of 2**-16, for what else is to be drawn.
    """

    trial: Ints
    height: Ints
    bits: Short


def arrivals(streams: Streams, key: Words, start: int, stop: int, reach: Floats) -> Iterator[Points]:
    """Draw the points of a process below a height.

    Parameters
    ----------
    streams : Streams
        All streams.
    key : array of uint64, shape (2,)
        Key of the process.
    start, stop : int
        Trials.
    reach : array of float32, shape (trials or 1,)
        Height of each trial, or of all. A lower one gives some of the same points.

    Yields
    ------
    Points
        At most 32,768 at a time, those of 2,048 trials together the lowest first.
    """
    for block in range(start // LENGTH, -(-stop // LENGTH)):
        first = block * LENGTH
        low, high = max(start, first), min(stop, first + LENGTH)
        own = reach if len(reach) == 1 else reach[low - start : high - start]
        limit = own * np.float32(STEPS)
        if high - low < LENGTH:
            # Points of trials that are not asked for lie above their limit.
            limit = np.full(LENGTH, -1.0, dtype=np.float32)
            limit[low - first : high - first] = own * np.float32(STEPS)
        yield from _points(streams, key, block, limit, first - start)


def _points(streams: Streams, key: Words, block: int, limit: Floats, offset: int) -> Iterator[Points]:
    """Draw the points of a block of trials below their limits; `offset` turns its trials to those asked for."""
    first, below, most = 0, 0, int(limit.max())
    while below <= most:
        parts, height = _below(streams, key, block, first, most - below)
        height += below
        yield _kept(parts, height, limit, offset)
        if len(height) < _TOGETHER:
            return
        # Always so many, so that heights are added up alike whatever the reach.
        first, below = first + _TOGETHER, int(height[-1])


def _kept(parts: Short, height: Ints, limit: Floats, offset: int) -> Points:
    """Keep the points below the limits of their trials."""
    trial = (parts[:, 1] & _TRIAL).astype(np.int64)
    if len(limit) == 1:
        trial += offset
        return Points(trial, height, parts[:, 2])
    here = np.flatnonzero(height.astype(np.float32) < limit.take(trial))
    trial = trial.take(here)
    trial += offset
    return Points(trial, height.take(here), parts[:, 2].take(here))


def _below(streams: Streams, key: Words, block: int, first: int, reach: int) -> tuple[Short, Ints]:
    """Draw the bits of the points from the first up to a height, and their heights; no more than are kept together."""
    mean = reach * (LENGTH / STEPS)
    number = min(int(mean + 5.0 * mean**0.5) + 16, _TOGETHER)
    while True:
        parts = _drawn(streams, key, block, first, number)
        height = _GAPS.take(parts[:, 0] >> _GAP_SHIFT).cumsum()
        if height[-1] > reach:
            below = int(height.searchsorted(reach))
            return parts[:below], height[:below]
        if number == _TOGETHER:
            return parts, height
        number = _TOGETHER  # seldom; the same points come first


def _drawn(streams: Streams, key: Words, block: int, first: int, number: int) -> Short:
    """Draw the bits of points, shape (number, 3)."""
    per_word = 4
    begin = first * _PARTS // per_word
    words = streams.words(key, begin, begin + -(-number * _PARTS // per_word), block)
    return words.view(np.uint16)[: number * _PARTS].reshape(number, _PARTS)
