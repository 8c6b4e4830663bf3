"""The backtest of a scenario: its folder, what is worked out once, its page; and what a run measures beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import spmforecast as spm
from backtests import tables
from spmforecast.cli import app
from spmforecast.data import write_tables
from spmforecast.errors import InputError

TEXT = """\
name: small
history: company
as_of: 2024-12-31
until: 2025-06-30
currency: EUR
model: {combine: true}
simulate: {trials: 300, seed: 3}
backtest: {weeks: [10], periods: 2, trials: 100, least_days: 400}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backtest")
    write_tables(tables(), folder / "company")
    (folder / "scenario.yaml").write_text(TEXT, encoding="utf-8")
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_command_tells_writes_and_goes_on(place: Path) -> None:
    out = place / "out"
    result = CliRunner().invoke(app, ["backtest", str(place / "scenario.yaml"), "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert "Company, bookings of the period under way: the mean error (CRPS) is" in result.output
    facts = json.loads((out / "backtest.json").read_text(encoding="utf-8"))
    assert facts["state"] == "finished"
    assert facts["origins"] == 2
    summary = pd.read_csv(out / "backtest.csv")
    assert {"this forecast", "stage-weighted", "run rate", "seasonal naive"} <= set(summary["method"])
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "the forecast on its own past" in page
    assert page.count("<svg") >= 3
    before = bytes_of(out)
    kept = sorted((out / "origins").glob("*.npz"))
    kept[0].unlink()
    (out / "origins" / "stale.npz").write_bytes(b"left by other settings")
    spm.backtest(place / "scenario.yaml", out, jobs=2)
    spm.report(out)
    assert bytes_of(out) == before


def test_another_folder_is_not_overwritten(place: Path) -> None:
    with pytest.raises(InputError, match="something that is no backtest stands there"):
        spm.backtest(place / "scenario.yaml", place / "company")
    with pytest.raises(InputError, match="must be at least 1"):
        spm.backtest(place / "scenario.yaml", jobs=0)


@pytest.mark.slow
def test_a_run_ships_the_mix_where_it_scored_better_and_draws_still_add_up(place: Path) -> None:
    result = spm.run(place / "scenario.yaml")
    told = {row["period"]: row for row in result.measured.tables["combination"]}
    assert list(told) == ["2025Q1", "2025Q2"]
    assert len(result.measured.notes) == 2
    assert all(note in result.warnings for note in result.measured.notes)
    plain = spm.simulate(result.model, "2025-06-30", trials=300, seed=3)
    for period, row in told.items():
        changed = ~np.isclose(plain.period_draws(period), result.forecast.period_draws(period))
        assert changed.any() == row["shipped"]
        assert row["shipped"] == (row["cases"] >= 4 and row["own_crps"] - row["mix_crps"] > row["gain_se"])
    folder = result.save(place / "run")
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["combination"] == list(told.values())
    assert list(pd.read_csv(folder / "drift.csv").columns)[:2] == ["monitor", "what"]
    assert 'id="drift"' in spm.report(folder).read_text(encoding="utf-8")
