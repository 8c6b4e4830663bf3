"""Salesforce: what its logs of changes, snapshots and versions tell of the past, and what they leave open."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesforce_objects import assert_balanced, changes, deal, exclusions, imported


def test_owner_changes_are_told_by_ids_and_names_are_left_out():
    log = changes(
        ("006000000000001AAA", "2024-02-01T10:00:00.000Z", "Owner", "005000000000002AAA", "005000000000001AAA"),
        ("006000000000001AAA", "2024-02-01T10:00:00.000Z", "Owner", "Bo Berg", "Al Adler"),
        ("006000000000001AAA", "2024-03-01T10:00:00.000Z", "StageName", "Prospecting", "Proposal"),
    )
    frames = {"Opportunity": pd.DataFrame([deal(StageName="Proposal")]), "OpportunityFieldHistory": log}
    history = imported(frames)
    assert history.stage_history["owner_id"].tolist() == ["005000000000002AAA", *["005000000000001AAA"] * 2]
    assert exclusions(history, "stage_history") == {"the owner's name; the id is told too": 1}
    kinds = log.assign(DataType=["Text", "EntityId", "Text", "Text"])
    again = imported({**frames, "OpportunityFieldHistory": kinds})
    pd.testing.assert_frame_equal(again.stage_history, history.stage_history)


def test_a_reopened_deal_is_open_again_and_flags_not_names_decide():
    rows = [
        ("2024-01-01T09:00:00.000Z", "Start", "Pipeline"),
        ("2024-02-01T09:00:00.000Z", "Signed", "Closed"),
        ("2024-02-10T09:00:00.000Z", "Start", "Pipeline"),
        ("2024-03-01T09:00:00.000Z", "Dropped", "Omitted"),
    ]
    log = pd.DataFrame(rows, columns=["CreatedDate", "StageName", "ForecastCategory"])
    log = log.assign(OpportunityId="006000000000001AAA", Amount="100", CloseDate="2024-03-01")
    deals = [
        deal(StageName="Dropped", IsClosed="true", CloseDate="2024-03-01"),
        deal("006000000000002AAA", StageName="Signed", IsClosed="true", IsWon="true", CloseDate="2024-02-01"),
        deal("006000000000003AAA", StageName="Start"),
    ]
    history = imported({"Opportunity": pd.DataFrame(deals), "OpportunityHistory": log})
    assert history.stage_history["status"].tolist() == ["open", "won", "open", "lost"]
    assert history.as_of("2024-02-05").opportunities["status"].tolist()[0] == "won"
    assert history.as_of("2024-02-20").opportunities["status"].tolist()[0] == "open"


def test_a_stage_table_tells_what_a_stage_of_the_past_means():
    log = changes(("006000000000001AAA", "2024-02-01T10:00:00.000Z", "StageName", "Gone", "Prospecting"))
    frames = {"Opportunity": pd.DataFrame([deal()]), "OpportunityFieldHistory": log}
    history = imported(frames)
    assert history.stage_history["status"].tolist() == ["open", "open"]
    assert any("1 stages of the past are not among those of today (first: Gone)" in said for said in history.warnings)
    stages = pd.DataFrame({"ApiName": ["Gone"], "MasterLabel": ["Gone"], "IsClosed": ["true"], "IsWon": ["false"]})
    assert imported({**frames, "OpportunityStage": stages}).stage_history["status"].tolist() == ["lost", "open"]


def test_a_log_that_begins_late_tells_nothing_of_older_deals_before():
    old = deal("006000000000001AAA", CreatedDate="2020-01-01T09:00:00.000Z", StageName="Won", IsClosed="true",
               IsWon="true", CloseDate="2020-06-30")  # fmt: skip
    frames = {
        "Opportunity": pd.DataFrame(
            [
                old,
                deal("006000000000002AAA", CreatedDate="2020-02-01T09:00:00.000Z", StageName="Proposal"),
                deal("006000000000003AAA", CreatedDate="2024-02-01T09:00:00.000Z"),
            ]
        ),
        "OpportunityFieldHistory": changes(
            ("006000000000002AAA", "2024-01-15T10:00:00.000Z", "StageName", "Prospecting", "Proposal"),
            ("006000000000003AAA", "2024-02-01T09:00:00.000Z", "created", "", ""),
            ("006000000000002AAA", "2024-03-15T10:00:00.000Z", "Amount", "50.0", "100.0"),
        ).iloc[1:],
    }
    history = imported(frames)
    events = history.stage_history[["opportunity_id", "stage", "amount"]].to_numpy().tolist()
    assert events == [
        ["006000000000003AAA", "Prospecting", 100.0],
        ["006000000000002AAA", "Proposal", 50.0],
        ["006000000000002AAA", "Proposal", 100.0],
    ]
    assert any("of 1 deals nothing is known before" in said for said in history.warnings)
    assert history.as_of("2021-01-01").opportunities["amount"].tolist()[1:] == [pytest.approx(np.nan, nan_ok=True)]


def test_a_log_without_the_stage_gives_no_history_and_says_so():
    log = changes(
        ("006000000000001AAA", "2024-02-01T10:00:00.000Z", "Amount", "50", "100"),
        ("006000000000001AAA", "2024-02-01T10:00:00.000Z", "Color__c", "red", "blue"),
    )
    history = imported({"Opportunity": pd.DataFrame([deal()]), "OpportunityFieldHistory": log})
    assert not len(history.stage_history)
    assert exclusions(history, "stage_history") == {
        "history of a field that is not followed: Color__c": 1,
        "no log of the export follows the stage": 1,
    }
    assert any("the stage is not tracked" in said for said in history.warnings)


def test_contradictions_of_a_log_are_told_and_nothing_is_mended():
    log = changes(
        ("006000000000001AAA", "2024-02-01T10:00:00.000Z", "StageName", "Prospecting", "Proposal"),
        ("006000000000001AAA", "2024-03-01T10:00:00.000Z", "StageName", "Elsewhere", "Review"),
        ("006000000000001AAA", "2024-03-01T10:00:00.000Z", "Amount", "100.0", "100"),
    )
    history = imported({"Opportunity": pd.DataFrame([deal(StageName="Proposal")]), "OpportunityFieldHistory": log})
    assert history.stage_history["stage"].tolist() == ["Prospecting", "Proposal", "Review"]
    told = " / ".join(history.warnings)
    assert "1 changes of stage start from another value than the change before them left" in told
    assert "the history of 1 deals ends with another stage than they have today" in told
    assert "amount start" not in told


def test_rows_of_a_log_that_cannot_be_used_are_named():
    log = changes(
        ("006000000000001AAA", "soon", "StageName", "Prospecting", "Proposal"),
        ("006000000000009AAA", "2024-02-01T10:00:00.000Z", "StageName", "Prospecting", "Proposal"),
    )
    history = imported({"Opportunity": pd.DataFrame([deal()]), "OpportunityFieldHistory": log}, share=1.0)
    assert history.rejected["line"].tolist() == [3, 4]
    assert history.rejected["reason"].tolist()[0] == "not a time stamp"
    assert history.rejected["value"].tolist()[1] == "006000000000009AAA"
    assert_balanced(history)


def test_a_report_of_stages_is_a_log_too():
    log = pd.DataFrame(
        {
            "Opportunity ID": ["006000000000001"] * 2,
            "Created Date": ["1/1/2024"] * 2,
            "From Stage": ["", "Prospecting"],
            "To Stage": ["Prospecting", "Proposal"],
            "Last Modified": ["1/1/2024", "2/13/2024"],
        }
    )
    deals = pd.DataFrame([deal("006000000000001", CreatedDate="2024-01-01", StageName="Proposal")])
    history = imported({"Opportunity": deals, "Opportunity Stage History": log})
    assert history.stage_history["entered_date"].tolist() == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-13")]
    assert history.stage_history["opportunity_id"].tolist() == ["006000000000001AAA"] * 2


def test_overlapping_and_deleted_versions_are_told():
    rows = [
        ("2024-01-01 09:00:00", "2024-02-02 00:00:00", "A", "false"),
        ("2024-02-01 00:00:00", "2024-02-28 00:00:00", "B", "true"),
        ("2024-03-01 00:00:00", "9999-12-31 23:59:59", "Prospecting", "false"),
    ]
    versions = pd.DataFrame(rows, columns=["_fivetran_start", "_fivetran_end", "stage_name", "is_deleted"])
    frames = {"opportunity": pd.DataFrame([deal()]), "opportunity_history": versions.assign(id="006000000000001AAA")}
    kept = imported(frames, deleted="keep")
    assert "opportunity_history: 1 versions begin before the one before them ends" in kept.warnings
    assert kept.stage_history["stage"].tolist() == ["A", "B", "Prospecting"]
    assert exclusions(imported(frames), "stage_history") == {"deleted in Salesforce": 1}


CHANGE = st.tuples(
    st.sampled_from(["006000000000001AAA", "006000000000002", "006000000000003AAA", "006000000000009AAA", ""]),
    st.sampled_from(["2024-01-01T09:00:00.000Z", "2024-02-01T09:00:00.000+0000", "2024-02-01T09:00:00.500Z", "x", ""]),
    st.sampled_from(["StageName", "Amount", "CloseDate", "Owner", "created", "Color__c", ""]),
    st.sampled_from(["", "Prospecting", "100", "2024-06-30", "005000000000001AAA", "Al Adler", "-1", "x"]),
    st.sampled_from(["", "Prospecting", "100", "2024-06-30", "005000000000001AAA", "Al Adler", "-1", "x"]),
    st.sampled_from(["true", "false", ""]),
)


@settings(max_examples=20)
@given(rows=st.lists(CHANGE, max_size=12), deleted=st.sampled_from(["keep", "exclude"]))
def test_every_row_of_any_log_is_accounted_for(rows, deleted):
    log = changes(*(row[:5] for row in rows), IsDeleted=["false", *(row[5] for row in rows)])
    deals = pd.DataFrame([deal(), deal("006000000000002"), deal("006000000000003AAA", CreatedDate="")])
    history = imported({"Opportunity": deals, "OpportunityFieldHistory": log}, share=1.0, deleted=deleted)
    assert_balanced(history)
    told = history.counts[history.counts["file"] == "OpportunityFieldHistory"]
    assert told["read"].sum() == len(rows) + 1
