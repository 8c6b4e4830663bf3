"""Scenarios on other scenarios: what is joined, what is replaced, and which file a message names."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from spmforecast.errors import InputError
from spmforecast.scenario import load_scenario

BASE = """\
name: base
history: {example: {seed: 7, size: small}}
as_of: 2025-06-30
until: 2026-06-30
plan: {2025Q3: 1_000_000, 2025Q4: 2_000_000}
simulate: {trials: 400, seed: 3}
quotas: {method: growth, options: {growth: 0.1}, round_to: 1000}
assumptions:
  - {win_rate: {multiply: 1.1}}
"""


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write(tmp_path, "base.yaml", BASE)
    return tmp_path


def told(path: Path) -> list[str]:
    with pytest.raises(InputError, match=r".") as caught:
        load_scenario(path)
    return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]


def test_groups_are_joined_and_whole_keys_replaced(place):
    text = "base: base.yaml\nname: own\nsimulate: {seed: 9}\nplan: {2026Q1: 5}\nquotas: {round_to: 500}\n"
    scenario = load_scenario(write(place, "own.yaml", text))
    keys = scenario.keys
    assert (keys.name, keys.as_of, keys.simulate.trials, keys.simulate.seed) == ("own", date(2025, 6, 30), 400, 9)
    assert keys.plan == {"2026Q1": 5.0}
    assert keys.quotas is not None
    assert (keys.quotas.method, keys.quotas.round_to, keys.quotas.options) == ("growth", 500, {"growth": 0.1})
    assert list(scenario.texts) == ["own.yaml", "base.yaml"]


def test_assumptions_come_after_those_of_the_base_and_an_empty_key_takes_out(place):
    more = "base: base.yaml\nname: own\nassumptions:\n  - {creation: {multiply: 2}}\n"
    assert [one.kind for one in load_scenario(write(place, "a.yaml", more)).keys.assumptions] == [
        "win_rate",
        "creation",
    ]
    none = load_scenario(write(place, "b.yaml", "base: base.yaml\nname: own\nquotas:\nassumptions:\n")).keys
    assert (none.quotas, none.assumptions) == (None, ())


def test_a_base_may_have_a_base(place):
    write(place, "middle.yaml", "base: base.yaml\nname: middle\nassumptions: [{ramp: {multiply: 2}}]\n")
    own = load_scenario(write(place, "own.yaml", "base: middle.yaml\nname: own\nassumptions: [{creation: {add: 1}}]\n"))
    assert [one.kind for one in own.keys.assumptions] == ["win_rate", "ramp", "creation"]
    assert list(own.texts) == ["own.yaml", "middle.yaml", "base.yaml"]


def test_the_command_line_comes_last(place):
    path = write(place, "own.yaml", "base: base.yaml\nname: own\nsimulate: {seed: 9}\n")
    keys = load_scenario(path, {"seed": 11, "trials": 7, "as_of": "2025-09-30"}).keys
    assert (keys.simulate.seed, keys.simulate.trials, keys.as_of) == (11, 7, date(2025, 9, 30))
    dated = BASE.replace("{win_rate: {multiply: 1.1}}", "{creation: {multiply: 2}, from: 2025-10-01}")
    since = load_scenario(write(place, "dated.yaml", dated), {"seed": 5}).keys.assumptions[0].since
    assert since == date(2025, 10, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("base: base.yaml\nname: own\nsimulate: {sed: 1}\n", "own.yaml, line 3, simulate.sed: unknown key"),
        ("base: base.yaml\nname: own\nassumptions:\n  - {creation: {add: x}}\n", "line 4, assumptions.creation"),
        ("base: bse.yaml\nname: own\n", "line 1, base: there is no such file (found 'bse.yaml'). Did you mean"),
        ("base: ../base.yaml\nname: own\n", "own.yaml, line 1, base: must stand in the same folder"),
        ("base: own.yaml\nname: own\n", "own.yaml, line 1, base: the scenario builds on itself"),
        ("base: [a]\nname: own\n", "own.yaml, line 1, base: the scenario that this one builds on is not named"),
        ("base: base.yaml\n", "the key name is missing"),
        ("base: base.yaml\nname: own\nuntil: 2026-05-31\n", "line 3, until: must be the last day of a quarter"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_stands(place, text, expected):
    found = told(write(place, "own.yaml", text))
    assert len(found) == 1
    assert expected in found[0]


def test_a_ring_of_bases_is_refused(place):
    write(place, "a.yaml", "base: b.yaml\nname: a\n")
    found = told(write(place, "b.yaml", "base: a.yaml\nname: b\n"))
    assert len(found) == 1
    assert "a.yaml, line 1, base: the scenario builds on itself" in found[0]


def test_what_is_wrong_in_the_base_is_told_with_its_file_and_line(place):
    write(place, "base.yaml", BASE.replace("seed: 3", "sed: 3").replace("multiply: 1.1", "multiply: -1"))
    own = write(place, "own.yaml", "base: base.yaml\nname: own\nassumptions:\n  - {creation: {multiply: -2}}\n")
    found = "\n".join(sorted(told(own)))
    assert "base.yaml, line 6, simulate.sed: unknown key" in found
    assert "base.yaml, line 9, assumptions.win_rate.multiply: must be at least 0" in found
    assert "own.yaml, line 4, assumptions.creation.multiply: must be at least 0" in found


def test_assumptions_put_other_keys_in_the_place_of_the_own(place):
    text = "base: base.yaml\nname: own\nassumptions:\n  - {quotas: {method: even}}\n  - {territories: {map: m.csv}}\n"
    scenario = load_scenario(write(place, "own.yaml", text))
    quotas = scenario.keys.quotas
    assert quotas is not None
    # Another method has other options; how quotas are rounded stays.
    assert (quotas.method, quotas.options, quotas.round_to) == ("even", {}, 1000)
    assert scenario.keys.territories.map == "m.csv"
    fewer = scenario.supposing({0, 2}).keys
    assert fewer.quotas is not None
    assert (fewer.quotas.method, fewer.territories.map, len(fewer.assumptions)) == ("growth", "m.csv", 2)


def test_what_an_assumption_replaces_and_what_it_puts_there_are_both_checked(place):
    write(place, "base.yaml", BASE.replace("round_to: 1000", "round_to: 0"))
    own = write(
        place, "own.yaml", "base: base.yaml\nname: own\nassumptions:\n  - {quotas: {round_to: 5, methd: even}}\n"
    )
    found = sorted(told(own))
    assert len(found) == 2
    assert "base.yaml, line 7, quotas.round_to: must be at least 0.01" in found[0]
    assert "own.yaml, line 4, quotas.methd: unknown key" in found[1]
