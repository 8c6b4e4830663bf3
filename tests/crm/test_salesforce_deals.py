"""Salesforce: ids, deletions, flags, types, record types, stages and currencies of deals."""

from __future__ import annotations

import pandas as pd
import pytest

from salesforce_objects import changes, deal, exclusions, imported
from spmforecast.data.crm.salesforce_cells import long_ids
from spmforecast.errors import InputError


def test_ids_of_15_and_18_characters_are_the_same_deal():
    assert long_ids(pd.Series(["0061G00000HhviA", "0061G00000Hhvia", "O-1", ""], dtype="str")).tolist() == [
        "0061G00000HhviAQAR",
        "0061G00000HhviaQAB",
        "O-1",
        "",
    ]
    log = changes(("006q000000HddohAAB", "2024-02-01T10:00:00.000Z", "StageName", "A", "Prospecting"))
    history = imported({"Opportunity": pd.DataFrame([deal("006q000000Hddoh")]), "OpportunityFieldHistory": log})
    assert history.stage_history["stage"].tolist() == ["A", "Prospecting"]


def test_deleted_deals_are_left_out_with_their_history_and_counted():
    log = changes(("006000000000002AAA", "2024-02-01T10:00:00.000Z", "StageName", "A", "Prospecting"))
    deals = pd.DataFrame([deal(), deal("006000000000002AAA", IsDeleted="true")])
    frames = {"Opportunity": deals.fillna("false"), "OpportunityFieldHistory": log}
    history = imported(frames)
    assert exclusions(history, "opportunities") == {"deleted in Salesforce": 1}
    assert history.stage_history["opportunity_id"].tolist() == ["006000000000001AAA"]
    assert len(imported(frames, deleted="keep").opportunities) == 2


def test_deals_without_flags_are_judged_by_the_standard_stages_and_that_is_said():
    deals = pd.DataFrame([deal(StageName="Closed Won"), deal("006000000000002AAA", StageName="Signed")])
    history = imported({"Opportunity": deals.drop(columns=["IsClosed", "IsWon"])})
    assert history.opportunities["status"].tolist() == ["won", "open"]
    assert any("nothing flags 2 deals as open or closed" in said for said in history.warnings)


def test_types_are_translated_and_unknown_ones_kept_beside():
    words = ["New Business", "existing customer - upgrade", "Renewal", "Barter", ""]
    deals = pd.DataFrame([deal(f"00600000000000{row}AAA", Type=word) for row, word in enumerate(words)])
    history = imported({"Opportunity": deals})
    assert history.opportunities["type"].fillna("").tolist() == ["new", "expansion", "renewal", "", ""]
    assert history.opportunities["sales_type"].tolist()[3] == "Barter"
    assert any("1 deals are of types that are not known (Barter)" in said for said in history.warnings)


def test_what_speaks_of_the_day_of_the_export_is_dropped():
    row = deal(Probability="90", LastStageChangeDate="2024-05-01", LastActivityDate="2024-05-02", Color__c="red")
    history = imported({"Opportunity": pd.DataFrame([row])})
    assert not {"Probability", "LastStageChangeDate", "LastActivityDate", "IsClosed"} & set(history.opportunities)
    assert history.opportunities["Color__c"].tolist() == ["red"]


def test_record_types_are_pipelines():
    deals = [deal(RecordTypeId="012000000000001AAA"), deal("006000000000002AAA", RecordTypeId="012000000000002AAA")]
    names = pd.DataFrame({"Id": ["012000000000001AAA", "012000000000002AAA"], "Name": ["Direct", "Partner"]})
    log = changes(("006000000000001AAA", "2024-02-01T10:00:00.000Z", "StageName", "A", "Prospecting"))
    frames = {"Opportunity": pd.DataFrame(deals), "RecordType": names, "OpportunityFieldHistory": log}
    assert imported(frames).opportunities["pipeline"].tolist() == ["Direct", "Partner"]
    one = imported(frames, pipelines=("partner",))
    assert one.opportunities["stage"].tolist() == ["Prospecting"]
    assert exclusions(one, "opportunities") == {"of a record type that is not kept": 1}
    both = imported(frames, pipelines=("Direct", "Partner"))
    assert both.opportunities["stage"].tolist() == ["Direct: Prospecting", "Partner: Prospecting"]
    assert both.stage_history["stage"].tolist() == ["Direct: A", "Partner: Prospecting", "Direct: Prospecting"]
    with pytest.raises(InputError, match=r"no such pipeline \(found 'Direkt'\). Did you mean Direct\?"):
        imported(frames, pipelines=("Direkt",))


def test_renamed_stages_are_one():
    log = changes(("006000000000001AAA", "2024-02-01T10:00:00.000Z", "StageName", "Suspect", "Prospecting"))
    frames = {"Opportunity": pd.DataFrame([deal()]), "OpportunityFieldHistory": log}
    history = imported(frames, stage_names={"Suspect": "Prospecting"})
    assert history.stage_history["stage"].tolist() == ["Prospecting", "Prospecting"]


def test_several_currencies_need_rates_and_events_are_converted_too():
    deals = pd.DataFrame([deal(CurrencyIsoCode="EUR"), deal("006000000000002AAA", CurrencyIsoCode="USD")])
    log = changes(
        ("006000000000002AAA", "2024-02-01T10:00:00.000Z", "Amount", "50", "100"),
        ("006000000000002AAA", "2024-02-02T10:00:00.000Z", "StageName", "A", "Prospecting"),
    )
    frames = {"Opportunity": deals, "OpportunityFieldHistory": log}
    with pytest.raises(InputError, match=r"EUR.*USD|USD.*EUR"):
        imported(frames)
    rates = pd.DataFrame({"currency": ["USD"], "rate": [0.5]})
    history = imported(frames, currency="EUR", rates=rates)
    assert history.opportunities["amount"].tolist() == [100.0, 50.0]
    of_dollars = history.stage_history[history.stage_history["opportunity_id"] == "006000000000002AAA"]
    assert of_dollars["amount"].tolist() == [25.0, 50.0, 50.0]
