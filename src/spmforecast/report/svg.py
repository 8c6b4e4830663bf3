"""From a Matplotlib figure to SVG that can stand inside a page: the same bytes for the same figure."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["INK", "MUTED", "canvas", "tidy", "to_svg"]

INK = "#1f2933"
MUTED = "#6b7785"
_STYLE: Any = {  # Matplotlib types the keys one by one
    "svg.hashsalt": "spmforecast",
    "svg.fonttype": "none",  # text stays text: small, searchable, in the reader's font
    "text.parse_math": False,  # a "$" in a name is a "$"
    "font.size": 9,
    "axes.edgecolor": "#c5ccd3",
    "axes.labelcolor": MUTED,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": MUTED,
    "axes.linewidth": 0.8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


@contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure under the report's style, whatever the user's own Matplotlib settings are.

    Parameters
    ----------
    width, height : float
        In inches; a page is 10.4 inches wide.

    Yields
    ------
    matplotlib.figure.Figure
        Drawn on with Matplotlib's object interface; no window, no global state is left behind.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield Figure(figsize=(width, height))


def tidy(axes: Axes, grid: str = "y") -> None:
    """Leave of the frame only the base line, and a light grid along one axis."""
    for side in ("top", "right", "left" if grid == "y" else "bottom"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y" if grid == "y" else "x", color="#e4e8ec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)


def to_svg(figure: Figure, name: str, label: str) -> str:
    """Return a figure as an ``<svg>`` element.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn under :func:`canvas`.
    name : str
        Unique on the page: it keeps the ids of two figures apart.
    label : str
        What the figure shows, for readers who cannot see it.

    Returns
    -------
    str
        Without prolog, metadata, name spaces and fixed size.
    """
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Names may be in a script that Matplotlib's own font lacks; the reader's browser has it.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="([^"]*)"', head)
    view = box[1] if box else "0 0 1 1"
    body = re.sub(r'(\sid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", body)
    title = label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return f'<svg viewBox="{view}" role="img" aria-label="{title}">{body.rstrip()}'
