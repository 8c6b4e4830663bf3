"""Numbers read eight characters at a time are the numbers that Python reads, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data.decimals import plain_decimals

DIGITS = st.text(alphabet="0123456789", max_size=15)
WRITTEN = st.tuples(DIGITS, st.sampled_from(["", "."]), st.text(alphabet="0123456789", max_size=7)).map("".join)
NUMBERS = WRITTEN.filter(lambda cell: len(cell) <= 15 and cell != ".")


def _read(cells: list[str], before: str = "") -> np.ndarray | None:
    """Read cells out of a line in which others stand before and behind them."""
    coded = [cell.encode() for cell in cells]
    ends = np.cumsum([len(cell) + 1 for cell in coded], dtype=np.int32) - 1 + len(before)
    starts = ends - np.array([len(cell) for cell in coded], dtype=np.int32)
    text = before.encode() + b",".join(coded) + b",yyyyyyyy\n"
    return plain_decimals(np.frombuffer(text, dtype=np.uint8), starts, ends)


@given(st.lists(NUMBERS, max_size=20), st.sampled_from(["", "9,", "12345678,", "x" * 20]))
@settings(max_examples=200)
def test_numbers_are_read_as_python_reads_them(cells: list[str], before: str) -> None:
    found = _read(cells, before)
    assert found is not None
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [float(cell) if cell else np.nan for cell in cells])


@given(NUMBERS.filter(bool), st.integers(0, 14), st.characters(codec="utf-8", exclude_characters="0123456789"))
@settings(max_examples=200)
def test_one_wrong_character_is_enough(cell: str, place: int, wrong: str) -> None:
    place %= len(cell)
    spoilt = cell[:place] + wrong + cell[place + 1 :]
    fine = spoilt.count(".") == 1 and spoilt != "." and spoilt.replace(".", "0").isdecimal() and spoilt.isascii()
    found = _read([cell, spoilt])
    if found is not None:
        assert fine
        assert found.tolist() == [float(cell), float(spoilt)]
    elif fine:
        assert spoilt.index(".") < len(spoilt) - 8  # more decimals than a word holds


@pytest.mark.parametrize(
    "cell", [".", "..", "1.2.3", "1.23456789", "1" * 16, "-1", "+1", "1e5", "1,5", " 5", "5 ", "é"]
)
def test_what_is_written_otherwise_is_left(cell: str) -> None:
    assert _read([cell]) is None
    assert _read(["7", cell, "123456789"]) is None


def test_nothing_is_read_of_too_little_text() -> None:
    text = np.frombuffer(b"1,2\n", dtype=np.uint8)
    assert plain_decimals(text, np.array([0]), np.array([1])) is None
