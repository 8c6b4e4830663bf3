"""The picture of schemes: the chance to carry the plan against cost, with fairness as colour."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["frontier"]

_SHAPES = "osD^vP*X"
_LINE = 0.055  # height of a line of text, as a share of the frame's


def frontier(table: pd.DataFrame) -> Figure:
    """Draw one dot for each scheme and pay plan.

    Parameters
    ----------
    table : pandas.DataFrame
        Of a :class:`~spmforecast.evaluate.schemes.SchemeComparison`.

    Returns
    -------
    matplotlib.figure.Figure
        Across: expected pay, or the sum of quotas where no pay plan is given. Up: P(plan carried). Colour: standard
        deviation of P(attain) over reps, dark where all have the same chance. Shape: pay plan. A line joins the pairs
        that no other beats in both.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import PercentFormatter, StrMethodFormatter

    paid = "payout_mean" in table
    shown = table.assign(across=table["payout_mean" if paid else "quota_total"].astype(float)).dropna(subset="across")
    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    axes = figure.add_subplot()
    best = shown.loc[_unbeaten(shown["across"], shown["p_carried"])]
    axes.plot(best["across"], best["p_carried"], color="0.6", linewidth=1, zorder=1)
    low, high = float(table["p_attain_sd"].min()), float(table["p_attain_sd"].max())
    for (_, rows), marker in zip(shown.groupby("pay", sort=False), cycle(_SHAPES), strict=False):
        dots = axes.scatter(
            rows["across"], rows["p_carried"], c=rows["p_attain_sd"], cmap="viridis", vmin=low, vmax=high, s=60,
            marker=marker, edgecolors="white", linewidths=0.5, zorder=2,
        )  # fmt: skip
    _name_schemes(axes, shown)
    axes.set_xlabel("Expected pay" if paid else "Sum of quotas")
    axes.set_ylabel("P(plan carried)")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    pays = [str(pay) for pay in dict.fromkeys(shown["pay"])]
    if len(pays) > 1:
        # Grey, because colour tells fairness and not the pay plan.
        shapes = [
            Line2D([], [], color="0.4", marker=marker, linestyle="none", label=pay)
            for pay, marker in zip(pays, cycle(_SHAPES), strict=False)
        ]
        axes.legend(handles=shapes, title="pay plan", loc="best")
    bar = figure.colorbar(dots, location="bottom", aspect=50, format=PercentFormatter(1, decimals=0))
    bar.set_label("Spread of P(attain) over reps (sd)")
    return figure


def _name_schemes(axes: Axes, shown: pd.DataFrame) -> None:
    """Write each scheme once, to the right of the frame at the height of its dots, and apart from its neighbours."""
    ends = shown.loc[shown.groupby("scheme", sort=False)["across"].idxmax()].sort_values("p_carried")
    bottom, top = axes.get_ylim()
    heights = ((ends["p_carried"] - bottom) / (top - bottom)).tolist()
    for place in range(1, len(heights)):
        heights[place] = max(heights[place], heights[place - 1] + _LINE)
    above = max(heights[-1] - 1.0, 0.0)
    for height, scheme, x, y in zip(heights, ends["scheme"], ends["across"], ends["p_carried"], strict=True):
        axes.annotate(
            str(scheme), (x, y), (1.02, height - above), xycoords="data", textcoords="axes fraction", size=9,
            va="center", arrowprops={"arrowstyle": "-", "color": "0.75", "linewidth": 0.7, "shrinkB": 5},
        )  # fmt: skip


def _unbeaten(cost: object, gain: object) -> list[int]:
    """Order the places that nothing cheaper beats."""
    found = pd.DataFrame({"cost": cost, "gain": gain}).sort_values(["cost", "gain"], ascending=[True, False])
    rising = found["gain"] > found["gain"].cummax().shift(fill_value=float("-inf"))
    return [int(place) for place in found.index[rising]]
