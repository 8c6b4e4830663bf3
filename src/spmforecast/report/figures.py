"""The figures of the page, drawn from rows of the run folder's tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from spmforecast.report.blocks import Drawing
from spmforecast.report.folder import Row
from spmforecast.report.svg import INK, MUTED, canvas, tidy, to_svg
from spmforecast.report.wording import plan_chance, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PARTS", "PIXELS", "PLAN", "WIDTH", "attainment", "fan", "intervals", "money_axis", "stacked"]

WIDTH = 10.4
PIXELS = 100  # on the screen, of one inch
PLAN = "#b3400e"
BOOKED = "#33475b"
BANDS = (
    ("p05", "p95", "#d3e4f2", "5–95 %"),
    ("p10", "p90", "#a6cae6", "10–90 %"),
    ("p25", "p75", "#5b9bd0", "25–75 %"),
)
MEDIAN = "#0b3c66"
_COLUMNS = 18  # bars that fit side by side with their labels
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Okabe and Ito's hues, dark to light, so that they differ in grey print as well.
PARTS: Mapping[str, tuple[str, str]] = {
    "won": ("already won", BOOKED),
    "open": ("open deals", "#5b9bd0"),
    "new": ("deals not yet created", "#f0c06a"),
}
BOOKING_PARTS: Mapping[str, tuple[str, str]] = {"won": ("already booked", BOOKED), "new": ("to come", "#f0c06a")}


def fan(past: Sequence[tuple[str, float]], rows: Sequence[Row], years: Sequence[Row], currency: str) -> Drawing:
    """Draw past bookings as bars, the forecast as a fan, the plan as marks, by period and by year.

    Parameters
    ----------
    past : sequence of (str, float)
        Period and amount booked, before the first forecast period.
    rows, years : sequence of Row
        Company rows of ``forecast.csv`` by quarter or month, and by year.
    currency : str
        Of the axis.

    Returns
    -------
    Drawing
    """
    past = past[max(len(past) - max(_COLUMNS - len(rows), 0), 0) :]
    planned = any(math.isfinite(row.number("plan")) for row in (*rows, *years))
    counts = [len(past) + len(rows), len(years)]
    with canvas(WIDTH, 3.9) as figure:
        panels = _panels(figure, [size for size in counts if size])
        if counts[0]:
            _fan_panel(panels[0], past, rows, currency)
        if years:
            _fan_panel(panels[-1], (), years, currency)
        _fan_legend(figure, planned)
        svg = to_svg(figure, "fan", "Bookings and forecast by period against plan")
    return Drawing(
        svg,
        "Bars: booked so far. Bands: where the period's bookings end in 50, 80 and 90 % of the draws, what is booked "
        f"included.{' Marks: plan, with the probability of reaching it above.' if planned else ''}",
        int(WIDTH * PIXELS),
    )


def _panels(figure: Figure, counts: Sequence[int]) -> list[Axes]:
    """Lay panels side by side, as wide as their columns need."""
    wide = [max(size, 2) + 1.0 for size in counts]
    grid = figure.add_gridspec(
        1, len(counts), width_ratios=wide, left=0.06, right=0.99, bottom=0.12, top=0.84, wspace=0.18
    )
    return [figure.add_subplot(grid[0, index]) for index in range(len(counts))]


def _fan_panel(axes: Axes, past: Sequence[tuple[str, float]], rows: Sequence[Row], currency: str) -> None:
    labels = [period for period, _ in past] + [row.text("period") for row in rows]
    booked = [value for _, value in past] + [row.number("booked") for row in rows]
    axes.bar(range(len(labels)), [_zero(value) for value in booked], 0.36, color=BOOKED, zorder=3)
    for place, row in enumerate(rows, start=len(past)):
        if not _certain(row):
            _bands(axes, place, row)
        _plan_mark(axes, place, row, len(labels))
    axes.set_xlim(-0.6, max(len(labels), 2) - 0.4)
    axes.set_xticks(range(len(labels)), _ticks(labels))
    money_axis(axes, "y", currency)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]), top=axes.get_ylim()[1] * 1.08)
    tidy(axes)


def _bands(axes: Axes, place: int, row: Row) -> None:
    for low, high, colour, _ in BANDS:
        bottom, top = row.number(low), row.number(high)
        if math.isfinite(bottom) and math.isfinite(top):
            axes.bar(place, top - bottom, 0.74, bottom=bottom, color=colour, zorder=2)
    median = row.number("p50")
    if math.isfinite(median):
        axes.plot([place - 0.37, place + 0.37], [median, median], color=MEDIAN, linewidth=1.8, zorder=4)


def _plan_mark(axes: Axes, place: int, row: Row, columns: int) -> None:
    plan = row.number("plan")
    if not math.isfinite(plan):
        return
    axes.plot([place - 0.45, place + 0.45], [plan, plan], color=PLAN, linewidth=1.6, zorder=5)
    axes.plot([place - 0.45, place + 0.45], [plan, plan], color=PLAN, marker="|", markersize=6, linewidth=0, zorder=5)
    top = max(value for value in (plan, row.number("p95"), row.number("booked")) if math.isfinite(value))
    if not _certain(row) and math.isfinite(row.number("p_plan")):
        told = plan_chance(*(row.number(name) for name in ("p_plan", "sd", "booked", "plan")))
        axes.annotate(
            told, (place, top), (0, 5), textcoords="offset points", ha="center", color=PLAN,
            fontweight="bold", fontsize=9 if columns <= 14 else 7.5, zorder=6,
        )  # fmt: skip


def _fan_legend(figure: Figure, planned: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [Patch(color=BOOKED, label="booked")]
    handles += [Patch(color=colour, label=f"forecast, {name}") for _, _, colour, name in BANDS]
    lines = [Line2D([], [], color=MEDIAN, linewidth=1.8, label="median")]
    lines += [Line2D([], [], color=PLAN, label="plan")] if planned else []
    figure.legend(
        handles=[*handles, *lines], loc="upper left", bbox_to_anchor=(0.05, 1.0), ncols=6, frameon=False,
        handlelength=1.4, columnspacing=1.6,
    )  # fmt: skip


def stacked(
    rows: Sequence[Row],
    plans: Mapping[str, float],
    currency: str,
    parts: Mapping[str, tuple[str, str]] = PARTS,
) -> Drawing:
    """Draw the means of the three parts on top of each other, by period.

    Parameters
    ----------
    rows : sequence of Row
        Of ``parts.csv``, in the order of time.
    plans : mapping of str to float
        Plan by period, NaN or absent where there is none.
    currency : str
        Of the axis.
    parts : mapping of str to (str, str)
        Name and colour of each part, from the bottom up.

    Returns
    -------
    Drawing
    """
    periods = list(dict.fromkeys(row.text("period") for row in rows))
    means = {(row.text("period"), row.text("part")): row.number("mean") for row in rows}
    with canvas(WIDTH, 3.2) as figure:
        (axes,) = _panels(figure, [len(periods)])
        base = [0.0] * len(periods)
        for part, (label, colour) in parts.items():
            heights = [_zero(means.get((period, part), math.nan)) for period in periods]
            axes.bar(range(len(periods)), heights, 0.62, bottom=base, color=colour, label=label, zorder=2)
            base = [low + height for low, height in zip(base, heights, strict=True)]
        known = [(i, plans[p]) for i, p in enumerate(periods) if math.isfinite(plans.get(p, math.nan))]
        for number, (place, plan) in enumerate(known):
            axes.plot(
                [place - 0.4, place + 0.4], [plan, plan], color=PLAN, linewidth=1.6, label=None if number else "plan"
            )
        axes.set_xlim(-0.6, max(len(periods), 4) - 0.4)
        axes.set_xticks(range(len(periods)), _ticks(periods))
        money_axis(axes, "y", currency)
        tidy(axes)
        handles, names = axes.get_legend_handles_labels()
        by_name = dict(zip(names, handles, strict=True))
        shown = [name for name in (*(label for label, _ in parts.values()), "plan") if name in by_name]
        figure.legend(
            handles=[by_name[name] for name in shown], labels=shown, loc="upper left", bbox_to_anchor=(0.05, 1.0),
            ncols=4, frameon=False, handlelength=1.4,
        )  # fmt: skip
        svg = to_svg(figure, "parts", "Mean bookings by part and period")
    return Drawing(svg, "Mean of each part; the means add up to the mean of the forecast.", int(WIDTH * PIXELS))


def intervals(name: str, panels: Sequence[tuple[str, Sequence[Row]]], labels: Sequence[str], currency: str) -> Drawing:
    """Draw a horizontal interval for each node, one panel a period, the nodes in the same order.

    Parameters
    ----------
    name : str
        Level, unique on the page.
    panels : sequence of (str, sequence of Row)
        Period, and the nodes' rows; a node that a period lacks is a row without numbers.
    labels : sequence of str
        Of the nodes, from top to bottom.
    currency : str
        Of the axes.

    Returns
    -------
    Drawing
    """
    height = 0.75 + 0.25 * len(labels)
    left = min(0.03 + 0.007 * max(len(_short(label)) for label in labels), 0.26)
    with canvas(WIDTH, height) as figure:
        grid = figure.add_gridspec(
            1, len(panels), left=left, right=0.985, bottom=0.4 / height, top=1 - 0.3 / height, wspace=0.06
        )
        for index, (period, rows) in enumerate(panels):
            axes = figure.add_subplot(grid[0, index])
            for place, row in enumerate(rows):
                _interval(axes, place, row)
            _node_axis(axes, labels if index == 0 else [""] * len(labels))
            axes.set_title(period, loc="left", fontsize=9, fontweight="bold", color=INK)
            money_axis(axes, "x", currency)
            axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        svg = to_svg(figure, name, f"Forecast intervals by {name}")
    planned = any(math.isfinite(row.number("plan")) for _, rows in panels for row in rows)
    diamond = " Diamond: plan." if planned else ""
    return Drawing(
        svg,
        f"Grey: booked so far. Light band: 10–90 % of the draws; dark band: 25–75 %; line: median.{diamond}",
        int(WIDTH * PIXELS),
    )


def _interval(axes: Axes, place: int, row: Row) -> None:
    axes.barh(place, _zero(row.number("booked")), 0.24, color="#9aa7b4", zorder=3)
    for low, high, colour, _ in BANDS[1:]:
        start, end = row.number(low), row.number(high)
        if math.isfinite(start) and math.isfinite(end) and end > start:
            axes.barh(place, end - start, 0.62, left=start, color=colour, zorder=2)
    median, plan = row.number("p50"), row.number("plan")
    if math.isfinite(median):
        axes.plot([median, median], [place - 0.31, place + 0.31], color=MEDIAN, linewidth=1.8, zorder=4)
    if math.isfinite(plan):
        axes.plot([plan], [place], color=PLAN, marker="D", markersize=4.5, zorder=5)


def attainment(rows: Sequence[Row], labels: Sequence[str], period: str) -> Drawing:
    """Draw each quota's probability of being reached as a dot, the likeliest first.

    Parameters
    ----------
    rows : sequence of Row
        Of ``quotas.csv``, one period, sorted.
    labels : sequence of str
        Of the reps; they are left out where there are more than 40.
    period : str
        Of the quotas.

    Returns
    -------
    Drawing
    """
    chances = [row.number("p_attain") for row in rows]
    named = len(rows) <= 40
    height = 0.75 + 0.23 * len(rows) if named else 3.2
    places = list(range(len(rows)))
    left = min(0.03 + 0.007 * max(len(_short(label)) for label in labels), 0.26) if named else 0.06
    with canvas(WIDTH, height) as figure:
        axes = figure.add_axes((left, 0.45 / height, 0.985 - left, 1 - 0.6 / height))
        chance_axis = axes.xaxis if named else axes.yaxis
        line = axes.axvline if named else axes.axhline
        line(0.5, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        axes.plot(
            *((chances, places) if named else (places, chances)), "o", color="#1f6fae", markersize=6 if named else 4
        )
        (axes.set_xlim if named else axes.set_ylim)(-0.02, 1.02)
        if named:
            _node_axis(axes, labels)
        else:
            tidy(axes)
            axes.set_xlabel("reps, the likeliest first")
        chance_axis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        svg = to_svg(figure, "attainment", "Probability that each quota is reached")
    return Drawing(
        svg,
        f"A dot a rep: the probability of reaching the quota of {period}. Dashed: an even chance.",
        int(WIDTH * PIXELS),
    )


def _node_axis(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
    axes.tick_params(axis="y", colors=INK)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    tidy(axes, grid="x")


def _short(label: str) -> str:
    """Cut a name to what fits beside a figure; the table beside it holds the whole name."""
    return label if len(label) <= 30 else f"{label[:29]}…"


def _certain(row: Row) -> bool:
    """Tell whether a row has no spread but that of rounding."""
    return row.number("sd") <= 1e-9 * max(abs(row.number("mean")), 1.0)


def _ticks(periods: Sequence[str]) -> list[str]:
    """Write quarters and months in short, with the year beneath where it changes."""
    ticks, year = [], ""
    for period in periods:
        short = period[4:] if period[4:5] in ("Q", "P") else _MONTHS[int(period[5:]) - 1] if "-" in period else ""
        ticks.append(f"{short}\n{period[:4]}" if short and period[:4] != year else short or period)
        year = period[:4]
    return ticks


def _zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def money_axis(axes: Axes, which: Literal["x", "y"], currency: str) -> None:
    """Write the ticks of an axis in thousands, millions or billions and name the unit once."""
    axis, ends = (axes.yaxis, axes.get_ylim()) if which == "y" else (axes.xaxis, axes.get_xlim())
    largest = max(abs(end) for end in ends)
    units = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))
    divisor, letter = next((unit for unit in units if largest >= 1.5 * unit[0]), (1.0, ""))
    # Where the axis shows a small part of its amounts only, three digits would write the same under every tick.
    digits = max(3, math.ceil(math.log10(largest / span)) + 2) if 0 < (span := abs(ends[1] - ends[0])) < largest else 3
    axis.set_major_formatter(lambda value, _: _tick(value / divisor, digits))
    unit = " ".join(part for part in (letter, currency) if part)
    place, offset = ((0, 1), (-5, 8)) if which == "y" else ((1, 1), (0, 5))
    axes.annotate(
        unit, place, offset, xycoords="axes fraction", textcoords="offset points", ha="right", color=MUTED,
        annotation_clip=False,
    )  # fmt: skip


def _tick(value: float, digits: int) -> str:
    text = significant(round(value, 9), digits)
    return text.rstrip("0").rstrip(".") if "." in text else text
