"""Writing canonical tables, so that reading them back gives the same tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["write_tables"]


def write_tables(tables: Mapping[str, pd.DataFrame], folder: str | Path) -> None:
    """Write each table as ``<name>.csv``: UTF-8, line feeds, the same bytes for the same tables on every machine.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        By table name. Dates that are whole days are written as such, missing values as empty cells, numbers with as
        many digits as it takes to read the same number back. Text is written as it is: a file meant for a
        spreadsheet needs its formulas escaped by whoever makes that.
    folder : path or str
        Made if it is not there.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        text = pd.DataFrame({column: _text(frame[column]) for column in frame.columns}, index=frame.index)
        with (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            text.to_csv(file, index=False, lineterminator="\n")


def _text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        whole = column.isna().all() or bool((column == column.dt.normalize())[column.notna()].all())
        text: pd.Series = column.dt.strftime("%Y-%m-%d" if whole else "%Y-%m-%dT%H:%M:%S")
        return text
    if pd.api.types.is_float_dtype(column.dtype):
        return pd.Series([_number(float(value)) for value in column], index=column.index, dtype="str")
    return column


def _number(value: float) -> str:
    if np.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
