from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data.sources import FolderSource
from spmforecast.data.sources.parquet import parse_parquet
from spmforecast.errors import InputError


def _bytes(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def _read(columns: dict[str, Any]) -> Any:
    return parse_parquet([("plan.parquet", _bytes(pa.table(columns)))], "plan.parquet", "plan")


TYPES = {
    "text": (pa.array(["a", None, ""]), "str", ["a", "", ""]),
    "dictionary": (pa.array(["a", None, "a"]).dictionary_encode(), "str", ["a", "", "a"]),
    "boolean": (pa.array([True, None, False]), "str", ["true", "", "false"]),
    "nothing": (pa.nulls(3), "str", ["", "", ""]),
    "decimal": (pa.array([Decimal("1.10"), None, Decimal("99999999999999999.99")]), "str",
                ["1.10", "", "99999999999999999.99"]),
    "small": (pa.array([1, 2, 3], pa.int8()), "int64", [1, 2, 3]),
    "with gaps": (pa.array([1, None, 3], pa.int64()), "float64", [1.0, pytest.approx(float("nan"), nan_ok=True), 3.0]),
    "long with gaps": (pa.array([2**60 + 1, None, 3], pa.int64()), "str", [str(2**60 + 1), "", "3"]),
    "unsigned": (pa.array([2**64 - 1, 0, 1], pa.uint64()), "str", [str(2**64 - 1), "0", "1"]),
    "single": (pa.array([0.5, 1.0, 2.0], pa.float32()), "float64", [0.5, 1.0, 2.0]),
    "time": (pa.array([time(10, 30), None, None]), "str", ["10:30:00.000000", "", ""]),
    "bytes": (pa.array([b"abc", None, b"x"]), "str", ["abc", "", "x"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(TYPES))
def test_each_type_becomes_one_that_raw_tables_have(kind: str) -> None:
    given_, dtype, told = TYPES[kind]
    column = _read({"c": given_}).frame["c"]
    assert str(column.dtype) == dtype
    assert column.tolist() == told


def test_dates_and_instants_are_typed() -> None:
    raw = _read(
        {
            "day": pa.array([date(2024, 2, 29), None, date(9999, 12, 31)]),
            "local": pa.array([datetime(2024, 1, 1, 23, 59, 59, 999999), None, datetime(1, 1, 1)], pa.timestamp("us")),
            "zoned": pa.array([0, None, 1_700_000_000], pa.timestamp("s", tz="America/New_York")),
            "offset": pa.array([0, None, 3600], pa.timestamp("s", tz="+02:00")),
        }
    )
    assert raw.frame["day"].dt.strftime("%Y-%m-%d").fillna("").tolist() == ["2024-02-29", "", "9999-12-31"]
    assert str(raw.frame["local"].iloc[2]).startswith("0001-01-01")
    assert str(raw.frame["zoned"].dt.tz) == str(raw.frame["offset"].dt.tz) == "UTC"
    assert str(raw.frame["offset"].iloc[2]) == "1970-01-01 01:00:00+00:00"


def test_lists_records_and_other_bytes_become_text_with_a_note() -> None:
    raw = _read(
        {
            "tags": pa.array([["a", "é"], None]),
            "address": pa.array([{"city": "Rome"}, None]),
            "blob": pa.array([b"\xff\x00", None]),
        }
    )
    assert raw.frame["tags"].tolist() == ['["a", "é"]', ""]
    assert raw.frame["address"].tolist() == ['{"city": "Rome"}', ""]
    assert raw.frame["blob"].tolist() == [r"\xff00", ""]
    assert raw.notes == (
        "plan.parquet: tags holds lists or records, read as JSON text",
        "plan.parquet: address holds lists or records, read as JSON text",
        "plan.parquet: blob holds bytes that are no text, read as hexadecimal digits",
    )


def test_nul_characters_reject_their_rows() -> None:
    raw = _read({"a": ["x", "y\0", "z"], "b": [1, 2, 3]})
    assert raw.frame["a"].tolist() == ["x", "z"]
    assert raw.lines.tolist() == [2, 4]
    assert [(problem.line, problem.column) for problem in raw.broken] == [(3, "a")]
    assert raw.rows == 3


def test_a_column_twice_is_refused() -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["a", " a "])
    with pytest.raises(InputError, match=r"plan\.parquet, line 1, a: two columns have the same name"):
        parse_parquet([("plan.parquet", _bytes(table))], "plan.parquet", "plan")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the file is empty"),
        (b"period,target\n2025,1\n", "this is not a Parquet file"),
        (b"PAR1", "damaged or cut short"),
        (_bytes(pa.table({"a": list(range(1000))}))[:-20], "damaged or cut short"),
    ],
    ids=["empty", "CSV", "head only", "cut"],
)
def test_what_is_not_whole_parquet_is_named(tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "plan.parquet").write_bytes(data)
    with pytest.raises(InputError, match=rf"plan\.parquet: .*{told}.*Write the file again"):
        FolderSource(tmp_path).read("plan.parquet", "plan")


