"""Parametric base hazards of the stage process: one law for each transition, fitted to the counts of the free bins.

The free process has an intensity for every transition and age bin, exits over exposure. Here the intensities of a
transition follow a law: that of bin ``b`` is the law's cumulative hazard over the bin divided by its length, so the law
is fitted exactly to what was counted (``sum d log h - E h``), truncation, rhythm of days and the factors of
segments included in the exposure, and whatever lives on intensities (futures, simulation, views) lives on these.

Two things no law of this kind has, so they are kept from the free process: the moves on the day of arrival, and the
plateau. Past its age the hazard may fall with the law, but not rise: nobody is rewarded for being stale.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.arrays import Floats, require
from spmforecast.models.parametric.laws import LAWS, Law
from spmforecast.models.parametric.likelihood import Optimum, maximise
from spmforecast.models.pooling import gamma_quantile
from spmforecast.written import nearest

__all__ = ["CHOSEN_BY_AIC", "FREE", "BinnedLaw", "LawHazards", "StageAges", "check_law", "fit_binned_law"]

FREE, CHOSEN_BY_AIC = "piecewise", "aic"
_CANDIDATES = ("exponential", "weibull", "lognormal", "log-logistic", "generalized-gamma", "lognormal-cure")
_LEAST_EXITS = 8.0  # fewer cannot tell a law's shape
# Weak normal priors of the shape, mean and standard deviation: between constant hazards and what sales data show.
_PRIOR = {"log_scale": (0.0, 1.0), "q": (0.5, 1.0), "growth": (0.0, 1.0), "cure": (-1.0, 2.0)}
_FARTHEST_DRAW = 2.5  # standard errors; beyond, the normal approximation says nothing of a shape


@dataclass(frozen=True)
class StageAges:
    """Age bins of one stage in days, that of age zero left out.

    Parameters
    ----------
    edges : array of float, shape (bins,)
        Ages at which the bins 0, 1, … end; the last bin goes on.
    plateau : int
        Bin in which the plateau begins.
    """

    edges: Floats
    plateau: int

    def spans(self) -> tuple[Floats, Floats]:
        """Beginning and end of the bins from bin 1 on; the last is given half of its beginning as length."""
        begin = np.maximum.accumulate(np.maximum(self.edges, 1.0))
        end = np.append(begin[1:], 1.5 * begin[-1] + 1.0)
        return begin, np.maximum(end, begin + 1e-3)

    @property
    def unit(self) -> float:
        """Days in which times are measured, a usual stay, so that parameters are of the order of one."""
        return max(float(self.edges[self.plateau - 1]) / 3, 1.0)


@dataclass(frozen=True)
class BinnedLaw:
    """A law fitted to counts by bin.

    Parameters
    ----------
    law : Law
        The family.
    coefficients : array of float, shape (p,)
        Posterior mode, times in units of `unit`.
    covariance : array of float, shape (p, p)
        Inverse of the curvature there.
    criterion : float
        Akaike's, of the posterior mode.
    """

    law: Law
    coefficients: Floats
    covariance: Floats
    criterion: float

    def intensities(self, ages: StageAges, coefficients: Floats | None = None) -> Floats:
        """Intensities per day of the bins from bin 1 on, held down past the plateau.

        Parameters
        ----------
        ages : StageAges
            The bins.
        coefficients : array of float, shape (..., p), optional
            Others than the mode.

        Returns
        -------
        array of float, shape (..., bins - 1)
        """
        beta = self.coefficients if coefficients is None else coefficients
        parameters = tuple(beta[..., k, None] for k in range(beta.shape[-1]))
        rate = _mean_hazard(self.law, ages, parameters)
        free = ages.plateau  # bin `plateau` stands at index plateau - 1
        capped = np.minimum.accumulate(rate[..., free - 1 :], axis=-1)
        return np.concatenate([rate[..., : free - 1], capped], axis=-1)

    def draws(self, normals: Floats) -> Floats:
        """Draw coefficients by the normal approximation, shape (worlds, p)."""
        root = np.linalg.cholesky(self.covariance)
        z = np.clip(normals, -_FARTHEST_DRAW, _FARTHEST_DRAW)
        return np.asarray(self.coefficients + np.einsum("wk,jk->wj", z, root))


def _mean_hazard(law: Law, ages: StageAges, parameters: tuple[Floats, ...]) -> Floats:
    (begin, end), unit = ages.spans(), ages.unit
    with np.errstate(all="ignore"):
        passed = law.log_survival(begin / unit, *parameters) - law.log_survival(end / unit, *parameters)
    return np.maximum(np.nan_to_num(passed, nan=0.0, posinf=1e3), 1e-12) / (end - begin)


def fit_binned_law(
    law: Law, ages: StageAges, exits: Floats, exposure: Floats, start: Floats | None = None
) -> BinnedLaw:
    """Fit a law to exits and exposure by bin.

    Parameters
    ----------
    law : Law
        The family.
    ages : StageAges
        The bins.
    exits, exposure : array of float, shape (bins - 1,)
        From bin 1 on; exposure in days times the multipliers of those at risk.
    start : array of float, shape (p,), optional
        Where to begin; several places are tried where it is absent.

    Returns
    -------
    BinnedLaw
    """
    ones = np.ones((len(exits), 1))
    mean = np.array([_PRIOR[name][0] if name in _PRIOR else 0.0 for name in law.parameters])
    precision = np.array([_PRIOR[name][1] ** -2 if name in _PRIOR else 1e-6 for name in law.parameters])

    def value(*parameters: Floats) -> Floats:
        rate = _mean_hazard(law, ages, parameters)
        return np.asarray(exits * np.log(rate) - exposure * rate)

    designs = [ones] * len(law.parameters)
    typical = np.log(max(float(exposure.sum()), 1e-9) / max(float(exits.sum()), 1e-9) / ages.unit)
    starts = [start] if start is not None else _starts(law, float(typical))
    best = max((maximise(value, designs, one, (mean, precision)) for one in starts), key=_value)
    covariance = np.linalg.pinv(best.information, hermitian=True)
    return BinnedLaw(law, best.coefficients, _definite(covariance), 2 * len(mean) - 2 * best.value)


def _starts(law: Law, typical: float) -> list[Floats]:
    """Begin at a nearly constant hazard, and where Prentice's Q is free at a heavy tail as well."""
    usual = {"location": typical, "log_scale": 0.0, "q": 0.7, "growth": 0.0, "cure": -2.0}
    first = np.array([usual[name] for name in law.parameters])
    if "q" not in law.parameters:
        return [first]
    second = first.copy()
    second[law.parameters.index("q")] = -0.5
    return [first, second]


