"""Opening: whatever a person names as the source of a history becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from spmforecast.data.sources.addresses import Address, is_address, parse_address
from spmforecast.data.sources.base import Source
from spmforecast.data.sources.database import SqlSource
from spmforecast.data.sources.duck import DuckSource
from spmforecast.data.sources.folder import BOOKS, JSON, TEXTS, FolderSource
from spmforecast.data.sources.frames import FrameSource
from spmforecast.data.sources.workbook import WorkbookSource
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["open_source"]

_ONE_FILE = (*TEXTS, *JSON, ".parquet")
_DATABASES = (".db", ".db3", ".sqlite", ".sqlite3", ".duckdb", ".ddb")
_SQLITE, _DUCK = b"SQLite format 3\0", b"DUCK"
_WRITE_AGAIN = {
    ".xls": "Save it as .xlsx.",
    ".xlsb": "Save it as .xlsx.",
    ".ods": "Save it as .xlsx.",
    ".numbers": "Export it as .xlsx.",
    ".zip": "Unpack it, and name the folder.",
    ".tar": "Unpack it, and name the folder.",
    ".7z": "Unpack it, and name the folder.",
    ".gz": "Unpack it; only .csv.gz, .tsv.gz and .txt.gz are read as they are.",
    ".yaml": "This looks like a scenario or a map; name the data.",
    ".yml": "This looks like a scenario or a map; name the data.",
}


def open_source(
    where: str | Path | Mapping[str, pd.DataFrame] | Source, schema: str | None = None, base: Path | None = None
) -> Source:
    """Open the source that somebody names.

    Parameters
    ----------
    where : path, str, mapping of str to DataFrame, or Source
        A folder, an Excel workbook, a DuckDB or SQLite file, one CSV or Parquet file, the URL of a database or
        ``env:NAME`` for an environment variable that holds one, or tables in memory.
    schema : str, optional
        Schema of a database.
    base : pathlib.Path, optional
        Folder that relative paths start from; the working folder where absent.

    Returns
    -------
    Source

    Raises
    ------
    InputError
        If there is nothing of the kind, or it is not a source.
    """
    if isinstance(where, str) and is_address(where):
        return _of_address(parse_address(where, schema, base))
    if isinstance(where, str | Path):
        return _of_path(Path(where), schema, base)
    if schema is not None:
        raise _no_schemas("tables in memory", schema)
    return FrameSource(where) if isinstance(where, Mapping) else where


def _of_address(address: Address) -> Source:
    if address.url.get_backend_name() == "duckdb" and address.file is None:
        told, mend = "only a DuckDB file can be read", "Write it as duckdb:///folder/file.duckdb."
        raise InputError(Problem("history", told, mend, file=address.label))
    if address.file is not None:
        return _of_path(address.file, address.schema, None, address.url.get_backend_name())
    return SqlSource(address)


def _of_path(named: Path, schema: str | None, base: Path | None, kind: str = "") -> Source:
    path = named if base is None else base / named
    if not path.exists():
        raise InputError(_missing(path))
    if path.is_dir() and not kind:
        if schema is not None:
            raise _no_schemas(str(named), schema)
        return FolderSource(path)
    kind = kind or _kind(path)
    if kind == "duckdb":
        return DuckSource(path, schema)
    if kind == "sqlite":
        return SqlSource(_sqlite(path, schema))
    if schema is not None:
        raise _no_schemas(str(named), schema)
    return WorkbookSource(path) if kind == "workbook" else FolderSource(path.parent, only=path.name)


def _kind(path: Path) -> str:
    """Tell what a file is, by its suffix and by its first bytes."""
    name = path.name.lower()
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        told = f"this cannot be read ({error.strerror})"
        raise InputError(Problem("history", told, "Look at its permissions.", file=str(path))) from error
    if head == _SQLITE:
        return "sqlite"
    if head[8:12] == _DUCK:
        return "duckdb"
    if name.endswith(BOOKS):
        return "workbook"
    if name.endswith(_ONE_FILE):
        return "file"
    if name.endswith(_DATABASES):
        told = "the file is empty" if not head else "this is neither a SQLite nor a DuckDB database"
        raise InputError(Problem("history", told, "Name a database file of one of these kinds.", file=str(path)))
    mend = _WRITE_AGAIN.get(path.suffix.lower(), "Export it as CSV.")
    told = "this is no folder, workbook (.xlsx), database (.duckdb, .sqlite), CSV or Parquet file"
    raise InputError(Problem("history", told, mend, file=str(path)))


def _sqlite(path: Path, schema: str | None) -> Address:
    from sqlalchemy.engine import URL

    return Address(URL.create("sqlite", database=str(path)), f"sqlite:{path.name}", schema)


def _missing(path: Path) -> Problem:
    there = [found.name for found in path.parent.iterdir()] if path.parent.is_dir() else []
    near = nearest(path.name, there)
    told = (
        "this cannot be read: there is no such file" if path.suffix else "this cannot be read: there is no such folder"
    )
    mend = f"Did you mean {near}?" if near else "Give a folder of tables, a workbook, a database file or its URL."
    return Problem("history", told, mend, file=str(path))


def _no_schemas(what: str, schema: str) -> InputError:
    told = "only databases have schemas"
    return InputError(Problem("history", told, "Take schema out.", file=what, value=schema))
