"""Pipedrive's log of changes (the flow of deals), and what the deals themselves tell of their past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from spmforecast.data.crm.jsonfiles import JsonRecord, json_table
from spmforecast.data.crm.pipedrive_deals import named, stamps
from spmforecast.data.crm.rebuilt import Export
from spmforecast.errors import Problem

__all__ = ["Flow", "changes_of_deals", "read_flow"]

_FIELDS: Mapping[str, str] = {
    "stage_id": "stage",
    "status": "status",
    "value": "amount",
    "expected_close_date": "close_date",
    "user_id": "owner_id",
    "owner_id": "owner_id",
}
_NAMES: Mapping[str, tuple[str, ...]] = {
    "opportunity_id": ("item_id", "deal_id"),
    "at": ("log_time", "time", "timestamp"),
    "field": ("field_key",),
    "old": ("old_value",),
    "new": ("new_value",),
    "kind": ("object",),
}


@dataclass(frozen=True, eq=False)
class Flow:
    """The changes that a log tells of, in its order.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``opportunity_id, at, field, old, new, line``.
    file : str
        Where they stand.
    broken : tuple of Problem
        Rows that could not be read.
    exclusions : mapping of str to int
        Rows left aside, by reason.
    notes : tuple of str
        What is odd.
    """

    frame: pd.DataFrame
    file: str
    broken: tuple[Problem, ...] = ()
    exclusions: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_flow(export: Export) -> Flow | None:
    """Read the log: of all deals in one file or by id, or a file a deal (``flow_17.json``). None where there is none.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    wanted = ("flow", "deal_flow", "deals_flow", "deal_changes", "changelog", "deal_changelog", "deal_field_updates")
    dump = export.dump(wanted, "stage_history")
    raw = export.table(wanted, "stage_history") if dump is None else json_table(dump, "stage_history", _entry)
    if raw is None:
        return None
    cells = named(raw.frame, _NAMES)
    kind = cells["kind"].where(cells["kind"] != "", "dealChange")
    exclusions = _counted(kind[kind != "dealChange"], "part of the flow that is no change of the deal")
    cells = cells.assign(line=raw.lines)[(kind == "dealChange").to_numpy()]
    fields = cells["field"].map(dict(_FIELDS)).astype("str")
    exclusions |= _counted(cells["field"][fields.isna()], "change of a field that is not followed")
    frame = cells.assign(field=fields)[fields.notna()]
    frame = frame[["opportunity_id", "at", "field", "old", "new", "line"]].reset_index(drop=True)
    frame["at"] = stamps(frame["at"], utc=True)
    return Flow(_in_time(frame), raw.file, raw.broken, exclusions, raw.notes)


def _entry(record: JsonRecord) -> Mapping[str, object]:
    """Return the cells of an item: those of its ``data`` where it has any, and the deal whose flow it stands in."""
    data = record.value.get("data")
    out = {**record.value, **(data if isinstance(data, dict) else {})}
    out.pop("data", None)
    if not out.get("item_id") and not out.get("deal_id"):
        out["item_id"] = record.key
    return out


def _counted(words: pd.Series, reason: str) -> dict[str, int]:
    return {f"{reason}: {word}": int(rows) for word, rows in words.value_counts(sort=False).items()}


def _in_time(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn a flow that has the newest first, as the API gives it, so that changes of one second keep their order."""
    at = frame["at"].to_numpy(dtype=object)
    deal = frame["opportunity_id"].to_numpy(dtype=object)
    together = deal[1:] == deal[:-1]
    falling, rising = int(np.sum(together & (at[1:] < at[:-1]))), int(np.sum(together & (at[1:] > at[:-1])))
    return frame.iloc[::-1].reset_index(drop=True) if falling > rising else frame


def changes_of_deals(deals: pd.DataFrame, lines: pd.Series) -> pd.DataFrame:
    """Return what the deals' own rows tell of their past: creation, last change of stage, and end.

    Parameters
    ----------
    deals : pandas.DataFrame
        n deals without a log, under the API's names, with ``closed_time``; status is open, won or lost.
    lines : pandas.Series, shape (n,)
        Line of each deal.

    Returns
    -------
    pandas.DataFrame
        ``opportunity_id, at, field, new, line``. The stage is told from the last change on; earlier ones are unknown.
    """
    changed = deals["stage_change_time"]
    began = changed.where(changed != "", deals["add_time"])
    parts = [
        _told(deals, lines, deals["add_time"], "status", "open"),
        _told(deals, lines, began, "stage", deals["stage_id"]),
        _told(deals, lines, deals["closed_time"], "status", deals["status"]),
    ]
    found = pd.concat(parts)
    return found[found["at"] != ""].sort_index(kind="stable").reset_index(drop=True)


def _told(deals: pd.DataFrame, lines: pd.Series, at: pd.Series, name: str, new: pd.Series | str) -> pd.DataFrame:
    return pd.DataFrame(
        {"opportunity_id": deals["id"], "at": at, "field": name, "new": new, "line": lines}, index=deals.index
    )
