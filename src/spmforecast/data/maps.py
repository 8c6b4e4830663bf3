"""Maps: a YAML file that says how any export becomes canonical tables. This module reads and checks it.

Every scalar is read as the text that stands in the file, so that ``No`` stays ``No`` and ``007`` stays ``007``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem
from spmforecast.written import Loc, Written, nearest, read_file, read_yaml

__all__ = ["Condition", "Exclude", "Join", "Loc", "Map", "TableMap", "load_map", "parse_map"]


def _listed(value: Any) -> Any:
    """Let a single thing stand for a list of one."""
    return value if isinstance(value, list) else [value]


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Strict):
    """What a column must hold: one of a list (``equals``), none of a list (``not``), or nothing at all (``empty``)."""

    equals: Texts | None = None
    none_of: Texts | None = Field(default=None, alias="not")
    empty: bool | None = None


def _condition(value: Any) -> Any:
    """Let a scalar or a list stand for ``equals``."""
    return value if isinstance(value, dict) else {"equals": value}


Where = dict[str, Annotated[Condition, BeforeValidator(_condition)]]


class Join(_Strict):
    """Columns looked up in another file: ``on`` and ``take`` name a column here or there as the map shows."""

    file: str
    on: dict[str, str] = Field(min_length=1)
    """Column of this file: column of the other."""
    take: dict[str, str] = Field(min_length=1)
    """Column of the other file: its name here."""


class Exclude(_Strict):
    """Rows left out on purpose, with the reason."""

    where: Where = Field(min_length=1)
    reason: str = Field(min_length=1)


class TableMap(_Strict):
    """How one file gives rows of one table.

    ``join``, ``where``, ``exclude`` and ``drop`` name the file's columns, ``rename`` leads from these to the table's,
    all others name the table's columns.
    """

    file: str
    rename: dict[str, Texts] = {}
    constant: dict[str, str] = {}
    default: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    dates: dict[str, str] = {}
    join: Annotated[tuple[Join, ...], BeforeValidator(_listed)] = ()
    where: Where = {}
    exclude: Annotated[tuple[Exclude, ...], BeforeValidator(_listed)] = ()
    drop: Texts = ()
    observed_from: str | None = None


class _MapModel(_Strict):
    tables: dict[str, Annotated[tuple[TableMap, ...], BeforeValidator(_listed)]] = Field(min_length=1)


@dataclass(frozen=True)
class Map:
    """A checked map.

    Parameters
    ----------
    name : str
        The file as the user named it.
    tables : mapping of str to tuple of TableMap
        By canonical table; several mappings of one table are stacked.
    written : Written
        The file as it was read, for the lines of messages.
    """

    name: str
    tables: Mapping[str, tuple[TableMap, ...]]
    written: Written = field(repr=False)

    def problem(self, loc: Loc, reason: str, mend: str = "", value: str = "") -> Problem:
        """Make a problem of this file out of a place in it."""
        return self.written.problem(loc, reason, mend, value)

    @property
    def observed_from(self) -> pd.Timestamp | None:
        """When tracking began, as the deals' own mapping says, else the first that says anything."""
        order = sorted(self.tables, key=lambda table: table != "opportunities")
        said = [one.observed_from for table in order for one in self.tables[table] if one.observed_from]
        return pd.Timestamp(said[0]).normalize().as_unit("s") if said else None


def load_map(path: Path | str) -> Map:
    """Read a map file.

    Parameters
    ----------
    path : path or str
        A YAML file.

    Returns
    -------
    Map

    Raises
    ------
    InputError
        If it cannot be read, is not YAML, or says something that no map can say; every problem at once, with file,
        line and the nearest right key.
    """
    return parse_map(read_file(path, "map"), str(path))


def parse_map(text: str, name: str = "map.yaml") -> Map:
    """Check a map's text (see :func:`load_map`).

    Raises
    ------
    InputError
        As :func:`load_map`.
    """
    written = read_yaml(text, name, "map", typed=False)
    checked = Map(name, written.validate(_MapModel).tables, written)
    problems = list(_wrong_words(checked))
    if problems:
        raise InputError(problems)
    return checked


def _wrong_words(checked: Map) -> Iterator[Problem]:
    """Find names of tables, dates and date formats that cannot be right."""
    for table, mappings in checked.tables.items():
        if table not in TABLES:
            near = nearest(table, TABLES)
            mend = f"Did you mean {near}?" if near else f"The tables are {', '.join(TABLES)}."
            yield checked.problem(("tables", table), "there is no such table", mend, table)
        for place, one in enumerate(mappings):
            top: Loc = ("tables", table, place)
            if one.observed_from is not None and _not_a_date(one.observed_from):
                mend = "Write it as YYYY-MM-DD."
                yield checked.problem((*top, "observed_from"), "not a date", mend, one.observed_from)
            for column, pattern in one.dates.items():
                if _not_a_format(pattern):
                    mend = "Write it with strptime's codes, for instance %d.%m.%Y."
                    yield checked.problem((*top, "dates", column), "not a date format", mend, pattern)


def _not_a_date(text: str) -> bool:
    try:
        return bool(pd.isna(pd.Timestamp(datetime.fromisoformat(text))))
    except ValueError:
        return True


def _not_a_format(pattern: str) -> bool:
    try:
        pd.to_datetime(pd.Series(["x"], dtype="str"), format=pattern, errors="coerce")
    except ValueError:
        return True
    return "%" not in pattern
