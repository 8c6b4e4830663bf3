"""Writes canonical tables as Salesforce would export them: objects by API names, a report, or a warehouse's copy."""

from __future__ import annotations

import numpy as np
import pandas as pd

CATEGORIES = {
    "pipeline": ("Pipeline", "Pipeline"),
    "best_case": ("BestCase", "Best Case"),
    "commit": ("Forecast", "Commit"),
    "closed": ("Closed", "Closed"),
    "omitted": ("Omitted", "Omitted"),
}
TYPES = {"new": "New Business", "expansion": "Existing Business", "renewal": "Renewal"}
TASKS = {
    "call": ("Call", "Call"),
    "email": ("Email", "Email"),
    "proposal_sent": ("Proposal Sent", "Task"),
    "proposal_accepted": ("Proposal Accepted", "Task"),
    "referral_given": ("Referral Given", "Task"),
    "referral_received": ("Referral Received", "Task"),
    "event": ("Trade Show", "Task"),
    "coaching": ("Coaching", "Task"),
}
CUSTOM = {
    "territory_id": "Territory__c",
    "region": "Region__c",
    "segment": "Segment__c",
    "product": "Product__c",
    "list_price": "List_Price__c",
    "discount": "Discount__c",
}
FIELDS = {"stage": "StageName", "amount": "Amount", "close_date": "CloseDate", "owner_id": "Owner"}


def stamp(days):
    """The midnight of a day as the API writes it."""
    return days.map(lambda day: "" if pd.isna(day) else f"{day}T00:00:00.000+0000").astype("str")


def clocked(events):
    """Give events of one day instants of their own, an hour apart."""
    hour = events.groupby(["opportunity_id", "entered_date"]).cumcount()
    return events["entered_date"] + "T" + hour.astype(str).str.zfill(2) + ":00:00.000+0000"


def flags(status):
    return status.ne("open").map({True: "true", False: "false"}), status.eq("won").map({True: "true", False: "false"})


def category(column, place):
    return column.map({word: names[place] for word, names in CATEGORIES.items()})


def opportunity(deals):
    closed, won = flags(deals["status"])
    out = pd.DataFrame(
        {
            "Id": deals["opportunity_id"],
            "IsDeleted": "false",
            "AccountId": deals["account_id"],
            "Name": "Deal " + deals["opportunity_id"],
            "StageName": deals["stage"],
            "Amount": deals["amount"],
            "Probability": np.where(won == "true", "100", "10"),
            "ExpectedRevenue": deals["amount"],
            "CloseDate": deals["close_date"],
            "Type": deals["type"].map(TYPES),
            "LeadSource": deals["lead_source"],
            "IsClosed": closed,
            "IsWon": won,
            "ForecastCategory": category(deals["forecast_category"], 0),
            "ForecastCategoryName": category(deals["forecast_category"], 1),
            "OwnerId": deals["owner_id"],
            "CreatedDate": stamp(deals["created_date"]),
            "LastModifiedDate": "2025-07-01T04:00:00.000+0000",
            "SystemModstamp": "2025-07-01T04:00:00.000+0000",
            "FiscalYear": deals["close_date"].str[:4],
        }
    )
    return out.assign(**{name: deals[column] for column, name in CUSTOM.items()})


def opportunity_history(events):
    return pd.DataFrame(
        {
            "Id": [f"008{row:015d}" for row in range(len(events))],
            "OpportunityId": events["opportunity_id"],
            "CreatedById": events["owner_id"],
            "CreatedDate": clocked(events),
            "StageName": events["stage"],
            "Amount": events["amount"],
            "ExpectedRevenue": events["amount"],
            "CloseDate": events["close_date"],
            "Probability": "10",
            "ForecastCategory": category(events["forecast_category"], 0),
            "IsDeleted": "false",
            "PrevAmount": events.groupby("opportunity_id")["amount"].shift(),
            "PrevCloseDate": events.groupby("opportunity_id")["close_date"].shift(),
        }
    )


