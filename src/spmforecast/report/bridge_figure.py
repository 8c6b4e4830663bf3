"""The bridge as a waterfall: from the last forecast to this one, a bar for each effect."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from spmforecast.report.blocks import Drawing
from spmforecast.report.figures import BOOKED, PIXELS, PLAN, WIDTH, money_axis
from spmforecast.report.svg import INK, MUTED, canvas, tidy, to_svg
from spmforecast.report.wording import amount

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["waterfall"]

_UP, _DOWN, _TO_COME = "#2f8f6b", "#b3400e", "#a6cae6"


def waterfall(
    name: str,
    ends: tuple[tuple[float, float], tuple[float, float]],
    effects: Sequence[tuple[str, float]],
    plan: float,
    currency: str,
) -> Drawing:
    """Draw the last forecast, every effect where the one before it ends, and this forecast.

    Parameters
    ----------
    name : str
        Period, unique on the page.
    ends : pair of (float, float)
        What is booked and what is to come, in the last forecast and in this one.
    effects : sequence of (str, float)
        Name and amount, in the order in which they stand.
    plan : float
        Target of the period; NaN where there is none.
    currency : str
        Of the axis.

    Returns
    -------
    Drawing
    """
    labels = ["last\nforecast", *(label.replace(" ", "\n", 1) for label, _ in effects), "this\nforecast"]
    with canvas(WIDTH, 3.3) as figure:
        axes = figure.add_axes((0.06, 0.17, 0.93, 0.72))
        tops = _bars(axes, ends, effects, currency)
        if plan == plan:
            axes.axhline(plan, color=PLAN, linewidth=1.4, linestyle=(0, (4, 3)), zorder=1)
            axes.annotate(
                "plan", (len(effects) + 1.42, plan), (0, 3), textcoords="offset points", color=PLAN, ha="right"
            )
        axes.set_xlim(-0.5, len(effects) + 1.5)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_ylim(0 if min(tops) >= 0 else None, max(*tops, plan if plan == plan else 0.0) * 1.12)
        money_axis(axes, "y", currency)
        tidy(axes)
        svg = to_svg(figure, f"bridge-{name}", f"Bridge of {name} from the last forecast to this one")
    caption = (
        f"{name}. Dark: booked; light: to come, in the mean. Green raises the forecast, red lowers it; the bars add "
        "up to the difference exactly."
    )
    return Drawing(svg, caption, int(WIDTH * PIXELS))


def _bars(
    axes: Axes,
    ends: tuple[tuple[float, float], tuple[float, float]],
    effects: Sequence[tuple[str, float]],
    currency: str,
) -> list[float]:
    """Draw the bars and the lines that join them; return the level after each."""
    _end(axes, 0, *ends[0], currency)
    tops, level = [sum(ends[0])], sum(ends[0])
    for place, (_, effect) in enumerate(effects, start=1):
        low = min(level, level + effect)
        axes.bar(place, abs(effect), 0.62, bottom=low, color=_UP if effect >= 0 else _DOWN, zorder=3)
        _label(axes, place, low + abs(effect), f"{'+' if effect > 0 else ''}{amount(effect)}")
        level += effect
        tops.append(level)
    _end(axes, len(effects) + 1, *ends[1], currency)
    tops.append(sum(ends[1]))
    for place, (top, _) in enumerate(pairwise(tops)):
        axes.plot([place - 0.31, place + 1.31], [top, top], color=MUTED, linewidth=0.8, zorder=2)
    return tops


def _end(axes: Axes, place: int, booked: float, to_come: float, currency: str) -> None:
    axes.bar(place, booked, 0.62, color=BOOKED, zorder=3)
    axes.bar(place, to_come, 0.62, bottom=booked, color=_TO_COME, zorder=3)
    _label(axes, place, booked + to_come, amount(booked + to_come, currency))


def _label(axes: Axes, place: int, top: float, text: str) -> None:
    axes.annotate(
        text, (place, top), (0, 3), textcoords="offset points", ha="center", color=INK, fontsize=8, fontweight="bold",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8}, zorder=4,
    )  # fmt: skip
