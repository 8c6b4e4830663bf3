"""Pipedrive: times, deletions, pipelines, currencies and fields of deals; activities; exports of the user interface."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipedrive_answers import change, deal_of, read_answers
from spmforecast.data import CrmOptions, read_history
from spmforecast.errors import InputError


def test_times_are_utc_and_expected_closes_are_days(tmp_path: Path) -> None:
    deal = deal_of(1, add_time="2024-01-10 23:30:00", status="lost", lost_time="2024-02-01T23:30:00Z")
    history = read_answers(tmp_path, [deal, deal_of(2)], zone="Europe/Berlin")
    assert history.opportunities["created_date"][0] == pd.Timestamp("2024-01-11 00:30:00")
    assert history.opportunities["close_date"].tolist() == [
        pd.Timestamp("2024-02-02 00:30"),
        pd.Timestamp("2024-03-31"),
    ]


def test_deleted_deals_are_left_out_and_counted(tmp_path: Path) -> None:
    flow = [change(k, "2024-02-01 10:00:00", "stage_id", "1", "2") for k in (1, 2, 3)]
    history = read_answers(tmp_path, [deal_of(1), deal_of(2, status="deleted"), deal_of(3, is_deleted=True)], flow)
    assert history.opportunities["opportunity_id"].tolist() == ["1"]
    assert set(history.stage_history["opportunity_id"]) == {"1"}
    assert dict(zip(history.exclusions["reason"], history.exclusions["rows"], strict=True))["deleted in Pipedrive"] == 2


def test_pipelines_are_named_told_apart_and_chosen(tmp_path: Path) -> None:
    stages = [{"id": 1, "name": "Talk", "pipeline_id": 1}, {"id": 5, "name": "Talk", "pipeline_id": 2}]
    pipelines = [{"id": 1, "name": "Direct"}, {"id": 2, "name": "Partner"}]
    deals = [deal_of(1), deal_of(2, pipeline_id=2, stage_id=5)]
    both = read_answers(tmp_path, deals, stages=stages, pipelines=pipelines)
    assert both.opportunities["stage"].tolist() == ["Direct: Talk", "Partner: Talk"]
    options = CrmOptions(pipelines=("Partner",))
    one = read_answers(tmp_path, deals, stages=stages, pipelines=pipelines, options=options)
    assert one.opportunities[["opportunity_id", "stage", "pipeline"]].to_numpy().tolist() == [["2", "Talk", "Partner"]]
    with pytest.raises(InputError, match=r"no such pipeline .*'Directs'.*Did you mean Direct"):
        read_answers(tmp_path, deals, stages=stages, pipelines=pipelines, options=CrmOptions(pipelines=("Directs",)))


def test_several_currencies_need_rates(tmp_path: Path) -> None:
    flow = [change(2, "2024-02-01 10:00:00", "value", "50", "100")]
    deals = [deal_of(1), deal_of(2, currency="USD")]
    with pytest.raises(InputError, match=r"2 currencies \(EUR, USD\)"):
        read_answers(tmp_path, deals, flow)
    options = CrmOptions(currency="EUR", rates=pd.DataFrame({"currency": ["USD"], "rate": [0.9]}))
    stage = change(2, "2024-01-20 10:00:00", "stage_id", "2", "1")
    history = read_answers(tmp_path, deals, [*flow, stage], options)
    assert history.opportunities["amount"].tolist() == [100.0, 90.0]
    events = history.stage_history.sort_values(["opportunity_id", "entered_date"])
    assert events["amount"].tolist() == [100.0, 45.0, 45.0, 90.0]


def test_custom_fields_get_their_names_and_options_their_labels(tmp_path: Path) -> None:
    key, other = "a" * 40, "b" * 40
    options = [{"id": 11, "label": "SMB"}, {"id": 12, "label": "Mid"}]
    fields = [
        {"key": key, "name": "Segment", "options": options},
        {"key": other, "name": "Title", "options": None},
        {"key": "value", "name": "Value"},
    ]
    deals = [deal_of(1, **{key: 12, other: "x"}), deal_of(2, custom_fields={key: {"id": 11}}, activities_count=4)]
    history = read_answers(tmp_path, deals, dealFields=fields)
    assert history.opportunities["segment"].tolist() == ["Mid", "SMB"]
    assert "activities_count" not in history.opportunities
    assert history.opportunities["title"].tolist() == ["Deal 1", "Deal 2"]


def test_activities_count_when_they_are_done(tmp_path: Path) -> None:
    plain = {"done": True, "due_date": "2024-02-02", "user_id": 7, "deal_id": 1, "org_id": None}
    activities = [
        {"id": 1, "type": "call", **plain, "marked_as_done_time": "2024-02-01 12:00:00"},
        {"id": 2, "type": "lunch", **plain},
        {"id": 3, "type": "meeting", **plain, "done": False},
        {"id": 4, "type": "deadline", **plain},
    ]
    history = read_answers(tmp_path, [deal_of(1)], activities=activities, users=[{"id": 7, "name": "Ann Lee"}])
    assert history.activities[["activity_id", "type"]].to_numpy().tolist() == [["1", "call"], ["2", "meeting"]]
    assert history.activities["date"].tolist() == [pd.Timestamp("2024-02-01 12:00"), pd.Timestamp("2024-02-02")]
    left = history.exclusions[history.exclusions["table"] == "activities"]
    assert left["reason"].tolist() == ["not done yet", "an activity of another type"]
    assert history.reps["name"].tolist() == ["Ann Lee"]


def test_an_export_of_the_user_interface_is_read_by_its_labels(tmp_path: Path) -> None:
    labels = {
        "Deal - ID": ["1", "2"],
        "Deal - Title": ["A", "B"],
        "Deal - Value": ["900", "50"],
        "Deal - Currency of Value": ["EUR", "EUR"],
        "Deal - Status": ["Won", "Open"],
        "Deal - Stage": ["Offer", "Talk"],
        "Deal - Pipeline": ["Sales", "Sales"],
        "Deal - Owner": ["Ann Lee", "Bo Ray"],
        "Deal - Deal created": ["2024-01-10 09:00:00", "2024-02-10 09:00:00"],
        "Deal - Won time": ["2024-03-01 12:30:00", ""],
        "Deal - Expected close date": ["2024-02-28", "2024-05-31"],
        "Deal - Segment": ["SMB", "Mid"],
        "Deal - Done activities": ["4", "5"],
    }
    pd.DataFrame(labels).to_csv(tmp_path / "deals-2024-06-01.csv", index=False)
    history = read_history(tmp_path, crm="pipedrive", timezone="Europe/Berlin", max_rejected_share=0.0)
    deals = history.opportunities
    assert deals["status"].tolist() == ["won", "open"]
    assert deals["stage"].tolist() == ["Offer", "Talk"]
    assert deals["owner_id"].tolist() == ["Ann Lee", "Bo Ray"]
    assert deals["segment"].tolist() == ["SMB", "Mid"]
    assert deals["close_date"].tolist() == [pd.Timestamp("2024-03-01 12:30"), pd.Timestamp("2024-05-31")]
    assert "Done activities" not in deals
