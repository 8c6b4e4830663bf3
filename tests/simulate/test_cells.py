"""Cells: what is past is summed to the cent, and everybody's deals to come are split without loss."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.errors import InputError
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.simulate.cells import plan_cells
from spmforecast.simulate.horizon import build_horizon
from spmforecast.simulate.layout import merge_shares

LEVELS = ["product"]


@pytest.fixture(scope="module")
def open_rows(model):
    return np.flatnonzero(model.stays.open_now)


@pytest.fixture(scope="module")
def horizon(model):
    return build_horizon(model.as_of, "2025-03-31", "quarter", model.calendar)


@pytest.fixture(scope="module")
def planned(model, horizon, open_rows):
    return plan_cells(model, horizon, LEVELS, open_rows)


def test_columns_are_those_of_the_contract(planned):
    frame = planned[0].frame
    assert list(frame.columns[:3]) == ["owner_id", "part", "period"]
    assert {"region", "territory_id", "segment", "product", "manager_id"} <= set(frame.columns)
    assert set(frame["part"]) == {"won", "open", "new"}
    assert frame.notna().all(axis=None)


def test_no_cell_stands_twice(planned):
    assert not planned[0].frame.duplicated().any()


def test_booked_is_what_was_won_this_fiscal_year(model, planned):
    plan, _ = planned
    deals = model.deals
    won = deals[(deals["status"] == "won") & (deals["close_date"] >= "2024-01-01")]
    past = plan.frame["part"] == "won"
    assert plan.count[past].sum() == len(won) > 0
    assert plan.amount[past].sum() == pytest.approx(won["amount"].sum(), abs=0.005)
    assert (plan.amount[~past] == 0).all()
    assert (plan.count[~past] == 0).all()
    by_owner = pd.Series(plan.amount[past]).groupby(plan.frame.loc[past, "owner_id"].to_numpy()).sum()
    for owner, amount in won.groupby("owner_id")["amount"].sum().items():
        assert by_owner[owner] == pytest.approx(amount, abs=0.005)


def test_each_open_deal_has_a_cell_of_its_own_kind_for_each_period(model, horizon, open_rows, planned):
    plan, _ = planned
    deals = model.deals.iloc[model.stays.deal[open_rows]]
    for column, deal in zip(plan.open_column, deals.itertuples(), strict=True):
        run = plan.frame.iloc[column : column + len(horizon.periods)]
        assert run["period"].tolist() == horizon.labels
        assert set(run["part"]) == {"open"}
        assert set(run["owner_id"]) == {deal.owner_id}
        assert set(run["product"]) == {deal.product}
        assert set(run["segment"]) == {deal.segment}


def test_each_sellers_shares_sum_to_one(model, planned):
    _, creation = planned
    total = np.bincount(creation.seller, weights=creation.share)
    assert len(total) >= len(model.roster.owners)
    np.testing.assert_allclose(total, 1.0)
    assert (creation.share > 0).all()


def test_deals_to_come_stand_under_those_who_create_them(model, planned):
    plan, creation = planned
    owner = plan.frame["owner_id"].to_numpy()[creation.column]
    names = np.array([*model.roster.owners, *[TO_BE_HIRED] * len(creation.places)], dtype=object)
    np.testing.assert_array_equal(owner, names[creation.seller])
    assert set(plan.frame["part"].to_numpy()[creation.column]) == {"new"}


def test_names_of_the_streams_are_unique(planned):
    _, creation = planned
    assert len(set(creation.ids)) == len(creation.ids)


def test_sellers_stand_at_their_places(model, planned):
    _, creation = planned
    places = model.roster.places
    for seller, place in enumerate(creation.place_of):
        assert creation.places[place] == (places["territory_id"].iloc[seller], places["region"].iloc[seller])


def test_levels_that_deals_do_not_have_are_all_named(model, horizon, open_rows):
    with pytest.raises(InputError, match=r"deals have no such attribute.*segment.*") as caught:
        plan_cells(model, horizon, ["colour", "product", "shape"], open_rows)
    assert [problem.value for problem in caught.value.problems] == ["colour", "shape"]
    assert {problem.column for problem in caught.value.problems} == {"levels"}


def test_shares_of_several_groups_merge_as_those_of_each_alone():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.integers(0, 4, (200, 3)), columns=["seller", "place", "kind"])
    rows["share"] = rng.random(200) ** 30
    keys = ["place", "kind"]
    got = merge_shares(rows, keys, within="seller")
    for seller, own in rows.groupby("seller"):
        alone = merge_shares(own, keys).reset_index(drop=True)
        mine = got.loc[got["seller"] == seller, [*keys, "share"]].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, alone)
    # What is negligible is gone from some of them, and the rest still sum to one.
    assert len(got) < len(rows.drop_duplicates(["seller", *keys]))
    np.testing.assert_allclose(got.groupby("seller")["share"].sum(), 1.0)
