"""Stays rebuilt from stage events: which visits there were, from what age they were watched and how they ended."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from companies import AS_OF, example_tables, history_of, shuffled
from spmforecast.data import read_history
from spmforecast.models.risksets import CENSORED, build_stays, day_number

DEAL = {"opportunity_id": "D", "created_date": "2024-01-10", "amount": 500.0}


def event(stage, date, status=None, deal="D"):
    return {"opportunity_id": deal, "stage": stage, "entered_date": date, "status": status}


def visits(stays, deal="D"):
    """List a deal's visits as (stage, entry date, first age watched, age at the end, destination)."""
    names = dict(enumerate((*stays.stages, "won", "lost"))) | {CENSORED: "open"}
    rows = np.flatnonzero(stays.deals["opportunity_id"].to_numpy()[stays.deal] == deal)
    return [
        (
            stays.stages[stays.stage[i]],
            str(np.datetime64(int(stays.entry[i]), "D")),
            int(stays.start[i]),
            int(stays.duration[i]),
            names[int(stays.to[i])],
        )
        for i in rows
    ]


def test_open_deal_is_censored_at_the_close_of_the_as_of_day():
    history = history_of([DEAL], [event("A", "2024-01-10"), event("B", "2024-01-15")])
    stays = build_stays(history.as_of("2024-02-01"))
    assert stays.stages == ("A", "B")
    assert visits(stays) == [("A", "2024-01-10", 0, 5, "B"), ("B", "2024-01-15", 0, 17, "open")]
    assert stays.open_now.tolist() == [False, True]
    assert (stays.won, stays.lost) == (2, 3)


def test_event_on_the_as_of_day_is_known_and_one_on_the_next_is_not():
    history = history_of([DEAL], [event("A", "2024-01-10"), event("B", "2024-01-15T23:30:00")])
    assert visits(build_stays(history.as_of("2024-01-15")))[-1] == ("B", "2024-01-15", 0, 0, "open")
    assert visits(build_stays(history.as_of("2024-01-14"))) == [("A", "2024-01-10", 0, 4, "open")]


def test_moves_on_one_day_keep_their_order_and_last_no_day():
    won = {**DEAL, "status": "won", "close_date": "2024-01-10"}
    events = [event("A", "2024-01-10"), event("B", "2024-01-10"), event("A", "2024-01-10"), event("B", "2024-01-10")]
    stays = build_stays(history_of([won], events).as_of("2024-03-01"))
    day = "2024-01-10"
    assert visits(stays) == [
        ("A", day, 0, 0, "B"),
        ("B", day, 0, 0, "A"),
        ("A", day, 0, 0, "B"),
        ("B", day, 0, 0, "won"),
    ]


def test_times_of_day_decide_the_order_of_rows_that_stand_wrongly():
    events = [event("B", "2024-01-10T15:00:00"), event("A", "2024-01-10T09:00:00")]
    stays = build_stays(history_of([DEAL], events).as_of("2024-01-12"))
    assert visits(stays) == [("A", "2024-01-10", 0, 0, "B"), ("B", "2024-01-10", 0, 2, "open")]


def test_reopened_deal_is_not_at_risk_while_it_was_closed():
    events = [
        event("A", "2024-01-10", "open"),
        event("Closed", "2024-01-20", "lost"),
        event("A", "2024-02-10", "open"),
    ]
    stays = build_stays(history_of([DEAL], events).as_of("2024-02-15"))
    assert visits(stays) == [("A", "2024-01-10", 0, 10, "lost"), ("A", "2024-02-10", 0, 5, "open")]
    assert stays.stages == ("A",)


def test_deal_won_after_it_was_reopened_has_both_ends():
    won = {**DEAL, "status": "won", "close_date": "2024-02-20"}
    events = [
        event("A", "2024-01-10", "open"),
        event("Closed", "2024-01-20", "lost"),
        event("A", "2024-02-10", "open"),
        event("Closed", "2024-02-20", "won"),
    ]
    stays = build_stays(history_of([won], events).as_of("2024-03-01"))
    assert visits(stays) == [("A", "2024-01-10", 0, 10, "lost"), ("A", "2024-02-10", 0, 10, "won")]


