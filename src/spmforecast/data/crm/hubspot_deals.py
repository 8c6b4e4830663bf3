"""HubSpot's deals, wherever they come from, under HubSpot's own property names, every cell as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from spmforecast.data.cells import blank, worded
from spmforecast.data.crm.jsonfiles import JsonRecord, JsonRecords, json_table
from spmforecast.data.crm.rebuilt import Export
from spmforecast.data.naming import find_name, fold_column
from spmforecast.data.sources import RawTable

__all__ = [
    "SHORT_HOUR",
    "HubSpotDeals",
    "bare_days",
    "flat",
    "property_names",
    "read_deals",
    "read_objects",
    "stamps",
    "truth",
]

_PREFIXES = ("property_", "properties_", "properties.")

_DEAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "hs_object_id": ("record id", "deal id", "deal_id", "id"),
    "dealname": ("deal name", "deal_name"),
    "pipeline": ("deal_pipeline_id", "pipeline_id", "deal pipeline"),
    "dealstage": ("deal_pipeline_stage_id", "deal stage", "stage_id"),
    "dealtype": ("deal type",),
    "amount": (),
    "amount_in_home_currency": ("amount in company currency", "amount in home currency"),
    "deal_currency_code": ("currency", "deal currency code"),
    "closedate": ("close date",),
    "createdate": ("create date", "createdat", "created_at"),
    "hubspot_owner_id": ("deal owner", "owner_id", "owner id", "hubspot owner"),
    "hs_is_closed": ("is deal closed?", "is deal closed", "is_closed"),
    "hs_is_closed_won": ("is closed won", "is closed won?", "is_closed_won"),
    "hs_deal_stage_probability": ("deal probability", "deal stage probability"),
    "hs_manual_forecast_category": ("forecast category", "hs_forecast_category"),
    "hs_merged_object_ids": ("merged record ids", "merged deal ids", "merged object ids"),
    "archived": ("is_deleted", "_fivetran_deleted", "deleted", "is deleted"),
    "company_id": ("associated company ids (primary)", "associated company ids", "associatedcompanyid", "company ids"),
}


@dataclass(frozen=True, eq=False)
class HubSpotDeals:
    """Deals as HubSpot has them.

    Parameters
    ----------
    raw : RawTable
        n deals; the columns of HubSpot's properties, those that matter here always there.
    dump : JsonRecords or None
        The answers of the API that they come from, with the history of properties.
    zoned : bool
        Whether stamps without a zone are UTC, as in warehouse copies.
    """

    raw: RawTable
    dump: JsonRecords | None
    zoned: bool

    @property
    def frame(self) -> pd.DataFrame:
        """The deals' cells."""
        return self.raw.frame


def read_deals(export: Export) -> HubSpotDeals | None:
    """Read the deals of an export; None where it has none.

    Raises
    ------
    InputError
        If their file cannot be read.
    """
    dump = export.dump(("deals", "deal"), "opportunities")
    raw = export.table(("deals", "deal"), "opportunities") if dump is None else None
    if dump is not None:
        raw = json_table(dump, "opportunities", flat)
    if raw is None:
        return None
    zoned = any(name.startswith((*_PREFIXES, "_fivetran", "_airbyte")) for name in raw.frame.columns)
    frame = property_names(raw.frame, _DEAL_NAMES)
    for name in ("createdate", "closedate"):
        frame[name] = stamps(frame[name], zoned)
    frame["closedate"] = bare_days(frame["closedate"])
    return HubSpotDeals(replace(raw, frame=frame), dump, zoned)


def read_objects(export: Export, wanted: tuple[str, ...], names: Mapping[str, tuple[str, ...]], table: str) -> RawTable:
    """Read objects other than deals, from a dump or a table; without rows where the export has none."""
    dump = export.dump(wanted, table)
    raw = export.table(wanted, table) if dump is None else json_table(dump, table, flat)
    if raw is None:
        raw = RawTable("", pd.DataFrame(), np.array([], dtype=np.int64))
    return replace(raw, frame=property_names(raw.frame, names))


