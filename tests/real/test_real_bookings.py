"""AdventureWorks: orders without deals, through a scenario file and a map, against the quarters that followed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import spmforecast as spm

HERE = Path(__file__).parent
SCENARIO = HERE / "adventureworks" / "scenario.yaml"


def benchmark() -> ModuleType:
    path = HERE.parents[1] / "benchmarks" / "bookings.py"
    spec = importlib.util.spec_from_file_location("bookings_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_makers_of_bicycles_book_what_was_forecast(shared_data: Callable[[str], Path]) -> None:
    shared_data("adventureworks")
    result = spm.run(SCENARIO, trials=600)
    assert len(result.history.rejected) == 0
    assert len(result.model.deals) == 3344  # orders up to the date, out of many more lines
    regions = set(result.forecast.cells["region"])
    assert regions == {"North America", "Europe", "Pacific"}
    low, high = result.forecast.quantiles(["period"], [0.1, 0.9]).loc["2020Q2"]
    assert low <= 8_971_849 <= high


@pytest.mark.slow
def test_six_quarters_in_a_row(shared_data: Callable[[str], Path]) -> None:
    shared_data("adventureworks")
    module = benchmark()
    table = module.summary(module.rolling(str(SCENARIO)))
    ours = table.xs("this forecast", level="method")
    # Six quarters of one company: what was forecast a quarter ahead held in at least four of them.
    assert ours.loc[("company", 1), "held"] >= 4 / 6
    assert 0.7 <= ours.loc[("rep", 1), "held"] <= 0.92
    assert 0.65 <= ours.loc[("rep", 2), "held"] <= 0.92
    # Sellers are forecast better than by any rival. The company as a whole is not: see docs/real_data.md.
    for name in module.RIVALS:
        rival = table.xs(name, level="method")
        assert (ours["crps"] < rival["crps"]).loc[[("rep", 1), ("rep", 2)]].all(), name
    naive = table.xs("run rate, last quarter", level="method")
    assert (ours["crps"] < naive["crps"]).loc[[("company", 1), ("company", 2)]].all()
