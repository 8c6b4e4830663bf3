"""A plan of the year phased over quarters and months: exact sums, what is given stays, and what is missed moves on."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from spmforecast.data import History
from spmforecast.errors import InputError
from spmforecast.scenario import load_history, load_plan, load_scenario, run
from spmforecast.scenario.check import check_source
from spmforecast.scenario.phasing import phased_plan
from spmforecast.scenario.schema import Scenario

TEXT = """\
name: phased
history: {place}/company
as_of: {as_of}
until: {until}
period: {period}
plan: {plan}
simulate: {{trials: 60, seed: 3}}
quotas: {{round_to: 100}}
phasing: {phasing}
"""


@pytest.fixture
def asked(place: Path, tmp_path: Path):
    def make(phasing: str, plan: str = "{2025: 1_000_000.01}", **other: str) -> tuple[Path, Scenario, History]:
        values = {"as_of": "2025-06-30", "until": "2025-12-31", "period": "quarter", **other}
        path = tmp_path / "s.yaml"
        path.write_text(TEXT.format(place=place, phasing=phasing, plan=plan, **values), encoding="utf-8")
        scenario = load_scenario(path)
        return path, scenario, load_history(scenario).as_of(scenario.keys.as_of)

    return make


def phased(scenario: Scenario, history: History) -> dict[str, Decimal]:
    plan, _ = phased_plan(scenario, load_plan(scenario, history), history)
    return {period: amount for (period, _, _), amount in plan.given.items()}


@pytest.mark.parametrize("phasing", ["{}", "{by: days}", "{by: [1, 1, 1, 3]}"])
def test_quarters_sum_to_the_year(asked, phasing: str) -> None:
    _, scenario, history = asked(phasing)
    found = phased(scenario, history)
    quarters = [found[f"2025Q{number}"] for number in (1, 2, 3, 4)]
    assert sum(quarters) == found["2025"] == Decimal("1000000.01")
    if phasing == "{by: [1, 1, 1, 3]}":
        assert quarters == [Decimal(amount) for amount in ("166666.67", "166666.67", "166666.67", "500000.00")]


def test_what_is_given_stays(asked) -> None:
    _, scenario, history = asked("{by: [1, 1, 1, 1]}", "{2025: 1000, 2025Q3: 400}")
    assert phased(scenario, history) == {
        "2025": 1000, "2025Q3": 400, "2025Q1": 200, "2025Q2": 200, "2025Q4": 200,
    }  # fmt: skip


def test_months_follow_their_quarter_before_the_year(asked) -> None:
    _, scenario, history = asked("{by: days}", "{2025: 3650, 2025Q3: 920}", period="month")
    found = phased(scenario, history)
    assert [found[f"2025-0{month}"] for month in (7, 8, 9)] == [310, 310, 300]
    others = [found[f"2025-{month:02d}"] for month in (1, 2, 3, 4, 5, 6, 10, 11, 12)]
    assert sum(others) == 2730
    assert others[0] == Decimal("310.00")


def test_what_closed_periods_missed_moves_on(asked) -> None:
    _, scenario, history = asked("{by: [1, 1, 1, 1], reallocate: 0.5}")
    won = history.deals().query("status == 'won' and '2025-01-01' <= close_date <= '2025-06-30'")["amount"].sum()
    found = phased(scenario, history)
    missed = 500_000.01 - float(won)
    assert float(found["2025Q3"] + found["2025Q4"]) == pytest.approx(500_000 + 0.5 * missed, abs=0.02)
    assert found["2025Q1"] in (Decimal("250000.00"), Decimal("250000.01"))


def test_a_run_sets_quotas_on_phased_quarters_and_says_so(asked) -> None:
    path, _, _ = asked("{by: season}")
    assert check_source(path)[1] == []
    result = run(path)
    assert result.quotas is not None
    assert list(result.quotas.total) == ["2025Q3", "2025Q4"]
    assert any("plan of 2025 phased by the season of past years" in note for note in result.warnings)
    assert "p_plan[2025Q4]" in set(result.evaluation["metric"])


def test_wrong_shares_are_named(asked) -> None:
    _, scenario, history = asked("{by: [1, 2, 3]}")
    with pytest.raises(InputError, match=r"phasing.by: a year has 4 shares of at least 0"):
        phased(scenario, history)
