"""The annual plan: given and derived targets, and every fault of its table at once."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError
from spmforecast.plan.annual import AnnualPlan


def test_given_targets():
    plan = AnnualPlan.from_mapping({"2025Q3": 4_200_000, 2025: "16000000", "2025-07": 1.005})
    assert plan.target("2025Q3") == 4_200_000
    assert plan.target("2025") == 16_000_000
    assert plan.exact("2025-07") == Decimal("1.01")
    assert plan.target("2025Q4") is None
    assert plan.target("2025Q3", "region", "North") is None


def test_a_year_follows_from_quarters_and_a_quarter_from_months():
    months = {f"2025-{m:02d}": 0.1 for m in range(1, 4)}
    plan = AnnualPlan.from_mapping({**months, "2025Q2": 10, "2025Q3": 20, "2025Q4": 30})
    assert plan.target("2025Q1") == 0.3
    assert plan.target("2025") == 60.3


def test_a_year_follows_from_its_fiscal_months():
    calendar = FiscalCalendar(year_start=2)
    months = pd.period_range("2024-02", "2025-01", freq="M").strftime("%Y-%m")
    plan = AnnualPlan.from_mapping(dict.fromkeys(months, 5), calendar)
    assert plan.target("2025") == 60
    assert plan.target("2025Q1") == 15
    assert AnnualPlan.from_mapping(dict.fromkeys(months, 5)).target("2025") is None


def test_nothing_is_derived_downwards_or_from_a_part():
    plan = AnnualPlan.from_mapping({"2025": 100, "2026Q1": 1, "2026Q2": 1, "2026Q3": 1})
    assert plan.target("2025Q1") is None
    assert plan.target("2025-01") is None
    assert plan.target("2026") is None


def test_what_is_given_wins_over_the_sum():
    plan = AnnualPlan.from_mapping({"2025": 100, **{f"2025Q{q}": 30 for q in range(1, 5)}})
    assert plan.target("2025") == 100
    assert plan.target("2025Q1") == 30


def test_zero_is_a_target_and_absent_is_none():
    plan = AnnualPlan.from_mapping({"2025Q1": 0})
    assert plan.target("2025Q1") == 0
    assert plan.target("2025Q2") is None


def test_frame_with_levels_and_round_trip():
    frame = pd.DataFrame(
        {
            "period": ["2025Q1", "2025Q1", "2025Q1"],
            "target": [10, 4.5, 5.5],
            "node_level": [np.nan, "region", "region"],
            "node": [np.nan, "North", "South"],
        }
    )
    plan = AnnualPlan.from_frame(frame)
    assert plan.target("2025Q1") == 10
    assert plan.target("2025Q1", "region", "South") == 5.5
    assert dict(AnnualPlan.from_frame(plan.table).given) == dict(plan.given)


def test_years_read_as_numbers():
    assert AnnualPlan.from_frame(pd.DataFrame({"period": [2025.0], "target": [7]})).target("2025") == 7
    assert AnnualPlan.from_frame(pd.DataFrame({"period": [2025], "target": ["7"]})).target("2025") == 7


def test_every_fault_is_told_at_once_with_its_line():
    frame = pd.DataFrame(
        {
            "period": ["2025Q5", "2025Q1", "2025Q1", "2025Q1", "2025Q2", "2025Q3", "2025Q4", "2025"],
            "target": ["1", "-2", "5", "6", "many", "", "NaN", "7"],
            "node_level": ["", "", "", "", "", "", "", "region"],
        }
    )
    with pytest.raises(InputError, match=r"plan\.csv, line 2, period: not a fiscal period") as caught:
        AnnualPlan.from_frame(frame, file="plan.csv")
    told = [(problem.line, problem.column, problem.reason) for problem in caught.value.problems]
    assert told == [
        (2, "period", "not a fiscal period"),
        (3, "target", "a target must not be negative"),
        (5, "period", "the target is given twice"),
        (6, "target", "not an amount"),
        (7, "target", "the amount is missing"),
        (8, "target", "not an amount"),
        (9, "node", "the region is not named"),
    ]


@pytest.mark.parametrize("amount", [float("inf"), "1e400000", "12,5", True, None, float("nan")])
def test_what_is_no_amount_is_refused(amount):
    with pytest.raises(InputError, match="amount"):
        AnnualPlan.from_mapping({"2025": amount})


@pytest.mark.parametrize("label", ["", "0000", "2025-13", "Q3 2025", None, 9999.5])
def test_what_is_no_period_is_refused(label):
    with pytest.raises(InputError, match="not a fiscal period"):
        AnnualPlan.from_mapping({label: 1})


def test_the_same_period_by_two_keys_is_a_duplicate():
    with pytest.raises(InputError, match="given twice"):
        AnnualPlan.from_mapping({2025: 1, "2025": 1})


def test_missing_columns_and_unknown_periods():
    with pytest.raises(InputError, match="target: the column is missing"):
        AnnualPlan.from_frame(pd.DataFrame({"period": ["2025"]}))
    with pytest.raises(InputError, match="not a fiscal period"):
        AnnualPlan().target("next year")


@given(st.lists(st.integers(0, 10**9), min_size=4, max_size=4), st.integers(1, 12))
def test_derived_years_are_exact_to_the_cent(cents, start):
    quarters = {f"2025Q{q}": c / 100 for q, c in enumerate(cents, start=1)}
    plan = AnnualPlan.from_mapping(quarters, FiscalCalendar(year_start=start))
    assert plan.exact("2025") == Decimal(sum(cents)) / 100


def test_a_plan_in_fiscal_months_of_weeks_adds_up_to_its_quarters():
    weeks = FiscalCalendar(1, "4-4-5")
    plan = AnnualPlan.from_mapping({"2025P01": 10, "2025P02": 20.5, "2025P03": 30}, weeks)
    assert plan.target("2025Q1") == 60.5
    assert plan.target("2025") is None


def test_a_plan_in_months_of_another_calendar_names_the_right_form():
    with pytest.raises(InputError, match=r"a calendar month, but.*2025P07") as caught:
        AnnualPlan.from_mapping({"2025-07": 10, "2025Q1": 5}, FiscalCalendar(1, "4-4-5"))
    assert [problem.value for problem in caught.value.problems] == ["2025-07"]
    with pytest.raises(InputError, match=r"a fiscal month of weeks"):
        AnnualPlan.from_mapping({"2025P07": 10})


def test_a_plan_shows_its_years_and_whose_targets_are_its_parts():
    plan = AnnualPlan.from_mapping({f"2025Q{number}": 1_000_000 for number in range(1, 5)})
    page = plan._repr_html_()
    assert "2025: <b>4,000,000</b>" in page
    assert "Node" not in page
    parts = pd.DataFrame({"period": ["2025Q1"], "target": [7], "node_level": ["region"], "node": ["<North>"]})
    assert "&lt;North&gt;" in AnnualPlan.from_frame(parts)._repr_html_()
