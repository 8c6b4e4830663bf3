"""Slips in the keys of a scenario: each is answered with the key that was meant, or with where it belongs."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError
from spmforecast.scenario import load_scenario
from spmforecast.scenario.keys.assumptions import ActivityType

LEAST = "name: plain\nhistory: data\nas_of: 2025-06-30\nuntil: 2025-12-31\n"


def _mend(folder: Path, text: str) -> str:
    """Return how the one unknown key of a scenario may be mended."""
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="unknown key") as caught:
        load_scenario(path)
    (mend,) = (problem.mend for problem in caught.value.problems if problem.reason == "unknown key")
    return mend


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("assume", "assumptions"),
        ("assumption", "assumptions"),
        ("sim", "simulate"),
        ("simulation", "simulate"),
        ("quota", "quotas"),
        ("territory", "territories"),
        ("comp", "compensation"),
        ("fiscal_year", "fiscal_year_start"),
        ("plans", "plan"),
        ("asof", "as_of"),
        ("as-of", "as_of"),
        ("As Of", "as_of"),
        ("histroy", "history"),
        ("curency", "currency"),
        ("time_zone", "timezone"),
        ("phase", "phasing"),
        ("back-test", "backtest"),
        ("qualtiy", "quality"),
        ("level", "levels"),
        ("until_date", "until"),
    ],
)
def test_a_slip_is_answered_with_the_key_that_was_meant(tmp_path: Path, slip: str, meant: str) -> None:
    assert _mend(tmp_path, f"{LEAST}{slip}: 1\n") == f"Did you mean {meant}?"


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("simulate: {trial: 5}", "Did you mean trials?"),
        ("simulate: {trails: 5}", "Did you mean trials?"),
        ("quotas: {limit: {}}", "Did you mean limits?"),
        ("quotas: {round: 5}", "Did you mean round_to?"),
        ("assumptions: [{name: x, win_rates: 1.1}]", "Did you mean win_rate?"),
        ("assumptions: [{name: x, territorys: a}]", "Did you mean territories?"),
    ],
)
def test_so_are_slips_further_in(tmp_path: Path, text: str, mend: str) -> None:
    assert _mend(tmp_path, f"{LEAST}{text}\n") == mend


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("seed: 5", "It belongs under simulate."),
        ("trials: 5", "It belongs under backtest or under simulate."),
        ("cushion: 0.1", "It belongs under quotas."),
        ("simulate: {timezone: UTC}", "It belongs at the top."),
        ("gap_days: 4", "It belongs under quality.rules."),
        ("locks: []", "It belongs under quotas.limits or under update.limits."),
        ("multiply: 1.1", "It belongs under assumptions."),
    ],
)
def test_a_right_key_in_a_wrong_place_is_told_its_place(tmp_path: Path, text: str, mend: str) -> None:
    assert _mend(tmp_path, f"{LEAST}{text}\n") == mend


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("trails: 5", "Did you mean trials under backtest or under simulate?"),
        ("sed: 5", "Did you mean seed under simulate?"),
        ("over_asignment: 0.1", "Did you mean over_assignment under quotas?"),
        ("half_live: choose", "Did you mean half_life under model?"),
        ("winrate: {multiply: 1.1}", "Did you mean win_rate under assumptions?"),
        ("quotas: {trails: 5}", "Did you mean trials under backtest or under simulate?"),
        ("simulate: {level: [region]}", "Did you mean levels at the top?"),
        ("assumptions: [{trails: 5}]", "Did you mean trials under backtest or under simulate?"),
    ],
)
def test_a_slip_in_a_wrong_place_is_told_what_was_meant_and_where(tmp_path: Path, text: str, mend: str) -> None:
    assert _mend(tmp_path, f"{LEAST}{text}\n") == mend


def test_a_slip_is_not_sent_to_where_it_stands(tmp_path: Path) -> None:
    """Every kind of assumption may be multiplied: that it belongs under assumptions tells nobody anything."""
    assert _mend(tmp_path, f"{LEAST}assumptions: [{{multipy: 1.1}}]\n").startswith("Known here: name, win_rate, ")


@pytest.mark.parametrize("word", ["money", "data", "horizon", "regions", "zzz"])
def test_letters_alone_make_no_suggestion(tmp_path: Path, word: str) -> None:
    assert _mend(tmp_path, f"{LEAST}{word}: 1\n").startswith("Known here: base, name, history, as_of, ")


@pytest.mark.parametrize(
    ("line", "attribute"),
    [
        ("{win_rate: {multiply: 1.05}, region: North}", "region"),
        ("{win_rate: {multiply: 1.05}, segment: SMB}", "segment"),
        ("{creation: {multiply: 0.9}, owner_id: R013}", "owner_id"),
        ("{creation: {multiply: 0.9}, rep_id: R013}", "owner_id"),
        ("{creation: {multiply: 0.9}, owner: R013}", "owner_id"),
        ("{deal_size: {add: 100}, manager: M-1}", "manager_id"),
        ("{deal_size: {add: 100}, territory_id: T-1}", "territory_id"),
        ("{deal_size: {add: 100}, territory: T-1}", "territory_id"),
        ("{price: {change: 0.05, elasticity: -1}, product: Suite}", "product"),
        ("{market: {multiply: 0.9}, regions: [North]}", "region"),
        ("{market: {multiply: 0.9}, industry: Health}", "industry"),  # as levels name it
        ("{win_rate: {multiply: 1.05, region: North}}", "region"),
    ],
)
def test_whom_an_assumption_is_for_goes_under_where(tmp_path: Path, line: str, attribute: str) -> None:
    mend = _mend(tmp_path, f"{LEAST}levels: [region, industry]\nassumptions:\n  - {line}\n")
    assert mend == f"Scope goes under where, beside what is assumed: where: {{{attribute}: ...}}."


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("{win_rat: {multiply: 1.05}}", "win_rate"),
        ("{win_rate: {multiply: 1.05}, wher: {region: North}}", "where"),
        ("{activity: {typ: call, multiply: 1, elasticity: 1}}", "type"),
        ("{hire: {territory: North, start: 2025-09-01}}", "territory_id"),
    ],
)
def test_keys_of_an_assumption_come_before_its_scope(tmp_path: Path, line: str, meant: str) -> None:
    assert _mend(tmp_path, f"{LEAST}assumptions:\n  - {line}\n") == f"Did you mean {meant}?"


def test_an_activity_is_of_a_type_that_can_be_recorded(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(f"{LEAST}assumptions:\n  - {{activity: {{type: calls, multiply: 1.2, elasticity: 0.3}}}}\n")
    with pytest.raises(InputError, match=r"line 6, assumptions\.activity\.type: .*Did you mean call\?"):
        load_scenario(path)
    column = TABLES["activities"].column("type")
    assert column is not None
    assert get_args(ActivityType) == column.choices
