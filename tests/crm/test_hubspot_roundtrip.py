"""HubSpot: the example company exported and read back gives the same tables and the same past."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import export_hubspot as hubspot
from byday import by_day
from spmforecast.data import ExampleCompany, History, read_history

NOT_TOLD: Mapping[str, set[str]] = {
    "opportunities": set(),
    "stage_history": set(),
    "reps": {"territory_id", "manager_id", "role", "hire_date", "end_date", "effective_from", "latitude", "longitude"},
    "accounts": set(),
    "activities": set(),
}
"""Columns that HubSpot has no field for; enablement, submissions and splits have no counterpart at all."""

ACTIVITIES = ("call", "email", "meeting")
"""Kinds of activity that HubSpot knows."""


@pytest.fixture(scope="module")
def company() -> dict[str, pd.DataFrame]:
    return ExampleCompany(seed=3, size="small").tables()


@pytest.fixture(scope="module")
def canonical(company: dict[str, pd.DataFrame]) -> History:
    return read_history(company)


@pytest.fixture(scope="module")
def read_back(company: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("hubspot")
    hubspot.export_api(company, folder)
    return read_history(folder, crm="hubspot", max_rejected_share=0.0)


@pytest.mark.parametrize("table", NOT_TOLD)
def test_the_example_company_comes_back(read_back: History, canonical: History, table: str) -> None:
    want = canonical.table(table)
    got = read_back.table(table)
    if table == "activities":
        want = want[want["type"].isin(ACTIVITIES)]
        order = want["activity_id"].tolist()
        got = got.set_index("activity_id").loc[order].reset_index()
    pd.testing.assert_frame_equal(
        by_day(got, want, NOT_TOLD[table]), by_day(want, want, NOT_TOLD[table]), check_like=True
    )


def test_canonical_tables_beside_the_export_are_read_too(read_back: History, canonical: History) -> None:
    for name in ("plan", "quotas", "territories"):
        pd.testing.assert_frame_equal(read_back.table(name), canonical.table(name))
    assert read_back.warnings == ()


def test_every_version_of_every_property_is_accounted_for(read_back: History, company: dict[str, pd.DataFrame]) -> None:
    versions = sum(
        len(found) for deal in hubspot.api_deals(company)["results"] for found in deal["propertiesWithHistory"].values()
    )
    counts = read_back.counts.set_index("table").loc["stage_history"]
    assert counts["read"] == versions
    assert counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]


@pytest.mark.parametrize("day", ["2023-02-28", "2024-05-17", "2025-03-31"])
def test_the_past_is_as_the_canonical_tables_tell_it(read_back: History, canonical: History, day: str) -> None:
    got, want = (history.as_of(day).opportunities for history in (read_back, canonical))
    columns = {"list_price", "discount"} & set(want.columns)
    pd.testing.assert_frame_equal(by_day(got, want, columns), by_day(want, want, columns))


@pytest.mark.parametrize("day", ["2023-02-28", "2024-05-17"])
def test_nothing_dated_later_reaches_the_view(
    company: dict[str, pd.DataFrame], read_back: History, tmp_path: Path, day: str
) -> None:
    rng = np.random.default_rng(5)
    events, deals = company["stage_history"].copy(), company["opportunities"].copy()
    later = events["entered_date"] > day
    events["amount"] = events["amount"].mask(later, rng.lognormal(9, 3, len(events)).round(2))
    events["owner_id"] = events["owner_id"].mask(later, "nobody")
    events["stage"] = events["stage"].mask(later, pd.Series(rng.choice(list(hubspot.STAGES), len(events))))
    events["close_date"] = events["close_date"].mask(later, "2031-01-01")
    moved = deals["opportunity_id"].isin(events["opportunity_id"][later])
    for name, poison in (("amount", 1e7), ("owner_id", "nobody"), ("status", "won"), ("stage", "Closed Won")):
        deals[name] = deals[name].mask(moved, poison)
    deals["close_date"] = deals["close_date"].mask(moved, "2031-01-01")
    hubspot.export_api({**company, "opportunities": deals, "stage_history": events}, tmp_path)
    poisoned = read_history(tmp_path, crm="hubspot")
    assert later.any()
    for name in ("opportunities", "stage_history"):
        pd.testing.assert_frame_equal(poisoned.as_of(day).table(name), read_back.as_of(day).table(name))


@pytest.fixture(scope="module")
def wide(company: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("wide")
    hubspot.export_wide(company, folder)
    (folder / "pipelines.json").write_text(json.dumps(hubspot.pipelines()), encoding="utf-8")
    return read_history(folder, crm="hubspot", max_rejected_share=0.0)


def test_the_wide_form_tells_when_each_stage_was_entered_last(wide: History, canonical: History) -> None:
    want = canonical.stage_history[["opportunity_id", "stage", "entered_date", "status"]]
    began = want["stage"] != want.groupby("opportunity_id")["stage"].shift()
    want = want[began].drop_duplicates(["opportunity_id", "stage"], keep="last")
    got = wide.stage_history[want.columns].assign(entered_date=wide.stage_history["entered_date"].dt.normalize())
    keys = ["opportunity_id", "stage"]
    pd.testing.assert_frame_equal(got.sort_values(keys, ignore_index=True), want.sort_values(keys, ignore_index=True))
    assert wide.stage_history[["amount", "close_date", "owner_id"]].isna().all(axis=None)
    assert any("keeps only one of the times" in said for said in wide.warnings)


def test_calculated_properties_do_not_become_attributes_of_deals(wide: History) -> None:
    assert not [name for name in wide.opportunities.columns if name.startswith(("hs_", "date", "last"))]
