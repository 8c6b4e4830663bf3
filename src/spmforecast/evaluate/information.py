"""Value of information: what knowing more before deciding is worth (Raiffa & Schlaifer 1961).

Of a single uncertain input it is found from the draws of one simulation, by a smooth regression of what each action
brings on the input (Strong, Oakley & Brennan 2014); here a cubic spline of the input's ranks.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError, Problem

__all__ = ["evpi", "evpi_normal", "evppi", "evsi_normal"]

_KNOTS = (0.25, 0.5, 0.75)


def evpi(payoff: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Value of knowing the state, or the draw, before choosing an action.

    Parameters
    ----------
    payoff : array-like of float, shape (actions, states)
        What each action brings in each state; draws of a forecast are states of equal weight.
    weights : array-like of float, shape (states,), optional
        Probabilities.

    Returns
    -------
    float
        Expected best payoff less the best expected payoff; at least 0.

    Raises
    ------
    InputError
        If shapes do not fit, or weights are no probabilities.
    """
    table = np.asarray(payoff, dtype=np.float64)
    states = table.shape[-1] if table.ndim == 2 else 0
    chance = np.full(states, 1 / max(states, 1)) if weights is None else np.asarray(weights, dtype=np.float64)
    if table.ndim != 2 or not table.size or chance.shape != (states,):
        raise InputError(Problem("information", "payoffs need a row an action and a column a state", column="payoff"))
    if (chance < 0).any() or abs(chance.sum() - 1) > 1e-9:
        told = "probabilities must be at least 0 and sum to 1"
        raise InputError(Problem("information", told, column="weights", value=str(chance.tolist())))
    return float(table.max(axis=0) @ chance - (table @ chance).max())


def evppi(payoff: npt.ArrayLike, uncertain: npt.ArrayLike) -> float:
    """Value of knowing one uncertain input, and nothing else, before choosing an action.

    Parameters
    ----------
    payoff : array-like of float, shape (actions, draws)
        What each action brings in each draw.
    uncertain : array-like of float, shape (draws,)
        The input in each draw.

    Returns
    -------
    float
        At least 0; somewhat too large where draws are few.

    Raises
    ------
    InputError
        If shapes do not fit.
    """
    table, known = np.asarray(payoff, dtype=np.float64), np.asarray(uncertain, dtype=np.float64)
    if table.ndim != 2 or not table.size or known.shape != table.shape[1:]:
        raise InputError(Problem("information", "payoffs need a row an action and a column a draw", column="payoff"))
    design = _spline(known)
    expected = design @ np.linalg.lstsq(design, table.T, rcond=None)[0]
    return max(float(expected.max(axis=1).mean() - expected.mean(axis=0).max()), 0.0)


def _spline(uncertain: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cubic spline of an input's ranks as truncated powers; straight or plain where it takes few values."""
    values, back, count = np.unique(uncertain, return_inverse=True, return_counts=True)
    # Equal values share a rank: a parameter that is drawn in 64 worlds has as many values.
    rank = ((np.cumsum(count) - 0.5 * (count + 1)) / max(len(uncertain) - 1, 1))[back]
    powers = [rank**power for power in range(min(len(values), 4))]
    knots = [np.maximum(rank - knot, 0.0) ** 3 for knot in _KNOTS] if len(values) > 8 else []
    return np.stack([*powers, *knots], axis=1)


def evpi_normal(mean: float, sd: float) -> float:
    """Value of perfect information on two actions whose difference is normal: ``sd (phi(u) - u (1 - Phi(u)))``.

    Parameters
    ----------
    mean, sd : float
        Of what one action brings more than the other.

    Returns
    -------
    float
        In the unit of `mean`; u is ``|mean| / sd``.
    """
    if not sd > 0:
        return 0.0
    u = abs(mean) / sd
    density, beyond = math.exp(-u * u / 2) / math.sqrt(2 * math.pi), 0.5 * math.erfc(u / math.sqrt(2))
    return sd * (density - u * beyond)


def evsi_normal(mean: float, sd: float, noise_sd: float) -> tuple[float, float]:
    """Value of one noisy look at the difference of two actions before choosing.

    Parameters
    ----------
    mean, sd : float
        Prior of the difference.
    noise_sd : float
        Standard deviation of the look's error.

    Returns
    -------
    spread : float
        Standard deviation of the posterior mean, ``sd² / sqrt(sd² + noise_sd²)``.
    value : float
        What the look is worth.
    """
    spread = sd * sd / math.hypot(sd, noise_sd) if sd > 0 else 0.0
    return spread, evpi_normal(mean, spread)
