"""How much of a layer of points falls to each trial: the more, the luckier its seller and market are.

Points of deals to come fall into one of 16,384 slots, which 2,048 trials share in proportion to the wins that their
luck lets expect. A trial with twice the slots meets twice the points, and counts those below half the height: its wins
keep their law whatever the shares, and few points are drawn in vain. Luck is drawn; it does not hang on chances, plans
or other sellers, so that shares stay what they are when those change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LENGTH", "SLOTS", "Widths"]

Floats = npt.NDArray[np.float32]
Short = npt.NDArray[np.uint16]

LENGTH = 2048  # trials whose points are drawn together; processes begin anew at its multiples
SLOTS = 1 << 14  # so few that a table of them fits the first cache


@dataclass(frozen=True)
class Widths:
    """Shares of the trials of a block.

    Parameters
    ----------
    trial : array of uint16, shape (16384,)
        Trial that has each slot.
    height : array of float32, shape (2048,)
        What a height is multiplied by for each trial: its share, were all alike, over its own.
    """

    trial: Short
    height: Floats

    @classmethod
    def of(cls, luck: npt.NDArray[np.floating]) -> Widths:
        """Share slots out in proportion to positive figures of luck, shape (2048,)."""
        share = luck * ((SLOTS - LENGTH) / luck.sum(dtype=np.float64))
        number = share.astype(np.int64) + 1
        number[-1] += SLOTS - number.sum()
        trial = np.repeat(np.arange(LENGTH, dtype=np.uint16), number)
        return cls(trial, np.divide(SLOTS / LENGTH, number).astype(np.float32))
