"""Residual futures against plain enumeration, and the forward and closed-form views against the backward one."""

from __future__ import annotations

import numpy as np
import pytest

from companies import live, profiles_of, stays_of
from spmforecast.calendar import FiscalCalendar
from spmforecast.models.futures import futures_by_segment, residual_futures
from spmforecast.models.nonparametric import aalen_johansen
from spmforecast.models.passage import first_passage
from spmforecast.models.risksets import CENSORED
from spmforecast.models.spec import ModelSpec
from spmforecast.models.transitions import fit_with_statistics
from spmforecast.models.views import stage_exits, win_chance

# Two stages with back moves and strong chances on the day of arrival: (stages, destinations, bins).
RATE = np.array(
    [
        [[0.0, 0.0, 0.0], [0.60, 0.10, 0.02], [0.05, 0.01, 0.0], [0.10, 0.04, 0.01]],
        [[0.20, 0.03, 0.01], [0.0, 0.0, 0.0], [0.50, 0.08, 0.02], [0.15, 0.05, 0.03]],
    ]
)
OF_AGE = np.array([[0, 1, 1, 2, 2, 2], [0, 1, 1, 1, 1, 2]])
RHYTHM = np.array([[1.0, 0.3], [1.0, 0.3], [1.0, 2.5], [1.0, 1.4]])
DAY_TYPE = np.array([0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0])
CELL = np.array([0] * 5 + [1] * 4 + [2] * 3)
CELLS = 3


def ends_exchanged(array, axis):
    """Give the wins' place to the losses: chances to be lost are then those to be won."""
    stages = array.shape[axis] - 2
    return np.take(array, [*range(stages), stages + 1, stages], axis=axis)


def losses(rate, rhythm, *others):
    """Chances to be lost by :func:`residual_futures`."""
    return residual_futures(ends_exchanged(rate, 2), ends_exchanged(rhythm, 0), *others)


def enumerate_outcomes(begin, arrives=False, first=0):
    """Follow one deal day by day, move by move; return its chances of (won, lost) in each cell.

    Parameters
    ----------
    begin : tuple of int
        Stage and age on day `first`; with `arrives`, the stage and an age of no meaning.
    """
    stages, last = 2, OF_AGE.shape[1] - 1
    mass = np.zeros((stages, last + 1))
    arriving = np.zeros(stages)
    if arrives:
        arriving[begin[0]] = 1.0
    else:
        mass[begin] = 1.0
    out = np.zeros((2, CELLS))
    for t in range(first, len(DAY_TYPE)):
        scaled = RATE * RHYTHM[:, DAY_TYPE[t], None]
        total = scaled.sum(axis=1)
        tomorrow = np.zeros_like(mass)
        for s in range(stages):
            for a in range(last + 1):
                k = OF_AGE[s, a]
                leave = 1 - np.exp(-total[s, k])
                share = scaled[s, :, k] / total[s, k]
                arriving += mass[s, a] * leave * share[:stages]
                out[:, CELL[t]] += mass[s, a] * leave * share[stages:]
                tomorrow[s, min(a + 1, last)] += mass[s, a] * (1 - leave)
        while arriving.sum() > 1e-16:
            onward = np.zeros(stages)
            for s in range(stages):
                leave = 1 - np.exp(-total[s, 0])
                share = scaled[s, :, 0] / total[s, 0]
                onward += arriving[s] * leave * share[:stages]
                out[:, CELL[t]] += arriving[s] * leave * share[stages:]
                tomorrow[s, 1] += arriving[s] * (1 - leave)
            arriving = onward
        mass, arriving = tomorrow, np.zeros(stages)
    return out


@pytest.fixture(scope="module")
def weight():
    shape = np.random.default_rng(2).random(len(CELL)) + 0.1
    return shape / np.bincount(CELL, weights=shape)[CELL]


@pytest.fixture(scope="module")
def futures(weight):
    return residual_futures(RATE[None], RHYTHM, OF_AGE, DAY_TYPE, CELL, CELLS, weight)


