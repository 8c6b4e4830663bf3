"""Lower-tail risk of bookings: the mean of the worst share of outcomes.

Rockafellar & Uryasev (2000, 2002). On a sample the boundary draw counts with the fraction that fills the share exactly;
the mean of all draws at or below a quantile is something else.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError, Problem

__all__ = ["lower_cvar", "lower_cvar_lognormal", "lower_cvar_normal"]


def lower_cvar(draws: npt.ArrayLike, share: float) -> float:
    """Average the worst share of the draws.

    Parameters
    ----------
    draws : array-like of float, shape (n,)
        Outcomes, more is better.
    share : float
        Above 0, up to 1: 0.1 averages the worst tenth.

    Returns
    -------
    float
        ``max over c of c - mean((c - x)^+) / share``, computed from the order statistics.

    Raises
    ------
    InputError
        If there are no draws or the share is out of range.
    """
    ordered = np.sort(np.asarray(draws, dtype=np.float64).ravel())
    _check_share(share, ordered.size)
    wanted = share * ordered.size
    whole = min(int(wanted + 1e-9), ordered.size)
    rest = max(wanted - whole, 0.0) if whole < ordered.size else 0.0
    total = float(ordered[:whole].sum()) + (rest * float(ordered[whole]) if rest > 1e-9 else 0.0)
    return total / wanted


def lower_cvar_normal(mean: float, sd: float, share: float) -> float:
    """Average the worst share of a normal law: ``mean - sd * phi(z) / share`` at its quantile z."""
    from scipy.stats import norm

    _check_share(share, 1)
    return float(mean - sd * norm.pdf(norm.ppf(share)) / share)


def lower_cvar_lognormal(log_mean: float, log_sd: float, share: float) -> float:
    """Average the worst share of a lognormal law: ``E[X] * Phi(z - log_sd) / share`` at its quantile z."""
    from scipy.stats import norm

    _check_share(share, 1)
    return float(math.exp(log_mean + log_sd**2 / 2) * norm.cdf(norm.ppf(share) - log_sd) / share)


def _check_share(share: float, size: int) -> None:
    if not 0 < share <= 1 or not size:
        told = "a share above 0 and up to 1 of at least one draw is needed"
        raise InputError(Problem("risk", told, column="share", value=str(share)))
