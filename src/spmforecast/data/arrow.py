"""Text columns as Arrow arrays: the few operations on millions of cells for which pandas' own are too slow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from spmforecast.data.memory import ORDINARY, noughts, room
from spmforecast.data.threads import each, in_blocks

__all__ = [
    "arrow_of",
    "bytes_of",
    "choose",
    "codes_of",
    "empty_cells",
    "has_blank_ends",
    "lengths_of",
    "missing_column",
    "picked",
    "places_among",
    "places_of",
    "rising",
    "select",
    "sorted_rows",
    "text_of",
    "whole",
    "without_empty",
    "words_at",
]

Ints = npt.NDArray[np.int64]
Offsets = npt.NDArray[np.signedinteger]
_BLOCK = 1 << 16  # rows at a time, so that they stay in the processor's cache
_FEW = 1_000  # words that are put in order in no time

_LAST_BLANK, _FIRST_BEYOND = 32, 127  # characters between these are no blanks, nor part of longer characters


def arrow_of(column: pd.Series) -> pa.LargeStringArray:
    """Return a text column as one Arrow array, missing values as nulls; shared, not copied, where it is one chunk."""
    held = getattr(column.array, "_pa_array", None)
    if held is None:
        return pa.array(column, type=pa.large_string(), from_pandas=True)
    one = whole(held) if isinstance(held, pa.ChunkedArray) else held
    return one if pa.types.is_large_string(one.type) else one.cast(pa.large_string())


def whole(values: pa.ChunkedArray) -> pa.Array:
    """Return a chunked array as one; copied only where it has several chunks."""
    if values.num_chunks == 1:
        return values.chunk(0)  # combine_chunks would copy it
    joined = values.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined


def text_of(values: pa.Array | pa.ChunkedArray, index: pd.Index | None = None) -> pd.Series:
    """Return Arrow text as a column of dtype ``str``."""
    column = pd.Series(pd.array(values, dtype="str"))
    return column if index is None else column.set_axis(index)


def lengths_of(column: pd.Series) -> Ints:
    """Return the number of UTF-8 bytes of each cell, 0 where it is missing; shape (n,)."""
    return np.diff(_offsets(arrow_of(column))).astype(np.int64, copy=False)


def _offsets(values: pa.StringArray | pa.LargeStringArray) -> Offsets:
    kind: type[np.signedinteger] = np.int64 if pa.types.is_large_string(values.type) else np.int32
    if not len(values):
        return np.zeros(1, dtype=kind)
    return np.frombuffer(values.buffers()[1], dtype=kind)[values.offset : values.offset + len(values) + 1]


def bytes_of(values: pa.StringArray | pa.LargeStringArray) -> tuple[Offsets, npt.NDArray[np.uint8]]:
    """Return where each text begins, shape (n + 1,), and the bytes in which they stand."""
    data = values.buffers()[2] if len(values) else None
    return _offsets(values), np.frombuffer(b"" if data is None else data, dtype=np.uint8)


def empty_cells(column: pd.Series) -> npt.NDArray[np.bool_]:
    """Mark the cells that hold no text or are missing, shape (n,)."""
    offsets = _offsets(arrow_of(column))
    empty: npt.NDArray[np.bool_] = offsets[1:] == offsets[:-1]
    return empty


def has_blank_ends(values: pa.StringArray | pa.LargeStringArray) -> bool:
    """Tell whether any text may begin or end with a blank; surely so if it does, seldom if it does not."""
    offsets, text = bytes_of(values)
    for start in range(0, len(values), _BLOCK):
        part = offsets[start : start + _BLOCK + 1]
        if not _with_blank(text[part[0] : part[-1]]):
            continue  # nor at an end, then
        first, last = part[:-1], part[1:] - 1
        if not (first <= last).all():
            first, last = first[first <= last], last[first <= last]
        if _with_blank(text[first]) or _with_blank(text[last]):
            return True
    return False


def _with_blank(characters: npt.NDArray[np.uint8]) -> bool:
    """Tell whether any of some characters is a blank, or part of a longer character, which may be one."""
    beyond = characters - np.uint8(_LAST_BLANK + 1)  # these become the greatest numbers
    return int(beyond.max(initial=0)) >= _FIRST_BEYOND - _LAST_BLANK - 1


def select(frame: pd.DataFrame, mask: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return the rows of a mask with a fresh index; the frame itself where that is all of them."""
    if mask.all():
        return frame
    kept = each(lambda column: picked(column, mask), [column for _, column in frame.items()], len(frame))
    return pd.DataFrame(dict(zip(frame.columns, kept, strict=True)), copy=False)


