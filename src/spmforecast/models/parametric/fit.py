"""Fit a law to stays: censored, left-truncated, weighted, with covariates on the location or on the cured share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.arrays import Floats, columns, finite, require
from spmforecast.models.parametric.laws import LAWS, Law, law_named
from spmforecast.models.parametric.likelihood import Optimum, Rows, maximise, row_log_likelihood
from spmforecast.models.parametric.residual import FixedLaw

__all__ = ["LawFit", "fit_law", "rank_laws"]

_TOPIC = "law"
_STARTS = {"log_scale": (0.0,), "q": (0.7, -0.7), "growth": (0.0, -0.5), "cure": (-1.0, -4.0)}


@dataclass(frozen=True)
class LawFit:
    """A fitted law.

    Parameters
    ----------
    law : Law
        The family.
    names : tuple of str
        Coefficients: ``location``, ``location[1]`` for its first covariate, …
    coefficients : array of float, shape (p,)
        Estimates on the unbounded scales.
    covariance : array of float, shape (p, p)
        Inverse observed information; a coefficient that ran to its boundary has variance infinity.
    log_likelihood : float
        Maximised, on the scale of the times.
    weight : float
        Sum of the weights.
    """

    law: Law
    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    weight: float

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2 * len(self.coefficients) - 2 * self.log_likelihood

    @property
    def se(self) -> Floats:
        """Standard errors of the coefficients."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def at(self, coefficients: Floats | None = None, **covariates: npt.ArrayLike) -> FixedLaw:
        """Return the law of a row.

        Parameters
        ----------
        coefficients : array of float, shape (p,), optional
            Others than the estimates, for instance a draw of :meth:`draws`.
        **covariates : array-like
            Values of the covariates of a parameter (``location=[60, 1]``); zero where absent.
        """
        beta = self.coefficients if coefficients is None else coefficients
        values = []
        for name in self.law.parameters:
            own = np.array([k for k, label in enumerate(self.names) if label.split("[")[0] == name])
            extra = np.atleast_1d(np.asarray(covariates.get(name, np.zeros(len(own) - 1)), dtype=np.float64))
            require(len(extra) == len(own) - 1, _TOPIC, f"{name} takes {len(own) - 1} covariates", name)
            values.append(float(beta[own] @ np.concatenate([[1.0], extra])))
        return FixedLaw(self.law, tuple(values))

    def draws(self, normals: npt.ArrayLike) -> Floats:
        """Draw coefficients from their normal approximation (Laplace).

        Parameters
        ----------
        normals : array-like, shape (worlds, p)
            Standard normals.

        Returns
        -------
        array of float, shape (worlds, p)
            Coefficients at a boundary stay there.
        """
        z = np.asarray(normals, dtype=np.float64)
        known = np.isfinite(np.diag(self.covariance))
        root = np.zeros_like(self.covariance)
        root[np.ix_(known, known)] = np.linalg.cholesky(self.covariance[np.ix_(known, known)])
        return np.asarray(self.coefficients + np.einsum("wk,jk->wj", z, root))


def fit_law(
    law: str,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    weight: npt.ArrayLike | None = None,
    **covariates: npt.ArrayLike,
) -> LawFit:
    """Fit a law by maximum likelihood.

    Parameters
    ----------
    law : str
        One of :data:`~spmforecast.models.parametric.laws.LAWS`.
    time : array-like, shape (n,)
        Positive times of exit or censoring.
    event : array-like of 0 and 1, shape (n,)
        Whether the exit was seen. For one cause of several, exits by the others are 0.
    entry : array-like, shape (n,), optional
        Age from which each row was watched, below its time; 0 where absent.
    weight : array-like, shape (n,), optional
        How often each row counts.
    **covariates : array-like, shape (n,) or (n, p)
        Covariates by parameter, for instance ``location=x`` or ``cure=x``; each parameter has an intercept anyway.

    Returns
    -------
    LawFit

    Raises
    ------
    InputError
        If the law or a parameter is unknown, values are out of range or missing, or no exit was seen.
    """
    family = law_named(law)
    rows = _rows(time, event, entry, weight)
    rows = rows if covariates else _compressed(rows)
    designs = _designs(family, covariates, len(rows.time))
    # In units of the usual time, so that one set of starts and steps suits days and years.
    unit = float(np.exp(np.average(np.log(rows.time), weights=rows.weight)))
    scaled = Rows(rows.time / unit, rows.event, rows.entry / unit, rows.weight)

    def value(*parameters: Floats) -> Floats:
        return row_log_likelihood(family, scaled, *parameters)

    best = max((maximise(value, designs, start) for start in _starts(family, designs, scaled)), key=_value)
    names = tuple(
        name if k == 0 else f"{name}[{k}]"
        for name, design in zip(family.parameters, designs, strict=True)
        for k in range(design.shape[1])
    )
    rescale = np.array([1 / unit if name.startswith("growth") else 1.0 for name in names])
    shift = np.array([np.log(unit) if name == "location" else 0.0 for name in names])
    exits = float(rows.weight @ rows.event)
    return LawFit(
        family,
        names,
        best.coefficients * rescale + shift,
        _covariance(best.information) * np.outer(rescale, rescale),
        best.value - exits * float(np.log(unit)),
        float(rows.weight.sum()),
    )


