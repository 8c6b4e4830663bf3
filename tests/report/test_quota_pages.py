"""What stands behind single quotas on the page: limits, levels, decisions with reasons; and the new map's pictures."""

from __future__ import annotations

import re

import pytest

from spmforecast.report.folder import Row, Run
from spmforecast.report.maps import balance_by_moves, before_and_after
from spmforecast.report.pages import quotas, territories


def row(**values: object) -> Row:
    return Row(
        {name: str(value) for name, value in values.items()},
        {name: float(value) for name, value in values.items() if isinstance(value, int | float)},
    )


@pytest.fixture
def run() -> Run:
    asked = {"period": "2025Q3", "p_attain": 0.5, "expected_attainment": 1.1, "mean": 110_000.0}
    return Run(
        {"currency": "EUR"},
        (row(node_level="company", node="company", period="2025Q3", plan=140_000.0),),
        quotas=(
            row(rep_id="R1", name="Ann", quota=100_000.0, last_quota=80_000.0, change=20_000.0, limit="", **asked),
            row(rep_id="R2", name="Bob", quota=50_000.0, limit="ratchet_up", **asked),
        ),
        overrides=(
            row(rep_id="R2", period="2025Q3", limit="lock", reason="on leave", amount=50_000.0, quota=50_000.0),
        ),
        nodes=(
            row(period="2025Q3", node_level="region", node="North", quota=150_000.0, cushion=0.1, assigned=165_000.0),
        ),
        evaluation=(
            Row({"metric": "quota_objective_excess[2025Q3]", "value": "0.0012"}),
            Row({"metric": "fairness_p_range[2025Q3]", "value": "0.871"}),
        ),
    )  # fmt: skip


def cells(section: object) -> list[list[str]]:
    blocks = [block for block in section.blocks if block.kind == "table"]  # type: ignore[attr-defined]
    return [[cell.text for cell in line] for block in blocks for line in block.rows]


def test_quotas_show_last_ones_what_holds_them_levels_and_reasons(run: Run) -> None:
    told = cells(quotas.section(run))
    assert told[0][:5] == ["Ann (R1)", "100,000", "80,000", "+25\u00a0%", ""]
    assert told[1][:5] == ["Bob (R2)", "50,000", "–", "–", "largest rise"]
    assert ["region", "North", "150,000", "10.0\u00a0%", "165,000"] in told
    assert ["Bob (R2)", "2025Q3", "lock", "50,000", "50,000", "on leave"] in told
    assert ["Above the bound", "0.12 %"] in told
    assert ["Largest difference of P(attain)", "87\u00a0%"] in told


def test_maps_name_the_owners_and_the_frontier_needs_two_points() -> None:
    accounts = [row(account_id="A", owner_id="R1", proposed_owner_id="R2", latitude=48.0, longitude=11.0)]
    drawing = before_and_after(accounts, {"R2": "Bob"})
    assert drawing is not None
    assert re.search(r">\s*Bob\s*<", drawing.svg)
    points = [row(max_moved=x, moved_share=x, imbalance=0.2 - x) for x in (0.0, 0.1)]
    assert balance_by_moves(points[:1]) is None
    assert balance_by_moves(points) is not None


def test_differences_have_one_kind_of_minus_and_no_signed_zero(run: Run) -> None:
    paired = tuple(
        row(metric="p_plan", period="2025Q3", today=0.5, proposed=0.5 + d, difference=d) for d in (-0.002, 0.00001)
    )
    new = Run(
        {"territories": {"moves": 1, "rules": []}}, run.forecast, territory_evaluation=paired, quotas=run.quotas,
        moves=(row(account_id="A", **{"from": "R1", "to": "R2"}, reason="nearer", potential=5.0),),
    )  # fmt: skip
    told = cells(territories.section(new))
    assert [line[4] for line in told[:2]] == ["−0.2 points", "0.0 points"]
    assert told[2][:3] == ["A", "Ann (R1)", "Bob (R2)"]
