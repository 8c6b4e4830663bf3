"""Change logs replayed: from who changed what and when to the state of each deal from every instant on.

A log tells a value only when it changes. The value before the first change is what that change calls the old one;
a field that a deal's log never mentions has always had its current value, as long as the log follows that field at
all. What the log does not tell is unknown, never filled in from today's record.

Instants count to the second, as canonical tables do. Changes of one second are told as one event, and within it the
order of the log decides.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.sources.columns import as_text, is_text

__all__ = ["FIELDS", "Instants", "initial_values", "instants", "replay", "rows_of_changes", "states"]

FIELDS = ("stage", "status", "amount", "close_date", "owner_id", "forecast_category")
"""Fields whose past is followed."""

_SECOND = "datetime64[s]"
_NEVER = np.iinfo(np.int64).max
_ZONE = r"[0-9](?:Z|[+-][0-9]{2}:?(?:[0-9]{2})?)$"
_DAY_ONLY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Instants:
    """Time stamps read for sorting.

    Parameters
    ----------
    at : numpy.ndarray of datetime64[s], shape (n,)
        In UTC where the stamp has a zone, else as it stands; NaT where there is none.
    zoned : numpy.ndarray of bool, shape (n,)
        Whether the stamp has a zone.
    """

    at: npt.NDArray[np.datetime64]
    zoned: Mask

    def take(self, rows: Ints) -> Instants:
        """Return the stamps of some rows; NaT where a row is negative."""
        known = rows >= 0
        at = np.where(known, self.at[rows], np.datetime64("NaT", "s")) if len(self.at) else _nat(len(rows))
        zoned = known & self.zoned[rows] if len(self.zoned) else known
        return Instants(at, zoned)

    def series(self) -> pd.Series:
        """Return a raw column: datetime64, in the zone UTC if every stamp has one; ISO 8601 text if only some have."""
        naive: pd.Series = pd.Series(self.at.astype(_SECOND))
        if self.zoned.all() and len(naive):
            aware: pd.Series = naive.dt.tz_localize("UTC")
            return aware
        if not self.zoned.any():
            return naive
        words: pd.Series = naive.dt.strftime("%Y-%m-%dT%H:%M:%S").astype("str").fillna("")
        return words.mask(self.zoned & (words != "").to_numpy(), words + "Z")


def _nat(count: int) -> npt.NDArray[np.datetime64]:
    return np.full(count, np.datetime64("NaT"), dtype=_SECOND)


def instants(column: pd.Series) -> Instants:
    """Read time stamps.

    Parameters
    ----------
    column : pandas.Series, shape (n,)
        ISO 8601 text or datetime64; stamps without a zone are kept as they stand and sorted as if they were UTC.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        aware = isinstance(column.dtype, pd.DatetimeTZDtype)
        naive = column.dt.tz_convert("UTC").dt.tz_localize(None) if aware else column
        return Instants(naive.dt.floor("s").to_numpy().astype(_SECOND), np.full(len(column), aware))
    words = column if is_text(column) else as_text(column)
    codes, found = pd.factorize(words, use_na_sentinel=False)
    distinct = pd.Series(found, dtype="str").fillna("")
    read = pd.to_datetime(distinct, format="ISO8601", errors="coerce", utc=True)
    # Only whole dates are told; pandas would take 2025 or 2025-03 for the first day of it.
    read = read.where(distinct.str.match(_DAY_ONLY))
    at = read.dt.tz_localize(None).dt.floor("s").to_numpy().astype(_SECOND)
    zoned = distinct.str.contains(_ZONE, regex=True).to_numpy(dtype=bool) & (distinct.str.len() > 10).to_numpy()
    return Instants(at[codes], zoned[codes])


