"""Cells found by their separators are the cells that the csv module reads; any other lines are left alone."""

from __future__ import annotations

import csv
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data.arrow import has_blank_ends
from spmforecast.data.sources.cellplaces import CellPlaces
from spmforecast.data.sources.growing import GrowingText, GrowingValues

CELL = st.text(alphabet=st.sampled_from("ab1 é\t;.-"), max_size=12)


@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=8),
    ending=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
@settings(max_examples=100)
def test_cells_are_those_of_the_csv_module(rows: list[list[str]], ending: str, last: bool) -> None:
    text = ending.join(",".join(row) for row in rows) + (ending if last else "")
    places = CellPlaces.of(text.encode(), 3, ",")
    if places is None:
        assert ending == "\r\n"
        assert not last  # not every line ends alike
        return
    read = list(csv.reader(io.StringIO(text, newline="")))
    for column in range(3):
        cells = [row[column] for row in read]
        assert places.texts(column).to_pylist() == cells
        if not has_blank_ends(places.texts(column)):
            assert cells == [cell.strip() for cell in cells]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"a,b\n\n",
        b"a\n",
        b"a,b,c\nd\n",
        b"a,b\nc,d,e\n",
        b'a,"b"\n',
        b"a,b\0\n",
        b"a,\xff\n",
        b"a\r,b\n",
        b"a,b\r\nc,d\n",
        b"a,b\rc,d\r\n",
    ],
)
def test_what_is_odd_is_left_alone(data: bytes) -> None:
    assert CellPlaces.of(data, 2, ",") is None


def test_blank_lines_could_be_cells_of_a_single_column() -> None:
    assert CellPlaces.of(b"a\nb\n", 1, ",") is None


@pytest.mark.parametrize(("cell", "bare"), [("a", True), ("", True), (" a", False), ("a\t", False), ("é", False)])
def test_blanks_are_seen(cell: str, bare: bool) -> None:
    places = CellPlaces.of(f"x,{cell},y\nx,b,y\n".encode(), 3, ",")
    assert places is not None
    assert [has_blank_ends(places.texts(column)) for column in range(3)] == [False, not bare, False]


@given(pieces=st.lists(st.lists(CELL, max_size=6), min_size=1, max_size=6), share=st.sampled_from([0.1, 0.5, 1.0]))
def test_columns_grow_whatever_was_expected(pieces: list[list[str]], share: float) -> None:
    kinds = [pa.string(), pa.large_string()]
    arrays = [pa.array(["?", *cells, "?"], type=kinds[place % 2])[1:-1] for place, cells in enumerate(pieces)]
    lengths = [np.array([len(cell) for cell in cells], dtype=np.float64) for cells in pieces]
    text, values = GrowingText(arrays[0], share), GrowingValues(lengths[0], share)
    for more, numbers in zip(arrays, lengths, strict=True):
        text.add(more)
        values.add(numbers)
    cells = [cell for piece in pieces for cell in piece]
    assert text.column().tolist() == cells
    assert text.column().dtype == "str"
    assert values.column().tolist() == [len(cell) for cell in cells]