@pytest.fixture(scope="module")
def lost(weight):
    return losses(RATE[None], RHYTHM, OF_AGE, DAY_TYPE, CELL, CELLS, weight)


def test_every_stage_and_age_equals_enumeration(futures, lost):
    for stage in range(2):
        for age in range(OF_AGE.shape[1]):
            want = enumerate_outcomes((stage, age))
            np.testing.assert_allclose(futures.won[0, stage, age], want[0], atol=2e-6)
            np.testing.assert_allclose(lost.won[0, stage, age], want[1], atol=2e-6)


def test_arrivals_of_a_cohort_are_weighted_by_its_days(futures, lost, weight):
    for stage in range(2):
        for cohort in range(CELLS):
            days = np.flatnonzero(cohort == CELL)
            want = sum(weight[t] * enumerate_outcomes((stage, 0), arrives=True, first=t) for t in days)
            np.testing.assert_allclose(futures.arrival_won[0, stage, cohort], want[0], atol=2e-6)
            np.testing.assert_allclose(lost.arrival_won[0, stage, cohort], want[1], atol=2e-6)
            assert (futures.arrival_won[0, stage, cohort, :cohort] == 0).all()


def test_chances_are_chances(futures, lost):
    for table in (futures.won, lost.won, futures.arrival_won, lost.arrival_won):
        assert (table >= 0).all()
    assert (futures.won.sum(axis=-1) + lost.won.sum(axis=-1) <= 1 + 1e-6).all()
    assert (futures.arrival_won.sum(axis=-1) + lost.arrival_won.sum(axis=-1) <= 1 + 1e-6).all()


def test_longer_horizon_only_adds(weight):
    def reached(days):
        asked = (RATE[None], RHYTHM, OF_AGE, DAY_TYPE[:days], CELL[:days], CELLS, weight[:days])
        return residual_futures(*asked).won.sum(axis=-1), losses(*asked).won.sum(axis=-1)

    for shorter, longer in zip(reached(5), reached(12), strict=True):
        assert (longer > shorter).all()


def test_higher_win_intensity_wins_more_and_loses_less(futures, lost, weight):
    likelier = RATE.copy()
    likelier[:, 2] *= 1.5
    asked = (likelier[None], RHYTHM, OF_AGE, DAY_TYPE, CELL, CELLS, weight)
    assert (residual_futures(*asked).won.sum(axis=-1) > futures.won.sum(axis=-1)).all()
    assert (losses(*asked).won.sum(axis=-1) < lost.won.sum(axis=-1)).all()


def test_age_matters_only_through_its_bin(futures):
    # Stage 0 stands on its plateau from age 3: older is all the same.
    np.testing.assert_array_equal(futures.won[0, 0, 3], futures.won[0, 0, 5])
    assert futures.won[0, 0, 0].sum() > futures.won[0, 0, 1].sum() > futures.won[0, 0, 3].sum()


def test_rows_do_not_know_of_each_other(weight):
    rng = np.random.default_rng(4)
    rates = RATE * rng.uniform(0.5, 1.5, size=(300, 1, 1, 1))  # more than are stepped together
    whole = residual_futures(rates, RHYTHM, OF_AGE, DAY_TYPE, CELL, CELLS, weight)
    alone = residual_futures(rates[227:228], RHYTHM, OF_AGE, DAY_TYPE, CELL, CELLS, weight)
    np.testing.assert_array_equal(whole.won[227], alone.won[0])
    np.testing.assert_array_equal(whole.arrival_won[227], alone.arrival_won[0])


