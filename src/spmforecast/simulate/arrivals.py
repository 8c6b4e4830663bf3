"""Winners first: keyed points over trials and expected wins, drawn in order of their height.

A trial in which a stream of deals expects H wins is a strip of height H; every point in it is a win. Points have rate
one and fall into any of 2,048 trials, so those of a trial are Poisson, and the work is that of the points: a stream
that seldom wins costs next to nothing. More expected wins add points and move none, so whatever becomes likelier keeps
the wins there were.

How many points there are is drawn for layers that double in height; within a layer they lie at equal distances, from a
place on that is drawn, too. As every point falls into any trial, this does nothing to the number of one trial but to
take up to 0.05 % from its variance, less than 0.01 % from 1/32 expected win upwards; and of numbers that are nearly
fixed in all trials together, the mean over trials is known the better.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.simulate.quantiles import pick
from spmforecast.simulate.streams import Streams
from spmforecast.simulate.widths import LENGTH, SLOTS, Widths

__all__ = ["Arrivals", "arrivals"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]
Words = npt.NDArray[np.uint64]

_EACH = np.uint16(SLOTS // LENGTH)  # slots of a trial where all have as many
_BITS_LEFT = np.uint16(2)  # of 16 bits, 14 choose a slot
_LAYERS = 31
# The first layers hold 64 points each on the average; the highest ends at thirty million expected wins.
_BOTTOM = np.append(0.0, 2.0 ** (np.arange(_LAYERS) - 5))
_WIDTH = np.diff(_BOTTOM)
_MEAN = _WIDTH * LENGTH
_SPREAD = np.sqrt(_MEAN)
_TILE = 256  # points whose trials and amounts lie side by side
_TILE_WORDS = 2 * _TILE // 4  # 16 bits each
_HEAD = (_LAYERS + 1) // 4  # words before those of the points: 16 bits for each layer, and for where points begin
_TOGETHER = 32_768  # points worked on together: arrays of so many fit the cache
_A_LITTLE_MORE = np.float32(1 + 1e-5)
_COUNT = np.arange(_TOGETHER, dtype=np.float32)


@dataclass(frozen=True)
class Arrivals:
    """Winners of a stream.

    Parameters
    ----------
    place : array of int, shape (n,)
        Trial, and for each period before that of the win the stride.
    trial : array of int, shape (n,)
        Trial, counted from the first asked for.
    bits : array of uint16, shape (n,)
        A uniform of each, in steps of 2**-16, for what else is to be drawn.
    """

    place: Ints
    trial: Ints
    bits: Short


def arrivals(
    streams: Streams, key: Words, start: int, stop: int, reached: Floats, widths: Sequence[Widths], stride: int
) -> Iterator[Arrivals]:
    """Draw the points of a process below the wins expected.

    Parameters
    ----------
    streams : Streams
        All streams.
    key : array of uint64, shape (2,)
        Key of the process.
    start, stop : int
        Trials.
    reached : array of float32, shape (periods, trials or 1)
        Wins expected by the end of each period in each trial, or in all. Fewer give some of the same points.
    widths : sequence of Widths
        Shares of the trials, for each block of 2,048 that these trials touch; not asked for where all expect the same.
    stride : int
        How far periods lie apart in the positions of winners: as many as the trials, or more.

    Yields
    ------
    Arrivals
        At most 32,768 at a time, those of 2,048 trials together the lowest first.
    """
    blocks = range(start // LENGTH, -(-stop // LENGTH))
    asked = [slice(max(start - one * LENGTH, 0), min(stop - one * LENGTH, LENGTH)) for one in blocks]
    steps = None if reached.shape[1] == 1 else _steps(reached, widths, asked)
    for block, own in zip(blocks, asked, strict=True):
        process, shift = _Process.of(streams, key, block), block * LENGTH - start
        if steps is None:
            yield from _alike(process, reached[:, 0], own, shift, stride)
        else:
            yield from _each_its_own(process, steps, own, shift, widths[block - blocks.start].trial, stride)


def _alike(process: _Process, reached: Floats, asked: slice, shift: int, stride: int) -> Iterator[Arrivals]:
    """Draw where all trials expect the same, and have equal shares: points of a period follow each other.

    `shift` turns trials of the block to those asked for in all.
    """
    below = np.append(0, process.below(reached))
    last, row = int(below[-1]), np.arange(len(reached)) * stride
    for first in range(0, last, _TOGETHER):
        slot, bits = process.bits(first, min(first + _TOGETHER, last))
        trial = (slot // _EACH).astype(np.int64)
        place = np.repeat(row, np.diff(np.minimum(np.maximum(below, first), first + _TOGETHER)))
        if (asked.start, asked.stop) != (0, LENGTH):
            here = np.flatnonzero((trial >= asked.start) & (trial < asked.stop))
            place, trial, bits = place.take(here), trial.take(here), bits.take(here)
        if shift:
            trial += shift
        place += trial
        yield Arrivals(place, trial, bits)


def _steps(reached: Floats, widths: Sequence[Widths], asked: Sequence[slice]) -> Floats:
    """Heights by the end of each period as trials of other shares meet them, infinite beyond the last but one.

    The last row holds each trial's limit.
    """
    inner = len(reached) - 1
    unused = np.full(((1 << inner.bit_length()) - 1 - inner, reached.shape[1]), np.inf, dtype=np.float32)
    out = np.concatenate([reached[:-1], unused, reached[-1:]])
    out *= np.concatenate([width.height[span] for width, span in zip(widths, asked, strict=True)])
    return out


def _each_its_own(
    process: _Process, steps: Floats, asked: slice, shift: int, trials: Short, stride: int
) -> Iterator[Arrivals]:
    """Draw up to the highest strip, and leave out what lies above the trial's own."""
    # Points of trials that are not asked for lie above their limit.
    limit = np.zeros(LENGTH, dtype=np.float32)
    limit[asked] = steps[-1, asked.start + shift : asked.stop + shift]
    # Heights are rounded: whether the highest points count must not hang on how high others reach.
    last, low = int(process.below(limit.max() * _A_LITTLE_MORE)), limit.min()
    for first in range(0, last, _TOGETHER):
        slot, bits = process.bits(first, min(first + _TOGETHER, last))
        height = process.heights(first, first + len(slot))
        trial = trials.take(slot, mode="clip").astype(np.int64)
        if height[-1] * _A_LITTLE_MORE >= low:
            here = np.flatnonzero(height < limit.take(trial, mode="clip"))
            trial, height = trial.take(here, mode="clip"), height.take(here, mode="clip")
            bits = bits.take(here, mode="clip")
        if shift:
            trial += shift
        place = pick(steps[:-1], trial, height) * np.int64(stride)
        place += trial
        yield Arrivals(place, trial, bits)


