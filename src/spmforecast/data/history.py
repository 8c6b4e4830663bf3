"""History: a company's records, typed and checked, and the honest view of them as of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast import display
from spmforecast.calendar import to_day
from spmforecast.data.asof import BLANK_WINS, FINAL_ONLY, NOTE, Cut, close_of, tables_as_of
from spmforecast.data.dimensions import latest_reps, resolve
from spmforecast.data.events import EventLog
from spmforecast.data.lazy import Tables
from spmforecast.data.ledger import ledger, pushes, visits
from spmforecast.data.tables import TABLES, empty_frame

__all__ = [
    "COUNTS_COLUMNS",
    "EXCLUSIONS_COLUMNS",
    "REJECTED_COLUMNS",
    "REPAIRS_COLUMNS",
    "TRANSLATIONS_COLUMNS",
    "History",
    "SourceFile",
]

REJECTED_COLUMNS = ("table", "file", "line", "column", "value", "reason", "mend")
COUNTS_COLUMNS = ("table", "file", "read", "used", "rejected", "excluded")
EXCLUSIONS_COLUMNS = ("table", "file", "rows", "reason")
REPAIRS_COLUMNS = ("repair", "table", "column", "rows", "examples")
TRANSLATIONS_COLUMNS = ("table", "file", "column", "value", "became", "rows")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was read: its name, the SHA-256 of its bytes (hexadecimal) and their number."""

    name: str
    sha256: str
    bytes: int


def _columns(names: tuple[str, ...], whole: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype="int64" if name in whole else "str") for name in names})


def _no_rejected() -> pd.DataFrame:
    return _columns(REJECTED_COLUMNS, ("line",))


def _no_counts() -> pd.DataFrame:
    return _columns(COUNTS_COLUMNS, ("read", "used", "rejected", "excluded"))


def _no_exclusions() -> pd.DataFrame:
    return _columns(EXCLUSIONS_COLUMNS, ("rows",))


def _no_repairs() -> pd.DataFrame:
    return _columns(REPAIRS_COLUMNS, ("rows",))


def _no_translations() -> pd.DataFrame:
    return _columns(TRANSLATIONS_COLUMNS, ("rows",))


