"""Laws of the time to an exit: log survival, log density and quantiles, on plain arrays.

All but Gompertz's are of the form ``log T = location + scale W``. Parameters stand on scales without bounds, so that an
optimiser and a normal approximation may go anywhere:

==================  ==========================================================================
parameter           meaning
==================  ==========================================================================
``location``        log of the typical time; of one over the hazard at time zero for Gompertz
``log_scale``       log of the scale; a Weibull's shape is one over the scale
``q``               Prentice's Q: 1 is Weibull, 0 lognormal, negative has a heavier tail
``growth``          Gompertz's change of the log hazard per unit of time
``cure``            log odds never to leave at all
==================  ==========================================================================

Sources: Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, chapter 2; Prentice (1974),
Biometrika 61:539; Jackson (2016), JSS 70(8); Boag (1949), JRSS B 11:15 for the mixture with a cured share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from spmforecast.arrays import Floats, require

__all__ = ["LAWS", "Law", "law_named"]

_TINY = 1e-300
_LOGNORMAL_Q = 1e-5  # nearer to zero than this the generalised gamma is its limit


@dataclass(frozen=True)
class Law:
    """A family of laws.

    Parameters
    ----------
    name : str
        Name as users write it.
    parameters : tuple of str
        Its parameters, in the order in which the functions take them after the time.
    log_survival, log_density : callable
        Of positive times and parameters that broadcast with them.
    quantile : callable
        Time at which the log survival has a given value; infinite where it never falls so low.
    """

    name: str
    parameters: tuple[str, ...]
    log_survival: Callable[..., Floats]
    log_density: Callable[..., Floats]
    quantile: Callable[..., Floats]

    def log_hazard(self, time: Floats, *parameters: Floats) -> Floats:
        """Log of the hazard at positive times."""
        return np.asarray(self.log_density(time, *parameters) - self.log_survival(time, *parameters))


def _standard(time: Floats, location: Floats, log_scale: Floats) -> tuple[Floats, Floats]:
    """Standardised log time, and log of ``1 / (scale * time)``."""
    log_time = np.log(time)
    return (log_time - location) * np.exp(-log_scale), -log_scale - log_time


def _weibull() -> Law:
    def log_survival(time: Floats, location: Floats, log_scale: Floats) -> Floats:
        return np.asarray(-np.exp(_standard(time, location, log_scale)[0]))

    def log_density(time: Floats, location: Floats, log_scale: Floats) -> Floats:
        z, jacobian = _standard(time, location, log_scale)
        return np.asarray(z - np.exp(z) + jacobian)

    def quantile(log_s: Floats, location: Floats, log_scale: Floats) -> Floats:
        return np.asarray(np.exp(location + np.exp(log_scale) * np.log(-log_s)))

    return Law("weibull", ("location", "log_scale"), log_survival, log_density, quantile)


def _exponential() -> Law:
    weibull = _weibull()
    one = np.zeros(())
    return Law(
        "exponential",
        ("location",),
        lambda time, location: weibull.log_survival(time, location, one),
        lambda time, location: weibull.log_density(time, location, one),
        lambda log_s, location: weibull.quantile(log_s, location, one),
    )


def _lognormal() -> Law:
    def log_survival(time: Floats, location: Floats, log_scale: Floats) -> Floats:
        return np.asarray(special.log_ndtr(-_standard(time, location, log_scale)[0]))

    def log_density(time: Floats, location: Floats, log_scale: Floats) -> Floats:
        z, jacobian = _standard(time, location, log_scale)
        return np.asarray(-(z**2) / 2 - 0.5 * np.log(2 * np.pi) + jacobian)

    def quantile(log_s: Floats, location: Floats, log_scale: Floats) -> Floats:
        return np.asarray(np.exp(location - np.exp(log_scale) * special.ndtri_exp(log_s)))

    return Law("lognormal", ("location", "log_scale"), log_survival, log_density, quantile)


def _log_logistic() -> Law:
    def log_survival(time: Floats, location: Floats, log_scale: Floats) -> Floats:
        return np.asarray(-np.logaddexp(0, _standard(time, location, log_scale)[0]))

    def log_density(time: Floats, location: Floats, log_scale: Floats) -> Floats:
        z, jacobian = _standard(time, location, log_scale)
        return np.asarray(z - 2 * np.logaddexp(0, z) + jacobian)

    def quantile(log_s: Floats, location: Floats, log_scale: Floats) -> Floats:
        return np.asarray(np.exp(location + np.exp(log_scale) * (np.log(-np.expm1(log_s)) - log_s)))

    return Law("log-logistic", ("location", "log_scale"), log_survival, log_density, quantile)


def _generalized_gamma() -> Law:
    lognormal = _lognormal()

    def parts(time: Floats, location: Floats, log_scale: Floats, q: Floats) -> tuple[Floats, Floats, Floats]:
        safe = np.where(np.abs(q) < _LOGNORMAL_Q, 1.0, q)
        return safe, 1 / safe**2, safe * _standard(time, location, log_scale)[0]

    def log_survival(time: Floats, location: Floats, log_scale: Floats, q: Floats) -> Floats:
        safe, shape, power = parts(time, location, log_scale, q)
        reach = shape * np.exp(np.minimum(power, 500.0))
        tail = np.where(safe > 0, special.gammaincc(shape, reach), special.gammainc(shape, reach))
        limit = lognormal.log_survival(time, location, log_scale)
        return np.where(np.abs(q) < _LOGNORMAL_Q, limit, np.log(np.maximum(tail, _TINY)))

    def log_density(time: Floats, location: Floats, log_scale: Floats, q: Floats) -> Floats:
        safe, shape, power = parts(time, location, log_scale, q)
        constant = np.log(np.abs(safe)) + special.xlogy(shape, shape) - special.gammaln(shape)
        body = constant + shape * (power - np.exp(np.minimum(power, 500.0))) - log_scale - np.log(time)
        return np.where(np.abs(q) < _LOGNORMAL_Q, lognormal.log_density(time, location, log_scale), body)

    def quantile(log_s: Floats, location: Floats, log_scale: Floats, q: Floats) -> Floats:
        safe = np.where(np.abs(q) < _LOGNORMAL_Q, 1.0, q)
        shape, tail = 1 / safe**2, np.exp(log_s)
        reach = np.where(safe > 0, special.gammainccinv(shape, tail), special.gammaincinv(shape, tail))
        time = np.exp(location + np.exp(log_scale) * np.log(np.maximum(reach, _TINY) / shape) / safe)
        return np.where(np.abs(q) < _LOGNORMAL_Q, lognormal.quantile(log_s, location, log_scale), time)

    return Law("generalized-gamma", ("location", "log_scale", "q"), log_survival, log_density, quantile)


def _gamma() -> Law:
    general = _generalized_gamma()
    return Law(
        "gamma",
        ("location", "log_scale"),
        lambda time, location, log_scale: general.log_survival(time, location, log_scale, np.exp(log_scale)),
        lambda time, location, log_scale: general.log_density(time, location, log_scale, np.exp(log_scale)),
        lambda log_s, location, log_scale: general.quantile(log_s, location, log_scale, np.exp(log_scale)),
    )


def _gompertz() -> Law:
    def relative(time: Floats, growth: Floats) -> Floats:
        """Integral of ``exp(growth * u)`` from zero to the time."""
        x = growth * time
        return np.asarray(time * np.where(np.abs(x) < 1e-8, 1.0 + x / 2, special.exprel(np.minimum(x, 600.0))))

    def log_survival(time: Floats, location: Floats, growth: Floats) -> Floats:
        return np.asarray(-np.exp(-location) * relative(time, growth))

    def log_density(time: Floats, location: Floats, growth: Floats) -> Floats:
        return np.asarray(-location + growth * time + log_survival(time, location, growth))

    def quantile(log_s: Floats, location: Floats, growth: Floats) -> Floats:
        reach = -log_s * np.exp(location)
        flat = np.abs(growth) < 1e-12
        safe = np.where(flat, 1.0, growth)
        inner = np.asarray(safe * reach)
        never = inner <= -1
        time = np.where(never, np.inf, np.log1p(np.where(never, 0.0, inner)) / safe)
        return np.where(flat, reach, time)

    return Law("gompertz", ("location", "growth"), log_survival, log_density, quantile)


def _with_cure(base: Law) -> Law:
    """Mix with a share that never leaves: ``S = theta + (1 - theta) S_base``."""

    def log_survival(time: Floats, *parameters: Floats) -> Floats:
        cure, own = parameters[-1], base.log_survival(time, *parameters[:-1])
        return np.asarray(np.logaddexp(special.log_expit(cure), special.log_expit(-cure) + own))

    def log_density(time: Floats, *parameters: Floats) -> Floats:
        return np.asarray(special.log_expit(-parameters[-1]) + base.log_density(time, *parameters[:-1]))

    def quantile(log_s: Floats, *parameters: Floats) -> Floats:
        never = special.expit(parameters[-1])
        left = np.asarray((np.exp(log_s) - never) / (1 - never))
        reached = left > 0
        inner = np.log(np.where(reached, np.minimum(left, 1.0), 0.5))
        return np.where(reached, base.quantile(inner, *parameters[:-1]), np.inf)

    return Law(f"{base.name}-cure", (*base.parameters, "cure"), log_survival, log_density, quantile)


_PLAIN = (_exponential(), _weibull(), _lognormal(), _log_logistic(), _gamma(), _gompertz(), _generalized_gamma())
LAWS = {law.name: law for law in (*_PLAIN, *(_with_cure(law) for law in _PLAIN[:4]))}


def law_named(name: str) -> Law:
    """Look a law up.

    Parameters
    ----------
    name : str
        A key of :data:`LAWS`.

    Returns
    -------
    Law

    Raises
    ------
    InputError
        If there is no such law.
    """
    require(name in LAWS, "law", f"unknown law {name!r}; use one of {', '.join(LAWS)}", "law")
    return LAWS[name]
