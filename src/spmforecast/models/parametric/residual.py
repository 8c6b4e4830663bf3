"""What is left: the time to an exit given the time already spent, for one law with its parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.arrays import Floats, require
from spmforecast.models.parametric.laws import LAWS, Law, law_named

__all__ = [
    "FixedLaw",
    "exponential",
    "generalized_gamma",
    "log_logistic",
    "lognormal",
    "mixture_cure",
    "weibull",
]

_START = 1e-300  # stands for time zero where the logarithm of the time is taken


@dataclass(frozen=True)
class FixedLaw:
    """A law with given parameters.

    Parameters
    ----------
    law : Law
        The family.
    values : tuple of float
        One for each of its parameters, on their unbounded scales.
    """

    law: Law
    values: tuple[float, ...]

    def log_survival(self, time: npt.ArrayLike) -> Floats:
        """Log chance still to be there at each time; zero at time zero."""
        t = np.asarray(time, dtype=np.float64)
        return np.where(t > 0, self.law.log_survival(np.maximum(t, _START), *self._parameters()), 0.0)

    def survival(self, time: npt.ArrayLike) -> Floats:
        """Chance still to be there at each time."""
        return np.asarray(np.exp(self.log_survival(time)))

    def density(self, time: npt.ArrayLike) -> Floats:
        """Density of the time of exit, at positive times."""
        return np.asarray(np.exp(self.law.log_density(np.asarray(time, dtype=np.float64), *self._parameters())))

    def hazard(self, time: npt.ArrayLike) -> Floats:
        """Hazard at positive times."""
        return np.asarray(np.exp(self.law.log_hazard(np.asarray(time, dtype=np.float64), *self._parameters())))

    def quantile(self, q: npt.ArrayLike) -> Floats:
        """Time by which a share `q` has left; infinite where so many never leave."""
        return self.residual_time(0.0, q)

    def residual_time(self, age: npt.ArrayLike, uniform: npt.ArrayLike) -> Floats:
        """Time still to go given the age, ``S^-1(S(age) (1 - u)) - age``: with uniforms, a draw.

        Parameters
        ----------
        age : array-like
            Time already spent, not negative.
        uniform : array-like
            Share of those of that age that have left by the answer, 0 to 1; broadcast with `age`.

        Returns
        -------
        array of float
            Not negative; infinite for those that never leave.
        """
        a, u = np.broadcast_arrays(np.asarray(age, dtype=np.float64), np.asarray(uniform, dtype=np.float64))
        # u = 0 asks for the log of a hazard already spent: no time has to pass.
        log_s = self.log_survival(a) + np.log1p(-np.minimum(u, 1 - 1e-16))
        end = self.law.quantile(np.minimum(log_s, -_START), *self._parameters())
        return np.asarray(np.where(u > 0, np.maximum(end - a, 0.0), 0.0))

    def closing_chance(self, age: npt.ArrayLike, within: npt.ArrayLike) -> Floats:
        """Chance to leave within a time, given the age: ``1 - S(age + within) / S(age)``."""
        a = np.asarray(age, dtype=np.float64)
        return np.asarray(-np.expm1(self.log_survival(a + np.asarray(within, dtype=np.float64)) - self.log_survival(a)))

    def never_chance(self, age: npt.ArrayLike) -> Floats:
        """Chance never to leave, given the age; zero unless the law has a cured share."""
        a = np.asarray(age, dtype=np.float64)
        if self.law.parameters[-1] != "cure":
            return np.zeros(a.shape)
        return np.asarray(np.exp(special.log_expit(self.values[-1]) - self.log_survival(a)))

    def _parameters(self) -> tuple[Floats, ...]:
        return tuple(np.asarray(value) for value in self.values)


def exponential(mean: float) -> FixedLaw:
    """Exponential law of that mean."""
    return FixedLaw(LAWS["exponential"], (_log(mean=mean),))


def weibull(shape: float, scale: float) -> FixedLaw:
    """Weibull law, ``S(t) = exp(-(t / scale)^shape)``."""
    return FixedLaw(LAWS["weibull"], (_log(scale=scale), -_log(shape=shape)))


def lognormal(meanlog: float, sdlog: float) -> FixedLaw:
    """Lognormal law with these moments of the log time."""
    return FixedLaw(LAWS["lognormal"], (meanlog, _log(sdlog=sdlog)))


def log_logistic(shape: float, scale: float) -> FixedLaw:
    """Log-logistic law, ``S(t) = 1 / (1 + (t / scale)^shape)``."""
    return FixedLaw(LAWS["log-logistic"], (_log(scale=scale), -_log(shape=shape)))


def generalized_gamma(mu: float, sigma: float, q: float) -> FixedLaw:
    """Generalised gamma law in Prentice's parameters."""
    return FixedLaw(LAWS["generalized-gamma"], (mu, _log(sigma=sigma), q))


def mixture_cure(base: FixedLaw, never: float) -> FixedLaw:
    """Mix a law with a share that never leaves, strictly between 0 and 1."""
    require(0 < never < 1, "law", "the share that never leaves must lie strictly between 0 and 1", "never")
    return FixedLaw(law_named(f"{base.law.name}-cure"), (*base.values, float(special.logit(never))))


def _log(**values: float) -> float:
    ((name, value),) = values.items()
    require(bool(np.isfinite(value)) and value > 0, "law", f"{name} must be positive", name)
    return float(np.log(value))
