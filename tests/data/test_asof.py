"""A history as of a day: what of deals, events and the other tables was known by its close."""

from __future__ import annotations

import pickle

import pandas as pd
import pytest

from companies import history_of
from spmforecast.errors import InputError
from views import deal_in, same_views

CLOSED_LATER = {
    "opportunity_id": "D",
    "created_date": "2024-01-10",
    "status": "won",
    "stage": "Closed Won",
    "amount": 100,
    "close_date": "2024-03-20",
    "forecast_category": "Closed",
    "list_price": 120,
    "discount": 0.1,
    "segment": "SMB",
}


def test_the_close_of_the_day_counts() -> None:
    deals = [{"opportunity_id": "D", "created_date": "2024-01-10T23:59:59"}]
    history = history_of([*deals, {"opportunity_id": "E", "created_date": "2024-01-11"}])
    assert history.as_of("2024-01-10").opportunities["opportunity_id"].tolist() == ["D"]
    assert history.as_of("2024-01-11").opportunities["opportunity_id"].tolist() == ["D", "E"]
    assert len(history.as_of("2024-01-09").opportunities) == 0


def test_without_stage_history_a_deal_that_closes_later_is_open_and_blank() -> None:
    view = history_of([CLOSED_LATER]).as_of("2024-03-19")
    deal = deal_in(view)
    assert deal["status"] == "open"
    assert deal[["stage", "amount", "close_date", "forecast_category", "list_price", "discount"]].isna().all()
    assert deal[["owner_id", "segment"]].tolist() == ["R1", "SMB"]
    assert "of 1 open deals 1 without a known stage, 1 without a known amount" in view.warnings[-1]
    closed = deal_in(history_of([CLOSED_LATER]).as_of("2024-03-20"))
    assert closed[["status", "amount", "discount"]].tolist() == ["won", 100, 0.1]


def test_presence_of_a_value_does_not_tell_who_will_stay_open() -> None:
    still = {"opportunity_id": "E", "created_date": "2024-01-10", "stage": "Propose", "amount": 7}
    history = history_of([CLOSED_LATER, still])
    assert history.as_of("2024-03-19").opportunities["amount"].isna().all()
    # Once nothing later is recorded, the deal's own row is what was known.
    assert deal_in(history.as_of("2024-03-20"), "E")[["stage", "amount"]].tolist() == ["Propose", 7]


EVENTS = [
    {"stage": "Qualify", "entered_date": "2024-01-10", "amount": 50, "close_date": "2024-02-28", "owner_id": "R2"},
    {"stage": "Propose", "entered_date": "2024-02-05T10:00", "amount": None, "close_date": "2024-03-31"},
    {"stage": "Propose", "entered_date": "2024-02-05T10:00", "amount": 80},
    {"stage": "Qualify", "entered_date": "2024-03-01", "owner_id": "R1"},
]


def test_open_deals_stand_as_their_history_tells() -> None:
    history = history_of([CLOSED_LATER], [{"opportunity_id": "D", **event} for event in EVENTS])
    deal = deal_in(history.as_of("2024-02-04"))
    assert deal[["stage", "amount", "owner_id"]].tolist() == ["Qualify", 50, "R2"]
    assert str(deal["close_date"].date()) == "2024-02-28"
    deal = deal_in(history.as_of("2024-02-05"))
    assert deal[["status", "stage", "amount", "owner_id"]].tolist() == ["open", "Propose", 80, "R2"]
    assert str(deal["close_date"].date()) == "2024-03-31"
    assert deal_in(history.as_of("2024-03-10"))[["stage", "owner_id"]].tolist() == ["Qualify", "R1"]
    # The closing itself is not among the events, so the deal's own row tells it.
    assert deal_in(history.as_of("2024-03-20"))[["status", "stage", "amount"]].tolist() == ["won", "Closed Won", 100]
    assert len(history.as_of("2024-02-05").stage_history) == 3


def test_a_reopened_deal_is_won_then_open_then_won_again() -> None:
    record = {**CLOSED_LATER, "close_date": "2024-07-01"}
    events = [
        ("Propose", "2024-01-10", "open", 90),
        ("Won", "2024-05-02", "won", 95),
        ("Propose", "2024-05-20", "open", 70),
        ("Won", "2024-07-01", "won", 75),
    ]
    rows = [{"opportunity_id": "D", "stage": s, "entered_date": d, "status": t, "amount": a} for s, d, t, a in events]
    history = history_of([record], rows)
    seen = {
        day: deal_in(history.as_of(day))[["status", "stage", "amount"]].tolist()
        for day in ("2024-05-01", "2024-05-02", "2024-06-01", "2024-07-01")
    }
    assert seen == {
        "2024-05-01": ["open", "Propose", 90],
        "2024-05-02": ["won", "Won", 95],
        "2024-06-01": ["open", "Propose", 70],
        "2024-07-01": ["won", "Closed Won", 100],
    }
    assert str(deal_in(history.as_of("2024-05-10"))["close_date"].date()) == "2024-05-02"


