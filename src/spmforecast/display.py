"""How an object shows itself in a notebook: a title, a few facts and a table, as plain HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd

__all__ = ["card", "cell", "money", "percent"]


def money(value: float, currency: str = "") -> str:
    """Write an amount with thousands separators and no decimals, for instance ``1,234,567 EUR``."""
    return f"{value:,.0f} {currency}".rstrip()


def percent(value: float) -> str:
    """Write a share as a whole percentage, never rounding a possible event to 0 % or 100 %."""
    if 0 < value < 0.005:
        return "<1 %"
    if 0.995 < value < 1:
        return ">99 %"
    return f"{100 * value:.0f} %"


def cell(value: object) -> str:
    """Write one value for a table on a terminal: missing as –, fractions with at most four decimals."""
    if value is None or value is pd.NA or value != value:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.4g}"
    return str(value)


def card(title: str, facts: Mapping[str, object], table: pd.DataFrame | None = None, rows: int = 20) -> str:
    """Return an HTML fragment: a heading, a line of facts and the first rows of a table.

    Parameters
    ----------
    title : str
        Heading.
    facts : mapping of str to object
        Name and value of each fact; both are escaped.
    table : pandas.DataFrame, optional
        Shown without its index.
    rows : int
        Rows of the table at most.

    Returns
    -------
    str
        HTML with every value escaped.
    """
    told = " · ".join(f"{escape(str(name))}: <b>{escape(str(value))}</b>" for name, value in facts.items())
    html = f"<div><h4>{escape(title)}</h4><p>{told}</p>"
    if table is not None:
        html += table.head(rows).to_html(index=False, border=0, float_format=lambda x: f"{x:,.4g}")
        if len(table) > rows:
            html += f"<p>{len(table) - rows:,} more rows</p>"
    return html + "</div>"
