"""The planbook: what was kept stays as it was, and every version can be shown, compared, approved and made anew."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from spmforecast.cli import app
from spmforecast.errors import InputError
from spmforecast.scenario import RunResult
from spmforecast.scenario.planbook import Content, Planbook, record_run
from spmforecast.scenario.planbook.tables import NEWEST


def quotas(**amounts: float) -> Content:
    frame = pd.DataFrame({"rep_id": list(amounts), "period": "2025Q3", "quota": list(amounts.values())})
    return Content({"quotas": frame}, {"as_of": "2025-06-30"})


@pytest.fixture
def book(tmp_path: Path) -> Planbook:
    return Planbook(tmp_path / "book.sqlite")


def test_versions_are_numbered_for_each_kind_and_name(book: Planbook) -> None:
    made = [
        book.add(kind, name, quotas(R1=1.0), "why", "ann")
        for kind, name in (("quotas", "a"), ("quotas", "a"), ("quotas", "b"), ("plan", "a"), ("quotas", "a"))
    ]
    assert [one.number for one in made] == [1, 2, 1, 1, 3]
    assert [one.parent for one in made] == [None, 1, None, None, 2]
    assert made[-1].label == "quotas a v3"
    log = book.log()
    assert log["id"].tolist() == [1, 2, 3, 4, 5]
    assert log["at"].is_monotonic_increasing
    assert set(log["author"]) == {"ann"}
    newest = book.latest("quotas", "a")
    assert newest is not None
    assert newest.id == 5
    assert book.latest("forecast", "a") is None


def test_what_is_kept_comes_back_the_same_from_another_opening(book: Planbook, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "name": ["Zoë", None],
            "n": [1, 2],
            "x": [0.1 + 0.2, np.nan],
            "ok": [True, False],
            "d": [pd.Timestamp(0), pd.NaT],
        }
    )
    book.add("plan", "p", Content({"t": frame}, {"total": Decimal("0.10"), "list": [1, {"a": np.float64(2.5)}]}), "why")
    kept = Planbook(tmp_path / "book.sqlite").get(1).content
    wanted = frame.assign(d=["1970-01-01T00:00:00", None])
    pd.testing.assert_frame_equal(kept.tables["t"], wanted, check_dtype=False)
    assert kept.facts == {"total": "0.10", "list": [1, {"a": 2.5}]}
    assert Content.parse(kept.text()).text() == kept.text()


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_infinity=False), st.text(max_size=5)
)


@settings(max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS), max_size=5), st.dictionaries(st.text(max_size=4), CELLS, max_size=4))
def test_the_text_of_a_content_reads_back_to_the_same_text(
    rows: list[tuple[object, object]], facts: dict[str, object]
) -> None:
    frame = pd.DataFrame({"a": [row[0] for row in rows], "b": [row[1] for row in rows]}, dtype=object)
    text = Content({"t": frame}, facts).text()
    assert Content.parse(text).text() == text


def test_what_cannot_be_kept_is_named(book: Planbook) -> None:
    wrong = Content({"t": pd.DataFrame({"x": [1.0, np.inf]})}, {"f": object()})
    with pytest.raises(InputError, match="cannot be kept") as caught:
        book.add("plan", "p", wrong, "why")
    assert {problem.column for problem in caught.value.problems} == {"t.x", "facts.f"}
    assert book.log().empty


def test_approvals_are_decisions_and_can_be_withdrawn(book: Planbook) -> None:
    for amount in (1.0, 2.0, 3.0):
        book.add("quotas", "q", quotas(R1=amount), "why")
    book.approve(2, "agreed in the board", "cfo")
    assert [one.approved for one in book.versions()] == [False, True, False]
    approved = book.latest("quotas", "q", approved=True)
    assert approved is not None
    assert approved.number == 2
    book.decide(2, "withdraw", "a mistake in R1", "cfo")
    assert book.latest("quotas", "q", approved=True) is None
    assert [(one.action, one.author) for one in book.decisions(2)] == [("approve", "cfo"), ("withdraw", "cfo")]


def test_rolling_back_adds_a_version_that_says_what_the_old_one_said(book: Planbook) -> None:
    book.add("quotas", "q", quotas(R1=1.0, R2=5.0), "first")
    book.add("quotas", "q", quotas(R1=2.0), "second")
    again = book.roll_back(1, "R2 stays after all")
    assert (again.number, again.parent) == (3, 1)
    assert again.content.text() == book.get(1).content.text()
    assert len(book.log()) == 3
    assert book.diff(1, 3).empty


def test_differences_name_rows_and_columns(book: Planbook) -> None:
    book.add("quotas", "q", quotas(R1=1.0, R2=5.0, R3=2.0), "first")
    book.add("quotas", "q", Content(quotas(R1=1.5, R3=2.0, R4=9.0).tables, {"as_of": "2025-09-30"}), "second")
    told = {(row.row, row.column): row.change for row in book.diff(1, 2).itertuples()}
    assert told["R1 2025Q3", "quota"] == 0.5
    assert ("R3 2025Q3", "quota") not in told
    assert {key for key, _ in told if key} == {"R1 2025Q3", "R2 2025Q3", "R4 2025Q3"}
    assert ("", "as_of") in told


def test_wrong_arguments_are_named_at_once(book: Planbook) -> None:
    with pytest.raises(InputError, match="Did you mean quotas") as caught:
        book.add("quota", " ", quotas(R1=1.0), "", "ann")
    assert {problem.column for problem in caught.value.problems} == {"kind", "name", "reason"}
    with pytest.raises(InputError, match="The book is empty"):
        book.get(1)
    book.add("quotas", "q", quotas(R1=1.0), "why")
    with pytest.raises(InputError, match="run from 1 to 1"):
        book.approve(7, "why")
    with pytest.raises(InputError, match="no such action"):
        book.decide(1, "aprove", "why")
    with pytest.raises(InputError, match="no such version"):
        book.add("quotas", "q", quotas(R1=1.0), "why", parent=9)
    assert len(book.log()) == 1


def test_the_database_itself_refuses_to_change_or_lose_anything(book: Planbook, tmp_path: Path) -> None:
    book.add("quotas", "q", quotas(R1=1.0), "why")
    book.approve(1, "why")
    raw = sqlite3.connect(tmp_path / "book.sqlite")
    for table in ("planbook_versions", "planbook_decisions"):
        for statement in (f"update {table} set author = 'x'", f"delete from {table}"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(statement)
    raw.close()


def test_what_was_altered_all_the_same_shows(book: Planbook, tmp_path: Path) -> None:
    for amount in (1.0, 2.0, 3.0):
        book.add("quotas", "q", quotas(R1=amount), "why")
    book.verify()
    raw = sqlite3.connect(tmp_path / "book.sqlite")
    raw.execute("drop trigger planbook_versions_update")
    raw.execute("update planbook_versions set reason = 'another' where id = 2")
    raw.commit()
    raw.close()
    with pytest.raises(InputError, match="quotas q v2"):
        book.verify()


def test_an_older_book_is_brought_to_the_newest_form_and_a_newer_one_refused(book: Planbook, tmp_path: Path) -> None:
    book.add("quotas", "q", quotas(R1=1.0), "why")
    raw = sqlite3.connect(tmp_path / "book.sqlite")
    assert [row[0] for row in raw.execute("select number from planbook_migrations order by number")] == list(
        range(1, NEWEST + 1)
    )
    raw.execute("drop index planbook_decided")
    raw.execute("delete from planbook_migrations where number = 2")
    raw.commit()
    again = Planbook(tmp_path / "book.sqlite")
    assert len(again.log()) == 1
    assert raw.execute("select count(*) from sqlite_master where name = 'planbook_decided'").fetchone() == (1,)
    raw.execute(f"insert into planbook_migrations values ({NEWEST + 1}, 'later')")
    raw.commit()
    raw.close()
    with pytest.raises(InputError, match="written by a newer version"):
        Planbook(tmp_path / "book.sqlite").log()


def test_a_place_that_cannot_hold_a_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SQLite file or in a PostgreSQL database"):
        Planbook("duckdb:///x.duckdb")
    (tmp_path / "text.sqlite").write_text("this is no database, and long enough to be told from one" * 50)
    with pytest.raises(InputError, match="cannot be used"):
        Planbook(tmp_path / "text.sqlite").log()
    with pytest.raises(InputError, match="cannot be used"):
        Planbook(tmp_path / "absent" / "book.sqlite").add("plan", "p", quotas(R1=1.0), "why")


def forecast(as_of: str, **periods: tuple[float, float]) -> Content:
    """Make a forecast: for each period what is booked and what is expected, give or take a tenth."""
    rows = [
        ("company", "company", label, booked, mean, 0.9 * mean, mean, 1.1 * mean)
        for label, (booked, mean) in periods.items()
    ]
    columns = ["node_level", "node", "period", "booked", "mean", "p10", "p50", "p90"]
    ends = {"2025Q1": "2025-03-31", "2025Q2": "2025-06-30", "2025Q3": "2025-09-30"}
    return Content({"forecast": pd.DataFrame(rows, columns=columns)}, {"as_of": as_of, "periods": ends})


def test_kept_forecasts_are_held_against_what_came(book: Planbook) -> None:
    book.add("forecast", "f", forecast("2024-12-31", **{"2025Q1": (0, 100), "2025Q2": (0, 100)}), "q4")
    book.add("forecast", "f", forecast("2025-03-31", **{"2025Q1": (95, 95), "2025Q2": (10, 150)}), "q1")
    book.add("forecast", "other", forecast("2025-09-30", **{"2025Q2": (1, 1)}), "not of this name")
    book.add("forecast", "f", forecast("2025-06-30", **{"2025Q2": (125, 125), "2025Q3": (0, 80)}), "q2")
    told = book.accuracy("f").set_index(["id", "period"])
    assert set(told.index) == {(1, "2025Q1"), (1, "2025Q2"), (2, "2025Q2")}
    assert told.loc[(1, "2025Q1"), "actual"] == 95
    assert told.loc[(1, "2025Q2"), "actual"] == 125
    assert told["inside"].tolist() == [True, False, False]
    assert told.loc[(2, "2025Q2"), "error"] == pytest.approx(0.2)
    assert told.loc[(1, "2025Q2"), "days_ahead"] == 181
    assert book.accuracy("nothing").empty


def test_a_book_shows_itself_with_everything_escaped(book: Planbook) -> None:
    book.add("quotas", "q", quotas(R1=1.0), "<script>")
    assert "&lt;script&gt;" in book._repr_html_()
    assert "&lt;script&gt;" in book.get(1)._repr_html_()
    assert "<script>" not in book._repr_html_() + book.get(1)._repr_html_()


def test_a_run_is_recorded_once_and_again_only_for_something_new(result: RunResult, tmp_path: Path) -> None:
    folder = result.save(tmp_path / "run")
    book = Planbook(tmp_path / "book.sqlite")
    first = record_run(book, folder, "for the board", "ann")
    assert [one.kind for one in first] == ["forecast", "quotas", "plan"]
    kept = first[0].content
    pd.testing.assert_frame_equal(kept.tables["forecast"], pd.read_csv(folder / "forecast.csv"), check_dtype=False)
    assert kept.facts["periods"]["2025Q3"] == "2025-09-30"
    assert record_run(book, folder, "again", "ann") == []
    with pytest.raises(InputError, match=r"no run\.json to read"):
        record_run(book, tmp_path, "why")


def test_the_commands_tell_and_decide(result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = result.save(tmp_path / "run")
    for words, told in {
        ("add", str(folder), "--reason", "first", "--author", "ann"): "forecast",
        ("log",): "ann",
        ("show", "2"): "quota",
        ("diff", "2", "2"): "same",
        ("approve", "2", "--reason", "yes", "--author", "bob"): "approved by bob",
        ("roll-back", "2", "--reason", "no"): "v2",
        ("withdraw", "2", "--reason", "no"): "withdrawn",
        ("verify",): "4 versions",
        ("accuracy",): "yet",
    }.items():
        ran = CliRunner().invoke(app, ["planbook", *words])
        assert ran.exit_code == 0, (words, ran.output, ran.exception)
        assert told in ran.output
    assert (tmp_path / "planbook.sqlite").exists()
