"""Creation of deals: counts that are kept, rates that are found again, and factors with mean one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.calendar import FiscalCalendar
from spmforecast.models.capacity import RepSpans
from spmforecast.models.creation import fit_creation, month_of, month_starts

FIRST = int(np.datetime64("2022-01-01").astype(np.int64))
TODAY = int(np.datetime64("2024-12-31").astype(np.int64))
CALENDAR = FiscalCalendar()


def spans_of(owners, start=FIRST, hired=None):
    n = len(owners)
    hired = np.full(n, FIRST - 1000) if hired is None else np.asarray(hired)
    return RepSpans(
        tuple(owners), np.maximum(np.full(n, start), hired), np.full(n, TODAY), hired,
        np.ones(n, dtype=bool), np.zeros(n, dtype=bool),
    )  # fmt: skip


def deals_of(owner, day):
    dates = pd.Series(np.asarray(day, dtype="datetime64[D]").astype("datetime64[s]"))
    return pd.DataFrame({"owner_id": np.asarray(owner, dtype=object), "created_date": dates})


def poisson_deals(rng, rate, owners):
    """Deals of each owner on each day by independent Poisson counts; `rate` is (owners, days)."""
    counts = rng.poisson(rate)
    who, when = np.nonzero(counts)
    times = counts[who, when]
    return deals_of(np.repeat(np.asarray(owners, dtype=object)[who], times), np.repeat(FIRST + when, times))


@pytest.fixture(scope="module")
def even():
    rng = np.random.default_rng(5)
    owners = [f"R{i}" for i in range(12)]
    deals = poisson_deals(rng, np.full((12, TODAY - FIRST + 1), 0.25), owners)
    return deals, fit_creation(deals, spans_of(owners), FIRST, TODAY, CALENDAR)


def test_months_go_there_and_back():
    days = np.arange(FIRST, TODAY + 1)
    months = month_of(days)
    starts = month_starts(np.arange(months[0], months[-1] + 2))
    assert (starts[months - months[0]] <= days).all()
    assert (days < starts[months - months[0] + 1]).all()
    assert str(np.datetime64(int(month_starts(np.array([month_of(np.array([0]))[0] + 600]))[0]), "D")) == "2020-01-01"


def test_every_deal_is_counted_and_expected(even):
    deals, model = even
    assert model.observed.sum() == len(deals)
    assert model.expected.sum() == pytest.approx(len(deals), rel=0.02)
    assert len(model.months) == 36
    assert model.hires == 0


def test_even_creation_is_found_even(even):
    _, model = even
    assert model.base == pytest.approx(0.25, rel=0.05)
    np.testing.assert_allclose(model.season, 1.0, atol=0.15)
    np.testing.assert_allclose(model.weekday, 1.0, atol=0.15)
    np.testing.assert_allclose(model.reps.mean, 1.0, atol=0.1)
    np.testing.assert_array_equal(model.ramp, 1.0)
    assert model.dispersion < 0.03


def test_factors_have_mean_one(even):
    _, model = even
    assert model.season.mean() == pytest.approx(1.0)
    assert model.weekday.mean() == pytest.approx(1.0)
    year = np.arange(FIRST, FIRST + 365)
    assert model.day_weights(year).mean() == pytest.approx(1.0, abs=0.02)


def test_deals_outside_the_record_do_not_count(even):
    deals, model = even
    beyond = pd.concat([deals, deals_of(["R0", "R1"], [FIRST - 10, TODAY + 10])], ignore_index=True)
    again = fit_creation(beyond, spans_of(model.owners), FIRST, TODAY, CALENDAR)
    assert again.base == model.base
    np.testing.assert_array_equal(again.observed, model.observed)


def test_weekday_season_and_reps_are_found_again():
    rng = np.random.default_rng(9)
    days = np.arange(FIRST, TODAY + 1)
    owners = [f"R{i}" for i in range(10)]
    weekday = np.where((days + 3) % 7 < 5, 1.0, 0.1)
    season = np.where(month_of(days) % 12 == 7, 0.4, 1.0)
    skill = np.linspace(0.5, 1.5, 10)
    deals = poisson_deals(rng, 0.4 * skill[:, None] * weekday * season, owners)
    model = fit_creation(deals, spans_of(owners), FIRST, TODAY, CALENDAR)
    assert model.weekday[:5].min() > 5 * model.weekday[5:].max()
    assert model.season.argmin() == 7
    assert model.season[7] < 0.6
    assert np.corrcoef(model.reps.mean, skill)[0, 1] > 0.97
    tuesday_in_march = np.array([int(np.datetime64("2024-03-12").astype(np.int64))])
    sunday_in_august = np.array([int(np.datetime64("2024-08-11").astype(np.int64))])
    assert model.day_weights(tuesday_in_march)[0] > 8 * model.day_weights(sunday_in_august)[0]


def test_bursts_of_a_rep_show_as_dispersion(even):
    rng = np.random.default_rng(3)
    owners = even[1].owners
    days = np.arange(FIRST, TODAY + 1)
    quarter = month_of(days) // 3
    luck = rng.gamma(4.0, 1 / 4.0, size=(len(owners), quarter[-1] - quarter[0] + 1))[:, quarter - quarter[0]]
    deals = poisson_deals(rng, 0.25 * luck, owners)
    bursts = fit_creation(deals, spans_of(owners), FIRST, TODAY, CALENDAR)
    assert bursts.dispersion > 5 * even[1].dispersion
    assert bursts.dispersion == pytest.approx(0.25, abs=0.12)


def test_newcomers_ramp_up():
    rng = np.random.default_rng(7)
    owners = [f"R{i}" for i in range(20)]
    hired = np.where(np.arange(20) < 10, FIRST - 1000, FIRST + 60 + 20 * np.arange(20))
    days = np.arange(FIRST, TODAY + 1)
    months = (days - hired[:, None]) / 30.4375
    rate = 0.5 * np.clip(0.2 + 0.8 * months / 6, 0.2, 1.0) * (months >= 0)
    deals = poisson_deals(rng, rate, owners)
    model = fit_creation(deals, spans_of(owners, hired=hired), FIRST, TODAY, CALENDAR)
    assert model.hires == 10
    assert (np.diff(model.ramp) >= 0).all()
    assert model.ramp[0] < 0.5
    assert model.ramp[8:].min() > 0.85
    assert model.base == pytest.approx(0.5, rel=0.1)


def test_one_deal_is_enough():
    one = fit_creation(deals_of(["A"], [TODAY - 5]), spans_of(["A"], start=TODAY - 30), TODAY - 30, TODAY, CALENDAR)
    assert 0 < one.base < 0.2
    assert one.observed.sum() == 1
    assert np.isfinite(one.expected).all()
    assert one.dispersion > 0


def test_none_in_the_record_is_borne():
    none = fit_creation(deals_of(["A"], [TODAY - 500]), spans_of(["A"]), TODAY - 30, TODAY, CALENDAR)
    assert none.observed.sum() == 0
    assert none.base >= 0
    assert np.isfinite(none.day_weights(np.arange(TODAY, TODAY + 400))).all()


def test_a_season_of_fiscal_months_is_found_in_a_calendar_of_weeks():
    calendar = FiscalCalendar(1, "4-4-5")
    days = np.arange(FIRST, TODAY + 1)
    place = calendar.month_numbers(days) % 12
    rng = np.random.default_rng(31)
    owners = [f"R{i}" for i in range(12)]
    deals = poisson_deals(rng, np.broadcast_to(np.where(place == 11, 0.5, 0.2), (12, len(days))), owners)
    model = fit_creation(deals, spans_of(owners), FIRST, TODAY, calendar)
    assert model.observed.sum() == len(deals)
    assert model.season.argmax() == 11
    assert model.season[11] / np.delete(model.season, 11).mean() == pytest.approx(2.5, rel=0.2)
    assert len(model.months) == 37  # the last three days of 2024 lie in 2025P01
    weights = model.day_weights(days)
    assert weights[place == 11].mean() > 2 * weights[place != 11].mean()


def test_a_short_record_of_weeks_shares_its_season_by_the_place_in_the_quarter():
    calendar = FiscalCalendar(1, "4-4-5")
    first = int(calendar.month_starts(np.array([12 * 2024]))[0])
    today = int(calendar.month_starts(np.array([12 * 2024 + 9]))[0]) - 1
    days = np.arange(first, today + 1)
    late = calendar.month_numbers(days) % 3 == 2
    rng = np.random.default_rng(32)
    owners = [f"R{i}" for i in range(12)]
    counts = rng.poisson(np.broadcast_to(np.where(late, 0.5, 0.25), (12, len(days))))
    who, when = np.nonzero(counts)
    times = counts[who, when]
    deals = deals_of(np.repeat(np.asarray(owners, dtype=object)[who], times), np.repeat(first + when, times))
    season = fit_creation(deals, spans_of(owners, start=first), first, today, calendar).season
    np.testing.assert_allclose(season, np.tile(season[:3], 4))
    assert season[2] / season[:2].mean() == pytest.approx(2.0, rel=0.2)


def silent(deals, *months):
    """Leave out the deals created in some months."""
    return deals[~deals["created_date"].astype("datetime64[s]").dt.strftime("%Y-%m").isin(months)]


def test_months_without_record_are_neither_season_nor_market(even):
    """A migration of the CRM swallowed three months: the fit is that of the months that are left."""
    deals, whole = even
    model = fit_creation(silent(deals, "2023-04", "2023-05", "2023-06"), spans_of(whole.owners), FIRST, TODAY, CALENDAR)
    (stretch,) = model.unrecorded.tolist()
    first, last = (np.datetime64(day, "D") for day in stretch)
    assert np.datetime64("2023-03-25") < first <= np.datetime64("2023-04-01")
    assert np.datetime64("2023-06-30") <= last < np.datetime64("2023-07-07")
    assert (model.expected[15:18] == 0.0).all()
    assert model.base == pytest.approx(whole.base, rel=0.03)
    assert model.season == pytest.approx(whole.season, abs=0.05)
    assert not len(whole.unrecorded)


def test_a_month_that_is_silent_every_year_is_a_season(even):
    deals, whole = even
    closed = silent(deals, "2022-08", "2023-08", "2024-08")
    model = fit_creation(closed, spans_of(whole.owners), FIRST, TODAY, CALENDAR)
    assert not len(model.unrecorded)
    assert model.season[7] < 0.2
    once = fit_creation(silent(deals, "2023-08"), spans_of(whole.owners), FIRST, TODAY, CALENDAR)
    assert len(once.unrecorded) == 1
    assert once.season[7] > 0.8


def test_few_deals_show_no_silence(even):
    """Who creates a deal a fortnight is not silent for want of one in six weeks."""
    deals, whole = even
    few = silent(deals.iloc[:: len(deals) // 250], "2023-08")
    assert not len(fit_creation(few, spans_of(whole.owners), FIRST, TODAY, CALENDAR).unrecorded)
