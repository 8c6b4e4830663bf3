"""Drift monitors: quiet where nothing changes, loud where wins, closings or the make-up of deals do."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from companies import history_of
from spmforecast.calendar import FiscalCalendar
from spmforecast.evaluate.monitors import MONITOR_COLUMNS, alerts, monitor, pit_by_period

START, DAYS = pd.Timestamp("2022-01-01"), 1095


def deals(win_rate_late=0.4, late_segment=0.3, seed=8):
    """A deal a day for three years; from the third year on win rate and share of the segment SMB may change."""
    rng = np.random.default_rng(seed)
    out = []
    for day in range(DAYS):
        late = day >= 730
        won = rng.random() < (win_rate_late if late else 0.4)
        small = rng.random() < (late_segment if day >= DAYS - 92 else 0.3)
        age = int(rng.integers(5, 60))
        closed = day + age <= DAYS
        out.append({
            "opportunity_id": f"D{day}", "created_date": START + pd.Timedelta(days=day),
            "status": ("won" if won else "lost") if closed else "open", "amount": 10.0,
            "close_date": START + pd.Timedelta(days=day + age) if closed else None,
            "segment": "SMB" if small else "Mid",
        })  # fmt: skip
    return out


def watched(**options):
    return monitor(history_of(deals(**options)).as_of(START + pd.Timedelta(days=DAYS)), FiscalCalendar())


def test_nothing_alerts_where_nothing_changes() -> None:
    table = watched()
    assert list(table.columns) == list(MONITOR_COLUMNS)
    assert set(table["monitor"]) == {
        "wins by entry cohort", "win rate, higher", "win rate, lower", "make-up of new deals",
    }  # fmt: skip
    assert alerts(table) == ()


def test_a_win_rate_that_falls_is_seen_by_cohorts_and_closings() -> None:
    table = watched(win_rate_late=0.08)
    told = alerts(table)
    lower = (
        r"win rate of closings from 2024-\d\d-\d\d to 2024-1\d-\d\d is lower than the \d+ % before: (\d+) % of (\d+) \("
    )
    shift = next(found for said in told if (found := re.match(lower, said)))
    assert int(shift[1]) < 20
    assert int(shift[2]) > 100
    cohorts = table[table["monitor"] == "wins by entry cohort"]
    low = cohorts[cohorts["alert"].astype(bool) & (cohorts["value"] < 1)]
    assert set(low["what"]) & {"2024Q1", "2024Q2", "2024Q3"}
    assert not table[table["monitor"] == "win rate, higher"]["alert"].any()


def test_a_rate_that_rose_and_then_fell_is_told_by_its_stretches() -> None:
    made = deals()
    closed = [deal for deal in made if deal["status"] != "open" and deal["close_date"] > START + pd.Timedelta(days=740)]
    for deal in closed:
        autumn = deal["close_date"] > START + pd.Timedelta(days=910)
        deal["status"] = "lost" if autumn else "won"
    table = monitor(history_of(made).as_of(START + pd.Timedelta(days=DAYS)), FiscalCalendar())
    told = [said for said in alerts(table) if said.startswith("win rate")]
    higher, lower = (next(said for said in told if word in said) for word in ("is higher", "is lower"))
    assert "from 2024-01-" in higher
    assert "to 2024-06-28" in higher
    assert "before: 100 % of" in higher
    assert "from 2024-06-30 to" in lower
    assert "before: 0 % of" in lower


def test_a_new_make_up_of_deals_is_seen() -> None:
    told = alerts(watched(late_segment=0.75))
    assert len(told) == 1
    assert "differ in segment" in told[0]


def test_observed_and_expected_wins_of_cohorts_by_hand() -> None:
    rows = [
        # 2023Q1: two deals, one won at age 10, one lost at age 20. 2023Q2: two deals, both open 15 days after creation.
        {"opportunity_id": "A", "created_date": "2023-03-01", "status": "won", "close_date": "2023-03-11", "amount": 1},
        {
            "opportunity_id": "B",
            "created_date": "2023-03-01",
            "status": "lost",
            "close_date": "2023-03-21",
            "amount": 1,
        },
        {"opportunity_id": "C", "created_date": "2023-04-05"},
        {"opportunity_id": "D", "created_date": "2023-04-05"},
    ]
    table = monitor(history_of(rows).as_of("2023-04-20"), FiscalCalendar())
    second = table[table["what"] == "2023Q2"].iloc[0]
    # Hazard of the first cohort at age 10: one win of two at risk. Two deals of the second passed it: one win expected.
    assert second["value"] == 0.0
    assert "would have won 1 times" in second["told"]


def test_no_deals_no_monitors() -> None:
    empty = history_of([{"opportunity_id": "A", "created_date": "2023-04-05"}]).as_of("2023-01-01")
    assert monitor(empty, FiscalCalendar()).empty


def test_pit_by_period_counts_the_period_under_way_alone() -> None:
    cells = pd.DataFrame({
        "method": "m", "level": "rep", "ahead": [0] * 40 + [1], "target": ["2023Q1"] * 20 + ["2023Q2"] * 21,
        "pit": [*np.linspace(0.025, 0.975, 20), *np.linspace(0, 0.1, 20), 0.5],
    })  # fmt: skip
    table = pit_by_period(cells, "m").set_index("target")
    assert table["cases"].tolist() == [20, 20]
    assert table.loc["2023Q1", "mean"] == pytest.approx(0.5)
    assert table.loc["2023Q1", "p_value"] > 0.9
    assert table.loc["2023Q2", "p_value"] < 1e-6
