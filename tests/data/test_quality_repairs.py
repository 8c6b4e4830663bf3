"""Repairs: only what is asked for, recorded, and nothing else touched; clean-up days and what is censored by them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.data import History
from spmforecast.data.quality import REPAIRS, QualityRules, clean_up_days, quality_report, repair
from spmforecast.errors import InputError
from tidy import tidy_history, tidy_tables

SWEEP = pd.Timestamp("2024-03-15")


def _swept() -> dict[str, pd.DataFrame]:
    """R1 loses 25 deals on one day that had been lost, in truth, one by one."""
    tables = tidy_tables()
    deals = tables["opportunities"]
    mine = deals.index[
        (deals["status"] == "lost") & (deals["owner_id"] == "R1") & (deals["created_date"] < "2024-03-01")
    ]
    deals.loc[mine[:25], "close_date"] = SWEEP
    events = tables["stage_history"]
    closing = events["opportunity_id"].isin(deals.loc[mine[:25], "opportunity_id"]) & (events["status"] == "lost")
    events.loc[closing, "entered_date"] = SWEEP
    return tables


def _only_changed(before: History, after: History, table: str, columns: set[str]) -> None:
    for name in before.tables:
        if name != table:
            pd.testing.assert_frame_equal(after.table(name), before.table(name))
    left = [column for column in before.table(table) if column not in columns]
    pd.testing.assert_frame_equal(after.table(table)[left], before.table(table)[left])


@pytest.mark.parametrize("name", REPAIRS)
def test_there_is_nothing_to_repair_in_a_tidy_company(name: str) -> None:
    history = tidy_history()
    done = repair(history, [name])
    assert done.repairs.empty
    assert done.warnings == history.warnings
    for table in history.tables:
        pd.testing.assert_frame_equal(done.table(table), history.table(table))


def test_nothing_is_repaired_that_was_not_asked_for() -> None:
    tables = tidy_tables()
    tables["opportunities"].loc[0, ["owner_id", "product"]] = ["r 1", "Core sytem"]
    history = tidy_history(tables)
    assert repair(history, []) is history
    assert repair(history, ["trim_duplicates"]).opportunities["owner_id"].iloc[0] == "r 1"


def test_the_nearest_key_takes_the_place_of_one_that_names_nothing() -> None:
    tables = tidy_tables()
    tables["opportunities"].loc[[0, 1, 2], "owner_id"] = ["r 1", "r-1", "X99"]
    tables["opportunities"].loc[[3, 4], "product"] = ["Core sytem", "CORE SYSTEM"]
    history = tidy_history(tables)
    done = repair(history, ["nearest_keys"])
    assert done.opportunities["owner_id"].iloc[:3].tolist() == ["R1", "R1", "X99"]
    assert done.opportunities["product"].iloc[3:5].tolist() == ["Core system"] * 2
    _only_changed(history, done, "opportunities", {"owner_id", "product"})
    assert done.repairs[["repair", "table", "column", "rows"]].values.tolist() == [
        ["nearest_keys", "opportunities", "owner_id", 2],
        ["nearest_keys", "opportunities", "product", 2],
    ]
    assert "Core sytem → Core system" in done.repairs["examples"].iloc[1]
    assert "repair nearest_keys: 2 rows of opportunities.owner_id changed" in done.warnings
    assert not quality_report(done)["rule"].isin(["misspellings"]).any()
    assert history.repairs.empty


def test_of_likely_duplicates_the_first_is_kept() -> None:
    tables = tidy_tables()
    first = tables["opportunities"].iloc[[10]]
    again = first.assign(opportunity_id="D-1")
    tables["opportunities"] = pd.concat([tables["opportunities"], again], ignore_index=True)
    events = tables["stage_history"]
    own = events[events["opportunity_id"] == first["opportunity_id"].iloc[0]]
    tables["stage_history"] = pd.concat([events, own.assign(opportunity_id="D-1")], ignore_index=True)
    tables["activities"] = pd.DataFrame(
        {"activity_id": ["a", "b"], "date": "2023-02-01", "type": "call", "opportunity_id": ["D-1", "O-0001"]}
    )
    done = repair(tidy_history(tables), ["trim_duplicates"])
    assert "D-1" not in set(done.opportunities["opportunity_id"]) | set(done.stage_history["opportunity_id"])
    assert done.activities["opportunity_id"].tolist() == ["O-0010", "O-0001"]
    assert len(done.stage_history) == len(events)
    assert done.repairs[["table", "rows"]].values.tolist() == [
        ["opportunities", 1],
        ["activities", 1],
        ["stage_history", len(own)],
    ]
    assert done.repairs["examples"].iloc[0] == "D-1 → O-0010"


def test_dead_deals_count_as_lost_when_they_passed_the_limit() -> None:
    tables = tidy_tables()
    deals, events = tables["opportunities"], tables["stage_history"]
    row = deals.index[deals["status"] == "open"][0]
    name = deals.loc[row, "opportunity_id"]
    deals.loc[row, "created_date"] = pd.Timestamp("2023-03-01")
    events.loc[events["opportunity_id"] == name, "entered_date"] = pd.Timestamp("2023-03-01")
    history = tidy_history(tables)
    done = repair(history, ["close_dead_deals"])
    one = done.opportunities.loc[row]
    assert one["status"] == "lost"
    # No deal stays in a stage for longer than 80 days in this company.
    assert pd.Timestamp("2023-03-01") < one["close_date"] <= pd.Timestamp("2023-03-01") + pd.Timedelta(days=81)
    assert done.repairs["rows"].tolist() == [1]
    _only_changed(history, done, "opportunities", {"status", "close_date"})
    patient = repair(history, ["close_dead_deals"], QualityRules(dead_least_exits=10_000))
    assert patient.repairs.empty


def test_a_clean_up_day_is_far_beyond_the_owners_other_days() -> None:
    found = clean_up_days(tidy_history(_swept()))
    assert found[["owner_id", "day", "closed"]].values.tolist() == [["R1", SWEEP, 25]]
    assert found["usual"].iloc[0] <= 2
    assert clean_up_days(tidy_history(_swept()), QualityRules(clean_up_least=26)).empty
    assert clean_up_days(tidy_history()).empty
    # Before the day it is not known.
    assert clean_up_days(tidy_history(_swept()).as_of("2024-03-14")).empty
    assert len(clean_up_days(tidy_history(_swept()).as_of("2024-03-15"))) == 1


def test_an_owner_who_always_loses_many_is_not_cleaning_up() -> None:
    rng = np.random.default_rng(4)
    day = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.repeat(np.arange(60), 20), unit="D")
    deals = pd.DataFrame(
        {
            "opportunity_id": [f"O{k}" for k in range(len(day))],
            "owner_id": "robot",
            "created_date": pd.Timestamp("2022-12-01"),
            "status": "lost",
            "close_date": day,
            "amount": rng.lognormal(5, 1, len(day)),
        }
    )
    assert clean_up_days(tidy_history({"opportunities": deals})).empty


def test_a_clean_up_by_everybody_at_once_is_the_companys() -> None:
    tables = tidy_tables()
    deals = tables["opportunities"]
    early = (deals["status"] == "lost") & (deals["created_date"] < "2024-03-01")
    some = pd.concat([deals.index[early & (deals["owner_id"] == f"R{k}")][:6].to_series() for k in range(1, 7)])
    deals.loc[some, "close_date"] = SWEEP
    found = clean_up_days(tidy_history(tables))
    assert found[["owner_id", "day"]].values.tolist() == [["(company)", SWEEP]]
    assert found["closed"].iloc[0] >= 36
    known = repair(tidy_history(tables), ["censor_clean_ups"]).opportunities
    assert set(deals.loc[some, "opportunity_id"]) <= set(known.loc[known["censored_on"].notna(), "opportunity_id"])


def test_swept_deals_are_watched_to_their_last_event_or_activity() -> None:
    tables = _swept()
    names = tables["opportunities"].loc[tables["opportunities"]["close_date"] == SWEEP, "opportunity_id"].tolist()
    tables["activities"] = pd.DataFrame(
        {
            "activity_id": ["a", "b"],
            "date": ["2024-03-10", "2024-03-15"],  # the second is the clean-up itself
            "type": "call",
            "opportunity_id": [names[0], names[1]],
        }
    )
    history = tidy_history(tables)
    done = repair(history, ["censor_clean_ups"])
    known = done.opportunities.set_index("opportunity_id")
    swept = known[known["censored_on"].notna()]
    assert len(swept) == 25
    assert (swept["censored_on"] < swept["close_date"]).all()
    assert swept.loc[names[0], "censored_on"] == pd.Timestamp("2024-03-10")
    events = history.stage_history
    last = events[(events["opportunity_id"] == names[1]) & (events["status"] == "open")]["entered_date"].max()
    assert swept.loc[names[1], "censored_on"] == last
    # Bookings and statuses stay what they are, and an earlier day knows nothing of it.
    assert (known["status"] == history.opportunities.set_index("opportunity_id")["status"]).all()
    assert done.as_of("2024-03-14").opportunities["censored_on"].isna().all()


def test_an_unknown_repair_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean nearest_keys"):
        repair(tidy_history(), ["nearest_key"])
    with pytest.raises(InputError, match="Use one of: nearest_keys, trim_duplicates"):
        repair(tidy_history(), ["xyz"])