def flat(record: JsonRecord) -> Mapping[str, object]:
    """Return an object's properties beside its own fields; of what is associated, the ids."""
    out: dict[str, object] = {}
    value = record.value
    properties = value.get("properties")
    for name, cell in properties.items() if isinstance(properties, dict) else ():
        # The oldest API wraps each value: {"value": ..., "timestamp": ...}.
        out[name] = cell.get("value") if isinstance(cell, dict) else cell
    for name, cell in value.items():
        if name == "associations" and isinstance(cell, dict):
            out |= {f"{_singular(kind)}_id": _first_id(found) for kind, found in cell.items()}
        elif name not in ("properties", "propertiesWithHistory", "properties_with_history"):
            out.setdefault(name, cell)
    return out


def _singular(kind: str) -> str:
    return {"companies": "company", "deals": "deal", "contacts": "contact"}.get(kind, kind)


def _first_id(found: object) -> object:
    """Return the id that is associated, the primary one where there are several."""
    results = found.get("results") if isinstance(found, dict) else found
    listed = [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
    primary = [one for one in listed if "primary" in str(one.get("type", "")).lower()]
    chosen = [*primary, *listed]
    return (chosen[0].get("id") or chosen[0].get("toObjectId")) if chosen else None


def property_names(frame: pd.DataFrame, names: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """Give columns HubSpot's names, as text.

    Parameters
    ----------
    frame : pandas.DataFrame
        n rows.
    names : mapping of str to tuple of str
        HubSpot's name: how else it is written.

    Returns
    -------
    pandas.DataFrame
        n rows with every name of `names`, empty where the file lacks it; other columns lose a warehouse's prefix.
    """
    frame = worded(frame, frame.columns)
    out: dict[str, pd.Series] = {}
    taken: set[str] = set()
    for name, others in names.items():
        candidates = (name, *(prefix + name for prefix in _PREFIXES), *others)
        free = [column for column in frame.columns if column not in taken]
        found = find_name(candidates, free, fold_column)
        taken |= set(found[:1])
        out[name] = frame[found[0]] if found else blank(frame.index)
    for column in frame.columns:
        bare = _bare(column)
        if column not in taken:
            out[column if bare in out else bare] = frame[column]
    return pd.DataFrame(out, index=frame.index)


def _bare(column: str) -> str:
    prefix = next((prefix for prefix in _PREFIXES if column.startswith(prefix)), "")
    return column.removeprefix(prefix)


_EPOCH = r"[0-9]{12,14}"
SHORT_HOUR = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?=[0-9]:)"
"""Where a stamp lacks the first digit of its hour."""

_LOCAL_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}[0-9:.]*$"


def stamps(cells: pd.Series, zoned: bool) -> pd.Series:
    """Write HubSpot's stamps as ISO 8601.

    Parameters
    ----------
    cells : pandas.Series
        Text: milliseconds since 1970, or stamps.
    zoned : bool
        Whether stamps without a zone are UTC; else they stay local.
    """
    epoch = cells.str.fullmatch(_EPOCH)
    if epoch.any():
        instants = pd.to_datetime(pd.to_numeric(cells.where(epoch), errors="coerce"), unit="ms", utc=True)
        cells = cells.mask(epoch, instants.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ").astype("str"))
    cells = cells.str.replace(r" UTC$", "Z", regex=True).str.replace(SHORT_HOUR, r"\g<0>0", regex=True)
    if zoned:
        cells = cells.mask(cells.str.match(_LOCAL_TIME), cells + "Z")
    return cells


def bare_days(cells: pd.Series) -> pd.Series:
    """Take midnight UTC as the day itself: that is how HubSpot keeps a close date given without a time."""
    return cells.str.replace(r"[T ]00:00(:00(\.0+)?)?(Z|\+00:?00)$", "", regex=True)


def truth(cells: pd.Series) -> pd.Series:
    """Return ``true``, ``false`` or empty text for the ways in which exports write these."""
    words = cells.str.strip().str.casefold()
    yes, no = words.isin(("true", "yes", "1", "t")), words.isin(("false", "no", "0", "f"))
    return blank(cells.index).mask(yes, "true").mask(no, "false")
