from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data import History, read_history
from spmforecast.data.example import ExampleCompany
from spmforecast.errors import InputError


def _history(deals: list[dict[str, Any]], events: list[dict[str, Any]] | None = None, **tables: Any) -> History:
    frames = {"opportunities": pd.DataFrame([{"owner_id": "R1", "status": "open", **deal} for deal in deals])}
    if events is not None:
        frames["stage_history"] = pd.DataFrame(events)
    frames |= {name: pd.DataFrame(rows) for name, rows in tables.items()}
    return read_history(frames, max_rejected_share=0.0)


def _same(one: History, other: History) -> None:
    assert one.known_at == other.known_at
    assert one.warnings == other.warnings
    assert set(one.tables) == set(other.tables)
    for name in one.tables:
        pd.testing.assert_frame_equal(one.tables[name], other.tables[name], obj=name)


def _deal(history: History, name: str = "D") -> pd.Series:
    return history.opportunities.set_index("opportunity_id").loc[name]


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
    history = _history([*deals, {"opportunity_id": "E", "created_date": "2024-01-11"}])
    assert history.as_of("2024-01-10").opportunities["opportunity_id"].tolist() == ["D"]
    assert history.as_of("2024-01-11").opportunities["opportunity_id"].tolist() == ["D", "E"]
    assert len(history.as_of("2024-01-09").opportunities) == 0


def test_without_stage_history_a_deal_that_closes_later_is_open_and_blank() -> None:
    view = _history([CLOSED_LATER]).as_of("2024-03-19")
    deal = _deal(view)
    assert deal["status"] == "open"
    assert deal[["stage", "amount", "close_date", "forecast_category", "list_price", "discount"]].isna().all()
    assert deal[["owner_id", "segment"]].tolist() == ["R1", "SMB"]
    assert "of 1 open deals 1 without a known stage, 1 without a known amount" in view.warnings[-1]
    closed = _deal(_history([CLOSED_LATER]).as_of("2024-03-20"))
    assert closed[["status", "amount", "discount"]].tolist() == ["won", 100, 0.1]


def test_presence_of_a_value_does_not_tell_who_will_stay_open() -> None:
    still = {"opportunity_id": "E", "created_date": "2024-01-10", "stage": "Propose", "amount": 7}
    history = _history([CLOSED_LATER, still])
    assert history.as_of("2024-03-19").opportunities["amount"].isna().all()
    # Once nothing later is recorded, the deal's own row is what was known.
    assert _deal(history.as_of("2024-03-20"), "E")[["stage", "amount"]].tolist() == ["Propose", 7]


EVENTS = [
    {"stage": "Qualify", "entered_date": "2024-01-10", "amount": 50, "close_date": "2024-02-28", "owner_id": "R2"},
    {"stage": "Propose", "entered_date": "2024-02-05T10:00", "amount": None, "close_date": "2024-03-31"},
    {"stage": "Propose", "entered_date": "2024-02-05T10:00", "amount": 80},
    {"stage": "Qualify", "entered_date": "2024-03-01", "owner_id": "R1"},
]


def test_open_deals_stand_as_their_history_tells() -> None:
    history = _history([CLOSED_LATER], [{"opportunity_id": "D", **event} for event in EVENTS])
    deal = _deal(history.as_of("2024-02-04"))
    assert deal[["stage", "amount", "owner_id"]].tolist() == ["Qualify", 50, "R2"]
    assert str(deal["close_date"].date()) == "2024-02-28"
    deal = _deal(history.as_of("2024-02-05"))
    assert deal[["status", "stage", "amount", "owner_id"]].tolist() == ["open", "Propose", 80, "R2"]
    assert str(deal["close_date"].date()) == "2024-03-31"
    assert _deal(history.as_of("2024-03-10"))[["stage", "owner_id"]].tolist() == ["Qualify", "R1"]
    # The closing itself is not among the events, so the deal's own row tells it.
    assert _deal(history.as_of("2024-03-20"))[["status", "stage", "amount"]].tolist() == ["won", "Closed Won", 100]
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
    history = _history([record], rows)
    seen = {
        day: _deal(history.as_of(day))[["status", "stage", "amount"]].tolist()
        for day in ("2024-05-01", "2024-05-02", "2024-06-01", "2024-07-01")
    }
    assert seen == {
        "2024-05-01": ["open", "Propose", 90],
        "2024-05-02": ["won", "Won", 95],
        "2024-06-01": ["open", "Propose", 70],
        "2024-07-01": ["won", "Closed Won", 100],
    }
    assert str(_deal(history.as_of("2024-05-10"))["close_date"].date()) == "2024-05-02"


