"""The event log: what is known of each deal, against a plain walk through its events."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data.events import EventLog, Known

START = np.datetime64("2024-01-01", "s")
EVENT = st.tuples(
    st.integers(0, 5),
    st.integers(0, 9),
    st.sampled_from(["open", "won", "lost", None]),
    st.sampled_from(["a", "b", None]),
)


def _log(events: list[tuple[int, int, str | None, str | None]]) -> EventLog:
    deals = pd.DataFrame({"opportunity_id": pd.Series([f"D{n}" for n in range(5)], dtype="str")})
    deals["status"] = pd.Series(["won", "open", "lost", "won", "open"], dtype="str")
    frame = pd.DataFrame(
        {
            "opportunity_id": pd.Series([f"D{deal}" for deal, *_ in events], dtype="str"),
            "entered_date": np.array([START + np.timedelta64(at, "D") for _, at, *_ in events], dtype="datetime64[s]"),
            "status": pd.Series([status for _, _, status, _ in events], dtype="str"),
            "stage": pd.Series([stage for *_, stage in events], dtype="str"),
        }
    )
    return EventLog.of(deals, frame)


def _walked(log: EventLog, known: list[list[int]]) -> dict[str, list[object]]:
    """Walk through the places of each deal's known events."""
    names = ("stage", "status", "since", "open", "closing")
    out: dict[str, list[object]] = {name: [] for name in names}
    for places in known:
        stage, status, since, opened, closing = None, -1, None, None, False
        for place in places:
            stage = value if (value := _stage(log, place)) is not None else stage
            code = int(log.status[place])
            if code >= 0 and code != status:
                status, since = code, log.when[place]
            opened = log.when[place] if code == 0 else opened
            closing |= code > 0
        for name, value in zip(names, (stage, status, since, opened, closing), strict=True):
            out[name].append(value)
    return out


def _stage(log: EventLog, place: int) -> str | None:
    value = log.frame["stage"].iloc[log.row[place]]
    return None if pd.isna(value) else str(value)


def _told(known: Known) -> dict[str, list[object]]:
    def dates(values: np.ndarray) -> list[object]:
        return [None if np.isnat(value) else value for value in values]

    stage = [None if pd.isna(value) else value for value in known.last("stage")]
    return {
        "stage": stage,
        "status": known.last_status().tolist(),
        "since": dates(known.last_status_since()),
        "open": dates(known.last_open()),
        "closing": known.has_closing().tolist(),
    }


@given(
    events=st.lists(EVENT, max_size=40),
    cut=st.integers(-1, 11),
    limits=st.lists(st.one_of(st.none(), st.integers(-1, 11)), min_size=5, max_size=5),
)
@settings(max_examples=150, deadline=None)
def test_what_is_known_is_what_a_walk_through_the_events_tells(
    events: list[tuple[int, int, str | None, str | None]], cut: int, limits: list[int | None]
) -> None:
    log = _log(events)
    order = list(zip(log.deal.tolist(), log.when.tolist(), strict=True))
    assert order == sorted(order)
    instant = START + np.timedelta64(cut, "D")
    each = np.array([np.datetime64("NaT") if n is None else START + np.timedelta64(n, "D") for n in limits], "M8[s]")
    mine = [[place for place in range(len(log.row)) if log.deal[place] == deal] for deal in range(5)]
    early = [[place for place in places if log.when[place] < instant] for places in mine]
    both = [[place for place in places if log.when[place] < each[deal]] for deal, places in enumerate(early)]
    known = log.before(instant)
    assert _told(known) == _walked(log, early)
    assert _told(known.until(each)) == _walked(log, both)
    asked = np.array([True, False, True, False, True])
    some = [None if pd.isna(value) else value for value in known.last("stage", of=asked)]
    whole = _walked(log, early)["stage"]
    assert some == [value if wanted else None for value, wanted in zip(whole, asked, strict=True)]


@given(events=st.lists(EVENT, max_size=40))
@settings(max_examples=60, deadline=None)
def test_events_of_one_instant_keep_their_order_but_for_a_closing_of_a_closed_deal(
    events: list[tuple[int, int, str | None, str | None]],
) -> None:
    log = _log(events)
    closed = {0, 2, 3}
    rows = [row for row, (deal, *_) in enumerate(events) if deal < 5]
    key = {
        row: (events[row][0], events[row][1], events[row][2] in ("won", "lost") and events[row][0] in closed)
        for row in rows
    }
    assert log.row.tolist() == sorted(rows, key=key.__getitem__)
