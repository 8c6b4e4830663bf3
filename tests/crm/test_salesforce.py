from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import export_salesforce as export
from spmforecast.data import ExampleCompany, read_history
from spmforecast.data.crm import CrmOptions
from spmforecast.data.crm.salesforce_cells import days, long_ids, order_of_days, stamps
from spmforecast.data.maps import parse_map
from spmforecast.errors import InputError

NOT_TOLD_AT_ALL = {"enablement", "plan", "submissions"}
"""Tables that Salesforce has no object for."""
NOT_TOLD = {"reps": {"effective_from", "latitude", "longitude"}}
"""Columns that it has no field for."""
MERGED = "told together with another change of the same instant"


@cache
def company():
    return ExampleCompany(seed=5, character="tiny", start="2022-07-01", export="2024-12-31").tables()


@cache
def wanted():
    return read_history(company())


def imported(frames, share=0.0, timezone="UTC", chart=None, **options):
    return read_history(
        frames,
        map=chart,
        crm="salesforce",
        crm_options=CrmOptions(**options),
        timezone=timezone,
        max_rejected_share=share,
    )


def in_order(frame, keys):
    """A table without times of day, rows by key and time; events of one instant keep their order."""
    frame = frame.sort_values(keys, kind="stable", ignore_index=True)
    dates = [name for name in frame if pd.api.types.is_datetime64_any_dtype(frame[name])]
    return frame.assign(**{name: frame[name].dt.normalize() for name in dates})


KEYS = {
    "stage_history": ["opportunity_id", "entered_date"],
    "quotas": ["rep_id", "period"],
    "reps": ["rep_id"],
    "territories": ["territory_id"],
    "accounts": ["account_id"],
    "activities": ["activity_id"],
    "opportunities": ["opportunity_id"],
}


def changing(events):
    """Leave out events that change nothing: a log of changes has no row for them."""
    states = events.drop(columns="entered_date")
    return events[(states != states.shift()).any(axis=1)].reset_index(drop=True)


def assert_same(history, tables, without=()):
    for name in tables:
        columns = [column for column in wanted().table(name) if column not in {*without, *NOT_TOLD.get(name, ())}]
        got, want = (in_order(one.table(name), KEYS[name])[columns] for one in (history, wanted()))
        if name == "stage_history" and "OpportunityFieldHistory" in set(history.counts["file"]):
            got, want = changing(got), changing(want)
        pd.testing.assert_frame_equal(got, want, obj=name)


def assert_balanced(history):
    counts = history.counts
    assert (counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]).all()
    assert history.exclusions["rows"].sum() == counts["excluded"].sum()


def deal(key="006000000000001AAA", **cells):
    plain = {
        "Id": key,
        "OwnerId": "005000000000001AAA",
        "CreatedDate": "2024-01-01T09:00:00.000+0000",
        "StageName": "Prospecting",
        "Amount": "100",
        "CloseDate": "2024-06-30",
        "IsClosed": "false",
        "IsWon": "false",
    }
    return {**plain, **cells}


EARLIER = ("006000000000000AAA", "2023-12-01T09:00:00.000Z", "created", "", "")
"""What shows that a log goes back beyond the deals of a test."""


def changes(*rows, **columns):
    names = ["OpportunityId", "CreatedDate", "Field", "OldValue", "NewValue"]
    return pd.DataFrame([EARLIER, *rows], columns=names).assign(**columns)


def exclusions(history, table):
    """Rows left out by reason, those of creations aside."""
    rows = history.exclusions[history.exclusions["table"] == table]
    counted = dict(zip(rows["reason"], rows["rows"].tolist(), strict=True))
    counted.pop("tells only that the deal was created", None)
    return counted


# Round trips


