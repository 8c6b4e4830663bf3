"""Splits: every amount divided to the cent among those who share a deal, and nothing else changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companies import AS_OF, example_tables
from spmforecast.data import read_history
from spmforecast.models import PipelineModel
from spmforecast.simulate import simulate
from spmforecast.simulate.credits import divide, shares_of, usual_partners

UNTIL = "2024-12-31"
DEALS = pd.DataFrame({"opportunity_id": ["A", "B", "C"], "owner_id": ["R1", "R2", "R1"]})


def splits(*rows):
    return pd.DataFrame(rows, columns=["opportunity_id", "rep_id", "share"])


def test_the_owner_leads_where_credited_else_the_largest_share():
    shared = shares_of(DEALS, splits(("A", "R2", 0.7), ("A", "R1", 0.3), ("B", "R1", 0.4), ("B", "R3", 0.6)))
    assert shared.values.tolist() == [
        [0, "R1", 0.3, True], [0, "R2", 0.7, False], [1, "R3", 0.6, True], [1, "R1", 0.4, False], [2, "R1", 1.0, True],
    ]  # fmt: skip


def test_without_splits_everybody_keeps_what_is_theirs():
    shared = shares_of(DEALS, splits())
    assert shared["owner_id"].tolist() == ["R1", "R2", "R1"]
    assert shared["lead"].all()
    assert usual_partners(DEALS, splits(), ("R1",)) == {}


@given(
    amount=st.floats(0, 1e8).map(lambda value: round(value, 2)),
    shares=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5),
)
def test_parts_add_up_to_the_cent(amount, shares):
    share = np.array(shares) / np.sum(shares)
    lead = np.arange(len(share)) == 0
    parts = divide(np.full(len(share), amount), share, lead)
    assert round(float(parts.sum()), 2) == amount
    np.testing.assert_allclose(parts, amount * share, atol=0.005 * len(share) + 1e-6)


def test_usual_partners_are_those_still_here():
    shared = splits(("A", "R1", 0.5), ("A", "R2", 0.5), ("B", "R2", 0.8), ("B", "Gone", 0.2))
    assert usual_partners(DEALS, shared, ("R1", "R2")) == {"R1": {"R1": 0.75, "R2": 0.25}}


@pytest.fixture(scope="module")
def whole_and_shared():
    tables = dict(example_tables())
    deals = tables["opportunities"]
    owners = sorted(deals["owner_id"].unique())
    partner = dict(zip(owners, owners[1:] + owners[:1], strict=True))
    chosen = deals[deals.index % 3 == 0]
    own = pd.DataFrame({"opportunity_id": chosen["opportunity_id"], "rep_id": chosen["owner_id"], "share": 0.65})
    other = own.assign(rep_id=chosen["owner_id"].map(partner), share=0.35)
    shared = tables | {"splits": pd.concat([own, other], ignore_index=True)}
    forecasts = []
    for one in (tables, shared):
        model = PipelineModel().fit(read_history(one), as_of=AS_OF)
        forecasts.append(simulate(model, UNTIL, trials=400, seed=5))
    return forecasts


def test_company_totals_of_won_and_open_deals_stay_to_the_cent(whole_and_shared):
    whole, shared = whole_and_shared
    for part in ("won", "open"):
        a, b = (one.draws[:, (one.cells["part"] == part).to_numpy()].sum(axis=1) for one in (whole, shared))
        np.testing.assert_allclose(a, b, atol=1e-4)
        a, b = (one.counts[:, (one.cells["part"] == part).to_numpy()].sum(axis=1) for one in (whole, shared))
        np.testing.assert_array_equal(a, b)


def test_reps_get_credit_by_share(whole_and_shared):
    whole, shared = (one.totals(["owner_id", "part"]) for one in whole_and_shared)
    a, b = (
        pd.Series(one.draws.mean(axis=0), index=pd.MultiIndex.from_frame(one.groups.astype(str)))
        for one in (whole, shared)
    )
    moved = (b - a.reindex(b.index, fill_value=0.0)).abs()
    assert moved.xs("open", level="part").gt(0).all()
    new = b.xs("new", level="part").sum(), a.xs("new", level="part").sum()
    assert new[0] == pytest.approx(new[1], rel=0.05)


def test_what_is_open_and_nobodys_but_the_owners_is_drawn_alike(whole_and_shared):
    whole, shared = whole_and_shared
    assert whole.deals is not None
    assert shared.deals is not None
    pd.testing.assert_series_equal(whole.deals["p_win"], shared.deals["p_win"])
