"""Quotas set on the eve of a quarter of AdventureWorks: the company's total, and closer to what came than even ones."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from spmforecast.data import read_history

HERE = Path(__file__).parent


def test_splits_hold_the_total_and_know_the_reps(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shared_data("adventureworks")
    shutil.copy(HERE / "adventureworks" / "map.yaml", tmp_path / "map.yaml")
    spec = importlib.util.spec_from_file_location(
        "adventureworks_quotas", HERE.parents[1] / "benchmarks" / "adventureworks_quotas.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TRIALS = 500
    table: pd.DataFrame = module.splits(read_history(folder, map=tmp_path / "map.yaml"), "2019Q4")
    total = table.groupby("method")["quota"].sum()
    assert (abs(total - total["the company's own"]) < 0.005).all()
    assert table["rep_id"].nunique() == 17
    judged = module.judge(table)
    assert judged.loc["equal probability of attainment", "error"] < 0.7 * judged.loc["even", "error"]
