"""Answers of Pipedrive's API written down by hand, and how they are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spmforecast.data import CrmOptions, History, read_history


def deal_of(name: int, **more: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "id": name,
        "title": f"Deal {name}",
        "value": 100,
        "currency": "EUR",
        "status": "open",
        "pipeline_id": 1,
        "stage_id": 1,
        "stage_change_time": None,
        "add_time": "2024-01-10 09:00:00",
        "expected_close_date": "2024-03-31",
        "user_id": {"id": 7, "name": "Ann Lee", "value": 7},
    }
    return {**plain, **more}


def change(deal: int, at: str, field: str, old: object, new: object) -> dict[str, object]:
    data = {"item_id": deal, "field_key": field, "old_value": old, "new_value": new, "log_time": at, "user_id": 7}
    return {"object": "dealChange", "timestamp": at, "data": data}


STAGES = [{"id": key, "name": name, "order_nr": key, "pipeline_id": 1} for key, name in ((1, "Talk"), (2, "Offer"))]


def read_answers(
    folder: Path, deals: list[Any], flow: Any = None, options: CrmOptions | None = None, zone: str = "UTC", **files: Any
) -> History:
    """Read deals (and other files) as answers of the API."""
    contents = {"deals": deals, "stages": STAGES, **({} if flow is None else {"flow": flow}), **files}
    for name, content in contents.items():
        answer = content if isinstance(content, dict) else {"success": True, "data": content}
        (folder / f"{name}.json").write_text(json.dumps(answer, indent=1), encoding="utf-8")
    return read_history(folder, crm="pipedrive", crm_options=options, max_rejected_share=1.0, timezone=zone)
