"""The bridge: from the mean of the last forecast to that of the new one, in effects that add up to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.display import card
from spmforecast.scenario.update.cents import whole_cents
from spmforecast.scenario.update.effects import FACTORS, Effects
from spmforecast.scenario.update.outlook import Axes

__all__ = ["ENDS", "FACTORS", "Bridge", "Step", "Stock", "build_bridge"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ENDS = ("last_forecast", "this_forecast")


@dataclass(frozen=True)
class Stock:
    """What a forecast comes to, by node and period.

    Parameters
    ----------
    booked, mean : array of float, shape (nodes, periods)
        Booked already, and the mean of all bookings.
    """

    booked: Array
    mean: Array


@dataclass(frozen=True)
class Step:
    """A named change from one forecast of the same day to another.

    Parameters
    ----------
    factor : str
        ``model``, ``assumptions`` or ``restated``.
    before, after : array of float, shape (nodes, periods)
        Means.
    """

    factor: str
    before: Array
    after: Array


@dataclass(frozen=True)
class Bridge:
    """From the last forecast to this one.

    Parameters
    ----------
    table : pandas.DataFrame
        ``node_level, node, period, factor, amount, booked, to_come``, amounts in money that are whole cents: for each
        node and period, and each fiscal year, a row for ``last_forecast``, for every factor, and for
        ``this_forecast``. ``amount = booked + to_come`` in every row, and the rows between the ends add up to their
        difference in all three.
    cents : pandas.DataFrame
        The same in cents, as whole numbers.
    """

    table: pd.DataFrame
    cents: pd.DataFrame

    def of(self, period: str, node_level: str = "company", node: str = "company") -> pd.Series:
        """Amounts of one node and period by factor, the ends included."""
        table = self.table
        own = (table["node_level"] == node_level) & (table["node"] == node) & (table["period"] == period)
        return table[own].set_index("factor")["amount"]

    def _repr_html_(self) -> str:
        company = self.table[self.table["node_level"] == "company"]
        wide = company.pivot_table(index="period", columns="factor", values="amount")
        ordered = [ENDS[0], *FACTORS, ENDS[1]]
        return card("Bridge from the last forecast", {}, wide[ordered].reset_index())


def build_bridge(
    axes: Axes, calendar: FiscalCalendar, start: Stock, news: Effects, steps: Sequence[Step], end: Stock
) -> Bridge:
    """Put a bridge together.

    Parameters
    ----------
    axes : Axes
        Nodes and periods.
    calendar : FiscalCalendar
        Says which periods make a fiscal year.
    start, end : Stock
        The two forecasts.
    news : Effects
        What became of deals and groups, at the rates of the last forecast.
    steps : sequence of Step
        Further named changes, in any order; a factor without any is exactly zero.

    Returns
    -------
    Bridge

    Raises
    ------
    ArithmeticError
        If news and steps do not lead from start to end.
    """
    effects = news
    for step in steps:
        effects = effects.with_(step.factor, step.after - step.before)
    mean = whole_cents(start.mean, end.mean, effects.amount)
    booked = whole_cents(start.booked, end.booked, effects.booked)
    amount, sure = (np.concatenate([first[None], parts, last[None]]) for first, last, parts in (mean, booked))
    frames = [_frame("company", "company", amount.sum(axis=1), sure.sum(axis=1), axes, calendar)]
    if len(axes.nodes) > 1:
        for place, node in enumerate(axes.nodes):
            frames.append(_frame("region", node, amount[:, place], sure[:, place], axes, calendar))
    cents = pd.concat(frames, ignore_index=True)
    money = {name: cents[name] / 100.0 for name in ("amount", "booked", "to_come")}
    return Bridge(cents.assign(**money), cents)


def _frame(level: str, node: str, amount: Ints, booked: Ints, axes: Axes, calendar: FiscalCalendar) -> pd.DataFrame:
    """Lay out one node: every period, then every fiscal year as the sum of its periods."""
    years = [calendar.year_of(label) for label in axes.periods]
    labels = [*axes.periods, *sorted(set(years))]
    member = np.array([[own == label or year == label for own, year in zip(axes.periods, years, strict=True)]
                       for label in labels], dtype=np.int64)  # fmt: skip
    whole, sure = amount @ member.T, booked @ member.T
    names = [ENDS[0], *FACTORS, ENDS[1]]
    out = pd.DataFrame(
        {
            "node_level": level,
            "node": node,
            "period": np.repeat(np.array(labels, dtype=object), len(names)),
            "factor": names * len(labels),
            "amount": whole.T.reshape(-1),
            "booked": sure.T.reshape(-1),
        }
    )
    return out.assign(to_come=out["amount"] - out["booked"])
