"""Figures on pay, schemes and hiring, drawn from rows of the run folder's tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from spmforecast.report.blocks import Drawing
from spmforecast.report.figures import PIXELS, PLAN, WIDTH, money_axis
from spmforecast.report.folder import Row
from spmforecast.report.svg import INK, MUTED, canvas, tidy, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["chances_by_hires", "frontier", "pay_law"]

_BLUE = "#5b9bd0"
_LINES = ("#0b3c66", "#5b9bd0", "#e69f00", "#b3400e", "#6b7785", "#009e73")


def pay_law(costs: Sequence[Row], deciles: Sequence[Row], marks: Mapping[str, float], currency: str) -> Drawing:
    """Draw the law of what is paid in all, and mean pay by decile of attainment beside it.

    Parameters
    ----------
    costs : sequence of Row
        Of ``pay_costs.csv``, one period.
    deciles : sequence of Row
        Of ``pay_deciles.csv``.
    marks : mapping of str to float
        Amounts to mark, by name.
    currency : str
        Of the axes.

    Returns
    -------
    Drawing
    """
    with canvas(WIDTH, 3.1) as figure:
        grid = figure.add_gridspec(1, 2, left=0.05, right=0.985, bottom=0.15, top=0.86, wspace=0.16)
        _law(figure.add_subplot(grid[0, 0]), costs, marks, currency)
        axes = figure.add_subplot(grid[0, 1])
        axes.plot(
            [row.number("attainment") for row in deciles], [row.number("pay") for row in deciles], "o-", color=_BLUE
        )
        axes.set_title("Pay of a rep by attainment", loc="left", fontsize=9, fontweight="bold", color=INK)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.axvline(1.0, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        money_axis(axes, "y", currency)
        tidy(axes)
        svg = to_svg(figure, "pay", "Law of what is paid, and pay by attainment")
    caption = (
        "Left: how often the draws pay so much in all. Right: a dot a tenth of all reps and draws, from the lowest "
        "attainment to the highest; dashed: quota."
    )
    return Drawing(svg, caption, int(WIDTH * PIXELS))


def _law(axes: Axes, costs: Sequence[Row], marks: Mapping[str, float], currency: str) -> None:
    low = [row.number("low") for row in costs]
    wide = [row.number("high") - row.number("low") for row in costs]
    axes.bar(low, [row.number("share") for row in costs], wide, align="edge", color=_BLUE, zorder=2)
    top = axes.get_ylim()[1]
    for name, value in marks.items():
        if math.isfinite(value):
            axes.axvline(value, color=PLAN, linewidth=1.4, zorder=3)
            axes.annotate(name, (value, top), (3, -9), textcoords="offset points", color=PLAN, fontsize=8)
    axes.set_title("All pay together", loc="left", fontsize=9, fontweight="bold", color=INK)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    money_axis(axes, "x", currency)
    tidy(axes)


def frontier(name: str, schemes: Sequence[Row], curve: Sequence[Row], currency: str) -> Drawing:
    """Draw the chance to carry the plan against cost, with fairness as colour, and the curve over cushions.

    Parameters
    ----------
    name : str
        Unique on the page.
    schemes, curve : sequence of Row
        Of ``schemes.csv`` and ``cushions.csv``, one period.
    currency : str
        Of the axis.

    Returns
    -------
    Drawing
    """
    from matplotlib.ticker import MaxNLocator

    across = "payout_mean" if any(math.isfinite(row.number("payout_mean")) for row in schemes) else "quota_total"
    with canvas(WIDTH, 3.8) as figure:
        axes = figure.add_axes((0.06, 0.13, 0.82, 0.77))
        line = [row for row in curve if math.isfinite(row.number(across))]
        axes.plot(
            [row.number(across) for row in line], [row.number("p_carried") for row in line], color="#c5ccd3", zorder=1
        )
        dots = axes.scatter(
            [row.number(across) for row in schemes], [row.number("p_carried") for row in schemes],
            c=[row.number("p_attain_sd") for row in schemes], cmap="viridis", s=55, zorder=3,
        )  # fmt: skip
        top = max(axes.get_ylim()[1], 0.1)
        axes.set_ylim(-0.04 * top, top)
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        for at, told in _numbered(schemes, across, axes).items():
            axes.annotate(told, at, (6, 5), textcoords="offset points", fontsize=8, zorder=4)
        axes.yaxis.set_major_formatter(lambda value, _: "" if value < 0 else f"{round(100 * value, 1):g} %")
        axes.set_title("P(plan carried)", loc="left", fontsize=9, fontweight="bold", color=INK)
        money_axis(axes, "x", currency)
        tidy(axes)
        bar = figure.add_axes((0.91, 0.13, 0.015, 0.77))
        ticks = MaxNLocator(5, steps=[1, 2, 5, 10], min_n_ticks=2)
        figure.colorbar(dots, cax=bar, ticks=ticks, format=lambda value, _: f"{round(100 * value, 1):g} %")
        bar.set_title("spread", fontsize=8, color=MUTED)
        svg = to_svg(figure, name, "Chance to carry the plan against cost")
    cost = "expected pay" if across == "payout_mean" else "the sum of quotas"
    caption = (
        f"Across: {cost}. Up: the chance that the plan is made with nobody's bookings above quota counted. Numbers: "
        "schemes as in the table. Colour: how far the reps' chances to attain differ (standard deviation; dark is "
        "fair). Line: quotas of equal chance, from small cushions to large ones."
    )
    return Drawing(svg, caption, int(WIDTH * PIXELS))


def _numbered(schemes: Sequence[Row], across: str, axes: Axes) -> dict[tuple[float, float], str]:
    """Give each scheme a number; those whose dots lie on top of each other share one label."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    found: dict[tuple[float, float], str] = {}
    for number, row in enumerate(schemes, start=1):
        x, y = row.number(across), row.number("p_carried")
        near = (at for at in found if abs(at[0] - x) < 0.03 * (right - left) and abs(at[1] - y) < 0.05 * (high - low))
        at = next(near, (x, y))
        found[at] = f"{found[at]}, {number}" if at in found else str(number)
    return found


def chances_by_hires(rows: Sequence[Row], wanted: float) -> Drawing:
    """Draw the chance to reach the target by number of hires, a line for each start.

    Parameters
    ----------
    rows : sequence of Row
        Of ``hiring_curve.csv``.
    wanted : float
        Chance that is wanted.

    Returns
    -------
    Drawing
    """
    from matplotlib.ticker import MaxNLocator

    starts = list(dict.fromkeys(row.text("start") for row in rows))
    with canvas(WIDTH, 3.2) as figure:
        axes = figure.add_axes((0.06, 0.14, 0.77, 0.76))
        for place, start in enumerate(starts):
            own = [row for row in rows if row.text("start") == start]
            axes.plot(
                [row.number("hires") for row in own], [row.number("p_target") for row in own], "o-", markersize=3,
                color=_LINES[place % len(_LINES)], label=start[:10],
            )  # fmt: skip
        axes.axhline(wanted, color=PLAN, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_ylim(-0.02, 1.02)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.set_xlabel("hires")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        tidy(axes)
        figure.legend(loc="upper left", bbox_to_anchor=(0.84, 0.9), frameon=False, title="seats opened")
        svg = to_svg(figure, "hires", "Chance to reach the target by number of hires")
    return Drawing(svg, "Chance to reach the target. Dashed: the chance that is wanted.", int(WIDTH * PIXELS))
