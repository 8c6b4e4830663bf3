from __future__ import annotations

import builtins
import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data import read_history
from spmforecast.data.sources import FolderSource, open_source
from spmforecast.data.sources.workbook import Workbook, WorkbookSource
from spmforecast.errors import InputError


def _book(rows: list[list[Any]], title: str = "plan") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    return book


def _bytes(book: openpyxl.Workbook) -> bytes:
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def _raw(rows: list[list[Any]]) -> Any:
    return Workbook(_bytes(_book(rows)), "b.xlsx").read("plan", "plan")


def test_cells_keep_their_types_and_rows_their_numbers() -> None:
    raw = _raw(
        [
            ["id", "when", "amount", "flag", "mixed", "code"],
            ["a", datetime(2024, 1, 2, 10, 30), 1.5, True, 7, "007"],
            [],
            [None, date(2024, 1, 3), 2, None, "x", "1e3"],
        ]
    )
    assert raw.lines.tolist() == [2, 4]
    assert raw.frame["id"].tolist() == ["a", ""]
    assert raw.frame["when"].astype(str).tolist() == ["2024-01-02 10:30:00", "2024-01-03 00:00:00"]
    assert raw.frame["amount"].tolist() == [1.5, 2.0]
    assert raw.frame["flag"].tolist() == ["true", ""]
    assert raw.frame["mixed"].tolist() == ["7", "x"]
    assert raw.frame["code"].tolist() == ["007", "1e3"]
    assert raw.rows == 2
    assert raw.notes == ()


def test_titles_above_the_header_are_told() -> None:
    raw = _raw([["Pipeline report"], [], ["made on", date(2024, 1, 1)], ["a", "b", "c"], [1, 2, 3]])
    assert list(raw.frame.columns) == ["a", "b", "c"]
    assert raw.lines.tolist() == [5]
    assert raw.notes == (
        "b.xlsx/plan: row 4 is taken as the header; 2 title row(s) above it are passed over (first: Pipeline report)",
    )


def test_a_sheet_of_one_column_needs_no_second_one() -> None:
    assert _raw([["a"], [1], [2]]).frame["a"].tolist() == [1, 2]


def test_error_cells_reject_their_rows() -> None:
    raw = _raw([["a", "b"], ["x", "#N/A"], ["y", 1], ["#REF!", "#DIV/0!"]])
    assert raw.frame["a"].tolist() == ["y"]
    assert [(problem.line, problem.column, problem.value) for problem in raw.broken] == [
        (2, "b", "#N/A"),
        (4, "a", "#REF!"),
    ]
    assert "the cell holds the error #N/A" in str(raw.broken[0])
    assert raw.rows == 3


