"""Does the order fit? Concordance of a score with times of exit, some of them censored. Ranking only, not calibration.

Sources: Harrell, Lee & Mark (1996), Stat Med 15:361; Uno, Cai, Pencina, D'Agostino & Wei (2011), Stat Med 30:1105; Cox
(1972), JRSS B 34:187, with Efron's (1977) treatment of ties.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.arrays import Floats, columns, finite, require

__all__ = ["Concordance", "HazardRatios", "concordance", "hazard_ratios"]

_TOPIC = "ranking"
_BLOCK = 256  # events compared with everybody at a time


@dataclass(frozen=True, slots=True)
class Concordance:
    """Pairs of which it is known who left first.

    Parameters
    ----------
    concordant, discordant, tied_score : float
        Pairs in which the higher score left first, left later, or scores are equal; weighted where weights were asked.
    tied_time, tied_both : int
        Pairs that left at the same time, with different and with equal scores: not counted.
    """

    concordant: float
    discordant: float
    tied_score: float
    tied_time: int
    tied_both: int

    @property
    def index(self) -> float:
        """Share of concordant pairs, half of the tied scores among them; NaN without a pair to compare."""
        pairs = self.concordant + self.discordant + self.tied_score
        return (self.concordant + 0.5 * self.tied_score) / pairs if pairs > 0 else float("nan")


def concordance(score: npt.ArrayLike, time: npt.ArrayLike, event: npt.ArrayLike, uno: bool = False) -> Concordance:
    """Compare a score with the order of exits.

    Parameters
    ----------
    score : array-like, shape (n,)
        Higher means sooner. With `event` all ones and `time` 1 − outcome, the index is the area under the ROC curve.
    time : array-like, shape (n,)
        Time of exit or of censoring; who is censored at a time outlives who leaves at it.
    event : array-like of 0 and 1, shape (n,)
        Whether the exit was seen.
    uno : bool
        Weigh each pair with ``1 / G(t-)²``, `G` the Kaplan–Meier curve of not being censored, so that the index does
        not depend on the censoring.

    Returns
    -------
    Concordance

    Raises
    ------
    InputError
        If values are missing, lengths differ or `event` is not 0 or 1.
    """
    x, t, seen = columns(_TOPIC, {"score": score, "time": time, "event": event})
    require(np.isin(seen, (0.0, 1.0)).all(), _TOPIC, "values must be 0 or 1", "event")
    exits = np.flatnonzero(seen == 1)
    weight = _censoring_weights(t, seen)[exits] if uno else np.ones(len(exits))
    totals, ties = np.zeros(3), np.zeros(2, dtype=np.int64)
    for start in range(0, len(exits), _BLOCK):
        rows = exits[start : start + _BLOCK]
        w = weight[start : start + _BLOCK]
        later = (t[None] > t[rows, None]) | ((t[None] == t[rows, None]) & (seen[None] == 0))
        gap = x[rows, None] - x[None]
        totals += [float(w @ (later & side).sum(axis=1)) for side in (gap > 0, gap < 0, gap == 0)]
        together = (t[None] == t[rows, None]) & (seen[None] == 1) & (np.arange(len(t))[None] > rows[:, None])
        ties += [int((together & side).sum()) for side in (gap != 0, gap == 0)]
    return Concordance(float(totals[0]), float(totals[1]), float(totals[2]), int(ties[0]), int(ties[1]))


def _censoring_weights(time: Floats, seen: Floats) -> Floats:
    """One over the squared chance not to be censored before each time; at a tie exits come first."""
    at = np.unique(time)
    place = np.searchsorted(at, time)
    exits = np.bincount(place, weights=seen, minlength=len(at))
    censored = np.bincount(place, weights=1 - seen, minlength=len(at))
    at_risk = len(time) - np.concatenate([[0.0], np.cumsum(exits + censored)[:-1]]) - exits
    step = np.divide(at_risk - censored, at_risk, out=np.ones(len(at)), where=at_risk > 0)
    before = np.concatenate([[1.0], np.cumprod(step)[:-1]])
    return np.asarray(np.where(before > 0, 1.0 / np.maximum(before, 1e-12) ** 2, 0.0)[place])


@dataclass(frozen=True)
class HazardRatios:
    """Cox regression: covariates that make exits come sooner, whatever the shape of the time axis.

    Parameters
    ----------
    coefficient, se : array of float, shape (covariates,)
        Log hazard ratios and their standard errors.
    score : array of float, shape (n,)
        Linear predictor of each row: higher means sooner.
    """

    coefficient: Floats
    se: Floats
    score: Floats


def hazard_ratios(
    time: npt.ArrayLike, event: npt.ArrayLike, covariates: npt.ArrayLike, entry: npt.ArrayLike | None = None
) -> HazardRatios:
    """Fit Cox's model by partial likelihood (statsmodels), ties by Efron.

    Parameters
    ----------
    time, event
        As :func:`concordance`.
    covariates : array-like, shape (n, covariates)
        Finite numbers.
    entry : array-like, shape (n,), optional
        Time from which each row was watched (left truncation).

    Returns
    -------
    HazardRatios

    Raises
    ------
    InputError
        If values are missing, shapes differ or nothing was seen to leave.
    """
    from statsmodels.duration.hazard_regression import PHReg

    t, seen = columns(_TOPIC, {"time": time, "event": event})
    (z,) = finite(_TOPIC, {"covariates": covariates})
    fits = z.ndim == 2 and len(z) == len(t)
    require(fits, _TOPIC, f"covariates of shape {z.shape} for {len(t)} rows", "covariates")
    require(seen.sum() > 0, _TOPIC, "nothing was seen to leave", "event")
    start = None if entry is None else columns(_TOPIC, {"time": t, "entry": entry})[1]
    # Centred, so that the exponentials of large covariates (amounts, days) do not overflow.
    fit = PHReg(t, z - z.mean(axis=0), status=seen, entry=start, ties="efron").fit(disp=0)
    beta = np.asarray(fit.params, dtype=np.float64)
    return HazardRatios(beta, np.asarray(fit.bse, dtype=np.float64), z @ beta)
