"""Tests of how much better or worse each rep wins."""

import numpy as np
import pandas as pd
import pytest

from spmforecast.models.capacity import RepSpans
from spmforecast.models.newcomers import fit_win_ramp
from spmforecast.models.ramp import RAMP_MONTHS, usual_ramp
from spmforecast.models.repwins import fit_rep_wins
from spmforecast.models.risksets import CENSORED, Stays
from spmforecast.models.watched import Watched

TODAY = 20_000


def _stays(owner: np.ndarray, created: np.ndarray, won_at: np.ndarray, watched: np.ndarray | None = None) -> Stays:
    """Deals in one stage that are won at an age, or not at all where that is after today."""
    won = created + won_at <= TODAY
    end = np.where(won, created + won_at, TODAY)
    date = pd.to_datetime(np.stack([created, end]), unit="D")
    deals = pd.DataFrame(
        {
            "owner_id": owner,
            "status": np.where(won, "won", "lost"),
            "created_date": date[0],
            "close_date": date[1],
        }
    )
    start = np.zeros(len(owner), dtype=np.int64) if watched is None else np.maximum(watched - created, 0)
    to = np.where(won, 1, CENSORED)
    rows = np.arange(len(owner))
    return Stays(("Open",), rows, np.zeros_like(rows), created, start, end - created, to, deals, TODAY)


def _spans(owners, hired=None) -> RepSpans:
    """Reps who were all there before the record began, unless hired in it."""
    start = np.full(len(owners), TODAY - 1_000)
    hired = start - 1_000 if hired is None else hired
    there = np.ones(len(owners), dtype=bool)
    return RepSpans(tuple(owners), start, np.full(len(owners), TODAY), hired, there, ~there)


def _rep_wins(stays: Stays, segment: np.ndarray, owners, made: np.ndarray):
    return fit_rep_wins(Watched.of(stays, segment, _spans(owners)), np.ones(RAMP_MONTHS + 1), made)[0]


def _company(speed: dict[str, float], seed: int, deals: int = 3_000) -> Stays:
    """A quarter of an average rep's deals would be won in 100 days; `speed` multiplies the hazard of each rep."""
    random = np.random.default_rng(seed)
    owner = random.choice(list(speed), deals)
    created = random.integers(TODAY - 900, TODAY - 30, deals)
    hazard = -np.log(0.75) * np.array([speed[name] for name in owner]) / 100.0
    won_at = np.floor(random.exponential(1.0 / hazard)).astype(np.int64)
    won_at[won_at > 100] = 10_000
    return _stays(owner.astype(object), created, won_at)


def test_a_rep_who_wins_at_twice_the_speed_is_found():
    speed = {"A": 0.7, "B": 1.0, "C": 1.0, "D": 1.4}
    stays = _company(speed, seed=5)
    pool = _rep_wins(stays, np.zeros(3_000, dtype=np.int64), tuple(speed), np.ones(4))
    truth = np.array(list(speed.values()))
    np.testing.assert_allclose(pool.mean, truth / truth.mean(), atol=0.12)
    assert pool.observed.sum() == (stays.deals["status"] == "won").sum()


def test_good_times_make_nobody_a_good_rep():
    random = np.random.default_rng(9)
    owner = np.repeat(np.array(["early", "late"], dtype=object), 1_000)
    created = np.concatenate([np.arange(1_000) % 360 + TODAY - 900, np.arange(1_000) % 360 + TODAY - 450])
    share = np.where(owner == "early", 0.5, 0.2)
    won_at = np.where(random.random(2_000) < share, random.integers(0, 60, 2_000), 10_000)
    pool = _rep_wins(_stays(owner, created, won_at), np.zeros(2_000, dtype=np.int64), ("early", "late"), np.ones(2))
    np.testing.assert_allclose(pool.mean, 1.0, atol=0.06)


