"""Corrections learned at landmarks: found where there is something to find, not made where there is nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from spmforecast.models.landmarks import (
    PARTS,
    Landmark,
    chance_logit,
    fit_lags,
    fit_landmarks,
    fit_months,
    kept_chances,
)


def landmarks(rng, effect, marks=12, deals=200):
    """Deals at landmarks, their chances in two periods, and outcomes whose odds `effect` times a signal moves."""
    out = []
    for _ in range(marks):
        x = np.stack([np.ones(deals), rng.random(deals) < 0.4], axis=1).astype(float)
        first = special.expit(rng.normal(-0.5, 1.0, deals))
        chance = np.stack([first, 0.2 * (1 - first)], axis=1)
        true = special.expit(chance_logit(chance) + effect * x[:, 1:])
        u = rng.random(deals)
        won = np.stack([u < true[:, 0], (u >= true[:, 0]) & (u < true.sum(axis=1))], axis=1).astype(float)
        out.append(Landmark(x, chance, won, np.array([0, 1])))
    return out


def test_a_signal_that_tells_is_found():
    found = fit_landmarks(landmarks(np.random.default_rng(1), effect=-0.8))
    assert found.coefficients[0, 1] == pytest.approx(-0.8, abs=0.2)
    assert found.coefficients[0, 0] == pytest.approx(0.0, abs=0.15)
    assert min(found.prior_sd[:2]) > 0
    assert found.deals == 2400


def test_a_signal_that_tells_nothing_moves_hardly_anything():
    found = fit_landmarks(landmarks(np.random.default_rng(2), effect=0.0))
    assert np.abs(found.coefficients).max() < 0.2


def test_few_deals_make_no_correction():
    found = fit_landmarks(landmarks(np.random.default_rng(3), effect=-2.0, marks=3, deals=8))
    assert (found.coefficients == 0).all()
    assert (found.root == 0).all()
    assert found.prior_sd == (0.0,) * PARTS


def test_draws_of_the_shift_scatter_around_the_fit_as_much_as_it_is_in_doubt():
    rng = np.random.default_rng(4)
    many, few = (fit_landmarks(landmarks(rng, effect=-0.5, deals=n)) for n in (400, 25))
    normal = rng.standard_normal((500, PARTS, 2))
    x = np.array([[1.0, 1.0]])
    drawn = [one.shifts(x, normal)[:, 0, 0] for one in (many, few)]
    assert drawn[0].mean() == pytest.approx(many.coefficients[0].sum(), abs=0.05)
    assert drawn[0].std() < drawn[1].std()


def test_chances_are_on_average_what_the_coefficients_make_of_them_however_doubtful_these_are():
    rng = np.random.default_rng(12)
    few = fit_landmarks(landmarks(rng, effect=-0.5, deals=25))
    few = replace(few, root=4.0 * few.root)  # doubt of 0.5 to 0.8 in the log odds
    normal = rng.standard_normal((40_000, PARTS, 2))
    x, chance = np.array([[1.0, 1.0], [1.0, 0.0]]), np.array([[0.02, 0.05], [0.4, 0.7]])
    drawn = few.corrected(np.broadcast_to(chance, (40_000, 2, 2)), x, normal)
    middle = special.expit(chance_logit(chance) + x @ few.coefficients[:2].T)
    np.testing.assert_allclose(drawn.mean(axis=0), middle, rtol=0.02)
    assert (drawn.std(axis=0) > 0.1 * middle).all()
    assert (few.corrected(np.zeros((5, 2, 2)), x, normal[:5]) == 0).all()


def test_what_a_segment_has_of_its_own_is_found_and_held_loosely():
    rng = np.random.default_rng(13)
    marks = []
    for mark in landmarks(rng, effect=0.0, marks=12, deals=300):
        segment = (np.arange(300)[:, None] % 3 == np.arange(3)).astype(float)
        true = special.expit(chance_logit(mark.chance) + segment @ [[0.0], [0.5], [-0.5]])
        won = (rng.random(true.shape) < true).astype(float)
        marks.append(replace(mark, x=np.column_stack([mark.x[:, 0], segment, mark.x[:, 1]]), won=won))
    told, plain = fit_landmarks(marks, levels=4), fit_landmarks([replace(m, x=m.x[:, [0, 4]]) for m in marks])
    own = told.coefficients[0, 1:4]
    assert own[1] - own[2] == pytest.approx(1.0, abs=0.2)
    assert own == pytest.approx([0.0, 0.5, -0.5], abs=0.25)
    assert plain.coefficients[0, 0] == pytest.approx(0.0, abs=0.1)


def test_periods_that_have_not_ended_are_not_looked_at():
    marks = [replace(mark, watched=np.array([0])) for mark in landmarks(np.random.default_rng(5), effect=-0.5)]
    other_end = [replace(mark, won=np.stack([mark.won[:, 0], 1 - mark.won[:, 1]], axis=1)) for mark in marks]
    one, other = fit_landmarks(marks), fit_landmarks(other_end)
    np.testing.assert_array_equal(one.coefficients, other.coefficients)
    assert (one.coefficients[1] == 0).all()


def test_lags_lean_on_one():
    seen, hoped = np.array([[300.0, 50.0, 0.0]]), np.array([[150.0, 100.0, 0.0]])
    lags = fit_lags(seen, hoped)
    assert 1.5 < lags[0, 0] < 2.0
    assert 0.5 < lags[0, 1] < 0.8
    assert lags[0, 2] == 1.0


def test_a_segment_of_few_wins_leans_on_what_others_show_at_the_same_lag():
    seen, hoped = np.array([[220.0, 160.0, 20.0], [5.0, 8.0, 6.0]]), np.array([[180.0, 200.0, 20.0], [4.0, 10.0, 6.0]])
    lags = fit_lags(seen, hoped)
    # Five wins of a segment tell nothing by themselves; those of the large one at that lag do.
    assert lags[1] == pytest.approx(lags[0], abs=0.05)
    assert lags[1, 0] > 1.1
    assert lags[1, 1] < 0.9
    # Where it has a story of its own, it keeps it.
    apart = fit_lags(seen * [[1.0], [30.0]], hoped * [[1.0], [30.0]] / [[1.0, 1.0, 1.0], [1.5, 1.0, 1.0]])
    assert apart[1, 0] > 1.6 > 1.4 > apart[0, 0]


def test_months_of_the_quarter_share_out_what_a_quarter_wins():
    hoped = np.array([900.0, 1000.0, 1100.0])
    months = fit_months(1.2 * hoped * [0.95, 1.0, 1.04], hoped)
    # A level that all months share is not theirs to tell.
    assert (months * hoped).sum() == pytest.approx(hoped.sum())
    assert months[0] < 0.99 < months[1] < 1.01 < months[2]
    alike = fit_months(hoped, hoped)
    assert alike == pytest.approx(np.ones(3))


def test_few_wins_say_little_of_months():
    one_each = fit_months(np.array([0.0, 1.0, 2.0]), np.ones(3))
    assert (np.abs(one_each - 1) < 0.25).all()
    np.testing.assert_array_equal(fit_months(np.zeros(3), np.ones(3)), np.ones(3))
    np.testing.assert_array_equal(fit_months(np.zeros(3), np.zeros(3)), np.ones(3))
    np.testing.assert_array_equal(fit_months(np.array([7.0]), np.array([5.0])), np.ones(1))


def test_that_all_deals_win_less_often_is_found_however_mild_the_ridge_on_signals():
    rng, marks = np.random.default_rng(7), []
    for mark in landmarks(rng, effect=0.0, deals=30):
        fewer = special.expit(chance_logit(mark.chance) - 0.4)
        marks.append(replace(mark, won=(rng.random(fewer.shape) < fewer).astype(float)))
    found = fit_landmarks(marks)
    assert min(found.prior_sd[:2]) > 0
    for part in (0, 1):
        hoped = sum(
            special.expit(chance_logit(mark.chance[:, part]) + mark.x @ found.coefficients[part]).sum()
            for mark in marks
        )
        assert hoped == pytest.approx(sum(mark.won[:, part].sum() for mark in marks), rel=0.06)


def test_corrected_chances_stay_chances():
    won = np.random.default_rng(6).dirichlet(np.ones(4), size=50)[:, :3]
    np.testing.assert_array_equal(kept_chances(0.9 * won), 0.9 * won)
    more = kept_chances(4 * won)
    assert (more.sum(axis=1) < 1).all()
    np.testing.assert_allclose(more / more.sum(axis=1, keepdims=True), won / won.sum(axis=1, keepdims=True))
    assert (kept_chances(np.zeros((2, 3))) == 0).all()


def optional(marks, rng, effect):
    """The same landmarks with one more column; with an effect it tells what came in the first period."""
    out = []
    for mark in marks:
        more = (rng.random(len(mark.x)) < np.where(mark.won[:, 0] > 0, 0.5 + effect, 0.5)).astype(float)
        out.append(replace(mark, x=np.column_stack([mark.x, more])))
    return out


def test_optional_signals_are_in_where_they_make_later_days_better():
    rng = np.random.default_rng(10)
    found = fit_landmarks(optional(landmarks(rng, effect=-0.5), rng, effect=0.25), optional=1)
    assert found.used == (True, *(False,) * (PARTS - 1))
    assert found.gain[0] > 1 > found.gain[1]
    assert found.coefficients.shape == (PARTS, 3)
    assert found.coefficients[0, 2] > 0.5
    assert (found.coefficients[1:, 2] == 0).all()
    assert (found.root[1:, 2] == 0).all()


def test_optional_signals_that_tell_nothing_leave_all_as_it_was():
    rng = np.random.default_rng(11)
    marks = landmarks(rng, effect=-0.5)
    plain, found = fit_landmarks(marks), fit_landmarks(optional(marks, rng, effect=0.0), optional=1)
    assert found.used == (False,) * PARTS
    np.testing.assert_array_equal(found.coefficients, plain.coefficients)
    np.testing.assert_array_equal(found.root, plain.root)
    assert found.prior_sd == plain.prior_sd
