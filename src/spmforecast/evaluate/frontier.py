"""The picture of schemes: the chance to carry the plan against cost, with fairness as colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["frontier"]


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
        deviation of P(attain) over reps, dark where all have the same chance. A line joins the pairs that no other
        beats in both.
    """
    from matplotlib.figure import Figure

    paid = "payout_mean" in table
    across = table["payout_mean" if paid else "quota_total"].to_numpy(dtype=float)
    up = table["p_carried"].to_numpy(dtype=float)
    figure = Figure(figsize=(7.0, 4.5), layout="constrained")
    axes = figure.add_subplot()
    best = _unbeaten(across, up)
    axes.plot(across[best], up[best], color="0.6", linewidth=1, zorder=1)
    dots = axes.scatter(across, up, c=table["p_attain_sd"].to_numpy(dtype=float), cmap="viridis", s=60, zorder=2)
    for x, y, scheme, pay in zip(across, up, table["scheme"], table["pay"], strict=True):
        axes.annotate(f"{scheme}, {pay}" if paid else str(scheme), (x, y), (5, 5), textcoords="offset points", size=8)
    axes.set_xlabel("Expected pay" if paid else "Sum of quotas")
    axes.set_ylabel("P(plan carried)")
    figure.colorbar(dots, label="Spread of P(attain) over reps (sd)")
    return figure


def _unbeaten(cost: object, gain: object) -> list[int]:
    """Order the places that nothing cheaper beats."""
    found = pd.DataFrame({"cost": cost, "gain": gain}).sort_values(["cost", "gain"], ascending=[True, False])
    rising = found["gain"] > found["gain"].cummax().shift(fill_value=float("-inf"))
    return [int(place) for place in found.index[rising]]
