"""Text columns as Arrow arrays: shared where they can be, and the same whatever their chunks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from spmforecast.data import threads
from spmforecast.data.arrow import (
    arrow_of,
    codes_of,
    has_blank_ends,
    rising,
    select,
    sorted_rows,
    text_of,
    whole,
)
from spmforecast.data.ids import aligned_rows

WORDS = ["a", "bc", "", "é", " d"]


def _chunked(*parts: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(part, type=pa.large_string()) for part in parts], type=pa.large_string())


def test_one_chunk_is_shared_and_not_copied() -> None:
    values = _chunked(WORDS)
    assert whole(values).buffers()[2].address == values.chunk(0).buffers()[2].address
    column = text_of(values)
    assert arrow_of(column).buffers()[2].address == values.chunk(0).buffers()[2].address


@pytest.mark.parametrize("parts", [[], [WORDS[:2], WORDS[2:]], [[], WORDS]])
def test_several_chunks_are_joined(parts: list[list[str]]) -> None:
    together = [word for part in parts for word in part]
    assert whole(_chunked(*parts)).to_pylist() == together
    assert arrow_of(text_of(_chunked(*parts))).to_pylist() == together


def test_long_columns_are_worked_on_side_by_side_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(
        {"x": pd.Series(WORDS, dtype="str"), "y": np.arange(5), "z": pd.Series(["q"] * 5, dtype="str")}
    )
    mask = np.array([True, False, True, True, False])
    texts = [arrow_of(frame["x"]), arrow_of(frame["z"])]
    alone = select(frame, mask), threads.each(has_blank_ends, texts, len(frame))
    monkeypatch.setattr(threads, "MANY", 1)
    together = (
        select(frame, mask),
        threads.each(has_blank_ends, texts, len(frame)),
    )
    pd.testing.assert_frame_equal(alone[0], together[0])
    assert alone[1] == together[1] == [True, False]
    assert alone[0]["x"].tolist() == ["a", "", "é"]


def test_texts_are_numbered_by_alphabet_and_missing_ones_stand_apart() -> None:
    codes, names = codes_of(pd.Series(["b", None, "a", "b", "é"], dtype="str"))
    assert names == ("a", "b", "é")
    assert codes.tolist() == [1, -1, 0, 1, 2]
    none, no_names = codes_of(pd.Series([None, None], dtype="str"))
    assert (none.tolist(), no_names) == ([-1, -1], ())


@pytest.mark.parametrize("words", [[], ["x"], ["a", "b", "b"], ["b", "a"], WORDS])
def test_order_is_told_and_made(words: list[str]) -> None:
    column = pd.Series(words, dtype="str")
    assert rising(column) == (words == sorted(words))
    assert column.iloc[sorted_rows(column)].tolist() == sorted(words)


def test_rows_of_equal_columns_are_their_numbers() -> None:
    column = pd.Series(["b", "a", "c"], dtype="str")
    assert aligned_rows(column, column.copy()).tolist() == [0, 1, 2]
    assert aligned_rows(pd.Series(["c", "d", "b"], dtype="str"), column).tolist() == [2, -1, 0]
