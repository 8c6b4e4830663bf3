"""Two public data sets, loaded by a map alone, against the counts that their own descriptions state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from spmforecast.data import read_history

HERE = Path(__file__).parent


def test_the_maven_pipeline_loads_by_its_map(shared_data: Callable[[str], Path]) -> None:
    history = read_history(shared_data("maven_crm"), map=HERE / "maven_crm" / "map.yaml", strict=True)
    deals = history.counts.set_index("table").loc["opportunities"]
    assert deals[["read", "used", "rejected", "excluded"]].tolist() == [8800, 8300, 0, 500]
    assert history.exclusions[["rows", "reason"]].values.tolist() == [[500, "no date at all"]]
    assert history.opportunities["status"].value_counts().to_dict() == {"won": 4238, "lost": 2473, "open": 1589}
    won = history.opportunities[history.opportunities["status"] == "won"]
    assert won["amount"].sum() == 10_005_534
    assert set(history.deals()["region"]) == {"Central", "East", "West"}
    assert history.deals()["manager_id"].nunique() == 6
    assert history.opportunities["account_id"].isna().sum() == 1088
    assert (len(history.reps), len(history.accounts)) == (35, 85)
    assert history.observed_from == pd.Timestamp("2017-03-01")
    view = history.as_of("2017-06-30")
    open_deals = view.opportunities[view.opportunities["status"] == "open"]
    assert open_deals[["stage", "amount", "close_date"]].isna().all(axis=None)
    known = history.opportunities["close_date"] < "2017-07-01"
    assert (view.opportunities["status"] != "open").sum() == known.sum()


def test_the_loan_funnel_loads_by_its_map(shared_data: Callable[[str], Path]) -> None:
    history = read_history(shared_data("bpic2012"), map=HERE / "bpic2012" / "map.yaml", strict=True)
    counts = history.counts.set_index("table")
    assert counts.loc["opportunities", ["read", "used", "rejected"]].tolist() == [13087, 13087, 0]
    assert counts.loc["stage_history", "read"] == 92093
    status = history.opportunities["status"].value_counts().to_dict()
    assert status == {"lost": 7635 + 2807, "won": 2246, "open": 399}
    stages = history.stage_history["stage"].value_counts()
    assert stages["A_SUBMITTED"] == 13087
    assert stages["A_PREACCEPTED"] == 7367
    assert (history.stage_history["status"] == "won").sum() == 2246
    last = history.as_of("2012-03-31").opportunities
    assert last["status"].value_counts().to_dict() == status
    # Halfway, outcomes come from the events alone; the amount asked for is known from the start.
    view = history.as_of("2011-12-31").opportunities
    events = history.stage_history
    ended = events[events["status"].isin(["won", "lost"]) & (events["entered_date"] < "2012-01-01")]
    assert (view["status"] != "open").sum() == ended["opportunity_id"].nunique()
    assert view["amount"].notna().all()
    assert view["stage"].notna().all()