def test_large_deals_make_nobody_a_bad_rep():
    random = np.random.default_rng(11)
    owner = np.repeat(np.array(["small", "large"], dtype=object), 1_000)
    segment = (np.arange(2_000) >= 1_000).astype(np.int64)
    won_at = np.where(random.random(2_000) < np.where(segment == 0, 0.5, 0.1), random.integers(0, 60, 2_000), 10_000)
    created = random.integers(TODAY - 900, TODAY - 70, 2_000)
    pool = _rep_wins(_stays(owner, created, won_at), segment, ("small", "large"), np.ones(2))
    np.testing.assert_allclose(pool.mean, 1.0, atol=0.06)


def test_days_before_the_record_began_expect_nothing():
    random = np.random.default_rng(3)
    owner = np.repeat(np.array(["late", "whole"], dtype=object), 2_000)
    created = np.concatenate([random.integers(TODAY - 490, TODAY - 405, 2_000)] * 2)
    won_at = np.floor(random.exponential(250.0, 4_000)).astype(np.int64)
    watched = np.where(owner == "late", created + 200, created)
    kept = won_at >= watched - created  # what was won before the record began is not on it
    stays = _stays(owner[kept], created[kept], won_at[kept], watched[kept])
    pool = _rep_wins(stays, np.zeros(kept.sum(), dtype=np.int64), ("late", "whole"), np.ones(2))
    np.testing.assert_allclose(pool.mean, 1.0, atol=0.06)


def test_wins_before_the_record_began_count_for_nobody():
    stays = _company({"A": 1.0, "B": 1.0}, seed=3, deals=600)
    early = stays.entry < TODAY - 500  # closed before the record began, so that no visit of theirs is on it
    kept = np.flatnonzero(~early)
    columns = (stays.entry, stays.start, stays.duration, stays.to)
    entry, start, duration, to = (column[kept] for column in columns)
    cut = Stays(stays.stages, kept, np.zeros_like(kept), entry, start, duration, to, stays.deals, TODAY)
    pool = _rep_wins(cut, np.zeros(600, dtype=np.int64), ("A", "B"), np.zeros(2))
    assert pool.observed.sum() == (stays.deals["status"].to_numpy()[kept] == "won").sum()
    alone = Stays(
        stays.stages,
        np.arange(len(kept)),
        np.zeros_like(kept),
        entry,
        start,
        duration,
        to,
        stays.deals.iloc[kept].reset_index(drop=True),
        TODAY,
    )
    without = _rep_wins(alone, np.zeros(len(kept), dtype=np.int64), ("A", "B"), np.zeros(2))
    np.testing.assert_array_equal(pool.mean, without.mean)


@pytest.mark.parametrize("owners", [("A",), ("A", "B", "unknown")])
def test_owners_without_deals_keep_the_prior(owners):
    stays = _company({"A": 1.0}, seed=2, deals=50)
    pool = _rep_wins(stays, np.zeros(50, dtype=np.int64), owners, np.zeros(len(owners)))
    assert pool.observed[0] == (stays.deals["status"] == "won").sum()
    assert np.isfinite(pool.mean).all()
    np.testing.assert_allclose(pool.mean[1:], 1.0)


def test_a_record_without_a_visit_tells_nothing():
    stays, none = _company({"A": 1.0}, seed=2, deals=50), np.zeros(0, dtype=np.int64)
    empty = Stays(stays.stages, none, none, none, none, none, none, stays.deals, TODAY)
    pool = _rep_wins(empty, np.zeros(50, dtype=np.int64), ("A", "B"), np.ones(2))
    np.testing.assert_array_equal(pool.observed, 0.0)
    np.testing.assert_allclose(pool.mean, 1.0)


