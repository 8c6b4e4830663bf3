"""A stage that is mended: more of its deals move on, fewer of them leak away, or they move on sooner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from spmforecast.models.kinds import move_types, rises

__all__ = ["StageMend"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StageMend:
    """What is supposed to become better in one stage.

    Parameters
    ----------
    stage : int
        Which.
    way : {"chance", "leak", "pace"}
        ``chance``: the chance of moving on, up or to a win, grows by a share of itself; ``leak``: that share of the
        losses and steps back moves on instead. Either way deals leave when they did. ``pace``: time in the stage is
        shorter by that share, and as many move on.
    by : float
        The share, between 0 and 1.
    """

    stage: int
    way: Literal["chance", "leak", "pace"]
    by: float

    def of(self, rate: Array) -> Array:
        """Change intensities.

        Parameters
        ----------
        rate : array of float, shape (..., stages, destinations, bins)
            Per day.

        Returns
        -------
        array of float
            Of the same shape. Where a bin knows no move up, nothing can move on, and it stays as it is.
        """
        out = np.array(rate, dtype=np.float64)
        own = out[..., self.stage, :, :]
        if self.way == "pace":
            own /= 1.0 - self.by
            return out
        stages = rate.shape[-3]
        up = rises(move_types(stages))[self.stage]
        rising = own[..., up, :].sum(axis=-2, keepdims=True)
        falling = own[..., ~up, :].sum(axis=-2, keepdims=True)
        more = np.minimum(self.by * (rising if self.way == "chance" else falling), falling)
        more = np.where(rising > 0, more, 0.0)
        own[..., up, :] *= 1.0 + more / np.maximum(rising, 1e-300)
        own[..., ~up, :] *= 1.0 - more / np.maximum(falling, 1e-300)
        return out