def test_a_closing_that_was_dated_back_is_known_only_when_it_was_entered() -> None:
    record = {**CLOSED_LATER, "close_date": "2024-03-31"}
    events = [
        {"opportunity_id": "D", "stage": "Propose", "entered_date": "2024-01-10", "status": "open"},
        {"opportunity_id": "D", "stage": "Won", "entered_date": "2024-04-02", "status": "won"},
    ]
    others = [{**CLOSED_LATER, "opportunity_id": name, "close_date": "2024-02-01"} for name in "EF"]
    events += [{"opportunity_id": name, "stage": "Won", "entered_date": "2024-02-01", "status": "won"} for name in "EF"]
    history = history_of([record, *others], events)
    assert deal_in(history.as_of("2024-04-01"))["status"] == "open"
    assert deal_in(history.as_of("2024-04-02"))["status"] == "won"
    same_views(history.as_of("2024-04-05").as_of("2024-04-01"), history.as_of("2024-04-01"))


def test_a_closing_without_an_event_is_not_awaited_for_ever() -> None:
    told = [{**CLOSED_LATER, "opportunity_id": str(number), "close_date": "2024-02-01"} for number in range(19)]
    events = [
        {"opportunity_id": str(n), "stage": "Won", "entered_date": "2024-02-01", "status": "won"} for n in range(19)
    ]
    later = {"opportunity_id": "L", "created_date": "2024-12-01"}
    history = history_of([CLOSED_LATER, *told, later], events)
    assert [deal_in(history.as_of(day))["status"] for day in ("2024-03-21", "2024-04-19", "2024-04-21")] == [
        "open",
        "open",
        "won",
    ]
    same_views(history.as_of("2024-06-01").as_of("2024-04-01"), history.as_of("2024-04-01"))


def test_an_event_to_come_decides_nothing() -> None:
    """The same view, whether the later event is a closing, says nothing of the status, or is not there at all."""
    views = []
    for status in ("won", "lost", "open", None):
        events = [{"opportunity_id": "D", "stage": "Propose", "entered_date": "2024-01-10", "status": "open"}]
        events += [{"opportunity_id": "D", "stage": "X", "entered_date": "2024-08-01", "status": status}]
        views.append(history_of([CLOSED_LATER], events).as_of("2024-05-01"))
    for view in views[1:]:
        same_views(view, views[0])


def test_an_open_row_after_the_close_date_contradicts_the_record_until_it_is_past() -> None:
    events = [{"opportunity_id": "D", "stage": "Propose", "entered_date": "2024-03-25", "status": "open"}]
    history = history_of([CLOSED_LATER], events)
    assert deal_in(history.as_of("2024-03-25"))["status"] == "open"
    assert deal_in(history.as_of("2024-03-26"))["status"] == "won"


def test_other_tables_lose_what_came_later() -> None:
    history = history_of(
        [{"opportunity_id": "D", "created_date": "2024-01-10"}, {"opportunity_id": "E", "created_date": "2024-03-10"}],
        reps=[
            {"rep_id": "R1", "hire_date": "2023-01-01", "end_date": "2024-03-01", "effective_from": "2023-01-01"},
            {"rep_id": "R1", "hire_date": "2023-01-01", "end_date": "2024-03-01", "effective_from": "2024-02-15"},
            {"rep_id": "R2", "hire_date": "2024-02-20", "end_date": None, "effective_from": None},
            {"rep_id": "R3", "hire_date": "2023-05-01", "end_date": "2024-01-15", "effective_from": None},
        ],
        activities=[{"activity_id": d, "date": d, "type": "call"} for d in ("2024-01-31", "2024-02-01")],
        enablement=[{"rep_id": "R1", "program": "p", "completed_date": d} for d in ("2024-01-31", "2024-02-01")],
        bookings=[{"rep_id": "R1", "date": d, "amount": 1} for d in ("2024-01-31", "2024-02-01")],
        submissions=[
            {"submitted_by": "R1", "date": d, "period": "2024Q1", "category": "commit", "amount": 1}
            for d in ("2024-01-31", "2024-02-01")
        ],
        splits=[{"opportunity_id": name, "rep_id": "R1", "share": 1} for name in "DE"],
        plan=[{"period": "2024Q4", "target": 5}],
    )
    view = history.as_of("2024-01-31")
    assert view.reps["rep_id"].tolist() == ["R1", "R3"]
    assert view.reps["end_date"].isna().tolist() == [True, False]
    for name in ("activities", "enablement", "bookings", "submissions", "splits", "plan"):
        assert len(view.table(name)) == 1, name
    assert len(history.reps) == 4


def test_a_view_says_its_day_and_leaves_the_whole_alone() -> None:
    history = history_of([CLOSED_LATER])
    before = history.opportunities.copy()
    view = history.as_of(pd.Timestamp("2024-02-01 13:00"))
    assert str(view.known_at) == "2024-02-01 00:00:00"
    assert history.known_at is None
    pd.testing.assert_frame_equal(history.opportunities, before)
    assert view.as_of("2024-05-01") is view
    assert repr(view) == "History(opportunities 1, as of 2024-02-01)"
    assert "as of" in view._repr_html_()
    with pytest.raises(InputError, match="not a date"):
        history.as_of("someday")


def test_a_history_goes_through_pickle() -> None:
    history = history_of([CLOSED_LATER]).as_of("2024-02-01")
    same_views(pickle.loads(pickle.dumps(history)), history)  # noqa: S301
    with pytest.raises(TypeError, match="does not support item assignment"):
        history.tables["plan"] = pd.DataFrame()  # type: ignore[index]
