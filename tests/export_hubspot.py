"""Writes canonical tables as HubSpot would export them: answers of its API, or a CSV file of deals in wide form."""

from __future__ import annotations

import json

import pandas as pd

STAGES = {
    "Prospecting": "appointmentscheduled",
    "Qualification": "qualifiedtobuy",
    "Proposal": "presentationscheduled",
    "Negotiation": "contractsent",
    "Closed Won": "closedwon",
    "Closed Lost": "closedlost",
}
CHANCES = {"Prospecting": 0.2, "Qualification": 0.4, "Proposal": 0.6, "Negotiation": 0.8, "Closed Won": 1.0}
CATEGORIES = {
    "pipeline": "PIPELINE",
    "best_case": "BEST_CASE",
    "commit": "COMMIT",
    "closed": "CLOSED",
    "omitted": "OMIT",
}
TYPES = {"new": "newbusiness", "expansion": "existingbusiness"}
CUSTOM = ("territory_id", "region", "segment", "product", "lead_source", "list_price", "discount")
HISTORY = {
    "dealstage": "stage",
    "amount": "amount",
    "closedate": "close_date",
    "hubspot_owner_id": "owner_id",
    "hs_manual_forecast_category": "forecast_category",
}


def word(value):
    """HubSpot gives every value as text."""
    return None if pd.isna(value) else str(value)


def clocked(events):
    """Give events of one day hours of their own, as a CRM would have them."""
    hour = 9 + events.groupby(["opportunity_id", "entered_date"]).cumcount()
    return events.assign(at=events["entered_date"] + "T" + hour.astype(str).str.zfill(2) + ":00:00.000Z")


def versions(events):
    """Newest first, and only where the value changed."""
    out = {}
    for name, column in HISTORY.items():
        found, last = [], object()
        for at, value in zip(events["at"], events[column], strict=True):
            text = property_of(column, value)
            if text != last:
                found.append({"value": text, "timestamp": at, "sourceType": "CRM_UI", "sourceId": "userId:1"})
                last = text
        out[name] = found[::-1]
    return out


def property_of(column, value):
    if pd.isna(value):
        return ""
    if column == "stage":
        return STAGES[value]
    if column == "forecast_category":
        return CATEGORIES[value]
    return f"{value}T00:00:00Z" if column == "close_date" else str(value)


def deal_properties(deal, created):
    own = {
        "hs_object_id": deal["opportunity_id"],
        "dealname": f"Deal {deal['opportunity_id']}",
        "pipeline": "default",
        "dealstage": STAGES[deal["stage"]],
        "dealtype": TYPES[deal["type"]],
        "amount": word(deal["amount"]),
        "closedate": None if pd.isna(deal["close_date"]) else f"{deal['close_date']}T00:00:00Z",
        "createdate": created,
        "hubspot_owner_id": deal["owner_id"],
        "hs_is_closed": str(deal["status"] != "open").lower(),
        "hs_is_closed_won": str(deal["status"] == "won").lower(),
        "hs_manual_forecast_category": CATEGORIES[deal["forecast_category"]],
        "hs_lastmodifieddate": "2026-01-01T00:00:00.000Z",
    }
    return own | {name: word(deal[name]) for name in CUSTOM}


def pipelines():
    stages = [
        {
            "id": key,
            "label": label,
            "displayOrder": place,
            "metadata": {
                "isClosed": str(label.startswith("Closed")).lower(),
                "probability": str(CHANCES.get(label, 0.0)),
            },
            "archived": False,
        }
        for place, (label, key) in enumerate(STAGES.items())
    ]
    return {"results": [{"id": "default", "label": "Sales Pipeline", "displayOrder": 0, "stages": stages}]}


def api_deals(tables):
    events = clocked(tables["stage_history"])
    by_deal = dict(list(events.groupby("opportunity_id", sort=False)))
    results = []
    for deal in tables["opportunities"].to_dict("records"):
        own = by_deal[deal["opportunity_id"]]
        created = own["at"].iloc[0]
        results.append(
            {
                "id": deal["opportunity_id"],
                "properties": deal_properties(deal, created),
                "propertiesWithHistory": versions(own),
                "createdAt": created,
                "updatedAt": "2026-01-01T00:00:00.000Z",
                "archived": False,
                "associations": {"companies": {"results": [{"id": deal["account_id"], "type": "deal_to_company"}]}},
            }
        )
    return {"results": results}


def owners(tables):
    found = []
    for rep in tables["reps"].to_dict("records"):
        first, last = rep["name"].split(" ", 1)
        found.append(
            {"id": rep["rep_id"], "email": "x@example.com", "firstName": first, "lastName": last, "archived": False}
        )
    return {"results": found}


def companies(tables):
    names = ("name", "industry", "territory_id", "segment", "potential", "workload", "latitude", "longitude")
    return {
        "results": [
            {
                "id": account["account_id"],
                "properties": {name: word(account[name]) for name in names} | {"hubspot_owner_id": account["owner_id"]},
                "archived": False,
            }
            for account in tables["accounts"].to_dict("records")
        ]
    }


def engagements(tables, kind):
    rows = tables["activities"][tables["activities"]["type"] == kind]
    return {
        "results": [
            {
                "id": row["activity_id"],
                "properties": {"hs_timestamp": f"{row['date']}T09:00:00Z", "hubspot_owner_id": word(row["rep_id"])},
                "associations": {
                    name: {"results": [{"id": row[column], "type": f"{kind}_to_{name}"}]}
                    for name, column in (("deals", "opportunity_id"), ("companies", "account_id"))
                    if not pd.isna(row[column])
                },
            }
            for row in rows.to_dict("records")
        ]
    }


def write_json(folder, name, content):
    (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def export_api(tables, folder):
    """Write a folder of the API's answers; what HubSpot does not keep stands beside as canonical tables."""
    write_json(folder, "deals.json", api_deals(tables))
    write_json(folder, "pipelines.json", pipelines())
    write_json(folder, "owners.json", owners(tables))
    write_json(folder, "companies.json", companies(tables))
    for kind in ("call", "meeting", "email"):
        write_json(folder, f"{kind}s.json", engagements(tables, kind))
    for name in ("plan", "quotas", "territories"):
        tables[name].to_csv(folder / f"{name}.csv", index=False)


def wide_deals(tables):
    """Deals with the last time at which each stage was entered."""
    events = clocked(tables["stage_history"])
    first = events.drop_duplicates("opportunity_id").set_index("opportunity_id")["at"]
    began = events[events["stage"] != events.groupby("opportunity_id")["stage"].shift()]
    last = began.drop_duplicates(["opportunity_id", "stage"], keep="last")
    entered = last.set_index(["stage", "opportunity_id"])["at"]
    deals = pd.DataFrame(
        [deal_properties(deal, first[deal["opportunity_id"]]) for deal in tables["opportunities"].to_dict("records")]
    )
    for stage, key in STAGES.items():
        deals[f"hs_v2_date_entered_{key}"] = deals["hs_object_id"].map(entered.loc[stage])
    return deals


def export_wide(tables, folder):
    """Write one CSV file of deals with internal names."""
    wide_deals(tables).to_csv(folder / "hubspot-crm-exports-all-deals-2025-07-01.csv", index=False)
