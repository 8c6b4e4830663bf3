"""Draws by node and period against sums cell by cell, and what the screen shows against the folder's table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.plan import AnnualPlan
from spmforecast.scenario.nodes import node_draws, node_sums
from spmforecast.scenario.tables import company_table, forecast_table
from spmforecast.simulate import Forecast

CELLS = pd.DataFrame(
    {
        "region": ["South", "North", "North", "South", "North", "North"],
        "period": ["2025Q3", "2025Q3", "2025Q4", "2026Q1", "2026Q1", "2025Q3"],
        "part": ["new", "won", "open", "new", "open", "new"],
    }
)
DRAWS = np.round(np.random.default_rng(5).gamma(0.5, 1e5, (40, len(CELLS))), 2)
DRAWS[:, 1] = 1234.5


@pytest.fixture
def forecast() -> Forecast:
    return Forecast(DRAWS, CELLS, (DRAWS > 1e4).astype(np.float32))


def _cells(node: str, period: str) -> np.ndarray:
    inside = CELLS["period"].str[:4].eq(period) if len(period) == 4 else CELLS["period"].eq(period)
    return (inside & CELLS["region"].eq(node)).to_numpy()


def test_each_node_has_every_period_and_year_in_the_order_of_time(forecast: Forecast) -> None:
    groups = node_sums(forecast, "region").groups
    periods = ["2025Q3", "2025Q4", "2026Q1", "2025", "2026"]
    assert groups["region"].tolist() == ["North"] * 5 + ["South"] * 5
    assert groups["period"].tolist() == periods * 2


def test_sums_are_those_of_the_cells_and_zero_without_any(forecast: Forecast) -> None:
    sums = node_sums(forecast, "region")
    for place, (node, period) in enumerate(sums.groups.itertuples(index=False)):
        own = _cells(node, period)
        np.testing.assert_allclose(sums.draws[:, place], DRAWS[:, own].sum(axis=1), rtol=1e-14)
        np.testing.assert_array_equal(sums.wins[:, place], (DRAWS[:, own] > 1e4).sum(axis=1))
    lacking = (sums.groups["region"] == "South") & (sums.groups["period"] == "2025Q4")
    assert not sums.draws[:, lacking.to_numpy()].any()


def test_draws_of_nodes_are_the_sums_in_cents(forecast: Forecast) -> None:
    told, draws = node_draws(forecast, "region")
    assert told["node"].tolist() == node_sums(forecast, "region").groups["region"].tolist()
    np.testing.assert_array_equal(draws, np.round(node_sums(forecast, "region").draws, 2))


def test_wins_that_were_not_simulated_are_missing() -> None:
    assert np.isnan(node_sums(Forecast(DRAWS, CELLS), "region").wins).all()


def test_the_screen_shows_the_company_of_the_folder(forecast: Forecast) -> None:
    plan = AnnualPlan.from_mapping({"2025Q3": 90_000, "2025Q4": 50_000, "2026": 10_000})
    whole = forecast_table(forecast, plan)
    pd.testing.assert_frame_equal(company_table(forecast, plan), whole[whole["node_level"] == "company"])
    draws = DRAWS[:, (CELLS["period"] == "2025Q3").to_numpy()].sum(axis=1)
    row = whole.iloc[0]
    assert row[["p05", "p10", "p25", "p50", "p75", "p90", "p95"]].tolist() == pytest.approx(
        np.quantile(draws, [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]).tolist(), abs=0.01
    )
    assert row["p_plan"] == (draws >= 90_000 - 0.005).mean()
