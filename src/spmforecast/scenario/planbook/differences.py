"""What differs between two versions, cell by cell."""

from __future__ import annotations

from typing import Any

import pandas as pd

from spmforecast.scenario.planbook.content import Content

__all__ = ["differences"]

_COLUMNS = ["table", "row", "column", "before", "after", "change"]
_KEYS = ("node_level", "node", "rep_id", "account_id", "territory_id", "period", "metric")
"""Columns that name a row of the tables that are kept."""


def differences(before: Content, after: Content) -> pd.DataFrame:
    """List every fact and cell that is not the same.

    Parameters
    ----------
    before, after : Content
        The two.

    Returns
    -------
    pandas.DataFrame
        ``table, row, column, before, after, change``: rows are named by the columns that identify them (``rep_id``,
        ``period``, …), or by their place where none does; what is missing on one side is missing here; ``change`` is
        after less before where both are numbers.
    """
    rows = _compare("facts", {("",): dict(before.facts)}, {("",): dict(after.facts)})
    for name in dict.fromkeys([*before.tables, *after.tables]):
        old, new = before.tables.get(name), after.tables.get(name)
        keys = _keys(old, new)
        rows += _compare(name, _by_key(old, keys), _by_key(new, keys))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _keys(*frames: pd.DataFrame | None) -> list[str]:
    """Choose the naming columns that all the frames have, if they tell the rows apart."""
    given = [frame for frame in frames if frame is not None]
    keys = [key for key in _KEYS if all(key in frame for frame in given)]
    return keys if keys and not any(frame.duplicated(keys).any() for frame in given) else []


def _by_key(frame: pd.DataFrame | None, keys: list[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    if frame is None:
        return {}
    records: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    if not keys:
        return {(f"row {index + 1}",): row for index, row in enumerate(records)}
    return {tuple(row[key] for key in keys): row for row in records}


def _compare(
    table: str, old: dict[tuple[Any, ...], dict[str, Any]], new: dict[tuple[Any, ...], dict[str, Any]]
) -> list[tuple[str, str, str, Any, Any, float | None]]:
    out = []
    for key in dict.fromkeys([*old, *new]):
        left, right = old.get(key, {}), new.get(key, {})
        for column in dict.fromkeys([*left, *right]):
            a, b = left.get(column), right.get(column)
            if not _is_error(column) and not _same(a, b):
                out.append((table, " ".join(map(str, key)), column, a, b, _change(a, b)))
    return out


def _is_error(column: str) -> bool:
    """Tell errors of simulation, which are no facts of their own: what they belong to is listed."""
    return column == "se" or column.endswith("_se")


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _same(a: Any, b: Any) -> bool:
    return bool((_missing(a) and _missing(b)) or (not _missing(a) and not _missing(b) and a == b))


def _change(a: Any, b: Any) -> float | None:
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in (a, b)]
    return float(b) - float(a) if all(numbers) else None
