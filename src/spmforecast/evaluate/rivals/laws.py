"""The law of a point forecast: its number times the ratios of truth to forecast that it met before at the same week.

Only targets that were closed when the forecast is made have taught anything; their truth is the one that was known when
they closed. Reps (and regions) learn from the errors of all reps (all regions).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Errors", "relative_law"]

Array = npt.NDArray[np.float64]
Key = tuple[str, str, int]

_ENOUGH_PERIODS = 4
_MOST_ATOMS = 200


@dataclass(frozen=True, slots=True)
class _Case:
    """What a forecast met: the week at which it was made, its target, and forecasts with truths by node."""

    week: int
    target: str
    told: Array
    came: Array


@dataclass
class Errors:
    """Memory of what forecasts said and what came, by rival, level and number of periods ahead."""

    cases: dict[Key, list[_Case]] = field(default_factory=dict)

    def learn(self, key: Key, week: int, target: str, told: Array, came: Array) -> None:
        """Add the nodes of one origin; those without a forecast teach nothing."""
        said = ~np.isnan(told)
        if said.any():
            self.cases.setdefault(key, []).append(_Case(week, target, told[said], came[said]))

    def like(self, key: Key, week: int) -> list[_Case]:
        """Return the cases of the same week, or of all weeks where those are of fewer than four periods."""
        every = self.cases.get(key, [])
        same = [case for case in every if case.week == week]
        return same if len({case.target for case in same}) >= _ENOUGH_PERIODS else every

    def squared(self, key: Key, week: int) -> float:
        """Mean squared error of the like cases, NaN where there are none."""
        cases = self.like(key, week)
        return float(np.mean(np.concatenate([(c.told - c.came) ** 2 for c in cases]))) if cases else float("nan")

    def law(self, key: Key, week: int, told: Array, booked: Array) -> Array:
        """Put past errors round a forecast.

        Parameters
        ----------
        key : (rival, level, ahead)
            Whose errors.
        week : int
            Week of the period.
        told : array of float, shape (nodes,)
            The forecast, without NaN.
        booked : array of float, shape (nodes,)
            What is booked by now: no outcome lies below it.

        Returns
        -------
        array of float, shape (atoms, nodes)
            Equally likely outcomes; the forecast alone where nothing was learned yet.
        """
        cases = self.like(key, week)
        return relative_law(told, booked, (c.told for c in cases), (c.came for c in cases))


def relative_law(told: Array, booked: Array, past: Iterable[Array], truth: Iterable[Array]) -> Array:
    """Return a forecast times past ratios of truth to forecast, floored at what is booked.

    Parameters
    ----------
    told, booked : array of float, shape (nodes,)
        The forecast and what is booked already.
    past, truth : iterables of array
        Earlier forecasts of like nodes and what came. Where the forecast was nothing there is no ratio: a forecast of
        nothing gets what came then.

    Returns
    -------
    array of float, shape (atoms, nodes)
    """
    before, after = (np.concatenate([*arrays, np.zeros(0)]) for arrays in (list(past), list(truth)))
    some = before > 0
    ratios = _thinned(after[some] / before[some]) if some.any() else np.ones(1)
    law = told * ratios[:, None]
    nothing = told <= 0
    if nothing.any():
        met = np.sort(after[~some]) if (~some).any() else np.zeros(1)
        law[:, nothing] = np.quantile(met, (np.arange(len(ratios)) + 0.5) / len(ratios))[:, None]
    return np.maximum(law, booked)


def _thinned(values: Array) -> Array:
    """Sort, and let quantiles stand for a long list."""
    if len(values) <= _MOST_ATOMS:
        return np.sort(values)
    return np.asarray(np.quantile(values, (np.arange(_MOST_ATOMS) + 0.5) / _MOST_ATOMS))
