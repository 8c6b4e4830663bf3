"""A budget over places so that the worst outcomes are as good as can be: a linear program on the draws."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError, Problem

__all__ = ["safest_mix"]

Array = npt.NDArray[np.float64]


def safest_mix(returns: npt.ArrayLike, budget: float, share: float) -> tuple[Array, float]:
    """Spread a budget (headcount, weight of segments) to maximise the mean of the worst share of outcomes.

    Parameters
    ----------
    returns : array-like of float, shape (trials, places)
        What a unit brings in each place, draw by draw.
    budget : float
        Units to spread, all of them.
    share : float
        Above 0, up to 1: 0.1 looks at the worst tenth.

    Returns
    -------
    units : array of float, shape (places,)
    value : float
        The lower-tail mean reached.

    Raises
    ------
    InputError
        If there are no draws, or budget or share are out of range.

    Notes
    -----
    Rockafellar & Uryasev (2000): ``max c - sum(z) / (share * n)`` with ``z >= c - returns @ units``, ``z >= 0``.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack

    draws = np.asarray(returns, dtype=np.float64)
    if draws.ndim != 2 or not draws.size or not 0 < share <= 1 or not budget >= 0:
        told = "draws (trials, places), a budget of at least 0 and a share above 0 and up to 1 are needed"
        raise InputError(Problem("mix", told, column="share", value=str(share)))
    trials, places = draws.shape
    costs = np.concatenate([np.zeros(places), [-1.0], np.full(trials, 1 / (share * trials))])
    rows = hstack([csr_array(-draws), csr_array(np.ones((trials, 1))), -eye_array(trials)], format="csr")
    whole = np.concatenate([np.ones(places), np.zeros(1 + trials)])[None, :]
    bounds = [*([(0.0, None)] * places), (None, None), *([(0.0, None)] * trials)]
    found = linprog(costs, rows, np.zeros(trials), whole, [budget], bounds, method="highs")
    assert found.x is not None, "a budget can always be spread"
    return np.asarray(found.x[:places], dtype=np.float64), -float(found.fun or 0.0)
