"""The stated objective as a linear program on the draws, for HiGHS: the oracle of the fast method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InfeasibleError
from spmforecast.optimize.objective import Objective, Solution

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["linear_program"]

Array = npt.NDArray[np.float64]


def linear_program(
    stated: Objective,
    draws: Array,
    total: float,
    lower: Array | float = 0.0,
    upper: Array | float = np.inf,
    method: str = "highs",
) -> Solution:
    """Solve with HiGHS; arguments as :func:`spmforecast.optimize.objective.solve`.

    Parameters
    ----------
    stated : Objective
        What to minimise.
    draws : array of float, shape (trials, reps)
        Bookings.
    total : float
        Sum of the quotas.
    lower, upper : float or array of float, shape (reps,)
        Bounds.
    method : str
        Of HiGHS: ``highs`` lets it choose, ``highs-ds`` is the dual simplex; ``highs-ipm``, the interior point method
        with crossover, finishes on large companies too.

    Returns
    -------
    Solution
        Its bound is the value of the dual.

    Raises
    ------
    InfeasibleError
        If the bounds cannot hold the total.

    Notes
    -----
    Variables: the quotas Q, what each trial and rep falls short of its quota ``u >= Q - X``, what each trial falls
    short of the plan ``z >= plan - sum(Q - u)``, and the moves ``e >= |Q - last|``. Bookings above quota are
    ``X - Q + u``, so they need no variable.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    trials, reps = draws.shape
    known = np.flatnonzero(np.isfinite(stated.last)) if stated.last.size and stated.change > 0 else np.zeros(0, int)
    n, short, moves = trials * reps, trials if stated.carry > 0 else 0, len(known)
    over = stated.spread + stated.cost
    costs = np.concatenate(
        [
            np.full(reps, -over),
            np.full(n, (stated.spread + over) / trials),
            np.full(short, stated.carry / trials),
            np.full(moves, stated.change),
        ]
    )
    floor, cap = (np.broadcast_to(bound, (reps,)) for bound in (lower, upper))
    bounds = [*zip(floor, cap, strict=True), *([(0.0, None)] * (n + short + moves))]
    whole = csr_array(np.concatenate([np.ones(reps), np.zeros(n + short + moves)])[None, :])
    rows, limits = _constraints(stated, draws, known)
    found = linprog(costs, rows, limits, whole, [total], bounds, method=method)  # type: ignore[call-overload]
    if found.x is None:
        raise InfeasibleError("no quotas within the bounds sum to the total", ("lower", "upper", "total"))
    quota = np.asarray(found.x[:reps], dtype=np.float64)
    constant = over * float(draws.sum(axis=1).mean())
    return Solution(quota, stated.value(draws, quota), float(found.fun) + constant, int(found.nit))


def _constraints(stated: Objective, draws: Array, known: npt.NDArray[np.int64]) -> tuple[csr_array, Array]:
    """Return rows and right sides of what falls short by rep, by plan, and of moves away from the last quota."""
    from scipy.sparse import coo_array, csr_array, eye_array, hstack, kron, vstack

    trials, reps = draws.shape
    n, short, moves = trials * reps, trials if stated.carry > 0 else 0, len(known)
    quota_of = kron(csr_array(np.ones((trials, 1))), eye_array(reps, format="csr"), format="csr")
    blocks = [hstack([quota_of, -eye_array(n), csr_array((n, short + moves))])]
    right = [draws.ravel()]
    if short:
        sums = kron(eye_array(trials, format="csr"), csr_array(np.ones((1, reps))), format="csr")
        all_ = csr_array(np.ones((trials, reps)))
        blocks.append(hstack([-all_, sums, -eye_array(trials), csr_array((trials, moves))]))
        right.append(np.full(trials, -stated.plan))
    if moves:
        shape = (moves, reps)
        pick = csr_array(coo_array((np.ones(moves), (np.arange(moves), known)), shape=shape))
        for side in (1.0, -1.0):
            blocks.append(hstack([side * pick, csr_array((moves, n + short)), -eye_array(moves)]))
            right.append(side * stated.last[known])
    return vstack(blocks, format="csr"), np.concatenate(right)
