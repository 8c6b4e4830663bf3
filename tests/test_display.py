"""How objects show themselves: amounts with thousands separators, chances as per cent, headings that people read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.display import card, heading, texts


@pytest.mark.parametrize(
    ("column", "read"),
    [
        ("rep_id", "Rep"),
        ("p10", "P10"),
        ("p_attain", "P(attain)"),
        ("expected_attainment", "Expected attainment"),
        ("crps", "CRPS"),
        ("held_80", "Held by 80 %"),
        ("km_from", "Km from"),
        ("p_attain_range", "P(attain), range"),
        ("p_plan_carried", "P(plan carried)"),
        ("", ""),
    ],
)
def test_headings_read_as_people_say_them(column: str, read: str) -> None:
    assert heading(column) == read


@pytest.mark.parametrize(
    ("name", "values", "written"),
    [
        ("quota", [1234567.89, 87000.0], ["1,234,568", "87,000"]),
        ("mean", [1.234e9, 0.4], ["1,234,000,000", "0"]),
        ("p_attain", [0.5312, 0.0001, 0.9999, 1.0, np.nan], ["53 %", "<1 %", ">99 %", "100 %", "–"]),
        ("expected_attainment", [1.0749, 0.8], ["107 %", "80 %"]),
        ("cost_of_sales", [0.0841, 0.0793], ["8.4 %", "7.9 %"]),
        ("deals", [3, 1200], ["3", "1,200"]),
        ("bias", [-0.0634, 0.9], ["-0.063", "0.900"]),
        ("gini", [1e-9, -1e-12], ["0.000000", "0.000000"]),
        ("small", [0.00123], ["0.00123"]),
        ("odd", [np.inf, 2.0], ["inf", "2"]),
    ],
)
def test_numbers_of_a_column_are_written_alike(name: str, values: list[float], written: list[str]) -> None:
    assert texts(pd.Series(values, name=name)) == written


def test_other_values_are_written_plainly() -> None:
    days = pd.Series([pd.Timestamp("2025-06-30"), pd.Timestamp("2025-06-30 14:05"), pd.NaT])
    assert texts(days) == ["2025-06-30", "2025-06-30 14:05", "–"]
    assert texts(pd.Series([True, False])) == ["yes", "no"]
    assert texts(pd.Series([1, None], dtype="Int64", name="wins")) == ["1", "–"]
    assert texts(pd.Series(["<b>", None])) == ["<b>", "–"]


def test_a_metric_is_written_by_its_own_name() -> None:
    table = pd.DataFrame(
        {"metric": ["p_plan[2025Q3]", "quota_total", "p_plan[2025]"], "value": [0.42, 4_620_000.0, 0.003]}
    )
    page = card("Run", {}, table)
    assert ">42 %<" in page
    assert ">4,620,000<" in page
    assert ">&lt;1 %<" in page


def test_a_card_escapes_everything_and_counts_what_it_leaves_out() -> None:
    table = pd.DataFrame({"<i>": ["<script>"] * 25, "estimate": 0.25})
    page = card("<h1>", {"<u>": "<b>x"}, table, shares=["estimate"])
    for raw in ("<h1>", "<u>", "<b>x", "<i>", "<script>"):
        assert raw not in page
    assert page.count("&lt;script&gt;") == 20
    assert "25 %" in page
    assert "5 more rows" in page


def test_an_empty_table_says_so() -> None:
    assert "no rows" in card("Moves", {}, pd.DataFrame({"account_id": []}))


def test_the_name_used_in_code_is_told_with_its_heading() -> None:
    assert 'title="p_attain">P(attain)</th>' in card("Quotas", {}, pd.DataFrame({"p_attain": [0.5]}))
