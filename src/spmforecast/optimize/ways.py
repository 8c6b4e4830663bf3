"""Ways to split an amount over reps: one registry of small functions with one signature.

Each takes a :class:`Basis`, the total and bounds, and options of its own by keyword; it returns the quotas before
rounding. Hand rules work out a figure for each rep and are filled up to the total in proportion; the optimising ways
solve their own problem within the bounds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.optimize.filling import fill
from spmforecast.optimize.objective import Objective, solve
from spmforecast.optimize.splits import equal_probability
from spmforecast.written import nearest

__all__ = ["ON_DRAWS", "WAYS", "Basis", "Way", "check_way", "objective_proof"]

Array = npt.NDArray[np.float64]
Split = Callable[["Basis", float, Array, Array], Array]


@dataclass(frozen=True)
class Basis:
    """What a way to set quotas may look at.

    Parameters
    ----------
    reps : tuple of str
        Who gets a quota.
    draws : array of float, shape (trials, reps)
        Bookings of each rep in the period.
    fields : pandas.DataFrame
        A row for each rep, in that order: ``history``, ``potential``, ``ramped_months``, or whatever else.
    last : array of float, shape (reps,)
        Last quotas, NaN where there is none.
    plan : float
        Total before the cushion.
    settled : array of bool, shape (reps,)
        Whose quota is fixed by limits: a missing field does not matter there.
    """

    reps: tuple[str, ...]
    draws: Array
    fields: pd.DataFrame
    last: Array
    plan: float
    settled: npt.NDArray[np.bool_]

    def subset(self, index: npt.NDArray[np.int64], plan: float) -> Basis:
        """Keep some reps, and give them a plan of their own."""
        return Basis(
            tuple(self.reps[i] for i in index),
            self.draws[:, index],
            self.fields.iloc[index],
            self.last[index],
            plan,
            self.settled[index],
        )

    def numbers(self, name: str) -> Array:
        """Return a field as numbers.

        Raises
        ------
        InputError
            If the field is unknown, or a rep whose quota is open has no number of at least 0: null is not 0.
        """
        values = pd.to_numeric(self._column(name), errors="coerce").to_numpy(dtype=np.float64)
        bad = (~np.isfinite(values) | (values < 0)) & ~self.settled
        if bad.any():
            told, mend = "a number of at least 0 is missing", "Give it, lock the rep's quota, or leave the rep out."
            wrong = [rep for rep, no in zip(self.reps, bad, strict=True) if no]
            raise InputError(Problem("quotas", told, mend, column=f"fields.{name}", value=rep) for rep in wrong)
        return np.where(np.isfinite(values) & (values >= 0), values, 0.0)

    def labels(self, name: str) -> list[str]:
        """Return a field as text; a missing one is empty."""
        return ["" if value is None or value != value else str(value) for value in self._column(name)]

    def _column(self, name: str) -> pd.Series:
        if name not in self.fields:
            near = nearest(name, [str(column) for column in self.fields.columns])
            known = ", ".join(map(str, self.fields.columns)) or "none"
            mend = f"Did you mean {near!r}?" if near else f"Fields given: {known}."
            raise InputError(Problem("quotas", "the reps have no such field", mend, column="fields", value=name))
        return self.fields[name]


def even(basis: Basis) -> Array:
    """Give everybody the same."""
    return np.ones(len(basis.reps))


def weighted(basis: Basis, by: str = "weight") -> Array:
    """Split in proportion to any field, such as accounts or last year's share."""
    return basis.numbers(by)


def bucketed(
    basis: Basis, by: str = "bucket", weights: Mapping[str, float] | None = None, share_of: str = "rep"
) -> Array:
    """Put reps into buckets by a label; `weights` are those of each rep, or the share of each bucket as a whole.

    With ``share_of="bucket"`` a bucket gets its weight whatever its size, and its reps split it evenly.
    """
    labels, known = basis.labels(by), dict(weights or {})
    if share_of not in ("rep", "bucket"):
        raise InputError(Problem("quotas", "must be rep or bucket", column="share_of", value=share_of))
    loose = {label for label, done in zip(labels, basis.settled, strict=True) if label not in known and not done}
    wrong = [name for name, weight in known.items() if not (np.isfinite(weight) and weight >= 0)]
    if loose or wrong:
        raise InputError(
            [
                *(Problem("quotas", "no weight is given for a bucket", "", column="weights", value=x) for x in loose),
                *(Problem("quotas", "must be at least 0", column=f"weights.{x}", value=str(known[x])) for x in wrong),
            ]
        )
    size = {label: labels.count(label) if share_of == "bucket" else 1 for label in labels}
    return np.array([known.get(label, 0.0) / size[label] for label in labels])


def growth(basis: Basis, by: str = "history", growth: float | str = 0.0, relief: float | str = 0.0) -> Array:
    """Grow a baseline: ``baseline * (1 + growth) * (1 - relief)``; 100,000 with 10 % and 2 % becomes 107,800.

    `growth` and `relief` are shares for everybody, or fields that hold each rep's own.
    """
    up = basis.numbers(growth) if isinstance(growth, str) else growth
    off = basis.numbers(relief) if isinstance(relief, str) else relief
    return np.asarray(np.maximum(basis.numbers(by) * (1 + up) * (1 - off), 0.0))


def potential(basis: Basis, by: str = "potential") -> Array:
    """Split in proportion to what the market of each territory holds."""
    return basis.numbers(by)


def capacity(basis: Basis, by: str = "ramped_months", productivity: str | None = None) -> Array:
    """Split in proportion to ramped months in the period, times a field of bookings per ramped month if given."""
    rate = 1.0 if productivity is None else basis.numbers(productivity)
    return np.asarray(basis.numbers(by) * rate)


