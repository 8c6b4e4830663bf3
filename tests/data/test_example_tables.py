"""The tables of the example company are whole and honest, and the same bytes for a seed."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

from companies import EXPORT
from spmforecast.data.example import ExampleCompany
from spmforecast.errors import InputError

DATED = {
    "opportunities": "created_date",
    "stage_history": "entered_date",
    "reps": "hire_date",
    "activities": "date",
    "enablement": "completed_date",
    "submissions": "date",
}


@pytest.mark.parametrize("table", sorted(DATED))
def test_nothing_is_dated_after_the_export(medium, table):
    assert len(medium[table]) > 0
    assert medium[table][DATED[table]].max() <= EXPORT
    assert table == "reps" or medium[table][DATED[table]].min() >= "2022-01-01"  # founders were hired before


def test_what_is_over_ended_by_the_export(medium):
    assert medium["reps"]["end_date"].dropna().max() <= EXPORT
    deals = medium["opportunities"]
    assert deals.loc[deals["status"] != "open", "close_date"].max() <= EXPORT


def test_ids_are_unique_and_references_hold(medium):
    for table, key in [
        ("opportunities", "opportunity_id"),
        ("reps", "rep_id"),
        ("territories", "territory_id"),
        ("accounts", "account_id"),
        ("activities", "activity_id"),
    ]:
        assert medium[table][key].is_unique
    deals, reps, leaves = medium["opportunities"], set(medium["reps"]["rep_id"]), set(medium["reps"]["territory_id"])
    assert set(deals["owner_id"]) <= reps
    assert set(medium["stage_history"]["owner_id"]) <= reps
    assert set(medium["accounts"]["owner_id"]) <= reps
    assert set(deals["account_id"]) <= set(medium["accounts"]["account_id"])
    assert set(medium["stage_history"]["opportunity_id"]) == set(deals["opportunity_id"])
    assert leaves.isdisjoint(medium["territories"]["parent_id"].dropna())
    account = deals[["account_id", "territory_id"]].merge(medium["accounts"], on="account_id", suffixes=("", "_home"))
    assert (account["territory_id"] == account["territory_id_home"]).all()


def test_region_of_a_deal_is_the_parent_of_its_territory(medium):
    parent = medium["territories"].set_index("territory_id")["parent_id"]
    deals = medium["opportunities"]
    assert (parent.loc[deals["territory_id"]].to_numpy() == deals["region"].to_numpy()).all()


def test_stage_history_begins_at_creation_and_ends_as_the_deal_stands(medium):
    rows, deals = medium["stage_history"], medium["opportunities"].set_index("opportunity_id")
    first = rows.drop_duplicates("opportunity_id").set_index("opportunity_id").loc[deals.index]
    last = rows.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id").loc[deals.index]
    assert (first["entered_date"] == deals["created_date"]).all()
    assert (first["status"] == "open").all()
    for column in ("stage", "status", "amount", "close_date", "owner_id", "forecast_category"):
        assert (last[column] == deals[column]).all(), column
    over = deals["status"] != "open"
    assert (last.loc[over, "entered_date"] == deals.loc[over, "close_date"]).all()
    assert (rows.groupby("opportunity_id")["status"].agg(lambda s: (s != "open").sum()) == over.astype(int)).all()
    days = pd.to_datetime(rows["entered_date"]).groupby(rows["opportunity_id"])
    assert (days.diff().dropna() >= pd.Timedelta(0)).all()


def test_amount_won_is_the_price_less_the_discount(won):
    np.testing.assert_allclose(won["amount"], won["list_price"] * (1 - won["discount"]), atol=0.006)
    assert won["discount"].between(0, 0.4).all()


def test_expansions_follow_an_earlier_win(medium):
    deals = medium["opportunities"]
    first = deals[deals["status"] == "won"].groupby("account_id")["close_date"].min()
    grown = deals[deals["type"] == "expansion"]
    assert 0.02 < len(grown) / len(deals) < 0.4
    assert (first.loc[grown["account_id"]].to_numpy() < grown["created_date"].to_numpy()).all()


def test_plan_and_quotas_cover_their_periods(medium):
    plan, quotas = medium["plan"], medium["quotas"]
    assert list(plan["period"]) == [f"{year}Q{quarter}" for year in range(2023, 2027) for quarter in range(1, 5)]
    assert (plan["target"] > 0).all()
    assert set(quotas["period"]) == {period for period in plan["period"] if period <= "2025Q2"}
    total = quotas.groupby("period")["quota"].sum()
    cushion = total / plan.set_index("period")["target"].loc[total.index]
    assert cushion.between(1.10, 1.20).all()


def test_an_earlier_export_of_the_same_company_saw_the_same_past(small):
    earlier = ExampleCompany(seed=7, size="small", export="2024-09-30").tables()
    known = small["stage_history"][small["stage_history"]["entered_date"] <= "2024-09-30"].reset_index(drop=True)
    pd.testing.assert_frame_equal(earlier["stage_history"], known)


@pytest.mark.parametrize("export", ["2022-01-02", "2022-02-15", "2023-05-17"])
def test_a_young_company_promises_nothing_it_cannot_know(export):
    tables = ExampleCompany(size="small", export=export).tables()
    assert (tables["plan"]["target"] > 0).all()
    assert tables["stage_history"]["opportunity_id"].nunique() == len(tables["opportunities"])
    assert (tables["activities"]["date"] <= export).all()


def test_small_and_medium_companies_have_every_table(small, medium):
    assert list(small) == list(medium)
    assert all(len(table) for table in small.values())


def digest(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_files_are_the_same_bytes_for_a_seed_and_others_for_another(tmp_path):
    for name, seed in [("a", 4), ("b", 4), ("c", 5)]:
        ExampleCompany(seed=seed, size="small").write(tmp_path / name)
    same, again, other = (digest(tmp_path / name) for name in "abc")
    assert same == again
    assert same["opportunities.csv"] != other["opportunities.csv"]
    assert b"\r" not in (tmp_path / "a" / "opportunities.csv").read_bytes()


def test_files_hold_the_tables(tmp_path, small):
    ExampleCompany(seed=7, size="small").write(tmp_path)
    read = pd.read_csv(tmp_path / "opportunities.csv")
    np.testing.assert_array_equal(read["amount"], small["opportunities"]["amount"])
    assert list(read.columns) == list(small["opportunities"].columns)


def test_wrong_parameters_are_named_all_at_once():
    with pytest.raises(InputError, match="no such size") as caught:
        ExampleCompany(seed=-1, size="huge", character="wild")
    assert [problem.column for problem in caught.value.problems] == ["seed", "size", "character"]


def test_the_export_must_come_after_the_start():
    with pytest.raises(InputError, match="after the start"):
        ExampleCompany(export="2021-12-31")


def test_a_date_that_is_none_is_refused():
    with pytest.raises(InputError, match="not a date"):
        ExampleCompany(export="2025-13-01")
