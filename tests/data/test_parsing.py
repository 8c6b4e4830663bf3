from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spmforecast.data.parsing import Parsed, parse_column
from spmforecast.data.tables import TABLES, Column, empty_frame
from spmforecast.written import nearest

UTC = ZoneInfo("UTC")
AMOUNT = Column("amount", "amount", minimum=0.0)
DATE = Column("date", "date")


def _parse(cells: list[str], column: Column, zone: ZoneInfo = UTC, pattern: str | None = None) -> Parsed:
    return parse_column(pd.Series(cells, dtype="str"), column, zone, pattern)


def test_dates_with_and_without_time() -> None:
    parsed = _parse(["2024-01-31", "2024-01-31T23:59", "2024-01-31 23:59:58.999", ""], DATE)
    assert str(parsed.values.dtype) == "datetime64[s]"
    assert parsed.values.dropna().astype(str).tolist() == [
        "2024-01-31 00:00:00",
        "2024-01-31 23:59:00",
        "2024-01-31 23:59:58",
    ]
    assert pd.isna(parsed.values[3])
    assert not len(parsed.rows)


@pytest.mark.parametrize("cell", ["2024-06-30T22:30:00Z", "2024-06-30T22:30+00:00", "2024-07-01T03:30:00+0500"])
def test_stamps_with_a_zone_are_brought_to_the_local_day(cell: str) -> None:
    parsed = _parse([cell, "2024-06-30T22:30:00"], DATE, ZoneInfo("Europe/Berlin"))
    assert parsed.values.astype(str).tolist() == ["2024-07-01 00:30:00", "2024-06-30 22:30:00"]


@pytest.mark.parametrize("cell", ["2024-13-45", "2023-02-29", "2024-01-01T25:00"])
def test_dates_that_no_calendar_has(cell: str) -> None:
    parsed = _parse(["2024-01-01", cell], DATE)
    assert parsed.rows.tolist() == [1]
    assert parsed.reasons.tolist() == ["no such date"]


@pytest.mark.parametrize("cell", ["31.01.2024", "01/31/2024", "45321", "2024-1-1", "yesterday"])
def test_dates_of_another_format(cell: str) -> None:
    assert _parse([cell], DATE).reasons.tolist() == ["not an ISO 8601 date"]


def test_a_map_names_another_format() -> None:
    parsed = _parse(["31.01.2024", "2024-01-31", ""], DATE, pattern="%d.%m.%Y")
    assert str(parsed.values[0].date()) == "2024-01-31"
    assert parsed.rows.tolist() == [1]
    assert "%d.%m.%Y" in parsed.reasons[0]
    zoned = _parse(["31.01.2024 23:30 +0000"], DATE, ZoneInfo("Europe/Berlin"), "%d.%m.%Y %H:%M %z")
    assert str(zoned.values[0]) == "2024-02-01 00:30:00"


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_every_number_reads_back_as_it_was(value: float) -> None:
    assert _parse([repr(value)], AMOUNT).values[0] == value


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1,234.50", "thousands separators"),
        ("1.234.567,00", "thousands separators"),
        ("1 234", "thousands separators"),
        ("12,5", "decimal comma"),
        ("$100", "currency"),
        ("100 EUR", "currency"),
        ("inf", "not a finite number"),
        ("NaN", "not a finite number"),
        ("1e999", "not a finite number"),
        ("-1", "less than 0"),
        ("1_000", "not a number"),
        ("0x10", "not a number"),
        ("ten", "not a number"),
        ("١٢", "not a number"),
    ],
)
def test_amounts_that_are_none(cell: str, reason: str) -> None:
    parsed = _parse(["5", cell, ""], AMOUNT)
    assert parsed.rows.tolist() == [1]
    assert reason in parsed.reasons[0]
    assert parsed.mends[0]
    np.testing.assert_array_equal(parsed.values, [5.0, np.nan, np.nan])


def test_words_are_compared_with_the_choices() -> None:
    status = TABLES["opportunities"].column("status")
    assert status is not None
    parsed = _parse(["won", "Won", ""], status)
    assert parsed.rows.tolist() == [1]
    assert "Did you mean won?" in parsed.mends[0]
    assert parsed.values.isna().tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("label", "good"),
    [("2025Q3", True), ("2025", True), ("2025-07", True)]
    + [(label, False) for label in ("2025Q5", "2025-13", "Q3 2025", "25Q1")],
)
def test_periods(label: str, good: bool) -> None:
    assert (len(_parse([label], Column("period", "period")).rows) == 0) is good


def test_empty_frames_are_typed_and_complete() -> None:
    for name, table in TABLES.items():
        frame = empty_frame(name)
        assert tuple(frame.columns) == table.names
        assert len(frame) == 0
    assert str(empty_frame("plan")["target"].dtype) == "float64"


def test_nearest_proposes_what_was_meant_and_nothing_far_off() -> None:
    assert nearest("Owner ID", ["owner_id", "order_id"]) == "owner_id"
    assert nearest("zzz", ["owner_id"]) is None
