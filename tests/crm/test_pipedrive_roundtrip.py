"""Pipedrive: the example company exported and read back gives the same tables and the same past."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import export_pipedrive as pipedrive
from byday import by_day
from spmforecast.data import ExampleCompany, History, read_history

NOT_TOLD: Mapping[str, set[str]] = {
    "opportunities": {"forecast_category"},
    "stage_history": {"forecast_category"},
    "reps": {"territory_id", "manager_id", "role", "hire_date", "end_date", "effective_from", "latitude", "longitude"},
    "accounts": set(),
    "activities": set(),
}
"""Columns that Pipedrive has no field for; enablement, submissions and splits have no counterpart at all.

Winning and losing are no stages in Pipedrive: a closed deal stays in its last one.
"""


@pytest.fixture(scope="module")
def company() -> dict[str, pd.DataFrame]:
    return ExampleCompany(seed=3, size="small").tables()


def _as_lived(company: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Let closed deals stand in the last stage that they passed, as Pipedrive has them."""
    events, deals = company["stage_history"].copy(), company["opportunities"].copy()
    events["stage"] = pipedrive.lived(events)["stage"]
    deals["stage"] = deals["opportunity_id"].map(
        events.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")["stage"]
    )
    return {**company, "stage_history": events, "opportunities": deals}


@pytest.fixture(scope="module")
def canonical(company: dict[str, pd.DataFrame]) -> History:
    return read_history(_as_lived(company))


@pytest.fixture(scope="module")
def read_back(company: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("pipedrive")
    pipedrive.export_api(company, folder)
    return read_history(folder, crm="pipedrive", max_rejected_share=0.0)


@pytest.mark.parametrize("table", NOT_TOLD)
def test_the_example_company_comes_back(read_back: History, canonical: History, table: str) -> None:
    want, got = canonical.table(table), read_back.table(table)
    if table == "stage_history":
        # Creations stand behind the log; within a deal the order is that of time.
        order = pd.Categorical(got["opportunity_id"], categories=want["opportunity_id"].unique())
        got = got.assign(order=order.codes).sort_values(["order", "entered_date"], kind="stable")
    lost = NOT_TOLD[table]
    pd.testing.assert_frame_equal(by_day(got, want, lost), by_day(want, want, lost), check_like=True)


def test_canonical_tables_beside_the_export_are_read_too(read_back: History, canonical: History) -> None:
    for name in ("plan", "quotas", "territories"):
        pd.testing.assert_frame_equal(read_back.table(name), canonical.table(name))


def test_every_change_is_accounted_for(read_back: History, company: dict[str, pd.DataFrame]) -> None:
    lived = pipedrive.lived(company["stage_history"]).groupby("opportunity_id", sort=False)
    changes = sum(len(pipedrive.flow_of(rows.to_dict("records"))) for _, rows in lived)
    counts = read_back.counts.set_index(["table", "file"])
    log = counts.loc[("stage_history", "flow.json")]
    assert log["read"] == changes == log["used"] + log["rejected"] + log["excluded"]
    opening = counts.loc[("stage_history", "deals.json")]
    assert opening["read"] == opening["used"] == len(read_back.opportunities)


@pytest.mark.parametrize("flow", ["lines", "files"])
def test_however_the_flow_is_saved_it_tells_the_same(
    company: dict[str, pd.DataFrame], read_back: History, tmp_path: Path, flow: str
) -> None:
    pipedrive.export_api(company, tmp_path, flow)
    history = read_history(tmp_path, crm="pipedrive", max_rejected_share=0.0)
    pd.testing.assert_frame_equal(history.stage_history, read_back.stage_history)


@pytest.mark.parametrize("day", ["2023-02-28", "2024-05-17", "2025-03-31"])
def test_the_past_is_as_the_canonical_tables_tell_it(read_back: History, canonical: History, day: str) -> None:
    got, want = (history.as_of(day).opportunities for history in (read_back, canonical))
    lost = NOT_TOLD["opportunities"]
    pd.testing.assert_frame_equal(by_day(got, want, lost), by_day(want, want, lost))


@pytest.mark.parametrize("day", ["2023-02-28", "2024-05-17"])
def test_nothing_dated_later_reaches_the_view(
    company: dict[str, pd.DataFrame], read_back: History, tmp_path: Path, day: str
) -> None:
    rng = np.random.default_rng(5)
    events, deals = company["stage_history"].copy(), company["opportunities"].copy()
    later = events["entered_date"] > day
    events["amount"] = events["amount"].mask(later, rng.lognormal(9, 3, len(events)).round(2))
    events["owner_id"] = events["owner_id"].mask(later, "nobody")
    open_later = later & (events["status"] == "open")
    events["stage"] = events["stage"].mask(open_later, pd.Series(rng.choice(list(pipedrive.STAGES), len(events))))
    events["close_date"] = events["close_date"].mask(open_later, "2031-01-01")
    last = events.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")
    moved = deals["opportunity_id"].isin(events["opportunity_id"][later])
    for name in ("amount", "owner_id", "close_date"):
        deals[name] = deals[name].mask(moved, deals["opportunity_id"].map(last[name]))
    deals["discount"] = deals["discount"].mask(moved, 0.99)
    pipedrive.export_api({**company, "opportunities": deals, "stage_history": events}, tmp_path)
    poisoned = read_history(tmp_path, crm="pipedrive")
    assert later.any()
    for name in ("opportunities", "stage_history"):
        pd.testing.assert_frame_equal(poisoned.as_of(day).table(name), read_back.as_of(day).table(name))
