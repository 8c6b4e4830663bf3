"""A scenario in which every line is wrong: each gets one message, with its line, in words of our own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from spmforecast.errors import InputError
from spmforecast.scenario import load_scenario

GOOD = "good"
LINES = """\
name: ../up
history: {example: {size: huge}}
as_of: 2025-06-31
until: soon
period: week
fiscal_year_start: 13
fiscal_calendar: {pattern: 4-4-6}
currency: [EUR]
timezone: 5
levels: 7
plan: # good
  2025Q3: much
  2025Q4: -5
model: # good
  segment_by: []
  law: weibul
  choose: maybe
backtest: # good
  weeks: [1, two]
  ahead: 0
quality: # good
  rules: {gap_day: 3}
  repair: [glue]
  clean_ups: throw
simulate: # good
  trials: -5
  tolerance: 2
  sed: 3
  method: guess
quotas: # good
  method: equal-probabilty
  over_assignment: 10
  round_to: 0
  limits: {floor: low}
  figures: {R1: few}
  hierarchy: {country: 0.1}
  cushion: {wanted: 2}
territories: # good
  propose: {frontier: [0, 2]}
  hold_days: -1
  rep_effects: some
compensation: # good
  plan: ""
  effort: {kink: {rate: 0.1, accelerated: -1}}
hiring: # good
  wanted: 0
  starts: [tomorrow]
assumptions: # good
  - {win_rate: {multiply: 1.1, add: 0.1}}
  - {win_rate: {multipy: 1}}
  - {cycle_length: {multiply: 0}}
  - {creation: much}
  - {price: {change: 0.05}}
  - {hire: {territory_id: North, start: never}}
  - {attrition: {annual: 1}}
  - {market: {multiply: 0.9, creation: 1.1}}
  - {deal: {opportunity_id: O-1}}
  - {wn_rate: {multiply: 1}}
  - {ramp: {multiply: 1}, creation: {multiply: 1}}
  - {name: nothing}
  - {ramp: {multiply: 1}, where: {segment: SMB}}
  - {creation: {multiply: 1}, from: 2026-01-01, until: 2025-01-01}
  - {creation: {multiply: 1}, where: SMB}
  - {creation: {multiply: 1}, from: monday}
  - {quotas: {over_asignment: 0.2}}
  - {compensation: 7}
colour: red
""".splitlines()


def test_each_wrong_line_gets_one_message_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"wrong\.yaml, line 1, name") as caught:
        load_scenario(path)
    wrong = [number for number, line in enumerate(LINES, start=1) if not line.endswith(f"# {GOOD}")]
    assert len(wrong) >= 50
    assert Counter(problem.line for problem in caught.value.problems) == Counter(wrong)
    told = str(caught.value).lower()
    for foreign in ("input should", "valid", "pydantic", "tuple", "dict[", "literal[", "constrained", "extra inputs"):
        assert foreign not in told
    assert all(problem.mend for problem in caught.value.problems)


DAYS = "name: days\nhistory: {example: {}}\nas_of: 2025-06-30\nuntil: 2025-12-31\nassumptions:\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{hire: {territory_id: N, start: 2025-06-30}}", "assumptions.hire.start: must lie between as_of and until"),
        ("{leave: {rep_id: R1, start: 2026-01-01}}", "assumptions.leave.start: must lie between as_of and until"),
        ("{deal: {opportunity_id: O, outcome: won, date: 2026-02-01}}", "assumptions.deal.date: must lie between"),
        ("{creation: {add: 1}, from: 2026-01-01}", "assumptions.from: lies after the end of the forecast"),
        ("{creation: {add: 1}, until: 2025-06-30}", "assumptions.until: does not lie after as_of"),
        ("{market: {}}", "assumptions.market: needs multiply, or creation and win_rate"),
        ("{win_rate: {multiply: 1}, since: 2025-07-01}", "assumptions.since: unknown key"),
        ("{deal: {opportunity_id: O, outcome: lost, amount: 5}}", "assumptions.deal: date and amount belong"),
    ],
)  # fmt: skip
def test_assumptions_that_can_do_nothing(tmp_path: Path, line: str, expected: str) -> None:
    path = tmp_path / "days.yaml"
    path.write_text(f"{DAYS}  - {line}\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 6") as caught:
        load_scenario(path)
    assert len(caught.value.problems) == 1
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "{deal: {opportunity_id: O-1, outcome: lost}}",
        "{leave: {rep_id: R1, start: 2025-09-01}}",
        "{attrition: {annual: 0.1}}",
    ],
)
def test_two_assumptions_of_which_one_can_hold(tmp_path: Path, line: str) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(f"{DAYS}  - {line}\n  - {line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 7, .*: this is assumed twice"):
        load_scenario(path)
