"""Writing canonical tables, so that reading them back gives the same tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from spmforecast.data.sources.addresses import Address, is_address, parse_address
from spmforecast.data.sources.database import ROW
from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem

if TYPE_CHECKING:
    from sqlalchemy import Column, MetaData, Table
    from sqlalchemy.engine import Engine

__all__ = ["write_database", "write_tables"]

_CHUNK = 10_000
_KEYED = ("postgresql", "sqlite")
"""Databases in which a text of any length can be unique."""


def write_tables(
    tables: Mapping[str, pd.DataFrame], folder: str | Path, format: Literal["csv", "parquet"] = "csv"
) -> None:
    """Write each table as ``<name>.csv`` or ``<name>.parquet``.

    CSV is UTF-8 with line feeds, the same bytes for the same tables on every machine. Parquet has the columns' types;
    dates that are written as text become dates there.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        By table name. Dates that are whole days are written as such, missing values as empty cells, numbers with as
        many digits as it takes to read the same number back. Text is written as it is: a file meant for a
        spreadsheet needs its formulas escaped by whoever makes that.
    folder : path or str
        Made if it is not there.
    format : {"csv", "parquet"}
        Kind of file.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        if format == "parquet":
            _dated(name, frame).to_parquet(target / f"{name}.parquet", index=False)
            continue
        text = pd.DataFrame({column: _text(frame[column]) for column in frame.columns}, index=frame.index)
        with (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            text.to_csv(file, index=False, lineterminator="\n")


def write_database(tables: Mapping[str, pd.DataFrame], where: str | Path | Engine, schema: str | None = None) -> None:
    """Write each table into a database, as a new table of its name.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        By table name. Numbers become double precision, dates time stamps, all else text, missing values NULL. Rows are
        numbered by a primary key ``_row``, so that they come back in their order, without it; the table's own key is
        declared unique where it is.
    where : str, path or sqlalchemy.Engine
        URL of the database, the path of a SQLite file, which is made if it is not there, or an engine.
    schema : str, optional
        An existing schema.

    Raises
    ------
    InputError
        If the database cannot be reached or written to, or already has a table of one of the names.
    """
    import sqlalchemy as sa
    from sqlalchemy.exc import SQLAlchemyError

    address = None if isinstance(where, sa.Engine) else _address(where, schema)
    engine = where if isinstance(where, sa.Engine) else sa.create_engine(_address(where).url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            for name, frame in tables.items():
                typed = _dated(name, frame)
                table = _table(sa.MetaData(), name, typed, schema or (address.schema if address else None))
                if engine.dialect.name in _KEYED:
                    _add_key(table, typed)
                table.create(connection, checkfirst=False)
                for rows in _records(_numbered(typed)):
                    connection.execute(table.insert(), rows)
        return
    except (SQLAlchemyError, ImportError) as error:
        told = address.told(error) if address else type(error).__name__
    finally:
        engine.dispose()
    # Outside of the handler, so that no chained error carries the password.
    mend = "Name a database that can be written to and has no such tables yet."
    label = address.label if address else "database"
    raise InputError(Problem("history", f"the tables cannot be written: {told}", mend, file=label))


def _address(where: str | Path, schema: str | None = None) -> Address:
    if isinstance(where, str) and is_address(where):
        return parse_address(where, schema)
    from sqlalchemy.engine import URL

    return Address(URL.create("sqlite", database=str(where)), f"sqlite:{Path(where).name}", schema)


def _table(metadata: MetaData, name: str, frame: pd.DataFrame, schema: str | None) -> Table:
    import sqlalchemy as sa

    columns = [_column(str(column), frame[column]) for column in frame.columns]
    if ROW not in frame:
        columns = [sa.Column(ROW, sa.BigInteger(), primary_key=True, autoincrement=False), *columns]
    return sa.Table(name, metadata, *columns, schema=schema)


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Put the number of each row in front."""
    return frame if ROW in frame else pd.DataFrame({ROW: np.arange(1, len(frame) + 1), **dict(frame.items())})


def _add_key(table: Table, frame: pd.DataFrame) -> None:
    """Declare the key of a canonical table, where its rows keep to it."""
    import sqlalchemy as sa

    known = TABLES.get(table.name)
    key = [] if known is None else [name for name in known.key if name in frame]
    if key and known is not None and not frame[key].isna().any(axis=None) and not frame.duplicated(key).any():
        table.append_constraint(sa.UniqueConstraint(*key))


def _column(name: str, values: pd.Series) -> Column[Any]:
    import sqlalchemy as sa

    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return sa.Column(name, sa.DateTime(timezone=isinstance(values.dtype, pd.DatetimeTZDtype)))
    if pd.api.types.is_bool_dtype(values.dtype):
        return sa.Column(name, sa.Boolean())
    if pd.api.types.is_integer_dtype(values.dtype):
        return sa.Column(name, sa.BigInteger())
    return sa.Column(name, sa.Double() if pd.api.types.is_float_dtype(values.dtype) else sa.Text())


def _records(frame: pd.DataFrame) -> Iterator[list[dict[str, object]]]:
    """Give rows as dictionaries of Python values, some thousands at a time."""
    for start in range(0, len(frame), _CHUNK):
        part = frame.iloc[start : start + _CHUNK]
        columns = {str(name): _python(part[name]) for name in part.columns}
        yield [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _python(values: pd.Series) -> list[object]:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return [None if stamp is pd.NaT else stamp.to_pydatetime() for stamp in values]
    missing = values.isna().to_numpy(dtype=bool)
    return [None if gap else value for gap, value in zip(missing, values.tolist(), strict=True)]


def _dated(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Let the dates of a canonical table be dates where they are all written in ISO 8601."""
    table = TABLES.get(name)
    out = {}
    for column in () if table is None else table.columns:
        if column.kind == "date" and column.name in frame and not _is_typed(frame[column.name]):
            stamps = pd.to_datetime(frame[column.name], format="ISO8601", errors="coerce")
            zoned = isinstance(stamps.dtype, pd.DatetimeTZDtype)
            if not zoned and not (stamps.isna() & frame[column.name].notna()).any():
                out[column.name] = stamps.astype("datetime64[ms]")
    return frame.assign(**out) if out else frame


def _is_typed(values: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype)


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