def rank_laws(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    weight: npt.ArrayLike | None = None,
    laws: tuple[str, ...] = tuple(LAWS),
) -> list[LawFit]:
    """Fit several laws and rank them by Akaike's criterion, best first; arguments as :func:`fit_law`."""
    fits = [fit_law(law, time, event, entry, weight) for law in laws]
    return sorted(fits, key=lambda fit: fit.aic)


def _value(optimum: Optimum) -> float:
    return optimum.value


def _rows(time: npt.ArrayLike, event: npt.ArrayLike, entry: npt.ArrayLike | None, weight: npt.ArrayLike | None) -> Rows:
    size = np.shape(time)
    values = {"time": time, "event": event, "entry": np.zeros(size) if entry is None else entry}
    t, d, a, w = columns(_TOPIC, values | {"weight": np.ones(size) if weight is None else weight})
    require((t > 0).all(), _TOPIC, "times must be positive", "time", "Count an exit on the first day as half a day.")
    require(np.isin(d, (0.0, 1.0)).all(), _TOPIC, "values must be 0 or 1", "event")
    require(((a >= 0) & (a < t)).all(), _TOPIC, "an entry age must lie between 0 and its time", "entry")
    require((w >= 0).all(), _TOPIC, "weights must not be negative", "weight")
    require(float(w @ d) > 0, _TOPIC, "no exit was seen: there is nothing to fit", "event")
    return Rows(t, d, a, w)


def _compressed(rows: Rows) -> Rows:
    """Count equal rows once: whole days repeat, so a million stays become a few thousand rows."""
    table = np.column_stack([rows.time, rows.event, rows.entry])
    kinds, of_row = np.unique(table, axis=0, return_inverse=True)
    weight = np.bincount(of_row.reshape(-1), weights=rows.weight)
    return Rows(kinds[:, 0], kinds[:, 1], kinds[:, 2], weight.astype(np.float64))


def _designs(law: Law, covariates: dict[str, npt.ArrayLike], n: int) -> list[Floats]:
    unknown = sorted(set(covariates) - set(law.parameters))
    told = f"{law.name} has no parameter {', '.join(unknown)}; it has {', '.join(law.parameters)}"
    require(not unknown, _TOPIC, told)
    out = []
    for name, given in zip(
        law.parameters, finite(_TOPIC, {k: covariates.get(k, ()) for k in law.parameters}), strict=True
    ):
        x = given.reshape(n, -1) if given.size and len(given) == n else np.zeros((n, 0))
        require(given.size == 0 or len(given) == n, _TOPIC, f"{len(given)} rows of covariates for {n} times", name)
        out.append(np.column_stack([np.ones(n), x]))
    return out


def _starts(law: Law, designs: list[Floats], rows: Rows) -> list[Floats]:
    """List intercepts from which to climb; laws whose likelihood may have several humps get several."""
    exits = float(rows.weight @ rows.event)
    rate = exits / float(rows.weight @ (rows.time - rows.entry))
    grid: list[tuple[float, ...]] = [()]
    for name in law.parameters:
        options = (-float(np.log(rate)),) if name == "location" else _STARTS[name]
        grid = [(*before, value) for before in grid for value in options]
    out = []
    for intercepts in grid:
        parts = [
            np.concatenate([[value], np.zeros(design.shape[1] - 1)])
            for value, design in zip(intercepts, designs, strict=True)
        ]
        out.append(np.concatenate(parts))
    return out


def _covariance(information: Floats) -> Floats:
    """Invert the information; directions about which nothing is known (a boundary) get infinite variance."""
    size = np.sqrt(np.maximum(np.diag(information), 0.0))
    known = size > 1e-4
    out = np.full(information.shape, 0.0)
    out[~known, ~known] = np.inf
    inner = information[np.ix_(known, known)]
    scaled = inner / np.outer(size[known], size[known])
    out[np.ix_(known, known)] = np.linalg.pinv(scaled, hermitian=True) / np.outer(size[known], size[known])
    return out
