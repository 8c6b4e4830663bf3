"""The promise of the intervals, held against companies whose truth is known and whose mechanism is not the model's."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_eighty_per_cent_intervals_hold_seven_to_nine_futures_in_ten_on_average() -> None:
    calibration = benchmark("calibration")
    rows = calibration.calibrate(companies=20, first_seed=101)
    held = calibration.summarise(rows, ["level"])["held"]
    assert rows["seed"].nunique() == 20
    assert held["company"] == pytest.approx(0.8, abs=0.1)
    assert held["region"] == pytest.approx(0.8, abs=0.1)
    # A year's total asks more: errors of the mean add up over the quarters (see docs/calibration.md).
    assert held["company, year"] == pytest.approx(0.8, abs=0.12)
    assert held["region, year"] == pytest.approx(0.8, abs=0.12)
