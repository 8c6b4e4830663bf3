"""Opening the planbook's database: an embedded SQLite file, or a PostgreSQL server by its URL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from spmforecast.data.sources.addresses import Address, is_address, parse_address
from spmforecast.errors import InputError, Problem
from spmforecast.scenario.planbook.tables import MIGRATIONS, NEWEST, SEEN, statements

__all__ = ["Book", "now"]

_WAIT = 30  # seconds that a writer waits for another one
_LOCK = 0x706C616E  # the advisory lock of PostgreSQL under which a book is migrated and written


def now() -> str:
    """Return the time of record: UTC, ISO 8601, to the microsecond."""
    seconds, micro = divmod(time.time_ns() // 1000, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{micro:06d}Z"


class Book:
    """A database in which a planbook stands, brought to the newest form when it is first written to.

    Parameters
    ----------
    where : path or str
        A file, made if absent; or the URL of a database, ``env:NAME`` for the environment variable that holds it.

    Raises
    ------
    InputError
        If the address cannot be read, or is that of another kind of database.
    """

    def __init__(self, where: str | Path) -> None:
        text = str(where)
        self.address = parse_address(text if is_address(text) else f"sqlite:///{Path(text).resolve()}")
        self.dialect = self.address.url.get_backend_name()
        if self.dialect not in ("sqlite", "postgresql"):
            told = "a planbook stands in a SQLite file or in a PostgreSQL database"
            raise InputError(Problem("planbook", told, "Name a file, or postgresql://…", self.address.label))
        self._engine = _engine(self.address, self.dialect)
        self._writers = self._engine.execution_options(writes=True)
        self._ready = False

    @property
    def label(self) -> str:
        """Where it is, without anything secret."""
        return self.address.label

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the book."""
        with self._guarded():
            self._prepare()
            with self._engine.connect() as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose work is kept as a whole or not at all; one writer at a time."""
        with self._guarded():
            self._prepare()
            with self._writers.begin() as connection:
                self._alone(connection)
                yield connection

    def _prepare(self) -> None:
        """Carry out the migrations that the book has not seen, all of them or none."""
        if self._ready:
            return
        with self._writers.begin() as connection:
            self._alone(connection)
            SEEN.create(connection, checkfirst=True)
            seen = {int(number) for number in connection.execute(sa.select(SEEN.c.number)).scalars()}
            if seen and max(seen) > NEWEST:
                told = f"the planbook was written by a newer version (form {max(seen)}, known up to {NEWEST})"
                raise InputError(Problem("planbook", told, "Install the newest spmforecast.", self.label))
            for number in sorted(set(MIGRATIONS) - seen):
                for statement in statements(number, self.dialect):
                    connection.exec_driver_sql(statement)
                connection.execute(SEEN.insert().values(number=number, at=now()))
        self._ready = True

    def _alone(self, connection: Connection) -> None:
        if self.dialect == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Tell what the database says as a problem, without anything secret."""
        told = ""
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            told = self.address.told(error)
        if told:
            # Outside of the handler, so that no chained error carries the password.
            mend = "Look at the place, and at whether it can be written to."
            raise InputError(Problem("planbook", f"the planbook cannot be used: {told}", mend, self.label))


def _engine(address: Address, dialect: str) -> Engine:
    limits: dict[str, Any] = {"timeout": _WAIT} if dialect == "sqlite" else {"connect_timeout": 10}
    engine = sa.create_engine(address.url, poolclass=NullPool, hide_parameters=True, connect_args=limits)
    if dialect == "sqlite":
        sa.event.listen(engine, "connect", _plain_transactions)
        sa.event.listen(engine, "begin", _begin_at_once)
    return engine


def _plain_transactions(connection: Any, _: object) -> None:
    """Leave transactions to SQLAlchemy, and wait for the disk before a commit counts."""
    connection.isolation_level = None
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")


def _begin_at_once(connection: Connection) -> None:
    """Let a writer take the lock when the transaction begins: what it read cannot be overtaken by another one."""
    connection.exec_driver_sql("begin immediate" if connection.get_execution_options().get("writes") else "begin")
