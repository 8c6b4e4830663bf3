"""How newcomers ramp: what sellers usually do, corrected by what this company's own newcomers did.

Sellers need months until they open as many deals as others; the usual curve is logistic. A grid of such curves, from
no ramp at all to a slow one, is weighed by the likelihood of the newcomers' counts and a prior, so that a company of
few newcomers gets the usual curve with its doubt averaged out, and not none. A monotone fit that leans on that average
then follows the counts where there are many, whatever their shape.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["RAMP_MONTHS", "fit_ramp", "usual_ramp"]

Array = npt.NDArray[np.float64]

RAMP_MONTHS = 12
_LEAST = 0.02
_PRIOR_DEALS = 5.0  # of the curve in each month, for the monotone fit
_RAMPED_DEALS = 20  # of ramped reps, or nothing can be compared with them
# Depth of the curve at its beginning, month of half productivity, and width of the rise in months; with prior weights.
_DEPTHS, _DEPTH_PRIOR = (0.0, 0.5, 0.8, 1.0), (0.15, 0.2, 0.3, 0.35)
_MIDPOINTS, _USUAL_MIDPOINT, _MIDPOINT_SD = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0), 4.0, 0.5
_WIDTHS = (0.7, 1.4, 2.5)


def _curves() -> tuple[Array, Array]:
    """Curves of the grid (curves, months) and their prior weights."""
    month = np.arange(RAMP_MONTHS) + 0.5
    curves, weights = [], []
    for depth, of_depth in zip(_DEPTHS, _DEPTH_PRIOR, strict=True):
        for midpoint in _MIDPOINTS:
            for width in _WIDTHS:
                rise = 1.0 / (1.0 + np.exp(-(month - midpoint) / width))
                curves.append(np.append(1.0 - depth * (1.0 - rise), 1.0))
                weights.append(of_depth * np.exp(-0.5 * (np.log(midpoint / _USUAL_MIDPOINT) / _MIDPOINT_SD) ** 2))
    weight = np.array(weights)
    return np.clip(np.stack(curves), _LEAST, 1.0), weight / weight.sum()


def usual_ramp() -> Array:
    """Productivity by month of tenure before a company's own newcomers speak, shape (RAMP_MONTHS + 1,)."""
    curves, weight = _curves()
    return np.append((weight @ curves)[:-1], 1.0)


def fit_ramp(observed: Array, expected: Array, hires: int) -> Array:
    """Fit productivity by tenure: non-decreasing, one when ramped.

    Parameters
    ----------
    observed, expected : array of float, shape (RAMP_MONTHS + 1,)
        Deals created in each month of tenure, and expected of ramped reps; the last entry is all later months.
    hires : int
        Newcomers observed; with none no ramp is claimed.

    Returns
    -------
    array of float, shape (RAMP_MONTHS + 1,)
        Between 0 and 1.

    Notes
    -----
    Leavers stay in the counts until they leave, so the curve is not one of survivors alone.
    """
    if hires == 0 or observed[-1] < _RAMPED_DEALS or expected[-1] <= 0:
        return np.ones(RAMP_MONTHS + 1)
    from sklearn.isotonic import IsotonicRegression  # slow to import, and only fits need it

    usual = _weighed(observed[:-1], expected[:-1] * observed[-1] / expected[-1])
    ratio = (observed + _PRIOR_DEALS * usual) / (expected + _PRIOR_DEALS)
    smooth = IsotonicRegression(y_min=_LEAST).fit_transform(
        np.arange(RAMP_MONTHS + 1), ratio, sample_weight=expected + _PRIOR_DEALS
    )
    return np.asarray(np.clip(smooth / smooth[-1], _LEAST, 1.0), dtype=np.float64)


def _weighed(observed: Array, expected: Array) -> Array:
    """Average the curves by their posterior: Poisson counts of newcomers against those of ramped reps."""
    curves, weight = _curves()
    hoped = np.maximum(curves[:, :-1] * expected, 1e-9)
    log_posterior = np.log(weight) + (observed * np.log(hoped) - hoped).sum(axis=1)
    posterior = np.exp(log_posterior - log_posterior.max())
    return np.asarray(posterior @ curves / posterior.sum())
