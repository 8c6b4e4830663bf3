"""Writes canonical tables as Pipedrive's API would answer: deals, their flow, stages, users and the rest."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise

import pandas as pd

STAGES = {"Prospecting": 1, "Qualification": 2, "Proposal": 3, "Negotiation": 4}
CUSTOM = ("territory_id", "region", "segment", "product", "lead_source", "type", "list_price", "discount")
CLOSED = ("won", "lost")
FOLLOWED = {
    "stage_id": "stage",
    "status": "status",
    "value": "amount",
    "expected_close_date": "expected",
    "user_id": "owner_id",
}


def key_of(name):
    """Custom fields have keys of forty hexadecimal digits."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def plain(value):
    return None if pd.isna(value) else value


def lived(events):
    """The history as Pipedrive could have lived it: a closed deal stays in its last stage, its expected close too.

    Events of one day get hours of their own.
    """
    events = events.copy()
    closed = events["status"].isin(CLOSED)
    deal = events["opportunity_id"]
    events["stage"] = events["stage"].mask(closed).groupby(deal).ffill()
    events["expected"] = events["close_date"].mask(closed).groupby(deal).ffill()
    hour = 9 + events.groupby(["opportunity_id", "entered_date"]).cumcount()
    return events.assign(at=events["entered_date"] + " " + hour.astype(str).str.zfill(2) + ":00:00")


def value_of(field, row):
    value = plain(row[FOLLOWED[field]])
    return STAGES[value] if field == "stage_id" and value is not None else value


def flow_of(rows):
    """Newest first, as the API has it; what was so from the creation is not told."""
    items = []
    for before, after in pairwise(rows):
        for field in FOLLOWED:
            old, new = value_of(field, before), value_of(field, after)
            if old != new:
                data = {
                    "id": len(items) + 1,
                    "item_id": after["opportunity_id"],
                    "user_id": "1",
                    "field_key": field,
                    "old_value": None if old is None else str(old),
                    "new_value": None if new is None else str(new),
                    "log_time": after["at"],
                }
                items.append({"object": "dealChange", "timestamp": after["at"], "data": data})
    return items[::-1]


def deal_of(deal, rows):
    last = rows[-1]
    closing = dict.fromkeys(CLOSED)
    if deal["status"] in CLOSED:
        closing[deal["status"]] = [row for row in rows if row["status"] == deal["status"]][-1]["at"]
    changes = [after["at"] for before, after in pairwise(rows) if before["stage"] != after["stage"]]
    own = {
        "id": deal["opportunity_id"],
        "title": f"Deal {deal['opportunity_id']}",
        "value": plain(deal["amount"]),
        "currency": "EUR",
        "status": deal["status"],
        "pipeline_id": 1,
        "stage_id": STAGES[last["stage"]],
        "stage_change_time": changes[-1] if changes else None,
        "probability": None,
        "expected_close_date": plain(last["expected"]),
        "add_time": rows[0]["at"],
        "update_time": "2026-01-01 00:00:00",
        "close_time": closing["won"] or closing["lost"],
        "won_time": closing["won"],
        "lost_time": closing["lost"],
        "lost_reason": "price" if deal["status"] == "lost" else None,
        "user_id": {"id": deal["owner_id"], "name": "Somebody", "email": "x@example.com", "value": deal["owner_id"]},
        "org_id": {"name": "Some company", "owner_id": deal["owner_id"], "value": deal["account_id"]},
        "activities_count": 3,
    }
    return own | {key_of(name): plain(deal[name]) for name in CUSTOM}


def answer(data):
    return {"success": True, "data": data, "additional_data": {"pagination": {"start": 0, "limit": 500}}}


def write_json(folder, name, content):
    (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def export_api(tables, folder, flow="by id"):
    """Write a folder of the API's answers.

    The flow stands in one file, by id of deal or (``flow="lines"``) an item a line, in a file a deal
    (``flow="files"``), or nowhere (``flow=""``).
    """
    by_deal = {
        deal: rows.to_dict("records")
        for deal, rows in lived(tables["stage_history"]).groupby("opportunity_id", sort=False)
    }
    deals = [deal_of(deal, by_deal[deal["opportunity_id"]]) for deal in tables["opportunities"].to_dict("records")]
    write_json(folder, "deals.json", answer(deals))
    names = [{"id": 1, "name": "Pipeline", "active": True}]
    write_json(folder, "pipelines.json", answer(names))
    stages = [{"id": key, "name": name, "order_nr": key, "pipeline_id": 1} for name, key in STAGES.items()]
    write_json(folder, "stages.json", answer(stages))
    fields = [{"key": key_of(name), "name": name, "field_type": "varchar"} for name in CUSTOM]
    write_json(folder, "dealFields.json", answer(fields))
    write_flow(folder, {deal: flow_of(rows) for deal, rows in by_deal.items()}, flow)
    write_others(tables, folder)


def write_flow(folder, flows, how):
    # Ids of real deals are numbers.
    if how == "by id":
        write_json(folder, "flow.json", answer([item for items in flows.values() for item in items]))
    if how == "lines":
        lines = [json.dumps(item) for items in flows.values() for item in items]
        (folder / "flow.jsonl").write_text("\n".join(lines), encoding="utf-8")
    if how == "files":
        for number, items in enumerate(flows.values()):
            write_json(folder, f"flow_{number}.json", answer(items))


def write_others(tables, folder):
    users = [
        {"id": rep["rep_id"], "name": rep["name"], "active_flag": True} for rep in tables["reps"].to_dict("records")
    ]
    write_json(folder, "users.json", answer(users))
    columns = ("name", "industry", "territory_id", "segment", "potential", "workload", "latitude", "longitude")
    organisations = [
        {"id": row["account_id"], "owner_id": {"id": row["owner_id"], "name": "Somebody"}, "active_flag": True}
        | {name: plain(row[name]) for name in columns}
        for row in tables["accounts"].to_dict("records")
    ]
    write_json(folder, "organizations.json", answer(organisations))
    activities = [
        {
            "id": row["activity_id"],
            "type": row["type"],
            "done": True,
            "due_date": row["date"],
            "marked_as_done_time": f"{row['date']} 12:00:00",
            "user_id": plain(row["rep_id"]),
            "deal_id": plain(row["opportunity_id"]),
            "org_id": plain(row["account_id"]),
        }
        for row in tables["activities"].to_dict("records")
    ]
    write_json(folder, "activities.json", answer(activities))
    for name in ("plan", "quotas", "territories"):
        tables[name].to_csv(folder / f"{name}.csv", index=False)
