"""Maximum likelihood of a law from censored, left-truncated and weighted times, with covariates on any parameter.

The log likelihood of a row is ``d log f(t) + (1 - d) log S(t) - log S(a)``; the last term is that it was watched only
from age ``a``. For competing exits the likelihood factorises: each cause is a fit of its own in which the other exits
are censored, so nothing more is needed. A row's likelihood depends on few parameters (location, scale, …): their
derivatives are taken numerically, row by row, and carried through the covariates exactly, which makes Newton's method
cheap and the observed information exact to about seven digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spmforecast.arrays import Floats
from spmforecast.models.parametric.laws import Law

__all__ = ["Optimum", "Rows", "maximise", "row_log_likelihood"]

_GRADIENT_STEP = 1e-5
_CURVATURE_STEP = 2e-4
_FARTHEST = 40.0  # log odds or log ratios beyond this are infinite for every purpose


@dataclass(frozen=True)
class Rows:
    """What was seen: positive times, exits, entry ages and weights, each of shape (n,)."""

    time: Floats
    event: Floats
    entry: Floats
    weight: Floats


@dataclass(frozen=True)
class Optimum:
    """Where the log likelihood is largest: coefficients, log likelihood and minus its second derivatives."""

    coefficients: Floats
    value: float
    information: Floats


def row_log_likelihood(law: Law, rows: Rows, *parameters: Floats) -> Floats:
    """Weighted log likelihood of each row, shape (n,)."""
    ended = np.where(rows.event > 0, law.log_density(rows.time, *parameters), law.log_survival(rows.time, *parameters))
    late = rows.entry > 0
    before = np.where(late, law.log_survival(np.where(late, rows.entry, 1.0), *parameters), 0.0)
    return np.asarray(rows.weight * (ended - before))


def maximise(
    value: Callable[..., Floats], designs: list[Floats], start: Floats, prior: tuple[Floats, Floats] | None = None
) -> Optimum:
    """Maximise the sum of row values over the coefficients of their parameters.

    Parameters
    ----------
    value : callable
        Row values, shape (n,), from one array of shape (n,) for each parameter.
    designs : list of array of float, each of shape (n, p_k)
        Covariates of each parameter.
    start : array of float, shape (sum of p_k,)
        Where to begin.
    prior : tuple of array of float, optional
        Mean and precision of independent normal priors on the coefficients.

    Returns
    -------
    Optimum
        With a prior, its value and information are those of the posterior.
    """
    from scipy import optimize

    centre, precision = prior if prior is not None else (np.zeros_like(start), np.zeros_like(start))
    problem = _Problem(value, designs)

    def loss(beta: Floats) -> float:
        total = problem.total(beta) - 0.5 * float(precision @ (beta - centre) ** 2)
        return -total if np.isfinite(total) else 1e300

    def slope(beta: Floats) -> Floats:
        return np.asarray(-problem.gradient(beta) + precision * (beta - centre))

    def curve(beta: Floats) -> Floats:
        return np.asarray(problem.information(beta) + np.diag(precision))

    # In units in which the start's curvature is one, so that covariates of any size are alike to the trust region.
    size = 1 / np.sqrt(np.maximum(np.abs(np.diag(curve(start))), 1e-6))
    minimise: Any = optimize.minimize  # the stubs do not know second derivatives as functions
    best = minimise(
        lambda x: loss(x * size),
        start / size,
        jac=lambda x: slope(x * size) * size,
        hess=lambda x: curve(x * size) * size[:, None] * size,
        method="trust-exact",
        tol=1e-7,
    )
    found = np.asarray(best.x * size)
    return Optimum(found, -loss(found), curve(found))


class _Problem:
    """Sum over rows, its gradient and information, for parameters linear in coefficients."""

    def __init__(self, value: Callable[..., Floats], designs: list[Floats]) -> None:
        self.value, self.designs = value, designs
        ends = np.cumsum([design.shape[1] for design in designs])
        self.slices = [slice(int(end) - design.shape[1], int(end)) for end, design in zip(ends, designs, strict=True)]

    def total(self, beta: Floats) -> float:
        with np.errstate(all="ignore"):
            return float(self.value(*self._parameters(beta)).sum())

    def gradient(self, beta: Floats) -> Floats:
        at = self._parameters(beta)
        parts = [design.T @ self._difference(at, {k: 1.0}, _GRADIENT_STEP) for k, design in enumerate(self.designs)]
        return np.concatenate(parts)

    def information(self, beta: Floats) -> Floats:
        at = self._parameters(beta)
        size = sum(design.shape[1] for design in self.designs)
        out = np.zeros((size, size))
        own = [self._second(at, k) for k in range(len(at))]
        for j, left in enumerate(self.designs):
            for k in range(j, len(at)):
                second = own[j] if j == k else self._mixed(at, j, k)
                block = -(left * second[:, None]).T @ self.designs[k]
                out[self.slices[j], self.slices[k]] = block
                out[self.slices[k], self.slices[j]] = block.T
        return out

    def _parameters(self, beta: Floats) -> list[Floats]:
        raw = [design @ beta[part] for design, part in zip(self.designs, self.slices, strict=True)]
        return [np.clip(one, -_FARTHEST, _FARTHEST) for one in raw]

    def _moved(self, at: list[Floats], by: dict[int, float]) -> Floats:
        with np.errstate(all="ignore"):
            return self.value(*(one + by.get(k, 0.0) for k, one in enumerate(at)))

    def _difference(self, at: list[Floats], way: dict[int, float], step: float) -> Floats:
        forward = self._moved(at, {k: step * w for k, w in way.items()})
        back = self._moved(at, {k: -step * w for k, w in way.items()})
        return np.nan_to_num((forward - back) / (2 * step), posinf=0.0, neginf=0.0)

    def _second(self, at: list[Floats], k: int) -> Floats:
        h = _CURVATURE_STEP
        bent = self._moved(at, {k: h}) + self._moved(at, {k: -h}) - 2 * self._moved(at, {})
        return np.nan_to_num(bent / h**2, posinf=0.0, neginf=0.0)

    def _mixed(self, at: list[Floats], j: int, k: int) -> Floats:
        h = _CURVATURE_STEP
        same = self._moved(at, {j: h, k: h}) + self._moved(at, {j: -h, k: -h})
        crossed = self._moved(at, {j: h, k: -h}) + self._moved(at, {j: -h, k: h})
        return np.nan_to_num((same - crossed) / (4 * h**2), posinf=0.0, neginf=0.0)