def test_without_any_stage_history_there_is_one_stage():
    deals = [
        DEAL,
        {**DEAL, "opportunity_id": "W", "status": "won", "close_date": "2024-01-31"},
        {**DEAL, "opportunity_id": "L", "status": "lost", "close_date": "2024-01-10"},
    ]
    stays = build_stays(history_of(deals).as_of("2024-02-10"))
    assert len(stays.stages) == 1
    assert [row[1:] for row in visits(stays, "D")] == [("2024-01-10", 0, 31, "open")]
    assert [row[1:] for row in visits(stays, "W")] == [("2024-01-10", 0, 21, "won")]
    assert [row[1:] for row in visits(stays, "L")] == [("2024-01-10", 0, 0, "lost")]
    assert stays.unplaced == 0


def test_deal_without_stage_rows_enters_where_most_others_do():
    deals = [DEAL, {**DEAL, "opportunity_id": "E"}, {**DEAL, "opportunity_id": "F", "created_date": "2024-01-20"}]
    events = [event("A", "2024-01-10"), event("B", "2024-01-12"), event("A", "2024-01-11", deal="E")]
    stays = build_stays(history_of(deals, events).as_of("2024-02-10"))
    assert visits(stays, "F") == [("A", "2024-01-20", 0, 21, "open")]
    assert stays.unplaced == 1


def test_closing_row_without_status_is_the_closing_and_no_stage():
    won = {**DEAL, "status": "won", "close_date": "2024-01-25"}
    events = [event("A", "2024-01-10"), event("Closed Won", "2024-01-25")]
    stays = build_stays(history_of([won], events).as_of("2024-02-01"))
    assert stays.stages == ("A",)
    assert visits(stays) == [("A", "2024-01-10", 0, 15, "won")]


def test_closing_row_with_status_and_the_deals_own_close_are_one_event():
    lost = {**DEAL, "status": "lost", "close_date": "2024-01-25"}
    events = [event("A", "2024-01-10", "open"), event("A", "2024-01-25", "lost")]
    stays = build_stays(history_of([lost], events).as_of("2024-02-01"))
    assert visits(stays) == [("A", "2024-01-10", 0, 15, "lost")]


def test_closed_deal_without_closing_row_ends_on_its_close_date():
    lost = {**DEAL, "status": "lost", "close_date": "2024-01-25"}
    events = [event("A", "2024-01-10"), event("B", "2024-01-12")]
    stays = build_stays(history_of([lost], events).as_of("2024-02-01"))
    assert visits(stays)[-1] == ("B", "2024-01-12", 0, 13, "lost")


def test_moves_after_the_close_of_a_closed_deal_do_not_count():
    lost = {**DEAL, "status": "lost", "close_date": "2024-01-25"}
    other = {**DEAL, "opportunity_id": "E"}
    events = [event("A", "2024-01-10"), event("A", "2024-01-10", deal="E"), event("B", "2024-01-12", deal="E")]
    # A clean-up of the day after, which speaks of no stage the deal was open in.
    late = [event("B", "2024-02-20")]
    whole = build_stays(history_of([lost, other], events).as_of("2024-03-01"))
    noted = build_stays(history_of([lost, other], events + late).as_of("2024-02-10"))
    assert visits(whole) == visits(noted) == [("A", "2024-01-10", 0, 15, "lost")]


def test_repeated_rows_of_a_stage_are_one_visit():
    events = [event("A", "2024-01-10"), event("A", "2024-01-12"), event("B", "2024-01-15"), event("B", "2024-01-18")]
    stays = build_stays(history_of([DEAL], events).as_of("2024-01-20"))
    assert visits(stays) == [("A", "2024-01-10", 0, 5, "B"), ("B", "2024-01-15", 0, 5, "open")]


def test_left_truncation_starts_the_watch_at_a_later_age_and_keeps_the_entry():
    deals = [DEAL, {**DEAL, "opportunity_id": "E", "status": "lost", "close_date": "2024-01-20"}]
    events = [event("A", "2024-01-10"), event("B", "2024-02-05"), event("A", "2024-01-10", deal="E")]
    stays = build_stays(history_of(deals, events, observed_from="2024-02-01").as_of("2024-02-10"))
    assert visits(stays) == [("A", "2024-01-10", 22, 26, "B"), ("B", "2024-02-05", 0, 5, "open")]
    # A visit that ended before the watch began was never at risk.
    assert visits(stays, "E") == []


def test_stages_stand_in_the_order_in_which_deals_meet_them():
    deals = [{**DEAL, "opportunity_id": name} for name in "DEF"]
    events = [event("Zeta", "2024-01-10", deal=name) for name in "DEF"]
    events += [event("Mid", "2024-01-12", deal=name) for name in "DE"]
    events += [event("Alpha", "2024-01-14", deal="D"), event("Zeta", "2024-01-16", deal="D")]
    assert build_stays(history_of(deals, events).as_of("2024-02-01")).stages == ("Zeta", "Mid", "Alpha")