def picked(column: pd.Series, mask: npt.NDArray[np.bool_]) -> pd.Series:
    """Return the cells of a mask with a fresh index; the column itself where that is all of them."""
    if mask.all():
        return column
    if isinstance(column.dtype, pd.StringDtype):
        values = arrow_of(column)
        if values.null_count == len(values):
            return missing_column("str", pd.RangeIndex(int(np.count_nonzero(mask))))
        return text_of(pc.filter(values, pa.array(mask), memory_pool=ORDINARY))
    if isinstance(column.dtype, np.dtype):
        return pd.Series(column.to_numpy()[mask])
    return column[mask].reset_index(drop=True)


def choose(first: pd.Series, second: pd.Series, use_first: npt.NDArray[np.bool_]) -> pd.Series:
    """Return, cell by cell, the first of two columns of one type where that is wanted, else the second."""
    if isinstance(first.dtype, pd.StringDtype) and isinstance(second.dtype, pd.StringDtype):
        words = arrow_of(first), arrow_of(second)
        return text_of(pc.if_else(pa.array(use_first), *words, memory_pool=ORDINARY), first.index)
    if isinstance(first.dtype, np.dtype) and first.dtype == second.dtype:
        return pd.Series(np.where(use_first, first.to_numpy(), second.to_numpy()), index=first.index)
    return first.where(pd.Series(use_first, index=first.index), second)


def without_empty(column: pd.Series) -> pd.Series:
    """Let empty text be a missing value."""
    empty = empty_cells(column)
    if not empty.any():
        return column
    values = arrow_of(column)
    return text_of(pc.if_else(pa.array(empty), pa.scalar(None, values.type), values), column.index)


def missing_column(dtype: str, index: pd.Index) -> pd.Series:
    """Return a column without any value: of text (``str``), or of a dtype that NumPy knows."""
    if dtype != "str":
        nothing = room(len(index), np.dtype(dtype))
        nothing.fill(np.nan if dtype == "float64" else np.datetime64("NaT"))
        return pd.Series(nothing, index=index, copy=False)
    ends, there = noughts(8 * (len(index) + 1)), noughts(len(index) // 8 + 1)
    values = pa.LargeStringArray.from_buffers(len(index), ends, pa.py_buffer(b""), there, null_count=len(index))
    return text_of(values, index)


def places_among(column: pd.Series, words: Sequence[str]) -> npt.NDArray[np.int8]:
    """Return the place of each text among a few words, -1 for any other and for missing ones; shape (n,)."""
    places = np.empty(len(column), dtype=np.int8)
    _find(arrow_of(column), pa.array(words, type=pa.large_string()), places)
    return places


def words_at(places: npt.NDArray[np.integer], words: Sequence[str]) -> pd.Series:
    """Return a column of dtype ``str`` that holds, row by row, one of a few words; shape (n,)."""
    coded = pa.DictionaryArray.from_arrays(pa.array(places), pa.array(words, type=pa.large_string()))
    return text_of(coded.dictionary_decode())


def places_of(wanted: pa.Array, known: pa.Array) -> npt.NDArray[np.int32]:
    """Return the first place of each value among known ones, -1 where there is none or it is missing; shape (n,)."""
    places = np.empty(len(wanted), dtype=np.int32)
    _find(wanted, known, places)
    return places


def _find(wanted: pa.Array, known: pa.Array, places: npt.NDArray[np.signedinteger]) -> None:
    """Write the first place of each value among known ones, -1 where there is none or it is missing."""

    def find(rows: slice) -> None:
        found = pc.index_in(wanted[rows], value_set=known, skip_nulls=True)
        places[rows] = (pc.fill_null(found, -1) if found.null_count else found).to_numpy(zero_copy_only=False)

    if len(known) > _FEW:
        find(slice(0, len(wanted)))  # the known ones would be put in order again for every block
    else:
        in_blocks(find, len(wanted), 4 * _BLOCK)


def codes_of(column: pd.Series) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """Give each different text of a column a number.

    Parameters
    ----------
    column : pandas.Series of str, shape (n,)
        Texts.

    Returns
    -------
    codes : numpy.ndarray of int32, shape (n,)
        Place of each text among the names, -1 where it is missing.
    names : tuple of str
        The texts that there are, in alphabetical order.
    """
    coded = arrow_of(column).dictionary_encode()
    names = np.array(coded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(names, kind="stable") if len(names) else np.empty(0, dtype=np.int64)
    place = np.append(np.argsort(order, kind="stable"), -1).astype(np.int32)
    indices = coded.indices if coded.null_count == 0 else pc.fill_null(coded.indices, len(names))
    return place[indices.to_numpy(zero_copy_only=False)], tuple(names[order].tolist())


def rising(column: pd.Series) -> bool:
    """Tell whether the texts of a column stand in alphabetical order."""
    values = arrow_of(column)
    return len(values) < 2 or bool(pc.all(pc.less_equal(values[:-1], values[1:])).as_py())


def sorted_rows(column: pd.Series) -> Ints:
    """Return the rows of a column of distinct texts in alphabetical order, shape (n,)."""
    return np.asarray(pc.array_sort_indices(arrow_of(column)).to_numpy(zero_copy_only=False), dtype=np.int64)
