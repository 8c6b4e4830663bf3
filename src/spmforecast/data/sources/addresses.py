"""Addresses of databases: URLs taken apart, and nothing secret in them ever shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from spmforecast.errors import InputError, Problem

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

__all__ = ["Address", "is_address", "parse_address"]

_ENVIRONMENT = "env:"
_HIDDEN = "***"
_SECRET_KEY = re.compile("pass|pwd|secret|token|key|credential", re.IGNORECASE)
_SECRET_PART = re.compile(r"(?:password|pwd)\s*=\s*\{?([^;}]*)", re.IGNORECASE)
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}


@dataclass(frozen=True)
class Address:
    """Where a database is.

    Parameters
    ----------
    url : sqlalchemy.URL
        With its password; never shown.
    label : str
        The same without user, password, port and options, for people and for the records of a run.
    schema : str or None
        Schema, where one is named.
    secrets : tuple of str
        Texts that must not be shown.
    """

    url: URL = field(repr=False)
    label: str
    schema: str | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def file(self) -> Path | None:
        """The file of a SQLite or DuckDB database that is named by its path alone; None for any other."""
        name, options = self.url.database, self.url.query
        if self.url.get_backend_name() not in ("sqlite", "duckdb") or options or not name:
            return None
        return None if name.startswith((":", "file:")) else Path(name)

    def told(self, error: BaseException) -> str:
        """Return the first line of what a driver says, with every secret replaced."""
        text = str(getattr(error, "orig", None) or error)
        for secret in self.secrets:
            text = text.replace(secret, _HIDDEN)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return (lines[0] if lines else type(error).__name__)[:300]


def is_address(where: str) -> bool:
    """Tell whether a text names a database rather than a path."""
    return "://" in where or where.startswith(_ENVIRONMENT)


def parse_address(where: str, schema: str | None = None, base: Path | None = None) -> Address:
    """Read the URL of a database.

    Parameters
    ----------
    where : str
        As SQLAlchemy writes it, for instance ``postgresql://user@host/database?schema=crm``, or ``env:NAME`` for the
        environment variable that holds it.
    schema : str, optional
        Goes before the one in the URL.
    base : pathlib.Path, optional
        What relative paths of SQLite and DuckDB files are relative to.

    Returns
    -------
    Address

    Raises
    ------
    InputError
        If it cannot be read; the message does not repeat it.
    """
    text = _from_environment(where) if where.startswith(_ENVIRONMENT) else where
    url = _parsed(text)
    named = url.query.get("schema")
    if named is not None:
        url = url.difference_update_query(["schema"])
        schema = schema or (named if isinstance(named, str) else named[0])
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    if base is not None and url.get_backend_name() in ("sqlite", "duckdb") and _is_path(url.database):
        url = url.set(database=str(base / str(url.database)))
    return Address(url, _label(url), schema, _secrets(url))


def _from_environment(where: str) -> str:
    name = where.removeprefix(_ENVIRONMENT)
    text = os.environ.get(name, "").strip()
    if not text:
        mend = f"Set it to the URL of the database: export {name}=postgresql://user:password@host/database"
        raise InputError(Problem("history", "there is no such environment variable", mend, file=where))
    return text


def _parsed(text: str) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    url = None
    # A second @ means that a password was not written as URLs want it, and parts of it would pass for the host.
    if text.partition("://")[2].partition("?")[0].count("@") < 2:
        try:
            url = make_url(text)
        except (SQLAlchemyError, ValueError, TypeError):
            url = None
    if url is None or "://" not in text:
        scheme = text.partition("://")[0] if re.match(r"[A-Za-z0-9+_]+://", text) else ""
        told = "the database URL cannot be read"
        mend = (
            "Write it as dialect://user:password@host:port/database, with @ : / ? # and % in user and password as %40 "
            "%3A %2F %3F %23 and %25."
        )
        # Outside of the handler, so that no chained error carries the text.
        raise InputError(Problem("history", told, mend, file=f"{scheme}://…" if scheme else "database"))
    return url


def _is_path(name: str | None) -> bool:
    return bool(name) and not str(name).startswith((":", "file:")) and not Path(str(name)).is_absolute()


def _label(url: URL) -> str:
    backend = url.get_backend_name()
    if backend in ("sqlite", "duckdb"):
        name = (url.database or "memory").removeprefix("file:")
        return f"{backend}:{Path(name).name}"
    return f"{backend}://{url.host or 'localhost'}/{url.database or ''}".rstrip("/")


def _secrets(url: URL) -> tuple[str, ...]:
    """Collect what must not be shown, in every form in which a driver may repeat it; the longest go first."""
    values = [] if url.password is None else [str(url.password)]
    for key, value in url.query.items():
        for one in (value,) if isinstance(value, str) else value:
            values += [one] if _SECRET_KEY.search(key) else []
            values += _SECRET_PART.findall(one)
    forms = {form for value in values for form in (value, quote(value), quote(value, safe=""), quote_plus(value))}
    forms |= {repr(form)[1:-1] for form in forms}
    return tuple(sorted((form for form in forms if form), key=lambda form: (-len(form), form)))
