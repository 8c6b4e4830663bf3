"""What a newcomer's first months tell of how many deals a rep creates: less than their number, as all ramp differently.

Who has created little after five months may be a weak rep or a slow beginner. The spread of the first is the one that
reps are pooled by; the spread of the second is what the counts of the first months scatter beyond what the rep's later
months and chance explain. Counts of the first months are taken for as many as would tell as much without it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.models.pooling import GammaPool, fit_gamma_pool

__all__ = ["pool_reps"]

Array = npt.NDArray[np.float64]

_FIRST_MONTHS = 6  # of tenure
# Squared coefficient of variation of what beginners create: the usual one, the reps it is worth, and the most that
# counts, since one quick beginner among a few would have all others' first months ignored.
_SPREAD_PRIOR, _SPREAD_PRIOR_REPS, _LARGEST_SPREAD = 0.15, 25.0, 0.4


def pool_reps(observed: Array, expected: Array) -> GammaPool:
    """Pool reps by the deals that they created.

    Parameters
    ----------
    observed, expected : array of float, shape (owners, months of tenure + 1)
        Deals created in each month of tenure, and expected of an average rep.

    Returns
    -------
    GammaPool
        Counts of the first months of tenure are weighed down.
    """
    early, due_early = (of[:, :_FIRST_MONTHS].sum(axis=1) for of in (observed, expected))
    later, due_later = (of[:, _FIRST_MONTHS:].sum(axis=1) for of in (observed, expected))
    ramped = fit_gamma_pool(later, due_later)
    weight = 1.0 / (1.0 + _spread(early, due_early, ramped) * due_early)
    return fit_gamma_pool(later + weight * early, due_later + weight * due_early)


def _spread(observed: Array, expected: Array, ramped: GammaPool) -> float:
    """Squared coefficient of variation of beginners' creation beyond chance and their later pace, by moments."""
    known = expected > 0
    pace = ramped.mean[known]
    doubt = 1.0 / (ramped.strength + ramped.expected[known])  # of the later pace, relative
    hoped = expected[known] * pace
    beyond = ((observed[known] - hoped) ** 2 - hoped - hoped**2 * doubt).sum()
    size = np.square(hoped).sum()
    moment = float(np.clip(beyond / size, 0.0, _LARGEST_SPREAD)) if size > 0 else 0.0
    reps = float((hoped > 1.0).sum())
    weight = reps / (reps + _SPREAD_PRIOR_REPS)
    return weight * moment + (1.0 - weight) * _SPREAD_PRIOR