@pytest.mark.parametrize("logs", [("OpportunityHistory", "OpportunityFieldHistory"), ("OpportunityFieldHistory",)])
def test_objects_give_the_tables_that_they_were_made_of(logs):
    history = imported(export.objects(company(), logs))
    assert_same(history, KEYS)
    assert set(wanted().tables) - set(history.tables) == NOT_TOLD_AT_ALL
    assert_balanced(history)
    assert not len(history.rejected)


def test_snapshots_alone_tell_all_but_owners():
    history = imported(export.objects(company(), ("OpportunityHistory",)))
    assert_same(history, [name for name in KEYS if name != "stage_history"])
    assert_same(history, ["stage_history"], without=["owner_id"])
    assert history.stage_history["owner_id"].isna().all()
    assert "OpportunityHistory: owners of the past are not told" in history.warnings


def test_versions_of_a_warehouse_give_the_same_history():
    history = imported(export.fivetran(company()))
    assert_same(history, ["opportunities", "stage_history"])
    assert_same(history, ["reps"], without=["territory_id", "role"])
    assert_balanced(history)


def test_the_rows_of_an_export_may_stand_in_any_order():
    """Logs are sorted by their times; only what happened at one instant depends on the order of the file."""
    rng = np.random.default_rng(3)
    frames = {
        name: frame.sample(frac=1.0, random_state=rng).reset_index(drop=True)
        for name, frame in export.objects(company()).items()
    }
    assert_same(imported(frames), KEYS)


def test_a_log_that_runs_backwards_is_read_from_its_end():
    frames = export.objects(company(), ("OpportunityFieldHistory",))
    log = frames["OpportunityFieldHistory"]
    frames["OpportunityFieldHistory"] = log.iloc[::-1].reset_index(drop=True)
    assert_same(imported(frames), ["stage_history"])


def test_a_report_gives_what_it_shows():
    frames = {"report1719820800": export.report(company()), "User": export.people(company())["User"]}
    history = imported(frames)
    lacking = ["territory_id", "region", "segment", "product", "list_price", "discount"]
    assert_same(history, ["opportunities"], without=lacking)
    assert "stage_history" not in history.tables


@pytest.mark.parametrize("day", ["2023-03-31", "2024-01-15", "2024-12-31"])
def test_what_was_known_on_a_day_is_the_same(day):
    got = imported(export.objects(company())).as_of(day).opportunities
    want = wanted().as_of(day).opportunities
    columns = list(want.columns)
    got, want = (in_order(one, ["opportunity_id"])[columns] for one in (got, want))
    pd.testing.assert_frame_equal(got, want)


def test_later_states_do_not_reach_the_past():
    """Poison: what the logs and the deals themselves tell of the time after a day is replaced."""
    frames = export.objects(company())
    cut = "2024-03-31"
    poisoned = {name: frame.copy() for name, frame in frames.items()}
    late = poisoned["OpportunityHistory"]["CreatedDate"].str[:10] > cut
    poisoned["OpportunityHistory"].loc[late, "StageName"] = "Prospecting"
    poisoned["OpportunityHistory"].loc[late, "Amount"] = 1.0
    poisoned["OpportunityHistory"].loc[late, "CloseDate"] = "2031-01-01"
    open_then = wanted().as_of(cut).opportunities
    ids = set(open_then.loc[open_then["status"] == "open", "opportunity_id"])
    now = poisoned["Opportunity"]["Id"].isin(ids)
    poisoned["Opportunity"].loc[now, ["Amount", "CloseDate"]] = [7.0, "2031-01-01"]
    clean, bad = (imported(one).as_of(cut) for one in (frames, poisoned))
    for name in ("opportunities", "stage_history"):
        pd.testing.assert_frame_equal(clean.table(name), bad.table(name))


# The past


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


