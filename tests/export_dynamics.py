"""The example company as Dynamics 365 would export it: Web API shape, view (Excel) shape, and an audit log."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

LABEL = "@OData.Community.Display.V1.FormattedValue"
STATES = {"open": "0", "won": "1", "lost": "2"}
REASONS = {"open": "1", "won": "3", "lost": "5"}
CATEGORIES = {"pipeline": "100000001", "best_case": "100000002", "commit": "100000003", "closed": "100000005",
              "omitted": "100000004"}  # fmt: skip


def guid(word: object) -> str:
    """An id as Dynamics has them, the same for the same word."""
    return "" if pd.isna(word) else str(uuid.uuid5(uuid.NAMESPACE_URL, str(word)))


def _guids(column: pd.Series) -> pd.Series:
    return column.map(guid).astype("str")


def _text(column: pd.Series) -> pd.Series:
    return column.map(lambda value: "" if pd.isna(value) else f"{value:.2f}").astype("str")


def _stamp(column: pd.Series) -> pd.Series:
    return column.map(lambda day: "" if pd.isna(day) else f"{day}T09:30:00Z").astype("str")


def web_api(tables: Mapping[str, pd.DataFrame], currency: str = "EUR") -> dict[str, pd.DataFrame]:
    """Tables by entity name, columns by logical name."""
    deals = tables["opportunities"]
    closed, won = deals["status"] != "open", deals["status"] == "won"
    amount = _text(deals["amount"])
    close = deals["close_date"].fillna("")
    hoped = _hoped(tables)
    opportunity = pd.DataFrame(
        {
            "@odata.etag": 'W/"1"',
            "opportunityid": _guids(deals["opportunity_id"]),
            "name": "Deal " + deals["opportunity_id"],
            "statecode": deals["status"].map(STATES),
            f"statecode{LABEL}": deals["status"].str.capitalize(),
            "statuscode": deals["status"].map(REASONS),
            "salesstage": "0",
            "stepname": deals["stage"],
            "msdyn_forecastcategory": deals["forecast_category"].map(CATEGORIES),
            "estimatedvalue": amount.where(~won, _text(hoped["amount"])),
            "estimatedvalue_base": amount.where(~won, _text(hoped["amount"])),
            "actualvalue": amount.where(won, ""),
            "actualvalue_base": amount.where(won, ""),
            "estimatedclosedate": close.where(~closed, hoped["close_date"].fillna("")),
            "actualclosedate": close.where(closed, ""),
            "closeprobability": "50",
            "createdon": _stamp(deals["created_date"]),
            "overriddencreatedon": "",
            "_ownerid_value": _guids(deals["owner_id"]),
            f"_ownerid_value{LABEL}": deals["owner_id"],
            "_parentaccountid_value": _guids(deals["account_id"]),
            "_territoryid_value": _guids(deals["territory_id"]),
            "leadsourcecode": deals["lead_source"],
            "_transactioncurrencyid_value": guid(currency),
            "exchangerate": "1",
            "region": deals["region"],
            "segment": deals["segment"],
            "product": deals["product"],
            "type": deals["type"],
            "modifiedon": "2030-01-01T00:00:00Z",
        }
    )
    return {
        "opportunity": opportunity,
        "systemuser": _users(tables["reps"]),
        "territory": _territories(tables["territories"]),
        "account": _accounts(tables["accounts"]),
        "activitypointer": _activities(tables["activities"]),
        "goal": _goals(tables["quotas"]),
        "transactioncurrency": pd.DataFrame({"transactioncurrencyid": [guid(currency)], "isocurrencycode": [currency]}),
    }


def _hoped(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Amount and close as they were expected last while each deal was open."""
    events = tables["stage_history"]
    last = events[events["status"] == "open"].drop_duplicates("opportunity_id", keep="last")
    return last.set_index("opportunity_id").reindex(tables["opportunities"]["opportunity_id"]).reset_index()


def _users(reps: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "systemuserid": _guids(reps["rep_id"]),
            "fullname": reps["name"],
            "title": reps["role"],
            "_territoryid_value": _guids(reps["territory_id"]),
            "_parentsystemuserid_value": _guids(reps["manager_id"]),
            "isdisabled": reps["end_date"].notna().map({True: "true", False: "false"}),
        }
    )


def _territories(territories: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "territoryid": _guids(territories["territory_id"]),
            "name": territories["name"],
            "_parentterritoryid_value": _guids(territories["parent_id"]),
        }
    )


def _accounts(accounts: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "accountid": _guids(accounts["account_id"]),
            "name": accounts["name"],
            "_ownerid_value": _guids(accounts["owner_id"]),
            "_territoryid_value": _guids(accounts["territory_id"]),
            "industrycode": "7",
            f"industrycode{LABEL}": accounts["industry"],
            "address1_latitude": accounts["latitude"],
            "address1_longitude": accounts["longitude"],
        }
    )