@dataclass(frozen=True)
class _Process:
    """The points of a process in a block of trials.

    Parameters
    ----------
    number : array of float, shape (layers + 1,)
        Points below the bottom of each layer.
    """

    streams: Streams
    key: list[int]
    block: int
    number: Array

    @classmethod
    def of(cls, streams: Streams, key: Words, block: int) -> _Process:
        """Draw how many points there are in each layer."""
        names = key.tolist()
        uniform = (streams.words(names, 0, _HEAD, block).view(np.uint16) + 0.5) * 2.0**-16
        number = np.empty(_LAYERS + 1)
        number[0] = -uniform[0]
        number[1:] = _MEAN + _SPREAD * special.ndtri(uniform[1:])
        return cls(streams, names, block, number.cumsum())

    def below(self, height: Floats | np.float32) -> Ints:
        """Count the points below heights."""
        layer = np.minimum(_BOTTOM[1:].searchsorted(height, "right"), _LAYERS - 1)
        share = (height - _BOTTOM[layer]) / _WIDTH[layer]
        reached = self.number[layer] + share * (self.number[layer + 1] - self.number[layer])
        return np.asarray(np.maximum(np.ceil(reached), 0.0), dtype=np.int64)

    def heights(self, first: int, last: int) -> Floats:
        """Return the heights of points, not more than are worked on together."""
        out, begin = np.empty(last - first, dtype=np.float32), first
        for layer, (number, step) in enumerate(self._steps):
            end = min(math.ceil(self._steps[layer + 1][0]), last)
            if begin < end:
                part = out[begin - first : end - first]
                np.multiply(_COUNT[: end - begin], np.float32(step), out=part)
                part += np.float32(float(_BOTTOM[layer]) + (begin - number) * step)
                begin = end
            if begin == last:
                break
        return out

    @cached_property
    def _steps(self) -> list[tuple[float, float]]:
        """For each layer, points below its bottom and distance between two of its own."""
        return list(zip(self.number.tolist(), [*(_WIDTH / np.diff(self.number)).tolist(), 0.0], strict=True))

    def bits(self, first: int, last: int) -> tuple[Short, Short]:
        """Draw the slots of points and the bits of their amounts; the first is a multiple of 256."""
        begin, tiles = _HEAD + first // _TILE * _TILE_WORDS, -(-(last - first) // _TILE)
        words = self.streams.words(self.key, begin, begin + tiles * _TILE_WORDS, self.block)
        drawn = words.view(np.uint16).reshape(tiles, 2, _TILE)
        slot, bits = (drawn[:, which].reshape(-1)[: last - first] for which in (0, 1))
        return slot >> _BITS_LEFT, bits