def test_a_closing_that_was_dated_back_is_known_only_when_it_was_entered() -> None:
    record = {**CLOSED_LATER, "close_date": "2024-03-31"}
    events = [
        {"opportunity_id": "D", "stage": "Propose", "entered_date": "2024-01-10", "status": "open"},
        {"opportunity_id": "D", "stage": "Won", "entered_date": "2024-04-02", "status": "won"},
    ]
    others = [{**CLOSED_LATER, "opportunity_id": name, "close_date": "2024-02-01"} for name in "EF"]
    events += [{"opportunity_id": name, "stage": "Won", "entered_date": "2024-02-01", "status": "won"} for name in "EF"]
    history = _history([record, *others], events)
    assert _deal(history.as_of("2024-04-01"))["status"] == "open"
    assert _deal(history.as_of("2024-04-02"))["status"] == "won"
    _same(history.as_of("2024-04-05").as_of("2024-04-01"), history.as_of("2024-04-01"))


def test_a_closing_without_an_event_is_not_awaited_for_ever() -> None:
    told = [{**CLOSED_LATER, "opportunity_id": str(number), "close_date": "2024-02-01"} for number in range(19)]
    events = [
        {"opportunity_id": str(n), "stage": "Won", "entered_date": "2024-02-01", "status": "won"} for n in range(19)
    ]
    later = {"opportunity_id": "L", "created_date": "2024-12-01"}
    history = _history([CLOSED_LATER, *told, later], events)
    assert [_deal(history.as_of(day))["status"] for day in ("2024-03-21", "2024-04-19", "2024-04-21")] == [
        "open",
        "open",
        "won",
    ]
    _same(history.as_of("2024-06-01").as_of("2024-04-01"), history.as_of("2024-04-01"))


def test_an_event_to_come_decides_nothing() -> None:
    """The same view, whether the later event is a closing, says nothing of the status, or is not there at all."""
    views = []
    for status in ("won", "lost", "open", None):
        events = [{"opportunity_id": "D", "stage": "Propose", "entered_date": "2024-01-10", "status": "open"}]
        events += [{"opportunity_id": "D", "stage": "X", "entered_date": "2024-08-01", "status": status}]
        views.append(_history([CLOSED_LATER], events).as_of("2024-05-01"))
    for view in views[1:]:
        _same(view, views[0])


def test_an_open_row_after_the_close_date_contradicts_the_record_until_it_is_past() -> None:
    events = [{"opportunity_id": "D", "stage": "Propose", "entered_date": "2024-03-25", "status": "open"}]
    history = _history([CLOSED_LATER], events)
    assert _deal(history.as_of("2024-03-25"))["status"] == "open"
    assert _deal(history.as_of("2024-03-26"))["status"] == "won"


