"""Season and market: neither takes what belongs to the other, and reps get no credit for a good market."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.calendar import FiscalCalendar
from spmforecast.models.capacity import RepSpans
from spmforecast.models.creation import fit_creation, month_of
from spmforecast.models.market import MonthlyCounts, fit_market, fit_shock
from spmforecast.models.season import fit_season, lasting_level, overfit

YEAR = np.arange(12)
MONTHS = 42
SEASON = np.exp(0.12 * np.array([0, 1, 1, 0, 0, 0, -1, -2, 1, 1, 1, -2.0]))


def record(rng, tau, season=None, per_month=30.0, months=MONTHS, phi=0.82):
    """Counts of months with a season and a latent level, the level, and the calendar months."""
    month = np.arange(months) % 12
    level, now = np.empty(months), rng.normal(0, tau)
    for m in range(months):
        now = phi * now + np.sqrt(1 - phi**2) * tau * rng.normal()
        level[m] = now
    expected = np.full(months, per_month)
    factor = np.ones(12) if season is None else season / season.mean()
    return MonthlyCounts(rng.poisson(expected * factor[month] * np.exp(level)).astype(float), expected), level, month


def by_shares(counts, month):
    """Season as every month's share of the deals created."""
    seen, hoped = (np.bincount(month, weights=of) for of in (counts.observed, counts.expected))
    return seen / hoped / (seen / hoped).mean()


def without_season(counts, factors, month):
    expected = counts.expected * factors[month]
    return MonthlyCounts(counts.observed, expected * counts.observed.sum() / expected.sum())


def test_a_season_among_market_shocks_is_nearer_than_by_shares():
    rng, truth = np.random.default_rng(3), SEASON / SEASON.mean()
    errors = []
    for _ in range(12):
        counts, _, month = record(rng, 0.2, SEASON)
        found = fit_season(*counts.log_ratio(), month, YEAR).factors()
        errors.append([((told - truth) ** 2).mean() for told in (found, by_shares(counts, month))])
    fitted, shares = np.mean(errors, axis=0)
    assert fitted < 0.8 * shares


def test_a_strong_season_of_many_deals_is_hardly_shrunk():
    strong = np.where(YEAR == 7, 0.3, 1.0)
    counts, _, month = record(np.random.default_rng(1), 0.02, strong, per_month=2000.0)
    found = fit_season(*counts.log_ratio(), month, YEAR).factors()
    np.testing.assert_allclose(found, strong / strong.mean(), rtol=0.06)


def test_where_there_is_none_hardly_any_season_is_claimed():
    counts, _, month = record(np.random.default_rng(5), 0.0, per_month=200.0)
    found = fit_season(*counts.log_ratio(), month, YEAR)
    assert np.abs(found.factors() - 1.0).max() < 0.04
    assert found.spread < 0.06


def test_months_of_one_group_have_no_season():
    counts, _, month = record(np.random.default_rng(5), 0.1)
    np.testing.assert_allclose(fit_season(*counts.log_ratio(), month, np.zeros(12, dtype=np.int64)).factors(), 1.0)


def test_without_any_month_nothing_is_claimed():
    nothing, month = np.zeros(0), np.zeros(0, dtype=np.int64)
    np.testing.assert_allclose(fit_season(nothing, nothing, month, YEAR).factors(), 1.0)
    assert len(lasting_level(nothing, nothing, 0.2, 0.8)) == 0


def test_a_fitted_season_no_longer_makes_the_market_calmer():
    rng = np.random.default_rng(8)
    plain, mended, known = [], [], []
    for _ in range(12):
        counts, _, month = record(rng, 0.25, SEASON, per_month=60.0)
        season = fit_season(*counts.log_ratio(), month, YEAR)
        left = without_season(counts, season.factors(), month).log_ratio()
        plain.append(fit_shock(*left).tau_mean())
        mended.append(fit_shock(*left, season, month).tau_mean())
        known.append(fit_shock(*without_season(counts, SEASON, month).log_ratio()).tau_mean())
    assert np.mean(plain) < np.mean(mended)
    assert abs(np.mean(mended) - np.mean(known)) < abs(np.mean(plain) - np.mean(known))


def test_a_season_that_took_nothing_changes_nothing():
    counts, _, month = record(np.random.default_rng(2), 0.1)
    even = fit_season(*counts.log_ratio(), month, np.zeros(12, dtype=np.int64))
    grid = np.array([0.02, 0.1, 0.4])
    told = overfit(*counts.log_ratio(), month, even, grid, np.full(3, 0.8))
    np.testing.assert_allclose(told, 0.0, atol=1e-9)


def test_fit_market_hands_the_season_to_creation_alone():
    counts, _, month = record(np.random.default_rng(4), 0.25, SEASON)
    season = fit_season(*counts.log_ratio(), month, YEAR)
    left = without_season(counts, season.factors(), month)
    with_it, without = fit_market(left, left, left, season, month), fit_market(left, left, left)
    assert with_it.creation.tau_mean() > without.creation.tau_mean()
    np.testing.assert_array_equal(with_it.conversion.weight, without.conversion.weight)


def test_the_level_is_followed_where_months_tell_enough():
    counts, level, _ = record(np.random.default_rng(6), 0.3, per_month=3000.0)
    ratio, noise = counts.log_ratio()
    noise[10] = np.inf
    found = lasting_level(ratio, noise, 0.3, 0.82)
    told = np.arange(MONTHS) != 10
    np.testing.assert_allclose(found[told], level[told], atol=0.06)
    assert abs(found[10] - level[10]) < 0.5
    np.testing.assert_array_equal(lasting_level(np.zeros(5), np.ones(5), 0.3, 0.8), np.zeros(5))


def test_a_rep_of_good_times_gets_no_credit_for_the_market():
    first, today = (int(np.datetime64(day).astype(np.int64)) for day in ("2022-01-01", "2024-12-31"))
    rng, days = np.random.default_rng(7), np.arange(first, today + 1)
    owners = tuple(f"R{i}" for i in range(9))
    # A third of the reps were there for the good middle year alone; all are alike.
    good = (days >= first + 365) & (days < first + 730)
    start = np.array([first] * 6 + [first + 365] * 3)
    end = np.array([today] * 6 + [first + 729] * 3)
    there = (days >= start[:, None]) & (days <= end[:, None])
    counts = rng.poisson(0.5 * np.where(good, 1.6, 1.0) * there)
    who, when = np.nonzero(counts)
    times = counts[who, when]
    deals = pd.DataFrame(
        {
            "owner_id": np.repeat(np.array(owners, dtype=object)[who], times),
            "created_date": np.repeat(first + when, times).astype("datetime64[D]").astype("datetime64[s]"),
        }
    )
    spans = RepSpans(owners, start, end, np.full(9, first - 1000), np.ones(9, dtype=bool), np.zeros(9, dtype=bool))
    model = fit_creation(deals, spans, first, today, FiscalCalendar())
    steady, guests = model.reps.mean[:6].mean(), model.reps.mean[6:].mean()
    assert guests / steady == pytest.approx(1.0, abs=0.15)
    ratio = model.observed / model.expected
    boom = month_of(np.array([first + 365]))[0] - model.months[0]
    assert ratio[boom : boom + 12].mean() / np.delete(ratio, np.s_[boom : boom + 12]).mean() > 1.4
