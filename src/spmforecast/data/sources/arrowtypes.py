"""Arrow tables as raw frames: what Parquet files and DuckDB give, brought to the types that raw tables have."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from spmforecast.data.sources.columns import raw_frame

__all__ = ["EXACT", "frame_of_arrow"]

EXACT = 10**15
"""Whole numbers below this are written as such out of a float, digit by digit."""


class UnreadableColumnError(ValueError):
    """A column whose bytes are damaged; its name is the only argument."""


def frame_of_arrow(table: pa.Table, file: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Bring an Arrow table to the dtypes of a raw table.

    Parameters
    ----------
    table : pyarrow.Table
        n rows, each column with a name of its own.
    file : str
        For notes.

    Returns
    -------
    frame : pandas.DataFrame
        n rows (see :func:`~spmforecast.data.sources.columns.raw_frame`). Decimals become text, so that they stay
        exact; instants with a zone are in UTC; whole numbers with gaps become floats where these hold every digit.
    notes : tuple of str
        Columns that only text could hold.

    Raises
    ------
    UnreadableColumnError
        If a column's bytes are damaged.
    """
    columns: dict[str, pd.Series] = {}
    notes: list[str] = []
    for name, values in zip(table.column_names, table.columns, strict=True):
        try:
            # DuckDB's largest numbers have more digits than Arrow's decimals own to; they are whole all the same.
            values.validate(full=not pa.types.is_decimal(values.type))
            columns[name], said = _column(values)
        except (pa.ArrowException, ValueError, OverflowError) as error:
            raise UnreadableColumnError(name) from error
        if said:
            notes.append(f"{file}: {name} {said}")
    frame = raw_frame(pd.DataFrame(columns)) if columns else pd.DataFrame(index=range(table.num_rows))
    return frame, tuple(notes)


Converted = tuple[pd.Series, str]


def _column(values: pa.ChunkedArray) -> Converted:
    if isinstance(values.type, pa.BaseExtensionType):
        parts = [chunk.storage for chunk in values.chunks]
        values = pa.chunked_array(parts, type=values.type.storage_type)
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    for holds, convert in _KINDS:
        if holds(values.type):
            return convert(values)
    words = ["" if value is None else str(value) for value in values.to_pylist()]
    return pd.Series(words, dtype="str"), f"is of the type {values.type} and read as text"


def _text(values: pa.ChunkedArray) -> Converted:
    words = pc.fill_null(values.cast(pa.large_string()), "")
    return pd.Series(pd.array(words, dtype="str")), ""


def _whole(values: pa.ChunkedArray) -> Converted:
    if not values.null_count:
        return values.to_pandas(), ""
    ends = pc.min_max(values).as_py()
    if ends["min"] is None or (ends["min"] > -EXACT and ends["max"] < EXACT):
        return values.cast(pa.float64()).to_pandas(), ""
    return _text(values)


def _float(values: pa.ChunkedArray) -> Converted:
    return values.cast(pa.float64()).to_pandas(), ""


def _day(values: pa.ChunkedArray) -> Converted:
    return values.cast(pa.timestamp("s" if pa.types.is_date32(values.type) else "ms")).to_pandas(), ""


def _instant(values: pa.ChunkedArray) -> Converted:
    if values.type.tz is not None:
        # Zones that only the writer's machine knows would stop pandas; the instants are the same in UTC.
        values = values.cast(pa.timestamp(values.type.unit, "UTC"))
    return values.to_pandas(), ""


def _bytes(values: pa.ChunkedArray) -> Converted:
    try:
        return _text(values)
    except pa.ArrowInvalid:
        words = ["" if value is None else rf"\x{value.hex()}" for value in values.to_pylist()]
        return pd.Series(words, dtype="str"), "holds bytes that are no text, read as hexadecimal digits"


def _nested(values: pa.ChunkedArray) -> Converted:
    words = [
        "" if value is None else json.dumps(value, default=str, ensure_ascii=False) for value in values.to_pylist()
    ]
    return pd.Series(words, dtype="str"), "holds lists or records, read as JSON text"


def _is_text(kind: pa.DataType) -> bool:
    plain = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_boolean)
    exact = (pa.types.is_decimal, pa.types.is_null, pa.types.is_time)
    return any(test(kind) for test in (*plain, *exact))


def _is_bytes(kind: pa.DataType) -> bool:
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)


_KINDS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.ChunkedArray], Converted]], ...] = (
    (_is_text, _text),
    (pa.types.is_integer, _whole),
    (pa.types.is_floating, _float),
    (pa.types.is_timestamp, _instant),
    (pa.types.is_date, _day),
    (_is_bytes, _bytes),
    (pa.types.is_nested, _nested),
)
