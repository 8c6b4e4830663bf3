"""Figures of territories, drawn from rows of the run folder: points by owner, and loads against targets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from spmforecast.report.blocks import Drawing
from spmforecast.report.folder import Row
from spmforecast.report.svg import MUTED, canvas, tidy, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["balance_by_moves", "before_and_after", "load_bars"]

_WIDTH, _HEIGHT, _PIXELS = 10.4, 4.6, 100
_MOST = 4_000  # points; more would make the page heavy and the picture no clearer
_TODAY, _PROPOSED, _BAND = "#b9c2cc", "#2f6f9f", "#dde8dd"
_GONE = "#dddddd"
_FLAT = 10  # names that fit side by side
_LEGEND = 20  # owners whose colours can be told apart


def before_and_after(accounts: Sequence[Row], names: Mapping[str, str]) -> Drawing | None:
    """Draw accounts as points coloured by owner, today and as proposed; None where no place is known.

    Parameters
    ----------
    accounts : sequence of Row
        Of ``territory_accounts.csv``.
    names : mapping of str to str
        Names of owners by id, as far as they are known.

    Returns
    -------
    Drawing or None
    """
    rows = [row for row in accounts if math.isfinite(row.number("latitude") + row.number("longitude"))]
    if not rows:
        return None
    step = -(-len(rows) // _MOST)
    shown = rows[::step]
    owners = sorted({row.text("proposed_owner_id") for row in rows})
    shade = _shades(owners)
    middle = sum(row.number("latitude") for row in rows) / len(rows)
    with canvas(_WIDTH, _HEIGHT) as figure:
        axes = figure.subplots(
            1, 2, gridspec_kw={"left": 0.05, "right": 0.8 if len(owners) <= _LEGEND else 0.98, "wspace": 0.14}
        )
        for axis, column, title in zip(axes, ("owner_id", "proposed_owner_id"), ("Today", "New map"), strict=True):
            moved = [row.text("owner_id") != row.text("proposed_owner_id") for row in shown]
            axis.scatter(
                [row.number("longitude") for row in shown],
                [row.number("latitude") for row in shown],
                c=[shade.get(row.text(column), _GONE) for row in shown],
                s=12,
                edgecolors=["#222222" if one else "none" for one in moved],
                linewidths=0.5,
            )
            axis.set_title(title)
            axis.set_aspect(1.0 / max(math.cos(math.radians(middle)), 0.1), adjustable="datalim")
            axis.tick_params(length=0)
            axis.xaxis.set_major_formatter("{x:g}°")
            axis.yaxis.set_major_formatter("{x:g}°")
        _legend(figure, shade, names)
        svg = to_svg(figure, "territory-map", "Accounts by owner, today and under the new map")
    told = "Accounts by owner; those ringed change hands, those in grey belong to somebody who sells no more."
    if step > 1:
        told += f" Every {step}th account is shown."
    return Drawing(svg, told, int(_WIDTH * _PIXELS))


def _legend(figure: Figure, shade: Mapping[str, str], names: Mapping[str, str]) -> None:
    """Name the owners beside the maps, where their colours differ."""
    if len(shade) > _LEGEND:
        return
    from matplotlib.lines import Line2D

    dots = [Line2D([], [], marker="o", linestyle="", markersize=5, color=colour) for colour in shade.values()]
    told = [names.get(owner) or owner for owner in shade]
    figure.legend(dots, told, loc="upper left", bbox_to_anchor=(0.81, 0.9), frameon=False, fontsize=8)


def _shades(owners: Sequence[str]) -> dict[str, str]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    wheel = [to_hex(one) for one in colormaps["tab20"].colors]  # type: ignore[attr-defined]
    return {owner: wheel[index % len(wheel)] for index, owner in enumerate(owners)}


def load_bars(reps: Sequence[Row], measure: str, tolerance: float, names: Mapping[str, str]) -> Drawing | None:
    """Draw each rep's load over the target, today and under the new map; None where the table does not tell it.

    Parameters
    ----------
    reps : sequence of Row
        Of ``territories.csv``.
    measure : str
        What is balanced, such as potential.
    tolerance : float
        Share of the target by which it may differ.
    names : mapping of str to str
        Names of reps by id, as far as they are known.

    Returns
    -------
    Drawing or None
    """
    rows = [row for row in reps if row.number(f"{measure}_target") > 0]
    if not rows:
        return None
    place = list(range(len(rows)))
    with canvas(_WIDTH, 2.6) as figure:
        axes = figure.subplots()
        axes.axhspan(100 * (1 - tolerance), 100 * (1 + tolerance), color=_BAND, zorder=0)
        for column, shift, colour in ((f"{measure}_today", -0.2, _TODAY), (measure, 0.2, _PROPOSED)):
            share = [100 * row.number(column) / row.number(f"{measure}_target") for row in rows]
            axes.bar([x + shift for x in place], share, 0.4, color=colour)
        told = [names.get(row.text("rep_id")) or row.text("rep_id") for row in rows]
        few = len(rows) <= _FLAT
        axes.set_xticks(place, told, rotation=0 if few else 90, fontsize=8 if few else 7)
        axes.set_xlim(-0.6, len(rows) - 0.4)
        figure.subplots_adjust(left=0.06, right=0.98, top=0.95, bottom=0.12 if few else 0.32)
        axes.set_ylabel("% of target")
        tidy(axes)
        svg = to_svg(figure, f"territory-{measure}", f"{measure} of each rep in per cent of its target")
    caption = f"{measure.capitalize()} of each rep in per cent of its target: grey today, blue under the new map."
    caption += " The band is what was asked for."
    return Drawing(svg, caption, int(_WIDTH * _PIXELS))


def balance_by_moves(points: Sequence[Row]) -> Drawing | None:
    """Draw the balance that can be had against what may change hands; None with fewer than two points.

    Parameters
    ----------
    points : sequence of Row
        Of ``territory_frontier.csv``.

    Returns
    -------
    Drawing or None
    """
    rows = [row for row in points if math.isfinite(row.number("moved_share") + row.number("imbalance"))]
    if len(rows) < 2:
        return None
    with canvas(_WIDTH, 2.8) as figure:
        axes = figure.add_axes((0.06, 0.2, 0.6, 0.7))
        across = [100 * row.number("moved_share") for row in rows]
        axes.plot(across, [100 * row.number("imbalance") for row in rows], "o-", color=_PROPOSED, clip_on=False)
        axes.set_xlim(0, max(*across, 1.0) * 1.05)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("potential that changes hands, %")
        axes.set_title("mean deviation beyond the limits, % of target", loc="left", fontsize=9, color=MUTED)
        tidy(axes)
        svg = to_svg(figure, "territory-frontier", "Balance that can be had against the share that may change hands")
    return Drawing(svg, "A dot a limit on moves: the balance that can be had within it.", int(_WIDTH * _PIXELS))
