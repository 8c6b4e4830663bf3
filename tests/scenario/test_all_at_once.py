"""Keys that are wrong, names that the data do not have and wrong data are told together, by check and by run."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from spmforecast import compare, run, scorecards
from spmforecast.errors import InputError, Problem
from spmforecast.scenario.check import check_source, drift_of, findings_of

TEXT = """\
name: wrong
history: company
as_of: 2025-06-30
until: 2025-12-31
levels: [region, colour]
plan: {2025Q3: 400_000}
simulate: {trials: 50, sed: 3}
model: {segment_by: shape}
scorecards: {stages: {Proposl: {deals: 4}}, pyramid: {drivers: [metting]}}
quotas:
  over_asignment: 0.1
  figures: {R0001: 5}
assumptions:
  - {win_rate: {multipy: 1.1}, where: {segment: SMB}}
  - {win_rate: {multiply: 1.1}, where: {segment: Smal}}
  - {leave: {rep_id: nobody, start: 2025-09-01}}
colour: red
"""
WRONG = [5, 7, 8, 9, 9, 11, 12, 14, 15, 16, 17]
"""The line of each mistake."""


@pytest.fixture
def own(place: Path, tmp_path: Path) -> Path:
    """A company of one's own, and a scenario with a mistake of each kind."""
    shutil.copytree(place / "company", tmp_path / "company")
    (tmp_path / "wrong.yaml").write_text(TEXT, encoding="utf-8")
    return tmp_path


def _changed(own: Path, old: str, new: str) -> tuple[Problem, ...]:
    """Return what a check tells of the scenario with one thing changed."""
    assert old in TEXT
    (own / "wrong.yaml").write_text(TEXT.replace(old, new), encoding="utf-8")
    return tuple(check_source(own / "wrong.yaml")[1])


def _values(problems: tuple[Problem, ...]) -> set[str]:
    return {one.value for one in problems}


def test_wrong_keys_and_wrong_names_are_told_together(own: Path) -> None:
    known, problems = check_source(own / "wrong.yaml")
    assert known is not None
    assert str(known.known_at.date()) == "2025-06-30"
    assert Counter(one.line for one in problems) == Counter(WRONG)
    assert all(one.mend for one in problems)


def test_what_was_read_is_still_looked_through(own: Path) -> None:
    """Findings and drift follow the keys that are right."""
    known, _ = check_source(own / "wrong.yaml")
    assert known is not None
    assert findings_of(own / "wrong.yaml", known) == findings_of(own / "company", known)
    assert drift_of(own / "wrong.yaml", known) == drift_of(own / "company", known)


@pytest.mark.parametrize("ask", [run, scorecards])
def test_whoever_asks_is_told_what_a_check_tells(own: Path, ask: Callable[[Path], object]) -> None:
    with pytest.raises(InputError, match="unknown key") as caught:
        ask(own / "wrong.yaml")
    assert list(caught.value.problems) == check_source(own / "wrong.yaml")[1]


def test_rows_that_cannot_be_used_are_told_beside_them(own: Path) -> None:
    path = own / "company" / "opportunities.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",won,", ",wonn,"), encoding="utf-8")
    known, problems = check_source(own / "wrong.yaml")
    assert known is None
    assert "wonn" in _values(tuple(problems))
    # Without a record nobody can tell which names are right; keys and measures are told all the same.
    assert {one.line for one in problems if one.table == "scenario"} == {7, 9, 11, 14, 17}


def test_names_alone_are_told_together_by_a_run(own: Path) -> None:
    text = TEXT.replace(", sed: 3", "").replace("  over_asignment: 0.1\n", "").replace("colour: red\n", "")
    (own / "wrong.yaml").write_text(text.replace("multipy", "multiply"), encoding="utf-8")
    with pytest.raises(InputError, match="no such stage") as caught:
        run(own / "wrong.yaml")
    assert Counter(one.line for one in caught.value.problems) == Counter(_named(text))


def _named(text: str) -> list[int]:
    """Lines of the wrong names of a text."""
    names = ("colour]", "shape", "Proposl", "metting", "R0001", "Smal}", "nobody")
    return [next(n for n, line in enumerate(text.splitlines(), 1) if name in line) for name in names]


def test_two_scenarios_are_told_together(own: Path) -> None:
    (own / "other.yaml").write_text(TEXT.replace("nobody", "noone"), encoding="utf-8")
    with pytest.raises(InputError, match="unknown key") as caught:
        compare([own / "wrong.yaml", own / "other.yaml"], trials=20)
    assert Counter(one.line for one in caught.value.problems) == Counter(2 * WRONG)


@pytest.mark.parametrize(
    ("old", "new", "right"),
    [
        # With levels mistyped, nobody knows which attributes there may be.
        ("levels: [region, colour]", "level: [region, product]\ntimezone: UTC", {"product"}),
        # A hire that is wrong may be the one that is named.
        (
            "{multipy: 1.1}, where: {segment: SMB}}",
            "{multipy: 1.1}, where: {owner_id: North hire 1}}",
            {"North hire 1"},
        ),
        ("where: {segment: Smal}}", "where: {owner_id: North hire 1}}", {"North hire 1"}),
        # Without a day, nobody knows who sells.
        ("as_of: 2025-06-30", "as_of: 2025-06-31", {"nobody", "R0001", "Smal"}),
        ("as_of: 2025-06-30\n", "", {"nobody", "R0001", "Smal"}),
    ],
)
def test_nothing_is_blamed_that_may_be_right(own: Path, old: str, new: str, right: set[str]) -> None:
    text = _changed(own, old, new)
    assert not right & _values(text)
    assert {"Proposl", "metting", "shape"} <= _values(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("history: company", "history: {folder: company, mpa: x}"),
        ("history: company\n", ""),
        ("history: company", "history: nowhere"),
    ],
)
def test_without_data_the_keys_are_told(own: Path, old: str, new: str) -> None:
    problems = _changed(own, old, new)
    assert {"sed", "metting", "over_asignment", "colour"} <= _values(problems)
    assert not {"Proposl", "shape", "nobody"} & _values(problems)


def test_a_wrong_target_is_told_once(own: Path) -> None:
    problems = _changed(own, "plan: {2025Q3: 400_000}", "plan: {2025Q7: 400_000}")
    assert [one.line for one in problems].count(6) == 1
