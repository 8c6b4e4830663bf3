"""Databases as a source: tables and views of one schema, through SQLAlchemy."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from spmforecast.data.history import SourceFile
from spmforecast.data.sources.addresses import Address
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.columns import frame_hash, raw_frame
from spmforecast.data.sources.headers import called, no_column_twice, numbered, sole
from spmforecast.data.sources.pyvalues import ValueColumns
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.engine import Connection, Engine

__all__ = ["ROW", "SqlSource", "in_order_of_rows", "no_such_table", "others_note"]

_Got = TypeVar("_Got")

ROW = "_row"
"""Primary key of the tables that :func:`~spmforecast.data.write.write_database` writes: the number of the row."""

_CHUNK = 20_000
_SECONDS = 10
_SHOWN = 8
_PACKAGES = {
    "psycopg": "spmforecast[postgres]",
    "duckdb": "spmforecast[duckdb]",
    "MySQLdb": "mysqlclient",
    "pymysql": "PyMySQL",
    "mysql": "mysql-connector-python",
    "psycopg2": "psycopg2-binary",
}
"""What pip calls the package that has a module of that name."""

_DIALECTS = {
    "bigquery": "sqlalchemy-bigquery",
    "databricks": "databricks-sqlalchemy",
    "duckdb": "duckdb-engine",
    "redshift": "sqlalchemy-redshift",
    "snowflake": "snowflake-sqlalchemy",
    "trino": "trino[sqlalchemy]",
}
"""What pip calls the package with which SQLAlchemy learns to speak to a database."""


class SqlSource:
    """The tables and views of a database, whatever SQLAlchemy can speak to.

    Only these queries are made: which schemas, tables, views and primary keys there are, and ``select *`` of whole
    tables, with every name quoted by SQLAlchemy.

    Parameters
    ----------
    address : Address
        Where it is.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._seen: dict[str, SourceFile] = {}

    def __repr__(self) -> str:
        return f"SqlSource({self.address.label!r})"

    def names(self) -> tuple[str, ...]:
        """Return the names of the tables and views, in order.

        Raises
        ------
        InputError
            If the database cannot be reached, or has no such schema.
        """
        return self._names

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return self._guarded("history", lambda: tuple(self._listed()))

    def find(self, table: str) -> str | None:
        """Return the database's table or view of a table's name, whatever its case.

        Raises
        ------
        InputError
            If there are several, or the database cannot be reached.
        """
        return sole(table, called(table, self.names()))

    def read(self, name: str, table: str) -> RawTable:
        """Read a table or view, by its primary key where it has one, else in the order in which the database gives it.

        Raises
        ------
        InputError
            If there is none of that name, or the database cannot be reached.
        """
        file = self._file(name)
        if name not in self.names():
            raise InputError(no_such_table(name, table, self.address.label, self.names()))
        columns, key = self._guarded(table, lambda: self._fetched(name, table, file))
        frame, ordered = raw_frame(in_order_of_rows(columns.frame(), key)), bool(key)
        self._seen[name] = SourceFile(file, *frame_hash(frame))
        told = f"{self.address.label}: tables without a primary key are read in the order in which they come"
        return numbered(file, frame, table, (*columns.notes(file), *(() if ordered else (told,))))

    def files(self) -> tuple[SourceFile, ...]:
        """Return every table read so far, by name, with the hash of its values."""
        return tuple(self._seen[name] for name in sorted(self._seen))

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note on the tables that are not used."""
        return others_note(self.address.label, self.names(), used)

    def _file(self, name: str) -> str:
        schema = "" if self.address.schema is None else f"{self.address.schema}."
        return f"{self.address.label}/{schema}{name}"

    @cached_property
    def _engine(self) -> Engine:
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool

        url, file = self.address.url, self.address.file
        if url.get_backend_name() == "sqlite" and file is not None:
            # Read-only, so that a misspelt name makes no new file.
            place = f"{file.resolve().as_uri()}?mode=ro"
            engine = create_engine(
                "sqlite://", creator=lambda: sqlite3.connect(place, uri=True), poolclass=NullPool, hide_parameters=True
            )
        else:
            waits = url.get_backend_name() == "postgresql" and "connect_timeout" not in url.query
            limits = {"connect_timeout": _SECONDS} if waits else {}
            engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=limits)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _read_any_text)
        return engine

    def _connection(self) -> Connection:
        return self._engine.connect().execution_options(postgresql_readonly=True)

    def _listed(self) -> Iterator[str]:
        from sqlalchemy import inspect

        with self._connection() as connection, _without_reflection_warnings():
            seen = inspect(connection)
            schema = self.address.schema
            if schema is not None and schema not in seen.get_schema_names():
                near = nearest(schema, seen.get_schema_names())
                mend = f"Did you mean {near}?" if near else "Name one that the database has."
                raise InputError(
                    Problem("history", "the database has no such schema", mend, self.address.label, value=schema)
                )
            found = {*seen.get_table_names(schema), *seen.get_view_names(schema)}
            if seen.dialect.name == "postgresql":
                found.update(seen.get_materialized_view_names(schema), seen.get_foreign_table_names(schema))  # type: ignore[attr-defined]
            yield from sorted(found)

    def _fetched(self, name: str, table: str, file: str) -> tuple[ValueColumns, Sequence[str]]:
        import sqlalchemy as sa

        with self._connection() as connection:
            # Without column types, so that no converter stumbles over a value; drivers give Python's own types.
            source = sa.table(name, schema=self.address.schema)
            query: sa.Select[Any] = sa.select(sa.literal_column("*")).select_from(source)
            with _without_reflection_warnings():
                key = self._key(connection, name)
            query = query.order_by(*(sa.column(column) for column in key))
            result = connection.execution_options(stream_results=True).execute(query)
            names = [str(column).strip() for column in result.keys()]  # noqa: SIM118
            no_column_twice(names, table, file)
            columns = ValueColumns(names)
            for rows in result.partitions(_CHUNK):
                columns.add(rows)
            return columns, key

    def _key(self, connection: Connection, name: str) -> Sequence[str]:
        from sqlalchemy import inspect
        from sqlalchemy.exc import NoSuchTableError

        try:
            return list(inspect(connection).get_pk_constraint(name, self.address.schema)["constrained_columns"])
        except (NoSuchTableError, NotImplementedError):  # a view
            return []

    def _guarded(self, table: str, action: Callable[[], _Got]) -> _Got:
        """Do something with the database; tell what a driver says as a problem, without anything secret."""
        from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

        try:
            return action()
        except InputError:
            raise
        except ImportError as error:
            missing = (error.name or "").partition(".")[0]
            package = _PACKAGES.get(missing, missing)
            told, mend = f"this database needs the package {missing}", f'Install it: pip install "{package}".'
        except NoSuchModuleError:
            backend = self.address.url.get_backend_name()
            package = _DIALECTS.get(backend, "")
            near = nearest(backend, ("postgresql", "mysql", "mariadb", "mssql", "oracle", "sqlite", *_DIALECTS))
            told = f"the database cannot be read: SQLAlchemy cannot speak to {backend} by itself"
            mend = f"Did you mean {near}?" if near else "Install its dialect of SQLAlchemy."
            mend = f'Install the package: pip install "{package}".' if package else mend
        except (SQLAlchemyError, sqlite3.Error, OSError, ValueError, ArithmeticError) as error:
            told = f"the database cannot be read: {self.address.told(error)}"
            mend = "Look at address, name, user and password, and at what the user may read."
        # Outside of the handlers, so that no chained error carries the password.
        raise InputError(Problem(table, told, mend, file=self.address.label))


def in_order_of_rows(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Take the number of the row out of a table that has it for its key only; it has done its work."""
    return frame.drop(columns=ROW) if list(key) == [ROW] and len(frame.columns) > 1 else frame


def _read_any_text(connection: Any, _: object) -> None:
    """Let SQLite hand over text that is not UTF-8 as bytes instead of failing."""
    connection.text_factory = _text


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _without_reflection_warnings() -> warnings.catch_warnings[None]:
    """Pass over what SQLAlchemy says about column types that it does not know: they are not asked for."""
    from sqlalchemy.exc import SAWarning

    return warnings.catch_warnings(action="ignore", category=SAWarning)


def no_such_table(name: str, table: str, label: str, there: Sequence[str]) -> Problem:
    """Say that a database has no table of that name."""
    near = nearest(name, there)
    listed = ", ".join(there[:_SHOWN]) or "none at all"
    mend = f"Did you mean {near}?" if near else f"It has: {listed}."
    return Problem(table, "the database has no such table or view", mend, file=label, value=name)


def others_note(label: str, there: Sequence[str], used: set[str]) -> tuple[str, ...]:
    """Say which tables of a database are not used, the first few by name."""
    left = [name for name in there if name not in used]
    if not left:
        return ()
    named = ", ".join(left[:_SHOWN]) + (", …" if len(left) > _SHOWN else "")
    return (f"{label}: {len(left):,} tables are not used: {named}",)
