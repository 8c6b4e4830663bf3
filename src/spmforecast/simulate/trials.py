"""Trials of one block: their worlds and their keyed draws; what every part of the engine shares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.quantiles import GammaTable
from spmforecast.simulate.streams import Streams

__all__ = ["Trials", "gamma_tables"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Trials:
    """The trials from `start` to `stop`.

    Parameters
    ----------
    seed : int
        Seed of all streams.
    start, stop : int
        Trials; `start` is a multiple of four.
    worlds : int
        Draws of the fitted parameters; trial i lives in world i modulo this.
    """

    def __init__(self, seed: int, start: int, stop: int, worlds: int) -> None:
        self.seed, self.worlds = seed, worlds
        self.start, self.stop, self.count = start, stop, stop - start
        self.streams = Streams(seed)
        self.world: Ints = np.arange(start, stop, dtype=np.int64) % worlds

    def widened(self, length: int) -> Trials:
        """Take the trials of whole blocks of some length, in which these lie."""
        start, stop = self.start - self.start % length, self.stop + -self.stop % length
        whole = (start, stop) == (self.start, self.stop)
        return self if whole else type(self)(self.seed, start, stop, self.worlds)

    def spread(self, table: Floats) -> Floats:
        """Give every trial what its world has, shape (..., worlds) to (..., trials)."""
        worlds = table.shape[-1]
        first = self.start % worlds
        times = -(-(first + self.count) // worlds)
        return np.ascontiguousarray(np.tile(table, times)[..., first : first + self.count])

    def uniform(self, kind: str, entity: str, purpose: str, lane: int = 0) -> Array:
        """Draw a uniform for each trial."""
        return self.streams.uniforms(kind, entity, purpose, self.start, self.stop, lane)

    def normal(self, kind: str, entity: str, purpose: str, lane: int = 0) -> Array:
        """Draw a standard normal for each trial."""
        return self.streams.normals(kind, entity, purpose, self.start, self.stop, lane)

    def shorts(self, kind: str, entity: str, purpose: str, lane: int = 0) -> npt.NDArray[np.uint16]:
        """Draw 16 random bits for each trial."""
        return self.streams.shorts(self.streams.key(kind, entity, purpose), self.start, self.stop, lane)

    def gamma(self, table: GammaTable, entity: str, purpose: str) -> Array:
        """Draw a rep's gamma multiplier for each trial."""
        return table.at(self.normal("rep", entity, purpose))


def gamma_tables(shape: Array, rate: Array) -> tuple[GammaTable | None, ...]:
    """Tabulate gamma laws; an infinite shape stands for a multiplier that is certain to be one.

    Parameters
    ----------
    shape, rate : array of float, shape (n,)
        Gamma laws.

    Returns
    -------
    tuple of GammaTable or None
    """
    known: dict[tuple[float, float], GammaTable] = {}
    out: list[GammaTable | None] = []
    for pair in zip(shape.tolist(), rate.tolist(), strict=True):
        if np.isinf(pair[0]):
            out.append(None)
            continue
        if pair not in known:
            known[pair] = GammaTable.of(*pair)
        out.append(known[pair])
    return tuple(out)
