"""JSON dumps: every shape that an API's answers are saved in, with the line of each record, and damaged ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data.crm.jsonfiles import JsonRecords, json_names, json_table, parse_json, read_json
from spmforecast.data.sources import FolderSource, FrameSource
from spmforecast.errors import InputError

SHAPES = {
    "an array": '[\n{"id": "1"},\n{"id": "2"}\n]',
    "a page": '{"results": [\n{"id": "1"},\n{"id": "2"}], "paging": {"next": {"after": "2"}}}',
    "a page with its mark": '{"success": true,\n"data": [{"id": "1"},\n{"id": "2"}]}',
    "an array of pages": '[\n{"results": [{"id": "1"}]},\n{"results": [{"id": "2"}]}]',
    "lines": ' \n{"id": "1"}\n{"id": "2"}\n',
    "pages in lines": '\n{"results": [{"id": "1"}]}\n{"results": [{"id": "2"}]}',
}


def _ids(dump: JsonRecords) -> list[object]:
    return [record.value.get("id") for record in dump.records]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_its_records_with_their_lines(shape: str) -> None:
    dump = parse_json(SHAPES[shape], "deals.json", "opportunities")
    assert _ids(dump) == ["1", "2"]
    assert [record.line for record in dump.records] == [2, 3]
    assert dump.broken == ()


def test_records_by_id_carry_their_key() -> None:
    text = '{"17": [{"id": "a"}, {"id": "b"}],\n"18": {"success": true, "data": [{"id": "c"}]}, "19": []}'
    dump = parse_json(text, "flow.json", "stage_history")
    assert [(record.key, record.value["id"], record.line) for record in dump.records] == [
        ("17", "a", 1),
        ("17", "b", 1),
        ("18", "c", 2),
    ]


def test_an_answer_with_one_object_or_none() -> None:
    assert _ids(parse_json('{"success": true, "data": {"id": "5"}}', "a.json", "reps")) == ["5"]
    assert _ids(parse_json('{"success": true, "data": null}', "a.json", "reps")) == []
    assert _ids(parse_json('{"id": "5", "data": {"id": "6"}}', "a.json", "reps")) == ["5"]


def test_numbers_keep_their_digits() -> None:
    dump = parse_json('{"a": 12345678901234567890123, "b": 0.10, "c": 1e3, "d": true, "e": null}', "a.json", "reps")
    raw = json_table(dump, "reps", lambda record: record.value)
    assert raw.frame.iloc[0].tolist() == ["12345678901234567890123", "0.10", "1e3", "true", ""]


def test_where_all_stands_on_one_line_records_are_counted() -> None:
    dump = parse_json('[{"id": "1"}, {"id": "2"}]', "a.json", "reps")
    assert [record.line for record in dump.records] == [1, 2]
    assert dump.notes == ("a.json: the records stand on one line; line numbers count records",)


def test_columns_come_in_the_order_of_their_first_record() -> None:
    dump = parse_json('[{"a": "1"}, {"b": {"x": 1}, "a": [1, "ä"]}]', "a.json", "reps")
    raw = json_table(dump, "reps", lambda record: record.value)
    assert raw.frame.to_dict("list") == {"a": ["1", '["1", "ä"]'], "b": ["", '{"x": "1"}']}


@pytest.mark.parametrize(
    ("text", "told", "line"),
    [
        ("", "the file is empty", 1),
        (" \n ", "the file is empty", 1),
        ('[{"id": 1},\n{"id": 2', "not JSON", 2),
        ('[{"id": 1}]\nrest', "not JSON", 2),
        ('{"results": [{"id": 1}]]', "not JSON", 1),
        ('{"results" [{"id": 1}]}', "not JSON", 1),
        ('{1: "a"}', "not JSON", 1),
        ("[" * 100_000, "nested too deeply", 1),
        ('{"a": NaN}', "NaN is no number", 1),
        ("<html></html>", "not JSON", 1),
    ],
)
def test_damaged_files_are_refused_with_their_line(text: str, told: str, line: int) -> None:
    with pytest.raises(InputError, match=told) as caught:
        parse_json(text, "deals.json", "opportunities")
    problem = caught.value.problems[0]
    assert (problem.table, problem.file, problem.line) == ("opportunities", "deals.json", line)


def test_a_damaged_line_of_many_is_a_broken_row() -> None:
    dump = parse_json('{"id": "1"}\n{"id": \n{"id": "3"} 4\n\n{"id": "5"}', "deals.jsonl", "opportunities")
    assert _ids(dump) == ["1", "5"]
    assert [(problem.line, problem.file) for problem in dump.broken] == [(2, "deals.jsonl"), (3, "deals.jsonl")]


def test_records_that_are_no_objects_and_cells_that_no_text_has_are_broken_rows() -> None:
    dump = parse_json('[\n3,\n{"id": "a\\u0000b"},\n{"id": "\\ud800"},\n{"id": "fine"}]', "a.json", "reps")
    raw = json_table(dump, "reps", lambda record: record.value)
    assert raw.frame["id"].tolist() == ["fine"]
    assert [problem.line for problem in raw.broken] == [2, 3, 4]
    assert raw.rows == 4


def test_folders_give_their_json_files_plain_or_zipped(tmp_path: Path) -> None:
    (tmp_path / "deals.json").write_text('[{"id": "1"}]', encoding="utf-8-sig")
    (tmp_path / "users.jsonl.gz").write_bytes(gzip.compress(b'{"id": "2"}'))
    (tmp_path / "stages.json").write_text('[{"id": "3"}]', encoding="utf-16")
    (tmp_path / "plan.csv").write_text("period,target\n")
    source = FolderSource(tmp_path)
    assert json_names(source) == ("deals.json", "stages.json", "users.jsonl.gz")
    assert [_ids(read_json(source, name, "reps")) for name in json_names(source)] == [["1"], ["3"], ["2"]]
    assert {file.name for file in source.files()} == set(json_names(source))
    assert json_names(FrameSource({})) == ()


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "deals.json").write_bytes(b'[{"id": "1",\n"name": "M\xfcller"}]')
    (tmp_path / "users.json.gz").write_bytes(b"not gzip")
    source = FolderSource(tmp_path)
    with pytest.raises(InputError, match="line 2: the text is not UTF-8"):
        read_json(source, "deals.json", "reps")
    with pytest.raises(InputError, match="not whole gzip data"):
        read_json(source, "users.json.gz", "reps")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=5,
)
_RECORDS = st.lists(st.dictionaries(st.sampled_from(["name", "x", "y"]), _VALUES, max_size=3), max_size=5)


@given(records=_RECORDS, indent=st.sampled_from([None, 1]), shape=st.sampled_from(["array", "page", "lines"]))
def test_whatever_the_shape_the_records_are_the_same(records: list[Any], indent: int | None, shape: str) -> None:
    whole: Any = {"paging": {"a": [1]}, "results": records} if shape == "page" else records
    text = json.dumps(whole, indent=indent)
    if shape == "lines":
        text = "\n".join(["", *map(json.dumps, records), "{}", "{}"])
        records = [*records, {}, {}]
    dump = parse_json(text, "a.json", "reps")
    assert [record.value for record in dump.records] == records


@settings(max_examples=200)
@given(data=st.data())
def test_damage_is_refused_or_named_and_never_a_fault(data: st.DataObject) -> None:
    text = json.dumps({"results": [{"id": str(k), "p": {"a": [k, None]}} for k in range(4)]}, indent=1)
    at = data.draw(st.integers(0, len(text) - 1))
    mark = data.draw(st.sampled_from(["", "\0", "{", "]", '"', "\n", "1", "é"]))
    cut = data.draw(st.booleans())
    damaged = text[:at] + mark + ("" if cut else text[at + 1 :])
    try:
        dump = parse_json(damaged, "a.json", "reps")
    except InputError as error:
        told = [problem.line for problem in error.problems]
    else:
        raw = json_table(dump, "reps", lambda record: record.value)
        told = [problem.line for problem in raw.broken]
        assert raw.rows == len(dump.records) + len(dump.broken)
    assert None not in told
