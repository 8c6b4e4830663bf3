"""Deals of which no amount is known: refused by a run and by check, and said where they are simulated in Python."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from companies import history_of
from spmforecast.errors import InputError
from spmforecast.models import PipelineModel
from spmforecast.scenario import load_scenario
from spmforecast.scenario.check import check_source
from spmforecast.scenario.doubts import _unknown_amounts
from spmforecast.scenario.run import run
from spmforecast.simulate import simulate

_SCENARIO = """
name: blind
history: data
as_of: 2024-12-31
until: 2025-03-31
currency: EUR
plan: {2025Q1: 400_000}
simulate: {trials: 50, seed: 1}
"""


def _deals(amounts: list[float | None]) -> list[dict[str, object]]:
    return [
        {
            "opportunity_id": f"D{i}",
            "owner_id": "A",
            "created_date": f"2024-{1 + i % 9:02d}-10",
            "status": ("won", "lost", "open")[i % 3],
            "stage": "Demo",
            "close_date": f"2024-{2 + i % 9:02d}-20",
            "amount": amount,
        }
        for i, amount in enumerate(amounts)
    ]


def _scenario(folder: Path, amounts: list[float | None]) -> Path:
    (folder / "data").mkdir()
    pd.DataFrame(_deals(amounts)).to_csv(folder / "data" / "opportunities.csv", index=False)
    path = folder / "blind.yaml"
    path.write_text(_SCENARIO, encoding="utf-8")
    return path


def test_a_run_and_check_name_the_column_and_the_mend(tmp_path: Path) -> None:
    path = _scenario(tmp_path, [None] * 30)
    with pytest.raises(InputError, match="no amount above 0 is known of any of 30 deals") as refused:
        run(path)
    (problem,) = refused.value.problems
    assert problem.column == "amount"
    assert "map the one that holds it" in problem.mend
    assert [one.reason for one in check_source(path)[1]] == [problem.reason]


def test_amounts_of_open_deals_alone_are_enough(tmp_path: Path) -> None:
    path = _scenario(tmp_path, [1000.0 if i % 3 == 2 else None for i in range(30)])
    assert check_source(path)[1] == []
    assert load_scenario(path).keys.name == "blind"


def test_where_amounts_are_drawn_from_is_said_only_where_some_are_known() -> None:
    def told(amounts: list[float | None]) -> list[str]:
        return _unknown_amounts(pd.DataFrame(_deals(amounts)).astype({"amount": "float64"}))

    assert told([None] * 6) == []
    assert told([5.0, None, None]) == ["1 open deals have no known amount: drawn from the amounts of won deals"]
    assert "the other deals, as none is won" in told([None, 5.0, None])[0]


def test_in_python_the_forecast_says_that_money_means_nothing() -> None:
    fitted = PipelineModel().fit(history_of(_deals([None] * 30)), as_of="2024-12-31")
    forecast = simulate(fitted, "2025-03-31", trials=20)
    assert any("only numbers of wins mean something" in one for one in forecast.told)
    assert repr(fitted) == "FittedPipeline(as of 2024-12-31, 30 deals, 10 won, stages Open)"


@pytest.mark.parametrize(
    ("options", "value", "mend"),
    [
        ({"trials": 1.5}, "1.5", "Set trials to 1 or more"),
        ({"period": "week"}, "week", "Use one of: month, quarter, year"),
        ({"levels": "regoin"}, "regoin", ""),
    ],
)
def test_wrong_options_of_simulate_are_named(options: dict[str, object], value: str, mend: str) -> None:
    fitted = PipelineModel().fit(history_of(_deals([100.0] * 30)), as_of="2024-12-31")
    with pytest.raises(InputError, match=value) as refused:
        simulate(fitted, "2025-03-31", **{"trials": 20, **options})
    assert [one.value for one in refused.value.problems] == [value]
    assert mend in refused.value.problems[0].mend