def test_values_of_dates_are_read_however_the_log_writes_them():
    log = changes(
        ("006000000000001AAA", "2024-02-01T10:00:00.000Z", "CloseDate", "Tue Mar 05 00:00:00 GMT 2024", "2024-06-30"),
        ("006000000000001AAA", "2024-02-02T10:00:00.000Z", "StageName", "A", "Prospecting"),
    )
    history = imported({"Opportunity": pd.DataFrame([deal()]), "OpportunityFieldHistory": log})
    assert history.stage_history["close_date"].dt.strftime("%F").tolist() == ["2024-03-05", "2024-06-30", "2024-06-30"]


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


def test_days_are_those_of_the_time_zone():
    log = changes(("006000000000001AAA", "2024-02-01T23:30:00.000+0000", "StageName", "A", "Prospecting"))
    frames = {"Opportunity": pd.DataFrame([deal(CloseDate="2024-02-28")]), "OpportunityFieldHistory": log}
    history = imported(frames, timezone="Europe/Berlin")
    assert history.stage_history["entered_date"].tolist()[1] == pd.Timestamp("2024-02-02T00:30:00")
    assert history.opportunities["created_date"].tolist() == [pd.Timestamp("2024-01-01T10:00:00")]
    assert history.opportunities["close_date"].tolist() == [pd.Timestamp("2024-02-28")]


def test_versions_may_stand_among_the_opportunities_themselves():
    frames = export.fivetran(company())
    versions = frames["sf_opportunity_history_data"].copy()
    now = frames["sf_opportunity_data"].set_index("id")
    spare = [name for name in now.columns if name not in versions.columns]
    versions = versions.join(now[spare], on="id")
    history = imported({"opportunity": versions, "user": frames["sf_user_data"]})
    assert exclusions(history, "opportunities") == {"an earlier version of the deal": len(versions) - len(now)}
    assert_same(history, ["stage_history", "opportunities"])


def test_versions_alone_are_enough():
    versions = export.fivetran(company())["sf_opportunity_history_data"]
    created = company()["opportunities"].set_index("opportunity_id")["created_date"]
    history = imported({"opportunity_history": versions.assign(created_date=versions["id"].map(created))})
    assert_same(history, ["stage_history"])
    assert len(history.opportunities) == len(created)


def test_sources_that_know_types_give_the_same():
    frames = {name: frame.copy() for name, frame in export.objects(company()).items()}
    for frame in frames.values():
        for name in frame:
            if name in ("CreatedDate", "LastLoginDate", "StartDateTime"):
                frame[name] = pd.to_datetime(frame[name], errors="coerce", utc=True)
            elif name in ("CloseDate", "ActivityDate", "StartDate"):
                frame[name] = pd.to_datetime(frame[name])
            elif name.startswith("Is"):
                frame[name] = frame[name] == "true"
    history = imported(frames)
    assert_same(history, KEYS)
    assert not [said for said in history.warnings if "another close_date" in said]


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


# Deals


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


# Dates of any locale


@pytest.mark.parametrize(
    ("words", "order", "read"),
    [
        (["5/31/2024", "6/1/2024"], "month", ["2024-05-31", "2024-06-01"]),
        (["31/5/2024", "1/6/2024 15:30"], "day", ["2024-05-31", "2024-06-01T15:30:00"]),
        (["5/31/2024, 3:05 PM", "6/1/24 12:00 am"], "month", ["2024-05-31T15:05:00", "2024-06-01T00:00:00"]),
        (["1.6.2024", "2024-05-31"], "day", ["2024-06-01", "2024-05-31"]),
        (["5/6/2024"], None, ["5/6/2024"]),
        (["31/5/2024", "5/31/2024"], None, ["31/5/2024", "5/31/2024"]),
    ],
)
def test_dates_are_read_by_the_locale_that_they_show(words, order, read):
    column = pd.Series(words, dtype="str")
    assert order_of_days([column]) == order
    assert stamps(column, order, utc=False).tolist() == read


