"""Random streams keyed by entity: nobody's luck changes because somebody else does.

Each (seed, kind, id, purpose) names a Philox counter stream through BLAKE2b; the counter says which trial. So a
draw depends on nothing but its own name and trial: not on other entities, their order, the size of a block, the
number of jobs or the machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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


def _fresh_state() -> dict[str, Any]:
    """State of a generator that is about to draw its first words; the counter and the key are to be set."""
    state = {"counter": (0, 0, 0, 0), "key": (0, 0)}
    return {
        "bit_generator": "Philox",
        "state": state,
        "buffer": (0, 0, 0, 0),
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }


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
    _state: dict[str, Any] = field(default_factory=_fresh_state, repr=False, compare=False)

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

    def words(self, key: Words | Sequence[int], start: int, stop: int, lane: int = 0) -> Words:
        """Draw 64 random bits for each trial from the stream of a key; other arguments as in :meth:`uniforms`.

        Returns
        -------
        array of uint64, shape (stop - start,)
        """
        return np.asarray(self._at(key, start, lane).random_raw(stop - start))

    def words_of(self, keys: Words, start: int, stop: int, out: Words) -> None:
        """Draw what :meth:`words` draws for each of many keys.

        Parameters
        ----------
        keys : array of uint64, shape (n, 2)
            Keys of the streams.
        start, stop : int
            As in :meth:`words`.
        out : array of uint64, shape (n, stop - start)
            Takes the words of each key.
        """
        names = keys.tolist()
        # For a few thousand words a call, what is not their generation costs as much as a tenth of it.
        whole: Any = self._state
        state, bits = whole["state"], self._at((0, 0), start, 0)
        for place, key in enumerate(names):
            state["key"] = key
            bits.state = whole
            out[place] = bits.random_raw(stop - start)

    def shorts(self, key: Words | Sequence[int], start: int, stop: int, lane: int = 0) -> npt.NDArray[np.uint16]:
        """Draw 16 random bits for each trial from the stream of a key, from any trial on; as :meth:`words`.

        Returns
        -------
        array of uint16, shape (stop - start,)
        """
        first = start - start % _SHORTS
        words = self.words(key, first // _WORDS, -(-stop // _WORDS), lane)
        return words.view(np.uint16)[start - first : stop - first]

    def _at(self, key: Words | Sequence[int], start: int, lane: int) -> np.random.Philox:
        """Turn the generator to a key and counter; far cheaper than making one, and the same stream."""
        assert start % _WORDS == 0, "blocks of trials begin at a multiple of four"
        # NumPy reads the state number by number: those of Python are far quicker to read than those of an array.
        whole: Any = self._state
        state = whole["state"]
        state["counter"] = (start // _WORDS, lane, 0, 0)
        state["key"] = key.tolist() if isinstance(key, np.ndarray) else key
        self._bits.state = whole
        return self._bits

    def normals(self, kind: str, entity: str, purpose: str, start: int, stop: int, lane: int = 0) -> Array:
        """Draw one standard normal for each trial, by the inverse distribution function."""
        return np.asarray(special.ndtri(self.uniforms(kind, entity, purpose, start, stop, lane)))

    def generator(self, kind: str, entity: str, purpose: str) -> np.random.Generator:
        """Return a generator of the stream for draws that belong to no trial, such as parameters."""
        return np.random.Generator(np.random.Philox(key=self.key(kind, entity, purpose)))
