"""Visits, pushes and the ledger where the records tell little."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from spmforecast.data import History, read_history


def _history(deals: list[dict[str, Any]], events: list[dict[str, Any]] | None = None) -> History:
    frames = {
        "opportunities": pd.DataFrame([{"owner_id": "R1", "created_date": "2024-01-01", **deal} for deal in deals])
    }
    if events is not None:
        frames["stage_history"] = pd.DataFrame(events)
    return read_history(frames)


WON = {"opportunity_id": "D", "status": "won", "amount": 100, "close_date": "2024-03-20"}
BACK = [
    {"opportunity_id": "E", "stage": "Offer", "entered_date": "2024-01-01", "status": "open"},
    {"opportunity_id": "E", "stage": "Won", "entered_date": "2024-02-01", "status": "won"},
    {"opportunity_id": "E", "stage": "Offer", "entered_date": "2024-03-01", "status": "open"},
]


def test_without_stage_history_there_are_no_visits_and_no_pushes() -> None:
    history = _history([WON])
    for view in (history, history.as_of("2024-02-01")):
        visits = view.visits()
        assert visits.columns.tolist() == ["opportunity_id", "stage", "entered", "left"]
        assert len(visits) == 0
        assert visits["entered"].dtype.kind == visits["left"].dtype.kind == "M"
        assert view.pushes().tolist() == [0]


def test_visits_have_the_same_columns_and_kinds_with_and_without_history() -> None:
    full = _history([{"opportunity_id": "E", "status": "open"}], BACK).visits()
    assert full.dtypes.to_dict() == _history([WON]).visits().dtypes.to_dict()


def test_a_win_of_unknown_worth_is_missing_in_the_ledger_and_not_0() -> None:
    book = _history([WON, {"opportunity_id": "E", "status": "open"}], BACK).ledger()
    assert book["kind"].tolist() == ["won", "reversed", "won"]
    assert book["amount"].isna().tolist() == [True, True, False]


def test_while_it_stood_a_win_of_unknown_worth_is_missing_too_and_said() -> None:
    view = _history([WON, {"opportunity_id": "E", "status": "open"}], BACK).as_of("2024-02-15")
    assert view.ledger()["amount"].isna().tolist() == [True]
    assert "As of 2024-02-15: 1 won deals without a known amount count as 0." in view.warnings


def test_an_amount_told_before_the_win_is_the_amount_that_is_taken_back() -> None:
    events = [{**BACK[0], "amount": 7}, *BACK[1:]]
    book = _history([WON, {"opportunity_id": "E", "status": "open"}], events).ledger()
    assert book.loc[book["opportunity_id"] == "E", "amount"].tolist() == [7, -7]
    assert book["amount"].sum() == pytest.approx(100)