@dataclass(frozen=True, eq=False)
class History:
    """A company's records, typed and checked.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Canonical tables that are present, typed, every canonical column there (missing values where the source has
        none) and extra columns kept as text. Dates are local days and times without a zone.
    rejected : pandas.DataFrame
        A line for each problem: ``table, file, line, column, value, reason, mend``. A row that could not be used
        has as many lines as problems.
    counts : pandas.DataFrame
        ``table, file, read, used, rejected, excluded`` in rows; read = used + rejected + excluded.
    exclusions : pandas.DataFrame
        ``table, file, rows, reason`` of the rows left out on purpose.
    warnings : tuple of str
        What is odd but was kept, and what is missing.
    sources : tuple of SourceFile
        Every file read.
    timezone : str
        Zone that decides the day of a time stamp.
    observed_from : pandas.Timestamp or None
        When tracking began; earlier deals are left-truncated.
    known_at : pandas.Timestamp or None
        Day of :meth:`as_of`; None while nothing is cut.
    final_only : frozenset of str
        Columns of ``opportunities`` that are filled when a deal ends, and so blank while it is open.
    cut : Cut or None
        Set by :meth:`as_of` for a further cut.
    repairs : pandas.DataFrame
        ``repair, table, column, rows, examples`` of what was repaired on request
        (see :mod:`spmforecast.data.quality.repairs`).
    translations : pandas.DataFrame
        ``table, file, column, value, became, rows`` of the names that a map writes otherwise (``values``).
    """

    tables: Mapping[str, pd.DataFrame]
    rejected: pd.DataFrame = field(default_factory=_no_rejected)
    counts: pd.DataFrame = field(default_factory=_no_counts)
    exclusions: pd.DataFrame = field(default_factory=_no_exclusions)
    warnings: tuple[str, ...] = ()
    sources: tuple[SourceFile, ...] = ()
    timezone: str = "UTC"
    observed_from: pd.Timestamp | None = None
    known_at: pd.Timestamp | None = None
    final_only: frozenset[str] = FINAL_ONLY
    cut: Cut | None = field(default=None, repr=False)
    repairs: pd.DataFrame = field(default_factory=_no_repairs)
    translations: pd.DataFrame = field(default_factory=_no_translations)

    def __post_init__(self) -> None:
        if not isinstance(self.tables, Tables):
            object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))

    def __getstate__(self) -> dict[str, object]:
        """Give plain dictionaries to a worker process, which cannot receive a mapping proxy."""
        named = {one.name: self.__dict__[one.name] for one in fields(self)}
        return {**named, "tables": dict(self.tables)}

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    def table(self, name: str) -> pd.DataFrame:
        """Return a canonical table, without rows where the source has none.

        Raises
        ------
        KeyError
            If no canonical table has that name.
        """
        if name not in TABLES:
            raise KeyError(name)
        found = self.tables.get(name)
        return empty_frame(name) if found is None else found

    @cached_property
    def events(self) -> EventLog:
        """The stage history in order of deal and time; looked up and sorted once."""
        if "_uncut" in self.__dict__:
            log, created, until = self.__dict__.pop("_uncut")
            cut: EventLog = log.cut(self.opportunities, self.stage_history, created, until)
            return cut
        return EventLog.of(self.opportunities, self.stage_history)

    def with_warning(self, said: str) -> History:
        """Return the same history with one warning more; events that were sorted are not sorted again."""
        more = replace(self, warnings=(*self.warnings, said))
        more.__dict__.update({name: self.__dict__[name] for name in ("events", "_uncut") if name in self.__dict__})
        return more

    def with_events(self, deal: npt.NDArray[np.int64] | None, status: Mapping[str, npt.NDArray[np.int8]]) -> History:
        """Sort the events now (see :meth:`~spmforecast.data.events.EventLog.of`); the history itself is returned."""
        self.__dict__["events"] = EventLog.of(self.opportunities, self.stage_history, deal, status)
        return self

    @property
    def opportunities(self) -> pd.DataFrame:
        """Deals, one row each."""
        return self.table("opportunities")

    @property
    def stage_history(self) -> pd.DataFrame:
        """Events of the deals: stages entered and values as they stood from then on."""
        return self.table("stage_history")

    @property
    def reps(self) -> pd.DataFrame:
        """Sales people; several dated rows for a rep are its history."""
        return self.table("reps")

    @property
    def territories(self) -> pd.DataFrame:
        """Territories and their parents."""
        return self.table("territories")

    @property
    def accounts(self) -> pd.DataFrame:
        """Customers and prospects."""
        return self.table("accounts")

    @property
    def activities(self) -> pd.DataFrame:
        """Calls, meetings, proposals and the like."""
        return self.table("activities")

    @property
    def enablement(self) -> pd.DataFrame:
        """Training completed by reps."""
        return self.table("enablement")

    @property
    def plan(self) -> pd.DataFrame:
        """Targets by period."""
        return self.table("plan")

    @property
    def quotas(self) -> pd.DataFrame:
        """Quotas by rep and period."""
        return self.table("quotas")

    @property
    def bookings(self) -> pd.DataFrame:
        """Bookings by rep and date."""
        return self.table("bookings")

    @property
    def submissions(self) -> pd.DataFrame:
        """People's own forecasts."""
        return self.table("submissions")

    @property
    def splits(self) -> pd.DataFrame:
        """Shares of deals among reps."""
        return self.table("splits")

    def deals(self) -> pd.DataFrame:
        """Return one row a deal with its dimensions resolved.

        Returns
        -------
        pandas.DataFrame
            All columns of ``opportunities`` in file order, with ``region``, ``territory_id``, ``manager_id``,
            ``segment``, ``product``, ``type`` and ``lead_source`` filled, ``(none)`` where unknown
            (see :mod:`spmforecast.data.dimensions`).
        """
        return resolve(self.opportunities, self.reps, self.territories)

    def current_reps(self) -> pd.DataFrame:
        """Return the row of each rep that took effect last, indexed by ``rep_id``."""
        return latest_reps(self.reps)

    def as_of(self, date: object) -> History:
        """Return what was known at the close of a day.

        Parameters
        ----------
        date : str, datetime.date or pandas.Timestamp
            The day. A day after one that is already cut to adds nothing back.

        Returns
        -------
        History
            A new history; ``as_of(d1).as_of(d2)`` with d2 before d1 equals ``as_of(d2)``. The rules stand in
            :mod:`spmforecast.data.asof`.

        Raises
        ------
        InputError
            If `date` is not a date.
        """
        day = to_day(date)
        if self.known_at is not None and self.known_at <= day:
            return self
        tables, notes, done = tables_as_of(self.tables, self.events, day, self.cut, self.final_only)
        kept = tuple(said for said in self.warnings if not said.startswith(NOTE) and not said.endswith(BLANK_WINS))
        out = replace(self, tables=tables, warnings=kept + notes, known_at=day, cut=done)
        if "opportunities" in tables:
            until = close_of(day)
            created = (self.opportunities["created_date"] < until).to_numpy()
            out.__dict__["_uncut"] = (self.events, created, np.datetime64(until, "s"))
        return out

    def visits(self) -> pd.DataFrame:
        """List every visit of a deal to a stage (see :func:`spmforecast.data.ledger.visits`)."""
        return visits(self)

    def pushes(self) -> pd.Series:
        """Count pushes of each deal's close date (see :func:`spmforecast.data.ledger.pushes`)."""
        return pushes(self)

    def ledger(self) -> pd.DataFrame:
        """List bookings and reversals of the deals (see :func:`spmforecast.data.ledger.ledger`)."""
        return ledger(self)

    def summary(self) -> pd.DataFrame:
        """Return rows and dates of each table: ``table, rows, first, last``."""
        rows = []
        for name, frame in self.tables.items():
            dated_by = TABLES[name].dated_by
            dates = frame[dated_by].dropna() if dated_by else frame.iloc[:0, 0]
            first, last = (str(dates.min().date()), str(dates.max().date())) if len(dates) else ("", "")
            rows.append({"table": name, "rows": len(frame), "first": first, "last": last})
        return pd.DataFrame(rows, columns=["table", "rows", "first", "last"])

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {len(frame):,}" for name, frame in self.tables.items())
        known = "" if self.known_at is None else f", as of {self.known_at.date()}"
        return f"History({rows}{known})"

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {"files": len(self.sources), "warnings": len(self.warnings)}
        if len(self.rejected):
            facts["problems"] = len(self.rejected)
        if self.known_at is not None:
            facts["as of"] = self.known_at.date()
        return display.card("History", facts, self.summary())