def test_midnights_are_days_and_stamps_of_a_warehouse_are_utc():
    column = pd.Series(["2024-05-01 00:00:00", "2024-05-01T00:00:00.000Z", "2024-05-01T08:00:00Z"], dtype="str")
    assert days(column, None).tolist() == ["2024-05-01", "2024-05-01", "2024-05-01T08:00:00Z"]
    assert stamps(pd.Series(["2024-05-01 10:00:00", "2024-05-01"], dtype="str"), None, utc=True).tolist() == [
        "2024-05-01 10:00:00Z",
        "2024-05-01",
    ]
    typed = pd.Series(pd.to_datetime(["2024-05-01 10:00:00"]))
    assert str(stamps(typed, None, utc=True).dtype).endswith("UTC]")


def test_dates_that_cannot_be_told_are_refused_and_a_map_mends_it():
    cells = {"Opportunity ID": "O-1", "Opportunity Owner": "R1", "Stage": "A", "Amount": "1", "Closed": "0", "Won": "0"}
    report = pd.DataFrame([{**cells, "Close Date": "5/6/2024", "Created Date": "2/3/2024"}])
    with pytest.raises(InputError, match=r"Close Date: day and month cannot be told apart.*in a map of your own"):
        imported({"report": report})
    chart = """
tables:
  opportunities:
    file: report
    rename: {Opportunity ID: opportunity_id, Opportunity Owner: owner_id, Stage: stage, Amount: amount,
             Close Date: close_date, Created Date: created_date}
    constant: {status: open}
    dates: {close_date: "%d/%m/%Y", created_date: "%d/%m/%Y"}
"""
    assert imported({"report": report}, chart=parse_map(chart)).opportunities["close_date"].tolist() == [
        pd.Timestamp("2024-06-05")
    ]


def test_the_lines_under_a_report_are_no_deals(tmp_path):
    text = export.report(company()).to_csv(index=False)
    footer = '"Pipeline"\n"Copyright (c) 2000-2024 salesforce.com, inc. All rights reserved."\n"Generated By: Al"\n'
    (tmp_path / "report1719820800.csv").write_text(text + "\n\n" + footer, encoding="utf-8")
    history = imported(tmp_path)
    assert exclusions(history, "opportunities") == {"the lines under a report": 3}
    assert not len(history.rejected)
    (tmp_path / "report1719820800.csv").write_text(text + "\n\n" + '"Pipeline"\n', encoding="utf-8")
    assert len(imported(tmp_path, share=0.1).rejected) == 1


# Everything else


def test_users_who_left_without_a_date_are_told_and_others_than_standard_ones_left_out():
    users = pd.DataFrame(
        [
            ("005000000000001AAA", "Al Adler", "false", "2024-03-01T10:00:00.000Z", "Standard"),
            ("005000000000002AAA", "Bo Berg", "false", "", "Standard"),
            ("005000000000003AAA", "Cy Clark", "true", "2024-05-01T10:00:00.000Z", "Standard"),
            ("005000000000004AAA", "Robot", "true", "", "AutomatedProcess"),
        ],
        columns=["Id", "Name", "IsActive", "LastLoginDate", "UserType"],
    )
    history = imported({"Opportunity": pd.DataFrame([deal()]), "User": users})
    assert history.reps["end_date"].dt.strftime("%F").fillna("").tolist() == ["2024-03-01", "", ""]
    assert exclusions(history, "reps") == {"not a standard user": 1}
    assert any("1 users are not active, and nothing says when they left" in said for said in history.warnings)


