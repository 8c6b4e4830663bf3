"""The table of a run on a terminal: no figure is cut, and every planned period has a row."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from spmforecast.cli.tables import print_forecast
from spmforecast.plan import AnnualPlan
from spmforecast.scenario.printed import company_rows
from spmforecast.simulate import Forecast


def _forecast(labels: list[str], size: float, booked: float = 0.0) -> Forecast:
    rng = np.random.default_rng(4)
    draws = np.round(size * rng.uniform(0.5, 1.5, (200, len(labels))), 2)
    cells = pd.DataFrame({"owner_id": "A", "part": "new", "period": labels})
    if booked:
        draws = np.concatenate([draws, np.full((200, 1), booked)], axis=1)
        cells.loc[len(cells)] = ["A", "won", labels[0]]
    return Forecast(draws, cells)


def _printed(forecast: Forecast, plan: dict[str, float], width: int, terminal: bool = True) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None, soft_wrap=True)
    rows = company_rows(forecast, AnnualPlan.from_mapping(plan, forecast.calendar))
    print_forecast(console, rows, "run", "JPY")
    return out.getvalue()


@pytest.mark.parametrize("width", [20, 60, 80, 120])
@pytest.mark.parametrize("size", [4e5, 3e6, 2e9, 5e12])
def test_no_figure_is_cut_at_any_width(size: float, width: int) -> None:
    forecast = _forecast(["2025Q3", "2025Q4"], size)
    told = _printed(forecast, {"2025Q3": size, "2025Q4": size}, width)
    assert "…" not in told
    divisor = 1e6 if "million JPY" in told else 1e3 if "thousand JPY" in told else 1.0
    shown = float(told.split("2025Q3")[1].split("│")[2].replace(",", ""))
    assert shown * divisor == pytest.approx(forecast.period_draws("2025Q3").mean(), abs=divisor)
    assert all(len(line) <= width for line in told.splitlines()) or width < 80


def test_six_digits_stand_in_full_on_one_line_at_80_columns_and_large_ones_where_piped() -> None:
    usual = _printed(_forecast(["2025Q3", "2025Q4"], 4e5), {"2025Q3": 4e5}, 80)
    assert "(JPY)" in usual
    assert sum("–" in line and "2025Q3" in line for line in usual.splitlines()) == 1
    assert "(million JPY)" in _printed(_forecast(["2025Q3"], 2e9), {"2025Q3": 2e9}, 80)
    assert "2,000,000,000" in _printed(_forecast(["2025Q3"], 2e9), {"2025Q3": 2e9}, 80, terminal=False)


def test_a_planned_quarter_has_a_row_beside_its_months() -> None:
    forecast = _forecast(["2025-07", "2025-08", "2025-09", "2025-10"], 100.0, booked=30.0)
    plan = {"2025-07": 100.0, "2025Q3": 330.0}
    rows = company_rows(forecast, AnnualPlan.from_mapping(plan, forecast.calendar))
    assert rows["period"].tolist() == ["2025-07", "2025-08", "2025-09", "2025Q3", "2025-10", "2025 (part)"]
    quarter = rows[rows["period"] == "2025Q3"].iloc[0]
    assert quarter["booked"] == 30.0
    assert quarter["mean"] == pytest.approx(forecast.period_draws("2025Q3").mean())
    assert quarter["p_plan"] == forecast.p_plan({"2025Q3": 330.0}).iloc[0]


def test_a_chance_that_no_or_every_draw_shows_is_certain_only_by_arithmetic() -> None:
    forecast = _forecast(["2025Q3", "2025Q4"], 1000.0, booked=700.0)
    assert "<1 %" in _printed(forecast, {"2025Q4": 1e6}, 80)
    assert ">99 %" in _printed(forecast, {"2025Q4": 1.0}, 80)
    assert "100 %" in _printed(forecast, {"2025Q3": 700.0}, 80)
