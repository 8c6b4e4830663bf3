"""Combined forecasts: weights from past errors, shrunk to equal, and the linear pool of draws.

Sources: Bates & Granger (1969), Oper Res Q 20:451; Timmermann (2006), Handbook of Economic Forecasting 1:135.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from spmforecast.arrays import Floats, finite, require
from spmforecast.simulate.streams import Streams

__all__ = [
    "combined_error",
    "inverse_error_weights",
    "inverse_score_weights",
    "mean_square_errors",
    "minimum_variance_weights",
    "pool_draws",
    "pool_moments",
    "pool_quantile",
    "shrink_to_equal",
]

_TOPIC = "combination"


def mean_square_errors(errors: npt.ArrayLike) -> Floats:
    """Mean products of the members' errors, about zero: biases count.

    Parameters
    ----------
    errors : array-like, shape (n, members)
        Forecast minus outcome, a row an occasion.

    Returns
    -------
    array of float, shape (members, members)

    Raises
    ------
    InputError
        If errors are missing or infinite, or not a table with a row and a column.
    """
    (e,) = finite(_TOPIC, {"errors": errors})
    require(e.ndim == 2 and e.size > 0, _TOPIC, f"errors must have shape (n, members), not {e.shape}", "errors")
    return np.asarray(e.T @ e / len(e))


def inverse_error_weights(matrix: npt.ArrayLike) -> Floats:
    """Weights in proportion to one over each member's mean square error; correlations are left aside.

    Parameters
    ----------
    matrix : array-like, shape (members, members)
        From :func:`mean_square_errors`.

    Returns
    -------
    array of float, shape (members,)
        Sum to one. Members that never erred share all the weight.
    """
    return inverse_score_weights(np.diag(_square(matrix)))


def inverse_score_weights(score: npt.ArrayLike) -> Floats:
    """Weights in proportion to one over each member's mean score (square error, CRPS), which is not negative."""
    (value,) = finite(_TOPIC, {"score": score})
    require(value.ndim == 1 and value.size > 0, _TOPIC, "scores must be a list of at least one", "score")
    require((value >= 0).all(), _TOPIC, "scores must not be negative", "score")
    weight = (value == 0).astype(np.float64) if (value == 0).any() else value.min() / value
    return np.asarray(weight / weight.sum())


def minimum_variance_weights(matrix: npt.ArrayLike, non_negative: bool = False) -> Floats:
    """Weights that sum to one and make the combined mean square error least.

    Parameters
    ----------
    matrix : array-like, shape (members, members)
        From :func:`mean_square_errors`.
    non_negative : bool
        Leave out members whose weight would be negative. With few occasions free weights overfit: prefer
        :func:`inverse_error_weights` shrunk to equal.

    Returns
    -------
    array of float, shape (members,)
    """
    m = _square(matrix)
    kept = np.arange(len(m))
    while True:
        weight = np.zeros(len(m))
        weight[kept] = _free_weights(m[np.ix_(kept, kept)])
        if not non_negative or (weight >= 0).all():
            break
        kept = np.setdiff1d(kept, [int(weight.argmin())])
    return _let_back_in(m, weight) if non_negative else weight


def _free_weights(m: Floats) -> Floats:
    """Minimiser of w'Mw with weights that sum to one; the shortest of them where several do."""
    raw = np.linalg.pinv(m, hermitian=True) @ np.ones(len(m))
    # Errors that cancel exactly leave a combination without error: the null space of M.
    values, vectors = np.linalg.eigh(m)
    null = vectors[:, values <= 1e-12 * max(values[-1], 1e-300)]
    exact = null @ null.T @ np.ones(len(m))
    raw = exact if exact.sum() > 1e-9 else raw
    return np.asarray(raw / raw.sum())


def _let_back_in(m: Floats, weight: Floats) -> Floats:
    """Finish the non-negative case by pairwise exchange, which cannot miss the optimum of a convex problem."""
    for _ in range(1000):
        slope = m @ weight
        gain, give = int(slope.argmin()), int(np.where(weight > 0, slope, -np.inf).argmax())
        curve = m[gain, gain] + m[give, give] - 2 * m[gain, give]
        if slope[give] - slope[gain] <= 1e-13 * max(np.abs(slope).max(), 1e-300) or curve <= 0:
            break
        move = min((slope[give] - slope[gain]) / curve, weight[give])
        weight = weight.copy()
        weight[gain] += move
        weight[give] -= move
    return np.asarray(weight / weight.sum())


def shrink_to_equal(weight: npt.ArrayLike, toward: float = 0.5) -> Floats:
    """Move weights towards equal ones, which few occasions seldom beat.

    Parameters
    ----------
    weight : array-like, shape (members,)
        Sum to one.
    toward : float
        Share of the way, 0 to 1.

    Returns
    -------
    array of float, shape (members,)
    """
    w = _weights(weight)
    require(0 <= toward <= 1, _TOPIC, "toward must lie between 0 and 1", "toward")
    return np.asarray((1 - toward) * w + toward / len(w))


