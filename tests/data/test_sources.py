from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spmforecast.data.sources import FolderSource, FrameSource, parse_csv
from spmforecast.data.sources.columns import as_text
from spmforecast.errors import InputError


def test_cells_are_text_and_lines_count_from_the_header() -> None:
    raw = parse_csv("a,b\n007,No\n\n1e3,\n", "f.csv", "plan")
    assert raw.frame.to_dict("list") == {"a": ["007", "1e3"], "b": ["No", ""]}
    assert raw.lines.tolist() == [2, 4]
    assert raw.rows == 2


def test_quoted_line_breaks_keep_the_line_numbers_right() -> None:
    raw = parse_csv('a,b\n1,"x\ny\r\nz"\n3,4\n"5,5",6\n', "f.csv", "plan")
    assert raw.frame["b"].tolist() == ["x\ny\r\nz", "4", "6"]
    assert raw.lines.tolist() == [2, 5, 6]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_in_the_header(separator: str) -> None:
    raw = parse_csv(f"a{separator}b{separator}c\n1{separator}2{separator}3\n", "f.csv", "plan")
    assert raw.frame.iloc[0].tolist() == ["1", "2", "3"]


def test_a_quoted_separator_in_the_header_does_not_count() -> None:
    raw = parse_csv('"a,b,c";d\n1;2\n', "f.csv", "plan")
    assert list(raw.frame.columns) == ["a,b,c", "d"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_all_line_endings(ending: str) -> None:
    raw = parse_csv(ending.join(["a,b", "1,2", "3,4", ""]), "f.csv", "plan")
    assert raw.frame["b"].tolist() == ["2", "4"]
    assert raw.lines.tolist() == [2, 3]


def test_rows_of_the_wrong_width_are_named_and_the_others_read() -> None:
    raw = parse_csv("a,b\n1\n2,3,4\n5,6\n", "f.csv", "plan")
    assert raw.frame["a"].tolist() == ["5"]
    assert [(p.line, p.reason) for p in raw.broken] == [
        (2, "the row has 1 cells, the header 2"),
        (3, "the row has 3 cells, the header 2"),
    ]
    assert raw.rows == 3


def test_a_stray_quotation_mark_breaks_its_own_row_only() -> None:
    raw = parse_csv('a,b\n"1"x,2\n3,4\n', "f.csv", "plan")
    assert raw.frame["a"].tolist() == ["3"]
    assert raw.broken[0].line == 2
    assert "cannot be told apart" in raw.broken[0].reason


def test_a_nul_byte_rejects_its_row() -> None:
    raw = parse_csv("a,b\n1,\0\n3,4\n", "f.csv", "plan")
    assert raw.frame["a"].tolist() == ["3"]
    assert (raw.broken[0].line, raw.broken[0].column) == (2, "b")


def test_columns_without_a_name_are_passed_over_with_a_note() -> None:
    raw = parse_csv(",a,\n0,1,\n1,2,\n", "f.csv", "plan")
    assert list(raw.frame.columns) == ["a"]
    assert raw.notes == ("f.csv: 2 column(s) without a name passed over",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        (",,\n1,2,3\n", "there is no header"),
        ("a,b,a\n1,2,3\n", "two columns have the same name"),
        ('a,b\n1,2\n3,"4\n5,6\n', "line 3: a quotation mark is opened here and never closed"),
        ('"a"x,b\n1,2\n', "line 1: the row cannot be told apart"),
    ],
)
def test_what_makes_a_file_unreadable(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        parse_csv(text, "plan.csv", "plan")
    assert all(problem.file == "plan.csv" and problem.mend for problem in caught.value.problems)


def test_a_folder_gives_plain_and_gzipped_files_with_their_hashes(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_bytes(b"\xef\xbb\xbfperiod,target\n2025,1\n")
    (tmp_path / "reps.csv.gz").write_bytes(gzip.compress("rep_id;name\nR1;Zoë\n".encode()))
    source = FolderSource(tmp_path)
    assert source.find("plan") == "plan.csv"
    assert source.find("reps") == "reps.csv.gz"
    assert source.find("quotas") is None
    assert list(source.read("plan.csv", "plan").frame.columns) == ["period", "target"]
    assert source.read("reps.csv.gz", "reps").frame["name"].tolist() == ["Zoë"]
    assert [(file.name, len(file.sha256)) for file in source.files()] == [("plan.csv", 64), ("reps.csv.gz", 64)]


@pytest.mark.parametrize("data", [b"no gzip", gzip.compress(b"rep_id\nR1\n" * 50, mtime=0)[:-12]])
def test_damaged_gzip_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "reps.csv.gz").write_bytes(data)
    with pytest.raises(InputError, match="not whole gzip data"):
        FolderSource(tmp_path).read("reps.csv.gz", "reps")


def test_a_missing_folder_and_a_file_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        FolderSource(tmp_path / "nowhere")
    (tmp_path / "a.csv").write_text("a\n")
    with pytest.raises(InputError, match="a file, not a folder"):
        FolderSource(tmp_path / "a.csv")


def test_a_file_outside_the_folder_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "data"
    inner.mkdir()
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (inner / "link.csv").symlink_to(tmp_path / "secret.csv")
    source = FolderSource(inner)
    for name in ("../secret.csv", str(tmp_path / "secret.csv"), "link.csv"):
        with pytest.raises(InputError, match="outside the data folder"):
            source.read(name, "reps")


def test_a_misnamed_file_gets_a_proposal(tmp_path: Path) -> None:
    (tmp_path / "opportunites.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"Did you mean opportunites\.csv"):
        FolderSource(tmp_path).read("opportunities.csv", "opportunities")
    assert FolderSource(tmp_path).leftovers(set()) == (
        "opportunites.csv is not used: it is none of the tables; did you mean opportunities.csv?",
    )


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    for name in ("plan.csv", "plan.csv.gz"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"plan\.csv and plan\.csv\.gz are both there"):
        FolderSource(tmp_path).find("plan")


def test_frames_in_memory_keep_the_types_that_raw_tables_have() -> None:
    frame = pd.DataFrame(
        {
            "id": [1.0, 2.0, np.nan],
            "when": pd.to_datetime(["2024-01-02", None, "2024-01-03T10:00:00"], format="ISO8601"),
            "word": ["a", None, "c"],
            "amount": [0.1, 1e16, -2.5],
        }
    )
    raw = FrameSource({"plan": frame}).read("plan", "plan")
    assert as_text(raw.frame["id"]).tolist() == ["1", "2", ""]
    assert as_text(raw.frame["when"]).tolist() == ["2024-01-02T00:00:00", "", "2024-01-03T10:00:00"]
    assert raw.frame["word"].tolist() == ["a", "", "c"]
    assert raw.frame["amount"].tolist() == [0.1, 1e16, -2.5]
    assert [float(text) for text in as_text(raw.frame["amount"])] == [0.1, 1e16, -2.5]
    assert raw.lines.tolist() == [2, 3, 4]
    with pytest.raises(InputError, match="no such table"):
        FrameSource({}).read("plan", "plan")
