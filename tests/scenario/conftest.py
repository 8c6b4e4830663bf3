"""One small company, asked once, for all tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from spmforecast.data import ExampleCompany
from spmforecast.scenario import RunResult, run

TEXT = """\
name: tiny
history: company
as_of: 2025-06-30
until: 2025-12-31
currency: EUR
levels: [region, segment, product]
plan: {2025Q1: 100_000, 2025Q2: 200_000, 2025Q3: 400_000, 2025Q4: 500_000}
simulate: {trials: 400, seed: 3}
quotas: {over_assignment: 0.10, round_to: 1000}
"""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables of a company of five reps in `company`, and `scenario.yaml`; read only."""
    folder = tmp_path_factory.mktemp("scenario")
    ExampleCompany(seed=7, character="tiny").write(folder / "company")
    (folder / "scenario.yaml").write_text(TEXT, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def result(place: Path) -> RunResult:
    """The answer; treat it as read-only."""
    return run(place / "scenario.yaml")