def test_territories_of_users_and_the_active_model():
    users = pd.DataFrame({"Id": ["U1", "U2"], "FirstName": ["Al", "Bo"], "LastName": ["Adler", "Berg"]})
    places = pd.DataFrame({"UserId": ["U1", "U2", "U2"], "Territory2Id": ["T1", "T1", "T2"]})
    territories = pd.DataFrame(
        {"Id": ["T1", "T2", "T9"], "Name": ["N", "S", "Old"], "Territory2ModelId": ["M1", "M1", "M0"]}
    )
    models = pd.DataFrame({"Id": ["M0", "M1"], "State": ["Archived", "Active"]})
    frames = {"User": users, "UserTerritory2Association": places, "Territory2": territories, "Territory2Model": models}
    history = imported({"Opportunity": pd.DataFrame([deal()]), **frames})
    assert history.reps["territory_id"].fillna("").tolist() == ["T1", ""]
    assert history.reps["name"].tolist() == ["Al Adler", "Bo Berg"]
    assert history.territories["territory_id"].tolist() == ["T1", "T2"]
    assert exclusions(history, "territories") == {"of a territory model that is not active": 1}


def goal(owner, start, amount, **cells):
    return {"QuotaOwnerId": owner, "StartDate": start, "QuotaAmount": amount, "IsAmount": "true", **cells}


def test_quotas_get_the_labels_of_fiscal_periods():
    frame = pd.DataFrame([goal("R1", "2024-02-01", "100"), goal("R1", "2024-05-01", "200")])
    frames = {"Opportunity": pd.DataFrame([deal()]), "ForecastingQuota": frame}
    assert imported(frames).quotas["period"].tolist() == ["2024-02", "2024-05"]
    assert imported(frames, fiscal_year_start=2).quotas["period"].tolist() == ["2025Q1", "2025Q2"]
    periods = pd.DataFrame({"Id": ["P1", "P2"], "Type": ["Month", "Quarter"]})
    told = {**frames, "ForecastingQuota": frame.assign(PeriodId=["P1", "P2"]), "Period": periods}
    assert imported(told, fiscal_year_start=2).quotas["period"].tolist() == ["2024-02", "2025Q2"]


def test_quotas_of_one_user_and_period_are_added_up_and_others_left_out():
    frame = pd.DataFrame(
        [
            goal("R1", "2024-01-01", "100", ProductFamily="A", ForecastingTypeId="F1"),
            goal("R1", "2024-01-01", "50.5", ProductFamily="B", ForecastingTypeId="F1"),
            goal("R1", "2024-01-01", "900", ProductFamily="", ForecastingTypeId="F2"),
            goal("R2", "2024-01-01", "", ProductFamily="", ForecastingTypeId="F1", IsAmount="false"),
            goal("R2", "2024-01-15", "70", ProductFamily="", ForecastingTypeId="F1"),
        ]
    )
    history = imported({"Opportunity": pd.DataFrame([deal()]), "ForecastingQuota": frame}, share=1.0)
    assert history.quotas[["rep_id", "period", "quota"]].to_numpy().tolist() == [["R1", "2024-01", 150.5]]
    assert exclusions(history, "quotas") == {
        "not of money": 1,
        "for another kind of forecast": 1,
        "added to another quota of the same user and period": 1,
    }
    assert history.rejected[["line", "value", "reason"]].to_numpy().tolist() == [
        [6, "2024-01-15", "no fiscal period begins on this day"]
    ]
    assert_balanced(history)


def test_splits_are_those_of_revenue():
    rows = [("006000000000001", "R1", "60", "Revenue"), ("006000000000001", "R2", "40%", "Revenue"),
            ("006000000000001", "R3", "100", "Overlay")]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["OpportunityId", "SplitOwnerId", "SplitPercentage", "SplitTypeId"])
    deals = pd.DataFrame([deal("006000000000001")])
    history = imported({"Opportunity": deals, "OpportunitySplit": frame})
    assert history.splits["share"].tolist() == [0.6, 0.4]
    assert history.splits["opportunity_id"].tolist() == ["006000000000001AAA"] * 2
    kinds = pd.DataFrame(
        {"Id": ["K1", "K2"], "DeveloperName": ["Revenue", "Overlay"], "IsTotalValidated": ["true", "false"]}
    )
    named = {"OpportunitySplit": frame.replace({"Revenue": "K1", "Overlay": "K2"}), "OpportunitySplitType": kinds}
    assert imported({"Opportunity": deals, **named}).splits["share"].tolist() == [0.6, 0.4]
    unnamed = frame.replace({"Revenue": "K1", "Overlay": "K2", "100": "30"})
    assert imported({"Opportunity": deals, "OpportunitySplit": unnamed}).splits["share"].tolist() == [0.6, 0.4]


