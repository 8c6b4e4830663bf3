"""SQLite and DuckDB files, and the URLs of databases with their passwords."""

from __future__ import annotations

import builtins
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from companies import example_tables
from spmforecast.data import read_history, write_database
from spmforecast.data.sources import open_source
from spmforecast.data.sources.addresses import is_address, parse_address
from spmforecast.data.sources.columns import as_text
from spmforecast.errors import InputError

duckdb = pytest.importorskip("duckdb")

TOLD_ORDER = "tables without a primary key are read in the order in which they come"


def _sqlite(folder: Path, *statements: str) -> Path:
    place = folder / "crm.sqlite"
    connection = sqlite3.connect(place)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return place


def _duck(folder: Path, *statements: str) -> Path:
    place = folder / "crm.duckdb"
    with duckdb.connect(str(place)) as connection:
        for statement in statements:
            connection.execute(statement)
    return place


MAKERS = {"sqlite": _sqlite, "duckdb": _duck}
BOTH = pytest.mark.parametrize("kind", list(MAKERS))


@BOTH
def test_tables_views_and_their_names(tmp_path: Path, kind: str) -> None:
    where = MAKERS[kind](
        tmp_path,
        'create table "Plan" (period text, target double)',
        """insert into "Plan" values ('2025', 5.5), ('2026', null)""",
        'create view reps as select period as rep_id from "Plan"',
        'create table "odd ""name""; drop table x" (a integer)',
    )
    source = open_source(where)
    assert set(source.names()) == {"Plan", "reps", 'odd "name"; drop table x'}
    assert (source.find("plan"), source.find("reps"), source.find("quotas")) == ("Plan", "reps", None)
    assert source.read("reps", "reps").frame["rep_id"].tolist() == ["2025", "2026"]
    raw = source.read("Plan", "plan")
    assert raw.file == f"{kind}:{where.name}/Plan"
    assert raw.frame["target"].tolist()[0] == 5.5
    assert raw.lines.tolist() == [2, 3]
    assert source.read('odd "name"; drop table x', "quotas").rows == 0
    assert [file.name.rpartition("/")[2] for file in source.files()] == ["Plan", 'odd "name"; drop table x', "reps"]
    assert source.leftovers({"Plan", "reps"}) == (
        f'{kind}:{where.name}: 1 tables are not used: odd "name"; drop table x',
    )


@BOTH
def test_a_primary_key_gives_the_order(tmp_path: Path, kind: str) -> None:
    where = MAKERS[kind](
        tmp_path,
        'create table plan (period varchar, "no de" integer, primary key ("no de", period))',
        "insert into plan values ('c', 2), ('b', 1), ('a', 2)",
        "create table reps (rep_id varchar)",
        "insert into reps values ('b'), ('a')",
    )
    source = open_source(where)
    raw = source.read("plan", "plan")
    assert raw.frame["period"].tolist() == ["b", "a", "c"]
    assert raw.notes == ()
    raw = source.read("reps", "reps")
    assert raw.frame["rep_id"].tolist() == ["b", "a"]
    assert raw.notes == (f"{kind}:{where.name}: {TOLD_ORDER}",)


@BOTH
def test_what_a_database_does_not_have_is_named(tmp_path: Path, kind: str) -> None:
    where = MAKERS[kind](tmp_path, "create table opportunity (a integer)")
    with pytest.raises(InputError, match=r"no such table or view \(found .*Did you mean opportunity\?"):
        open_source(where).read("opportunities", "opportunities")
    with pytest.raises(InputError, match="neither an opportunities nor a bookings table"):
        read_history(where)
    for schema in ("crm", 'main"; drop table opportunity; --', "main'--"):
        with pytest.raises(InputError, match="the database has no such schema"):
            open_source(where, schema).names()
    assert open_source(where, "main").names() == ("opportunity",)


@BOTH
def test_reading_changes_nothing(tmp_path: Path, kind: str) -> None:
    where = MAKERS[kind](tmp_path, "create table plan (period varchar)", "insert into plan values ('x')")
    before = where.read_bytes()
    open_source(where).read("plan", "plan")
    assert where.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [where.name]


@BOTH
def test_a_file_that_is_no_database(tmp_path: Path, kind: str) -> None:
    place = tmp_path / f"crm.{kind}"
    place.write_bytes(b"a,b\n1,2\n" * 100)
    with pytest.raises(InputError, match=rf"crm\.{kind}: this is neither a SQLite nor a DuckDB database"):
        open_source(place)
    with pytest.raises(InputError, match=rf"{kind}:crm\.{kind}: the database cannot be read"):
        read_history(f"{kind}:///{place}")
    place.write_bytes(b"")
    with pytest.raises(InputError, match="the file is empty"):
        open_source(place)
    place.unlink()
    with pytest.raises(InputError, match="there is no such file"):
        open_source(f"{kind}:///{place}")
    assert not place.exists()


