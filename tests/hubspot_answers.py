"""Answers of HubSpot's API written down by hand, and how they are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spmforecast.data import CrmOptions, History, read_history


def version(value: object, timestamp: object) -> dict[str, object]:
    return {"value": value, "timestamp": timestamp, "sourceType": "CRM_UI"}


def deal_of(name: str, past: dict[str, list[Any]] | None = None, **properties: object) -> dict[str, object]:
    plain = {"createdate": "2024-01-10T09:00:00Z", "dealstage": "appointmentscheduled", "hubspot_owner_id": "7"}
    return {"id": name, "properties": {**plain, **properties}, "propertiesWithHistory": past or {}}


def read_answers(folder: Path, deals: list[Any], options: CrmOptions | None = None, **files: Any) -> History:
    """Read deals (and other files) as answers of the API."""
    for name, content in {"deals": {"results": deals}, **files}.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    return read_history(folder, crm="hubspot", crm_options=options, max_rejected_share=1.0)