def test_every_visit_is_consistent_in_a_lived_company():
    stays = build_stays(read_history(example_tables()).as_of(AS_OF))
    assert (stays.start >= 0).all()
    assert (stays.duration >= stays.start).all()
    assert (stays.entry + stays.duration <= stays.today).all()
    assert (stays.entry + stays.duration)[stays.open_now].tolist() == [stays.today] * int(stays.open_now.sum())
    status = stays.deals["status"].to_numpy()
    last = np.append(stays.deal[1:] != stays.deal[:-1], True)
    assert (stays.to[last][status[stays.deal[last]] == "won"] == stays.won).all()
    assert (stays.to[last][status[stays.deal[last]] == "lost"] == stays.lost).all()
    assert stays.open_now[last][status[stays.deal[last]] == "open"].all()
    # One visit hands the deal on to the next on the same day.
    inner = ~last & (stays.to < stays.won) & ~stays.open_now
    rows = np.flatnonzero(inner)
    assert len(rows) > 100
    assert (stays.to[rows] == stays.stage[rows + 1]).all()
    assert ((stays.entry + stays.duration)[rows] == stays.entry[rows + 1]).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_order_of_the_input_rows_does_not_matter(seed):
    def listed(tables):
        stays = build_stays(read_history(tables).as_of(AS_OF))
        frame = pd.DataFrame(
            {
                "id": stays.deals["opportunity_id"].to_numpy()[stays.deal],
                "stage": stays.stage,
                "entry": stays.entry,
                "start": stays.start,
                "duration": stays.duration,
                "to": stays.to,
            }
        )
        frame["place"] = frame.groupby("id").cumcount()
        return stays.stages, frame.sort_values(["id", "place"]).reset_index(drop=True)

    stages, frame = listed(example_tables())
    stages_again, frame_again = listed(shuffled(example_tables(), np.random.default_rng(seed)))
    assert stages == stages_again
    pd.testing.assert_frame_equal(frame, frame_again)


def test_day_numbers_count_from_1970_and_mark_missing_dates():
    dates = pd.Series(["1970-01-01", "1970-01-02T23:59:59", None], dtype="datetime64[s]")
    assert day_number(dates).tolist() == [0, 1, np.iinfo(np.int64).min]


def censored(deals, events, on, as_of):
    """Rebuild the visits of a history of which one deal is watched no longer than to a day."""
    known = history_of(deals, events).as_of(as_of)
    frame = known.opportunities.assign(censored_on=pd.Series(pd.Timestamp(on), index=known.opportunities.index))
    return build_stays(replace(known, tables={**known.tables, "opportunities": frame}))


def test_deal_lost_in_a_clean_up_is_watched_to_its_last_touch_and_is_not_open():
    lost = {**DEAL, "status": "lost", "close_date": "2024-06-30"}
    events = [event("A", "2024-01-10"), event("B", "2024-01-15"), event("Closed", "2024-06-30", "lost")]
    stays = censored([lost], events, "2024-02-04", "2024-08-01")
    assert visits(stays) == [("A", "2024-01-10", 0, 5, "B"), ("B", "2024-01-15", 0, 20, "open")]
    assert stays.censored.tolist() == [False, True]
    assert stays.open_now.tolist() == [False, False]


def test_a_clean_up_after_the_as_of_day_censors_nothing():
    lost = {**DEAL, "status": "lost", "close_date": "2024-06-30"}
    events = [event("A", "2024-01-10"), event("B", "2024-01-15"), event("Closed", "2024-06-30", "lost")]
    stays = censored([lost], events, "2024-02-04", "2024-06-29")
    assert visits(stays)[-1] == ("B", "2024-01-15", 0, 166, "open")
    assert stays.open_now.tolist() == [False, True]


def test_a_deal_touched_on_the_day_of_its_loss_keeps_its_loss():
    lost = {**DEAL, "status": "lost", "close_date": "2024-02-01"}
    stays = censored([lost], [event("A", "2024-01-10")], "2024-02-01", "2024-02-01")
    assert visits(stays) == [("A", "2024-01-10", 0, 22, "lost")]
    assert not stays.open_now.any()


def test_a_won_deal_is_never_censored():
    won = {**DEAL, "status": "won", "close_date": "2024-02-01"}
    stays = censored([won], [event("A", "2024-01-10")], "2024-01-20", "2024-03-01")
    assert visits(stays) == [("A", "2024-01-10", 0, 22, "won")]
