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

__all__ = ["LENGTH", "STEPS", "Points", "above", "arrivals"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]
Steps = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]

LENGTH = 2048  # trials whose points are drawn together; processes begin anew at its multiples
_TRIAL = np.uint16(LENGTH - 1)
STEPS = 2.0**26  # steps in which heights are counted
_HIGHEST = np.float32(2**31 - 128)  # the largest 32-bit number that is one of float32, too
_GAP_BITS = 14
_GAP_SHIFT = np.uint16(16 - _GAP_BITS)
_TOGETHER = 32_768  # points drawn in one go: arrays of so many fit the cache, and their heights 32 bits
_BASE = 1024  # heights are counted from multiples of so many steps
_TILE = 256  # points whose gaps, trials and amounts lie side by side
_PARTS = 3  # 16 bits each for gap, trial and amount
_TILE_WORDS = _TILE * _PARTS // 4


def _mean_gaps() -> Steps:
    """Return means of an exponential variable over equal shares of its probability, divided by the trials of a block.

    So gaps keep their mean, and all but 1e-4 of their variance. They are whole steps: sums of them are exact.
    """
    edge = np.linspace(0.0, 1.0, 2**_GAP_BITS + 1)
    # The integral of -log u is u - u log u.
    whole = edge - edge * np.log(np.maximum(edge, 1e-300))
    return np.asarray(np.rint(np.diff(whole) * (2**_GAP_BITS / LENGTH * STEPS)), dtype=np.int32)


_GAPS = _mean_gaps()


@dataclass(frozen=True)
class Points:
    """Points of a process, the lowest first.

    Parameters
    ----------
    trial : array of int, shape (n,)
        Trial, counted from the first asked for.
    height : array of int32, shape (n,)
        Expected wins below each, in steps of 2**-26 above the base.
    bits : array of uint16, shape (n,)
        A uniform of each, in steps of 2**-16, for what else is to be drawn.
    base : int
        Where heights are counted from, in steps.
    """

    trial: Ints
    height: Steps
    bits: Short
    base: int


def above(base: int, steps: Floats) -> Steps:
    """Count heights from a base, as far as those of points go.

    Parameters
    ----------
    base : int
        Base of points.
    steps : array of float32
        Heights in steps.

    Returns
    -------
    array of int32
        Zero for what lies below the base.
    """
    # Bases are float32 themselves, so these differences are exact.
    return np.asarray(np.clip(steps - np.float32(base), np.float32(0), _HIGHEST), dtype=np.int32)


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
        if high - low < LENGTH:
            # Points of trials that are not asked for lie above their limit.
            limit = np.zeros(LENGTH, dtype=np.float32)
            limit[low - first : high - first] = own
            own = limit
        yield from _points(streams, key, block, own, first - start)


def _points(streams: Streams, key: Words, block: int, reach: Floats, offset: int) -> Iterator[Points]:
    """Draw the points of a block of trials below their reach; `offset` turns its trials to those asked for."""
    limit = reach * np.float32(STEPS)
    first, base, rest, most = 0, 0, 0, int(limit.max())
    while base <= most:
        drawn, height = _below(streams, key, block, first, rest, min(most - base, int(_HIGHEST)))
        yield _kept(drawn, height, above(base, limit), base, offset)
        if len(height) < _TOGETHER:
            return
        # Always so many, so that heights are added up alike whatever the reach.
        first, rest = first + _TOGETHER, int(height[-1]) % _BASE
        base += int(height[-1]) - rest


def _kept(drawn: Short, height: Steps, limit: Steps, base: int, offset: int) -> Points:
    """Keep the points below the limits of their trials."""
    trial = (drawn[:, 1] & _TRIAL).astype(np.int64).reshape(-1)[: len(height)]
    bits = drawn[:, 2].reshape(-1)[: len(height)]
    if len(limit) > 1:
        here = np.flatnonzero(height < limit.take(trial))
        trial, height, bits = trial.take(here), height.take(here), bits.take(here)
    if offset:
        trial += offset
    return Points(trial, height, bits, base)


def _below(streams: Streams, key: Words, block: int, first: int, rest: int, reach: int) -> tuple[Short, Steps]:
    """Draw the bits of the points from the first up to a height, and their heights; no more than are kept together.

    The last point before them lies at the height `rest`.
    """
    mean = reach * (LENGTH / STEPS)
    number = min(int(mean + 5.0 * mean**0.5) + 16, _TOGETHER)
    while True:
        drawn = _drawn(streams, key, block, first, number)
        gap = _GAPS.take((drawn[:, 0] >> _GAP_SHIFT).reshape(-1))
        gap[0] += rest
        height = gap.cumsum(dtype=np.int32)
        if height[-1] > reach:
            return drawn, height[: int(height.searchsorted(np.int32(reach)))]
        if len(height) == _TOGETHER:
            return drawn, height
        number = _TOGETHER  # seldom; the same points come first


def _drawn(streams: Streams, key: Words, block: int, first: int, number: int) -> Short:
    """Draw the bits of points from the first, a whole tile, on; shape (tiles, 3, 256)."""
    begin, tiles = first // _TILE * _TILE_WORDS, -(-number // _TILE)
    words = streams.words(key, begin, begin + tiles * _TILE_WORDS, block)
    return words.view(np.uint16).reshape(tiles, _PARTS, _TILE)
