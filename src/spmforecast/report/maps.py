"""Figures of territories, drawn from rows of the run folder: points by owner, and loads against targets."""

from __future__ import annotations

import math
from collections.abc import Sequence

from spmforecast.report.blocks import Drawing
from spmforecast.report.folder import Row
from spmforecast.report.svg import canvas, tidy, to_svg

__all__ = ["before_and_after", "load_bars"]

_WIDTH, _HEIGHT, _PIXELS = 10.4, 4.6, 100
_MOST = 4_000  # points; more would make the page heavy and the picture no clearer
_TODAY, _PROPOSED, _BAND = "#b9c2cc", "#2f6f9f", "#dde8dd"
_GONE = "#dddddd"


def before_and_after(accounts: Sequence[Row]) -> Drawing | None:
    """Draw accounts as points coloured by owner, today and as proposed; None where no place is known."""
    rows = [row for row in accounts if math.isfinite(row.number("latitude") + row.number("longitude"))]
    if not rows:
        return None
    step = -(-len(rows) // _MOST)
    shown = rows[::step]
    owners = sorted({row.text("proposed_owner_id") for row in rows})
    shade = _shades(owners)
    middle = sum(row.number("latitude") for row in rows) / len(rows)
    with canvas(_WIDTH, _HEIGHT) as figure:
        axes = figure.subplots(1, 2)
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
            axis.set_aspect(1.0 / max(math.cos(math.radians(middle)), 0.1))
            axis.tick_params(length=0)
        svg = to_svg(figure, "territory-map", "Accounts by owner, today and under the new map")
    told = "Accounts by owner; those ringed change hands, those in grey belong to somebody who sells no more."
    if step > 1:
        told += f" Every {step}th account is shown."
    return Drawing(svg, told, int(_WIDTH * _PIXELS))


def _shades(owners: Sequence[str]) -> dict[str, str]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    wheel = [to_hex(one) for one in colormaps["tab20"].colors]  # type: ignore[attr-defined]
    return {owner: wheel[index % len(wheel)] for index, owner in enumerate(owners)}


def load_bars(reps: Sequence[Row], measure: str, tolerance: float) -> Drawing | None:
    """Draw each rep's load over the target, today and under the new map; None where the table does not tell it."""
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
        axes.set_xticks(place, [row.text("rep_id") for row in rows], rotation=90, fontsize=7)
        axes.set_ylabel("% of target")
        tidy(axes)
        svg = to_svg(figure, f"territory-{measure}", f"{measure} of each rep in per cent of its target")
    told = f"{measure.capitalize()} of each rep in per cent of its target: grey today, blue under the new map."
    told += " The band is what was asked for."
    return Drawing(svg, told, int(_WIDTH * _PIXELS))
