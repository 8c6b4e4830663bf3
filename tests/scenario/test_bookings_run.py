"""From a scenario whose history holds bookings alone to its run folder and page."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from ledgers import Trade, ledger_of
from spmforecast.errors import InputError
from spmforecast.models import FittedBookings
from spmforecast.scenario.booking_notes import booking_notes
from spmforecast.scenario.check import check_source
from spmforecast.scenario.schema import load_scenario

QUESTION = """
name: ledger
history: data
as_of: 2023-11-14
until: 2024-06-30
currency: EUR
levels: [region]
plan: {2023Q4: 2_000_000, 2024Q1: 1_800_000, 2024Q2: 1_700_000}
simulate: {trials: 300, seed: 1}
quotas: {method: equal-probability, over_assignment: 0.05, round_to: 1000}
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "data").mkdir()
    for name, table in ledger_of(Trade(reps=8), 3).items():
        table.to_csv(folder / "data" / f"{name}.csv", index=False)
    (folder / "scenario.yaml").write_text(QUESTION)
    return folder / "scenario.yaml"


@pytest.fixture(scope="module")
def result(scenario):
    return spm.run(scenario)


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    place = result.save(tmp_path_factory.mktemp("runs") / "ledger")
    spm.report(place)
    return place


def test_bookings_are_chosen_where_there_are_no_deals_and_it_is_said(result):
    assert isinstance(result.model, FittedBookings)
    assert any(warning.startswith("no deals are on record") for warning in result.warnings)
    history, problems = check_source(result.scenario.path)
    assert history is not None
    assert problems == []


def test_the_run_folder_is_whole(folder):
    facts = json.loads((folder / "run.json").read_text())
    assert facts["basis"] == "bookings"
    assert "Bookings by rep" in facts["model"]["title"]
    assert any("nothing of pipeline" in note for note in facts["model"]["notes"])
    assert any("Quotas:" in note for note in facts["model"]["notes"])
    deals = pd.read_csv(folder / "deals.csv")
    assert deals.empty
    assert {"opportunity_id", "p_win", "p_win_2024Q1", "expected_amount"} <= set(deals.columns)
    rates = pd.read_csv(folder / "rates.csv")
    assert {"level", "season", "order", "market", "capacity"} <= set(rates["kind"])
    quotas = pd.read_csv(folder / "quotas.csv")
    sums = quotas.groupby("period")["quota"].sum()
    assert sums.loc["2024Q1"] == pytest.approx(1_890_000, abs=1000)
    assert quotas["p_attain"].dropna().between(0, 1).all()


def test_every_level_adds_up(folder):
    draws = np.load(folder / "draws.npy")
    cells = pd.read_csv(folder / "cells.csv", dtype=str, keep_default_na=False)
    table = pd.read_csv(folder / "forecast.csv")
    for period in ("2023Q4", "2024Q2"):
        company = draws[:, (cells["period"] == period).to_numpy()].sum(axis=1)
        rows = table[table["period"] == period].set_index("node_level")
        assert rows.loc["company", "mean"] == pytest.approx(company.mean(), rel=1e-6)
        for level in ("region", "territory", "rep"):
            assert rows.loc[[level], "mean"].sum() == pytest.approx(company.mean(), rel=1e-6)
    actuals = pd.read_csv(folder / "actuals.csv")
    assert actuals["period"].tolist()[-1] == "2023Q3"
    assert (actuals["booked"] > 0).all()


def test_the_page_speaks_of_orders_not_of_deals(folder):
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Orders (80 %)" in page
    assert "What is booked, what is to come" in page
    assert "The record holds no deals" in page
    assert "Wins" not in page
    assert "deals not yet created" not in page


def test_the_notes_name_who_is_listed_and_taken_not_to_sell(scenario, result):
    told = " ".join(booking_notes(result.model))
    assert "taken not to sell" not in told
    table = result.model.history.current_reps().reset_index()
    late = table.iloc[:2].assign(rep_id=["M1", "M2"], hire_date=table["hire_date"].min(), end_date=pd.NaT)
    history = result.model.history
    reps = pd.concat([history.reps, late[history.reps.columns]], ignore_index=True)
    beside = replace(result.model, history=replace(history, tables={**history.tables, "reps": reps}))
    told = " ".join(booking_notes(beside))
    assert "with nothing booked and not hired lately, so taken not to sell: M1, M2." in told


def test_levels_are_those_of_bookings(scenario):
    wrong = scenario.with_name("wrong.yaml")
    wrong.write_text(QUESTION.replace("levels: [region]", "levels: [region, produkt]"))
    with pytest.raises(
        InputError, match=r"levels: deals have no such attribute \(found 'produkt'\). Did you mean product"
    ):
        spm.run(wrong)
    idle = scenario.with_name("idle.yaml")
    idle.write_text(
        QUESTION.replace("simulate:", "model: {segment_by: [segment, type], growth: free, half_life: 4}\nsimulate:")
    )
    warnings = spm.run(idle, trials=4).warnings
    assert any("segment_by has no effect" in warning for warning in warnings)
    assert "model: half_life, growth have no effect without deals" in warnings


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[]", "names no attribute of deals"),
        ("[segment, 3]", "names no attribute of deals"),
        ("[type, type]", "names an attribute twice"),
        ("7", "names no attribute of deals"),
    ],
)
def test_wrong_lists_of_attributes_are_refused(scenario, written, told):
    wrong = scenario.with_name("wrong.yaml")
    wrong.write_text(QUESTION + f"model: {{segment_by: {written}}}\n")
    with pytest.raises(InputError, match=told):
        load_scenario(wrong)


def test_a_list_of_one_is_that_one(scenario):
    one = scenario.with_name("one.yaml")
    one.write_text(QUESTION + "model: {segment_by: [segment]}\n")
    assert load_scenario(one).keys.model.segment_by == "segment"
    one.write_text(QUESTION + "model: {segment_by: [segment, type]}\n")
    assert load_scenario(one, {"seed": 4}).keys.model.segment_by == ("segment", "type")