def _value(optimum: Optimum) -> float:
    return optimum.value


def _definite(covariance: npt.NDArray[np.floating]) -> Floats:
    """Lift the eigenvalues off zero, so that a flat likelihood still has a root."""
    values, vectors = np.linalg.eigh(covariance)
    # Elementwise, not by BLAS: the draws' bytes hang on it.
    return np.asarray(np.einsum("ik,k,jk->ij", vectors, np.maximum(values, 1e-10), vectors))


@dataclass
class LawHazards:
    """Base intensities of all transitions by law, refitted as the exposure behind them changes.

    Parameters
    ----------
    law : str
        A name in :data:`LAWS`, or :data:`CHOSEN_BY_AIC` for the best of six for every transition.
    ages : tuple of StageAges
        Bins of each stage.
    fits : dict of (int, int) to BinnedLaw
        Fits of the transitions with enough exits, by stage and destination; the others keep their free bins.
    """

    law: str
    ages: tuple[StageAges, ...]
    fits: dict[tuple[int, int], BinnedLaw] = field(default_factory=dict)

    def refit(self, exits: Floats, exposure: Floats) -> None:
        """Fit every transition anew, from where it stood.

        Parameters
        ----------
        exits, exposure : array of float, shape (stages, destinations, bins)
            As the free process counts them.
        """
        for s, ages in enumerate(self.ages):
            used = slice(1, len(ages.edges) + 1)
            for j in np.flatnonzero(exits[s, :, used].sum(axis=1) >= _LEAST_EXITS):
                place = (s, int(j))
                self.fits[place] = self._fit(ages, exits[s, j, used], exposure[s, j, used], self.fits.get(place))

    def _fit(self, ages: StageAges, exits: Floats, exposure: Floats, before: BinnedLaw | None) -> BinnedLaw:
        if before is not None:
            return fit_binned_law(before.law, ages, exits, exposure, before.coefficients)
        names = _CANDIDATES if self.law == CHOSEN_BY_AIC else (self.law,)
        return min((fit_binned_law(LAWS[name], ages, exits, exposure) for name in names), key=_criterion)

    def spread(self, base: Floats) -> Floats:
        """Put the laws' intensities in the place of the free ones, shape (stages, destinations, bins)."""
        out = base.copy()
        for (s, j), fit in self.fits.items():
            self._put(out[s, j], self.ages[s], fit.intensities(self.ages[s]))
        return out

    def _put(self, row: Floats, ages: StageAges, rate: Floats) -> None:
        row[..., 1 : len(ages.edges) + 1] = rate
        row[..., len(ages.edges) + 1 :] = rate[..., -1:]

    def draw(self, rng: np.random.Generator, worlds: int, events: Floats, exposure: Floats) -> Floats:
        """Draw base intensities: laws by their normal approximation, all else from its gamma posterior.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of uniforms.
        worlds : int
            Number of draws.
        events, exposure : array of float, shape (stages, destinations, bins)
            Shape and rate of the gamma laws.

        Returns
        -------
        array of float, shape (worlds, stages, destinations, bins)
        """
        out = gamma_quantile(rng.random((worlds, *events.shape)), events, exposure)
        for (s, j), fit in sorted(self.fits.items()):
            normals = special.ndtri(np.maximum(rng.random((worlds, len(fit.coefficients))), 1e-12))
            self._put(out[:, s, j], self.ages[s], fit.intensities(self.ages[s], fit.draws(normals)))
        return np.asarray(out)


def _criterion(fit: BinnedLaw) -> float:
    return fit.criterion


def check_law(name: str) -> None:
    """Raise an :class:`~spmforecast.errors.InputError` unless the base hazards can follow a law of that name."""
    known = (FREE, CHOSEN_BY_AIC, *LAWS)
    near = nearest(name, known)
    mend = f"Did you mean {near}?" if near else f"Use one of: {', '.join(known)}."
    if name == "choose":
        mend = (
            "Call evaluate.choose_law(history, as_of) and fit its spec, or write law: choose under model in a scenario."
        )
    require(name in known, "scenario", f"unknown law {name!r}", "law", mend)
