"""Columns of sources that know types: brought to the few dtypes that raw tables have, and to text where need be."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa

from spmforecast.data.arrow import arrow_of, text_of

__all__ = ["as_text", "frame_hash", "is_text", "raw_frame"]


def is_text(column: pd.Series) -> bool:
    """Tell whether a raw column is text."""
    return isinstance(column.dtype, pd.StringDtype)


def raw_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring any frame to the dtypes of a raw table.

    Parameters
    ----------
    frame : pandas.DataFrame
        n rows of whatever a Parquet file, a workbook, a database or a person gives.

    Returns
    -------
    pandas.DataFrame
        n rows with a fresh index; each column float64, int64, datetime64 (with or without a zone) or text with
        empty cells as empty text. Whole numbers with gaps become text, so that long ids lose no digit.
    """
    columns = {str(name): _raw(frame[name]) for name in frame.columns}
    return pd.DataFrame(columns).reset_index(drop=True) if columns else pd.DataFrame(index=range(len(frame)))


def _raw(column: pd.Series) -> pd.Series:
    dtype = column.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return _filled(column.astype("object").map({True: "true", False: "false"}))
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return column
    if pd.api.types.is_float_dtype(dtype):
        return column.astype("float64")
    if pd.api.types.is_integer_dtype(dtype) and not column.isna().any():
        unsigned_or_small = np.iinfo(np.int64).max
        return column.astype("int64") if not len(column) or int(column.max()) <= unsigned_or_small else as_text(column)
    if isinstance(dtype, pd.StringDtype):
        return _filled(column)
    return as_text(column)


def as_text(column: pd.Series) -> pd.Series:
    """Write a column as text: ISO 8601 dates, whole numbers without a point, missing values as empty text."""
    if is_text(column):
        return _filled(column)
    missing = column.isna().to_numpy(dtype=bool)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        words = [stamp.isoformat() if stamp is not pd.NaT else "" for stamp in column]
    elif pd.api.types.is_float_dtype(column.dtype):
        # Whole numbers lose their point, so that ids which pandas read as floats stay what they were.
        filled = column.astype("float64").fillna(0.0)
        words = [str(int(x)) if abs(x) < 1e15 and x == int(x) else repr(float(x)) for x in filled]
    else:
        words = [str(value) for value in column]
    out = np.array(words, dtype=object)
    out[missing] = ""
    return pd.Series(out, index=column.index, dtype="str")


def _filled(column: pd.Series) -> pd.Series:
    values = arrow_of(column.astype("str"))
    return text_of(values.fill_null("") if values.null_count else values, column.index)


def frame_hash(frame: pd.DataFrame) -> tuple[str, int]:
    """Return the SHA-256 of a raw frame's names, types and values, and the bytes that went into it."""
    digest, size = hashlib.sha256(), 0
    for name in frame.columns:
        column = frame[name]
        digest.update(f"{name}\0{'text' if is_text(column) else column.dtype}\0{len(column)}\0".encode())
        if is_text(column):
            data = [part.tobytes() for part in _contents(arrow_of(column))]
        elif isinstance(column.dtype, pd.DatetimeTZDtype):
            data = [column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().tobytes()]
        else:
            data = [column.to_numpy().tobytes()]
        for part in data:
            digest.update(part)
            size += len(part)
    return digest.hexdigest(), size


def _contents(values: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths and bytes of texts, whatever part of a larger buffer they stand in."""
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int64)[values.offset : values.offset + len(values) + 1]
    data = values.buffers()[2]
    whole = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, dtype=np.uint8)
    return np.diff(offsets), whole[offsets[0] : offsets[-1]] if len(offsets) else whole[:0]
