"""The figures of the scorecards' page: the pipeline as a river, and the leaderboard raw against adjusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from spmforecast.report.blocks import Drawing
from spmforecast.report.figures import PIXELS, WIDTH
from spmforecast.report.folder import Row
from spmforecast.report.svg import INK, MUTED, canvas, to_svg
from spmforecast.report.wording import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ranks", "river"]

_WATER, _LEAK, _WON = "#a6cae6", "#ecd5c9", "#5b9bd0"
_LEVELS = ((0.75, "#8cc5b4", "room to spare"), (1.25, "#5b9bd0", "as usual"), (1.6, "#e9a94b", "silting"),
           (math.inf, "#c4572a", "silted up"))  # fmt: skip
_NODE = 0.34  # width of a stage, where stages are one apart


def river(stages: Sequence[Row], worst: str) -> Drawing:
    """Draw stages from left to right; ribbons are as wide as deals are many.

    Parameters
    ----------
    stages : sequence of Row
        The company's rows of ``river.csv``, in order.
    worst : str
        The bottleneck, which gets a mark; empty for none.
    """
    most = max((max(_through(row), 1.0) for row in stages), default=1.0)
    with canvas(WIDTH, 4.3) as figure:
        axes = figure.add_axes((0.01, 0.02, 0.98, 0.96))
        axes.set_xlim(-0.35, len(stages) + 0.35)
        axes.set_ylim(-0.62, 1.42)
        axes.axis("off")
        for at, row in enumerate(stages):
            _stage(axes, at, row, stages[at + 1] if at + 1 < len(stages) else None, most)
        _sea(axes, stages, most)
        tops = [_through(row) / most for row in stages]
        for at, row in enumerate(stages):
            clear = max(tops[at], (tops[at] + tops[at - 1]) / 2 if at else 0.0)
            _label(axes, at, row, clear, row.text("stage") == worst)
        _legend(axes, len(stages))
        svg = to_svg(figure, "river", "The pipeline as a river: deals through each stage in the last year")
    told = (
        "Width: deals in the span. Bending down: losses. Colour of a stage: deals open "
        "now over what its arrivals and usual times account for (Little's law). Steps back are left out of the drawing."
    )
    return Drawing(svg, told, int(WIDTH * PIXELS))


def _through(row: Row) -> float:
    arrivals = row.number("created") + row.number("entered")
    return max(arrivals, sum(row.number(name) for name in ("onward", "won", "lost", "unwatched")))


def _ribbon(axes: Axes, ends: tuple[float, float, float, float], width: tuple[float, float], colour: str) -> None:
    """Draw a band whose upper edge runs from (x0, y0) to (x1, y1), level at both ends, growing to another width."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    x0, y0, x1, y1 = ends
    middle = (x0 + x1) / 2
    upper = [(x0, y0), (middle, y0), (middle, y1), (x1, y1)]
    lower = [(x1, y1 - width[1]), (middle, y1 - width[1]), (middle, y0 - width[0]), (x0, y0 - width[0])]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path([*upper, *lower, upper[0]], codes), facecolor=colour, edgecolor="none", alpha=0.85))


