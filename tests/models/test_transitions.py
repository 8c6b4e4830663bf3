"""The stage process: exact where it is saturated, right where the truth is known, pooled where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest

from companies import example_fit, live, profiles_of, stays_of
from spmforecast.calendar import FiscalCalendar
from spmforecast.models import transitions
from spmforecast.models.kinds import BACK, FORWARD, LOST, WON, move_types
from spmforecast.models.risksets import CENSORED
from spmforecast.models.spec import ModelSpec
from spmforecast.models.transitions import fit_transitions, fit_with_statistics
from spmforecast.models.views import win_chance

CALENDAR = FiscalCalendar()
DAY = int(np.datetime64("2024-01-09").astype(np.int64))  # a Tuesday in the first month of a quarter
TODAY = DAY + 700

# Intensities a day by (segment, stage, destination): two stages, won, lost. The second segment wins more often out of
# the first stage and less often out of the second than the first one does: no common factor tells that.
TRUE = np.array(
    [
        [[0.0, 0.050, 0.005, 0.025], [0.008, 0.0, 0.030, 0.020]],
        [[0.0, 0.020, 0.010, 0.010], [0.004, 0.0, 0.008, 0.030]],
    ]
)


@pytest.fixture(scope="module")
def lived():
    rng = np.random.default_rng(11)
    segment = rng.integers(0, 2, 1500)
    entry = DAY + rng.integers(0, 690, 1500)
    stays = stays_of(live(rng, TRUE, segment, entry, TODAY), today=TODAY)
    profiles = profiles_of(segment)
    process, count = fit_with_statistics(stays, profiles, CALENDAR, ModelSpec())
    return stays, profiles, process, count


def fitted_events(process, count):
    """Exits that the fit expects, by (profile, stage, destination), linear in exposure."""
    rhythm = process.rhythm[:, process.types_of(count.days)]
    return np.einsum("gsbd,gsjb,jd->gsj", count.exposure, process.intensities(), rhythm)


def one_day(won, lost, stayed):
    """Fit deals that were all watched on one and the same day; return the chances to be won and to be lost on it."""
    ends = [1] * won + [2] * lost + [CENSORED] * stayed
    stays = stays_of([(deal, 0, DAY, 0, 0, to) for deal, to in enumerate(ends)], stages=("A",), today=DAY)
    process = fit_transitions(stays, profiles_of(np.zeros(len(ends))), CALENDAR, ModelSpec())
    rate = process.intensities()[0, 0, 1:, 0] * process.rhythm[1:, process.types_of(np.array([DAY]))[0]]
    return -np.expm1(-rate.sum()) * rate / rate.sum()


@pytest.mark.parametrize(("won", "lost", "stayed"), [(30, 50, 920), (9, 60, 1000), (100, 200, 2700)])
def test_saturated_fit_returns_exits_over_exposure(won, lost, stayed):
    deals = won + lost + stayed
    assert one_day(won, lost, stayed) == pytest.approx([won / deals, lost / deals], rel=2e-3)


@pytest.mark.parametrize(("won", "lost", "stayed"), [(30, 50, 20), (30, 50, 920), (200, 300, 2000)])
def test_saturated_fit_is_exact_in_the_limit(monkeypatch, won, lost, stayed):
    monkeypatch.setattr(transitions, "_SWEEPS", 300)
    deals = won + lost + stayed
    assert one_day(won, lost, stayed) == pytest.approx([won / deals, lost / deals], rel=1e-6)


def test_known_intensities_are_recovered(lived):
    _, _, process, count = lived
    exposure, events = count.exposure.sum(axis=(2, 3)), count.events.sum(axis=(3, 4))
    # A day on which the deal leaves counts as one day at risk, of which it lived but a part.
    total = TRUE.sum(axis=2)
    part = -np.expm1(-total) / total
    estimate = fitted_events(process, count) / exposure[:, :, None]
    seen = events >= 15
    assert seen.sum() >= 11
    error = np.abs(np.log(estimate[seen] / TRUE[seen]))
    assert (error < 4.0 / np.sqrt(events[seen])).all()
    np.testing.assert_allclose((estimate * part[:, :, None]).sum(), (events / exposure[:, :, None]).sum(), rtol=0.1)
    assert np.median(error) < 0.1


def test_constant_hazards_show_no_rhythm_and_no_age(lived):
    _, _, process, count = lived
    there = count.exposure.sum(axis=(0, 1, 2))
    weight = np.bincount(process.types_of(count.days), weights=there, minlength=process.rhythm.shape[1])
    spread = process.rhythm / (process.rhythm @ weight / weight.sum())[:, None]
    assert np.abs(np.log(spread)).max() < 0.4
    # Forward moves out of the first stage: the hazard of every well watched age lies near their common one.
    held, seen = count.exposure[0, 0].sum(axis=1), count.events[0, 0, 1].sum(axis=1)
    rate = process.intensities()[0, 0, 1]
    often = seen >= 30
    assert often.sum() >= 3
    common = seen.sum() / held.sum()
    assert (np.abs(np.log(rate[often] / common)) < 4 / np.sqrt(seen[often])).all()


def test_no_move_is_expected_that_was_never_seen(lived):
    _, _, process, _ = lived
    assert (process.intensities()[:, [0, 1], [0, 1]] == 0).all()
    assert (process.intensities() >= 0).all()


def test_expected_exits_match_those_seen(lived):
    _, _, process, count = lived
    total = fitted_events(process, count).sum(axis=0)
    seen = count.events.sum(axis=(0, 3, 4))
    # The exposure is of whole days, hence a little more is expected than can happen: half an exit's chance a day.
    np.testing.assert_allclose(total[seen > 0], seen[seen > 0], rtol=0.06)


def test_doubling_all_deals_leaves_the_rates_nearly_the_same(lived):
    stays, profiles, process, count = lived
    rows = np.stack([stays.deal, stays.stage, stays.entry, stays.start, stays.duration, stays.to], axis=1)
    again = rows.copy()
    again[:, 0] += len(stays.deals)
    twice = stays_of(np.concatenate([rows, again]), today=TODAY)
    both = profiles_of(np.tile(profiles.segment_of_deal, 2))
    two, doubled = fit_with_statistics(twice, both, CALENDAR, ModelSpec(events_per_bin=80))
    events = count.events.sum(axis=(3, 4))
    np.testing.assert_array_equal(doubled.events.sum(axis=(3, 4)), 2 * events)
    often = events >= 30
    assert often.sum() >= 8
    ratio = fitted_events(two, doubled)[often] / (2 * fitted_events(process, count)[often])
    np.testing.assert_allclose(ratio, 1.0, atol=0.05)
    chance = [win_chance(fit.intensities()[k : k + 1], fit.bins.of_age[k]) for fit in (process, two) for k in range(2)]
    np.testing.assert_allclose(chance[2:], chance[:2], rtol=0.05)


def test_segment_without_deals_gets_the_pooled_rate(lived):
    stays, profiles, _process, _ = lived
    wider = profiles_of(profiles.segment_of_deal, segments=3)
    rate = fit_transitions(stays, wider, CALENDAR, ModelSpec()).intensities()
    own, other, empty = (rate[g].sum(axis=2) for g in range(3))
    moves = TRUE.sum(axis=0) > 0
    assert (empty[moves] <= np.maximum(own, other)[moves] * 1.02).all()
    assert (empty[moves] >= np.minimum(own, other)[moves] * 0.98).all()


def test_small_segment_lies_between_its_own_rate_and_the_pooled_one(lived):
    stays, profiles, _, _ = lived
    few = np.flatnonzero(profiles.segment_of_deal == 1)[:40]
    code = profiles.segment_of_deal.copy()
    code[few] = 2
    split = profiles_of(code)
    process, count = fit_with_statistics(stays, split, CALENDAR, ModelSpec())
    estimate = fitted_events(process, count) / count.exposure.sum(axis=(2, 3))[:, :, None]
    # Segment 2 lives by the rates of segment 1, but has few exits of its own to say so.
    forward = estimate[:, 0, 1]
    assert forward[1] < forward[0]
    assert forward[2] < forward[0]
    fine = process.factors[0].fine.shrinkage[:, 0, 1]
    assert fine[2] > fine[1]


def test_a_dozen_deals_without_a_win_do_not_rule_wins_out(lived):
    stays, profiles, _, _ = lived
    winners = np.unique(stays.deal[stays.to == stays.won])
    unlucky = np.setdiff1d(np.flatnonzero(profiles.segment_of_deal == 1), winners)[:12]
    code = profiles.segment_of_deal.copy()
    code[unlucky] = 2
    split = profiles_of(code)
    process = fit_transitions(stays, split, CALENDAR, ModelSpec())
    chance = [win_chance(process.intensities()[k : k + 1], process.bins.of_age[k])[0, 0] for k in range(3)]
    assert process.observed[2, :, process.won].sum() == 0
    assert 0.2 * min(chance[:2]) < chance[2] < max(chance[:2])


def test_draws_scatter_about_the_posterior_mean_and_repeat(lived):
    _, _, process, _ = lived
    one, two = (process.intensity_draws(np.random.Generator(np.random.Philox(key=9)), 400) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (400, *process.intensities().shape)
    mean, sd = one.sum(axis=(3, 4)).mean(axis=0), one.sum(axis=(3, 4)).std(axis=0)
    error = mean - process.intensities().sum(axis=(2, 3))
    assert (np.abs(error) < 5 * sd / 20).all()
    assert (sd > 0).all()
    assert (one >= 0).all()


def test_market_level_shifts_the_odds_of_going_up_and_leaves_the_pace(lived):
    _, _, process, _ = lived
    kind = move_types(2)
    base, up, down = (process.shifted(level) for level in (0.0, 0.3, -0.3))
    np.testing.assert_allclose(base, process.intensities(), rtol=1e-12)
    rises = (kind == FORWARD) | (kind == WON)

    def odds(rate):
        rising, falling = (rate * rises[:, :, None]).sum(axis=2), (rate * ~rises[:, :, None]).sum(axis=2)
        return rising[falling > 0] / falling[falling > 0]

    np.testing.assert_allclose(odds(up), odds(base) * np.exp(0.3), rtol=1e-9)
    np.testing.assert_allclose(odds(down), odds(base) * np.exp(-0.3), rtol=1e-9)
    for shifted in (up, down):
        np.testing.assert_allclose(shifted.sum(axis=2), base.sum(axis=2), rtol=1e-12)
    for falls in (kind == BACK, kind == LOST):
        assert (up[:, falls] <= base[:, falls]).all()


def test_moves_are_told_apart():
    np.testing.assert_array_equal(
        move_types(3),
        [
            [BACK, FORWARD, FORWARD, WON, LOST],
            [BACK, BACK, FORWARD, WON, LOST],
            [BACK, BACK, BACK, WON, LOST],
        ],
    )


def test_shares_of_entries_sum_to_one():
    process = example_fit().process
    np.testing.assert_allclose(process.entry_stage.sum(axis=1), 1.0)
    np.testing.assert_allclose(process.entry_profile.sum(axis=1), 1.0)
    own = process.profiles.table[None, :, 0] == np.arange(len(process.profiles.segments))[:, None]
    assert (process.entry_profile[~own] == 0).all()
    assert process.won == len(process.stages)


def test_company_without_outcomes_still_expects_some():
    rows = [(i, 0, DAY + i, 0, 40 - i, CENSORED) for i in range(30)]
    process = fit_transitions(stays_of(rows, stages=("A",)), profiles_of(np.zeros(30)), CALENDAR, ModelSpec())
    rate = process.intensities()[0, 0]
    assert (rate[1:].max(axis=1) > 0).all()
    assert (rate < 0.05).all()


def test_moves_of_a_segment_are_as_much_in_doubt_as_their_number_says(lived):
    _, _, process, _ = lived
    drawn, mean = process.intensity_draws(np.random.Generator(np.random.Philox(key=4)), 1_000), process.intensities()
    share = process.base_events / np.maximum(process.base_events.sum(axis=2, keepdims=True), 1e-300)
    seen = process.observed[..., None] * share
    moves = (drawn / np.maximum(mean, 1e-300) * seen).sum(axis=4)
    for kind in (FORWARD, LOST):
        one = move_types(2) == kind
        total, counted = moves[:, :, one].sum(axis=2), process.observed[:, one].sum(axis=1)
        told = counted > 50
        spread = (total / counted).std(axis=0)[told] * np.sqrt(counted[told])
        assert told.any()
        assert (spread > 0.75).all()
        assert (spread < 1.2).all()


def closed_quickly(lost, won=0, waiting=10):
    """Deals of one stage: some lost, some won within weeks, others open for thirty days."""
    rows = [(k, 0, TODAY - 30, 0, 5 + k % 20, 2 if k < lost else 1) for k in range(lost + won)]
    rows += [(len(rows) + k, 0, TODAY - 30, 0, 30, CENSORED) for k in range(waiting)]
    stays = stays_of(rows, stages=("A",), today=TODAY)
    return fit_transitions(stays, profiles_of(np.zeros(len(rows))), CALENDAR, ModelSpec())


def win_rate_draws(process, worlds=400):
    draws = process.intensity_draws(np.random.default_rng(3), worlds)[:, 0]
    return win_chance(draws, process.bins.of_age[0])[:, 0]


def test_the_fewer_deals_have_closed_the_wider_the_interval():
    width = []
    for closed in (4, 20, 100, 400):
        low, high = np.quantile(win_rate_draws(closed_quickly(lost=3 * closed // 4, won=closed // 4)), [0.05, 0.95])
        width.append(high - low)
    assert width == sorted(width, reverse=True)
    assert width[0] > 4 * width[-1]


@pytest.mark.parametrize(("lost", "least"), [(0, 0.5), (1, 0.35), (2, 0.25), (5, 0.15)])
def test_a_few_quick_losses_do_not_say_that_nothing_is_ever_won(lost, least):
    draws = win_rate_draws(closed_quickly(lost))
    assert np.quantile(draws, 0.95) > least
    assert np.quantile(draws, 0.05) < 0.05


def test_bins_that_lean_on_their_stage_share_its_doubt():
    process = closed_quickly(lost=10, won=1)
    rate = process.intensity_draws(np.random.default_rng(5), 2000)[:, 0, 0, 1].mean(axis=1)
    # One win and one more that is usual: the total is about as much in doubt as a gamma law of so many events, and
    # somewhat more, as each bin adds a little doubt of its own.
    events = process.stage_events[0, 1]
    assert events == 2.0
    assert 1.0 < rate.std() / rate.mean() / events**-0.5 < 1.4
