"""Who sells: spans of service, the roster, attrition with its successors, and the ramp."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from companies import history_of
from spmforecast.data import NONE
from spmforecast.models.capacity import (
    RAMP_MONTHS,
    RepSpans,
    build_roster,
    fit_attrition,
    places_of,
    rep_spans,
    seat_of,
)

TODAY = int(np.datetime64("2024-12-31").astype(np.int64))
FIRST = int(np.datetime64("2023-01-01").astype(np.int64))


def number(date):
    return int(np.datetime64(date).astype(np.int64))


def spans_of(reps, deals):
    deals = [
        {"opportunity_id": f"D{i}", "owner_id": owner, "created_date": date} for i, (owner, date) in enumerate(deals)
    ]
    tables = {"reps": reps} if reps else {}
    known = history_of(deals, **tables).as_of("2024-12-31")
    frame = known.deals()
    return known, frame, rep_spans(known, frame, FIRST, TODAY)


def where(known, frame, spans):
    return places_of(known, frame, spans.owners)


def of(spans, owner, what):
    return getattr(spans, what)[spans.owners.index(owner)]


def test_dates_of_hire_and_leave_bound_the_span():
    reps = [
        {"rep_id": "A", "hire_date": "2023-06-01", "end_date": None},
        {"rep_id": "B", "hire_date": "2022-01-01", "end_date": "2024-03-31"},
        {"rep_id": "C", "hire_date": None, "end_date": None},
    ]
    deals = [(name, date) for name in "ABC" for date in ("2023-07-01", "2024-02-01")]
    _, _, spans = spans_of(reps, deals)
    assert of(spans, "A", "start") == of(spans, "A", "hired") == number("2023-06-01")
    assert of(spans, "A", "end") == TODAY
    assert of(spans, "B", "start") == FIRST
    assert of(spans, "B", "end") == number("2024-03-31")
    assert of(spans, "B", "hired") == number("2022-01-01")
    assert dict(zip(spans.owners, spans.active.tolist(), strict=True)) == {"A": True, "B": False, "C": True}
    assert dict(zip(spans.owners, spans.left.tolist(), strict=True)) == {"A": False, "B": True, "C": False}


def test_owner_without_record_is_active_while_creating_and_counts_as_ramped():
    _, _, spans = spans_of([], [("A", "2024-12-01"), ("B", "2023-02-01"), ("B", "2023-05-01"), ("A", "2023-03-01")])
    assert of(spans, "A", "active")
    assert not of(spans, "B", "active")
    assert not spans.left.any()
    assert of(spans, "A", "start") == number("2023-03-01")
    assert of(spans, "B", "end") == number("2023-05-01")
    assert spans.tenure_months(np.array([FIRST])).min() == RAMP_MONTHS


def test_deals_before_the_stated_hire_show_that_the_owner_was_there():
    _, _, spans = spans_of([{"rep_id": "A", "hire_date": "2024-01-01", "end_date": None}], [("A", "2023-10-01")])
    assert of(spans, "A", "start") == number("2023-10-01")


def test_tenure_counts_whole_months_up_to_the_ramp():
    spans = RepSpans(("A",), *(np.array([value]) for value in (0, 400, 0)), np.array([True]), np.array([False]))
    assert spans.tenure_months(np.array([0, 30, 31, 92, 5000]))[0].tolist() == [0, 0, 1, 3, RAMP_MONTHS]


def test_of_an_unknown_hire_every_deal_is_a_ramped_reps_even_one_from_before_the_record():
    reps = [{"rep_id": "A", "hire_date": "2023-06-01", "end_date": None}]
    deals = [("A", "2023-07-15"), ("B", "2021-02-01"), ("B", "2024-02-01")]
    _, frame, spans = spans_of(reps, deals)
    owner = np.array([spans.owners.index(name) for name in frame["owner_id"]])
    created = np.asarray(frame["created_date"], dtype="datetime64[D]").astype(np.int64)
    assert spans.tenure_at(owner, created).tolist() == [1, RAMP_MONTHS, RAMP_MONTHS]
    np.testing.assert_array_equal(spans.tenure_at(owner, created), spans.tenure_months(created)[owner, np.arange(3)])


def test_roster_lists_the_active_where_they_stand():
    reps = [
        {"rep_id": "A", "hire_date": "2022-01-01", "end_date": None, "territory_id": "T1", "manager_id": "M"},
        {"rep_id": "B", "hire_date": "2022-01-01", "end_date": "2024-03-31", "territory_id": "T2", "manager_id": "M"},
    ]
    known, frame, spans = spans_of(reps, [("A", "2024-12-01"), ("B", "2024-01-01"), ("C", "2024-12-20")])
    roster = build_roster(where(known, frame, spans), spans)
    assert roster.owners == ("A", "C")
    assert roster.places["territory_id"].tolist() == ["T1", NONE]
    assert roster.places["manager_id"].tolist() == ["M", NONE]
    assert roster.hired[0] == number("2022-01-01")


def test_where_no_leave_is_recorded_leaving_is_not_modelled():
    known, frame, spans = spans_of(
        [{"rep_id": "A", "hire_date": "2022-01-01", "end_date": None}], [("A", "2024-12-01")]
    )
    attrition = fit_attrition(known, frame, spans, where(known, frame, spans))
    assert attrition.shape == 0.0
    assert attrition.annual == 0.0
    assert attrition.vacancies == ()


@pytest.mark.parametrize("leaves", [1, 4, 9])
def test_more_leaves_mean_more_attrition(leaves):
    reps = [
        {
            "rep_id": f"R{i}",
            "hire_date": "2023-01-01",
            "end_date": f"2024-0{i + 1}-15" if i < leaves else None,
            "territory_id": f"T{i}",
        }
        for i in range(12)
    ]
    known, frame, spans = spans_of(reps, [(f"R{i}", "2023-06-01") for i in range(12)])
    attrition = fit_attrition(known, frame, spans, where(known, frame, spans))
    years = (spans.end - spans.start + 1).sum() / 365.25
    low, high = stats.gamma.ppf([0.01, 0.99], leaves + 1) / years
    assert attrition.leaves == leaves
    assert 0 < attrition.annual < 1
    assert low < -np.log1p(-attrition.annual) < high


def test_successors_are_matched_to_leaves_of_their_territory():
    reps = []
    for i in range(4):
        reps.append({"rep_id": f"O{i}", "hire_date": "2023-01-01", "end_date": "2024-01-31", "territory_id": f"T{i}"})
        reps.append({"rep_id": f"N{i}", "hire_date": "2024-03-01", "end_date": None, "territory_id": f"T{i}"})
    reps.append({"rep_id": "L", "hire_date": "2023-01-01", "end_date": "2024-12-20", "territory_id": "T9"})
    known, frame, spans = spans_of(reps, [("O0", "2023-06-01"), ("N0", "2024-12-01")])
    attrition = fit_attrition(known, frame, spans, where(known, frame, spans))
    assert attrition.backfills == 4
    assert attrition.backfill_days == 30.0
    # The seat left eleven days ago is still to be filled.
    assert [seat.territory for seat in attrition.vacancies] == ["T9"]
    assert 0 < attrition.vacancies[0].days <= 30


def test_seats_without_a_territory_are_filled_alike_and_a_manager_who_never_sold_leaves_none():
    reps = [
        {
            "rep_id": name,
            "hire_date": "2022-01-01",
            "end_date": "2024-12-01" if name in "AM" else None,
            "territory_id": at,
        }
        for name, at in (("A", None), ("B", None), ("M", None))
    ]
    deals = [("A", "2024-11-01"), ("B", "2024-11-01")]
    known, frame, spans = spans_of(reps, deals)
    frame["region"] = ["North", "South"]
    attrition = fit_attrition(known, frame, spans, where(known, frame, spans))
    assert [(seat.territory, seat.region) for seat in attrition.vacancies] == [(NONE, "North")]
    # Had both a territory each, the seat would be filled on the same day.
    listed = [{**rep, "territory_id": f"T{rep['rep_id']}"} for rep in reps[:2]]
    known, _, spans = spans_of(listed, deals)
    assert [seat.days for seat in fit_attrition(known, frame, spans, where(known, frame, spans)).vacancies] == [
        attrition.vacancies[0].days
    ]
    seats = build_roster(where(known, frame, spans), spans).seats(attrition.vacancies)
    assert seats[seat_of(attrition.vacancies[0], seats)] == (NONE, "North")


def test_a_hire_without_a_territory_follows_a_leaver_without_one():
    reps = [
        {"rep_id": "A", "hire_date": "2022-01-01", "end_date": "2024-09-01", "territory_id": None},
        {"rep_id": "B", "hire_date": "2024-10-01", "end_date": None, "territory_id": None},
    ]
    known, frame, spans = spans_of(reps, [("A", "2024-08-01"), ("B", "2024-11-01")])
    assert fit_attrition(known, frame, spans, where(known, frame, spans)).vacancies == ()
