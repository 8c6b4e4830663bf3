"""Reconciliation: make forecasts of totals and of their parts agree.

Draws of the deals add up by themselves; this is for a top-down model set beside them. Every method is a projection
``y~ = S G y`` with ``G = (S' W^-1 S)^-1 S' W^-1``, so draws stay draws: each is projected on its own.

Sources: Wickramasuriya, Athanasopoulos & Hyndman (2019), JASA 114:804; Schäfer & Strimmer (2005), Stat Appl Genet Mol
Biol 4:32; Panagiotelis, Gamakumara, Athanasopoulos & Hyndman (2023), Eur J Oper Res 306:693.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.arrays import Floats, finite, require

__all__ = [
    "METHODS",
    "error_weights",
    "incoherence",
    "projection",
    "reconcile",
    "residual_covariance",
    "shrinkage_intensity",
    "summing_matrix",
]

_TOPIC = "reconciliation"
METHODS = ("ols", "struct", "variance", "shrink", "sample")
_LEAST_RESIDUALS = 30


def summing_matrix(*levels: npt.ArrayLike) -> Floats:
    """Stack the sums of each level over the bottom nodes, the bottom nodes themselves last.

    Parameters
    ----------
    *levels : array-like, shape (bottom,)
        From the top: which node of the level each bottom node belongs to. Nodes stand in sorted order.

    Returns
    -------
    array of float, shape (nodes, bottom)
    """
    require(len(levels) > 0, _TOPIC, "at least one level above the bottom is needed", "levels")
    labels = [np.asarray(level) for level in levels]
    require(len({len(row) for row in labels}) == 1, _TOPIC, "levels differ in their number of bottom nodes", "levels")
    sums = [(np.unique(row)[:, None] == row).astype(np.float64) for row in labels]
    return np.concatenate([*sums, np.eye(len(labels[0]))])


def residual_covariance(residuals: npt.ArrayLike, centred: bool = False) -> Floats:
    """Covariance of the base forecasts' errors.

    Parameters
    ----------
    residuals : array-like, shape (n, nodes)
        Outcome minus base forecast.
    centred : bool
        About their means with divisor n - 1; by default about zero with divisor n, so that bias counts.

    Returns
    -------
    array of float, shape (nodes, nodes)
    """
    e = _residuals(residuals)
    if centred:
        require(len(e) > 1, _TOPIC, "a centred covariance needs two rows", "residuals")
        return np.asarray(np.cov(e, rowvar=False))
    return np.asarray(e.T @ e / len(e))


def shrinkage_intensity(residuals: npt.ArrayLike, centred: bool = False) -> float:
    """Schäfer & Strimmer's weight of the diagonal target, between 0 and 1.

    Parameters
    ----------
    residuals, centred
        As :func:`residual_covariance`.

    Returns
    -------
    float
        Estimated variance of the correlations over their sum of squares.
    """
    e = _residuals(residuals)
    n = len(e)
    require(n > 1, _TOPIC, "shrinkage needs two rows", "residuals")
    e = e - e.mean(axis=0) if centred else e
    spread = np.sqrt((e**2).sum(axis=0) / (n - 1 if centred else n))
    z = e / np.where(spread > 0, spread, 1.0)
    cross, squares = z.T @ z, (z**2).T @ (z**2)
    divisor = n * (n - 1)
    variance = (squares - cross**2 / n) / divisor
    correlation = cross / (n - 1 if centred else n)
    if centred:
        variance = variance * (n / (n - 1)) ** 2
    off = ~np.eye(e.shape[1], dtype=bool)
    total = float((correlation[off] ** 2).sum())
    return float(np.clip(variance[off].sum() / total, 0.0, 1.0)) if total > 0 else 1.0


def error_weights(
    summing: npt.ArrayLike, residuals: npt.ArrayLike | None = None, method: str = "auto", centred: bool = False
) -> Floats:
    """Covariance W that the projection trusts.

    Parameters
    ----------
    summing : array-like, shape (nodes, bottom)
        Summing matrix.
    residuals : array-like, shape (n, nodes), optional
        Errors of past base forecasts.
    method : str
        ``ols`` (all alike), ``struct`` (by the number of bottom nodes), ``variance`` (diagonal), ``shrink`` (MinT with
        the covariance shrunk towards its diagonal), ``sample`` (MinT), or ``auto``: `shrink` from 30 residuals on,
        `struct` below.
    centred : bool
        As :func:`residual_covariance`.

    Returns
    -------
    array of float, shape (nodes, nodes)

    Raises
    ------
    InputError
        If the method is unknown, or needs residuals that do not fit.
    """
    s = _summing(summing)
    if method == "auto":
        enough = residuals is not None and len(np.asarray(residuals)) >= _LEAST_RESIDUALS
        method = "shrink" if enough else "struct"
    require(method in METHODS, _TOPIC, f"unknown method {method!r}; use one of {', '.join(METHODS)} or auto", "method")
    if method == "ols":
        return np.eye(len(s))
    if method == "struct":
        return np.diag(s.sum(axis=1))
    require(residuals is not None, _TOPIC, f"{method} needs residuals of past forecasts", "residuals")
    assert residuals is not None
    e = _residuals(residuals)
    fits = e.shape[1] == len(s)
    require(fits, _TOPIC, f"residuals of {e.shape[1]} nodes for a hierarchy of {len(s)}", "residuals")
    full = residual_covariance(e, centred)
    diagonal = np.diag(np.diag(full))
    if method == "variance":
        return diagonal
    weight = shrinkage_intensity(e, centred) if method == "shrink" else 0.0
    return weight * diagonal + (1 - weight) * full


def projection(summing: npt.ArrayLike, covariance: npt.ArrayLike) -> Floats:
    """Matrix G that turns base forecasts of all nodes into reconciled ones of the bottom.

    Parameters
    ----------
    summing : array-like, shape (nodes, bottom)
        Summing matrix.
    covariance : array-like, shape (nodes, nodes)
        Positive definite W.

    Returns
    -------
    array of float, shape (bottom, nodes)
        ``G S`` is the identity: coherent forecasts are left as they are.

    Raises
    ------
    InputError
        If shapes do not fit or the covariance is singular.
    """
    s = _summing(summing)
    (w,) = finite(_TOPIC, {"covariance": covariance})
    require(w.shape == (len(s), len(s)), _TOPIC, f"the covariance must have shape {(len(s), len(s))}", "covariance")
    singular = bool(np.linalg.matrix_rank(w, hermitian=True) < len(w))
    require(not singular, _TOPIC, "the covariance is singular", "covariance", "Use method shrink or struct.")
    weighted = np.linalg.solve(w, s)
    return np.asarray(np.linalg.solve(s.T @ weighted, weighted.T))


def reconcile(base: npt.ArrayLike, summing: npt.ArrayLike, covariance: npt.ArrayLike) -> Floats:
    """Reconcile forecasts, or each draw of them.

    Parameters
    ----------
    base : array-like, shape (nodes,) or (trials, nodes)
        Base forecasts or draws of all nodes.
    summing, covariance
        As :func:`projection`.

    Returns
    -------
    array of float, shape of `base`
        Coherent: every node is the sum of its parts.

    Raises
    ------
    InputError
        As :func:`projection`, or if `base` has another number of nodes or missing values.
    """
    s = _summing(summing)
    (y,) = finite(_TOPIC, {"base": base})
    fits = y.ndim in (1, 2) and y.shape[-1] == len(s)
    require(fits, _TOPIC, f"base forecasts of shape {y.shape} for a hierarchy of {len(s)} nodes", "base")
    return np.asarray(np.einsum("...n,bn,mb->...m", y, projection(s, covariance), s))


def incoherence(base: npt.ArrayLike, summing: npt.ArrayLike) -> Floats:
    """Return how far each node's forecast lies above the sum of its bottom nodes, shape of `base`."""
    s = _summing(summing)
    (y,) = finite(_TOPIC, {"base": base})
    require(y.shape[-1] == len(s), _TOPIC, f"{y.shape[-1]} forecasts for a hierarchy of {len(s)} nodes", "base")
    return np.asarray(y - y[..., -s.shape[1] :] @ s.T)


def _summing(summing: npt.ArrayLike) -> Floats:
    (s,) = finite(_TOPIC, {"summing": summing})
    stands = s.ndim == 2 and s.shape[0] >= s.shape[1] > 0
    stands = stands and bool((s[-s.shape[1] :] == np.eye(s.shape[1])).all())
    require(stands, _TOPIC, "a summing matrix ends with the identity of its bottom nodes", "summing")
    return s


def _residuals(residuals: npt.ArrayLike) -> Floats:
    (e,) = finite(_TOPIC, {"residuals": residuals})
    require(e.ndim == 2 and e.size > 0, _TOPIC, f"residuals must have shape (n, nodes), not {e.shape}", "residuals")
    return e
