"""`Planbook`: versions are added, looked at, compared and decided on; nothing is ever changed."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from spmforecast.errors import InputError, Problem
from spmforecast.scenario.planbook.accuracy import accuracy
from spmforecast.scenario.planbook.content import Content, chain_hash
from spmforecast.scenario.planbook.differences import differences
from spmforecast.scenario.planbook.opening import Book, now
from spmforecast.scenario.planbook.tables import DECISIONS, VERSIONS
from spmforecast.scenario.planbook.versions import ACTIONS, KINDS, Decision, Version
from spmforecast.written import nearest

__all__ = ["Planbook"]


class Planbook:
    """Plans, forecasts, quotas and territories as they were kept: append-only, each version with author, reason, time.

    Parameters
    ----------
    where : path or str
        A SQLite file, made if absent; or the URL of a PostgreSQL database, ``env:NAME`` for the environment variable
        that holds it.

    Raises
    ------
    InputError
        If it cannot be opened; every method raises the same where the database fails.

    Notes
    -----
    A version is written in one transaction and carries a hash of itself and of the version before (a chain for each
    kind and name), so what was written half, lost or altered would show: :meth:`verify`.
    """

    def __init__(self, where: str | Path = "planbook.sqlite") -> None:
        self._book = Book(where)

    def __repr__(self) -> str:
        return f"Planbook({self._book.label!r})"

    def add(
        self, kind: str, name: str, content: Content, reason: str, author: str | None = None, parent: int | None = None
    ) -> Version:
        """Keep a further version.

        Parameters
        ----------
        kind : {"plan", "forecast", "quotas", "territories"}
            What it is.
        name : str
            What it is a version of.
        content : Content
            What it says.
        reason : str
            Why there is a new version; not empty.
        author : str, optional
            Who; by default who is logged in.
        parent : int, optional
            ``id`` of the version from which it was made; by default the last one of that kind and name.

        Returns
        -------
        Version

        Raises
        ------
        InputError
            For every argument that is wrong, at once.
        """
        author = _author(author)
        _check(kind, name, reason, author)
        text = content.text()
        with self._book.writing() as connection:
            last = _last(connection, kind, name)
            number = 1 if last is None else int(last["number"]) + 1
            if parent is None and last is not None:
                parent = int(last["id"])
            if parent is not None:
                _one(connection, parent)
            at, before = now(), "" if last is None else str(last["sha256"])
            digest = chain_hash(before, kind, name, str(number), str(parent or ""), text, author, reason, at)
            values = {"kind": kind, "name": name, "number": number, "parent": parent, "content": text}
            values |= {"author": author, "reason": reason, "at": at, "sha256": digest}
            made = connection.execute(VERSIONS.insert().values(values).returning(VERSIONS.c.id)).scalar_one()
        return Version(made, kind, name, number, parent, Content.parse(text), author, reason, at, digest)

    def get(self, version: int) -> Version:
        """Return a version by its number in the book.

        Raises
        ------
        InputError
            If there is none.
        """
        with self._book.reading() as connection:
            return _version(_one(connection, version), _approvals(connection))

    def latest(self, kind: str, name: str, approved: bool = False) -> Version | None:
        """Return the newest version of something, or the newest one that is approved; None where there is none."""
        rows = [version for version in self.versions(kind, name) if version.approved or not approved]
        return rows[-1] if rows else None

    def versions(self, kind: str | None = None, name: str | None = None) -> list[Version]:
        """Return the versions in the order in which they were written, all or those of a kind and name."""
        query = sa.select(VERSIONS).order_by(VERSIONS.c.id)
        query = query if kind is None else query.where(VERSIONS.c.kind == kind)
        query = query if name is None else query.where(VERSIONS.c.name == name)
        with self._book.reading() as connection:
            approvals = _approvals(connection)
            return [_version(row, approvals) for row in connection.execute(query).mappings()]

    def log(self, kind: str | None = None, name: str | None = None) -> pd.DataFrame:
        """List versions: ``id, kind, name, version, parent, approved, author, reason, at``, oldest first."""
        rows = [
            (one.id, one.kind, one.name, one.number, one.parent, one.approved, one.author, one.reason, one.at)
            for one in self.versions(kind, name)
        ]
        columns = ["id", "kind", "name", "version", "parent", "approved", "author", "reason", "at"]
        return pd.DataFrame(rows, columns=columns).astype({"parent": "Int64"})

    def decide(self, version: int, action: str, reason: str, author: str | None = None) -> Decision:
        """Approve a version, or withdraw an approval.

        Raises
        ------
        InputError
            If there is no such version or action, or no reason.
        """
        author = _author(author)
        problems = _needed(reason=reason, author=author)
        if action not in ACTIONS:
            problems.append(_choice("action", action, ACTIONS))
        if problems:
            raise InputError(problems)
        with self._book.writing() as connection:
            _one(connection, version)
            made = Decision(version, action, author, reason, now())
            values = {"version": version, "action": action, "author": author, "reason": reason, "at": made.at}
            connection.execute(DECISIONS.insert().values(values))
        return made

    def approve(self, version: int, reason: str, author: str | None = None) -> Decision:
        """Approve a version; see :meth:`decide`."""
        return self.decide(version, "approve", reason, author)

    def decisions(self, version: int | None = None) -> list[Decision]:
        """Return what was decided, oldest first."""
        query = sa.select(DECISIONS).order_by(DECISIONS.c.id)
        query = query if version is None else query.where(DECISIONS.c.version == version)
        with self._book.reading() as connection:
            return [
                Decision(row["version"], row["action"], row["author"], row["reason"], row["at"])
                for row in connection.execute(query).mappings()
            ]

    def roll_back(self, version: int, reason: str, author: str | None = None) -> Version:
        """Make an earlier version the newest again, by a new version that says the same."""
        old = self.get(version)
        return self.add(old.kind, old.name, old.content, reason, author, parent=old.id)

    def diff(self, first: int, second: int) -> pd.DataFrame:
        """Compare two versions; see :func:`~spmforecast.scenario.planbook.differences.differences`."""
        return differences(self.get(first).content, self.get(second).content)

    def accuracy(self, name: str | None = None) -> pd.DataFrame:
        """Hold the kept forecasts against what later ones know; see :func:`.accuracy.accuracy`."""
        return accuracy(self.versions("forecast", name))

    def verify(self) -> None:
        """Check every version's hash and that numbers run from 1 without gaps.

        Raises
        ------
        InputError
            With each version that is not what was written.
        """
        with self._book.reading() as connection:
            rows = list(connection.execute(sa.select(VERSIONS).order_by(VERSIONS.c.id)).mappings())
        problems, last = [], dict[tuple[str, str], tuple[int, str]]()
        for row in rows:
            number, before = last.get((row["kind"], row["name"]), (0, ""))
            parts = (row["kind"], row["name"], str(row["number"]), str(row["parent"] or ""), row["content"])
            wanted = chain_hash(before, *parts, row["author"], row["reason"], row["at"])
            if row["number"] != number + 1 or row["sha256"] != wanted:
                told = "the version is not what was written, or one before it is missing"
                label = f"{row['kind']} {row['name']} v{row['number']}"
                problems.append(Problem("planbook", told, "Go back to a copy.", self._book.label, value=label))
            last[row["kind"], row["name"]] = row["number"], row["sha256"]
        if problems:
            raise InputError(problems)

    def _repr_html_(self) -> str:
        from spmforecast.display import card

        log = self.log()
        return card(f"Planbook {self._book.label}", {"versions": len(log)}, log.iloc[::-1])


def _version(row: RowMapping, approvals: dict[int, bool]) -> Version:
    return Version(
        row["id"], row["kind"], row["name"], row["number"], row["parent"], Content.parse(row["content"]),
        row["author"], row["reason"], row["at"], row["sha256"], approvals.get(row["id"], False),
    )  # fmt: skip


def _last(connection: Connection, kind: str, name: str) -> RowMapping | None:
    query = sa.select(VERSIONS.c.id, VERSIONS.c.number, VERSIONS.c.sha256)
    query = query.where(VERSIONS.c.kind == kind, VERSIONS.c.name == name).order_by(VERSIONS.c.number.desc()).limit(1)
    return connection.execute(query).mappings().first()


def _one(connection: Connection, version: int) -> RowMapping:
    row = connection.execute(sa.select(VERSIONS).where(VERSIONS.c.id == version)).mappings().first()
    if row is None:
        newest = connection.execute(sa.select(sa.func.max(VERSIONS.c.id))).scalar_one()
        mend = "The book is empty." if newest is None else f"Versions run from 1 to {newest}: see planbook log."
        raise InputError(Problem("planbook", "there is no such version", mend, value=str(version)))
    return row


def _approvals(connection: Connection) -> dict[int, bool]:
    """Tell of each version on which something was decided whether the last decision was an approval."""
    query = sa.select(DECISIONS.c.version, DECISIONS.c.action).order_by(DECISIONS.c.id)
    return {row.version: row.action == "approve" for row in connection.execute(query)}


def _author(author: str | None) -> str:
    return getpass.getuser() if author is None else author


def _check(kind: str, name: str, reason: str, author: str) -> None:
    problems = _needed(name=name, reason=reason, author=author)
    if kind not in KINDS:
        problems.append(_choice("kind", kind, KINDS))
    if problems:
        raise InputError(problems)


def _needed(**values: Any) -> list[Problem]:
    return [
        Problem("planbook", "must be said", "Write a few words.", column=key)
        for key, value in values.items()
        if not str(value).strip()
    ]


def _choice(column: str, value: str, known: tuple[str, ...]) -> Problem:
    near = nearest(value, known)
    mend = f"Did you mean {near}?" if near else f"Use one of: {', '.join(known)}."
    return Problem("planbook", f"no such {column}", mend, column=column, value=value)