def step_by_age(rate, of_age, day_type, cell, cells):
    """Chances to be won and lost, shape (stages, ages, 2, cells), every age stepped back by itself."""
    stages, ages = of_age.shape
    worth = np.zeros((stages, ages + 1, 2, cells))
    for kind, c in zip(day_type[::-1], cell[::-1], strict=True):
        scaled = rate * RHYTHM[:, kind, None]
        total = scaled.sum(axis=1)
        move = scaled * (-np.expm1(-total) / np.maximum(total, 1e-300))[:, None]
        direct = worth[:, 1] * np.exp(-total[:, 0])[:, None, None]
        direct[:, :, c] += move[:, stages:, 0]
        arrived = np.linalg.solve(np.eye(stages) - move[:, :stages, 0], direct.reshape(stages, -1)).reshape(
            direct.shape
        )
        before = np.zeros_like(worth)
        for s in range(stages):
            flow = np.einsum("jb,jkc->bkc", move[s, :stages], arrived)
            flow[:, :, c] += move[s, stages:].T
            before[s, :-1] = worth[s, 1:] * np.exp(-total[s, of_age[s]])[:, None, None] + flow[of_age[s]]
        before[:, -1] = before[:, -2]
        worth = before
    return worth[:, :-1]


@pytest.mark.parametrize("seed", range(6))
def test_runs_of_ages_say_what_ages_one_by_one_say(seed):
    rng = np.random.default_rng(seed)
    days, ages, bins, cells = 90, 60, 5, 3
    rate = rng.exponential(0.05, size=(2, 4, bins)) * (rng.random((2, 4, bins)) < 0.7)
    rate[[0, 1], [0, 1]] = 0.0
    cuts = np.sort(rng.choice(np.arange(1, ages), size=(2, bins - 1), replace=True), axis=1)
    of_age = np.stack([np.searchsorted(one, np.arange(ages), side="right") for one in cuts])
    kind, cell = rng.integers(0, 2, days), np.arange(days) * cells // days
    asked = (rate[None], RHYTHM, of_age, kind, cell, cells, np.ones(days))
    got, want = residual_futures(*asked), step_by_age(rate, of_age, kind, cell, cells)
    np.testing.assert_allclose(got.won[0], want[:, :, 0], atol=3e-6)
    np.testing.assert_allclose(losses(*asked).won[0], want[:, :, 1], atol=3e-6)
    assert (got.won >= 0).all()
    assert (got.arrival_won >= 0).all()


def test_segments_use_their_own_ages_and_rows_keep_their_order(weight):
    rates = np.stack([RATE, 0.5 * RATE, 2 * RATE])
    ages = np.stack([OF_AGE, OF_AGE[::-1]])
    got = futures_by_segment(rates, np.array([1, 0, 1]), RHYTHM, ages, DAY_TYPE, CELL, CELLS, weight)
    for row, segment in enumerate((1, 0, 1)):
        want = residual_futures(rates[row : row + 1], RHYTHM, ages[segment], DAY_TYPE, CELL, CELLS, weight)
        np.testing.assert_array_equal(got.won[row], want.won[0])
        np.testing.assert_array_equal(got.arrival_won[row], want.arrival_won[0])


def test_first_passage_agrees_with_futures_from_entry():
    days, cell = 40, np.repeat([0, 1], 20)
    first_day_only = np.eye(days)[0]
    even = np.ones((4, 1))
    asked = (RATE[None], even, OF_AGE, np.zeros(days, dtype=int), cell, 2, first_day_only)
    won, lost = residual_futures(*asked).arrival_won, losses(*asked).arrival_won
    for stage in range(2):
        forward = first_passage(RATE[None], OF_AGE, np.eye(2)[stage : stage + 1], days - 1)
        for ahead, behind in ((forward.won, won), (forward.lost, lost)):
            want = [ahead[0, :20].sum(), ahead[0, 20:].sum()]
            np.testing.assert_allclose(behind[0, stage, 0], want, atol=2e-6)


def test_closed_form_agrees_with_first_passage():
    entry = np.eye(2)
    passage = first_passage(np.stack([RATE, RATE]), OF_AGE, entry, 1000)
    chance = win_chance(RATE[None], OF_AGE)[0]
    np.testing.assert_allclose(chance, passage.conversion(), atol=1e-6)
    np.testing.assert_allclose(passage.won.sum(axis=1) + passage.lost.sum(axis=1), 1.0, atol=1e-6)


