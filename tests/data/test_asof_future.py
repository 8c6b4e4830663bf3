"""Nothing dated later reaches a view; cutting twice is cutting once, whatever the deals went through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companies import history_of
from spmforecast.data import History, read_history
from spmforecast.data.example import ExampleCompany
from views import same_views


@pytest.fixture(scope="module")
def example() -> History:
    return read_history(ExampleCompany(seed=3, size="small").tables())


@pytest.mark.parametrize("day", ["2022-12-31", "2024-05-17", "2025-03-31"])
def test_nothing_dated_later_reaches_the_view(example: History, day: str) -> None:
    cut = pd.Timestamp(day) + pd.Timedelta(days=1)
    rng = np.random.default_rng(5)
    deals = example.opportunities.copy()
    unknown = ~(deals["status"].isin(["won", "lost"]) & (deals["close_date"] < cut)).to_numpy()
    late = cut + pd.to_timedelta(rng.integers(0, 900, len(deals)), unit="D")
    poison = {
        "status": rng.choice(["open", "won", "lost"], len(deals)),
        "stage": rng.choice(["Nowhere", "Elsewhere"], len(deals)),
        "forecast_category": rng.choice(["x", "y"], len(deals)),
        "owner_id": rng.choice(["nobody", "somebody"], len(deals)),
        "amount": rng.lognormal(9, 3, len(deals)),
        "list_price": rng.lognormal(9, 3, len(deals)),
        "discount": rng.random(len(deals)),
        "close_date": late.as_unit("s"),
    }
    for name, values in poison.items():
        deals[name] = deals[name].mask(unknown, pd.Series(values).astype(deals[name].dtype))
    not_yet = (deals["created_date"] >= cut).to_numpy()
    deals.loc[not_yet, "segment"] = "poison"
    events = example.stage_history.copy()
    later = (events["entered_date"] >= cut).to_numpy()
    for name, values in (
        ("stage", rng.choice(["Nowhere", "Elsewhere"], len(events))),
        ("status", rng.choice(["open", "won", "lost"], len(events))),
        ("amount", rng.lognormal(9, 3, len(events))),
        ("owner_id", rng.choice(["nobody", "somebody"], len(events))),
    ):
        events[name] = events[name].mask(later, pd.Series(values).astype(events[name].dtype))
    poisoned = read_history({**example.tables, "opportunities": deals, "stage_history": events}, max_rejected_share=1.0)
    assert unknown.any()
    assert later.any()
    for name in ("opportunities", "stage_history"):
        pd.testing.assert_frame_equal(poisoned.as_of(day).table(name), example.as_of(day).table(name))
    pd.testing.assert_frame_equal(poisoned.as_of(day).deals(), example.as_of(day).deals())


def test_at_its_last_day_the_example_is_as_it_is_recorded(example: History) -> None:
    view = example.as_of("2025-06-30")
    for name in ("status", "stage", "amount", "owner_id", "close_date"):
        pd.testing.assert_series_equal(view.opportunities[name], example.opportunities[name])


DAYS = st.integers(0, 120)


@st.composite
def _tangled(draw: Callable[..., Any]) -> History:
    """Deals with moves, closings told or not, closings dated back, and re-openings."""
    start = pd.Timestamp("2024-01-01")
    deals, events = [], []
    for number in range(draw(st.integers(1, 6))):
        name = f"D{number}"
        created = draw(st.integers(0, 20))
        days = sorted(draw(st.lists(st.integers(created, 90), max_size=5)))
        kinds = [draw(st.sampled_from(["open", "won", "lost", None])) for _ in days]
        for day, kind in zip(days, kinds, strict=True):
            events.append(
                {
                    "opportunity_id": name,
                    "stage": draw(st.sampled_from(["A", "B", "C"])),
                    "entered_date": start + pd.Timedelta(days=day),
                    "status": kind,
                    "amount": draw(st.sampled_from([None, 1.0, 2.0, 3.0])),
                    "owner_id": draw(st.sampled_from([None, "R1", "R2"])),
                }
            )
        said = [kind for kind in kinds if kind]
        told = any(kind in ("won", "lost") for kind in said)
        status = said[-1] if told else draw(st.sampled_from(["open", "won", "lost"]))
        turned = [day for day, kind in zip(days, kinds, strict=True) if kind == status]
        close = turned[-1] if told and turned else draw(st.integers(created, 120))
        back = draw(st.integers(0, max(close - created, 0))) if draw(st.booleans()) else 0
        deals.append(
            {
                "opportunity_id": name,
                "created_date": start + pd.Timedelta(days=created),
                "status": status,
                "stage": draw(st.sampled_from([None, "A", "Done"])),
                "amount": 10.0 + number,
                "close_date": start + pd.Timedelta(days=close - back),
            }
        )
    return history_of(deals, events or None)


@given(history=_tangled(), first=DAYS, second=DAYS)
@settings(max_examples=60)
def test_cutting_twice_is_cutting_to_the_earlier_day(history: History, first: int, second: int) -> None:
    one, two = (pd.Timestamp("2024-01-01") + pd.Timedelta(days=days) for days in (first, second))
    same_views(history.as_of(one).as_of(two), history.as_of(min(one, two)))


@given(history=_tangled(), days=DAYS)
@settings(max_examples=40)
def test_what_a_view_holds_is_dated_by_then(history: History, days: int) -> None:
    day = pd.Timestamp("2024-01-01") + pd.Timedelta(days=days)
    view = history.as_of(day)
    deals = view.opportunities
    closed = deals["status"].isin(["won", "lost"])
    assert (deals["created_date"] < day + pd.Timedelta(days=1)).all()
    assert (deals.loc[closed, "close_date"] < day + pd.Timedelta(days=1)).all()
    assert (view.stage_history["entered_date"] < day + pd.Timedelta(days=1)).all()
    assert deals["status"].notna().all()
    assert deals["owner_id"].notna().all()


@given(history=_tangled(), days=DAYS)
@settings(max_examples=60)
def test_the_ledger_sums_to_the_won_deals(history: History, days: int) -> None:
    view = history.as_of(pd.Timestamp("2024-01-01") + pd.Timedelta(days=days))
    won = view.opportunities[view.opportunities["status"] == "won"]
    book = view.ledger()
    assert book["amount"].sum() == pytest.approx(won["amount"].sum())
    assert set(book["kind"]) <= {"won", "reversed"}
    assert (book.loc[book["kind"] == "reversed", "amount"] <= 0).all()
