"""The difference between two scenarios shared out over what they differ in, as tables that add up to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.evaluate.attribution import Shares, shapley
from spmforecast.scenario.compare.coalitions import Coalitions
from spmforecast.simulate import Forecast
from spmforecast.simulate.streams import Streams

__all__ = ["BOOKINGS", "REST", "Figures", "attribution", "one_at_a_time", "whole_parts"]

Array = npt.NDArray[np.float64]

BOOKINGS, P_PLAN = "bookings", "p_plan"
REST, TOTAL = "(trials beyond these)", "(total)"
_DECIMALS = {BOOKINGS: 2, P_PLAN: 9}
_Z95 = 1.959963984540054


class Figures:
    """The figures that are shared out: bookings of each period and year to come, and whether its plan is reached.

    Parameters
    ----------
    forecast : Forecast
        Of the first scenario.
    targets : mapping of str to float
        Plan by period.
    """

    def __init__(self, forecast: Forecast, targets: Mapping[str, float]) -> None:
        coming = set(forecast.cells.loc[forecast.cells["part"] != "won", "period"].astype(str))
        years = {forecast.calendar.year_of(label) for label in coming}
        self.periods = [label for label in forecast.periods if label in coming]
        self.labels = [*self.periods, *(year for year in forecast.years if year in years and year not in coming)]
        self.targets = [(label, targets[label]) for label in self.labels if label in targets]
        self.names = [(label, BOOKINGS) for label in self.labels] + [(label, P_PLAN) for label, _ in self.targets]

    def of(self, forecast: Forecast) -> Array:
        """Work them out of a forecast, shape (trials, figures)."""
        booked = {label: np.round(forecast.period_draws(label), 2) for label in self.labels}
        reached = [(booked[label] >= target - 0.005).astype(np.float64) for label, target in self.targets]
        return np.stack([*booked.values(), *reached], axis=1)


def attribution(coalitions: Coalitions, figures: Figures, whole: Array, seed: int) -> pd.DataFrame:
    """Share every figure's difference out.

    Parameters
    ----------
    coalitions : Coalitions
        Forecasts of sets of changes.
    figures : Figures
        What is shared out.
    whole : array of float, shape (figures,)
        Difference between the two scenarios on all trials.
    seed : int
        Draws orders where there are many changes.

    Returns
    -------
    pandas.DataFrame
        ``period, figure, change, share, se, low, high``. The shares of a figure, with what trials beyond those of the
        attribution add, sum to its row ``(total)``: in whole cents, or billionths of a probability.
    """
    changes = [change.label for change in coalitions.changes]
    orders = Streams(seed).generator("compare", "|".join(changes), "orders")
    told = shapley(lambda made: figures.of(coalitions.forecast(made)), len(changes), orders)
    rows = []
    for place, (period, figure) in enumerate(figures.names):
        rows += _figure(told, changes, place, period, figure, float(whole[place]))
    return pd.DataFrame(rows, columns=["period", "figure", "change", "share", "se", "low", "high"])


def _figure(
    told: Shares, changes: Sequence[str], place: int, period: str, figure: str, whole: float
) -> list[dict[str, object]]:
    drawn = told.shares[:, :, place]
    means = drawn.mean(axis=1)
    rest = whole - float(told.total[:, place].mean())
    parts = whole_parts([*means, rest], whole, _DECIMALS[figure])
    errors = [*(drawn.std(axis=1) / np.sqrt(drawn.shape[1])), np.nan]
    rows: list[dict[str, object]] = []
    for label, share, se in zip([*changes, REST], parts, errors, strict=True):
        if label == REST and share == 0:
            continue
        low, high = share - _Z95 * se, share + _Z95 * se
        rows.append(
            {"period": period, "figure": figure, "change": label, "share": share, "se": se, "low": low, "high": high}
        )
    total = round(whole, _DECIMALS[figure])
    return [
        *rows,
        {
            "period": period,
            "figure": figure,
            "change": TOTAL,
            "share": total,
            "se": np.nan,
            "low": np.nan,
            "high": np.nan,
        },
    ]


def whole_parts(parts: Sequence[float], total: float, decimals: int) -> list[float]:
    """Round parts so that they sum exactly to the rounded total, by largest remainders; signs may differ."""
    scale = 10**decimals
    exact = np.array([float(part) * scale for part in parts])
    units = [int(one) for one in np.floor(exact)]
    left = round(total * scale) - sum(units)
    order = sorted(range(len(parts)), key=lambda i: (units[i] - exact[i], i))
    for step in range(abs(left)):
        units[order[step % len(order)]] += 1 if left > 0 else -1
    return [unit / scale for unit in units]


def one_at_a_time(coalitions: Coalitions, figures: Figures) -> pd.DataFrame:
    """Make each change alone, and take each out of all: ``period, change, alone, last`` for bookings.

    `alone` is what bookings gain when only this change is made, `last` what they gain when it comes after all others;
    where the two differ, changes work on each other.
    """
    everything = frozenset(range(len(coalitions.changes)))
    count = len(figures.labels)

    def mean(made: frozenset[int]) -> Array:
        return np.asarray(figures.of(coalitions.forecast(made))[:, :count].mean(axis=0))

    none, whole = mean(frozenset()), mean(everything)
    rows = []
    for index, change in enumerate(coalitions.changes):
        alone, last = mean(frozenset({index})) - none, whole - mean(everything - {index})
        rows += [
            {
                "period": label,
                "change": change.label,
                "alone": round(float(alone[k]), 2),
                "last": round(float(last[k]), 2),
            }
            for k, label in enumerate(figures.labels)
        ]
    return pd.DataFrame(rows, columns=["period", "change", "alone", "last"])
