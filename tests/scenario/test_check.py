"""Checking without running: what a run would stumble over is told, all at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from spmforecast.errors import InputError
from spmforecast.scenario import run
from spmforecast.scenario.check import check_source


def _told(source: Path, strict: bool = False) -> str:
    return "\n".join(str(problem) for problem in check_source(source, strict)[1])


@pytest.fixture
def own(place: Path, tmp_path: Path) -> Path:
    """A copy of the company and its scenario that may be spoilt."""
    shutil.copytree(place, tmp_path / "own")
    return tmp_path / "own"


def _change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_right_folder_and_a_right_scenario_have_no_problems(place: Path) -> None:
    history, problems = check_source(place / "company")
    assert history is not None
    assert problems == []
    known, problems = check_source(place / "scenario.yaml")
    assert known is not None
    assert str(known.known_at.date()) == "2025-06-30"
    assert problems == []


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    assert "cannot be read" in _told(tmp_path / "none")
    assert "there is neither an opportunities nor a bookings table" in _told(tmp_path)


def test_a_rejected_row_is_borne_unless_strict(own: Path) -> None:
    _change(own / "company" / "opportunities.csv", ",won,", ",wonn,")
    history, problems = check_source(own / "company")
    assert problems == []
    assert history is not None
    assert history.rejected["value"].tolist()[0] == "wonn"
    told = _told(own / "company", strict=True)
    assert "strict bears none" in told
    assert "'wonn'" in told


def test_scenario_and_data_are_looked_at_together(own: Path) -> None:
    _change(own / "scenario.yaml", "quotas:", "quota:")
    _change(own / "company" / "opportunities.csv", "owner_id", "owner")
    told = _told(own / "scenario.yaml")
    assert "Did you mean quotas?" in told
    assert "a required column is missing" in told


def test_a_wrong_scenario_without_data_is_still_told(own: Path) -> None:
    _change(own / "scenario.yaml", "history: company", "history: {folder: company, mpa: x}")
    told = _told(own / "scenario.yaml")
    assert "Did you mean map?" in told
    _change(own / "scenario.yaml", "history: {folder: company, mpa: x}\n", "")
    assert "the key history is missing" in _told(own / "scenario.yaml")


def test_a_day_before_the_first_deal(own: Path) -> None:
    _change(own / "scenario.yaml", "as_of: 2025-06-30", "as_of: 2019-06-30")
    assert "line 3, as_of: no deal is known at this date" in _told(own / "scenario.yaml")


def test_levels_that_deals_have_not(own: Path) -> None:
    _change(own / "scenario.yaml", "levels: [region, segment, product]", "levels: [region, colour, size]")
    told = _told(own / "scenario.yaml")
    assert "deals have no such attribute (found 'colour')" in told
    assert "(found 'size')" in told


def test_a_wrong_plan_file(own: Path) -> None:
    _change(own / "scenario.yaml", "plan: {", "plan: plan.csv  # {")
    assert "plan: the plan cannot be read" in _told(own / "scenario.yaml")
    (own / "plan.csv").write_text("period,target\n2025Q3,1 Mio\n", encoding="utf-8")
    assert "line 2, target: not an amount (found '1 Mio')" in _told(own / "scenario.yaml")


def test_a_map_is_looked_at(own: Path) -> None:
    _change(own / "scenario.yaml", "history: company", "history: {folder: company, map: map.yaml}")
    assert "the map cannot be read" in _told(own / "scenario.yaml")
    (own / "map.yaml").write_text("tables:\n  opportunities:\n    file: opportunities.csv\n    renam: {a: b}\n")
    assert "map.yaml, line 4, tables.opportunities.renam: unknown key" in _told(own / "scenario.yaml")


def test_reps_that_quota_keys_name_must_sell(own: Path) -> None:
    """Whom the run would refuse to give a quota is told by the check, at its line; R002 has left."""
    _change(
        own / "scenario.yaml",
        "quotas: {",
        "quotas: {limits: {floor: {R0001: 10}, locks: [{rep_id: nobody, quota: 5, reason: agreed}]},\n"
        "  figures: {R001: 1, R002: 1}, ",
    )
    known, problems = check_source(own / "scenario.yaml")
    assert known is not None
    assert [(one.value, one.line) for one in problems] == [("nobody", 9), ("R0001", 9), ("R002", 10)]
    assert "Did you mean R001?" in problems[1].mend
    with pytest.raises(InputError, match="no such rep gets a quota") as caught:
        run(own / "scenario.yaml", trials=20)
    assert [str(one) for one in caught.value.problems] == [str(one) for one in problems]


def test_names_under_scorecards_and_assumptions_are_looked_at(own: Path) -> None:
    """Each wrong name is told at its line, all at once, and a run stumbles over the same names in the same words."""
    _change(
        own / "scenario.yaml",
        "quotas:",
        "scorecards:\n"
        "  stages: {Proposl: {deals: 4}, Negotiation: {deals: 2}}\n"
        "  pyramid: {drivers: [metting, deals_created], indicators: [deals_created, win_rate]}\n"
        "quotas:",
    )
    known, problems = check_source(own / "scenario.yaml")
    assert known is not None
    assert [(one.value, one.line) for one in problems] == [("metting", 11), ("deals_created", 11), ("Proposl", 10)]
    assert [one.mend for one in problems] == ["Did you mean meeting?", "Take one out.", "Did you mean Proposal?"]
    with pytest.raises(InputError, match="no such stage") as caught:
        run(own / "scenario.yaml", trials=20)
    assert [str(one) for one in caught.value.problems] == [str(one) for one in problems]
    leaves = (f"  - {{leave: {{rep_id: {rep}, start: 2025-09-01}}}}\n" for rep in ("R0001", "R002"))
    _change(own / "scenario.yaml", "quotas:", f"assumptions:\n{''.join(leaves)}quotas:")
    assert "line 13, assumptions.leave.rep_id: the record knows no such rep who sells" in _told(own / "scenario.yaml")
    assert "line 14, assumptions.leave.rep_id: this rep no longer sells at as_of" in _told(own / "scenario.yaml")
    assert "Did you mean Proposal?" in _told(own / "scenario.yaml")


def test_quotas_of_those_to_be_hired_are_no_mistake(own: Path) -> None:
    hire = "assumptions:\n  - {hire: {count: 1, territory_id: North, start: 2025-09-01}}\n"
    _change(own / "scenario.yaml", "quotas: {", hire + "quotas: {limits: {floor: {North hire 1: 10}}, ")
    assert _told(own / "scenario.yaml") == ""


def test_stages_are_those_after_the_repairs_that_are_asked_for(own: Path) -> None:
    _change(own / "company" / "stage_history.csv", ",Proposal,", ",Proposall,")
    _change(own / "scenario.yaml", "quotas:", "scorecards: {stages: {Proposall: {deals: 1}}}\nquotas:")
    assert _told(own / "scenario.yaml") == ""
    _change(own / "scenario.yaml", "quotas:", "quality: {repair: nearest_keys}\nquotas:")
    assert "Did you mean Proposal?" in _told(own / "scenario.yaml")