def _of_newcomers(depth: float, seed: int, deals: int = 9_000, since: int = 700, until: int = 350):
    """Half of the reps are hired within the record; the hazard of a win of their first deals is lower by `depth`."""
    random = np.random.default_rng(seed)
    owners = [f"R{k:02}" for k in range(60)]
    hired = np.append(np.full(30, TODAY - 3_000), random.integers(TODAY - since, TODAY - until, 30))
    owner = random.integers(0, len(owners), deals)
    created = random.integers(np.maximum(hired, TODAY - 900)[owner], TODAY - 110)
    tenure = np.minimum((created - hired[owner]) // 30.4375, RAMP_MONTHS).astype(int)
    hazard = 0.003 * (1.0 - depth * (1.0 - usual_ramp()[tenure]))
    won_at = np.floor(random.exponential(1.0 / hazard)).astype(np.int64)
    won_at[won_at > 100] = 10_000
    stays = _stays(np.array(owners, dtype=object)[owner], created, won_at)
    return fit_rep_wins(
        Watched.of(stays, np.zeros(deals, dtype=np.int64), _spans(owners, hired)), usual_ramp(), np.ones(60)
    )


@pytest.mark.parametrize("depth", [0.0, 0.4])
def test_the_wins_of_newcomers_are_told_from_reps_who_win_little(depth):
    pool, newcomers = _of_newcomers(depth, seed=4)
    assert newcomers.low - 0.02 <= depth <= newcomers.high
    assert newcomers.high - newcomers.low < 0.35
    old, new = pool.mean[:30].mean(), pool.mean[30:].mean()
    assert new == pytest.approx(old, rel=0.02)


def test_a_wave_of_newcomers_is_not_taken_for_bad_times():
    found = [_of_newcomers(0.4, seed, since=330, until=150)[1] for seed in range(4)]
    # Part of it cannot be told from bad times, and the prior leans to less.
    assert np.mean([one.depth for one in found]) == pytest.approx(0.4, abs=0.1)
    assert all(one.low > 0.1 for one in found)


def test_whoever_is_ramped_wins_more_than_the_average_deal():
    _, newcomers = _of_newcomers(0.4, seed=8)
    assert newcomers.fitted[-1] == newcomers.scale > 1.0
    assert (np.diff(newcomers.fitted) >= 0).all()
    assert newcomers.along(np.ones(3)).tolist() == [newcomers.scale] * 3


def test_the_average_deal_of_the_last_year_is_one():
    lately = np.array([30.0, 30.0, 40.0])
    newcomers = fit_win_ramp(np.array([5.0, 9.0, 90.0]), np.array([9.0, 10.0, 85.0]), np.array([0.2, 0.6, 1.0]), lately)
    assert newcomers.fitted @ lately / lately.sum() == pytest.approx(1.0)
    assert newcomers.wins == 14


def test_without_a_newcomers_deal_the_usual_depth_is_taken_and_without_a_ramp_none():
    nothing = np.zeros(3)
    usual = fit_win_ramp(nothing, nothing, np.array([0.2, 0.6, 1.0]), nothing)
    assert usual.depth == pytest.approx(0.16, abs=0.01)
    assert (usual.low, usual.wins, usual.scale) == (pytest.approx(0.01, abs=0.01), 0, 1.0)
    assert fit_win_ramp(nothing, nothing, np.ones(3), nothing).depth == 0.0


def test_without_newcomers_nothing_is_claimed_of_them():
    stays = _company({"A": 1.0, "B": 1.0}, seed=3, deals=600)
    pool, newcomers = fit_rep_wins(
        Watched.of(stays, np.zeros(600, dtype=np.int64), _spans("AB")), usual_ramp(), np.ones(2)
    )
    assert newcomers.wins == 0
    assert newcomers.scale == 1.0
    plain = _rep_wins(stays, np.zeros(600, dtype=np.int64), ("A", "B"), np.ones(2))
    np.testing.assert_array_equal(pool.mean, plain.mean)


def test_few_wins_of_newcomers_lean_on_what_is_usual():
    few, many = (_of_newcomers(0.6, seed=5, deals=deals)[1] for deals in (150, 9_000))
    assert few.high - few.low > 1.4 * (many.high - many.low)
    assert few.low < 0.05 < many.low
    assert few.depth < 0.5 * many.depth
