"""The figures of a backtest's page: PIT histograms, reliability curves, scores by week."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from spmforecast.report.blocks import Drawing
from spmforecast.report.folder import Row
from spmforecast.report.svg import INK, MUTED, canvas, tidy, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["curves", "histograms", "scores_by_week"]

_WIDTH, _PIXELS = 10.4, 100
_BLUE, _BAND, _RED = "#1f6fae", "#d3e4f2", "#b3400e"
_BINS, _ACROSS = 10, 3
_TIMES_THE_MEDIAN = 3.0
_HUES = ("#33475b", "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#8a8f98", "#0072b2", "#b5a900", "#7f3c8d")


def histograms(groups: Sequence[tuple[str, Sequence[float]]]) -> Drawing:
    """Draw a PIT histogram for each group of cases.

    Parameters
    ----------
    groups : sequence of (str, sequence of float)
        Title, and values between 0 and 1.

    Returns
    -------
    Drawing
    """
    rows = max(math.ceil(len(groups) / _ACROSS), 1)
    with canvas(_WIDTH, 2.3 * rows) as figure:
        grid = figure.add_gridspec(rows, _ACROSS, left=0.05, right=0.99, bottom=0.12 / rows, top=1 - 0.13 / rows,
                                   hspace=0.5, wspace=0.2)  # fmt: skip
        for place, (title, values) in enumerate(groups):
            _histogram(figure.add_subplot(grid[place // _ACROSS, place % _ACROSS]), title, values)
        svg = to_svg(figure, "pit", "Histograms of where outcomes fell in their forecast laws")
    return Drawing(svg, "Share of outcomes by tenth of their forecast law; dashed: calibrated.", int(_WIDTH * _PIXELS))


def _histogram(axes: Axes, title: str, values: Sequence[float]) -> None:
    known = [value for value in values if math.isfinite(value)]
    size = max(len(known), 1)
    counts = [0] * _BINS
    for value in known:
        counts[min(int(value * _BINS), _BINS - 1)] += 1
    # Normal limits of a binomial share are close enough for a band to look at.
    reach = 1.645 * math.sqrt(0.1 * 0.9 / size)
    axes.axhspan(max(0.1 - reach, 0.0), 0.1 + reach, color=_BAND, zorder=0)
    axes.bar([(k + 0.5) / _BINS for k in range(_BINS)], [n / size for n in counts], 0.9 / _BINS, color=_BLUE, zorder=2)
    axes.axhline(0.1, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
    axes.set_title(f"{title} ({len(known):,})", fontsize=9, color=INK, loc="left")
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1])
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    tidy(axes)


def curves(points: Sequence[Row], ages: Sequence[Row], name: str) -> Drawing:
    """Draw the reliability curve of deals, and chance against outcome by decile of age in stage.

    Parameters
    ----------
    points : sequence of Row
        ``chance, observed, low, high, n`` by bin of the chance.
    ages : sequence of Row
        ``age_from, age_to, chance, observed, low, high`` by decile of age.
    name : str
        Unique on the page.

    Returns
    -------
    Drawing
    """
    with canvas(_WIDTH, 3.6) as figure:
        grid = figure.add_gridspec(
            1, 2, width_ratios=[1, 1.5], left=0.06, right=0.99, bottom=0.15, top=0.92, wspace=0.18
        )
        _reliability(figure.add_subplot(grid[0, 0]), points)
        _by_age(figure.add_subplot(grid[0, 1]), ages)
        svg = to_svg(figure, name, "Reliability of the chances of deals, and by age in stage")
    caption = (
        "Left: share won against the chance that was said, dots on the dashed line are calibrated; area of a dot: "
        "number of forecasts. Right: the same by age in stage. Bars: exact 90 % intervals of the share won, as if "
        "deals were independent."
    )
    return Drawing(svg, caption, int(_WIDTH * _PIXELS))


def _reliability(axes: Axes, points: Sequence[Row]) -> None:
    top = max((row.number("n") for row in points), default=1.0)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    for row in points:
        x, y = row.number("chance"), row.number("observed")
        axes.plot([x, x], [row.number("low"), row.number("high")], color=_BLUE, linewidth=1.2, zorder=2)
        axes.scatter([x], [y], s=14 + 90 * row.number("n") / top, color=_BLUE, zorder=3, linewidths=0)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("chance said")
    axes.set_ylabel("share won")
    tidy(axes)


def _by_age(axes: Axes, ages: Sequence[Row]) -> None:
    places = list(range(len(ages)))
    for place, row in zip(places, ages, strict=True):
        axes.plot([place, place], [row.number("low"), row.number("high")], color=_BLUE, linewidth=1.2, zorder=2)
    axes.plot(places, [row.number("observed") for row in ages], "o", color=_BLUE, label="won", zorder=3)
    axes.plot(places, [row.number("chance") for row in ages], "D", color=_RED, markersize=5, label="said", zorder=4)
    axes.set_xticks(places, [f"{row.number('age_from'):.0f}–{row.number('age_to'):.0f}" for row in ages], fontsize=7.5)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("days in stage, by decile")
    axes.legend(frameon=False, loc="upper right")
    tidy(axes)


def scores_by_week(rows: Sequence[Row], currency: str, name: str) -> Drawing:
    """Draw the CRPS of every method by week of the period.

    Parameters
    ----------
    rows : sequence of Row
        ``week, method, crps``.
    currency : str
        Of the axis.
    name : str
        Unique on the page.

    Returns
    -------
    Drawing
    """
    methods = list(dict.fromkeys(row.text("method") for row in rows))
    weeks = sorted({int(float(row.text("week"))) for row in rows})
    with canvas(_WIDTH, 3.0) as figure:
        axes = figure.add_axes((0.08, 0.15, 0.66, 0.75))
        for place, method in enumerate(methods):
            mine = {int(float(row.text("week"))): row.number("crps") for row in rows if row.text("method") == method}
            first = place == 0
            axes.plot(
                weeks, [mine.get(week, math.nan) for week in weeks], "o-", label=method, zorder=5 if first else 2,
                color=_RED if first else _HUES[(place - 1) % len(_HUES)], linewidth=2.4 if first else 1.1, markersize=4,
            )  # fmt: skip
        top, beyond = _reach(rows)
        axes.set_ylim(bottom=0, top=top)
        axes.set_xticks(weeks)
        axes.set_xlabel("week of the period")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        tidy(axes)
        figure.legend(*axes.get_legend_handles_labels(), loc="center right", frameon=False)
        svg = to_svg(figure, name, "Mean CRPS by week of the period")
    unit = f" in {currency}" if currency else ""
    caption = f"Company: mean CRPS{unit} by the week in which the forecast was made."
    if beyond:
        caption += f" Beyond the axis, in at least one week: {', '.join(beyond)}."
    return Drawing(svg, caption, int(_WIDTH * _PIXELS))


def _reach(rows: Sequence[Row]) -> tuple[float | None, list[str]]:
    """Choose the top of the axis, so that one bad rival does not squash all lines; name the methods that leave it."""
    worst: dict[str, float] = {}
    for row in rows:
        if math.isfinite(row.number("crps")):
            worst[row.text("method")] = max(worst.get(row.text("method"), 0.0), row.number("crps"))
    if not worst:
        return None, []
    limit = _TIMES_THE_MEDIAN * statistics.median(worst.values())
    beyond = [method for method, value in worst.items() if value > limit > 0]
    return (limit, beyond) if beyond else (None, [])