@BOTH
def test_a_damaged_database_is_told(tmp_path: Path, kind: str) -> None:
    where = MAKERS[kind](
        tmp_path, "create table plan (period varchar)", "insert into plan values ('x')", "create table b (c integer)"
    )
    data = bytearray(where.read_bytes())
    data[100:] = b"\x7f" * (len(data) - 100)
    where.write_bytes(data)
    with pytest.raises(InputError, match=rf"{kind}:crm\.{kind}: the database cannot be read: .+"):
        read_history(where)


def test_a_database_file_is_known_by_its_content(tmp_path: Path) -> None:
    for make in MAKERS.values():
        made = make(tmp_path, "create table plan (period varchar)")
        made.rename(tmp_path / "crm.db")
        assert open_source(tmp_path / "crm.db").find("plan") == "plan"
        (tmp_path / "crm.db").unlink()


def test_values_of_sqlite_stay_what_they_are(tmp_path: Path) -> None:
    where = _sqlite(
        tmp_path,
        "create table plan (a date, b, c decimal(10,2), d)",
        "insert into plan values ('soon', 1, 1.10, x'ff00'), ('2024-01-01', 'x', 3, cast(x'e9' as text))",
    )
    raw = open_source(where).read("plan", "plan")
    assert raw.frame["a"].tolist() == ["soon", "2024-01-01"]
    assert raw.frame["b"].tolist() == ["1", "x"]
    assert raw.frame["c"].tolist() == [1.1, 3.0]
    assert raw.frame["d"].tolist() == [r"\xff00", r"\xe9"]
    assert "2 cells of d hold bytes that are no UTF-8 text" in raw.notes[0]


def test_values_of_duckdb_stay_what_they_are(tmp_path: Path) -> None:
    where = _duck(
        tmp_path,
        "create table plan (a hugeint, b decimal(18, 2), c timestamptz, d date, e uuid, f int[], g time)",
        """insert into plan values (170141183460469231731687303715884105727, 1.50, '2024-01-01 10:00:00+02',
           '2024-02-29', 'fd361b9c-74ff-48dc-81c2-37e83e4bcf76', [1, 2], '10:00:00'),
           (null, null, null, null, null, null, null)""",
    )
    raw = open_source(where).read("plan", "plan")
    told = {name: as_text(raw.frame[name]).tolist() for name in raw.frame.columns}
    assert told == {
        "a": ["170141183460469231731687303715884105727", ""],
        "b": ["1.50", ""],
        "c": ["2024-01-01T08:00:00+00:00", ""],
        "d": ["2024-02-29T00:00:00", ""],
        "e": ["fd361b9c-74ff-48dc-81c2-37e83e4bcf76", ""],
        "f": ["[1, 2]", ""],
        "g": ["10:00:00.000000", ""],
    }
    assert Decimal(told["b"][0]) == Decimal("1.50")


def test_a_view_of_a_duckdb_file_reads_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    where = _duck(tmp_path, f"create view plan as from read_csv('{tmp_path / 'secret.csv'}')")
    with pytest.raises(InputError, match="the database cannot be read"):
        open_source(where).read("plan", "plan")


def test_schemas_of_duckdb(tmp_path: Path) -> None:
    where = _duck(tmp_path, "create schema crm", "create table crm.crm.plan (period varchar)")
    assert open_source(where).find("plan") is None
    source = open_source(f"duckdb:///{where}?schema=crm")
    assert source.find("plan") == "plan"
    assert source.read("plan", "plan").file == "duckdb:crm.duckdb/crm.plan"
    with pytest.raises(InputError, match=r"no such schema \(found 'crn'\). Did you mean crm\?"):
        open_source(where, "crn").names()


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = _duck(tmp_path, "create table plan (period varchar)")
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] in ("duckdb", "psycopg"):
            raise ModuleNotFoundError(name, name=name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r'pip install "spmforecast\[duckdb\]"'):
        read_history(where)
    with pytest.raises(InputError, match=r"needs the package psycopg.*spmforecast\[postgres\]"):
        read_history("postgresql://user@127.0.0.1:1/sales")


SECRET = "p@ss:w/rd%"  # noqa: S105
WRITTEN = "p%40ss%3Aw%2Frd%25"


