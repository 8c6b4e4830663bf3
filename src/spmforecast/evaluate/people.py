"""People's own forecasts, scored: how much of what each one calls comes true, and how far it scatters.

Estimator: a person's realisation is bookings over calls, summed over closed periods; the last call of each period
counts, so that a period counts once. That ratio is the best linear estimate where the variance of bookings grows with
the call (Cochran 1977, section 6.7), as it does when a call is a sum of deals; one spread holds for all callers of a
category. Callers with few periods lean on all callers, by as much as those are alike (random effects; DerSimonian &
Laird 1986).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Realisation", "fit_realisation"]

Array = npt.NDArray[np.float64]

_SPREAD_PRIOR, _SPREAD_PRIOR_PERIODS = 0.3, 2.0  # relative, where hardly any period tells
_BETWEEN_PRIOR, _BETWEEN_PRIOR_CALLERS = 0.15, 2.0
_POOLED_SD = 0.5  # of the pooled realisation around 1, before any period has closed
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Realisation:
    """What calls of one category came to.

    Parameters
    ----------
    table : pandas.DataFrame
        ``caller, periods, called, booked, realisation, estimate, low, high, shrinkage, reached`` of each caller:
        `realisation` is the plain ratio, `estimate` the shrunk one with its 95 % interval, `shrinkage` the weight of
        all callers, `reached` the share of periods in which bookings reached the call.
    pooled, pooled_sd : float
        Realisation of all callers, and its standard error.
    between : float
        Standard deviation of the callers' true realisations.
    spread : float
        Standard deviation of bookings around their expectation, relative to the call, for a call of `typical` size.
    typical : float
        Mean call.
    """

    table: pd.DataFrame
    pooled: float
    pooled_sd: float
    between: float
    spread: float
    typical: float

    def of(self, caller: str) -> tuple[float, float]:
        """Return a caller's realisation and its standard deviation; of a new caller, that of all with more doubt."""
        row = self.table[self.table["caller"] == caller]
        if row.empty:
            return self.pooled, float(np.hypot(self.pooled_sd, self.between))
        return float(row["estimate"].iloc[0]), float(row["high"].iloc[0] - row["estimate"].iloc[0]) / _Z95

    def expect(self, caller: str, call: float) -> tuple[float, float]:
        """Return what a call says will be booked: mean and standard deviation, scatter of bookings included."""
        mean, sd = self.of(caller)
        return mean * call, float(np.hypot(sd * call, self.spread * np.sqrt(self.typical * call)))


def fit_realisation(calls: pd.DataFrame) -> Realisation:
    """Score the calls of one category.

    Parameters
    ----------
    calls : pandas.DataFrame
        ``caller, call, booked``: a row for each caller and closed period; calls above 0.

    Returns
    -------
    Realisation
    """
    callers = sorted(calls["caller"].unique())
    place = {caller: index for index, caller in enumerate(callers)}
    who = calls["caller"].map(place).to_numpy(dtype=np.int64)
    call, booked = (calls[name].to_numpy(dtype=np.float64) for name in ("call", "booked"))
    count = np.bincount(who, minlength=len(callers))
    called, came = (np.bincount(who, weights=w, minlength=len(callers)) for w in (call, booked))
    ratio, typical = came / called, float(call.mean())
    spread = _spread((booked - ratio[who] * call) / np.sqrt(typical * call), len(callers))
    noise = spread**2 * typical / called
    between = _between(ratio, noise)
    weight = 1.0 / (noise + between**2)
    precision = weight.sum() + 1.0 / _POOLED_SD**2
    pooled = float(((weight * ratio).sum() + 1.0 / _POOLED_SD**2) / precision)
    lean = noise / (noise + between**2)
    estimate = lean * pooled + (1.0 - lean) * ratio
    sd = np.sqrt((1.0 - lean) * noise + lean**2 / precision)
    reached = np.bincount(who, weights=booked >= call - 0.005, minlength=len(callers)) / np.maximum(count, 1)
    table = pd.DataFrame(
        {
            "caller": callers,
            "periods": count,
            "called": called,
            "booked": came,
            "realisation": ratio,
            "estimate": estimate,
            "low": estimate - _Z95 * sd,
            "high": estimate + _Z95 * sd,
            "shrinkage": lean,
            "reached": reached,
        }
    )
    return Realisation(table, pooled, float(precision**-0.5), between, spread, typical)


def _spread(residual: Array, callers: int) -> float:
    """Spread of bookings within callers, relative to the call, leaning on a usual one where few periods tell."""
    squares = float((residual**2).sum()) + _SPREAD_PRIOR_PERIODS * _SPREAD_PRIOR**2
    return float(np.sqrt(squares / (max(len(residual) - callers, 0) + _SPREAD_PRIOR_PERIODS)))


def _between(ratio: Array, noise: Array) -> float:
    """Spread of the callers' true realisations by moments, leaning on a usual one where callers are few."""
    found = 0.0
    if len(ratio) > 1:
        weight = 1.0 / noise
        centre = (weight * ratio).sum() / weight.sum()
        scale = weight.sum() - (weight**2).sum() / weight.sum()
        found = max(float((weight * (ratio - centre) ** 2).sum() - (len(ratio) - 1)) / scale, 0.0)
    degrees = max(len(ratio) - 1, 0)
    prior = _BETWEEN_PRIOR_CALLERS * _BETWEEN_PRIOR**2
    return float(np.sqrt((degrees * found + prior) / (degrees + _BETWEEN_PRIOR_CALLERS)))