WHOLE = _bytes(
    pa.table({"a": [f"text {i}" for i in range(300)], "b": [i / 7 for i in range(300)], "c": [date(2024, 1, 1)] * 300}),
    write_page_checksum=True,
)


@given(hits=st.lists(st.tuples(st.integers(4, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=20))
@settings(max_examples=150)
def test_flipped_bytes_end_in_a_table_or_in_a_clear_problem(hits: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for place, value in hits:
        data[place] = value
    try:
        raw = parse_parquet([("plan.parquet", bytes(data))], "plan.parquet", "plan")
    except InputError as error:
        assert all(problem.mend and problem.file for problem in error.problems)  # noqa: PT017
        return
    assert raw.rows == len(raw.frame) + len(raw.broken)


def test_parts_are_read_by_name_with_the_columns_that_their_folders_tell(tmp_path: Path) -> None:
    place = tmp_path / "opportunities.parquet"
    for folder, ids in (("region=South", ["c"]), ("region=N%20E", ["b", "a"])):
        (place / folder).mkdir(parents=True)
        pq.write_table(pa.table({"opportunity_id": ids}), place / folder / "part-0.parquet")
    (place / "_SUCCESS").write_bytes(b"")
    (place / "_metadata.parquet").write_bytes(b"none")
    source = FolderSource(tmp_path)
    assert source.find("opportunities") == "opportunities.parquet"
    raw = source.read("opportunities.parquet", "opportunities")
    assert raw.frame["opportunity_id"].tolist() == ["b", "a", "c"]
    assert raw.frame["region"].tolist() == ["N E", "N E", "South"]
    assert raw.lines.tolist() == [2, 3, 4]
    assert [file.name for file in source.files()] == [
        "opportunities.parquet/region=N%20E/part-0.parquet",
        "opportunities.parquet/region=South/part-0.parquet",
    ]


def test_parts_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    for number, values in enumerate((["a"], [1])):
        pq.write_table(pa.table({"period": values}), tmp_path / "plan" / f"{number}.parquet")
    with pytest.raises(InputError, match="plan: the parts do not fit together"):
        FolderSource(tmp_path).read("plan", "plan")


def test_a_part_that_lacks_a_column_has_empty_cells(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    pq.write_table(pa.table({"period": ["2025"], "node": ["x"]}), tmp_path / "plan" / "0.parquet")
    pq.write_table(pa.table({"period": ["2026"]}), tmp_path / "plan" / "1.parquet")
    assert FolderSource(tmp_path).read("plan", "plan").frame["node"].tolist() == ["x", ""]


def test_a_folder_without_parts_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "reps").mkdir()
    source = FolderSource(tmp_path)
    assert source.find("reps") is None
    with pytest.raises(InputError, match="the folder holds no Parquet files"):
        source.read("reps", "reps")
