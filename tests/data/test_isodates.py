"""Dates read eight characters at a time are the dates that NumPy reads, and nothing else is taken for one."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data.isodates import plain_stamps

DAYS = st.dates(dt.date(1600, 1, 1), dt.date(2399, 12, 31))
STAMPS = st.datetimes(dt.datetime(1600, 1, 1), dt.datetime(2399, 12, 31)).map(lambda at: at.replace(microsecond=0))


def _read(cells: list[str]) -> np.ndarray | None:
    """Read cells out of a line in which they stand among others."""
    coded = [cell.encode() for cell in cells]
    ends = np.cumsum([len(cell) + 1 for cell in coded], dtype=np.int32) - 1 + 3
    starts = ends - np.array([len(cell) for cell in coded], dtype=np.int32)
    text = b"xx," + b",".join(coded) + b",yyyyyyyy\n"
    return plain_stamps(np.frombuffer(text, dtype=np.uint8), starts, ends)


@given(st.lists(st.one_of(st.none(), DAYS, STAMPS), max_size=20), st.sampled_from([" ", "T"]))
@settings(max_examples=100)
def test_days_and_stamps_are_read(dates: list[dt.date | None], between: str) -> None:
    cells = ["" if date is None else date.isoformat().replace("T", between) for date in dates]
    found = _read(cells)
    assert found is not None
    expected = np.array([np.datetime64("NaT") if date is None else np.datetime64(date) for date in dates])
    assert found.dtype == "datetime64[s]"
    np.testing.assert_array_equal(found, expected.astype("datetime64[s]"))


def test_every_day_of_eight_centuries_is_read_and_none_beside_them() -> None:
    days = np.arange("1600-01-01", "2400-01-01", dtype="datetime64[D]")
    found = _read(days.astype(str).tolist())
    np.testing.assert_array_equal(found, days.astype("datetime64[s]"))
    there = set(days[:1500].astype(str).tolist())
    for month in range(14):
        for day in range(33):
            for year in range(1600, 1604):
                written = f"{year}-{month:02d}-{day:02d}"
                assert (_read([written]) is not None) == (written in there)


@given(STAMPS, st.integers(0, 18), st.characters(codec="ascii"), st.booleans())
@settings(max_examples=300)
def test_one_wrong_character_is_enough(at: dt.datetime, place: int, wrong: str, only_day: bool) -> None:
    cell = at.isoformat(" ")[: 10 if only_day else 19]
    place %= len(cell)
    spoilt = cell[:place] + wrong + cell[place + 1 :]
    found = _read([spoilt, cell])
    try:
        meant = np.datetime64(dt.datetime.strptime(spoilt, "%Y-%m-%d" if only_day else "%Y-%m-%d %H:%M:%S"), "s")
    except ValueError:
        meant = None
    fine = meant is not None and spoilt.replace(" ", "0").replace("-", "0").replace(":", "0").isdigit()
    if found is not None:
        assert fine
        assert found.tolist() == [meant.astype(object), at if not only_day else dt.datetime(at.year, at.month, at.day)]
    elif fine:
        assert not 1600 <= int(spoilt[:4]) < 2400 or " " in spoilt[:10] + spoilt[11:]


@pytest.mark.parametrize(
    "cell",
    [
        "2024-01-01 24:00:00",
        "2024-01-01 23:60:00",
        "2024-01-01 23:00:60",
        "2024-01-01 23:00",
        "2024/01/01",
        "1599-12-31",
    ],
)
def test_what_is_no_such_date_is_left(cell: str) -> None:
    assert _read([cell]) is None
    assert _read(["2024-01-01", cell]) is None


def test_one_column_has_one_mark_between_day_and_time() -> None:
    assert _read(["2024-01-01 10:00:00", "2024-01-01T10:00:00"]) is None
