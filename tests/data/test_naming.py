from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spmforecast.data.naming import find_name, fold_column, fold_file


@pytest.mark.parametrize(
    "name",
    ["Opportunity", "opportunities.csv", "sf_opportunity_data.csv.gz", "Salesforce Opportunity.xlsx", "OPPORTUNITIES",
     "dynamics365_opportunities.parquet", "opportunity-data"],
)  # fmt: skip
def test_files_that_mean_the_same(name: str) -> None:
    assert fold_file(name) == fold_file("opportunity")


def test_files_that_mean_another_thing() -> None:
    assert fold_file("opportunity_history.csv") != fold_file("opportunity.csv")
    assert fold_file("OpportunityHistories") == fold_file("opportunity_history")
    assert fold_file("process.csv") == "process"
    assert fold_file("sfx.csv") == "sfx"


@pytest.mark.parametrize("name", ["StageName", "stage_name", "Stage Name", "STAGE-NAME", "stage\u00a0name"])
def test_columns_that_mean_the_same(name: str) -> None:
    assert fold_column(name) == "stagename"


def test_the_first_candidate_that_is_there_counts() -> None:
    there = ["stage_name", "Amount", "amount_usd"]
    assert find_name(["Value", "amount", "StageName"], there, fold_column) == ("Amount",)
    assert find_name(["nothing"], there, fold_column) == ()


def test_a_name_spelt_alike_goes_before_one_that_is_like_it() -> None:
    assert find_name(["opportunity"], ["sf_opportunity.csv", "opportunity.csv"], fold_file) == ("opportunity.csv",)
    assert find_name(["opportunity"], ["sf_opportunity.csv", "opportunities.csv"], fold_file) == (
        "sf_opportunity.csv",
        "opportunities.csv",
    )


@given(st.lists(st.text(alphabet="aB_ -1", min_size=1, max_size=6), unique=True, max_size=6), st.data())
def test_a_name_that_is_there_is_found_as_it_stands(names: list[str], data: st.DataObject) -> None:
    if names:
        name = data.draw(st.sampled_from(names))
        assert find_name([name], names, fold_column) == (name,)
    found = find_name(["B1", "aB"], names, fold_column)
    assert all(fold_column(one) in ("b1", "ab") for one in found)