def hybrid(basis: Basis, parts: Mapping[str, float] | None = None) -> Array:
    """Mix fields: each is turned into shares of its sum, and the shares are averaged with the weights in `parts`."""
    parts = parts or {"history": 0.5, "potential": 0.5}
    wrong = [name for name, weight in parts.items() if not (np.isfinite(weight) and weight >= 0)]
    if wrong or not sum(parts.values()) > 0:
        told = "weights must be at least 0 and not all 0"
        raise InputError(Problem("quotas", told, "{history: 0.6, potential: 0.4}", column="parts", value=str(parts)))
    out = np.zeros(len(basis.reps))
    for name, weight in parts.items():
        values = basis.numbers(name)
        out += weight * (values / values.sum() if values.sum() > 0 else 1.0 / len(values))
    return np.asarray(out)


def proportional(basis: Basis) -> Array:
    """Split in proportion to expected bookings: the same expected attainment, not the same chance to attain."""
    return np.asarray(np.maximum(basis.draws.mean(axis=0), 0.0))


def equal_chance(basis: Basis, total: float, lower: Array, upper: Array) -> Array:
    """Give everybody the same chance to attain.

    See :func:`spmforecast.optimize.splits.equal_probability`.
    """
    return equal_probability(basis.draws, total, lower, upper)


def objective(
    basis: Basis,
    total: float,
    lower: Array,
    upper: Array,
    spread: float = 1.0,
    carry: float = 0.0,
    cost: float = 0.0,
    change: float = 0.0,
) -> Array:
    """Minimise a stated objective on the draws (:class:`spmforecast.optimize.objective.Objective`)."""
    stated = Objective(spread=spread, carry=carry, cost=cost, change=change, plan=basis.plan, last=basis.last)
    return solve(stated, basis.draws, total, lower, upper).quota


def objective_proof(basis: Basis, quota: Array, lower: Array, upper: Array, **weights: float) -> dict[str, float]:
    """Value the stated objective at quotas as they stand, against the least that any of their sum could have.

    Levels of a hierarchy, rounding and smallest changes are not in the bound, so the gap holds what they cost too.
    """
    stated = Objective(**weights, plan=basis.plan, last=basis.last)
    parts = stated.parts(basis.draws, quota)
    value = stated.weigh(parts)
    # Rounding may leave a bound by less than a cent.
    best = solve(stated, basis.draws, float(quota.sum()), np.minimum(lower, quota), np.maximum(upper, quota))
    gap = max(value - best.bound, 0.0) / value if value > 0 else 0.0
    return {"objective": value, "bound": min(best.bound, value), "gap": gap, **parts}


def _filled(figures: Callable[..., Array]) -> Callable[..., Array]:
    """Fill a hand rule's figures up to the total in proportion, within bounds."""

    def split(basis: Basis, total: float, lower: Array, upper: Array, **options: Any) -> Array:
        return fill(figures(basis, **options), total, lower, upper)

    return split


@dataclass(frozen=True)
class Way:
    """One way to set quotas.

    Parameters
    ----------
    name : str
        As written in a scenario.
    about : str
        What it does, in a sentence.
    split : callable
        ``(basis, total, lower, upper, **options)`` to quotas of shape (reps,).
    figures : callable or None
        Of a hand rule: ``(basis, **options)`` to a figure for each rep.
    options : mapping of str to object
        Names of its options, with defaults.
    amounts : bool
        Whether the figures are money that can stand as quotas by themselves.
    """

    name: str
    about: str
    split: Callable[..., Array]
    figures: Callable[..., Array] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    amounts: bool = False

    def bound(self, options: Mapping[str, Any]) -> Split:
        """Fix the options."""
        given = dict(options)
        return lambda basis, total, lower, upper: self.split(basis, total, lower, upper, **given)


def _way(name: str, function: Callable[..., Array], hand: bool = True, amounts: bool = False) -> Way:
    parameters = inspect.signature(function).parameters
    fixed = {"basis", "total", "lower", "upper"}
    options = {key: one.default for key, one in parameters.items() if key not in fixed}
    about = (inspect.getdoc(function) or "").partition("\n")[0]
    split = _filled(function) if hand else function
    return Way(name, about, split, function if hand else None, options, amounts)


WAYS: Mapping[str, Way] = {
    way.name: way
    for way in (
        _way("equal-probability", equal_chance, hand=False),
        _way("objective", objective, hand=False),
        _way("proportional", proportional, amounts=True),
        _way("even", even),
        _way("weighted", weighted),
        _way("bucketed", bucketed),
        _way("growth", growth, amounts=True),
        _way("potential", potential),
        _way("capacity", capacity),
        _way("hybrid", hybrid),
    )
}
"""Every way to set quotas, by the name that a scenario uses."""

ON_DRAWS = frozenset({"equal-probability", "objective", "proportional"})
"""Ways that need nothing but draws, so that they see people who are still to be hired too."""


def check_way(method: str, options: Mapping[str, Any]) -> list[Problem]:
    """Say what is wrong with a method's name or its options."""
    if method not in WAYS:
        return [Problem("quotas", "no such method", _near(method, list(WAYS)), column="method", value=method)]
    known = list(WAYS[method].options)
    return [
        Problem("quotas", f"{method} has no such option", _near(name, known), column="options", value=str(name))
        for name in options
        if name not in known
    ]


def _near(given: str, known: Sequence[str]) -> str:
    near = nearest(given, known)
    return f"Did you mean {near!r}?" if near else f"Use one of: {', '.join(known)}." if known else "It has none."
