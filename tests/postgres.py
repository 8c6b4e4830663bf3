"""A throw-away PostgreSQL cluster on a free loopback port, made, started and stopped: the fixture `server`.

Tests that ask for it are skipped where there is no server to start, unless SPMFORECAST_REQUIRE_POSTGRES is set.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

PASSWORD = "p@ss:w/rd%"  # noqa: S105
ROOT_PASSWORD = "root of the cluster"  # noqa: S105


@dataclass(frozen=True)
class Server:
    """A running cluster with the role crm; its databases are made for one test each."""

    port: int
    log: Path
    made: list[str] = field(default_factory=list)

    def url(self, database: str, user: str = "crm", password: str = PASSWORD) -> str:
        made = sa.URL.create("postgresql", user, password, "127.0.0.1", self.port, database)
        return made.render_as_string(hide_password=False)

    def execute(self, database: str, *statements: str, user: str = "crm", password: str = PASSWORD) -> None:
        url = sa.make_url(self.url(database, user, password)).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                # The driver takes a single per cent sign for a parameter.
                connection.exec_driver_sql(statement.replace("%", "%%"))
        engine.dispose()

    def database(self, *statements: str, name: str = "") -> str:
        """Make a database, fill it and return its URL."""
        name = name or f"sales{len(self.made)}"
        self.made.append(name)
        quoted = name.replace('"', '""')
        self.execute("postgres", f'create database "{quoted}" owner crm', user="admin", password=ROOT_PASSWORD)
        self.execute(name, *statements)
        return self.url(name)


def _programs() -> Path:
    """Find the folder of initdb and pg_ctl, the newest version where there are several."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    place = found[-1] if found else Path(on_path) if on_path else None
    if place is None:
        told = "there is no PostgreSQL server on this machine (Debian: apt-get install postgresql)"
        if os.environ.get("SPMFORECAST_REQUIRE_POSTGRES"):
            pytest.fail(told)
        pytest.skip(told)
    return place.parent


def _as_somebody() -> tuple[list[str], str | None]:
    """Return how to run a program as a user that is not root, which PostgreSQL refuses to be, and that user."""
    if os.geteuid() != 0:
        return [], None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in known else "nobody"
    return ["runuser", "-u", user, "--"], user


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    programs = _programs()
    prefix, user = _as_somebody()
    place = Path(tempfile.mkdtemp(prefix="spm-pg-"))
    try:
        secret = place / "secret"
        secret.write_text(ROOT_PASSWORD)
        if user is not None:
            for path in (place, secret):
                shutil.chown(path, user)

        def run(program: str, *arguments: str) -> None:
            ran = subprocess.run(
                [*prefix, str(programs / program), *arguments],
                cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, timeout=120,
            )  # fmt: skip
            assert ran.returncode == 0, ran.stdout

        data, log = str(place / "data"), place / "log"
        run("initdb", "-D", data, "-U", "admin", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "-N",
            "--locale=C")  # fmt: skip
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={place} -c fsync=off"
        # With its output in a file, so that nobody waits for the server to close it.
        run("pg_ctl", "-D", data, "-l", str(log), "-w", "-t", "60", "-o", options, "start")
        try:
            made = Server(port, log)
            made.execute(
                "postgres", f"create role crm login password '{PASSWORD}'",
                "create role reader login password 'reading'",
                user="admin", password=ROOT_PASSWORD,
            )  # fmt: skip
            yield made
        finally:
            run("pg_ctl", "-D", data, "-w", "-t", "60", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)