def field_history(events, names, fields):
    """A row a change; two for a change of owner, one with ids and one with names; and one for each creation."""
    events = events.assign(at=clocked(events), forecast=category(events["forecast_category"], 1))
    before = events.groupby("opportunity_id").shift()
    first = ~events["opportunity_id"].duplicated()
    rows = [(key, at, "created", "", "", "Text") for key, at in events.loc[first, ["opportunity_id", "at"]].to_numpy()]
    for column, field in {**FIELDS, "forecast": "ForecastCategoryName"}.items():
        changed = events[~first & (events[column] != before[column])]
        if field not in fields:
            continue
        old, new = before.loc[changed.index, column], changed[column]
        cells = list(zip(changed["opportunity_id"], changed["at"], old, new, strict=True))
        if field == "Owner":
            rows += [(key, at, field, names.get(a, a), names.get(b, b), "Text") for key, at, a, b in cells]
            rows += [(key, at, field, a, b, "EntityId") for key, at, a, b in cells]
        else:
            rows += [(key, at, field, a, b, "Text") for key, at, a, b in cells]
    out = pd.DataFrame(rows, columns=["OpportunityId", "CreatedDate", "Field", "OldValue", "NewValue", "DataType"])
    out = out.sort_values("CreatedDate", kind="stable", ignore_index=True)
    return out.assign(Id=[f"017{row:015d}" for row in range(len(out))], IsDeleted="false", CreatedById="")


def people(tables):
    reps = tables["reps"]
    roles = {role: f"00E{place:015d}" for place, role in enumerate(sorted(reps["role"].unique()))}
    places = reps[reps["territory_id"].notna()]
    return {
        "User": pd.DataFrame(
            {
                "Id": reps["rep_id"],
                "Name": reps["name"],
                "UserType": "Standard",
                "IsActive": reps["end_date"].isna().map({True: "true", False: "false"}),
                "LastLoginDate": stamp(reps["end_date"].fillna("2025-06-30")),
                "ManagerId": reps["manager_id"],
                "UserRoleId": reps["role"].map(roles),
                "CreatedDate": stamp(reps["hire_date"]),
            }
        ),
        "UserRole": pd.DataFrame({"Id": list(roles.values()), "Name": list(roles)}),
        "UserTerritory2Association": pd.DataFrame({"UserId": places["rep_id"], "Territory2Id": places["territory_id"]}),
        "Territory2": tables["territories"].set_axis(["Id", "Name", "ParentTerritory2Id"], axis=1),
    }


def quotas(tables):
    frame = tables["quotas"]
    year, quarter = frame["period"].str[:4], frame["period"].str[5].astype(int)
    return pd.DataFrame(
        {
            "Id": [f"0J9{row:015d}" for row in range(len(frame))],
            "QuotaOwnerId": frame["rep_id"],
            "QuotaAmount": frame["quota"],
            "StartDate": year + "-" + (3 * quarter - 2).astype(str).str.zfill(2) + "-01",
            "ForecastingTypeId": "0Db000000000001AAA",
            "IsAmount": "true",
            "IsQuantity": "false",
        }
    )


def activities(tables):
    frame = tables["activities"]
    held = frame["type"] == "meeting"
    task, event = frame[~held], frame[held]
    what = frame["opportunity_id"].fillna("")
    return {
        "Task": pd.DataFrame(
            {
                "Id": task["activity_id"],
                "OwnerId": task["rep_id"],
                "WhatId": what[~held],
                "AccountId": task["account_id"],
                "ActivityDate": task["date"],
                "Status": "Completed",
                "IsClosed": "true",
                "Type": task["type"].map(lambda kind: TASKS[kind][0]),
                "TaskSubtype": task["type"].map(lambda kind: TASKS[kind][1]),
                "IsDeleted": "false",
            }
        ),
        "Event": pd.DataFrame(
            {
                "Id": event["activity_id"],
                "OwnerId": event["rep_id"],
                "WhatId": what[held],
                "AccountId": event["account_id"],
                "StartDateTime": stamp(event["date"]),
                "IsDeleted": "false",
            }
        ),
    }


def accounts(tables):
    frame = tables["accounts"]
    return pd.DataFrame(
        {
            "Id": frame["account_id"],
            "Name": frame["name"],
            "OwnerId": frame["owner_id"],
            "Industry": frame["industry"],
            "BillingLatitude": frame["latitude"],
            "BillingLongitude": frame["longitude"],
            "Territory__c": frame["territory_id"],
            "Segment__c": frame["segment"],
            "Potential__c": frame["potential"],
            "Workload__c": frame["workload"],
            "IsDeleted": "false",
        }
    )


