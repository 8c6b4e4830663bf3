"""What a version holds: facts and tables, written in one canonical way, so that equal contents have equal hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from spmforecast.errors import InputError, Problem

__all__ = ["Content", "chain_hash"]

_GAP = type(None)
_TYPES = {
    frozenset({int}): "int64",
    frozenset({bool}): "bool",
    frozenset({float}): "float64",
    frozenset({float, _GAP}): "float64",
    frozenset({str}): "str",
    frozenset({str, _GAP}): "str",
}
"""Types of columns by the kinds of their cells."""


@dataclass(frozen=True, eq=False)
class Content:
    """Facts and tables of a version.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        By name; cells are texts, numbers, truths or missing. Dates become ISO text, decimals text.
    facts : mapping of str to object
        Single values of the same kinds, and lists and mappings of them.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Write it as canonical JSON: sorted keys, no blanks, floats in the shortest form that reads back the same.

        Raises
        ------
        InputError
            If a cell or fact is of a kind that cannot be kept.
        """
        problems: list[Problem] = []
        tables = {name: _table(name, frame, problems) for name, frame in self.tables.items()}
        facts = _plain(dict(self.facts), "facts", problems)
        if problems:
            raise InputError(problems)
        tree = {"facts": facts, "tables": tables}
        return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @classmethod
    def parse(cls, text: str) -> Content:
        """Read what :meth:`text` wrote."""
        tree = json.loads(text)
        tables = {
            name: _typed(pd.DataFrame(table["rows"], columns=table["columns"], dtype=object))
            for name, table in tree["tables"].items()
        }
        return cls(tables, tree["facts"])


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Give a column a type of its own where that changes no value; one of several kinds keeps them."""
    types = {}
    for k, column in enumerate(frame.columns):
        kinds = frozenset(type(value) for value in frame.iloc[:, k])
        if kinds in _TYPES:
            types[column] = _TYPES[kinds]
    return frame.astype(types)


def chain_hash(*parts: str) -> str:
    """Return the SHA-256 of several texts, each told apart from the next by its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(f"{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()


def _table(name: str, frame: pd.DataFrame, problems: list[Problem]) -> dict[str, Any]:
    columns = [str(column) for column in frame.columns]
    if len(set(columns)) < len(columns):
        problems.append(Problem("planbook", "a column stands twice", "Name each column once.", column=name))
    values = [
        [_plain(cell, f"{name}.{column}", problems) for cell in frame.iloc[:, k]] for k, column in enumerate(columns)
    ]
    return {"columns": columns, "rows": [list(row) for row in zip(*values, strict=True)]}


def _plain(value: Any, where: str, problems: list[Problem]) -> Any:
    """Bring a value to what JSON holds; infinities and other kinds are problems."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part, f"{where}.{key}", problems) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, where, problems) for part in value]
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, str | bool | int):
        return value
    return _converted(value, where, problems)


def _converted(value: Any, where: str, problems: list[Problem]) -> Any:
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if np.isnan(number):
            return None
        if np.isfinite(number):
            return number
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, pd.Timestamp | datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    told = f"a value of the kind {type(value).__name__} cannot be kept"
    problems.append(Problem("planbook", told, "Keep texts and finite numbers.", column=where, value=str(value)[:80]))
    return None
