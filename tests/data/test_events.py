"""The event log: cut with its tables it is what sorting the cut tables anew would give; parts, order and codes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import example_tables, shuffled
from spmforecast.data import read_history
from spmforecast.data.events import EventLog


def assert_same(one, other):
    for name in ("row", "deal", "when", "status"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.deals == other.deals
    assert len(one.frame) == len(other.frame)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("day", ["2022-07-05", "2023-05-01", "2024-03-31", "2026-01-01"])
def test_a_cut_log_is_that_of_the_cut_tables(day, seed):
    tables = example_tables() if seed == 0 else shuffled(example_tables(), np.random.default_rng(seed))
    cut = read_history(tables).as_of(day)
    assert_same(cut.events, EventLog.of(cut.opportunities, cut.stage_history))
    again = cut.as_of("2022-07-03")
    assert_same(again.events, EventLog.of(again.opportunities, again.stage_history))


def test_events_of_one_instant_stand_anew_where_the_deal_was_open_then():
    deals = pd.DataFrame(
        {"opportunity_id": ["D"], "owner_id": "R1", "created_date": "2024-01-01", "status": "won"}
    ).assign(close_date="2024-03-01", amount=1.0)
    # On 1 February the deal was lost and opened again within one second; on 1 March it was won.
    events = pd.DataFrame(
        {
            "opportunity_id": "D",
            "stage": ["A", "Closed", "B", "Closed"],
            "entered_date": ["2024-01-01", "2024-02-01", "2024-02-01", "2024-03-01"],
            "status": ["open", "lost", "open", "won"],
        }
    )
    history = read_history({"opportunities": deals, "stage_history": events})
    assert history.events.row.tolist() == [0, 2, 1, 3]
    cut = history.as_of("2024-02-15")
    assert cut.opportunities["status"].tolist() == ["lost"]
    assert_same(cut.events, EventLog.of(cut.opportunities, cut.stage_history))


def test_parts_hold_every_event_once_and_whole_deals():
    log = read_history(example_tables()).events
    parts = list(log.parts(7))
    np.testing.assert_array_equal(np.concatenate([part.row for part in parts]), log.row)
    for number, part in enumerate(parts):
        assert ((part.deal >= 7 * number) & (part.deal < 7 * number + 7)).all()
    empty = EventLog.of(*(read_history(example_tables()).as_of("2000-01-01").table(n) for n in TABLES))
    assert [len(part.row) for part in empty.parts(7)] == [0]


TABLES = ("opportunities", "stage_history")


def test_an_arranged_log_speaks_of_the_deals_in_their_new_order():
    history = read_history(example_tables())
    order = np.random.default_rng(3).permutation(len(history.opportunities))
    deals = history.opportunities.take(order).reset_index(drop=True)
    assert_same(history.events.arranged(order), EventLog.of(deals, history.stage_history))


def test_codes_number_the_texts_of_a_column_by_alphabet():
    log = read_history(example_tables()).events
    code, names = log.codes("stage")
    assert list(names) == sorted(set(log.frame["stage"]))
    assert [names[k] for k in code[:50]] == log.frame["stage"].tolist()[:50]
    assert log.codes("stage")[0] is code