def objects(tables, logs=("OpportunityHistory", "OpportunityFieldHistory"), fields=None):
    """Every object by its API name."""
    names = dict(zip(tables["reps"]["rep_id"], tables["reps"]["name"], strict=True))
    events = tables["stage_history"]
    followed = (*FIELDS.values(), "ForecastCategoryName") if fields is None else fields
    out = {"Opportunity": opportunity(tables["opportunities"])}
    if "OpportunityHistory" in logs:
        out["OpportunityHistory"] = opportunity_history(events)
    if "OpportunityFieldHistory" in logs:
        out["OpportunityFieldHistory"] = field_history(events, names, followed)
    out |= people(tables)
    out["ForecastingQuota"] = quotas(tables)
    out["Account"] = accounts(tables)
    out |= activities(tables)
    return out


def american(days):
    """Days as a report of an American user writes them."""
    return days.map(lambda day: "" if pd.isna(day) else f"{int(day[5:7])}/{int(day[8:10])}/{day[:4]}").astype("str")


def report(tables):
    """A report of opportunities, with its labels."""
    deals = tables["opportunities"]
    names = dict(zip(tables["reps"]["rep_id"], tables["reps"]["name"], strict=True))
    closed, won = flags(deals["status"])
    return pd.DataFrame(
        {
            "Opportunity ID": deals["opportunity_id"],
            "Opportunity Owner": deals["owner_id"].map(names),
            "Account Name": deals["account_id"],
            "Opportunity Name": "Deal " + deals["opportunity_id"],
            "Stage": deals["stage"],
            "Amount": deals["amount"],
            "Close Date": american(deals["close_date"]),
            "Created Date": american(deals["created_date"]),
            "Type": deals["type"].map(TYPES),
            "Lead Source": deals["lead_source"],
            "Forecast Category": category(deals["forecast_category"], 1),
            "Closed": closed.map({"true": "1", "false": "0"}),
            "Won": won.map({"true": "1", "false": "0"}),
            "Age": "12",
        }
    )


def snake(frame):
    """Columns as a warehouse writes them."""
    names = {name: "".join(f"_{a.lower()}" if a.isupper() else a for a in name).lstrip("_") for name in frame.columns}
    names |= {name: name.removesuffix("__c").lower() + "_c" for name in frame.columns if name.endswith("__c")}
    return frame.rename(columns=names)


def fivetran(tables):
    """Objects and the versions of opportunities as Fivetran keeps them, stamps without a zone."""
    deals, events = tables["opportunities"], tables["stage_history"]
    at = clocked(events).str.replace("T", " ").str.removesuffix(".000+0000")
    closed, won = flags(events["status"])
    last = ~events["opportunity_id"].duplicated(keep="last")
    until = at.groupby(events["opportunity_id"]).shift(-1)
    ends = (pd.to_datetime(until) - pd.Timedelta(seconds=1)).dt.strftime("%Y-%m-%d %H:%M:%S")
    versions = pd.DataFrame(
        {
            "_fivetran_active": last.map({True: "true", False: "false"}),
            "_fivetran_start": at,
            "_fivetran_end": ends.fillna("9999-12-31 23:59:59"),
            "_fivetran_synced": "2025-07-01 04:00:00",
            "id": events["opportunity_id"],
            "stage_name": events["stage"],
            "amount": events["amount"],
            "close_date": events["close_date"] + " 00:00:00",
            "forecast_category": category(events["forecast_category"], 0),
            "forecast_category_name": category(events["forecast_category"], 1),
            "owner_id": events["owner_id"],
            "is_closed": closed,
            "is_won": won,
            "is_deleted": "false",
        }
    )
    now = snake(opportunity(deals)).assign(_fivetran_synced="2025-07-01 04:00:00", _fivetran_active="true")
    now["created_date"] = deals["created_date"] + " 00:00:00"
    now["close_date"] = deals["close_date"].map(lambda day: "" if pd.isna(day) else f"{day} 00:00:00")
    users = snake(people(tables)["User"]).assign(_fivetran_synced="2025-07-01 04:00:00")
    return {"sf_opportunity_data": now, "sf_opportunity_history_data": versions, "sf_user_data": users}
