"""Random streams keyed by entity: nobody's luck changes because somebody else does.

Each (seed, kind, id, purpose) names a Philox counter stream through BLAKE2b; the counter says which trial. So a
draw depends on nothing but its own name and trial: not on other entities, their order, the size of a block, the
number of jobs or the machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["Streams"]

Array = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]

_WORDS = 4  # 64-bit words of one Philox counter step
_SHORTS = 16  # pieces of 16 bits in it
_HALF_STEP = 2.0**-54
_EMPTY = np.zeros(4, dtype=np.uint64)


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

    def words(self, key: Words, start: int, stop: int, lane: int = 0) -> Words:
        """Draw 64 random bits for each trial from the stream of a key; other arguments as in :meth:`uniforms`.

        Returns
        -------
        array of uint64, shape (stop - start,)
        """
        return np.asarray(self._at(key, start, lane).random_raw(stop - start))

    def shorts(self, key: Words, start: int, stop: int, lane: int = 0) -> npt.NDArray[np.uint16]:
        """Draw 16 random bits for each trial from the stream of a key, from any trial on; as :meth:`words`.

        Returns
        -------
        array of uint16, shape (stop - start,)
        """
        first = start - start % _SHORTS
        words = self.words(key, first // _WORDS, -(-stop // _WORDS), lane)
        return words.view(np.uint16)[start - first : stop - first]

    def _at(self, key: Words, start: int, lane: int) -> np.random.Philox:
        """Turn the generator to a key and counter; far cheaper than making one, and the same stream."""
        assert start % _WORDS == 0, "blocks of trials begin at a multiple of four"
        state: Any = {"counter": (start // _WORDS, lane, 0, 0), "key": key}
        self._bits.state = {
            "bit_generator": "Philox",
            "state": state,
            "buffer": _EMPTY,
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }
        return self._bits

    def normals(self, kind: str, entity: str, purpose: str, start: int, stop: int, lane: int = 0) -> Array:
        """Draw one standard normal for each trial, by the inverse distribution function."""
        return np.asarray(special.ndtri(self.uniforms(kind, entity, purpose, start, stop, lane)))

    def generator(self, kind: str, entity: str, purpose: str) -> np.random.Generator:
        """Return a generator of the stream for draws that belong to no trial, such as parameters."""
        return np.random.Generator(np.random.Philox(key=self.key(kind, entity, purpose)))