def combined_error(weight: npt.ArrayLike, matrix: npt.ArrayLike) -> float:
    """Mean square error of the combination, ``w'Mw``."""
    m, w = _square(matrix), _weights(weight)
    require(len(m) == len(w), _TOPIC, f"{len(w)} weights for {len(m)} members", "weight")
    return float(w @ m @ w)


def pool_draws(
    members: Sequence[npt.ArrayLike], weight: npt.ArrayLike, seed: int = 0, name: str = "forecast"
) -> Floats:
    """Linear pool of sample paths: each trial is taken whole from one member, so paths and sums stay coherent.

    Parameters
    ----------
    members : sequence of array-like, each of shape (trials, ...)
        Draws of each member, all of one shape.
    weight : array-like, shape (members,)
        Not negative; sum to one.
    seed : int
        Seed of the stream that picks members.
    name : str
        What is combined; other names pick independently.

    Returns
    -------
    array of float, shape (trials, ...)

    Raises
    ------
    InputError
        If shapes or weights do not fit.
    """
    draws = finite(_TOPIC, {f"member {k + 1}": member for k, member in enumerate(members)})
    w = _weights(weight)
    require(len(draws) == len(w), _TOPIC, f"{len(w)} weights for {len(draws)} members", "weight")
    require((w >= 0).all(), _TOPIC, "a pool needs weights that are not negative", "weight")
    require(len({d.shape for d in draws}) == 1 and draws[0].ndim > 0, _TOPIC, "members differ in shape", "members")
    uniform = Streams(seed).uniforms("pool", name, "member", 0, len(draws[0]))
    pick = np.minimum((uniform[:, None] >= np.cumsum(w)).sum(axis=1), np.flatnonzero(w)[-1])
    out = draws[0].copy()
    for k in range(1, len(draws)):
        out[pick == k] = draws[k][pick == k]
    return out


def pool_moments(mean: npt.ArrayLike, sd: npt.ArrayLike, weight: npt.ArrayLike) -> tuple[float, float]:
    """Mean and standard deviation of a linear pool; the members' disagreement adds to the spread.

    Parameters
    ----------
    mean, sd, weight : array-like, shape (members,)
        Moments of the members, and weights that sum to one.

    Returns
    -------
    tuple of float
    """
    m, s = finite(_TOPIC, {"mean": mean, "sd": sd})
    w = _weights(weight)
    require(m.shape == s.shape == w.shape, _TOPIC, "means, spreads and weights differ in number")
    centre = float(w @ m)
    return centre, float(np.sqrt(w @ (s**2 + (m - centre) ** 2)))


def pool_quantile(
    laws: Sequence[Callable[[float], float]], weight: npt.ArrayLike, q: float, low: float, high: float
) -> float:
    """Quantile of a linear pool of laws: where the weighted distribution functions reach `q`.

    The average of the members' quantiles is another thing, and too narrow.

    Parameters
    ----------
    laws : sequence of callable
        Distribution functions.
    weight : array-like, shape (members,)
        Not negative; sum to one.
    q : float
        Level strictly between 0 and 1.
    low, high : float
        Values between which the quantile lies.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If weights do not fit, or the quantile does not lie between `low` and `high`.
    """
    from scipy import optimize

    w = _weights(weight)
    require(len(laws) == len(w), _TOPIC, f"{len(w)} weights for {len(laws)} members", "weight")
    require(0 < q < 1, _TOPIC, "a quantile level must lie strictly between 0 and 1", "q")

    def excess(x: float) -> float:
        return sum(float(share) * law(x) for share, law in zip(w, laws, strict=True)) - q

    require(excess(low) <= 0 <= excess(high), _TOPIC, f"the quantile does not lie between {low} and {high}", "low")
    return float(optimize.brentq(excess, low, high, xtol=1e-12 * max(abs(low), abs(high), 1.0), rtol=1e-14))


def _square(matrix: npt.ArrayLike) -> Floats:
    (m,) = finite(_TOPIC, {"matrix": matrix})
    square = m.ndim == 2 and m.shape[0] == m.shape[1] and m.size > 0
    require(square, _TOPIC, f"the matrix must be square, not of shape {m.shape}", "matrix")
    return m


def _weights(weight: npt.ArrayLike) -> Floats:
    (w,) = finite(_TOPIC, {"weight": weight})
    require(w.ndim == 1 and w.size > 0, _TOPIC, "weights must be a list of at least one", "weight")
    require(abs(w.sum() - 1) < 1e-9, _TOPIC, f"weights sum to {w.sum():.6g}, not to 1", "weight")
    return w
