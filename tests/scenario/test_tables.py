"""The tables of a run folder: they agree with the draws and with each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spmforecast.plan import AnnualPlan
from spmforecast.scenario import RunResult
from spmforecast.scenario.tables import company_targets, forecast_table, run_tables
from spmforecast.simulate import Forecast

QUARTERS = ["2025Q1", "2025Q2", "2025Q3", "2025Q4"]


@pytest.fixture(scope="module")
def tables(result: RunResult) -> dict[str, pd.DataFrame]:
    return run_tables(result)


def _level(table: pd.DataFrame, level: str) -> pd.DataFrame:
    return table[table["node_level"] == level].set_index(["node", "period"])


def test_the_company_is_the_sum_of_all_cells(result: RunResult, tables: dict[str, pd.DataFrame]) -> None:
    company = _level(tables["forecast"], "company").loc["company"]
    assert company.index.tolist() == [*QUARTERS, "2025"]
    for period in company.index:
        draws = result.forecast.period_draws(period)
        row = company.loc[period]
        assert row["mean"] == pytest.approx(draws.mean())
        assert row["sd"] == pytest.approx(draws.std(), abs=1e-6)
        names = ["p05", "p10", "p25", "p50", "p75", "p90", "p95"]
        assert row[names].to_numpy(float) == pytest.approx(np.quantile(draws, [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]))


@pytest.mark.parametrize("level", ["region", "territory", "manager", "rep", "segment", "product"])
def test_every_level_adds_up_to_the_company(tables: dict[str, pd.DataFrame], level: str) -> None:
    table = tables["forecast"]
    company = _level(table, "company").loc["company"]
    for column in ("mean", "booked", "deals_mean"):
        summed = _level(table, level)[column].groupby("period").sum()
        assert summed[company.index].to_numpy() == pytest.approx(company[column].to_numpy(), rel=1e-9, abs=1e-6)


def test_what_is_booked_is_a_floor_of_each_draw(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["forecast"]
    assert (table["p05"] >= table["booked"] - 0.01).all()
    past = table[table["period"].isin(QUARTERS[:2])]
    assert past["mean"].to_numpy() == pytest.approx(past["booked"].to_numpy())
    assert past["sd"].max() < 1e-3


def test_plan_and_chance_stand_where_there_is_a_target(result: RunResult, tables: dict[str, pd.DataFrame]) -> None:
    table = tables["forecast"]
    company = _level(table, "company").loc["company"]
    assert company["plan"].to_dict() == result.targets
    for period, target in result.targets.items():
        assert company.loc[period, "p_plan"] == (result.forecast.period_draws(period) >= target - 0.005).mean()
    others = table[table["node_level"] != "company"]
    assert others["plan"].isna().all()
    assert others["p_plan"].isna().all()


def test_targets_of_nodes_are_found(result: RunResult) -> None:
    region = result.forecast.cells["region"].iloc[0]
    frame = pd.DataFrame({"period": ["2025Q3"], "target": [50_000], "node_level": ["region"], "node": [region]})
    table = forecast_table(result.forecast, AnnualPlan.from_frame(frame))
    planned = table[table["plan"].notna()]
    assert planned[["node_level", "node", "period", "plan"]].values.tolist() == [["region", region, "2025Q3", 50_000.0]]


def test_a_year_that_is_not_covered_whole_has_no_target() -> None:
    cells = pd.DataFrame({"period": ["2025Q3", "2025Q4", "2026Q1"], "owner_id": "R1", "part": "open"})
    forecast = Forecast(np.ones((5, 3)), cells)
    plan = AnnualPlan.from_mapping({"2025Q3": 1, "2025": 4, "2026": 8, "2026Q1": 2})
    assert company_targets(plan, forecast) == {"2025Q3": 1.0, "2026Q1": 2.0, "2025": 4.0}
    table = forecast_table(forecast, plan)
    company = table[table["node_level"] == "company"].set_index("period")
    assert np.isnan(company.loc["2026", "plan"])
    assert company.loc["2025", "p_plan"] == 0.0
    assert company["deals_mean"].isna().all()


def test_the_three_parts_add_up(tables: dict[str, pd.DataFrame]) -> None:
    parts = tables["parts"].pivot_table(index="period", columns="part", values=["mean", "deals_mean"]).fillna(0.0)
    company = _level(tables["forecast"], "company").loc["company"]
    assert parts["mean"].sum(axis=1)[company.index].to_numpy() == pytest.approx(company["mean"].to_numpy())
    assert parts["deals_mean"].sum(axis=1)[company.index].to_numpy() == pytest.approx(company["deals_mean"].to_numpy())
    assert (parts["mean"]["won"][QUARTERS[2:]] == 0).all()
    assert (parts["mean"][["open", "new"]].loc[QUARTERS[2:]] > 0).all(axis=None)
    assert tables["parts"]["part"].drop_duplicates().tolist() == ["won", "open", "new"]
    part = tables["parts"].set_index("part")
    assert (part.loc["won", "mean_se"] < 1e-9).all()
    assert (part.loc[["open", "new"], "mean_se"] > 0).any()


def test_open_deals_explain_their_part(result: RunResult, tables: dict[str, pd.DataFrame]) -> None:
    deals, parts = tables["deals"], tables["parts"].set_index(["part", "period"])
    coming = QUARTERS[2:]
    assert deals["p_win"].to_numpy() == pytest.approx(
        deals[[f"p_win_{label}" for label in coming]].sum(axis=1).to_numpy()
    )
    assert deals["p_win"].sum() == pytest.approx(parts.loc["open", "deals_mean"][coming].sum())
    assert deals["expected_amount"].sum() == pytest.approx(parts.loc["open", "mean"][coming].sum())
    assert deals["spread_share"].is_monotonic_decreasing
    assert deals["spread_share"].between(0, 1).all()
    is_open = result.model.deals["status"] == "open"
    assert set(deals["opportunity_id"]) == set(result.model.deals.loc[is_open, "opportunity_id"])


def test_actuals_are_whole_past_quarters(result: RunResult, tables: dict[str, pd.DataFrame]) -> None:
    actuals = tables["actuals"].set_index("period")
    deals = result.model.deals
    won = deals[deals["status"] == "won"]
    quarter = won["close_date"].dt.to_period("Q").astype(str)
    assert len(actuals) == 12
    assert actuals.index[-1] == "2025Q2"
    assert actuals["booked"].to_dict() == pytest.approx(won.groupby(quarter)["amount"].sum()[actuals.index].to_dict())
    assert actuals["deals"].sum() == quarter.isin(actuals.index).sum()


def test_quotas_name_people_and_places(result: RunResult, tables: dict[str, pd.DataFrame]) -> None:
    quotas = tables["quotas"]
    chance = quotas["p_attain"]
    assert quotas["p_attain_se"].to_numpy() == pytest.approx(
        np.sqrt(chance * (1 - chance) / 400).to_numpy(), nan_ok=True
    )
    listed = quotas[quotas["rep_id"].isin(result.model.roster.owners)]
    assert (listed["name"] != "").all()
    assert set(listed["region"]) <= set(result.forecast.cells["region"])
    rep = listed.iloc[0]
    cells = result.forecast.cells
    own = (cells["owner_id"] == rep["rep_id"]) & (cells["period"] == rep["period"])
    draws = result.forecast.draws[:, own.to_numpy()].sum(axis=1)
    assert rep["p_attain"] == (draws >= rep["quota"] - 0.005).mean()


def test_without_quotas_there_is_no_table_of_them(result: RunResult) -> None:
    assert "quotas" not in run_tables(replace(result, quotas=None))


def test_rates_have_intervals_around_them(tables: dict[str, pd.DataFrame]) -> None:
    rates = tables["rates"]
    assert set(rates["kind"]) >= {"conversion", "cycle", "amount", "creation", "market"}
    assert (rates["low"] <= rates["estimate"]).all()
    assert (rates["estimate"] <= rates["high"]).all()
    conversion = rates[rates["kind"] == "conversion"]
    assert conversion["estimate"].between(0, 1).all()
