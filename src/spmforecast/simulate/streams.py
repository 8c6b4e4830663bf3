"""Random streams keyed by entity: nobody's luck changes because somebody else does.

Each (seed, kind, id, purpose) names a Philox counter stream through BLAKE2b; the counter says which trial. So a
draw depends on nothing but its own name and trial: not on other entities, their order, the size of a block, the
number of jobs or the machine.

Where only small uniforms matter (a deal is won in few trials), :meth:`Streams.below` finds the trials whose uniform
lies below a bound and draws little for the others: one byte a trial says in which of a few classes its uniform lies,
and only trials of the classes below the bound get the rest of their bits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["BLOCK", "Streams"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

BLOCK = 4096  # trials that share one run of a sparse stream; changing it changes draws

_WORDS = 4  # 64-bit words of one Philox counter step
_CLASSES = (0, 16, 64, 256)  # bounds of the first byte: below 1/16, below 1/4, the rest
_LATER = np.uint64(56)  # bits that stand behind the first byte
_HALF_STEP = 2.0**-54
_FRESH: dict[str, Any] = {"buffer": np.zeros(4, dtype=np.uint64), "buffer_pos": 4, "has_uint32": 0, "uinteger": 0}


@dataclass(frozen=True, slots=True)
class Streams:
    """All streams of one seed.

    Parameters
    ----------
    seed : int
        The user's seed.
    """

    seed: int
    _bits: np.random.Philox = field(default_factory=lambda: np.random.Philox(key=0), repr=False, compare=False)

    def key(self, kind: str, entity: str, purpose: str) -> npt.NDArray[np.uint64]:
        """Derive the 128-bit Philox key of a stream.

        Parameters
        ----------
        kind, entity, purpose : str
            For instance ``"deal"``, ``"O-17"``, ``"outcome"``.

        Returns
        -------
        array of uint64, shape (2,)
        """
        # Lengths stand before the texts, so that no two names can run together into the same bytes.
        texts = [str(self.seed), kind, entity, purpose]
        name = b"".join(len(text.encode()).to_bytes(4, "little") + text.encode() for text in texts)
        return np.frombuffer(hashlib.blake2b(name, digest_size=16).digest(), dtype="<u8")

    def uniforms(self, kind: str, entity: str, purpose: str, start: int, stop: int, lane: int = 0) -> Array:
        """Draw one uniform in (0, 1) for each trial from `start` to `stop`.

        Parameters
        ----------
        kind, entity, purpose : str
            Name of the stream.
        start, stop : int
            Trials, `start` included; it must be a multiple of four, the words of a counter step.
        lane : int
            Independent sub-stream, for instance the month or the number of a deal.

        Returns
        -------
        array of float, shape (stop - start,)
        """
        random = np.random.Generator(self._at(self.key(kind, entity, purpose), start, lane))
        return np.minimum(random.random(stop - start) + _HALF_STEP, 1.0 - 2.0**-53)

    def words(self, kind: str, entity: str, purpose: str, start: int, stop: int, lane: int = 0) -> Words:
        """Draw 64 random bits for each trial; arguments as in :meth:`uniforms`.

        Returns
        -------
        array of uint64, shape (stop - start,)
        """
        return np.asarray(self._at(self.key(kind, entity, purpose), start, lane).random_raw(stop - start))

    def below(self, kind: str, entity: str, purpose: str, bound: float, start: int, stop: int) -> tuple[Ints, Words]:
        """Find the trials whose uniform may lie below a bound, with 64 random bits for each.

        Parameters
        ----------
        kind, entity, purpose : str
            Name of the stream.
        bound : float
            Upper bound of the uniforms wanted.
        start, stop : int
            Trials; `start` is a multiple of four.

        Returns
        -------
        trials : array of int, shape (n,)
            Trials counted from `start`. All whose uniform (their bits as a binary fraction) lies below the bound are
            among them, and others up to the end of the bound's class; the order is fixed, but not that of time.
        words : array of uint64, shape (n,)
            Their bits: the same whatever the bound, `start` and `stop`.
        """
        key = self.key(kind, entity, purpose)
        parts = [
            self._block_below(key, bound, block, start, stop)
            for block in range(start // BLOCK, (stop + BLOCK - 1) // BLOCK)
        ]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _block_below(self, key: Words, bound: float, block: int, start: int, stop: int) -> tuple[Ints, Words]:
        """Do so in one block: a byte for each trial, then the other bits class by class."""
        bits = self._at(key, block * BLOCK, 0)
        first = np.asarray(bits.random_raw(BLOCK // 8)).astype("<u8", copy=False).view(np.uint8)
        trials, words = [], []
        for low, high in pairwise(_CLASSES):
            if trials and bound <= low / 256:
                break
            here = np.flatnonzero(first < high) if low == 0 else np.flatnonzero((first >= low) & (first < high))
            rest = np.asarray(bits.random_raw(len(here))) >> np.uint64(8)
            trials.append(here)
            words.append(rest | (first[here].astype(np.uint64) << _LATER))
        trial = (trials[0] if len(trials) == 1 else np.concatenate(trials)) + (block * BLOCK - start)
        word = words[0] if len(words) == 1 else np.concatenate(words)
        if block * BLOCK >= start and (block + 1) * BLOCK <= stop:
            return trial, word
        inside = (trial >= 0) & (trial < stop - start)
        return trial[inside], word[inside]

    def _at(self, key: Words, start: int, lane: int) -> np.random.Philox:
        """Turn the generator to a key and counter; far cheaper than making one, and the same stream."""
        assert start % _WORDS == 0, "blocks of trials begin at a multiple of four"
        counter = np.array([start // _WORDS, lane, 0, 0], dtype=np.uint64)
        state: dict[str, Any] = {"counter": counter, "key": key}
        self._bits.state = {"bit_generator": "Philox", "state": state, **_FRESH}
        return self._bits

    def normals(self, kind: str, entity: str, purpose: str, start: int, stop: int, lane: int = 0) -> Array:
        """Draw one standard normal for each trial, by the inverse distribution function."""
        return np.asarray(special.ndtri(self.uniforms(kind, entity, purpose, start, stop, lane)))

    def generator(self, kind: str, entity: str, purpose: str) -> np.random.Generator:
        """Return a generator of the stream for draws that belong to no trial, such as parameters."""
        return np.random.Generator(np.random.Philox(key=self.key(kind, entity, purpose)))
