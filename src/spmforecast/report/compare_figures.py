"""The figures of a comparison's page: differences as ranges, a waterfall of shares, and a tornado."""

from __future__ import annotations

from collections.abc import Sequence

from spmforecast.report.blocks import Drawing
from spmforecast.report.figures import BOOKED, MEDIAN, PIXELS, PLAN, WIDTH, money_axis
from spmforecast.report.folder import Row
from spmforecast.report.periods import order
from spmforecast.report.svg import canvas, tidy, to_svg
from spmforecast.report.wording import amount

__all__ = ["ranges", "swings", "waterfall"]

_BAR = "#a6cae6"
_LESS = "#e8b298"
_Z95 = 1.96


def ranges(rows: Sequence[Row], currency: str, base: str) -> Drawing:
    """Draw the difference of each scenario and period: its mean, and the range of 80 % of the paired draws."""
    rows = sorted(rows, key=lambda row: (order(row.text("period")), row.text("scenario")))
    several = len({row.text("scenario") for row in rows}) > 1
    labels = [f"{row.text('period')}  {row.text('scenario')}" if several else row.text("period") for row in rows]
    with canvas(WIDTH, 0.64 + 0.34 * len(rows)) as figure:
        axes = figure.add_axes((0.22, 0.36 / (0.64 + 0.34 * len(rows)), 0.76, 1 - 0.49 / (0.64 + 0.34 * len(rows))))
        for place, row in enumerate(reversed(rows)):
            low, high, middle = (row.number(name) for name in ("p10", "p90", "difference"))
            axes.barh(place, high - low, 0.5, left=low, color=_BAR, zorder=2)
            axes.plot([middle, middle], [place - 0.3, place + 0.3], color=MEDIAN, linewidth=2.2, zorder=4)
        axes.axvline(0, color=PLAN, linewidth=1.2, zorder=3)
        axes.set_yticks(range(len(rows)), labels[::-1])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        money_axis(axes, "x", currency)
        tidy(axes)
        svg = to_svg(figure, "ranges", "Difference in bookings by period")
    told = f"Difference from {base}, draw by draw. Bar: 10 to 90 % of the draws. Mark: the mean difference."
    return Drawing(svg, told, int(WIDTH * PIXELS))


def waterfall(anchor: str, base: float, rows: Sequence[Row], currency: str) -> Drawing:
    """Draw the way from the base's bookings to the other scenario's, a step for each change."""
    steps = [row for row in rows if row.text("change") != "(total)"]
    total = next(row.number("share") for row in rows if row.text("change") == "(total)")
    labels = ["base", *(row.text("change").strip("()") for row in steps), "this one"]
    with canvas(WIDTH, 0.54 + 0.34 * len(labels)) as figure:
        height = 0.54 + 0.34 * len(labels)
        axes = figure.add_axes((0.3, 0.36 / height, 0.62, 1 - 0.44 / height))
        axes.barh(len(labels) - 1, base, 0.55, color=BOOKED, zorder=2)
        at = base
        for number, row in enumerate(steps, start=1):
            place, step = len(labels) - 1 - number, row.number("share")
            axes.barh(place, step, 0.55, left=at, color=_BAR if step >= 0 else _LESS, zorder=2)
            axes.plot([at, at], [place - 0.28, place + 1.28], color=BOOKED, linewidth=0.7, zorder=3)
            told, end = f"{'+' if step > 0 else ''}{amount(step)}", max(at, at + step)
            axes.annotate(told, (end, place), (5, 0), textcoords="offset points", va="center")
            at += step
        axes.barh(0, base + total, 0.55, color=BOOKED, zorder=2)
        axes.set_yticks(range(len(labels)), labels[::-1])
        ends = [base, at, *_reach(base, steps)]
        width = max(max(ends) - min(ends), 1.0)
        axes.set_xlim(max(min(ends) - 0.6 * width, 0.0), max(ends) + 0.45 * width)
        money_axis(axes, "x", currency)
        tidy(axes)
        svg = to_svg(figure, anchor, "What brings how much of the difference")
    return Drawing(
        svg, "From the base's expected bookings to this scenario's; the axis may not begin at 0.", int(WIDTH * PIXELS)
    )


def _reach(base: float, steps: Sequence[Row]) -> list[float]:
    out, at = [], base
    for row in steps:
        at += row.number("share")
        out.append(at)
    return out


def swings(rows: Sequence[Row], currency: str) -> Drawing:
    """Draw a tornado: mean bookings where each input is low and where it is high, the widest first."""
    rows = sorted(rows, key=lambda row: abs(row.number("high") - row.number("low")))
    with canvas(WIDTH, 0.64 + 0.4 * len(rows)) as figure:
        height = 0.64 + 0.4 * len(rows)
        axes = figure.add_axes((0.3, 0.36 / height, 0.66, 1 - 0.44 / height))
        for place, row in enumerate(rows):
            middle = row.number("mean")
            for name, colour in (("low", _LESS), ("high", _BAR)):
                axes.barh(place, row.number(name) - middle, 0.55, left=middle, color=colour, zorder=2)
            if row.number("se") > 0:  # folders of older versions have none
                half = _Z95 * row.number("se")
                axes.errorbar(row.number("high"), place, xerr=half, color=MEDIAN, linewidth=1.2, capsize=3, zorder=4)
        if rows:
            axes.axvline(rows[0].number("mean"), color=MEDIAN, linewidth=1.2, zorder=3)
        axes.set_yticks(range(len(rows)), [row.text("input") for row in rows])
        money_axis(axes, "x", currency)
        tidy(axes)
        svg = to_svg(figure, "tornado", "Bookings where inputs are low and high")
    told = (
        "Mean bookings over the fifth of the draws in which the input is lowest (orange) and highest (blue): its 10 "
        "and 90 % quantiles lie in the middle of the two. The whisker is the 95 % interval of simulation of the "
        "length of the whole bar."
    )
    return Drawing(svg, told, int(WIDTH * PIXELS))