def _fall(axes: Axes, x0: float, y0: float, x1: float, width: float) -> None:
    """Draw losses bending down from the foot of a stage to below the river."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    foot, wide = -0.36, width * 0.5
    upper = [(x0, y0), (x1 + wide, y0), (x1 + wide, y0), (x1 + wide, foot)]
    lower = [(x1, foot), (x1, y0 - width), (x1, y0 - width), (x0, y0 - width)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path([*upper, *lower, upper[0]], codes), facecolor=_LEAK, edgecolor="none"))


def _colour(row: Row) -> str:
    value = row.number("silting")
    if not math.isfinite(value):
        return _LEVELS[1][1]
    return next(colour for bound, colour, _ in _LEVELS if value < bound)


def _stage(axes: Axes, at: int, row: Row, following: Row | None, most: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    height, right = _through(row) / most, at + _NODE
    onward, won, lost = (row.number(name) / most for name in ("onward", "won", "lost"))
    made = row.number("created") / most
    if at == 0 and made > 0:
        _ribbon(axes, (-0.3, height, 0.0, height), (made, made), _WATER)
    if following is not None and onward > 0:
        top = _through(following) / most
        _ribbon(axes, (right, height, at + 1, top), (onward, min(onward, top)), _WATER)
    if lost > 0:
        _fall(axes, right, height - onward - won, right + 0.12, lost)
        axes.text(right + 0.12 + 0.25 * lost, -0.43, f"{count(row.number('lost'))} lost", ha="center", color=MUTED)
    box = FancyBboxPatch(
        (at, 0), _NODE, max(height, 0.02), boxstyle="round,pad=0,rounding_size=0.015", facecolor=_colour(row),
        edgecolor="white", linewidth=1.2, zorder=4, mutation_aspect=1.0,
    )  # fmt: skip
    axes.add_patch(box)


def _sea(axes: Axes, stages: Sequence[Row], most: float) -> None:
    """Gather the wins of all stages at the right end."""
    end = len(stages) - 0.02
    total = sum(row.number("won") for row in stages)
    if total <= 0:
        return
    top = max(total / most, 0.02)
    at = top
    for place, row in enumerate(stages):
        width = row.number("won") / most
        if width > 0:
            start = _through(row) / most - row.number("onward") / most
            _ribbon(axes, (place + _NODE, start, end, at), (width, width), _WON)
            at -= width
    axes.text(end + 0.04, top / 2, f"{count(total)}\nwon", va="center", ha="left", fontweight="bold", color=INK)


def _label(axes: Axes, at: int, row: Row, height: float, worst: bool) -> None:
    """Write a stage's figures above it, clear of the ribbon that flows down to it."""
    lines = [
        f"{count(row.number('mean_days'))} days, {100 * row.number('p_on'):.0f} % move on",
        f"{count(row.number('open'))} open now, usually {count(row.number('average_open'))}",
    ]
    if at and row.number("created") > 0:
        lines.insert(0, f"{count(row.number('created'))} created here")
    x, y = at + _NODE / 2, height + 0.05
    for place, text in enumerate(lines):
        axes.text(x, y + 0.085 * place, text, ha="center", va="bottom", fontsize=8.4, color=MUTED, zorder=6)
    title = row.text("stage") + ("  ▼ bottleneck" if worst else "")
    axes.text(
        x, y + 0.085 * len(lines), title, ha="center", va="bottom", fontsize=10.5, fontweight="bold",
        color="#b3400e" if worst else INK, zorder=6,
    )  # fmt: skip


def _legend(axes: Axes, stages: int) -> None:
    for place, (_, colour, name) in enumerate(_LEVELS):
        x = -0.28 + place * 0.17 * stages
        axes.plot([x], [-0.57], marker="s", markersize=7, color=colour, linewidth=0)
        axes.text(x + 0.06, -0.57, name, va="center", fontsize=8.4, color=MUTED)


def ranks(rows: Sequence[Row]) -> Drawing:
    """Draw the adjusted index of each rep with its interval, raw rank and adjusted rank at the sides."""
    height = 1.0 + 0.3 * len(rows)
    with canvas(WIDTH, height) as figure:
        axes = figure.add_axes((0.3, 0.5 / height, 0.62, 1 - 0.86 / height))
        for place, row in enumerate(reversed(rows)):
            low, high, middle = (row.number(name) for name in ("index_low", "index_high", "index"))
            axes.plot([low, high], [place, place], color=_WATER, linewidth=7, solid_capstyle="round", zorder=2)
            axes.plot([middle], [place], marker="o", markersize=7, color="#0b3c66", zorder=3)
            _sides(axes, place, row)
        axes.axvline(1.0, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
        top = len(rows) - 0.15
        for x, text, align in ((-0.36, "Rep", "left"), (-0.09, "raw rank", "center"), (1.06, "adjusted", "center")):
            axes.text(
                x, top, text, transform=axes.get_yaxis_transform(), ha=align, va="bottom", color=MUTED, fontsize=8.4
            )
        axes.set_ylim(-0.6, len(rows) - 0.3)
        axes.set_yticks([])
        axes.set_xlabel("Bookings over what an average, ramped rep would book in the same seat")
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.grid(axis="x", color="#e4e8ec", linewidth=0.8)
        axes.set_axisbelow(True)
        svg = to_svg(figure, "ranks", "Leaderboard, raw and adjusted")
    told = "Dot: index, shrunk towards 1. Bar: its 90 % interval. Where bars overlap much, the order is mostly luck."
    return Drawing(svg, told, int(WIDTH * PIXELS))


def _sides(axes: Axes, place: int, row: Row) -> None:
    raw, own = row.number("rank"), row.number("rank_adjusted")
    name = f"{row.text('rep_id')}  {row.text('name')}"[:26]
    side = axes.get_yaxis_transform()
    colour = "#2a7a4b" if own < raw else "#b3400e" if own > raw else INK
    axes.text(-0.36, place, name, transform=side, ha="left", va="center")
    axes.text(-0.09, place, count(raw), transform=side, ha="center", va="center", color=MUTED)
    axes.text(1.06, place, count(own), transform=side, ha="center", va="center", color=colour, fontweight="bold")