def replay(changes: pd.DataFrame, start: pd.DataFrame, tracked: Collection[str] | None = None) -> pd.DataFrame:
    """Rebuild the states of deals from their changes.

    Parameters
    ----------
    changes : pandas.DataFrame
        n changes in the order of the log: ``opportunity_id, at, field, new`` and, where the log tells them, ``old``
        and ``line``. `at` is ISO 8601 text or datetime64, and a row without one is passed over; `field` is one of
        :data:`FIELDS`, others are passed over; `old` and `new` are text, missing where the log does not tell.
    start : pandas.DataFrame
        m deals: ``opportunity_id, created`` and the current value of each field in text. A column ``since`` may name
        the instant from which the log tells of a deal, where that is later than its creation.
    tracked : collection of str, optional
        Fields that the log follows; those that occur in it where not given.

    Returns
    -------
    pandas.DataFrame
        An event a deal and instant, by deal and time: ``opportunity_id``, ``entered_date`` (see
        :meth:`Instants.series`), each of :data:`FIELDS` as text as it stood from then on, missing where unknown, and
        ``line``, the first of the changes of that instant, 0 for an opening event. A deal of which the log tells from
        its creation has an opening event then.
    """
    stamps = instants(changes["at"])
    kept = ~np.isnat(stamps.at) & changes["field"].isin(FIELDS).to_numpy()
    known = changes[kept].reset_index(drop=True)
    told = stamps.take(np.flatnonzero(kept))
    followed = set(known["field"]) if tracked is None else set(tracked)
    began = initial_values(known, start, followed, told)
    rows = rows_of_changes(known).assign(at=told.at)
    events = states(rows, began)
    line = known["line"].to_numpy() if "line" in known else np.flatnonzero(kept) + 2
    first = events["first"].to_numpy()
    at = _stamps_of(events, told, instants(start["created"]) if len(start) else told)
    out = {"opportunity_id": events["opportunity_id"], "entered_date": at.series()}
    out |= {name: events[name] for name in FIELDS}
    padded = np.append(line, 0)
    return pd.DataFrame(out).assign(line=padded[first].astype(np.int64))


def _stamps_of(events: pd.DataFrame, told: Instants, created: Instants) -> Instants:
    """Return when events took place; one is zoned if the change or the creation that it tells of is."""
    first, opening = events["first"].to_numpy(), events["start_row"].to_numpy()
    zoned = np.where(first >= 0, np.append(told.zoned, False)[first], np.append(created.zoned, False)[opening])
    return Instants(events["at"].to_numpy().astype(_SECOND), zoned.astype(bool))


def initial_values(
    changes: pd.DataFrame, start: pd.DataFrame, tracked: Collection[str], told: Instants | None = None
) -> pd.DataFrame:
    """Find the value that each field of a deal had before its first change.

    Parameters
    ----------
    changes, start, tracked
        As in :func:`replay`; `told` are the instants of the changes where they are read already.

    Returns
    -------
    pandas.DataFrame
        `start`, with ``old`` of the first change of a field where there is one, else the current value of a field
        that is tracked, else missing.
    """
    at = (instants(changes["at"]) if told is None else told).at
    order = np.argsort(at, kind="stable")
    firsts = changes.iloc[order].drop_duplicates(["opportunity_id", "field"])
    old = firsts["old"] if "old" in firsts else pd.Series(None, index=firsts.index, dtype="str")
    out = start.copy()
    for name in FIELDS:
        current = start[name].astype("str") if name in start and name in tracked else None
        if current is None:
            current = pd.Series(None, index=start.index, dtype="str")
        of_field = (firsts["field"] == name).to_numpy()
        place = pd.Index(firsts["opportunity_id"][of_field]).get_indexer(pd.Index(start["opportunity_id"]))
        before = old[of_field].astype("str").array.take(place, allow_fill=True)
        out[name] = current.where(place < 0, pd.Series(before, index=start.index))
    return out


def rows_of_changes(changes: pd.DataFrame) -> pd.DataFrame:
    """Spread changes over columns: ``opportunity_id, at`` and the fields, missing where a row says nothing of them."""
    new = changes["new"].astype("str").fillna("")
    fields = {name: new.where(changes["field"] == name) for name in FIELDS}
    return changes[["opportunity_id", "at"]].assign(**fields)


def states(rows: pd.DataFrame, start: pd.DataFrame) -> pd.DataFrame:
    """Rebuild the states of deals from rows that each tell any number of fields.

    Parameters
    ----------
    rows : pandas.DataFrame
        n rows in the order of the log: ``opportunity_id``, ``at`` (instants, none missing) and :data:`FIELDS`, text,
        missing where the row says nothing of a field.
    start : pandas.DataFrame
        m deals: ``opportunity_id, created``, the fields as they stood at first, missing where unknown, and optionally
        ``since`` (see :func:`replay`): then these values hold from that instant on and nothing is known before.

    Returns
    -------
    pandas.DataFrame
        An event a deal and instant, by deal and time, deals in the order in which they come in `start` and then
        `rows`: ``opportunity_id, at``, the fields, ``row`` and ``first`` (last and first row of that instant, -1 for
        an opening event) and ``start_row`` (row of `start`, -1 where it is not among them).
    """
    machine = _Machine.of(rows, start)
    ends, first, row, emitted = machine.runs()
    ends, first, row = ends[emitted], first[emitted], row[emitted]
    deal = machine.deal[machine.order][ends]
    out: dict[str, pd.Series] = {
        "opportunity_id": pd.Series(machine.ids[deal], dtype="str"),
        "at": pd.Series(machine.when[machine.order][ends].astype(_SECOND)),
    }
    out |= {name: machine.carried(machine.column(name, rows, start), ends) for name in FIELDS}
    place = np.append(machine.start_row, -1)[deal]
    return pd.DataFrame(out).assign(row=row, first=first, start_row=place)