def test_other_tables_lose_what_came_later() -> None:
    history = _history(
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
    history = _history([CLOSED_LATER])
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
    history = _history([CLOSED_LATER]).as_of("2024-02-01")
    _same(pickle.loads(pickle.dumps(history)), history)  # noqa: S301
    with pytest.raises(TypeError, match="does not support item assignment"):
        history.tables["plan"] = pd.DataFrame()  # type: ignore[index]


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
    return _history(deals, events or None)


@given(history=_tangled(), first=DAYS, second=DAYS)
@settings(max_examples=60)
def test_cutting_twice_is_cutting_to_the_earlier_day(history: History, first: int, second: int) -> None:
    one, two = (pd.Timestamp("2024-01-01") + pd.Timedelta(days=days) for days in (first, second))
    _same(history.as_of(one).as_of(two), history.as_of(min(one, two)))


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


def _reference_history(given_: Any) -> History:
    """Turn the reference's log of field changes into canonical tables, as a change log becomes stage history."""
    log = pd.read_csv(given_.path / "history.csv", dtype="str")
    wide = log.pivot_table(index=["deal", "changed_at"], columns="field", values="new", aggfunc="last", sort=False)
    events = wide.reset_index().rename(columns={"deal": "opportunity_id", "changed_at": "entered_date"})
    events["stage"] = events.groupby("opportunity_id")["stage"].ffill()
    events["status"] = events["stage"].map({"Won": "won", "Lost": "lost"}).fillna("open")
    current = events.groupby("opportunity_id").last()
    created = events.groupby("opportunity_id")["entered_date"].first().to_numpy()
    deals = current.reset_index().drop(columns="entered_date").assign(owner_id="R1", created_date=created)
    return read_history({"opportunities": deals, "stage_history": events})


def _close_before(instant: str) -> pd.Timestamp:
    """The reference's instant with a strict "before" is the close of the day before."""
    return pd.Timestamp(instant) - pd.Timedelta(days=1)


def test_snapshots_agree_with_the_reference(reference: Callable[[str], Any]) -> None:
    given_ = reference("48_asof_snapshots")
    history = _reference_history(given_)
    checked = 0
    for name in given_.checks:
        if not name.startswith("state as of"):
            continue
        # A closed deal's close date is the day of its closing here; the reference keeps the date that was expected.
        view = history.as_of(_close_before(name.split()[3])).opportunities.set_index("opportunity_id")
        got = {
            deal: {
                "stage": row["stage"],
                "amount": f"{row['amount']:.0f}",
                "close_date": str(row["close_date"].date()),
            }
            for deal, row in view.iterrows()
        }
        given_.compare(name, got)
        checked += 1
    assert checked == 4


def test_the_rest_of_the_reference_agrees_too(reference: Callable[[str], Any]) -> None:
    given_ = reference("48_asof_snapshots")
    history = _reference_history(given_)
    compared = [name for name in given_.checks if name.startswith("state as of")]

    def compare(beginning: str, got: Any) -> None:
        name = next(name for name in given_.checks if name.startswith(beginning))
        given_.compare(name, got)
        compared.append(name)

    july, april = history.as_of(_close_before("2024-07-01")), history.as_of(_close_before("2024-04-01"))
    compare("pushes", july.pushes().tolist())
    opened = april.opportunities[april.opportunities["status"] == "open"]
    compare("open deals as of", opened["opportunity_id"].tolist())
    # What must not come out: the current amount in a view of the past.
    compare("LEAK", float(_deal(history, "D1")["amount"]))
    assert _deal(history.as_of(_close_before("2024-03-01")), "D1")["amount"] == 50000
    since = april.visits().groupby("opportunity_id")["entered"].last()
    days = (pd.Timestamp("2024-04-01") - since[["D1", "D2"]]).dt.total_seconds() / 86400
    compare("days in current stage", days.tolist())
    again = july.visits().query("opportunity_id == 'D3' and stage == 'Propose'")
    left = again["left"].fillna(pd.Timestamp("2024-07-01T09:00"))  # the last change of the log
    compare("D3 reopened", ((left - again["entered"]).dt.total_seconds() / 86400).tolist())
    booked = []
    for day in ("2024-05-10", "2024-06-01"):
        book = history.as_of(_close_before(day)).ledger()
        booked.append(float(book.loc[book["opportunity_id"] == "D3", "amount"].sum()))
    compare("bookings counted", booked)
    assert sorted(compared) == sorted(given_.checks)


@given(history=_tangled(), days=DAYS)
@settings(max_examples=60)
def test_the_ledger_sums_to_the_won_deals(history: History, days: int) -> None:
    view = history.as_of(pd.Timestamp("2024-01-01") + pd.Timedelta(days=days))
    won = view.opportunities[view.opportunities["status"] == "won"]
    book = view.ledger()
    assert book["amount"].sum() == pytest.approx(won["amount"].sum())
    assert set(book["kind"]) <= {"won", "reversed"}
    assert (book.loc[book["kind"] == "reversed", "amount"] <= 0).all()