def test_activities_are_what_was_done():
    tasks = pd.DataFrame(
        [
            ("T1", "006000000000001AAA", "Call", "", "Completed", "2024-02-01", "false"),
            ("T2", "001000000000001AAA", "", "Email", "Completed", "2024-02-02", "false"),
            ("T3", "006000000000001AAA", "Call", "", "Not Started", "2024-02-03", "false"),
            ("T4", "006000000000001AAA", "Other", "Task", "Completed", "2024-02-04", "false"),
            ("T5", "006000000000001AAA", "Call", "", "Completed", "2024-02-05", "true"),
        ],
        columns=["Id", "WhatId", "Type", "TaskSubtype", "Status", "ActivityDate", "IsDeleted"],
    )
    history = imported({"Opportunity": pd.DataFrame([deal()]), "Task": tasks})
    assert history.activities[["activity_id", "type"]].to_numpy().tolist() == [["T1", "call"], ["T2", "email"]]
    assert history.activities["opportunity_id"].fillna("").tolist() == ["006000000000001AAA", ""]
    assert history.activities["account_id"].fillna("").tolist() == ["", "001000000000001AAA"]
    assert exclusions(history, "activities") == {
        "deleted in Salesforce": 1,
        "not done": 1,
        "neither call, email, meeting nor another kind that is known": 1,
    }


def test_canonical_tables_beside_an_export_are_used_as_they_are():
    reps = pd.DataFrame({"rep_id": ["005000000000001AAA"], "hire_date": ["2020-01-01"], "end_date": ["2024-06-01"]})
    plan = pd.DataFrame({"period": ["2024Q1"], "target": [1000]})
    quotas = pd.DataFrame({"rep_id": ["005000000000001AAA"], "period": ["2024Q1"], "quota": [500]})
    history = imported({"Opportunity": pd.DataFrame([deal()]), "reps": reps, "plan": plan, "quotas": quotas})
    assert history.reps["end_date"].tolist() == [pd.Timestamp("2024-06-01")]
    assert history.plan["target"].tolist() == [1000.0]
    assert history.quotas["quota"].tolist() == [500.0]


def test_an_export_without_opportunities_is_refused():
    with pytest.raises(InputError, match="opportunities"):
        imported({"User": pd.DataFrame({"Id": ["U1"], "Name": ["Al"]})})


def test_the_samples_of_a_warehouse_load_with_their_quirks_told(shared_data):
    folder = shared_data("crm_schema_samples")
    told = r"no row is left to work with: of 10 rows 10 left out \(deleted in Salesforce\).*--deleted keep"
    with pytest.raises(InputError, match=told):
        imported(folder)
    with pytest.raises(InputError, match=r"1 of 10 rows cannot be used .*max_rejected_share .*--max-rejected"):
        imported(folder, deleted="keep")
    history = imported(folder, share=0.1, deleted="keep")
    counts = history.counts.set_index("file")[["read", "used", "rejected", "excluded"]].to_numpy().tolist()
    assert counts == [[10, 9, 1, 0], [10, 9, 1, 0]]
    assert "opportunities: 3 won deals without a known amount count as 0" in history.warnings
    assert any(reason.startswith("closes before it was created") for reason in history.rejected["reason"])
    told = " / ".join(history.warnings)
    assert "10 deals are of types that are not known" in told
    assert "nothing is known before more than a day after their creation" in told
    assert "sf_opportunity_line_item_data.csv is not used: amounts are those of the deals" in told
