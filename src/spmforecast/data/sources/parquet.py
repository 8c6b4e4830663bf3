"""Parquet files as raw tables: one file, or the parts of a table that stand in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import pyarrow as pa

from spmforecast.data.sources.arrowtypes import UnreadableColumnError, frame_of_arrow
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.headers import no_column_twice, numbered
from spmforecast.errors import InputError, Problem

__all__ = ["parquet_parts", "parse_parquet"]

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def parquet_parts(folder: Path) -> tuple[str, ...]:
    """Return the Parquet files of a table's folder, relative to it, by name.

    Folders ``key=value`` inside are looked into, others are not; markers such as ``_SUCCESS`` do not count.
    """
    return tuple(sorted(path.relative_to(folder).as_posix() for path in _walk(folder)))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir():
            if "=" in path.name and not path.is_symlink():
                yield from _walk(path)
        elif path.name.lower().endswith(".parquet"):
            yield path


def parse_parquet(parts: Sequence[tuple[str, bytes]], file: str, table: str) -> RawTable:
    """Read a Parquet file, or several parts as one table.

    Parameters
    ----------
    parts : sequence of (str, bytes)
        Name and content of each part, in order. ``key=value`` in a name gives a column ``key``, as Hive writes it.
    file, table : str
        For messages.

    Returns
    -------
    RawTable
        Rows in the order of the parts; the first is line 2.

    Raises
    ------
    InputError
        If it is empty, damaged or not Parquet, names a column twice, or parts do not fit together.
    """
    read = [_with_keys(_read(data, name, table), name) for name, data in parts]
    whole = read[0] if len(read) == 1 else _together(read, file, table)
    del read
    named = whole.rename_columns([str(name).strip() for name in whole.column_names])
    no_column_twice(named.column_names, table, file)
    try:
        frame, notes = frame_of_arrow(named, file)
    except UnreadableColumnError as error:
        told = "the column cannot be read, because its bytes are damaged"
        raise InputError(_damaged(told, table, file, str(error.args[0]))) from error
    return numbered(file, frame, table, notes)


def _read(data: bytes, name: str, table: str) -> pa.Table:
    if not data:
        raise InputError(_damaged("the file is empty", table, name))
    if data[:4] != b"PAR1":
        raise InputError(_damaged("this is not a Parquet file, whatever its name says", table, name))
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        return source.read()
    except (pa.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
        told = f"the file is damaged or cut short ({_first_line(error)})"
        raise InputError(_damaged(told, table, name)) from error


def _with_keys(part: pa.Table, name: str) -> pa.Table:
    """Add the columns that the part's path tells."""
    for step in PurePosixPath(name).parent.parts:
        key, sign, value = step.partition("=")
        if sign and key not in part.column_names:
            told = None if value == _NO_VALUE else unquote(value)
            part = part.append_column(unquote(key), pa.array([told] * part.num_rows, type=pa.string()))
    return part


def _together(parts: Sequence[pa.Table], file: str, table: str) -> pa.Table:
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except (pa.ArrowException, ValueError) as error:
        told = f"the parts do not fit together ({_first_line(error)})"
        raise InputError(Problem(table, told, "Write all parts with the same columns and types.", file)) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _damaged(told: str, table: str, file: str, column: str = "") -> Problem:
    return Problem(table, told, "Write the file again, or give the table as CSV.", file=file, column=column)
