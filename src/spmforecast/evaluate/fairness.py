"""Fairness of quotas: whether everybody has a like chance, whatever the territory."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError, Problem
from spmforecast.evaluate.inequality import gini, theil_t

__all__ = ["HEALTHY", "Fairness", "fairness"]

Floats = npt.NDArray[np.float64]

HEALTHY = (0.4, 0.75)  # P(attain) that neither gives up nor gives away; both ends belong to it
_LEAST = 5  # reps below which a slope says nothing


@dataclass(frozen=True, slots=True)
class Fairness:
    """Fairness of quotas over reps.

    Attributes
    ----------
    p_range, p_sd : float
        Largest minus smallest P(attain), and its population standard deviation.
    share_healthy : float
        Share of reps with P(attain) within :data:`HEALTHY`.
    gini, theil : float
        Inequality of expected attainment (Gini of the population, Theil's T).
    slope, slope_se, slope_p : float
        Change of expected attainment for one standard deviation more potential, its HC3 standard error and the
        two-sided p-value (Student's t with n - 2 degrees of freedom); fair is 0. NaN where not computed.
    slope_note : str
        Why there is no slope; empty where there is one.
    """

    p_range: float
    p_sd: float
    share_healthy: float
    gini: float
    theil: float
    slope: float
    slope_se: float
    slope_p: float
    slope_note: str = ""

    def metrics(self) -> dict[str, float]:
        """Return the figures by name, without the note."""
        return {name: value for name, value in asdict(self).items() if name != "slope_note"}


def fairness(
    p_attain: npt.ArrayLike, expected_attainment: npt.ArrayLike, potential: npt.ArrayLike | None = None
) -> Fairness:
    """Measure how fair quotas are.

    Attainment is regressed on territory potential, never on quota: quota is its denominator, so that slope is
    negative by arithmetic alone.

    Parameters
    ----------
    p_attain : array-like, shape (reps,)
        Probability of reaching the quota, 0 to 1.
    expected_attainment : array-like, shape (reps,)
        Expected bookings over quota, 0 or more.
    potential : array-like, shape (reps,), optional
        Potential of each rep's territory, in any unit.

    Returns
    -------
    Fairness

    Raises
    ------
    InputError
        With every column that has missing or impossible values, or another length.
    """
    columns = {"p_attain": p_attain, "expected_attainment": expected_attainment}
    if potential is not None:
        columns["potential"] = potential
    arrays = _columns(columns)
    p, attainment = arrays["p_attain"], arrays["expected_attainment"]
    slope, error, p_value, note = _slope(attainment, arrays.get("potential"))
    return Fairness(
        p_range=float(np.ptp(p)),
        p_sd=float(p.std()),
        share_healthy=float(((p >= HEALTHY[0]) & (p <= HEALTHY[1])).mean()),
        gini=gini(attainment),
        theil=theil_t(attainment),
        slope=slope,
        slope_se=error,
        slope_p=p_value,
        slope_note=note,
    )


def _slope(attainment: Floats, potential: Floats | None) -> tuple[float, float, float, str]:
    nan = float("nan")
    if potential is None:
        return nan, nan, nan, "no potential is known"
    n = potential.size
    if n < _LEAST:
        return nan, nan, nan, f"{n} reps are too few: at least {_LEAST} are needed"
    sd = float(potential.std(ddof=1))
    if sd <= 1e-12 * float(np.abs(potential).max()):
        return nan, nan, nan, "all territories have the same potential"
    z = (potential - potential.mean()) / sd
    if (1 / n + z**2 / (z @ z)).max() > 1 - 1e-9:
        return nan, nan, nan, "one territory alone decides the slope"
    from statsmodels.regression.linear_model import OLS

    fit = OLS(attainment, np.column_stack([np.ones(n), z])).fit(cov_type="HC3", use_t=True)
    slope, error = float(fit.params[1]), float(fit.bse[1])
    if error <= 1e-12 * float(attainment.max()):
        return slope, 0.0, nan, "attainment lies exactly on a line: there is no p-value"
    return slope, error, float(fit.pvalues[1]), ""


def _columns(values: dict[str, npt.ArrayLike]) -> dict[str, Floats]:
    arrays = {name: np.asarray(value, dtype=float) for name, value in values.items()}
    shape = arrays["p_attain"].shape
    problems = []
    for name, array in arrays.items():
        reason = ""
        if array.shape != shape or array.ndim != 1 or not array.size:
            reason = f"shape {array.shape} where one value for each of at least one rep is needed"
        elif not np.isfinite(array).all():
            reason = "values are missing or infinite"
        elif name != "potential" and (array < 0).any():
            reason = "values must not be negative"
        elif name == "p_attain" and (array > 1).any():
            reason = "a probability must not exceed 1"
        if reason:
            problems.append(Problem("fairness", reason, "Leave out reps without a quota.", column=name))
    if problems:
        raise InputError(problems)
    return arrays
