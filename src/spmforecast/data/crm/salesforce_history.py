"""The stage history of Salesforce's deals, rebuilt from every log that an export has.

Each row of a log either becomes an event or is counted as excluded with the reason; opening events are counted as
rows of the opportunities' file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.crm.changes import FIELDS, Instants, instants, states
from spmforecast.data.crm.rebuilt import Export
from spmforecast.data.crm.salesforce_deals import Deals
from spmforecast.data.crm.salesforce_logs import Log, changes_of, differ, snapshots_of, versions_of
from spmforecast.data.sources import RawTable

__all__ = ["MERGED", "stage_history"]

MERGED = "told together with another change of the same instant"
UNSTAGED = "the stage of that time is not known"

_AT_ONCE = np.timedelta64(60, "s")
_OPENINGS = "salesforce_openings"

Ints = npt.NDArray[np.int64]


def stage_history(export: Export, deals: Deals, keep_deleted: bool) -> dict[str, RawTable]:
    """Rebuild the states of deals.

    Parameters
    ----------
    export : Export
        The export.
    deals : Deals
        Its opportunities.
    keep_deleted : bool
        Whether deleted rows count.

    Returns
    -------
    dict of str to RawTable
        Events by the log whose rows they are, and the openings; nothing where the export has no log.

    Raises
    ------
    InputError
        If a log cannot be read.
    """
    frame = deals.frame[deals.frame["left_out"] != "version"]
    start = frame.drop_duplicates("opportunity_id")
    logs = _logs(export, deals, start.reset_index(drop=True), keep_deleted)
    if not logs or not any("stage" in log.fields for log in logs):
        return {log.name: _unused(log) for log in logs}
    return _Rebuilt(deals, start, logs).tables()


def _logs(export: Export, deals: Deals, start: pd.DataFrame, keep_deleted: bool) -> list[Log]:
    logs: list[Log] = []
    versions = _versions(export, deals)
    if versions is not None:
        logs.append(versions_of(versions, keep_deleted))
    else:
        raw = export.table(("opportunity_history", "opportunity_stage_history"), "stage_history")
        if raw is not None:
            logs.append(snapshots_of(raw, keep_deleted))
    raw = export.table(("opportunity_field_history",), "stage_history")
    if raw is not None:
        told = frozenset().union(*(log.fields for log in logs))
        logs.append(changes_of(raw, start, told, keep_deleted))
    return logs


def _versions(export: Export, deals: Deals) -> RawTable | None:
    """Find the versions that a warehouse keeps, in a table of their own or among the opportunities."""
    if "_fivetran_start" in deals.versions.frame:
        return deals.versions
    raw = export.table(("opportunity_history",), "stage_history")
    return raw if raw is not None and "_fivetran_start" in raw.frame else None


def _unused(log: Log) -> RawTable:
    """Count the rows of logs that do not tell of stages: events need one."""
    exclusions = dict(log.exclusions)
    if len(log.rows):
        reason = "no log of the export follows the stage"
        exclusions[reason] = exclusions.get(reason, 0) + len(log.rows)
    note = f"{log.file}: the stage is not tracked, so no history of deals can be rebuilt; export OpportunityHistory"
    empty = pd.DataFrame(columns=["opportunity_id", "entered_date", *FIELDS], dtype="str")
    none = np.array([], dtype=np.int64)
    return RawTable(log.file, empty, none, log.broken, (*log.notes, note), exclusions)


class _Rebuilt:
    """Events of deals out of all logs together.

    Parameters
    ----------
    deals : Deals
        The opportunities.
    start : pandas.DataFrame
        A row a deal.
    logs : sequence of Log
        What tells of them, at least one.
    """

    def __init__(self, deals: Deals, start: pd.DataFrame, logs: Sequence[Log]) -> None:
        self.deals, self.start, self.logs = deals, start, logs
        self.line = deals.raw.lines[start.index.to_numpy()]
        start = start.reset_index(drop=True)
        at = np.concatenate([log.at.at for log in logs])
        order = np.argsort(at, kind="stable")
        self.rows = pd.concat([log.rows for log in logs], ignore_index=True).iloc[order].reset_index(drop=True)
        self.log = np.repeat(np.arange(len(logs)), [len(log.rows) for log in logs])[order]
        self.zoned = np.concatenate([log.at.zoned for log in logs])[order]
        self.created = instants(start["created"])
        deal = pd.Index(start["opportunity_id"]).get_indexer(pd.Index(self.rows["opportunity_id"])).astype(np.int64)
        self.at = _snapped(at[order], self.created.take(deal).at)
        self.events = self._events(start)

    def _events(self, start: pd.DataFrame) -> pd.DataFrame:
        began = start[["opportunity_id", "created"]]
        known = next((log.began for log in self.logs if len(log.began)), None)
        if known is not None:
            began = known[["opportunity_id", "created", "since", *FIELDS]]
        events = states(self.rows.assign(at=self.at), began)
        stage = events["stage"].fillna("")
        self.unknown = sorted(set(stage) - {"", *self.deals.stages.table.index, "Closed Won", "Closed Lost"})
        status = self._statuses(stage)
        told = events["status"].fillna("")
        deal = events["opportunity_id"]
        return events.assign(
            stage=self.deals.named(stage, deal),
            status=told.where(told != "", status),
            currency=self._currencies(events),
        )

    def _statuses(self, stage: pd.Series) -> pd.Series:
        """Tell from stages whether deals are closed; a stage that nothing tells of is an open one."""
        status = self.deals.stages.statuses(stage)
        standard = stage.str.casefold().map({"closed won": "won", "closed lost": "lost"}).astype("str").fillna("open")
        return status.where(status != "", standard)

    def _currencies(self, events: pd.DataFrame) -> pd.Series:
        """Return the currency of each event: that of its row, else that of the deal today."""
        table = pd.Series(self.start["currency"].to_numpy(), index=pd.Index(self.start["opportunity_id"]))
        now = events["opportunity_id"].map(table).astype("str").fillna("")
        if "currency" not in self.rows:
            return now
        row = events["row"].to_numpy()
        own = pd.Series(self.rows["currency"].array.take(row, allow_fill=True)).where(row >= 0)
        return own.where(own.fillna("") != "", now).astype("str")

    def tables(self) -> dict[str, RawTable]:
        """Return the events as raw tables."""
        row = self.events["row"].to_numpy(dtype=np.int64)
        of_log = np.where(row >= 0, np.append(self.log, -1)[row], -1)
        staged = (self.events["stage"] != "").to_numpy()
        out = {_OPENINGS: self._openings(np.flatnonzero((of_log < 0) & staged))}
        for place, log in enumerate(self.logs):
            own = of_log == place
            exclusions = dict(log.exclusions)
            counted = {MERGED: len(log.rows) - int(own.sum()), UNSTAGED: int((own & ~staged).sum())}
            for reason, rows in counted.items():
                if rows:
                    exclusions[reason] = exclusions.get(reason, 0) + rows
            chosen = np.flatnonzero(own & staged)
            lines = self.rows["line"].to_numpy(dtype=np.int64)[row[chosen]]
            notes = (*log.notes, *(self._notes(log) if place == 0 else ()))
            zoned = self.zoned[row[chosen]]
            out[log.name] = RawTable(log.file, self._frame(chosen, zoned), lines, log.broken, notes, exclusions)
        return {name: raw for name, raw in out.items() if raw.rows or name != _OPENINGS}

    def _openings(self, chosen: Ints) -> RawTable:
        place = self.events["start_row"].to_numpy(dtype=np.int64)[chosen]
        return RawTable(self.deals.raw.file, self._frame(chosen, self.created.zoned[place]), self.line[place])

    def _frame(self, chosen: Ints, zoned: npt.NDArray[np.bool_]) -> pd.DataFrame:
        """Return some events as rows of the stage history."""
        part = self.events.iloc[chosen].reset_index(drop=True)
        at = Instants(part["at"].to_numpy().astype("datetime64[s]"), zoned)
        fields = {name: part[name].fillna("") for name in FIELDS}
        out = pd.DataFrame({"opportunity_id": part["opportunity_id"], "entered_date": at.series(), **fields})
        return out.assign(currency=part["currency"]) if (part["currency"] != "").any() else out

    def _notes(self, log: Log) -> tuple[str, ...]:
        """Say what the logs together do not tell, and where they end in another state than today's."""
        told = frozenset().union(*(log.fields for log in self.logs))
        lacking = [word for name, word in _WORDS.items() if name not in told]
        notes = [f"{log.file}: {' and '.join(lacking)} of the past are not told"] if lacking else []
        if self.unknown:
            notes.append(
                f"{log.file}: {len(self.unknown):,} stages of the past are not among those of today (first: "
                f"{self.unknown[0]}); they count as open. OpportunityStage would tell, stage_names can rename them"
            )
        notes += [f"{log.file}: {said}" for said in self._late()]
        last = self.events.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")
        now = self.start.set_index("opportunity_id")
        both = last.index.intersection(now.index)
        for name in sorted(told - {"status", "forecast_category"}):
            ends = last.loc[both, name].fillna("")
            today = now.loc[both, name]
            if name == "stage":
                today = self.deals.named(today, pd.Series(both, index=both))
            odd = int(differ(ends, today).sum())
            if odd:
                notes.append(f"{log.file}: the history of {odd:,} deals ends with another {name} than they have today")
        return tuple(notes)

    def _late(self) -> list[str]:
        """Say of how many deals the history begins long after their creation."""
        told = self.events[(self.events["stage"] != "").to_numpy()].drop_duplicates("opportunity_id")
        place = told["start_row"].to_numpy(dtype=np.int64)
        lag = told["at"].to_numpy().astype("datetime64[s]") - self.created.take(place).at
        late = int((lag > np.timedelta64(1, "D")).sum())
        return [f"of {late:,} deals nothing is known before more than a day after their creation"] if late else []


_WORDS = {"amount": "amounts", "close_date": "close dates", "owner_id": "owners", "forecast_category": "categories"}


def _snapped(at: npt.NDArray[np.datetime64], created: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """Let what is written within a minute of a deal's creation hold from the creation: it is part of that."""
    return np.where(np.abs(at - created) <= _AT_ONCE, created, at)
