"""Dynamics 365 as the Web API answers: JSON instead of tables; and fields that tell how deals ended."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from spmforecast.data import History, read_history

DEALS = [
    {"opportunityid": "O1", "_ownerid_value": "U1", "createdon": "2024-01-02T09:00:00Z", "statecode": 1,
     "statuscode": 3, "actualvalue": 12.5, "actualclosedate": "2024-02-02", "new_loss_reason": None},
    {"opportunityid": "O2", "_ownerid_value": "U1", "createdon": "2024-01-12T09:00:00Z", "statecode": 2,
     "statuscode": 5, "estimatedvalue": 7, "actualclosedate": "2024-02-12", "new_loss_reason": "Price"},
]  # fmt: skip


def _audit(deal: str, at: str, *changes: dict[str, str]) -> dict[str, str]:
    told = json.dumps({"changedAttributes": list(changes)})
    return {"createdon": at, "_objectid_value": deal, "objecttypecode": "opportunity", "changedata": told}


MOVE = {"logicalName": "stepname", "oldValue": "1-Qualify", "newValue": "2-Develop"}


@pytest.fixture
def history(tmp_path: Path) -> History:
    audits = [_audit("O9", "2024-01-05T09:00:00Z"), _audit("O2", "2024-02-01T09:00:00Z", MOVE)]
    users = [{"systemuserid": "U1", "fullname": "Ann"}]
    for name, records in {"opportunities": DEALS, "audits": audits, "systemusers": users}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"@odata.context": "x", "value": records}))
    return read_history(tmp_path, crm="dynamics")


def test_answers_of_the_web_api_are_read(history: History) -> None:
    deals = history.opportunities
    assert deals[["opportunity_id", "status", "amount"]].values.tolist() == [["O1", "won", 12.5], ["O2", "lost", 7.0]]
    assert history.reps["name"].tolist() == ["Ann"]
    assert not any("is not used" in said for said in history.warnings)


def test_a_row_of_the_log_that_changes_nothing_is_its_beginning(history: History) -> None:
    # Without the empty row of January 5 the log would seem to begin in February, behind the creation of O2.
    events = history.stage_history
    assert events["stage"].tolist() == ["Qualify", "Develop"]
    assert events["entered_date"].iloc[0] == pd.Timestamp("2024-01-12T09:00:00")
    assert any("the audit log begins on 2024-01-05: of 1 deals created earlier" in said for said in history.warnings)


def test_a_field_that_tells_the_outcome_by_its_name_is_unknown_before_however_few_deals_there_are(
    history: History,
) -> None:
    assert history.opportunities["new_loss_reason"].tolist()[1] == "Price"
    assert history.as_of("2024-01-31").opportunities["new_loss_reason"].isna().all()
    assert history.as_of("2024-02-12").opportunities["new_loss_reason"].tolist()[1] == "Price"
    assert any("new_loss_reason tells how deals ended" in said for said in history.warnings)