@dataclass(frozen=True, eq=False)
class _Machine:
    """All rows in order: for each deal a base row that sets every field, perhaps one from which more is known, the log.

    Parameters
    ----------
    ids : numpy.ndarray of str, shape (d,)
        The deals.
    start_row : numpy.ndarray of int, shape (d,)
        Their rows in the start, -1 where they have none.
    late : numpy.ndarray of bool, shape (d,)
        Deals of which the log tells only from some time after their creation.
    deal, when : numpy.ndarray of int, shape (k,)
        Deal and second of each row: d base rows, one a late deal, n of the log.
    loud : numpy.ndarray of bool, shape (k,)
        Rows that are events.
    order : numpy.ndarray of int, shape (k,)
        Rows by deal, time and place.
    """

    ids: npt.NDArray[np.object_]
    start_row: Ints
    late: Mask
    deal: Ints
    when: Ints
    loud: Mask
    order: Ints

    @classmethod
    def of(cls, rows: pd.DataFrame, start: pd.DataFrame) -> _Machine:
        names = np.concatenate([start["opportunity_id"].to_numpy(object), rows["opportunity_id"].to_numpy(object)])
        codes, ids = pd.factorize(names)
        own, of_rows = codes[: len(start)], codes[len(start) :].astype(np.int64)
        start_row = np.full(len(ids), -1, dtype=np.int64)
        start_row[own[::-1]] = np.arange(len(start))[::-1]
        at = rows["at"].to_numpy().astype(_SECOND).astype(np.int64)
        created, since = (_seconds(start, name, start_row) for name in ("created", "since"))
        late = (since != _NEVER) & (since > created)
        first = np.full(len(ids), _NEVER, dtype=np.int64)
        np.minimum.at(first, of_rows, at)
        base = np.minimum(np.minimum(created, first), np.where(late, since, _NEVER))
        whole = ~late & (base != _NEVER) & (start_row >= 0)
        every = np.arange(len(ids), dtype=np.int64)
        deal = np.concatenate([every, every[late], of_rows])
        when = np.concatenate([base, since[late], at])
        loud = np.concatenate([whole, np.zeros(int(late.sum()), dtype=bool), np.ones(len(rows), dtype=bool)])
        return cls(np.asarray(ids, dtype=object), start_row, late, deal, when, loud, np.lexsort((when, deal)))

    def runs(self) -> tuple[Ints, Ints, Ints, Mask]:
        """Return of each deal and second its last place, first and last row of the log, and if it is an event."""
        if not len(self.order):
            none = np.array([], dtype=np.int64)
            return none, none, none, none.astype(bool)
        deal, at = self.deal[self.order], self.when[self.order]
        begins = np.flatnonzero(np.append(True, (deal[1:] != deal[:-1]) | (at[1:] != at[:-1])))
        ends = np.append(begins[1:], len(deal)) - 1
        silent = len(self.deal) - self._rows
        row = np.where(self.order >= silent, self.order - silent, _NEVER)
        first = np.minimum.reduceat(row, begins)
        first[first == _NEVER] = -1
        last = np.where(row[ends] == _NEVER, -1, row[ends])
        return ends, first, last, np.logical_or.reduceat(self.loud[self.order], begins)

    @property
    def _rows(self) -> int:
        return len(self.deal) - len(self.ids) - int(self.late.sum())

    def column(self, name: str, rows: pd.DataFrame, start: pd.DataFrame) -> pd.Series:
        """Return what each row says of a field, in the order of `deal`."""
        there = start[name].astype("str") if name in start else pd.Series(None, index=start.index, dtype="str")
        first = pd.Series(there.array.take(self.start_row, allow_fill=True))
        parts = [first.mask(self.late), first[self.late], rows[name].astype("str")]
        return pd.concat(parts, ignore_index=True)

    def carried(self, values: pd.Series, ends: Ints) -> pd.Series:
        """Carry a field's values forward within each deal, and return those at some places in order."""
        told = values.notna().to_numpy(copy=True)
        told[: len(self.ids)] = True  # a base row begins its deal, even if what it tells is that nothing is known
        source = np.where(told[self.order], np.arange(len(self.order)), 0)
        source = np.maximum.accumulate(source) if len(source) else source
        return pd.Series(values.array.take(self.order[source[ends]]))


def _seconds(start: pd.DataFrame, name: str, start_row: Ints) -> Ints:
    """Return an instant of each deal in seconds, the largest number where there is none."""
    if name not in start:
        return np.full(len(start_row), _NEVER, dtype=np.int64)
    at = instants(start[name]).take(start_row).at
    return np.where(np.isnat(at), _NEVER, at.astype(np.int64))
