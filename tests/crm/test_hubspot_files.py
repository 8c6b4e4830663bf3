"""HubSpot: exports of the user interface, copies of a warehouse and frames, each with its labels and quirks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from hubspot_answers import deal_of
from spmforecast.data import read_history
from spmforecast.errors import InputError


def test_the_samples_of_a_warehouse_load_and_their_quirks_are_told(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    for path in shared_data("crm_schema_samples").glob("hubspot_*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    history = read_history(tmp_path, crm="hubspot", max_rejected_share=0.0)
    assert len(history.opportunities) == 44
    assert set(history.opportunities["status"]) == {"open"}
    assert history.opportunities["created_date"][0] == pd.Timestamp("2019-12-04 12:48:22")
    assert (history.opportunities["owner_id"] == "(none)").sum() == 22
    said = "\n".join(history.warnings)
    for quirk in (
        "no deal has anything under dealstage, amount, closedate",
        "22 deals have no owner",
        "71 stages lie in 6 pipelines that the table of pipelines does not have",
        "3 stages of deals are not in the table of pipelines",
        "12 stamps with an hour of one digit",
    ):
        assert quirk in said
    assert history.exclusions[["table", "rows", "reason"]].to_numpy().tolist() == [
        ["stage_history", 14, "its deal is not in the export"]
    ]


LABELS = {
    "Record ID": ["11", "12"],
    "Deal Name": ["A", "B"],
    "Deal Stage": ["Closed won (Sales)", "Qualified (Sales)"],
    "Pipeline": ["Sales", "Sales"],
    "Deal owner": ["Ann Lee", "Bo Ray"],
    "Create Date": ["2024-01-10 09:00", "2024-02-10 09:00"],
    "Close Date": ["2024-03-01 12:30", "2024-05-31 12:00"],
    "Amount": ["900", ""],
    "Deal Type": ["New Business", "Existing Business"],
    "Is Closed Won": ["true", "false"],
    'Date entered "Qualified (Sales)"': ["2024-01-10 09:00", "2024-02-10 09:00"],
    'Date entered "Closed won (Sales)"': ["2024-03-01 12:30", ""],
    "Segment": ["SMB", "Mid"],
    "Last Modified Date": ["2026-01-01 00:00", "2026-01-01 00:00"],
}


def test_an_export_of_the_user_interface_is_read_by_its_labels(tmp_path: Path) -> None:
    pd.DataFrame(LABELS).to_csv(tmp_path / "hubspot-crm-exports-all-deals-2024-06-01.csv", index=False)
    (tmp_path / "owners.csv").write_text("id,firstName,lastName,email\n7,Ann,Lee,a@x.org\n8,Bo,Ray,b@x.org\n")
    history = read_history(tmp_path, crm="hubspot", max_rejected_share=0.0)
    deals = history.opportunities
    assert deals["stage"].tolist() == ["Closed won", "Qualified"]
    assert deals["status"].tolist() == ["won", "open"]
    assert deals["owner_id"].tolist() == ["7", "8"]
    assert deals["type"].tolist() == ["new", "expansion"]
    assert deals["segment"].tolist() == ["SMB", "Mid"]
    assert deals["close_date"].tolist() == [pd.Timestamp("2024-03-01 12:30"), pd.Timestamp("2024-05-31 12:00")]
    assert "Last Modified Date" not in deals
    assert history.reps["name"].tolist() == ["Ann Lee", "Bo Ray"]
    events = history.stage_history[["opportunity_id", "stage", "status"]].to_numpy().tolist()
    assert events == [["11", "Qualified", "open"], ["11", "Closed won", "won"], ["12", "Qualified", "open"]]


def test_stage_properties_are_called_after_ids_with_other_marks_and_digits(tmp_path: Path) -> None:
    stages = [{"id": "3f1b-4a", "label": "Talk", "metadata": {"isClosed": "false"}}]
    (tmp_path / "pipelines.json").write_text(json.dumps([{"id": "p", "label": "P", "stages": stages}]))
    (tmp_path / "deals.csv").write_text(
        "hs_object_id,createdate,hubspot_owner_id,dealstage,pipeline,hs_v2_date_entered_3f1b_4a_1062,"
        "hs_date_entered_3f1b_4a_1062\n1,2024-01-10,7,3f1b-4a,p,2024-01-11,2024-01-12\n2,2024-01-10,7,3f1b-4a,p,,2024-01-13\n"
    )
    history = read_history(tmp_path, crm="hubspot", max_rejected_share=0.0)
    assert history.stage_history[["stage", "status"]].drop_duplicates().to_numpy().tolist() == [["Talk", "open"]]
    assert history.stage_history["entered_date"].dt.day.tolist() == [11, 13]
    counts = history.counts.set_index("table").loc["stage_history"]
    assert tuple(counts[["read", "used", "excluded"]]) == (3, 2, 1)


def test_warehouse_logs_of_properties_are_replayed_in_utc(tmp_path: Path) -> None:
    (tmp_path / "deal.csv").write_text(
        "deal_id,deal_pipeline_id,deal_pipeline_stage_id,owner_id,property_createdate,property_amount,property_segment\n"
        "1,p,s2,7,2024-01-10 23:30:00,900,SMB\n"
    )
    (tmp_path / "deal_property_history.csv").write_text(
        "deal_id,name,value,timestamp\n1,dealstage,s1,2024-01-10 23:30:00\n1,dealstage,s2,2024-02-01 8:00:00\n"
        "1,amount,500,2024-01-10 23:30:00\n1,amount,900,2024-02-01 08:00:00\n"
    )
    (tmp_path / "deal_stage.csv").write_text("deal_id,value,date_entered\n1,s1,2024-01-10 23:30:00\n")
    history = read_history(tmp_path, crm="hubspot", timezone="Europe/Berlin", max_rejected_share=0.0)
    assert history.opportunities["created_date"][0] == pd.Timestamp("2024-01-11 00:30:00")
    assert history.opportunities["segment"].tolist() == ["SMB"]
    assert history.stage_history["amount"].tolist() == [500.0, 900.0]
    assert history.stage_history["entered_date"][1] == pd.Timestamp("2024-02-01 09:00:00")
    assert any("deal_stage.csv is not used" in said for said in history.warnings)


def test_midnight_utc_is_a_day_in_every_zone(tmp_path: Path) -> None:
    (tmp_path / "deals.json").write_text(json.dumps([deal_of("1", closedate="2024-03-31T00:00:00Z")]))
    history = read_history(tmp_path, crm="hubspot", timezone="America/New_York")
    assert history.opportunities["close_date"][0] == pd.Timestamp("2024-03-31")


def test_without_deals_the_export_is_refused_and_frames_in_memory_are_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of these files is there"):
        read_history(tmp_path, crm="hubspot")
    frame = pd.DataFrame({"hs_object_id": [1], "createdate": [pd.Timestamp("2024-01-10")], "hubspot_owner_id": [7]})
    history = read_history({"deals": frame}, crm="hubspot")
    assert history.opportunities[["opportunity_id", "owner_id"]].to_numpy().tolist() == [["1", "7"]]
