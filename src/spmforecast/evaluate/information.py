"""Value of information: what knowing more before deciding is worth (Raiffa & Schlaifer 1961)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError, Problem

__all__ = ["evpi", "evpi_normal", "evsi_normal"]


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
