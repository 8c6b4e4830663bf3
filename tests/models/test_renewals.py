"""Renewals beside new business: profiles of segment and type together, each with a season of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import history_of
from renewals import AS_OF, END, renewing_company
from spmforecast.models import ModelSpec, PipelineModel
from spmforecast.models.mix import segment_seasons
from spmforecast.simulate import simulate

BOTH = ModelSpec(segment_by=("segment", "type"))


def coming(forecast, *by):
    """Mean and 80 % interval by type and period to come."""
    table = forecast.totals([*by, "period"])
    index = pd.MultiIndex.from_frame(table.groups.astype(str))
    low, high = np.quantile(table.draws, [0.1, 0.9], axis=0)
    out = pd.DataFrame({"mean": table.draws.mean(axis=0), "low": low, "high": high}, index=index)
    return out[out.index.get_level_values("period") > "2024Q2"]


def truth(history):
    won = history.opportunities[(history.opportunities["status"] == "won").to_numpy()]
    period = won["close_date"].dt.to_period("Q").astype(str)
    return won.groupby([won["type"], period.rename("period")])["amount"].sum()


@pytest.fixture(scope="module")
def model():
    return PipelineModel(BOTH).fit(renewing_company(1), AS_OF)


def test_each_profile_has_its_own_chances(model):
    rates = model.conversion_rates().set_index(["segment", "stage"])["estimate"]
    for segment in ("SMB", "Enterprise"):
        assert rates[f"{segment} · renewal", "Contact"] == pytest.approx(0.88, abs=0.08)
        assert rates[f"{segment} · new", "Contact"] == pytest.approx(0.25, abs=0.08)
    with_list = set(model.summary()["segment"])
    assert "SMB · renewal" in with_list


def test_renewals_have_a_season_that_new_business_has_not(model):
    season = segment_seasons(model.deals, model.profiles, model.creation)
    at = {name: index for index, name in enumerate(model.profiles.segments)}
    renewal, new = season[at["SMB · renewal"]], season[at["SMB · new"]]
    assert renewal[7:10].min() > 1.15 * renewal[:6].max()
    assert new[7:10].max() < new[:6].min()


def test_a_short_record_or_one_segment_claims_no_season():
    deals = [{"opportunity_id": f"D{i}", "created_date": f"2024-0{1 + i % 6}-01"} for i in range(40)]
    model = PipelineModel().fit(history_of(deals), "2024-06-30")
    np.testing.assert_array_equal(segment_seasons(model.deals, model.profiles, model.creation), 1.0)


def test_forecasts_by_type_know_when_renewals_come(model):
    forecast = simulate(model, END, trials=400, seed=1, levels=("type",))
    mean = coming(forecast, "type")["mean"]
    assert mean["renewal", "2024Q4"] > 2 * mean["renewal", "2025Q2"]
    assert mean["new", "2024Q4"] < 1.4 * mean["new", "2025Q2"]
    whole = sum(forecast.period_draws(period).mean() for period in ("2024Q3", "2024Q4", "2025Q1", "2025Q2"))
    assert mean.sum() == pytest.approx(whole)


@pytest.mark.slow
def test_forecasts_by_type_hold_what_came() -> None:
    rows = []
    for seed in range(11, 21):
        history = renewing_company(seed)
        forecast = simulate(PipelineModel(BOTH).fit(history, AS_OF), END, trials=1000, seed=seed, levels=("type",))
        told = coming(forecast, "type")
        told = told[told.index.get_level_values("type") != "(none)"]
        rows.append(told.assign(truth=truth(history).reindex(told.index, fill_value=0.0)))
    table = pd.concat(rows)
    table["held"] = (table["low"] <= table["truth"]) & (table["truth"] <= table["high"])
    held = table.groupby("type")["held"].mean()
    assert held.between(0.6, 0.97).all(), held
    ratio = table.groupby("type")["mean"].sum() / table.groupby("type")["truth"].sum()
    assert ratio.between(0.8, 1.2).all(), ratio
