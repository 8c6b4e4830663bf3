"""The database tables of the planbook, and the migrations that made them what they are.

Each migration is a list of statements; those that a book has not seen yet are carried out in order, in one
transaction. A migration is never edited once released: the next one changes what it made.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

__all__ = ["DECISIONS", "MIGRATIONS", "NEWEST", "SEEN", "VERSIONS", "statements"]

_METADATA = sa.MetaData()

SEEN = sa.Table(
    "planbook_migrations",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
)
VERSIONS = sa.Table(
    "planbook_versions",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("parent", sa.Integer),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)
DECISIONS = sa.Table(
    "planbook_decisions",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

_KEY = {"sqlite": "integer primary key autoincrement", "postgresql": "integer generated always as identity primary key"}

_MADE = (
    """create table planbook_versions (
        id {key}, kind text not null, name text not null, number integer not null,
        parent integer references planbook_versions (id), content text not null, author text not null,
        reason text not null, at text not null, sha256 text not null, unique (kind, name, number))""",
    """create table planbook_decisions (
        id {key}, version integer not null references planbook_versions (id), action text not null,
        author text not null, reason text not null, at text not null)""",
)
# Nothing can be changed or taken away, whoever tries: the database itself refuses.
_GUARDS: Mapping[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"create trigger {table}_{verb} before {verb} on {table} "
        f"begin select raise(abort, 'the planbook is append-only'); end"
        for table in ("planbook_versions", "planbook_decisions")
        for verb in ("update", "delete")
    ),
    "postgresql": (
        "create function planbook_append_only() returns trigger language plpgsql as "
        "'begin raise exception ''the planbook is append-only''; end'",
        *(
            f"create trigger {table}_guard before update or delete or truncate on {table} "
            f"for each statement execute function planbook_append_only()"
            for table in ("planbook_versions", "planbook_decisions")
        ),
    ),
}

MIGRATIONS: Mapping[int, tuple[str, ...]] = {
    1: _MADE,
    2: ("create index planbook_decided on planbook_decisions (version)",),
}
"""Statements by number; ``{key}`` stands for the dialect's growing key. Guards of a dialect go with the first."""

NEWEST = max(MIGRATIONS)


def statements(number: int, dialect: str) -> tuple[str, ...]:
    """Return what a migration does in a dialect."""
    made = tuple(text.format(key=_KEY[dialect]) for text in MIGRATIONS[number])
    return (*made, *_GUARDS[dialect]) if number == 1 else made
