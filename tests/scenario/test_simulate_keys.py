"""Keys of simulate: method exact, trials auto, tolerance, dask."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from spmforecast.errors import InputError
from spmforecast.report import render
from spmforecast.scenario import run

SCENARIO = """
name: keys
history: {{example: {{seed: 7, character: tiny}}}}
as_of: 2024-06-30
until: 2024-12-31
plan: {{2024Q3: 100000, 2024Q4: 200000}}
simulate: {simulate}
"""


def answer(tmp_path, simulate):
    path = tmp_path / "keys.yaml"
    path.write_text(SCENARIO.format(simulate=simulate))
    return run(path)


@pytest.fixture(scope="module")
def exact_folder(tmp_path_factory):
    """Folder of a run with exact laws; read only."""
    place = tmp_path_factory.mktemp("exact")
    result = answer(place, "{trials: 400, method: exact, seed: 9}")
    assert any("method exact" in warning for warning in result.warnings)
    result.save(place / "out")
    return place / "out"


@pytest.fixture(scope="module")
def plain_folder(tmp_path_factory):
    """Folder of a run without them; read only."""
    place = tmp_path_factory.mktemp("plain")
    answer(place, "{trials: 400}").save(place / "out")
    return place / "out"


def test_exact_laws_stand_beside_the_draws_and_say_what_they_leave_out(exact_folder):
    exact = pd.read_csv(exact_folder / "exact.csv")
    company = exact[exact["node_level"] == "company"]
    assert company["period"].tolist() == ["2024Q3", "2024Q4"]
    assert company["p_plan"].between(0, 1).all()
    assert exact["left_out"].str.contains("left out").all()
    forecast = pd.read_csv(exact_folder / "forecast.csv")
    both = company.merge(forecast, on=["node_level", "node", "period"], suffixes=("", "_drawn"))
    assert ((both["mean"] / both["mean_drawn"]).sub(1).abs() < 0.15).all()


def test_the_page_shows_exact_laws_beside_the_draws_and_how_to_make_them_again(exact_folder, plain_folder):
    text = " ".join(re.sub("<[^>]+>", " ", render(exact_folder)).split())
    for told in ("Method simulation, with exact laws", "Trials 400", "Seed 9", "--trials 400 --seed 9"):
        assert told in text
    section = text[text.index("Exact laws of the company") :]
    exact = pd.read_csv(exact_folder / "exact.csv")
    for row in exact[exact["node_level"] == "company"].itertuples():
        assert f"{row.period} exact {row.mean / 1e3:,.1f}" in section
        assert f"{row.period} drawn" in section
    assert f"{100 * exact['p_plan'].iloc[0]:.0f} %" in section
    assert "are left out" in section
    assert "Exact laws" not in render(plain_folder)


def test_every_figure_has_its_standard_error(plain_folder):
    table = pd.read_csv(plain_folder / "forecast.csv")
    figures = ["mean", "sd", "p05", "p10", "p25", "p50", "p75", "p90", "p95", "p_plan"]
    figures += ["deals_mean", "deals_p10", "deals_p90"]
    assert {f"{name}_se" for name in figures} <= set(table)
    company = table[(table["node_level"] == "company") & (table["period"] == "2024Q4")].iloc[0]
    assert company["mean_se"] == pytest.approx(company["sd"] / 20)
    assert company["p_plan_se"] == pytest.approx((company["p_plan"] * (1 - company["p_plan"])) ** 0.5 / 20)


def test_auto_trials_stop_at_the_tolerance(tmp_path):
    forecast = answer(tmp_path, "{trials: auto, tolerance: 0.2}").forecast
    assert forecast.trials in 1000 * 2 ** np.arange(5)  # doubled, and far from the most
    for period in ("2024Q3", "2024Q4"):
        draws = forecast.period_draws(period)
        assert 1.96 * draws.std() / np.sqrt(len(draws)) <= 0.2 * draws.mean()


@pytest.mark.parametrize(
    ("simulate", "told"),
    [
        ("{trials: many}", "whole number or auto"),
        ("{trials: 0}", "at least 1"),
        ("{trials: 100000000}", "at most 10,000,000"),
        ("{tolerance: 0}", "tolerance"),
        ("{method: guess}", "method"),
    ],
)
def test_wrong_keys_are_refused(tmp_path, simulate, told):
    with pytest.raises(InputError, match=told):
        answer(tmp_path, simulate)
