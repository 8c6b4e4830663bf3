"""Rivals by hand: what each says of a record of a few deals that can be added up on paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import history_of
from spmforecast.calendar import FiscalCalendar
from spmforecast.evaluate.rivals import POINTS, Lines, take
from spmforecast.evaluate.rivals.laws import Errors, relative_law

CALENDAR = FiscalCalendar()


def won(name, created, closed, amount, owner="R1", region="North"):
    return {"opportunity_id": name, "created_date": created, "status": "won", "close_date": closed, "amount": amount,
            "owner_id": owner, "region": region}  # fmt: skip


def quarters(first=0.0):
    """Five quarters from 2023Q1 on, each with a deal of 100 k in its first half and one of 300 k in its second."""
    deals = []
    for k, start in enumerate(pd.date_range("2023-01-01", periods=5, freq="QS")):
        early, late = str((start + pd.Timedelta(days=10)).date()), str((start + pd.Timedelta(days=80)).date())
        deals += [
            won(f"E{k}", str(start.date()), early, 100 + first),
            won(f"L{k}", str(start.date()), late, 300, "R2", "South"),
        ]
    return deals


def seen_at(deals, day, **tables):
    history = history_of(deals, **tables).as_of(day)
    every = CALENDAR.periods(day, "2025-12-31", "quarter")
    return take(history, pd.Timestamp(day), tuple(every[:2]), CALENDAR)


def test_a_snapshot_adds_up_nodes_periods_and_what_was_booked_by_the_same_day() -> None:
    seen = seen_at(quarters(), "2024-02-14")  # half of 2024Q1: 45 of 91 days
    assert seen.nodes == [
        ("company", "company"), ("region", "North"), ("region", "South"), ("rep", "R1"), ("rep", "R2"),
    ]  # fmt: skip
    assert [period.label for period in seen.past] == ["2023Q1", "2023Q2", "2023Q3", "2023Q4"]
    np.testing.assert_allclose(seen.closed, np.repeat([[400.0], [100], [300], [100], [300]], 4, axis=1))
    np.testing.assert_allclose(seen.paced, np.repeat([[100.0], [100], [0], [100], [0]], 4, axis=1))
    np.testing.assert_allclose(seen.booked[:, 0], [100.0, 100, 0, 100, 0])


def test_run_rate_usual_rest_and_seasonal_naive() -> None:
    seen = seen_at(quarters(first=20), "2024-02-14")
    # 120 of 420 are usually booked by now: 120 / (2 / 7) = 420. Reps take the company's share.
    np.testing.assert_allclose(POINTS["run rate"](seen)[:, 0], [420.0, 420, 0, 420, 0])
    np.testing.assert_allclose(POINTS["usual rest"](seen), [[420, 420], [120, 120], [300, 300], [120, 120], [300, 300]])
    np.testing.assert_allclose(POINTS["seasonal naive"](seen)[0], [420, 420])


def test_the_pipeline_is_weighted_by_what_became_of_earlier_deals_of_the_stage() -> None:
    deals, events = [], []
    for k, (status, stages) in enumerate([("won", "AB"), ("won", "AB"), ("lost", "AB"), ("lost", "A")]):
        name = f"C{k}"
        deals.append({"opportunity_id": name, "created_date": "2023-01-05", "status": status,
                      "close_date": "2023-03-01",
                      "amount": 50, "owner_id": "R1", "region": "North"})  # fmt: skip
        events += [
            {"opportunity_id": name, "stage": s, "entered_date": f"2023-01-{6 + i:02d}"} for i, s in enumerate(stages)
        ]
    for name, stage, due in (("O1", "A", "2023-06-01"), ("O2", "B", "2023-08-01"), ("O3", "B", "2023-05-01")):
        deals.append({"opportunity_id": name, "created_date": "2023-04-02", "status": "open", "amount": 90,
                      "close_date": due, "owner_id": "R1", "region": "North"})  # fmt: skip
        events.append(
            {"opportunity_id": name, "stage": "A", "entered_date": "2023-04-02", "amount": 90, "close_date": due}
        )
        if stage == "B":
            events.append(
                {"opportunity_id": name, "stage": "B", "entered_date": "2023-04-03", "amount": 90, "close_date": due}
            )
    seen = seen_at(deals, "2023-05-10", events=events)
    # Of four closed deals that were in A two were won, of three in B two. O3 is overdue: it is due in this quarter.
    np.testing.assert_allclose(POINTS["stage-weighted"](seen)[0], [90 * 0.5 + 90 * 2 / 3, 90 * 2 / 3])


def test_commits_are_taken_at_what_earlier_commits_came_to() -> None:
    calls = [
        {"submitted_by": "M", "date": f"{label[:4]}-{3 * int(label[5]) - 2:02d}-20", "period": label,
         "category": "commit",
         "amount": 500, "node_level": "region", "node": "North"}
        for label in ("2023Q1", "2023Q2", "2023Q3", "2023Q4", "2024Q1")
    ]  # fmt: skip
    later = {**calls[-1], "date": "2024-03-01", "amount": 9000}
    seen = seen_at(quarters(), "2024-02-14", submissions=[*calls, later])
    told = POINTS["commit × realisation"](seen)
    # The region booked 100 of 500 committed each quarter, the company, whose commit is the region's, 400 of 500.
    np.testing.assert_allclose(told[:2, 0], [400, 100])
    assert np.isnan(told[2:, 0]).all()
    assert np.isnan(told[:, 1]).all()


def test_series_models_keep_what_is_booked_and_share_the_rest_out() -> None:
    seen = seen_at(quarters(), "2024-02-14")
    for name in ("exponential smoothing", "ARIMA"):
        told = POINTS[name](seen)
        assert (told >= seen.booked - 1e-9).all()
        np.testing.assert_allclose(told[1] + told[2], told[0])


def test_lines_credit_splits_to_the_cent() -> None:
    deals = [won("D1", "2023-01-02", "2023-02-01", 100.01)]
    splits = [{"opportunity_id": "D1", "rep_id": rep, "share": 0.5} for rep in ("R1", "R2")]
    lines = Lines.of(history_of(deals, splits=splits).as_of("2023-12-31"))
    assert sorted(lines.amount.tolist()) == pytest.approx([50.0, 50.01])
    assert lines.amount.sum() == pytest.approx(100.01)


def test_a_law_is_the_forecast_times_past_ratios_never_below_what_is_booked() -> None:
    law = relative_law(
        np.array([100.0, 0.0]), np.array([90.0, 0.0]), [np.array([10.0, 10, 0])], [np.array([5.0, 12, 7])]
    )
    np.testing.assert_allclose(law, [[90, 7], [120, 7]])


def test_errors_speak_of_the_same_week_once_it_was_met_in_four_periods() -> None:
    errors, key = Errors(), ("run rate", "company", 0)
    for target in range(3):
        for week in (1, 10):
            errors.learn(key, week, str(target), np.array([1.0]), np.array([float(week)]))
    assert len(errors.like(key, 10)) == 6
    errors.learn(key, 10, "3", np.array([1.0]), np.array([10.0]))
    assert {case.week for case in errors.like(key, 10)} == {10}
    np.testing.assert_allclose(errors.law(key, 10, np.array([2.0]), np.zeros(1)), np.full((4, 1), 20.0))
    assert errors.squared(key, 10) == pytest.approx(81)
