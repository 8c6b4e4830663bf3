"""HubSpot's owners, companies and engagements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from spmforecast.data.crm.hubspot_deals import read_objects, stamps
from spmforecast.data.crm.rebuilt import Export
from spmforecast.data.sources import RawTable

__all__ = ["read_others"]

_OWNER_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("owner_id", "ownerid", "hubspot_owner_id"),
    "first_name": ("firstname", "first name"),
    "last_name": ("lastname", "last name"),
    "email": (),
}
_COMPANY_NAMES: Mapping[str, tuple[str, ...]] = {
    "hs_object_id": ("record id", "company id", "company_id", "id"),
    "name": ("company name", "company_name"),
    "industry": (),
    "hubspot_owner_id": ("company owner", "owner_id"),
    "archived": ("is_deleted", "_fivetran_deleted", "deleted"),
}
_ENGAGEMENT_NAMES: Mapping[str, tuple[str, ...]] = {
    "hs_object_id": ("record id", "engagement_id", "id"),
    "hs_timestamp": ("activity date", "timestamp", "date"),
    "hubspot_owner_id": ("activity assigned to", "owner_id", "owner"),
    "deal_id": ("associated deal ids", "associated deal"),
    "company_id": ("associated company ids (primary)", "associated company ids"),
    "archived": ("is_deleted", "_fivetran_deleted", "deleted"),
}
_ENGAGEMENTS = {"calls": "call", "meetings": "meeting", "emails": "email"}


def read_others(export: Export) -> dict[str, RawTable]:
    """Read what stands beside the deals, as far as an export has it.

    Returns
    -------
    dict of str to RawTable
        ``hubspot_owners``, ``hubspot_companies``, ``hubspot_calls``, ``hubspot_meetings``, ``hubspot_emails``.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    out = {
        "hubspot_owners": _owners(export),
        "hubspot_companies": read_objects(export, ("companies",), _COMPANY_NAMES, "accounts"),
    }
    engagements = {
        kind: read_objects(export, (kind, f"engagement_{kind}"), _ENGAGEMENT_NAMES, "activities")
        for kind in _ENGAGEMENTS
    }
    ids = pd.concat([raw.frame["hs_object_id"] for raw in engagements.values()])
    for kind, raw in engagements.items():
        frame = raw.frame.assign(hs_timestamp=stamps(raw.frame["hs_timestamp"], zoned=True))
        notes = raw.notes
        if ids.duplicated().any():
            # HubSpot numbers each kind of engagement by itself.
            frame = frame.assign(hs_object_id=_ENGAGEMENTS[kind] + "-" + frame["hs_object_id"])
        out[f"hubspot_{kind}"] = replace(raw, frame=frame, notes=notes)
    return {name: raw for name, raw in out.items() if raw.file}


def _owners(export: Export) -> RawTable:
    raw = read_objects(export, ("owners", "owner", "users"), _OWNER_NAMES, "reps")
    name = (raw.frame["first_name"] + " " + raw.frame["last_name"]).str.strip()
    frame = raw.frame.assign(name=name.where(name != "", raw.frame["email"]))
    return replace(raw, frame=frame.drop(columns=["first_name", "last_name"]))
