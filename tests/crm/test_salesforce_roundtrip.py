"""Salesforce: the example company exported in every form gives the tables that it was made of, and the same past."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import export_salesforce as export
from salesforce_objects import (
    KEYS,
    NOT_TOLD_AT_ALL,
    assert_balanced,
    assert_same,
    company,
    exclusions,
    imported,
    in_order,
    wanted,
)


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
