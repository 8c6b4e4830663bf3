"""The canonical tables, declared once: their columns, what kind each column is, what is required and what is unique.

Everything else in this room (reading, checking, writing) follows this declaration. Columns that are not named here
are kept as text and can serve as segments and drivers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import pandas as pd

__all__ = [
    "NONE",
    "PERIOD_LABEL",
    "STATUS",
    "TABLES",
    "ActivityType",
    "Column",
    "Kind",
    "Table",
    "dtype_of",
    "empty_frame",
]

Kind = Literal["id", "text", "date", "amount", "number", "status", "choice", "period"]

NONE = "(none)"
"""What stands for an unknown owner, territory, region or segment."""

STATUS = ("open", "won", "lost")
"""How a deal can stand."""

PERIOD_LABEL = re.compile(r"[0-9]{4}(Q[1-4]|[-P](0[1-9]|1[0-2]))?")
"""Shape of a period's label: ``2025Q3``, ``2025``, ``2025-07`` or, in a calendar of weeks, ``2025P07``."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table.

    Parameters
    ----------
    name : str
        Name in the file's header.
    kind : Kind
        How its cells are read: ``amount`` and ``number`` become float64, ``date`` datetime64[s], all others text.
    required : bool
        Whether the column must be there and every cell filled.
    choices : tuple of str
        Values allowed for ``status`` and ``choice``.
    minimum, maximum : float or None
        Bounds, both included, of an ``amount`` or ``number``.
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One canonical table.

    Parameters
    ----------
    name : str
        Name, also the stem of its file.
    columns : tuple of Column
        In the order in which they are written.
    key : tuple of str
        Columns whose values together name one row; empty where rows may repeat.
    dated_by : str
        Column that says when a row came to be known; empty where rows are not events.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    dated_by: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column | None:
        """Return the declared column of that name, or None for an extra column."""
        return next((column for column in self.columns if column.name == name), None)


_DEAL_TYPES = ("new", "renewal", "expansion")
ActivityType = Literal[
    "call", "email", "meeting", "proposal_sent", "proposal_accepted", "referral_given", "referral_received", "event",
    "coaching",
]  # fmt: skip
"""Types of the table ``activities``."""
_CATEGORIES = ("commit", "most_likely", "best_case")


def _key(name: str) -> Column:
    return Column(name, "id", required=True)


def _id(name: str) -> Column:
    return Column(name, "id")


def _when(name: str, required: bool = False) -> Column:
    return Column(name, "date", required)


def _sum(name: str, required: bool = False, minimum: float | None = 0.0) -> Column:
    return Column(name, "amount", required, minimum=minimum)


_PLACE = (
    Column("latitude", "number", minimum=-90.0, maximum=90.0),
    Column("longitude", "number", minimum=-180.0, maximum=180.0),
)

_ALL = (
    Table(
        "opportunities",
        (
            _key("opportunity_id"),
            _key("owner_id"),
            _when("created_date", required=True),
            Column("status", "status", required=True, choices=STATUS),
            Column("stage"),
            _sum("amount"),
            _when("close_date"),
            Column("type", "choice", choices=_DEAL_TYPES),
            _id("account_id"),
            _id("territory_id"),
            Column("region"),
            Column("segment"),
            Column("product"),
            Column("lead_source"),
            Column("forecast_category"),
            _sum("list_price"),
            Column("discount", "number"),
        ),
        key=("opportunity_id",),
        dated_by="created_date",
    ),
    Table(
        "stage_history",
        (
            _key("opportunity_id"),
            Column("stage", required=True),
            _when("entered_date", required=True),
            Column("status", "status", choices=STATUS),
            _sum("amount"),
            _when("close_date"),
            _id("owner_id"),
            Column("forecast_category"),
        ),
        dated_by="entered_date",
    ),
    Table(
        "reps",
        (
            _key("rep_id"),
            Column("name"),
            _id("territory_id"),
            _id("manager_id"),
            Column("role"),
            _when("hire_date"),
            _when("end_date"),
            _when("effective_from"),
            *_PLACE,
        ),
        key=("rep_id", "effective_from"),
    ),
    Table("territories", (_key("territory_id"), Column("name"), _id("parent_id")), key=("territory_id",)),
    Table(
        "accounts",
        (
            _key("account_id"),
            Column("name"),
            _id("owner_id"),
            _id("territory_id"),
            Column("industry"),
            Column("potential", "number", minimum=0.0),
            Column("workload", "number", minimum=0.0),
            *_PLACE,
        ),
        key=("account_id",),
    ),
    Table(
        "activities",
        (
            _key("activity_id"),
            _when("date", required=True),
            Column("type", "choice", required=True, choices=get_args(ActivityType)),
            _id("rep_id"),
            _id("opportunity_id"),
            _id("account_id"),
        ),
        key=("activity_id",),
        dated_by="date",
    ),
    Table(
        "enablement",
        (
            _key("rep_id"),
            Column("program", required=True),
            _when("completed_date", required=True),
            _sum("cost"),
        ),
        dated_by="completed_date",
    ),
    Table(
        "plan",
        (
            Column("period", "period", required=True),
            _sum("target", required=True),
            Column("node_level"),
            Column("node"),
        ),
        key=("period", "node_level", "node"),
    ),
    Table(
        "quotas",
        (_key("rep_id"), Column("period", "period", required=True), _sum("quota", required=True)),
        key=("rep_id", "period"),
    ),
    Table(
        "bookings",
        (
            _key("rep_id"),
            _when("date", required=True),
            # Cancellations and returns are negative bookings.
            _sum("amount", required=True, minimum=None),
            _id("territory_id"),
            _id("account_id"),
        ),
        dated_by="date",
    ),
    Table(
        "submissions",
        (
            _key("submitted_by"),
            _when("date", required=True),
            Column("period", "period", required=True),
            Column("category", "choice", required=True, choices=_CATEGORIES),
            _sum("amount", required=True),
            Column("node_level"),
            Column("node"),
        ),
        dated_by="date",
    ),
    Table(
        "splits",
        (
            _key("opportunity_id"),
            _key("rep_id"),
            Column("share", "number", required=True, minimum=0.0, maximum=1.0),
        ),
        key=("opportunity_id", "rep_id"),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _ALL})
"""The canonical tables by name, in the order in which they are checked."""


def dtype_of(kind: Kind) -> str:
    """Return the pandas dtype in which a kind of column is held."""
    if kind == "date":
        return "datetime64[s]"
    return "float64" if kind in ("amount", "number") else "str"


def empty_frame(name: str) -> pd.DataFrame:
    """Return a canonical table without rows, every column typed.

    Parameters
    ----------
    name : str
        A key of :data:`TABLES`.

    Returns
    -------
    pandas.DataFrame
        Shape (0, columns).
    """
    return pd.DataFrame({column.name: pd.Series([], dtype=dtype_of(column.kind)) for column in TABLES[name].columns})
