"""Pictures of territories: maps of points before and after, balance bars, and balance against disruption."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spmforecast.plan.proposal import TerritoryProposal

__all__ = ["balance", "frontier", "maps", "save"]

_TODAY, _PROPOSED = "#b9c2cc", "#2f6f9f"


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Any]]:
    """Make a figure without any global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def maps(proposal: TerritoryProposal) -> Figure:
    """Draw accounts as points coloured by owner, today and as proposed; moved ones are ringed.

    Parameters
    ----------
    proposal : TerritoryProposal
        With places; accounts without one are left out.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib import colormaps

    figure, axes = _figure(1, 2, (11, 5))
    frame = proposal.accounts.dropna(subset=["latitude", "longitude"])
    colours = colormaps["tab20"].colors  # type: ignore[attr-defined]
    number = {rep: index for index, rep in enumerate(proposal.rep_ids)}
    moved = frame["moved"].to_numpy(dtype=bool)
    for axis, column, title in zip(axes, ("owner_id", "proposed_owner_id"), ("Today", "Proposed"), strict=True):
        known = frame[column].map(number)
        shade = [("#dddddd" if np.isnan(one) else colours[int(one) % len(colours)]) for one in known.astype(float)]
        edge = np.where(moved, "#222222", "none")
        axis.scatter(frame["longitude"], frame["latitude"], c=shade, s=16, edgecolors=edge, linewidths=0.6)
        axis.set_title(title)
        axis.set_xlabel("Longitude, degrees")
        axis.set_ylabel("Latitude, degrees")
        if len(frame):
            axis.set_aspect(1.0 / max(np.cos(np.radians(float(frame["latitude"].mean()))), 0.1))
    figure.suptitle("Accounts by owner; ringed ones change hands")
    return figure


def balance(proposal: TerritoryProposal) -> Figure:
    """Draw each rep's load against its target, today and as proposed, one panel a measure.

    Parameters
    ----------
    proposal : TerritoryProposal

    Returns
    -------
    matplotlib.figure.Figure
    """
    measures = proposal.measures
    figure, axes = _figure(len(measures), 1, (max(6.0, 0.35 * len(proposal.rep_ids) + 2), 2.6 * len(measures)))
    place = np.arange(len(proposal.table))
    for axis, measure in zip(axes, measures, strict=True):
        target = proposal.table[f"{measure}_target"].replace(0.0, np.nan)
        axis.bar(place - 0.2, proposal.table[f"{measure}_today"] / target, 0.4, color=_TODAY, label="today")
        axis.bar(place + 0.2, proposal.table[measure] / target, 0.4, color=_PROPOSED, label="proposed")
        tolerance = proposal.tolerance[measure]
        axis.axhspan(1 - tolerance, 1 + tolerance, color="#dde8dd", zorder=0)
        axis.set_ylabel(f"{measure} / target")
        axis.set_xticks(place, proposal.table["rep_id"], rotation=90, fontsize=7)
    axes[0].legend(frameon=False, ncols=2, loc="upper right")
    return figure


def frontier(points: pd.DataFrame) -> Figure:
    """Draw balance against disruption.

    Parameters
    ----------
    points : pandas.DataFrame
        As from `frontier`: ``max_moved, moved_share, imbalance``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _figure(1, 1, (5.5, 4))
    axes[0].plot(100 * points["moved_share"], 100 * points["imbalance"], marker="o", color=_PROPOSED)
    axes[0].set_xlabel("Moved, % of weight")
    axes[0].set_ylabel("Mean deviation beyond the limits, % of target")
    return figure


def save(figure: Figure, stem: Path) -> None:
    """Write a figure as ``<stem>.png`` and ``<stem>.svg``; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    stem : Path
        File name without its ending.
    """
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "spmforecast", "svg.fonttype": "none", "text.parse_math": False}):
        figure.savefig(stem.with_name(f"{stem.name}.png"), dpi=120, metadata={"Software": None})
        figure.savefig(stem.with_name(f"{stem.name}.svg"), metadata={"Date": None, "Creator": None})
