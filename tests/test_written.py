"""Text that people write: lines kept, and every fault told in their terms."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from spmforecast.errors import InputError
from spmforecast.written import nearest, read_file, read_yaml


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Engine(Strict):
    trials: int = 10
    method: Literal["monte-carlo", "exact"] = "exact"


class Question(Strict):
    name: str
    until: dt.date | None = None
    simulate: Engine = Engine()
    shares: list[float] = []
    levels: Annotated[list[str], Field(min_length=1)] = ["region"]
    on: bool = True

    @field_validator("name")
    @classmethod
    def plain(cls, value):
        if "/" in value:
            raise ValueError("a name holds no slash: Take the slash out.")
        return value


def told(text):
    """Read and check; return the problems as (line, column, reason, mend, value)."""
    with pytest.raises(InputError, match=r"q\.yaml") as caught:
        read_yaml(text, "q.yaml", "scenario").validate(Question)
    assert all(problem.file == "q.yaml" and problem.table == "scenario" for problem in caught.value.problems)
    return [(p.line, p.column, p.reason, p.mend, p.value) for p in caught.value.problems]


def test_a_right_text_becomes_the_model():
    text = "name: base\nuntil: 2025-12-31\nsimulate: {trials: 1_000, method: exact}\nshares: [0.5, 1]\non: no\n"
    got = read_yaml(text, "q.yaml", "scenario").validate(Question)
    assert got.until == dt.date(2025, 12, 31)
    assert got.simulate.trials == 1000
    assert got.shares == [0.5, 1.0]
    assert got.on is False


def test_lines_of_every_place_are_known():
    written = read_yaml("# first\nname: x\nsimulate:\n  trials: 5\n\nlist:\n  - a\n  - b: 1\n", "q.yaml", "scenario")
    assert written.tree == {"name": "x", "simulate": {"trials": 5}, "list": ["a", {"b": 1}]}
    places = [("name",), ("simulate",), ("simulate", "trials"), ("list", 0), ("list", 1, "b")]
    assert [written.line(place) for place in places] == [2, 3, 4, 7, 8]
    # A place that is not there has the line of what would hold it.
    assert written.line(("simulate", "seed")) == 3
    assert written.line(("nowhere",)) == 2


def test_unknown_keys_are_told_with_the_nearest_right_one():
    assert told("name: x\nsimulate:\n  trails: 5\n") == [
        (3, "simulate.trails", "unknown key", "Did you mean trials?", "trails")
    ]
    line, column, reason, mend, value = told("name: x\nzzz: 5\n")[0]
    assert (line, column, reason, value) == (2, "zzz", "unknown key", "zzz")
    assert mend == "Known here: name, until, simulate, shares, levels, on."


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("assume", ["name", "assumptions"], "assumptions"),
        ("comp", ["complete_history", "comp_plan"], "comp_plan"),
        ("start_date", ["start", "state_date"], "state_date"),  # one letter beside outweighs a common beginning
        ("opportunity", ["opportunity_line", "opportunities"], "opportunities"),
        ("Closed-Won", ["closed won", "closed lost"], "closed won"),
        ("R104", ["R101", "R140"], "R140"),
        ("OPP-1", ["OPP-99232"], None),  # ids begin alike without meaning the same
        ("sales", ["salesforce", "hubspot"], "salesforce"),
        ("as", ["assumptions"], None),
        ("", ["name"], None),
        ("name", [], None),
    ],
)
def test_names_that_begin_alike_come_before_those_that_share_letters(word, known, meant):
    assert nearest(word, known) == meant


def test_stems_may_be_left_aside():
    assert nearest("region_name", ["region"]) == "region"
    assert nearest("region_name", ["region"], cutoff=0.85, stems=False) is None
    assert nearest("close_dat", ["close_date"], cutoff=0.85, stems=False) == "close_date"


def test_missing_keys_are_told():
    assert told("on: true\n") == [(1, "", "the key name is missing", "Add name.", "")]


def test_doubled_keys_are_told():
    assert told("name: x\nname: y\n") == [(2, "name", "the key stands here twice", "Keep one of them.", "")]


@pytest.mark.parametrize(
    ("text", "line", "column", "reason", "value"),
    [
        ("name: x\nsimulate: 5\n", 2, "simulate", "keys are expected here", "5"),
        ("name: x\nsimulate:\n  trials: many\n", 3, "simulate.trials", "a whole number is expected here", "many"),
        ("name: x\nsimulate: {trials: 1.5}\n", 2, "simulate.trials", "a whole number is expected here", "1.5"),
        ("name: x\nshares:\n  - 0.5\n  - half\n", 4, "shares", "a number is expected here", "half"),
        ("name: x\nshares: 0.5\n", 2, "shares", "a list is expected here", "0.5"),
        ("name: x\nlevels: []\n", 2, "levels", "this is empty", ""),
        ("name: x\nuntil: 2025-13-01\n", 2, "until", "not a date", "2025-13-01"),
        ("name: [a]\n", 1, "name", "a single text is expected here", ""),
        ("name: x\non: perhaps\n", 2, "on", "true or false is expected here", "perhaps"),
        ("name: a/b\n", 1, "name", "a name holds no slash", "a/b"),
    ],
)
def test_wrong_kinds_are_told_in_words(text, line, column, reason, value):
    assert [(found[:3], found[4]) for found in told(text)] == [((line, column, reason), value)]


def test_own_advice_and_nearest_words_are_passed_on():
    assert told("name: a/b\n")[0][3] == "Take the slash out."
    assert told("name: x\nsimulate: {method: exat}\n")[0][2:] == (
        "this word is not known here", "Did you mean exact?", "exat",
    )  # fmt: skip
    assert "monte-carlo" in told("name: x\nsimulate: {method: zzz}\n")[0][3]


def test_everything_wrong_is_told_at_once():
    found = told("nme: x\nuntil: soon\nsimulate: {trials: few, seed: 1}\nnme: y\n")
    assert sorted(entry[2] for entry in found) == [
        "a whole number is expected here",
        "not a date",
        "the key name is missing",
        "the key stands here twice",
        "unknown key",
        "unknown key",
    ]


def test_untyped_reading_keeps_what_stands_there():
    got = read_yaml("a: No\nb: 007\nc: 2025-01-01\nd:\ne: ~\n1: x\n", "m.yaml", "map", typed=False)
    assert got.tree == {"a": "No", "b": "007", "c": "2025-01-01", "d": "", "e": "", "1": "x"}


def test_keys_are_always_text():
    assert read_yaml("2025: 5\n2025Q3: 1_000\n", "q.yaml", "scenario").tree == {"2025": 5, "2025Q3": 1000}


@pytest.mark.parametrize("text", ["", "# only a remark\n", "\n\n"])
def test_an_empty_text_is_refused(text):
    with pytest.raises(InputError, match=r"q\.yaml, line 1: the scenario is empty"):
        read_yaml(text, "q.yaml", "scenario")


@pytest.mark.parametrize(
    ("text", "line"), [("a: [1, 2\n", 2), ("a: b: c\n", 1), ("a: 1\n\tb: 2\n", 2), ("--- 1\n--- 2\n", 2)]
)
def test_what_is_not_yaml_is_refused_with_its_line(text, line):
    with pytest.raises(InputError, match=f"q\\.yaml, line {line}: this is not YAML"):
        read_yaml(text, "q.yaml", "scenario")


@pytest.mark.parametrize("text", ["a: &x [*x]\n", "a: !!python/object:os.system {}\nb: &y\n  c: *y\n"])
def test_texts_that_eat_their_own_tail_are_refused(text):
    with pytest.raises(InputError, match=r"nested without end"):
        read_yaml(text, "q.yaml", "scenario")


def test_a_bomb_of_anchors_does_not_go_off():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
    )
    with pytest.raises(InputError, match=r"nested without end"):
        read_yaml(bomb, "q.yaml", "scenario")


def test_files_are_read_as_utf8(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: caf\xc3\xa9\n")
    assert read_file(path, "scenario") == "name: café\n"
    path.write_bytes(b"name: x\nregion: caf\xe9\n")
    with pytest.raises(InputError, match=r"line 2: the text is not UTF-8. Save it as UTF-8"):
        read_file(path, "scenario")
    with pytest.raises(InputError, match=r"the scenario cannot be read"):
        read_file(tmp_path / "none.yaml", "scenario")
    with pytest.raises(InputError, match=r"the map cannot be read"):
        read_file(tmp_path, "map")


@pytest.mark.parametrize(
    ("word", "known", "want"),
    [
        ("Win Rate", ["win_rate", "deal_size"], "win_rate"),
        ("untill", ["until", "period"], "until"),
        ("xyz", ["until", "period"], None),
        ("a", [], None),
    ],
)
def test_nearest_name(word, known, want):
    assert nearest(word, known) == want
