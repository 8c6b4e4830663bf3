"""The activity funnel: used where activity leads creation, and without a trace where it does not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companies import AS_OF as EXAMPLE_AS_OF
from companies import example_fit, example_tables
from prospects import AS_OF, TODAY, history, lived, tables_of
from spmforecast import simulate
from spmforecast.calendar import FiscalCalendar
from spmforecast.data import read_history
from spmforecast.models import PipelineModel
from spmforecast.models.carrying import carried
from spmforecast.models.creation import month_of
from spmforecast.models.funnel import Funnel, log_score, rolling_gains, shares_before
from spmforecast.models.leading import PastLevels, market_ahead, record_of
from spmforecast.models.prospecting import prospecting
from spmforecast.scenario.notes import model_notes


@cache
def company(seed, leads):
    return tables_of(*lived(seed, leads))


@cache
def fitted(seed, leads):
    return PipelineModel().fit(history(company(seed, leads)), as_of=AS_OF)


def draws(model):
    return simulate(model, until="2024-06-30", trials=200, seed=3).draws


def without(model):
    return replace(model, funnel=None)


def test_activity_that_leads_is_used():
    model = fitted(1, True)
    funnel = model.funnel
    assert funnel.used
    assert funnel.gain > 1.0
    assert 2 * funnel.better > funnel.origins >= 6
    assert (np.diff(funnel.share) <= 0).all()
    assert not np.array_equal(draws(model), draws(without(model)))
    assert "multiplies the deals to come" in funnel.told()
    assert funnel.told() in model_notes(model, None)["notes"]
    row = model.summary().query("unit == 'times, next month'").iloc[0]
    assert row["estimate"] == pytest.approx(funnel.factors()[0])
    assert row["low"] < row["estimate"] < row["high"]


def _next_months(model, seed):
    """Deals of the next months, those expected without the funnel, and the variance of the log of that."""
    created = lived(seed, True)[2]
    days = np.arange(TODAY + 1, TODAY + 92)
    month = month_of(days) - month_of(days)[0]
    there = np.isin(created, days)
    count = np.bincount(month[created[there] - days[0]], minlength=3).astype(float)
    sellers = model.creation.reps.mean.sum()
    plain = sellers * np.bincount(month, weights=without(model).daily_creation(days))
    moved = sellers * np.bincount(month, weights=model.daily_creation(days))
    market = market_ahead(model.market.creation)
    return count, plain * np.exp(market.log_mean), moved / plain, market.variance


def test_a_market_that_is_all_but_impossible_changes_nothing_ahead():
    # A weight of 1e-320 cannot be divided by: the largest term of the sum may have one where growth is free.
    market = fitted(1, True).market.creation
    likely = np.zeros(len(market.weight))
    likely[market.growth.argmin()] = 1.0
    alone, beside = (market_ahead(replace(market, weight=np.maximum(likely, least))) for least in (0.0, 1e-320))
    assert np.isfinite(alone.log_mean).all()
    np.testing.assert_array_equal(beside.log_mean, alone.log_mean)


def test_the_next_quarters_creations_are_foretold_better():
    gains = []
    for seed in (1, 2, 3, 4):
        model = fitted(seed, True)
        assert model.funnel.used
        count, plain, factor, variance = _next_months(model, seed)
        gains.append((log_score(count, plain * factor, variance) - log_score(count, plain, variance)).sum())
    assert np.sum(gains) > 1.0


def test_what_comes_after_the_date_changes_nothing():
    done, kind, created = lived(1, True)
    more = np.arange(TODAY + 1, TODAY + 90).repeat(50)
    kept = done[done <= TODAY]
    poisoned = tables_of(np.append(kept, more), np.append(kind[: len(kept)], np.full(len(more), "call")), created)
    changed = PipelineModel().fit(history(poisoned), as_of=AS_OF)
    np.testing.assert_array_equal(changed.funnel.factors(), fitted(1, True).funnel.factors())
    np.testing.assert_array_equal(draws(changed), draws(fitted(1, True)))


def test_nothing_gained_has_no_sign():
    funnel = Funnel(used=False, activities=1200, origins=20, better=4, gain=-0.04)
    assert "by +0.0 in all" in funnel.told()
    assert "by -0.1 in all" in replace(funnel, gain=-0.06).told()


def test_noise_is_not_used_and_leaves_no_trace():
    model, tables = fitted(1, False), company(1, False)
    bare = PipelineModel().fit(history({"opportunities": tables["opportunities"]}), as_of=AS_OF)
    assert bare.funnel is None
    assert not model.funnel.used
    assert model.funnel.origins >= 6
    assert draws(model).tobytes() == draws(bare).tobytes()
    assert model.funnel.told().startswith("Recent activity does not move the deals to come: at ")
    assert len(model.summary()) == len(bare.summary()) + 1
    assert not any("activity" in note for note in model_notes(bare, None)["notes"])


def test_the_example_companys_activities_are_echoes_and_leave_no_trace():
    tables = {name: frame for name, frame in example_tables().items() if name != "activities"}
    bare = PipelineModel().fit(read_history(tables), as_of=EXAMPLE_AS_OF)
    assert bare.funnel is None
    assert example_fit().funnel is not None
    assert not example_fit().funnel.used
    one, other = (simulate(model, until="2024-12-31", trials=50, seed=1) for model in (bare, example_fit()))
    assert one.draws.tobytes() == other.draws.tobytes()


@pytest.mark.parametrize(
    ("span", "why"),
    [
        (slice(TODAY - 300, TODAY), "too few to tell"),
        (slice(TODAY - 900, TODAY - 40), "no prospecting activity is on record in the last 28 days"),
    ],
)
def test_a_short_or_broken_record_is_never_used(span, why):
    done, kind, created = lived(1, True)
    inside = (done >= span.start) & (done <= span.stop)
    model = PipelineModel().fit(history(tables_of(done[inside], kind[inside], created)), as_of=AS_OF)
    assert not model.funnel.used
    assert why in model.funnel.told()
    assert model.funnel.origins == 0


@pytest.fixture(scope="module")
def record():
    model = fitted(1, True)
    done = prospecting(model.history, model.deals, TODAY)
    first = int(model.deals["created_date"].min().to_datetime64().astype("datetime64[D]").astype(np.int64)) + 1
    made = record_of(done, model.deals, model.creation, first, TODAY)
    return made, model.funnel.thinning


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 200)), min_size=1, max_size=30))
def test_more_activity_never_lowers_what_is_expected(record, more):
    made, thinning = record
    counts = made.done.counts.copy()
    for kind, back in more:
        counts[kind, -1 - back] += 5.0
    raised, kept = replace(made, done=replace(made.done, counts=counts)), made.kept(TODAY)
    assert (raised.ahead(TODAY, thinning, kept) >= made.ahead(TODAY, thinning, kept) - 1e-12).all()


def test_a_company_that_does_more_now_is_expected_to_create_more():
    done, kind, created = lived(1, True)
    more = np.arange(TODAY - 20, TODAY + 1).repeat(10)
    busy = tables_of(np.append(done, more), np.append(kind, np.full(len(more), "call")), created)
    model = PipelineModel().fit(history(busy), as_of=AS_OF)
    assert model.funnel.used
    assert (model.funnel.factors() >= fitted(1, True).funnel.factors()).all()
    assert draws(model).sum() > draws(fitted(1, True)).sum()


def test_multipliers_step_by_month_and_fade_to_one():
    funnel = Funnel(used=True, share=np.array([1.0, 0.5, 0.5]), apart=np.log([1.2, 1.21, 1.21]), kept=0.5, today=TODAY)
    days = np.array(["2024-01-01", "2024-01-31", "2024-02-01", "2024-03-31", "2024-04-10", "2024-05-10", "2026-05-10"])
    got = funnel.along(days.astype("datetime64[D]").astype(np.int64))
    np.testing.assert_allclose(got, [1.2, 1.2, 1.1, 1.1, 1.1**0.5, 1.1**0.25, 1.0], atol=1e-7)


def test_a_fit_carried_to_a_later_date_keeps_what_was_expected_then():
    old = fitted(1, True)
    new = PipelineModel().fit(history(company(1, True)), as_of=AS_OF + pd.Timedelta(days=60))
    days = np.arange(TODAY + 61, TODAY + 200)
    np.testing.assert_array_equal(carried(old, new).daily_creation(days), old.daily_creation(days))


def _past(apart, surprise):
    shape = (len(apart), 3)
    fill = {name: np.full(shape, value) for name, value in [("log_mean", 0.0), ("variance", 0.01), ("noise", 0.01)]}
    count = np.round(100 * np.exp(surprise))
    return PastLevels(apart=apart, surprise=surprise, count=count, expected=np.full(shape, 100.0), **fill)


def test_shares_know_nothing_of_months_that_had_not_come():
    rng = np.random.default_rng(2)
    apart = rng.normal(0, 0.2, (20, 3))
    past = _past(apart, 0.8 * apart + rng.normal(0, 0.05, (20, 3)))
    later = replace(past, surprise=np.where(np.arange(20)[:, None] >= 8, -5.0, past.surprise))
    assert shares_before(past, 8).pairs.tolist() == [8, 7, 6]
    np.testing.assert_array_equal(shares_before(past, 8).value, shares_before(later, 8).value)
    np.testing.assert_allclose(shares_before(past, 20).value, 0.7, atol=0.15)  # shrunk towards none
    assert shares_before(past, 20).pairs.tolist() == [20, 20, 20]
    assert rolling_gains(past).sum() > 1.0
    assert len(rolling_gains(past)) == 17


def test_shares_are_none_where_the_levels_are_apart_the_wrong_way():
    rng = np.random.default_rng(4)
    apart = rng.normal(0, 0.2, (20, 3))
    past = _past(apart, -apart)
    assert (shares_before(past, 20).value == 0).all()
    assert (rolling_gains(past) == 0).all()


def test_months_of_weeks_and_dates_within_a_month_are_understood():
    calendar = FiscalCalendar(pattern="4-4-5")
    model = PipelineModel(calendar=calendar).fit(history(company(7, True)), as_of="2023-11-15")
    today = int(np.datetime64("2023-11-15").astype(np.int64))
    assert model.funnel.origins >= 6
    days = np.arange(today + 1, today + 60)
    same_month = calendar.month_numbers(days) == calendar.month_numbers(days[:1])
    factors = model.funnel.along(days)
    assert 0 < same_month.sum() < 35
    assert (factors[same_month] == model.funnel.factors()[0]).all()
    assert factors[~same_month][0] == model.funnel.factors()[1]
