"""Columns parsed all at once give what cells judged one by one give."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data.parsing import _singly, parse_column
from spmforecast.data.tables import Column

ZONE = ZoneInfo("Europe/Berlin")
DATE = Column("when", "date")
AMOUNT = Column("amount", "amount", minimum=0.0, maximum=1e12)

DATES = st.sampled_from(
    [
        "",
        "2024-01-31",
        "2024-02-30",
        "2024-02-29",
        "2023-02-29",
        "2024-06-30T23:30",
        "2024-06-30 23:30:15",
        "2024-06-30T23:30:15Z",
        "2024-06-30T23:30:15.25Z",
        "2024-06-30 23:30:15.037",
        "2024-06-30T23:30:15+02:00",
        "2024-06-30T23:30:15.000+0000",
        "2024-06-30T23:30+02",
        "2024-06-30T24:00",
        "2024-06-30T10",
        "2024-6-30",
        "30.06.2024",
        "0000-01-01",
        "9999-12-31",
        "1969-12-31T23:59:59",
        "2024-03-31T02:30:00",
        "2024-13-01",
        "2024-06-30T12:60:00",
        " 2024-06-30",
        "2024-06-30T23:30:15z",
        "20240630",
        "2024-06-30T23:30:15.123456789Z",
    ]
)
NUMBERS = st.one_of(
    st.sampled_from(
        [
            "",
            "5",
            "-5",
            "+5",
            "5.",
            ".5",
            "1e3",
            "1E+3",
            "nan",
            "NaN",
            "inf",
            "-Infinity",
            "1,5",
            "1 000",
            "0x10",
            "1_000",
            "1e999",
            "9" * 400,
            "€5",
            "5 EUR",
            "1.2.3",
            "--5",
            "1e",
            "é",
            "００５",
            "1e13",
            "-0.0",
            "0.1",
            "123456789.987654321",
        ]
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)


def _alike(cells: list[str], column: Column) -> None:
    text = pd.Series(cells, dtype="str")
    quick, single = parse_column(text, column, ZONE), _singly(text, column, ZONE, None)
    pd.testing.assert_series_equal(quick.values, single.values, check_exact=True)
    assert quick.rows.tolist() == single.rows.tolist()
    assert quick.reasons.tolist() == single.reasons.tolist()
    assert quick.mends.tolist() == single.mends.tolist()


@given(st.lists(DATES, min_size=1, max_size=12))
@settings(max_examples=100)
def test_dates(cells: list[str]) -> None:
    _alike(cells, DATE)


@given(st.lists(NUMBERS, min_size=1, max_size=12))
@settings(max_examples=100)
def test_numbers(cells: list[str]) -> None:
    _alike(cells, AMOUNT)


@pytest.mark.parametrize("cells", [["2024-01-31"] * 3, ["2024-01-31T10:00:00Z"] * 3, ["", ""]])
def test_columns_of_one_shape(cells: list[str]) -> None:
    _alike(cells, DATE)
