"""What holds for every kind of source: the same tables, no future, and every row accounted for."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companies import AS_OF
from spmforecast.data import History, read_history, write_tables
from spmforecast.data.sources import open_source
from spmforecast.errors import InputError
from written_sources import KINDS, bytes_of, poisoned, small_tables

Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> History:
    return read_history(KINDS["csv"](small_tables(), tmp_path_factory.mktemp("expected")))


def _same_tables(one: History, other: History) -> None:
    assert list(one.tables) == list(other.tables)
    for name in one.tables:
        pd.testing.assert_frame_equal(one.tables[name], other.tables[name], obj=name)


TYPED = ("parquet", "workbook", "duckdb", "sqlite")


@pytest.mark.parametrize(
    ("kind", "typed"), [*((kind, False) for kind in KINDS), *((kind, True) for kind in TYPED)], ids=str
)
def test_every_kind_of_source_gives_the_same_history(tmp_path: Path, expected: History, kind: str, typed: bool) -> None:
    tables = dict(expected.tables) if typed else small_tables()
    where = KINDS[kind](tables, tmp_path)
    history = read_history(where)
    _same_tables(history, expected)
    assert not len(history.rejected)
    assert history.counts["read"].tolist() == expected.counts["read"].tolist()
    assert len({file.sha256 for file in history.sources}) == (1 if kind == "workbook" else len(history.sources))
    assert read_history(where).sources == history.sources
    unordered = any("order in which they come" in note for note in history.warnings)
    assert unordered == (kind == "duckdb")  # which is written here without keys


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_changed_value_changes_the_hash(tmp_path: Path, kind: str) -> None:
    tables = {"opportunities": small_tables()["opportunities"].head(40), "reps": small_tables()["reps"]}
    before = {file.name: file.sha256 for file in read_history(KINDS[kind](tables, tmp_path)).sources}
    deals = tables["opportunities"].copy()
    deals.loc[3, "amount"] = deals.loc[3, "amount"] + 0.01
    tables["opportunities"] = deals
    after = {file.name: file.sha256 for file in read_history(KINDS[kind](tables, tmp_path)).sources}
    changed = {name for name in before if before[name] != after[name]}
    assert changed
    assert kind == "workbook" or all("opportunities" in name for name in changed if not name.endswith(".xlsx"))


@pytest.mark.parametrize("kind", list(KINDS))
def test_nothing_dated_later_changes_a_byte_of_what_was_known(tmp_path: Path, expected: History, kind: str) -> None:
    poison = poisoned(small_tables(), AS_OF, np.random.default_rng(11))
    history = read_history(KINDS[kind](poison, tmp_path), max_rejected_share=1.0)
    assert not history.opportunities.equals(expected.opportunities)
    assert not history.stage_history.equals(expected.stage_history)
    assert bytes_of(history.as_of(AS_OF)) == bytes_of(expected.as_of(AS_OF))


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_source_knows_its_names_and_refuses_others(tmp_path: Path, kind: str) -> None:
    tables = {"opportunities": small_tables()["opportunities"].head(30), "misc": pd.DataFrame({"a": [1]})}
    source = open_source(KINDS[kind](tables, tmp_path))
    name = source.find("opportunities")
    assert name in source.names()
    assert len(source.names()) == 2
    assert source.find("reps") is None
    assert source.files() == ()
    assert source.read(str(name), "opportunities").rows == 30
    assert source.files()
    other = next(one for one in source.names() if one != name)
    assert any(other in note or "misc" in note.lower() for note in source.leftovers({str(name)}))
    assert source.leftovers(set(source.names())) == ()
    with pytest.raises(InputError, match=r"there is no such|the database has no such"):
        source.read("oportunities_of_nobody", "opportunities")


def test_typed_tables_are_read_with_their_types(tmp_path: Path) -> None:
    write_tables({"stage_history": small_tables()["stage_history"]}, tmp_path, "parquet")
    frame = open_source(tmp_path).read("stage_history.parquet", "stage_history").frame
    assert str(frame["entered_date"].dtype).startswith("datetime64")
    assert str(frame["amount"].dtype) == "float64"
    assert str(frame["stage"].dtype) == "str"


GOOD = {
    "opportunity_id": [f"D{i}" for i in range(20)],
    "owner_id": ["R1"] * 20,
    "created_date": [datetime(2024, 1, 1 + i) for i in range(20)],
    "status": ["won"] * 20,
    "amount": [100.5 + i for i in range(20)],
    "close_date": [datetime(2024, 3, 1)] * 20,
}
ODD = {
    "opportunity_id": ["", None, "D1", "D2", "a\nb", " D5 ", "é" * 50, 'x"y', "=1+1"],
    "owner_id": ["", None, "R2", "(none)"],
    "created_date": [None, datetime(1900, 1, 1), datetime(2100, 12, 31, 23, 59), datetime(2024, 6, 1)],
    "status": ["open", "lost", "wonn", "", None, "WON"],
    "amount": [None, -1.0, 0.0, 1e300, float("inf"), float("nan"), 1e-12],
    "close_date": [None, datetime(1969, 1, 1), datetime(2024, 1, 5, 12, 30), datetime(2024, 12, 31)],
}
HIT = st.sampled_from(list(ODD)).flatmap(
    lambda name: st.tuples(st.just(name), st.integers(0, 19), st.sampled_from(ODD[name]))
)


def _written_typed(kind: str, columns: dict[str, list[Any]], folder: Path) -> Path:
    table = pa.table({
        name: pa.array(
            values, type={"amount": pa.float64()}.get(name, pa.timestamp("us") if "date" in name else pa.string())
        )
        for name, values in columns.items()
    })  # fmt: skip
    place = folder / kind
    place.mkdir(exist_ok=True)
    if kind == "parquet":
        pq.write_table(table, place / "opportunities.parquet")
        return place
    return Path(str(KINDS[kind]({"opportunities": table.to_pandas()}, place)))


@given(hits=st.lists(HIT, max_size=12))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("kind", ["parquet", "duckdb", "sqlite"])
def test_every_row_of_a_typed_source_is_used_or_rejected(
    tmp_path: Path, kind: str, hits: list[tuple[str, int, Any]]
) -> None:
    columns = {name: list(values) for name, values in GOOD.items()}
    for name, row, value in hits:
        columns[name][row] = value
    where = _written_typed(kind, columns, tmp_path)
    _accounted(where, 20)


CELLS = st.one_of(
    st.none(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.booleans(),
    st.dates(date(1, 1, 1), date(9999, 12, 31)),
    st.datetimes(),
    st.datetimes(timezones=st.just(timezone(timedelta(hours=-7)))),
    st.decimals(allow_nan=True),
    st.binary(max_size=5),
    st.text(max_size=6),
    st.sampled_from(["won", "open", "D1", "2024-01-01"]),
    st.lists(st.integers(), max_size=2),
)


@given(hits=st.lists(st.tuples(st.sampled_from(list(GOOD)), st.integers(0, 19), CELLS), max_size=12))
@settings(max_examples=20)
def test_cells_of_any_python_type_are_used_or_rejected(hits: list[tuple[str, int, Any]]) -> None:
    from spmforecast.data.sources.columns import raw_frame
    from spmforecast.data.sources.headers import numbered
    from spmforecast.data.sources.pyvalues import ValueColumns

    columns = {name: list(values) for name, values in GOOD.items()}
    for name, row, value in hits:
        columns[name][row] = value
    values = ValueColumns(list(columns))
    rows = list(zip(*columns.values(), strict=True))
    for start in range(0, 20, 6):
        values.add(rows[start : start + 6])
    raw = numbered("given", raw_frame(values.frame()), "opportunities", values.notes("given"))

    class Given:
        def names(self) -> tuple[str, ...]:
            return ("opportunities",)

        def find(self, table: str) -> str | None:
            return table if table == "opportunities" else None

        def read(self, name: str, table: str) -> Any:
            return raw

        def files(self) -> tuple[Any, ...]:
            return ()

        def leftovers(self, used: set[str]) -> tuple[str, ...]:
            return ()

    _accounted(Given(), 20)


def _accounted(source: Any, rows: int) -> None:
    try:
        history = read_history(source, max_rejected_share=1.0)
    except InputError as error:
        if "no row is left" in str(error):
            return
        raise
    counts = history.counts
    assert counts["read"].tolist() == [rows]
    assert (counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]).all()
    assert counts["used"].sum() == len(history.opportunities)
    assert counts["rejected"].sum() == history.rejected["line"].nunique()
    assert history.rejected["line"].between(2, rows + 1).all()
    assert history.rejected["mend"].ne("").all()


def test_decimals_and_long_ids_stay_exact(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with engine.begin() as connection:
        connection.execute(sa.text("create table opportunities (opportunity_id, amount)"))
        connection.execute(sa.text("insert into opportunities values (9007199254740993, 1), (null, 2.5)"))
    engine.dispose()
    raw = open_source(tmp_path / "x.sqlite").read("opportunities", "opportunities")
    assert raw.frame["opportunity_id"].tolist() == ["9007199254740993", ""]
    table = pa.table({"a": pa.array([Decimal("12345678901234567.89"), None]), "b": pa.array([2**60 + 1, None])})
    pq.write_table(table, tmp_path / "plan.parquet")
    frame = open_source(tmp_path).read("plan.parquet", "plan").frame
    assert frame["a"].tolist() == ["12345678901234567.89", ""]
    assert frame["b"].tolist() == ["1152921504606846977", ""]
