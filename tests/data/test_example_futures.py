"""The true future of the example company: what came is one of the futures, and all obey one law."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import EXPORT
from spmforecast.data.example import ExampleCompany
from spmforecast.errors import InputError


@pytest.mark.slow
def test_characters_differ_in_how_far_their_futures_spread():
    def spread(character):
        company = ExampleCompany(seed=3, size="medium", character=character)
        total = company.futures("2023-12-31", "2024-12-31", n=60, seed=1).groupby("future")["amount"].sum()
        return total.std() / total.mean()

    calm, ordinary, stormy = (spread(character) for character in ("calm", "ordinary", "stormy"))
    assert calm < ordinary < stormy


def test_the_plan_of_the_default_company_is_neither_certain_nor_hopeless(medium):
    total = ExampleCompany().futures(EXPORT, "2026-06-30", n=100).groupby("future")["amount"].sum()
    plan = medium["plan"].set_index("period")["target"]
    assert 0.3 < (total >= plan.loc["2025Q3":"2026Q2"].sum()).mean() < 0.7


def test_actuals_equal_the_records(medium):
    booked = ExampleCompany(seed=7).actuals("2024-06-30", EXPORT)
    deals = medium["opportunities"]
    deals = deals[(deals["status"] == "won") & (deals["close_date"] > "2024-06-30")]
    assert booked["deals"].sum() == len(deals)
    by_owner = deals.groupby("owner_id")["amount"].sum()
    pd.testing.assert_series_equal(booked.groupby("owner_id")["amount"].sum(), by_owner, check_exact=False, rtol=1e-12)
    by_leaf = deals.groupby(["territory_id", "region", "segment"])["amount"].sum()
    told = booked.groupby(["territory_id", "region", "segment"])["amount"].sum()
    pd.testing.assert_series_equal(told, by_leaf, check_exact=False, rtol=1e-12)


def test_futures_are_the_same_for_a_seed_and_others_for_another():
    company = ExampleCompany(seed=2, size="small")
    one, again = (company.futures("2024-12-31", "2025-03-31", n=5, seed=3) for _ in range(2))
    other = company.futures("2024-12-31", "2025-03-31", n=5, seed=4)
    pd.testing.assert_frame_equal(one, again)
    assert one["amount"].sum() != other["amount"].sum()
    assert set(one["future"]) <= set(range(5))
    assert list(one.columns) == [
        "future", "owner_id", "territory_id", "region", "segment", "period_month", "amount", "deals"
    ]  # fmt: skip


def test_futures_stay_within_their_span():
    futures = ExampleCompany(seed=2, size="small").futures("2024-12-31", "2025-06-30", n=10)
    assert set(futures["period_month"]) == {f"2025-{month:02d}" for month in range(1, 7)}


@pytest.mark.parametrize("seed", [1, 2, 3, 5])
def test_futures_centre_near_what_came(seed):
    company = ExampleCompany(seed=seed, size="medium")
    mean = company.futures("2023-12-31", "2024-12-31", n=40)["amount"].sum() / 40
    actual = company.actuals("2023-12-31", "2024-12-31")["amount"].sum()
    assert 0.6 < actual / mean < 1.6


@pytest.mark.slow
def test_what_came_is_one_of_the_futures():
    """The realised path and the forks obey one law: ranks of what came are spread out, not at the ends."""
    ranks = []
    for seed in range(12):
        company = ExampleCompany(seed=seed, size="small")
        total = company.futures("2024-03-31", "2024-09-30", n=50).groupby("future")["amount"].sum()
        ranks.append((total < company.actuals("2024-03-31", "2024-09-30")["amount"].sum()).mean())
    assert 0.25 < np.mean(ranks) < 0.75
    assert np.mean([0.0 < rank < 1.0 for rank in ranks]) > 0.7


def test_the_realised_path_goes_on_after_the_export(small):
    company = ExampleCompany(seed=7, size="small")
    later = company.actuals("2025-06-30", "2025-09-30")
    assert set(later["period_month"]) <= {"2025-07", "2025-08", "2025-09"}
    assert later["deals"].sum() > 0
    known = small["opportunities"]
    known = known[(known["status"] == "won") & (known["close_date"] > "2025-03-31")]
    both = company.actuals("2025-03-31", "2025-09-30")
    assert both["deals"].sum() == len(known) + later["deals"].sum()


@pytest.mark.parametrize(
    ("as_of", "until", "told"),
    [("2021-06-30", "2025-06-30", "before the company's start"), ("2025-06-30", "2025-06-30", "after as_of")],
)
def test_spans_must_be_in_order(as_of, until, told):
    company = ExampleCompany(size="small")
    with pytest.raises(InputError, match=told):
        company.futures(as_of, until, n=1)
    with pytest.raises(InputError, match=told):
        company.actuals(as_of, until)


def test_futures_need_a_number_and_a_seed():
    with pytest.raises(InputError, match="at least one future") as caught:
        ExampleCompany(size="small").futures("2024-06-30", "2024-09-30", n=0, seed=-1)
    assert [problem.column for problem in caught.value.problems] == ["n", "seed"]
