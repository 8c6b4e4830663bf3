"""PostgreSQL for real: the example company written to a throw-away cluster and read back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands import command
from companies import AS_OF
from postgres import PASSWORD, Server
from spmforecast.data import History, read_history, write_database
from spmforecast.data.sources import open_source
from spmforecast.data.sources.addresses import parse_address
from spmforecast.data.sources.columns import as_text
from spmforecast.errors import InputError
from spmforecast.scenario import load_scenario
from written_sources import KINDS, bytes_of, poisoned, small_tables

FORMS = (PASSWORD, "p%40ss%3Aw%2Frd%25", "p%40ss", "w/rd", "w%2Frd")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> History:
    return read_history(KINDS["csv"](small_tables(), tmp_path_factory.mktemp("expected")))


@pytest.fixture(scope="module")
def filled(server: Server) -> str:
    """URL of a database with the example company."""
    where = server.database()
    write_database(small_tables(), where)
    return where


def test_the_example_company_comes_back_as_it_was(filled: str, expected: History) -> None:
    history = read_history(filled)
    assert list(history.tables) == list(expected.tables)
    for name in expected.tables:
        pd.testing.assert_frame_equal(history.tables[name], expected.tables[name], obj=name)
    assert not len(history.rejected)
    assert history.counts["read"].tolist() == expected.counts["read"].tolist()
    assert [file.name for file in history.sources][:2] == [
        "postgresql://127.0.0.1/sales0/accounts",
        "postgresql://127.0.0.1/sales0/activities",
    ]
    assert read_history(filled).sources == history.sources


def test_rows_come_back_in_their_order_though_updates_move_them(server: Server) -> None:
    tables = small_tables()
    tables = {name: table.sample(frac=1.0, random_state=4).reset_index(drop=True) for name, table in tables.items()}
    where = server.database()
    write_database(tables, where)
    # PostgreSQL puts a row that was updated behind all others.
    engine = sa.create_engine(parse_address(where).url)
    with engine.begin() as connection:
        connection.execute(sa.text("update stage_history set stage = stage where _row % 3 = 1"))
        connection.execute(sa.text("update opportunities set status = status where _row % 2 = 1"))
    engine.dispose()
    history, plain = read_history(where), read_history(tables)
    for name in plain.tables:
        pd.testing.assert_frame_equal(history.tables[name], plain.tables[name], obj=name)
    assert not any("without a primary key" in said for said in history.warnings)


def test_typed_tables_come_back_as_they_were(server: Server, expected: History) -> None:
    where = server.database("create schema crm")
    write_database(expected.tables, where, schema="crm")
    history = read_history(open_source(where, schema="crm"))
    assert bytes_of(history) == bytes_of(expected)
    assert bytes_of(read_history(f"{where}?schema=crm")) == bytes_of(expected)
    assert history.sources[0].name.endswith("/crm.accounts")


def test_nothing_dated_later_changes_a_byte_of_what_was_known(server: Server, expected: History) -> None:
    where = server.database()
    write_database(poisoned(small_tables(), AS_OF, np.random.default_rng(3)), where)
    history = read_history(where, max_rejected_share=1.0)
    assert not history.stage_history.equals(expected.stage_history)
    assert bytes_of(history.as_of(AS_OF)) == bytes_of(expected.as_of(AS_OF))


def test_odd_names_are_quoted(server: Server) -> None:
    where = server.database(
        'create schema "my ""crm""; drop schema public cascade; --"',
        """create table "my ""crm""; drop schema public cascade; --"."Plan %(x)s :y" ("The ""Period""; --" text,
           "amount %s" numeric, primary key ("The ""Period""; --"))""",
        """insert into "my ""crm""; drop schema public cascade; --"."Plan %(x)s :y" values ('b', 1), ('a', 2)""",
        name='sales "of" 50% 世界',
    )
    source = open_source(where, schema='my "crm"; drop schema public cascade; --')
    assert source.names() == ("Plan %(x)s :y",)
    raw = source.read("Plan %(x)s :y", "plan")
    assert raw.frame['The "Period"; --'].tolist() == ["a", "b"]
    assert raw.frame["amount %s"].tolist() == ["2", "1"]
    assert raw.notes == ()


def test_types_stay_what_they_are(server: Server) -> None:
    where = server.database(
        """create table plan (a numeric, b timestamptz, c timestamp, d date, e jsonb, f uuid, g text[], h boolean,
           i bytea, j bigint, k real, l interval, m inet, n varchar(5), o time, p double precision)""",
        """insert into plan values (12345678901234567890.123456789, '2024-01-01 23:30:00-05', '2024-01-01 10:00:00.5',
           '2024-02-29', '{"a": [1, "é"]}', 'fd361b9c-74ff-48dc-81c2-37e83e4bcf76', '{x,"y z"}', true, '\\xff00',
           9007199254740993, 0.5, '3 days', '10.0.0.1', 'x', '10:00', 1e300)""",
        "insert into plan select",
        "create type mood as enum ('sad', 'ok')",
        "create table reps (rep_id text, mood mood, place point)",
        "insert into reps values ('R1', 'ok', '(1,2)')",
    )
    source = open_source(where)
    raw = source.read("plan", "plan")
    assert {name: as_text(raw.frame[name]).tolist()[0] for name in raw.frame.columns} == {
        "a": "12345678901234567890.123456789",
        "b": "2024-01-02T04:30:00+00:00",
        "c": "2024-01-01T10:00:00.500000",
        "d": "2024-02-29T00:00:00",
        "e": '{"a": [1, "é"]}',
        "f": "fd361b9c-74ff-48dc-81c2-37e83e4bcf76",
        "g": '["x", "y z"]',
        "h": "true",
        "i": r"\xff00",
        "j": "9007199254740993",
        "k": "0.5",
        "l": "3 days, 0:00:00",
        "m": "10.0.0.1",
        "n": "x",
        "o": "10:00:00",
        "p": "1e+300",
    }
    assert all(as_text(raw.frame[name]).tolist()[1] == "" for name in raw.frame.columns)
    assert source.read("reps", "reps").frame.iloc[0].tolist() == ["R1", "ok", "(1,2)"]


def test_a_zone_decides_the_day(server: Server) -> None:
    where = server.database(
        "create table opportunities (opportunity_id text, owner_id text, created_date timestamptz, status text)",
        "insert into opportunities values ('A', 'R1', '2024-06-30 23:30:00Z', 'open')",
    )
    day = read_history(where, timezone="Europe/Berlin").opportunities["created_date"].iloc[0]
    assert str(day) == "2024-07-01 01:30:00"


def test_views_and_tables_of_every_kind_are_read_with_reading_rights_only(server: Server) -> None:
    where = server.database(
        "create table base (period text, target numeric) partition by list (period)",
        "create table base_one partition of base for values in ('2025')",
        "insert into base values ('2025', 5)",
        "create view plan as select * from base",
        "create materialized view quotas as select 'R1' as rep_id, period, target as quota from base",
        "grant select on all tables in schema public to reader",
    )
    name = where.rpartition("/")[2]
    source = open_source(server.url(name, "reader", "reading"))
    assert source.names() == ("base", "base_one", "plan", "quotas")
    assert source.read("plan", "plan").rows == source.read("quotas", "quotas").rows == 1


def test_an_empty_table_and_one_that_is_not_there(server: Server) -> None:
    where = server.database("create table opportunities (opportunity_id text, owner_id text, created_date date)")
    source = open_source(where)
    raw = source.read("opportunities", "opportunities")
    assert raw.rows == 0
    assert list(raw.frame.columns) == ["opportunity_id", "owner_id", "created_date"]
    with pytest.raises(InputError, match=r"no such table or view \(found 'oportunities'\). Did you mean opportunities"):
        source.read("oportunities", "opportunities")
    with pytest.raises(InputError, match="status: a required column is missing"):
        read_history(where)
    with pytest.raises(InputError, match="neither an opportunities nor a bookings table"):
        read_history(server.database())


def test_a_value_that_no_date_of_python_can_hold_is_told(server: Server) -> None:
    where = server.database("create table plan (period date)", "insert into plan values ('infinity')")
    with pytest.raises(InputError, match=r"the database cannot be read: .*date too large"):
        open_source(where).read("plan", "plan")


@pytest.mark.parametrize("schema", ["crm", 'public"; drop table plan; --', "public'; drop table plan; --", "x%s"])
def test_a_schema_is_a_name_and_nothing_else(server: Server, schema: str) -> None:
    where = server.database("create table plan (period text)")
    with pytest.raises(InputError, match="the database has no such schema"):
        open_source(where, schema).names()
    assert open_source(where, "public").names() == ("plan",)


def _shown(error: BaseException | None) -> str:
    """Everything that an error and those chained to it could show."""
    told = []
    while error is not None:
        told += [str(error), repr(error), repr(getattr(error, "problems", ""))]
        error = error.__cause__ or error.__context__
    return "\n".join(told)


def test_what_goes_wrong_is_told_without_the_password(server: Server) -> None:
    where = server.database()
    wrong = PASSWORD + "x"
    cases = {
        server.url("sales0", password=wrong): "password authentication failed",
        server.url("nowhere"): 'database "nowhere" does not exist',
        server.url("sales0", user="nobody here"): "password authentication failed",
        where.replace(f":{server.port}/", ":1/"): "Connection refused",
        f"{where}?sslmode=require": "SSL",
        f"{where}?options=-c%20nonsense%3D1": "nonsense",
    }
    for url, told in cases.items():
        with pytest.raises(InputError, match=told) as caught:
            read_history(url)
        assert len(caught.value.problems) == 1
        assert not any(form in _shown(caught.value) for form in (*FORMS, wrong))
    with pytest.raises(InputError, match="the database has no such table") as caught:
        open_source(where).read("plan", "plan")
    assert not any(form in _shown(caught.value) for form in FORMS)


SCENARIO = """\
name: from the database
history: {HISTORY}
as_of: 2024-08-15
until: 2024-12-31
simulate: {trials: 20, seed: 3}
"""


def _files(folder: Path) -> str:
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file())


def _in_a_process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spmforecast.cli", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300,
        env={**os.environ, "SPMFORECAST_TRACEBACK": "1"},
    )  # fmt: skip


def _name(url: str) -> str:
    """The database of a URL; which one it is depends on which tests came before."""
    return url.rpartition("/")[2]


def test_a_scenario_of_a_database_leaves_no_password_anywhere(
    filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPMFORECAST_TRACEBACK", "1")
    place = tmp_path / "scenario.yaml"
    place.write_text(SCENARIO.replace("HISTORY", f'database: "{filled}"'))
    ran = _in_a_process("run", "scenario.yaml", "-o", "out", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    assert f"postgresql://127.0.0.1/{_name(filled)}/opportunities" in (tmp_path / "out" / "run.json").read_text()
    place.write_text(SCENARIO.replace("HISTORY", f'database: "{filled.replace("crm:", "crm:x")}"'))
    refused = command("run", "scenario.yaml", "-o", "refused", cwd=tmp_path)
    assert refused.returncode == 2
    assert "password authentication failed" in refused.stderr
    shown = [ran.stdout, ran.stderr, refused.stdout, refused.stderr, _files(tmp_path / "out")]
    shown.append(repr(load_scenario(place)))
    assert not any(form in text for form in FORMS for text in shown)


def test_the_address_can_stay_in_the_environment(filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_URL", filled)
    checked = command("check", "env:CRM_URL", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert f"opportunities (postgresql://127.0.0.1/{_name(filled)}/opportunities):" in checked.stdout
    assert not any(form in checked.stdout + checked.stderr for form in FORMS)


ODD: dict[str, list[Any]] = {
    "opportunity_id": ["", None, "D1", "D2", " D5 "],
    "owner_id": ["", None, "R2"],
    "created_date": [None, "1900-01-01", "2100-12-31 23:59", "2024-06-01"],
    "status": ["open", "lost", "wonn", "", None],
    "amount": [None, "-1", "NaN", "0", "1e30"],
}
HIT = st.sampled_from(list(ODD)).flatmap(
    lambda name: st.tuples(st.just(name), st.integers(0, 19), st.sampled_from(ODD[name]))
)


@pytest.fixture(scope="module")
def empty(server: Server) -> str:
    return server.database(
        "create table opportunities (opportunity_id text, owner_id text, created_date timestamp, status text,"
        " amount numeric, close_date date)"
    )


@given(hits=st.lists(HIT, max_size=12))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_used_or_rejected(empty: str, hits: list[tuple[str, int, Any]]) -> None:
    good = {"owner_id": "R1", "created_date": "2024-01-01", "status": "won", "amount": "5", "close_date": "2024-03-01"}
    rows: list[dict[str, Any]] = [{"opportunity_id": f"D{i}", **good} for i in range(20)]
    for name, row, value in hits:
        rows[row][name] = value
    engine = sa.create_engine(sa.make_url(empty).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("truncate opportunities"))
        names = list(rows[0])
        given_ = ", ".join(f"cast(:{name} as {_type(name)})" for name in names)
        connection.execute(sa.text(f"insert into opportunities ({', '.join(names)}) values ({given_})"), rows)
    history = read_history(empty, max_rejected_share=1.0)
    counts = history.counts
    assert counts["read"].tolist() == [20]
    assert (counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]).all()
    assert counts["used"].sum() == len(history.opportunities)
    assert counts["rejected"].sum() == history.rejected["line"].nunique()


def _type(name: str) -> str:
    return {"created_date": "timestamp", "close_date": "date", "amount": "numeric"}.get(name, "text")
