"""Maps: a YAML file that says how any export becomes canonical tables. This module reads and checks it.

Every scalar is read as the text that stands in the file, so that ``No`` stays ``No`` and ``007`` stays ``007``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem
from spmforecast.written import Loc, Written, nearest, read_file, read_yaml

__all__ = [
    "Case",
    "Condition",
    "Exchange",
    "Exclude",
    "Join",
    "Loc",
    "Map",
    "Money",
    "NumberFormat",
    "TableMap",
    "load_map",
    "parse_map",
]


def _listed(value: Any) -> Any:
    """Let a single thing stand for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Strict):
    """What a column must hold: one of a list (``equals``), none of a list (``not``), or nothing at all (``empty``)."""

    equals: Texts | None = None
    none_of: Texts | None = Field(default=None, alias="not")
    empty: bool | None = None
    ignore_case: bool = False


def _condition(value: Any) -> Any:
    """Let a scalar or a list stand for ``equals``."""
    return value if isinstance(value, dict) else {"equals": value}


Where = dict[str, Annotated[Condition, BeforeValidator(_condition)]]


class Join(_Strict):
    """Columns looked up in another file: ``on`` and ``take`` name a column here or there as the map shows."""

    file: Texts = Field(min_length=1)
    """Names of the file, of which the first that is there is used."""
    on: dict[str, str] = Field(min_length=1)
    """Column of this file: column of the other."""
    take: dict[str, str] = Field(min_length=1)
    """Column of the other file: its name here."""
    optional: bool = False
    """Whether the file, or the columns of the key, may be absent; what is taken is then empty."""


class Exclude(_Strict):
    """Rows left out on purpose, with the reason."""

    where: Where = Field(min_length=1)
    reason: str = Field(min_length=1)
    ignore_case: bool = False


class Case(_Strict):
    """What columns hold in the rows that meet every condition: a given text, or what stands in another column."""

    when: Where = {}
    put: dict[str, str] = Field(default={}, alias="set")
    copied: dict[str, str] = Field(default={}, alias="copy")
    """Column of the table: column of the file."""
    ignore_case: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Case:
        if not self.put and not self.copied:
            raise ValueError("the case does nothing: Give set or copy.")
        return self


class NumberFormat(_Strict):
    """How numbers are written: the mark of decimals, that of thousands, and signs to leave out, such as ``€``."""

    decimal: str = "."
    thousands: str = ""
    signs: Texts = ()

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> NumberFormat:
        marks = self.decimal + self.thousands
        if len(self.decimal) != 1 or len(self.thousands) > 1 or any(mark.isalnum() or mark in "+-" for mark in marks):
            raise ValueError("not a number format: Give one mark for decimals and at most one for thousands.")
        if self.decimal == self.thousands:
            raise ValueError("decimals and thousands have the same mark: Give two different ones.")
        if any(not sign.strip() or any(character.isdigit() for character in sign) for sign in self.signs):
            raise ValueError("not a currency sign: Give signs or words without digits.")
        return self


class Money(_Strict):
    """Amounts that may stand in several currencies, and the column that says in which."""

    columns: Texts = Field(min_length=1)
    currency_column: str
    date: str | None = None
    """Column with the day whose rate counts; the table's usual one where absent."""
    where: Where = {}
    """Which rows to convert; the others are in the currency wanted already."""


def _extras(value: Any) -> Any:
    """Tell a word from a list of columns."""
    if isinstance(value, str) and value not in ("keep", "drop"):
        raise ValueError(f"this word is not known here: {_meant(value)}")
    return value


def _meant(value: str) -> str:
    near = nearest(value, ("keep", "drop"))
    return f"Did you mean {near}?" if near else "Write keep, drop or a list of columns."


class TableMap(_Strict):
    """How one file gives rows of one table.

    ``columns`` finds the file's columns, whatever their spelling, and names them. ``join``, ``where``, ``exclude``,
    ``drop``, ``extras`` and the conditions of ``cases`` name the file's columns or those names, ``rename`` leads from
    these to the table's, all others name the table's columns. A column under ``columns`` that the file does not have
    counts as empty.
    """

    file: Texts = Field(min_length=1)
    """Names of the file, of which the first that is there is used."""
    optional: bool = False
    columns: dict[str, Texts] = {}
    """Name from here on: how the file may call it, of which the first that is there is taken."""
    join: Annotated[tuple[Join, ...], BeforeValidator(_listed)] = ()
    where: Where = {}
    exclude: Annotated[tuple[Exclude, ...], BeforeValidator(_listed)] = ()
    drop: Texts = ()
    extras: Annotated[Literal["keep", "drop"] | tuple[str, ...], BeforeValidator(_extras)] = "keep"
    rename: dict[str, Texts] = {}
    constant: dict[str, str] = {}
    cases: Annotated[tuple[Case, ...], BeforeValidator(_listed)] = ()
    values: dict[str, dict[str, str]] = {}
    numbers: dict[str, NumberFormat] = {}
    default: dict[str, str] = {}
    money: Money | None = None
    dates: dict[str, str] = {}
    final: Texts = ()
    """Columns that are settled with a deal's end, and so unknown while it is open."""
    observed_from: str | None = None


class _MapModel(_Strict):
    tables: dict[str, Annotated[tuple[TableMap, ...], BeforeValidator(_listed)]] = Field(min_length=1)


class Exchange(Protocol):
    """Brings amounts into one currency."""

    @property
    def converts(self) -> bool:
        """Whether amounts change at all: a currency is wanted, and there are rates."""

    def convert(
        self, amounts: pd.Series, currencies: pd.Series, dates: pd.Series
    ) -> tuple[pd.Series, Mapping[int, tuple[str, str]]]:
        """Convert a column.

        Parameters
        ----------
        amounts : pandas.Series, shape (n,)
            Text or numbers.
        currencies : pandas.Series, shape (n,)
            Text.
        dates : pandas.Series, shape (n,)
            Days whose rates count, datetime64; missing where the last known rate does.

        Returns
        -------
        amounts : pandas.Series
            Cells that are no numbers are left as they stand.
        faults : mapping of int to (str, str)
            Reason and mend of each row, by number, that cannot be converted.
        """

    def notes(self, currencies: pd.Series) -> tuple[str, ...]:
        """Say what is odd about the currencies of a column.

        Raises
        ------
        InputError
            If amounts in several currencies cannot be brought into one.
        """


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
    exchange : Exchange, optional
        What brings amounts under ``money`` into one currency.
    below : Map, optional
        The map that this one was laid over, for messages about its tables.
    """

    name: str
    tables: Mapping[str, tuple[TableMap, ...]]
    written: Written = field(repr=False)
    exchange: Exchange | None = field(default=None, repr=False)
    below: Map | None = field(default=None, repr=False)

    def problem(self, loc: Loc, reason: str, mend: str = "", value: str = "") -> Problem:
        """Make a problem of this file out of a place in it."""
        if self.below is not None and len(loc) > 1 and loc[:2] not in self.written.lines:
            return self.below.problem(loc, reason, mend, value)
        return self.written.problem(loc, reason, mend, value)

    def over(self, below: Map) -> Map:
        """Lay this map over another: a table that both name is mapped as this one says."""
        return replace(self, tables={**below.tables, **self.tables}, below=below)

    @property
    def final(self) -> frozenset[str]:
        """Columns of deals that are settled with their end."""
        return frozenset(name for one in self.tables.get("opportunities", ()) for name in one.final)

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