@pytest.mark.parametrize(
    "where",
    [
        f"postgresql://crm:{WRITTEN}@127.0.0.1:1/sales",
        f"postgres://crm:{WRITTEN}@127.0.0.1:1/sales?connect_timeout=1",
        f"postgresql+psycopg://crm@127.0.0.1:1/sales?password={WRITTEN}",
        f"nothing://crm:{WRITTEN}@127.0.0.1/sales",
        f"postgresql://crm:{SECRET}@127.0.0.1:1/sales",
        f"postgresql://{SECRET}",
        f"postgresql://crm:{WRITTEN}@127.0.0.1:port/sales",
        f"://crm:{WRITTEN}@127.0.0.1/sales",
        f"mssql+pyodbc://?odbc_connect=DRIVER%3Dx%3BPWD%3D{WRITTEN}",
    ],
)
def test_a_password_never_shows(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="database") as caught:
        read_history(where)
    error: BaseException | None = caught.value
    shown = [capsys.readouterr().err]
    while error is not None:
        shown += [str(error), repr(error), repr(getattr(error, "problems", ""))]
        error = error.__cause__ or error.__context__
    for part in (SECRET, WRITTEN, "ss:w", "w/rd", "w%2Frd"):
        assert not any(part in text for text in shown)
    assert all(problem.mend for problem in caught.value.problems)


def test_an_address_shows_no_secret() -> None:
    address = parse_address(f"postgresql://crm:{WRITTEN}@db.example.com:5433/sales?schema=crm&sslpassword=hidden")
    assert address.label == "postgresql://db.example.com/sales"
    assert address.schema == "crm"
    assert "schema" not in address.url.query
    assert address.url.drivername == "postgresql+psycopg"
    assert repr(address) == "Address(label='postgresql://db.example.com/sales', schema='crm')"
    told = address.told(ValueError(f"no {SECRET} or {WRITTEN} or hidden\nsecond line"))
    assert told == "no *** or *** or ***"
    source = open_source(f"postgresql://crm:{WRITTEN}@db.example.com/sales")
    assert repr(source) == "SqlSource('postgresql://db.example.com/sales')"


def test_an_address_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = _sqlite(tmp_path, "create table plan (period text)")
    monkeypatch.setenv("CRM_URL", f"sqlite:///{where}\n")
    assert open_source("env:CRM_URL").names() == ("plan",)
    monkeypatch.setenv("CRM_URL", "sqlite:///crm.sqlite")
    assert open_source("env:CRM_URL", base=tmp_path).names() == ("plan",)
    monkeypatch.delenv("CRM_URL")
    with pytest.raises(InputError, match="env:CRM_URL: there is no such environment variable"):
        open_source("env:CRM_URL")


def test_what_counts_as_an_address() -> None:
    assert is_address("sqlite:///x.db")
    assert is_address("env:X")
    assert not is_address("folder/x.csv")
    assert not is_address("D:/x.csv")


def test_a_duckdb_address_without_a_file() -> None:
    with pytest.raises(InputError, match="only a DuckDB file can be read"):
        open_source("duckdb:///:memory:")


def test_tables_are_not_written_over_others(tmp_path: Path) -> None:
    tables = {"plan": example_tables()["plan"]}
    write_database(tables, tmp_path / "x.sqlite")
    with pytest.raises(
        InputError, match=r"sqlite:x\.sqlite: the tables cannot be written: table .plan. already exists"
    ):
        write_database(tables, tmp_path / "x.sqlite")
    with pytest.raises(InputError, match="the tables cannot be written") as caught:
        write_database(tables, f"postgresql://crm:{WRITTEN}@127.0.0.1:1/sales")
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


def test_rows_are_numbered_and_keys_declared(tmp_path: Path) -> None:
    tables = example_tables()
    mixed = {name: tables[name].iloc[::-1].reset_index(drop=True) for name in ("opportunities", "stage_history")}
    write_database(mixed, tmp_path / "x.sqlite")
    source = open_source(tmp_path / "x.sqlite")
    for name, table in mixed.items():
        raw = source.read(name, name)
        assert raw.frame["opportunity_id"].tolist() == table["opportunity_id"].tolist()
        assert "_row" not in raw.frame
        assert raw.notes == ()
    seen = sa.inspect(sa.create_engine(f"sqlite:///{tmp_path / 'x.sqlite'}"))
    assert seen.get_unique_constraints("opportunities")[0]["column_names"] == ["opportunity_id"]
    assert seen.get_pk_constraint("stage_history")["constrained_columns"] == ["_row"]


def test_a_package_that_is_missing_is_called_as_pip_calls_it() -> None:
    for where, told in (
        ("mysql://u@h/d", r'pip install "mysqlclient"'),
        ("snowflake://u@h/d", r'cannot speak to snowflake.*pip install "snowflake-sqlalchemy"'),
        ("postgrsql://u@h/d", r"cannot speak to postgrsql.*Did you mean postgresql"),
    ):
        with pytest.raises(InputError, match=told):
            read_history(where)


def test_an_engine_of_the_callers_own_can_be_written_to(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    write_database({"plan": example_tables()["plan"]}, engine)
    assert open_source(tmp_path / "x.sqlite").read("plan", "plan").rows == len(example_tables()["plan"])