def _activities(activities: pd.DataFrame) -> pd.DataFrame:
    kinds = {"call": "phonecall", "email": "email", "meeting": "appointment"}
    of_deal = activities["opportunity_id"].notna()
    kind = of_deal.map({True: "opportunity", False: "account"}).where(of_deal | activities["account_id"].notna(), "")
    regarding = activities["opportunity_id"].fillna(activities["account_id"])
    return pd.DataFrame(
        {
            "activityid": _guids(activities["activity_id"]),
            "activitytypecode": activities["type"].map(kinds).fillna("task"),
            "actualend": _stamp(activities["date"]),
            "statecode": "1",
            "_ownerid_value": _guids(activities["rep_id"]),
            "_regardingobjectid_value": _guids(regarding),
            "_regardingobjectid_value@Microsoft.Dynamics.CRM.lookuplogicalname": kind,
        }
    )


def _goals(quotas: pd.DataFrame) -> pd.DataFrame:
    quarters = pd.PeriodIndex(quotas["period"], freq="Q")
    return pd.DataFrame(
        {
            "goalid": [guid(f"goal {place}") for place in range(len(quotas))],
            "_goalownerid_value": _guids(quotas["rep_id"]),
            # Midnight in Berlin, as the Web API tells it.
            "goalstartdate": [
                f"{stamp.tz_localize('Europe/Berlin').tz_convert('UTC'):%Y-%m-%dT%H:%M:%SZ}"
                for stamp in quarters.start_time
            ],
            "goalenddate": [
                f"{stamp.normalize().tz_localize('Europe/Berlin').tz_convert('UTC'):%Y-%m-%dT%H:%M:%SZ}"
                for stamp in quarters.end_time
            ],
            "targetmoney": quotas["quota"].astype("str"),
        }
    )


def view(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The opportunities as a view exports them: headers and labels."""
    deals = tables["opportunities"]
    closed, won = deals["status"] != "open", deals["status"] == "won"
    amount = _text(deals["amount"])
    close = deals["close_date"].fillna("")
    categories = {"pipeline": "Pipeline", "best_case": "Best case", "commit": "Committed", "closed": "Won",
                  "omitted": "Lost"}  # fmt: skip
    return pd.DataFrame(
        {
            "(Do Not Modify) Opportunity": _guids(deals["opportunity_id"]),
            "(Do Not Modify) Row Checksum": "x==",
            "(Do Not Modify) Modified On": "2030-01-01 00:00:00",
            "Topic": "Deal " + deals["opportunity_id"],
            "Account": deals["account_id"],
            "Owner": deals["owner_id"],
            "Status": deals["status"].str.capitalize(),
            "Status Reason": deals["status"].map({"open": "In Progress", "won": "Won", "lost": "Out-Sold"}),
            "Pipeline Phase": deals["stage"],
            "Forecast category": deals["forecast_category"].map(categories),
            "Est. Revenue": amount,
            "Actual Revenue": amount.where(won, ""),
            "Est. Close Date": close,
            "Actual Close Date": close.where(closed, ""),
            "Created On": deals["created_date"],
        }
    )


def audit(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The audit log: a row for each instant at which a deal changed, with everything that changed then."""
    rows: list[dict[str, str]] = []
    names = {"stage": "stepname", "status": "statecode", "amount": "estimatedvalue", "close_date": "estimatedclosedate",
             "owner_id": "ownerid", "forecast_category": "msdyn_forecastcategory"}  # fmt: skip
    for deal, events in tables["stage_history"].groupby("opportunity_id", sort=False):
        before: dict[str, str] = {}
        for event in events.to_dict("records"):
            now = {name: _told(name, event[column]) for column, name in names.items()}
            if event["status"] != "open":
                # A closing leaves alone what was hoped for and says what came.
                now["actualclosedate"] = now.pop("estimatedclosedate")
            if event["status"] == "won":
                now["actualvalue"] = now.pop("estimatedvalue")
            changed = [
                {"logicalName": name, "oldValue": before.get(name), "newValue": value}
                for name, value in now.items()
                if before.get(name) != value
            ]
            rows.append(
                {
                    "auditid": guid(f"audit {len(rows)}"),
                    "createdon": f"{event['entered_date']}T09:30:00Z",
                    "_objectid_value": guid(deal),
                    "objecttypecode": "opportunity",
                    "operation": "2" if before else "1",
                    "changedata": json.dumps({"changedAttributes": changed}),
                }
            )
            before |= now
    return pd.DataFrame(rows)


def _told(name: str, value: object) -> str:
    """Write a value as an audit row does."""
    if pd.isna(value):
        return ""
    if name == "statecode":
        return STATES[str(value)]
    if name == "msdyn_forecastcategory":
        return CATEGORIES[str(value)]
    if name == "ownerid":
        return f"systemuser,{guid(value)}"
    if name in ("estimatedvalue", "actualvalue"):
        return f"{float(str(value)):.4f}"
    if name in ("estimatedclosedate", "actualclosedate"):
        return f"{pd.Timestamp(str(value)):%m/%d/%Y} 00:00:00"
    return str(value)


def write(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write each table as a CSV file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