def _with_cached(data: bytes, cell: str, cached: str) -> bytes:
    """Put a computed value behind a formula, as Excel does."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            text = old.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                before = text
                text = text.replace(f'<c r="{cell}"><f>'.encode(), f'<c r="{cell}" {cached[0:0]}><f>'.encode())
                start = text.index(f'<c r="{cell}"'.encode())
                end = text.index(b"</c>", start)
                formula = text[text.index(b"<f>", start) : text.index(b"</f>", start) + 4]
                kind = b' t="str"' if cached in ("", "text") else b""
                value = f"<v>{cached}</v>".encode()
                text = text[:start] + f'<c r="{cell}"'.encode() + kind + b">" + formula + value + text[end:]
                assert text != before
            new.writestr(part, text)
    return out.getvalue()


def test_formulas_count_with_the_value_that_was_computed() -> None:
    data = _bytes(_book([["a", "b"], ["x", "=1+1"], ["y", "=1+2"], ["z", '=IF(1=1,"","")']]))
    raw = Workbook(_with_cached(_with_cached(data, "B2", "2"), "B4", ""), "b.xlsx").read("plan", "plan")
    assert raw.frame["a"].tolist() == ["x", "z"]
    assert raw.frame["b"].tolist()[0] == 2
    (problem,) = raw.broken
    assert (problem.line, problem.column, problem.value) == (3, "b", "=1+2")
    assert "never computed" in problem.reason


def test_merged_and_hidden_cells_and_filters_are_told() -> None:
    book = _book([["a", "b"], ["x", 1], ["y", 2], ["z", 3]])
    sheet = book["plan"]
    sheet.merge_cells("A3:A4")
    sheet.row_dimensions[2].hidden = True
    sheet.column_dimensions["B"].hidden = True
    sheet.sheet_state = "hidden"
    book.create_sheet("other")
    raw = Workbook(_bytes(book), "b.xlsx").read("plan", "plan")
    assert raw.frame["a"].tolist() == ["x", "y", ""]
    assert raw.notes == (
        "b.xlsx/plan: the sheet is hidden and read all the same",
        "b.xlsx/plan: 1 merged areas hold their value in the first cell only (first: A3:A4)",
        "b.xlsx/plan: 1 hidden rows are read like the others",
        "b.xlsx/plan: hidden columns are read like the others",
    )
    other = _book([["a"], [1]])
    other["plan"].auto_filter.ref = "A1:A2"
    assert "a filter is set" in Workbook(_bytes(other), "b.xlsx").read("plan", "plan").notes[0]


def test_columns_without_a_name_and_cells_beyond_the_header() -> None:
    raw = _raw([["a", None, "b"], [1, 2, 3], [4, 5, 6, 7]])
    assert list(raw.frame.columns) == ["a", "b"]
    assert raw.notes == ("b.xlsx/plan: 1 column(s) without a name passed over",)
    assert [(problem.line, problem.reason) for problem in raw.broken] == [(3, "the row has cells beyond the header")]


@pytest.mark.parametrize(
    ("rows", "told"),
    [([], "the sheet is empty"), ([["a", "b", "a"]], "line 1, a: two columns have the same name")],
)
def test_what_makes_a_sheet_unreadable(rows: list[list[Any]], told: str) -> None:
    with pytest.raises(InputError, match=told):
        _raw(rows)


def test_sheets_are_found_by_name_whatever_its_case(tmp_path: Path) -> None:
    book = _book([["period", "target"], ["2025", 5]], "Plan")
    book.create_sheet("Stage History")
    book.create_sheet("Chart data")
    book.save(tmp_path / "company.xlsx")
    source = WorkbookSource(tmp_path / "company.xlsx")
    assert source.names() == ("Plan", "Stage History", "Chart data")
    assert (source.find("plan"), source.find("stage_history"), source.find("reps")) == ("Plan", "Stage History", None)
    source.read("Plan", "plan")
    assert [file.name for file in source.files()] == ["company.xlsx"]
    assert source.leftovers({"Plan", "Stage History"}) == (
        "company.xlsx: the sheet Chart data is not used: it is none of the tables",
    )
    with pytest.raises(InputError, match=r"there is no such sheet. Did you mean Plan\?"):
        source.read("plans", "plan")
    book.create_sheet("PLAN ")
    book.save(tmp_path / "company.xlsx")
    with pytest.raises(InputError, match="Plan and PLAN  are both there"):
        WorkbookSource(tmp_path / "company.xlsx").find("plan")


def test_a_workbook_named_like_a_table_gives_its_only_sheet(tmp_path: Path) -> None:
    _book([["period", "target"], ["2025", 5]], "Sheet1").save(tmp_path / "Plan.xlsx")
    (tmp_path / "~$Plan.xlsx").write_bytes(b"lock")
    assert open_source(tmp_path / "Plan.xlsx").find("plan") == "Sheet1"
    folder = FolderSource(tmp_path)
    assert folder.names() == ("Plan.xlsx",)
    assert folder.read("Plan.xlsx", "plan").frame["target"].tolist() == [5]
    book = _book([["a"]], "Sheet1")
    book.create_sheet("Sheet2")
    book.save(tmp_path / "reps.xlsx")
    with pytest.raises(InputError, match="the workbook has 2 sheets and none of them is called reps"):
        folder.read("reps.xlsx", "reps")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no workbook that can be read"),
        (b"a,b\n1,2\n", "no workbook that can be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 64, "an old Excel file, or one that is protected by a password"),
        (_bytes(_book([["a"]]))[:-300], "no workbook that can be read"),
    ],
    ids=["empty", "CSV", "old", "cut"],
)
def test_what_is_no_workbook_is_named(tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "company.xlsx").write_bytes(data)
    with pytest.raises(InputError, match=rf"company\.xlsx: .*{told}"):
        read_history(tmp_path / "company.xlsx")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _book([["a"]]).save(tmp_path / "company.xlsx")
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "openpyxl":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r'pip install "spmforecast\[excel\]"'):
        WorkbookSource(tmp_path / "company.xlsx").names()


WHOLE = _bytes(_book([["period", "target"], *([f"{2000 + i}", i] for i in range(50))]))


@given(hits=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=10))
@settings(max_examples=60)
def test_flipped_bytes_end_in_a_table_or_in_a_clear_problem(hits: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for place, value in hits:
        data[place] = value
    try:
        book = Workbook(bytes(data), "b.xlsx")
        raw = book.read(book.sheets[0], "plan")
    except InputError as error:
        assert all(problem.mend and problem.file.startswith("b.xlsx") for problem in error.problems)  # noqa: PT017
        return
    assert raw.rows == len(raw.frame) + len(raw.broken)
