"""What HubSpot keeps of the past: versions of properties, a warehouse's stages, or dates of entering each stage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from spmforecast.data.crm.hubspot_deals import SHORT_HOUR, HubSpotDeals, property_names, stamps
from spmforecast.data.crm.jsonfiles import JsonRecord
from spmforecast.data.crm.rebuilt import Export
from spmforecast.errors import Problem

__all__ = ["FIELDS", "Versions", "read_versions"]

FIELDS: Mapping[str, str] = {
    "dealstage": "stage",
    "amount": "amount",
    "amount_in_home_currency": "home_amount",
    "closedate": "close_date",
    "hubspot_owner_id": "owner_id",
    "hs_manual_forecast_category": "forecast_category",
}
"""Property whose history is used: what it is called from here on."""

_COLUMNS = ["opportunity_id", "at", "field", "value", "line"]
_LOG_NAMES: Mapping[str, tuple[str, ...]] = {
    "deal_id": ("dealid", "hs_object_id", "id"),
    "name": ("property", "property_name"),
    "value": (),
    "timestamp": ("changed_at", "_fivetran_start"),
}
_INTERVAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "deal_id": ("dealid",),
    "value": ("stage_id", "deal_pipeline_stage_id"),
    "date_entered": ("_fivetran_start", "timestamp"),
}
_WIDE = re.compile(r"(?:property_|properties_)?hs_(v2_)?date_entered_(.+)", re.IGNORECASE)
_WIDE_LABEL = re.compile(r"date entered ([\"'“]?)(.+?)[\"'”]?(?: \((.+)\))?[\"'”]?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Versions:
    """Values of properties, each from an instant on.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``opportunity_id, at, field, value, line``, all but the last as text; those of one deal and field that have
        one instant stand in the order in which they were set.
    file : str
        Where they stand.
    kind : {"versions", "intervals", "entered"}
        History of properties, of stages only, or the last time each stage was entered.
    broken : tuple of Problem
        Entries that could not be read.
    exclusions : mapping of str to int
        Entries left aside, by reason.
    notes : tuple of str
        What they cannot tell.
    """

    frame: pd.DataFrame
    file: str
    kind: str
    broken: tuple[Problem, ...] = ()
    exclusions: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """Fields whose history is there."""
        return frozenset(self.frame["field"])


def read_versions(export: Export, deals: HubSpotDeals) -> tuple[Versions | None, tuple[str, ...]]:
    """Read the best history that an export has; None where it has none. Also say which was no use.

    Raises
    ------
    InputError
        If a file of it cannot be read.
    """
    notes: tuple[str, ...] = ()
    readers: tuple[Callable[[], Versions | None], ...] = (
        partial(_from_dump, deals),
        partial(_from_log, export),
        partial(_from_intervals, export),
        partial(_from_wide, deals),
    )
    for read in readers:
        found = read()
        if found is not None and "stage" in found.fields:
            return found, notes
        if found is not None:
            notes += (f"{found.file}: the history in it tells no stage of any deal and is not used",)
    return None, notes


def _from_dump(deals: HubSpotDeals) -> Versions | None:
    if deals.dump is None:
        return None
    rows: list[tuple[str, str, str, str, int]] = []
    broken: list[Problem] = []
    for record in deals.dump.records:
        deal = str(record.value.get("id") or record.value.get("dealId") or _property(record, "hs_object_id"))
        for name, entries in _histories(record):
            # Newest first, so that what has one instant comes out in the order in which it was set.
            for entry in reversed(entries):
                if isinstance(entry, dict) and entry.get("timestamp") not in (None, ""):
                    value = entry.get("value")
                    text = "" if value is None else str(value)
                    rows.append((deal, str(entry["timestamp"]), name, text, record.line))
                else:
                    told, mend = f"a version of {name} has no timestamp", "Export the history again."
                    broken.append(Problem("stage_history", told, mend, deals.dump.file, record.line, name))
    if not rows:
        return None
    return _tracked(pd.DataFrame(rows, columns=_COLUMNS), deals.dump.file, deals.zoned, broken=tuple(broken))


def _property(record: JsonRecord, name: str) -> object:
    properties = record.value.get("properties")
    return properties.get(name, "") if isinstance(properties, dict) else ""


def _histories(record: JsonRecord) -> Iterator[tuple[str, list[object]]]:
    """Yield the versions of each property, newest first; the oldest API keeps them beside the value."""
    for key in ("propertiesWithHistory", "properties_with_history"):
        found = record.value.get(key)
        if isinstance(found, dict):
            for name, entries in found.items():
                yield name, entries if isinstance(entries, list) else []
    properties = record.value.get("properties")
    for name, cell in properties.items() if isinstance(properties, dict) else ():
        if isinstance(cell, dict) and isinstance(cell.get("versions"), list):
            yield name, cell["versions"]


def _from_log(export: Export) -> Versions | None:
    raw = export.table(("deal_property_history", "deals_property_history", "property_history"), "stage_history")
    if raw is None:
        return None
    cells = property_names(raw.frame, _LOG_NAMES)
    frame = cells[["deal_id", "timestamp", "name", "value"]].set_axis(_COLUMNS[:4], axis=1).assign(line=raw.lines)
    return _tracked(frame, raw.file, zoned=True, broken=raw.broken, notes=raw.notes)


def _tracked(
    frame: pd.DataFrame, file: str, zoned: bool, broken: tuple[Problem, ...] = (), notes: tuple[str, ...] = ()
) -> Versions:
    """Keep the properties that matter, count the others, and put versions in order of time."""
    fields = frame["field"].map(dict(FIELDS)).astype("str")
    other = frame["field"][fields.isna()].value_counts(sort=False)
    exclusions = {f"history of a property that is not followed: {name}": int(rows) for name, rows in other.items()}
    kept = frame.assign(field=fields)[fields.notna()].astype(dict.fromkeys(_COLUMNS[:4], "str"))
    kept["at"] = stamps(kept["at"], zoned)
    return Versions(kept.reset_index(drop=True), file, "versions", broken, exclusions, notes)


def _from_intervals(export: Export) -> Versions | None:
    raw = export.table(("deal_stages", "deal_stage_history"), "stage_history")
    if raw is None:
        return None
    cells = property_names(raw.frame, _INTERVAL_NAMES)
    frame = pd.DataFrame({"opportunity_id": cells["deal_id"], "at": stamps(cells["date_entered"], zoned=True)})
    frame = frame.assign(field="stage", value=cells["value"], line=raw.lines)
    odd = int(cells["date_entered"].str.contains(SHORT_HOUR).sum())
    notes = (*raw.notes, f"{raw.file}: {odd:,} stamps with an hour of one digit were read") if odd else raw.notes
    note = f"{raw.file} tells of stages only; amounts, close dates and owners of the past are unknown"
    return Versions(frame, raw.file, "intervals", raw.broken, raw.exclusions, (*notes, note))


def _from_wide(deals: HubSpotDeals) -> Versions | None:
    """Make a version of the stage of each filled ``hs_v2_date_entered_<stage>``, else of the older property."""
    found = [(column, *_stage_of(column)) for column in deals.frame.columns if _stage_of(column)[1]]
    if not found:
        return None
    parts = []
    for column, _, stage in sorted(found, key=lambda one: one[1]):
        rows = np.flatnonzero((deals.frame[column] != "").to_numpy())
        parts.append(pd.DataFrame({"row": rows, "value": stage, "at": deals.frame[column].to_numpy()[rows]}))
    every = pd.concat(parts, ignore_index=True)
    long = every.drop_duplicates(["row", "value"]).sort_values("row", kind="stable", ignore_index=True)
    row = long["row"].to_numpy(dtype=np.int64)
    frame = pd.DataFrame({"opportunity_id": deals.frame["hs_object_id"].to_numpy()[row]}, dtype="str")
    frame["at"] = stamps(long["at"].astype("str"), deals.zoned)
    frame = frame.assign(field="stage", value=long["value"].astype("str"), line=deals.raw.lines[row])
    older = len(every) - len(long)
    notes = (
        f"{deals.raw.file}: stages are known by the date on which each was entered last; a deal that entered a stage "
        "twice keeps only one of the times, and amounts, close dates and owners of the past are unknown",
    )
    exclusions = {"the newer hs_v2_date_entered of the stage is there": older} if older else {}
    return Versions(frame, deals.raw.file, "entered", (), exclusions, notes)


def _stage_of(column: str) -> tuple[int, str]:
    """Return which generation of property a column is, and its stage; no stage for all other columns."""
    internal = _WIDE.fullmatch(column)
    if internal:
        return (0 if internal[1] else 1), internal[2]
    label = _WIDE_LABEL.fullmatch(column)
    if label:
        name = f"{label[2]} ({label[3]})" if label[3] else label[2]
        return (0 if label[1] != "'" else 1), name
    return 2, ""
