"""Winners first: keyed points of a Poisson process over trials and hazard, drawn in order of their height.

A trial in which a deal has cumulated the hazard H of being won is a strip of height H; the deal is won where a point
lies in it. Points have rate one, so the lowest point of a strip is an exponential variable, the number of points in it
is Poisson, and the work is that of the points: a deal that is seldom won costs next to nothing. A higher hazard adds
points and moves none, so whoever becomes likelier to win keeps the wins there were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.streams import Streams

__all__ = ["LENGTH", "Points", "arrivals"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

LENGTH = 4096  # trials whose points are drawn together; processes begin anew at its multiples
_TRIAL = np.uint64(LENGTH - 1)
_GAP_BITS = 14
_GAP_SHIFT = np.uint16(16 - _GAP_BITS)
_STEP = np.float32(2.0**-32)


def _mean_gaps() -> Array:
    """Return means of an exponential variable over equal shares of its probability, divided by the trials of a block.

    So gaps keep their mean exactly and all but 1e-4 of their variance.
    """
    edge = np.linspace(0.0, 1.0, 2**_GAP_BITS + 1)
    # The integral of -log u is u - u log u.
    whole = edge - edge * np.log(np.maximum(edge, 1e-300))
    return np.asarray(np.diff(whole) * (2**_GAP_BITS / LENGTH))


_GAPS = _mean_gaps()


@dataclass(frozen=True)
class Points:
    """Points of several processes, one after the other, the lowest first.

    Parameters
    ----------
    number : array of int, shape (processes,)
        Points of each process.
    at : array of int, shape (n,)
        Process of each point.
    trial : array of int, shape (n,)
        Trial, counted from the first asked for.
    height : array of float, shape (n,)
        Cumulated hazard at which each lies.
    uniform : array of float32, shape (n,)
        A uniform of each, for what else is to be drawn.
    """

    number: Ints
    at: Ints
    trial: Ints
    height: Array
    uniform: Floats

    def take(self, here: Ints) -> Points:
        """Keep some points; positions rise."""
        at = self.at.take(here)
        number = np.bincount(at, minlength=len(self.number))
        return Points(number, at, self.trial.take(here), self.height.take(here), self.uniform.take(here))

    def lowest(self, trials: int) -> Points:
        """Keep the lowest point of every trial of a process."""
        strip = self.at * trials
        strip += self.trial
        place = np.empty(len(self.number) * trials, dtype=np.int32)
        order = np.arange(len(strip), dtype=np.int32)
        # Written backwards, so that the first point of a strip is the one that stays.
        place[strip[::-1]] = order[::-1]
        return self.take(np.flatnonzero(place.take(strip) == order))

    def steps(self, edges: Array) -> Ints:
        """Count how many edges lie at or below each point.

        Parameters
        ----------
        edges : array of float, shape (processes, edges)
            Rising heights of each process, the first at most zero.

        Returns
        -------
        array of int, shape (n,)
        """
        begin = np.cumsum(self.number) - self.number
        upto = np.empty((len(edges), edges.shape[1] + 1), dtype=np.int64)
        for k, first in enumerate(begin.tolist()):
            # Points of a process rise, so those between two edges follow each other.
            mine = self.height[first : first + int(self.number[k])]
            upto[k, :-1], upto[k, -1] = np.searchsorted(mine, edges[k]), len(mine)
        many = np.diff(upto, axis=1, prepend=0)[:, 1:]
        return np.repeat(np.tile(np.arange(1, edges.shape[1] + 1), len(edges)), many.ravel())


def arrivals(streams: Streams, keys: Words, start: int, stop: int, reach: Array) -> Points:
    """Draw the points of some processes below a height each.

    Parameters
    ----------
    streams : Streams
        All streams.
    keys : array of uint64, shape (processes, 2)
        Key of each process.
    start, stop : int
        Trials; they lie between the same two multiples of `LENGTH`.
    reach : array of float, shape (processes,)
        Height of each process. A lower one gives the first of the same points.

    Returns
    -------
    Points
    """
    block, offset = divmod(start, LENGTH)
    parts = [_drawn(streams, key, block, most) for key, most in zip(keys, reach.tolist(), strict=True)]
    number = np.array([len(height) for _, height in parts], dtype=np.int64)
    words, height = np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])
    trial = (words & _TRIAL).astype(np.int64)
    uniform = words.view(np.uint32)[1::2].astype(np.float32)
    uniform += np.float32(0.5)
    uniform *= _STEP
    points = Points(number, np.repeat(np.arange(len(keys)), number), trial, height, uniform)
    if stop - start == LENGTH:
        return points
    np.subtract(trial, offset, out=trial)
    return points.take(np.flatnonzero((trial >= 0) & (trial < stop - start)))


def _drawn(streams: Streams, key: Words, block: int, reach: float) -> tuple[Words, Array]:
    """Draw a block's words up to a height, and the heights of the points."""
    mean = reach * LENGTH
    number = int(mean + 5.0 * mean**0.5) + 16
    while True:
        words = streams.words(key, 0, number, block)
        height = _GAPS.take(words.view(np.uint16)[1::4] >> _GAP_SHIFT).cumsum()
        if height[-1] > reach:
            below = int(height.searchsorted(reach))
            return words[:below], height[:below]
        number *= 2  # seldom; the same words come first
