"""DuckDB files as a source, through DuckDB's own interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from spmforecast.data.history import SourceFile
from spmforecast.data.sources.arrowtypes import UnreadableColumnError, frame_of_arrow
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.columns import frame_hash
from spmforecast.data.sources.database import in_order_of_rows, no_such_table, others_note
from spmforecast.data.sources.headers import called, no_column_twice, numbered, sole
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["DuckSource"]

_Got = TypeVar("_Got")

_ALONE: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
"""A view in the file reads no other file and fetches nothing over the network."""

_TABLES = """
    select table_name from information_schema.tables
    where table_schema = ? and table_catalog = current_database() order by table_name
"""
_SCHEMAS = "select distinct schema_name from information_schema.schemata where catalog_name = current_database()"
_KEY = """
    select constraint_column_names from duckdb_constraints()
    where schema_name = ? and table_name = ? and constraint_type = 'PRIMARY KEY' and database_name = current_database()
"""


@dataclass
class DuckSource:
    """The tables and views of a DuckDB file, opened for reading only.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    schema : str, optional
        ``main`` where absent.
    """

    path: Path
    schema: str | None = None
    _seen: dict[str, SourceFile] = field(default_factory=dict, init=False)

    @property
    def _label(self) -> str:
        return f"duckdb:{self.path.name}"

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return self._with("history", self._listed)

    def names(self) -> tuple[str, ...]:
        """Return the names of the tables and views, in order.

        Raises
        ------
        InputError
            If the file is no DuckDB database, or has no such schema.
        """
        return self._names

    def find(self, table: str) -> str | None:
        """Return the database's table or view of a table's name, whatever its case.

        Raises
        ------
        InputError
            If there are several, or the file cannot be read.
        """
        return sole(table, called(table, self.names()))

    def read(self, name: str, table: str) -> RawTable:
        """Read a table or view, by its primary key where it has one, else in the order in which DuckDB gives it.

        Raises
        ------
        InputError
            If there is none of that name, or it cannot be read.
        """
        if name not in self.names():
            raise InputError(no_such_table(name, table, self._label, self.names()))
        file = f"{self._label}/{self.schema}.{name}" if self.schema else f"{self._label}/{name}"
        whole, key = self._with(table, lambda connection: self._fetched(connection, name))
        whole = whole.rename_columns([column.strip() for column in whole.column_names])
        no_column_twice(whole.column_names, table, file)
        try:
            frame, notes = frame_of_arrow(whole, file)
        except UnreadableColumnError as error:
            mend = "Write the table again, or export it as CSV or Parquet."
            told = "the column cannot be read, because its bytes are damaged"
            raise InputError(Problem(table, told, mend, file, column=str(error.args[0]))) from error
        frame = in_order_of_rows(frame, key)
        self._seen[name] = SourceFile(file, *frame_hash(frame))
        told = f"{self._label}: tables without a primary key are read in the order in which they come"
        return numbered(file, frame, table, (*notes, *(() if key else (told,))))

    def files(self) -> tuple[SourceFile, ...]:
        """Return every table read so far, by name, with the hash of its values."""
        return tuple(self._seen[name] for name in sorted(self._seen))

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note on the tables that are not used."""
        return others_note(self._label, self.names(), used)

    def _listed(self, connection: Any) -> tuple[str, ...]:
        if self.schema is not None:
            schemas = [str(row[0]) for row in connection.execute(_SCHEMAS).fetchall()]
            if self.schema not in schemas:
                near = nearest(self.schema, schemas)
                mend = f"Did you mean {near}?" if near else "Name one that the database has."
                told = "the database has no such schema"
                raise InputError(Problem("history", told, mend, self._label, value=self.schema))
        found = connection.execute(_TABLES, [self.schema or "main"]).fetchall()
        return tuple(str(row[0]) for row in found)

    def _fetched(self, connection: Any, name: str) -> tuple[Any, Sequence[str]]:
        schema = self.schema or "main"
        found = connection.execute(_KEY, [schema, name]).fetchall()
        key: Sequence[str] = found[0][0] if found else ()
        order = f" order by {', '.join(map(_quoted, key))}" if key else ""
        # Names come from the database's own list, and are quoted; a query cannot have them as parameters.
        place = ".".join(map(_quoted, (_catalog(connection), schema, name)))
        query = f"select * from {place}{order}"  # noqa: S608
        return connection.sql(query).to_arrow_table(), key

    def _with(self, table: str, action: Callable[[Any], _Got]) -> _Got:
        """Do something with the open file; tell what DuckDB says as a problem."""
        try:
            import duckdb
        except ImportError as error:
            mend = 'Install it: pip install "spmforecast[duckdb]".'
            told = "reading a DuckDB file needs the package duckdb"
            raise InputError(Problem("history", told, mend, file=self._label)) from error
        try:
            with duckdb.connect(str(self.path), read_only=True, config=_ALONE) as connection:
                return action(connection)
        except duckdb.Error as error:
            said = (str(error).strip().splitlines() or [""])[0][:300]
            mend = "Close the program that has it open, or write the file again with this version of DuckDB."
            problem = Problem(table, f"the database cannot be read: {said}", mend, file=self._label)
            raise InputError(problem) from error


def _catalog(connection: Any) -> str:
    """Return the database's own name, without which a schema of the same name would be ambiguous."""
    return str(connection.execute("select current_database()").fetchall()[0][0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
