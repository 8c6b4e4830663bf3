"""How an object shows itself in a notebook: a title, a few facts and a table, as plain HTML."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from html import escape

import pandas as pd

__all__ = ["brief", "card", "cell", "chance", "heading", "money", "percent", "plan_chance", "texts"]

MISSING = "–"
_QUANTILE = re.compile(r"p\d{1,2}")
_ACRONYMS = frozenset({"crps", "sd", "se", "wis", "pit"})
_OF_CHANCES = frozenset({"base", "max", "min", "range", "sd"})
_SHARE_STARTS, _SHARE_ENDS = ("p_", "held_", "share", "fairness_p_"), ("_attainment", "_share", "_share_healthy")
# Columns and metrics that are shares, beside those whose name begins with p_ or share.
_SHARES = frozenset(
    {
        "attainment", "comp_cost_of_sales", "cost_of_sales", "cushion", "imbalance_change", "over_assignment",
        "quota_over_assignment", "reps_at_quota", "win_rate",
    }
)  # fmt: skip


def money(value: float, currency: str = "") -> str:
    """Write an amount with thousands separators and no decimals, for instance ``1,234,567 EUR``."""
    return f"{value:,.0f} {currency}".rstrip()


def percent(value: float) -> str:
    """Write a share as a whole percentage, never rounding a possible event to 0 % or 100 %."""
    if 0 < value < 0.005:
        return "<1 %"
    if 0.995 < value < 1:
        return ">99 %"
    return f"{100 * value:z.0f} %"


def chance(share: float, certain: bool = False) -> str:
    """Write a chance that was counted in draws: none or all of them do not make it certain.

    Parameters
    ----------
    share : float
        Share of the draws.
    certain : bool
        Nothing is left to chance: 0 % and 100 % are meant.
    """
    if share in (0.0, 1.0) and not certain:
        return ">99 %" if share else "<1 %"
    return percent(share)


def plan_chance(share: float, sd: float, booked: float, plan: float) -> str:
    """Write the chance to reach a plan; certain is what has no spread or is booked already."""
    return chance(share, certain=sd <= 1e-9 * max(abs(booked), 1.0) or booked >= plan - 0.005)


def brief(facts: Mapping[str, object]) -> str:
    """Write facts on one line for a terminal: ``as of 2025-06-30, 1,234 deals, 321 won``."""
    told = [f"{value} {name}" if _counted(value) else f"{name} {value}" for name, value in facts.items()]
    return ", ".join(told)


def _counted(value: object) -> bool:
    return str(value).replace(",", "").isdigit()


def cell(value: object) -> str:
    """Write one value for a table on a terminal: missing as –, fractions with at most four decimals."""
    if value is None or value is pd.NA or value != value:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.4g}"
    return str(value)


def heading(column: str) -> str:
    """Write the name of a column as people read it: ``p_attain`` as P(attain), ``p10`` as P10, ``rep_id`` as Rep."""
    if _QUANTILE.fullmatch(column):
        return column.upper()
    if column.startswith("p_"):
        event, _, figure = column[2:].rpartition("_")
        inside, beside = (event, f", {figure}") if event and figure in _OF_CHANCES else (column[2:], "")
        return f"P({inside.replace('_', ' ')}){beside}"
    if column.startswith("held_"):
        return f"Held by {column[5:]} %"
    words = column.removesuffix("_id").replace("_", " ").split(" ")
    told = " ".join(word.upper() if word in _ACRONYMS else word for word in words)
    return told[:1].upper() + told[1:]


def texts(values: pd.Series, share: bool | None = None) -> list[str]:
    """Write a column: shares as per cent, amounts with thousands separators, all numbers of it with as many decimals.

    Parameters
    ----------
    values : pandas.Series
        Of any type; its name says whether its numbers are shares.
    share : bool, optional
        Whether they are, whatever the name says.

    Returns
    -------
    list of str
        One for each value; missing is –.
    """
    if not _numeric(values):
        return [_text(value) for value in values]
    numbers: list[float] = values.astype("Float64").to_numpy(dtype="float64", na_value=float("nan")).tolist()
    largest = max((abs(one) for one in numbers if math.isfinite(one)), default=0.0)
    if _is_share(str(values.name)) if share is None else share:
        fine = largest < 0.2 and not str(values.name).startswith("p_")
        return [_share(one, fine) for one in numbers]
    whole = all(one == int(one) for one in numbers if math.isfinite(one))
    decimals = 0 if whole or largest >= 1000 else min(2 - math.floor(math.log10(largest)), 6)
    return [f"{one:z,.{decimals}f}" if math.isfinite(one) else _text(one) for one in numbers]


def _share(value: float, fine: bool) -> str:
    if not math.isfinite(value):
        return _text(value)
    return f"{100 * value:z.1f} %" if fine else percent(value)


def _is_share(name: str) -> bool:
    name = name.partition("[")[0]  # metrics are named like p_plan[2025Q3]
    return name in _SHARES or name.startswith(_SHARE_STARTS) or name.endswith(_SHARE_ENDS)


def _numeric(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _text(value: object) -> str:
    if value is None or value is pd.NA or value != value:
        return MISSING
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value == value.normalize() else f"{value:%Y-%m-%d %H:%M}"
    return cell(value)


def _columns(table: pd.DataFrame, shares: Collection[str]) -> list[list[str]]:
    """Write every column; where a column names metrics, each number beside it by the metric's name."""
    if "metric" in table:
        return [
            _by_metric(table[name], table["metric"]) if _numeric(table[name]) else texts(table[name]) for name in table
        ]
    return [texts(table[name], True if str(name) in shares else None) for name in table]


def _by_metric(values: pd.Series, metrics: pd.Series) -> list[str]:
    return [texts(values.iloc[[i]].rename(str(metric)))[0] for i, metric in enumerate(metrics)]


def _table(table: pd.DataFrame, shares: Collection[str]) -> str:
    """Write a table as HTML: numbers to the right; the name that code uses shows when the mouse rests on a heading."""
    sides = [f"text-align:{'right' if _numeric(table[name]) else 'left'}" for name in table]
    head = "".join(
        f'<th style="{side}" title="{escape(str(name))}">{escape(heading(str(name)))}</th>'
        for name, side in zip(table, sides, strict=True)
    )
    lines = [
        "".join(f'<td style="{side}">{escape(value)}</td>' for side, value in zip(sides, row, strict=True))
        for row in zip(*_columns(table, shares), strict=True)
    ]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f'<table class="dataframe"><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>'


def card(
    title: str,
    facts: Mapping[str, object],
    table: pd.DataFrame | None = None,
    rows: int = 20,
    shares: Collection[str] = (),
) -> str:
    """Return an HTML fragment: a heading, a line of facts and the first rows of a table.

    Parameters
    ----------
    title : str
        Heading.
    facts : mapping of str to object
        Name and value of each fact; both are escaped.
    table : pandas.DataFrame, optional
        Shown without its index. Amounts have thousands separators, chances and shares are per cent; what is a share is
        told by the column's name, or by the metric's where a column is called ``metric``.
    rows : int
        Rows of the table at most.
    shares : collection of str
        Further columns that are shares.

    Returns
    -------
    str
        HTML with every value escaped.
    """
    told = " · ".join(f"{escape(str(name))}: <b>{escape(_text(value))}</b>" for name, value in facts.items())
    html = f"<div><h4>{escape(title)}</h4><p>{told}</p>"
    if table is not None:
        html += _table(table.head(rows), shares) if len(table) else "<p>no rows</p>"
        if len(table) > rows:
            html += f"<p>{len(table) - rows:,} more rows</p>"
    return html + "</div>"
