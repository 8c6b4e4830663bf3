"""Holidays are found in a record that has them, and none in one that has not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spmforecast as spm
from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError
from spmforecast.models.capacity import RepSpans
from spmforecast.models.creation import fit_creation
from spmforecast.models.daytypes import day_types, ordinary
from spmforecast.models.holidays import NO_HOLIDAYS, Holidays, Rule, learn_holidays, named_holidays

FIRST = int(np.datetime64("2022-01-01", "D").astype(np.int64))
CHRISTMAS = {Rule("date", 12, 25), Rule("date", 1, 1)}
THANKSGIVING, LABOR_DAY, MEMORIAL_DAY = Rule("weekday", 11, 3, 3), Rule("weekday", 9, 0, 0), Rule("weekday", 5, 4, 0)
GOOD_FRIDAY, FOUNDERS = Rule("easter", 0, -2), Rule("date", 8, 9)


def record(holidays, busy, years=3, seed=1, weekend=0.06, first=FIRST):
    """Events of each day of a company that hardly works at weekends and on holidays."""
    days = first + np.arange(int(365.25 * years))
    quiet = (days + 3) % 7 >= 5
    if holidays:
        quiet = quiet | Holidays(tuple(holidays)).on(days)
    season = 1 + 0.3 * np.sin(days / 58.0)
    events = np.random.default_rng(seed).poisson(busy * season * np.where(quiet, weekend, 1.0))
    return events.astype(float), first, ordinary(day_types(days, FiscalCalendar()))


def test_holidays_are_told_in_words():
    assert str(NO_HOLIDAYS) == ""
    assert str(Holidays((FOUNDERS,))) == "9 August"
    assert str(Holidays((FOUNDERS, THANKSGIVING))) == "9 August and the fourth Thursday of November"


def dates(rule, year):
    days = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[D]").astype(np.int64)
    return [str(day) for day in days[rule.on(days)].astype("datetime64[D]")]


@pytest.mark.parametrize(
    ("rule", "year", "date", "name"),
    [
        (Rule("date", 12, 25), 2024, "2024-12-25", "25 December"),
        (THANKSGIVING, 2024, "2024-11-28", "the fourth Thursday of November"),
        (THANKSGIVING, 2025, "2025-11-27", "the fourth Thursday of November"),
        (LABOR_DAY, 2025, "2025-09-01", "the first Monday of September"),
        (MEMORIAL_DAY, 2025, "2025-05-26", "the last Monday of May"),
        (GOOD_FRIDAY, 2024, "2024-03-29", "Good Friday"),
        (Rule("easter", 0, 1), 2025, "2025-04-21", "Easter Monday"),
        (Rule("easter", 0, 39), 2025, "2025-05-29", "Ascension Day"),
        (Rule("easter", 0, 2), 2025, "2025-04-22", "2 days after Easter"),
        (Rule("easter", 0, -1), 2025, "2025-04-19", "the day before Easter"),
    ],
)
def test_a_rule_falls_on_the_day_that_calendars_give(rule, year, date, name):
    assert dates(rule, year) == [date]
    assert str(rule) == name


@pytest.mark.parametrize("seed", range(4))
def test_holidays_of_a_busy_company_are_found(seed):
    kept = {*CHRISTMAS, THANKSGIVING, LABOR_DAY, MEMORIAL_DAY, Rule("date", 7, 4), FOUNDERS}
    assert set(learn_holidays(*record(kept, busy=20.0, seed=seed)).rules) == kept


@pytest.mark.parametrize("seed", range(4))
def test_a_company_with_five_events_a_day_tells_christmas_but_takes_no_quiet_day_for_a_holiday(seed):
    found = set(learn_holidays(*record({*CHRISTMAS, Rule("date", 12, 26)}, busy=5.0, seed=seed)).rules)
    assert found == {*CHRISTMAS, Rule("date", 12, 26)}


@pytest.mark.parametrize("busy", [0.3, 8.0, 30.0])
def test_a_record_that_speaks_against_it_has_no_christmas(busy):
    found = set(learn_holidays(*record(set(), busy=busy, seed=5)).rules)
    # Where next to nothing happens on any day, nothing speaks against what nearly everybody keeps.
    assert found == (CHRISTMAS if busy < 1.0 else set())


@pytest.mark.parametrize("kept", [set(), {*CHRISTMAS, FOUNDERS}])
def test_a_company_that_works_all_week_has_no_day_like_those_of_a_weekend(kept):
    """On its Christmas nothing happens, but calling it a weekend, which is as busy as any day, would say nothing."""
    assert learn_holidays(*record(kept, busy=30.0, weekend=1.0)) == NO_HOLIDAYS


@pytest.mark.parametrize("busy", [2.5, 5.0, 10.0])
@pytest.mark.parametrize("years", [3, 5])
def test_few_records_without_holidays_show_some_by_chance(busy, years):
    """Some 500 dates are looked at: the bar is so high that hardly one record in ten has one that is quiet by luck."""
    found = [set(learn_holidays(*record(set(), busy, years, seed)).rules) - CHRISTMAS for seed in range(40)]
    assert sum(bool(rules) for rules in found) <= 4


@pytest.mark.parametrize("day", [400, 402])  # a weekday, and a day of a weekend
def test_one_import_or_clean_up_hides_no_holiday(day):
    kept = {*CHRISTMAS, THANKSGIVING, LABOR_DAY, MEMORIAL_DAY, Rule("date", 7, 4), FOUNDERS}
    events, first, usual = record(kept, busy=20.0)
    events[day] += 5000.0
    assert set(learn_holidays(events, first, usual).rules) == kept


def test_days_after_the_last_entry_are_no_evidence():
    """An export may be some weeks old at the as-of date; a day that was quiet by luck a year before is no holiday."""
    events, first, usual = record(CHRISTMAS, busy=30.0, years=2.2)
    events[-21:] = 0.0
    last = first + len(events) - 10
    while not usual[last - first]:
        last -= 1
    rule = Rule("date", *(int(part) for part in str(np.datetime64(last, "D")).split("-")[1:]))
    events[rule.on(first + np.arange(len(events)))] = 0.0
    assert set(learn_holidays(events, first, usual).rules) == CHRISTMAS


@pytest.mark.parametrize("days", [0, 1, 2, 3, 5, 8])
def test_a_record_of_a_few_days_or_without_events_leaves_what_is_known_beforehand(days):
    days = FIRST + np.arange(days)
    usual = ordinary(day_types(days, FiscalCalendar()))
    assert set(learn_holidays(np.zeros(len(days)), FIRST, usual).rules) == CHRISTMAS
    assert set(learn_holidays(np.where(usual, 3.0, 0.0), FIRST, usual).rules) == CHRISTMAS
    assert set(learn_holidays(np.eye(max(len(days), 1))[-1, : len(days)], FIRST, usual).rules) == CHRISTMAS


def test_the_fifth_such_weekday_of_a_month_is_its_last():
    last = Rule("weekday", 10, 4, 0)
    assert str(last) == "the last Monday of October"
    found = learn_holidays(*record({*CHRISTMAS, last}, busy=30.0, years=5)).rules
    assert last in found
    assert not any(rule.kind == "weekday" and rule != last for rule in found)


def test_one_day_without_a_record_is_no_holiday():
    events, first, usual = record(CHRISTMAS, busy=40.0)
    outage = int(np.datetime64("2023-03-14", "D").astype(np.int64)) - first
    events[outage] = 0.0
    assert set(learn_holidays(events, first, usual).rules) == CHRISTMAS


def test_a_date_of_which_nothing_is_known_has_to_be_quiet_in_two_years():
    one_year = record({*CHRISTMAS, FOUNDERS}, busy=40.0, years=1)
    assert set(learn_holidays(*one_year).rules) == CHRISTMAS
    assert FOUNDERS in learn_holidays(*record({*CHRISTMAS, FOUNDERS}, busy=40.0)).rules


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 30.0), st.integers(1, 40))
def test_whatever_the_counts_holidays_are_days_on_which_less_happened_than_usual(seed, busy, weeks):
    days = FIRST + np.arange(7 * weeks)
    pace = np.where((days + 3) % 7 >= 5, 0.1, 1.0)
    events = np.random.default_rng(seed).poisson(busy * pace).astype(float)
    usual = ordinary(day_types(days, FiscalCalendar()))
    for rule in set(learn_holidays(events, FIRST, usual).rules) - CHRISTMAS:
        assert events[rule.on(days) & usual].mean() < events[usual].mean()


def test_the_example_company_closes_at_christmas_and_the_fit_knows_it():
    model = spm.PipelineModel().fit(spm.read_history(spm.ExampleCompany(seed=1).tables()), as_of="2025-06-30")
    christmas = [Rule("date", 1, 1), *(Rule("date", 12, day) for day in (24, 25, 26))]
    assert list(model.holidays.rules) == christmas
    assert model.creation.holidays == model.process.holidays == model.holidays
    assert str(model.holidays) == "1 January, 24 December, 25 December and 26 December"
    year = np.arange(model.stays.today + 1, model.stays.today + 366)
    closed, weight = model.holidays.on(year), model.creation.of_day(year)
    assert closed.sum() == 4
    assert weight[closed].max() < 0.3 * weight[(year + 3) % 7 < 5].mean()
    assert (model.process.types_of(year)[closed] == 0).all()


def test_next_to_nothing_is_created_on_a_holiday():
    days = pd.date_range("2023-01-02", "2024-12-30", freq="D")
    closed = Holidays(tuple(Rule("date", 8, day) for day in range(5, 10)))
    number = days.to_numpy().astype("datetime64[D]").astype(np.int64)
    open_days = days[(days.day_of_week < 5) & ~closed.on(number)]
    deals = pd.DataFrame({"owner_id": "A", "created_date": open_days.repeat(3)})
    span = RepSpans(("A",), number[:1], number[-1:], number[:1] - 2000, np.array([True]), np.array([False]))
    know, plain = (
        fit_creation(deals, span, int(number[0]), int(number[-1]), FiscalCalendar(), some)
        for some in (closed, NO_HOLIDAYS)
    )
    august = np.array([(dt.date(2025, 8, day) - dt.date(1970, 1, 1)).days for day in (6, 13)])
    assert know.day_weights(august)[0] < 0.1 < 0.9 < know.day_weights(august)[1]
    assert plain.day_weights(august)[0] == plain.day_weights(august)[1]


NEAR_EASTER = tuple(Rule("easter", 0, after) for after in (-2, 0, 1, 2))


@pytest.mark.parametrize("rule", [*CHRISTMAS, Rule("date", 2, 29), THANKSGIVING, MEMORIAL_DAY, *NEAR_EASTER])
def test_a_day_is_found_by_the_name_under_which_it_is_told(rule):
    assert named_holidays([str(rule)]).rules == (rule,)


def test_days_are_named_with_or_without_the_article_and_in_any_order():
    given = ["Fourth Thursday of  November", "25 december", "the fourth thursday of November", "1 January"]
    named = named_holidays(given)
    assert named.rules == (*sorted(CHRISTMAS), THANKSGIVING)
    assert named_holidays([]) == NO_HOLIDAYS


def test_every_name_that_means_no_day_is_told_with_the_nearest_that_does():
    with pytest.raises(InputError, match="names no day of the year") as error:
        named_holidays(["4 Juli", "30 February", "Carnival Monday of the Rhine", 704])
    told = [str(problem) for problem in error.value.problems]
    assert told[0] == "scenario, holidays: names no day of the year (found '4 Juli'). Did you mean 4 July?"
    assert "(found '30 February'). Did you mean" in told[1]
    assert told[3].endswith("(found '704'). Write days as in 4 July, Good Friday or last Monday of May.")


def test_holidays_that_are_named_take_the_place_of_those_learned():
    history = spm.read_history(spm.ExampleCompany(seed=1).tables())
    spec = spm.ModelSpec(holidays=("4 July", "Easter Monday"))
    model = spm.PipelineModel(spec).fit(history, as_of="2025-06-30")
    assert str(model.holidays) == "4 July and Easter Monday"
    assert model.creation.holidays == model.process.holidays == model.holidays
    none = spm.PipelineModel(spm.ModelSpec(holidays=())).fit(history, as_of="2025-06-30")
    assert none.holidays == NO_HOLIDAYS
    with pytest.raises(InputError, match="Did you mean 4 July"):
        spm.ModelSpec(holidays=("4 Jul",))