def test_stage_exits_are_those_of_a_process_that_stops_at_the_first_move():
    exits = stage_exits(RATE[None], OF_AGE)[0]
    # All moves out of stage 0 relabelled as wins: what is won first is what left first.
    once = np.zeros((1, 1, 3, 3))
    for to in (1, 2, 3):
        once[0, 0, 1], once[0, 0, 2] = RATE[0, to], RATE[0].sum(axis=0) - RATE[0, to]
        want = first_passage(once, OF_AGE[:1], np.ones((1, 1)), 1000).conversion()[0]
        assert exits[0, to] == pytest.approx(want, abs=1e-6)
    assert (exits.sum(axis=1) <= 1 + 1e-12).all()


def test_deals_that_nearly_never_move_are_not_won():
    slow = RATE * 1e-6
    assert (win_chance(slow[None], OF_AGE) < 1e-3).all()
    assert (stage_exits(np.zeros((1, 2, 4, 3)), OF_AGE) == 0).all()


def test_cycle_quantile_counts_days_among_the_won():
    # A deal leaves each day with chance 1/2, half of them won: geometric days.
    rate = np.zeros((1, 1, 3, 1))
    rate[0, 0, 1:, 0] = np.log(2) / 2
    passage = first_passage(rate, np.zeros((1, 2), dtype=int), np.ones((1, 1)), 60)
    np.testing.assert_allclose(passage.won[0, :5], 0.25 * 0.5 ** np.arange(5))
    assert passage.conversion()[0] == pytest.approx(0.5)
    assert [passage.cycle_quantile(q)[0] for q in (0.5, 0.75, 0.875)] == [0, 1, 2]
    nothing = first_passage(np.zeros((1, 1, 3, 1)), np.zeros((1, 2), dtype=int), np.ones((1, 1)), 5)
    assert np.isnan(nothing.cycle_quantile(0.5)[0])


def test_direct_simulation_agrees():
    rng = np.random.default_rng(8)
    rates = np.array([[[0.0, 0.05, 0.005, 0.02], [0.01, 0.0, 0.03, 0.02]]])
    rows = live(rng, rates, np.zeros(4000, dtype=int), np.zeros(4000, dtype=int), today=59)
    outcome = np.array([row[5] for row in rows])
    won, lost = (outcome == 2).sum() / 4000, (outcome == 3).sum() / 4000
    asked = (
        rates[..., None], np.ones((4, 1)), np.zeros((2, 2), dtype=int), np.zeros(60, dtype=int),
        np.zeros(60, dtype=int), 1, np.eye(60)[0],
    )  # fmt: skip
    for seen, by in ((won, residual_futures), (lost, losses)):
        assert seen == pytest.approx(by(*asked).arrival_won[0, 0, 0, 0], abs=4 * np.sqrt(0.25 / 4000))


def test_fitted_win_curve_follows_aalen_johansen():
    rng = np.random.default_rng(21)
    n, today = 1500, 900
    entry = rng.integers(0, 880, n)
    # Wins come after a while, losses early: neither constant nor proportional.
    win = np.ceil(rng.lognormal(4.3, 0.6, n)).astype(int)
    loss = np.ceil(rng.lognormal(3.6, 1.1, n)).astype(int)
    age = np.minimum(np.minimum(win, loss), today - entry)
    to = np.where(age == win, 1, np.where(age == loss, 2, CENSORED))
    stays = stays_of([(i, 0, entry[i], 0, age[i], to[i]) for i in range(n)], stages=("A",), today=today)
    process, count = fit_with_statistics(stays, profiles_of(np.zeros(n)), FiscalCalendar(), ModelSpec())
    mean_rhythm = process.rhythm[:, process.types_of(count.days)].mean(axis=1)
    rate = process.intensities() * mean_rhythm[:, None]
    passage = first_passage(rate, process.bins.of_age[0], np.ones((1, 1)), 400)
    curve = aalen_johansen(0, age + 1, np.where(to == CENSORED, 0, to))
    at = np.array([10, 20, 40, 60, 90, 120, 180, 250])
    for cause, fitted in ((1, passage.won), (2, passage.lost)):
        np.testing.assert_allclose(np.cumsum(fitted[0])[at], curve.at(at + 1)[:, cause], atol=0.03)
