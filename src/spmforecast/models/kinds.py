"""Kinds of moves between stages: forward, back, won, lost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BACK", "FORWARD", "LOST", "WON", "move_types", "rises"]

Ints = npt.NDArray[np.int64]

FORWARD, BACK, WON, LOST = range(4)


def move_types(stages: int) -> Ints:
    """Tell forward and back moves, wins and losses apart: the type of each move, shape (stages, destinations)."""
    kind = np.full((stages, stages + 2), FORWARD, dtype=np.int64)
    kind[np.tril_indices(stages)] = BACK
    kind[:, stages], kind[:, stages + 1] = WON, LOST
    return kind


def rises(kind: Ints) -> npt.NDArray[np.bool_]:
    """Mark advances and wins among moves."""
    return np.asarray((kind == FORWARD) | (kind == WON))
