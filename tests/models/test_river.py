"""The river: flows that balance, stays of which some are unfinished, and wins by the fundamental matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companies import example_fit, stays_of
from spmforecast.models.passing import passing
from spmforecast.models.risksets import CENSORED
from spmforecast.models.river import Chain, length_biased_mean, little_stock, sojourns_of, stage_flows

STAGES = 3
WON, LOST = STAGES, STAGES + 1


@st.composite
def deals(draw, closed=False):
    """Ways of some deals: (first day, [(stage, days)], how it ends)."""
    out = []
    for _ in range(draw(st.integers(1, 8))):
        steps, last = [], None
        for _ in range(draw(st.integers(1, 4))):
            stage = draw(st.sampled_from([s for s in range(STAGES) if s != last]))
            steps.append((stage, draw(st.integers(0, 30))))
            last = stage
        ends = (WON, LOST) if closed else (WON, LOST, CENSORED)
        out.append((draw(st.integers(0, 60)), steps, draw(st.sampled_from(ends))))
    return out


def stays_from(ways):
    """Lay the ways out as stays, the open ones running until today."""
    last = max(day + sum(days for _, days in steps) for day, steps, _ in ways)
    rows = []
    for deal, (day, steps, end) in enumerate(ways):
        for number, (stage, days) in enumerate(steps):
            final = number == len(steps) - 1
            to = end if final else steps[number + 1][0]
            length = last - day if final and end == CENSORED else days
            rows.append((deal, stage, day, 0, length, to))
            day += days
    return stays_of(rows, ("A", "B", "C"), last)


@given(deals(), st.integers(-5, 150))
@settings(max_examples=60)
def test_start_plus_what_came_less_what_went_is_the_end(ways, before):
    stays = stays_from(ways)
    before = min(before, stays.today - 1)
    flows = stage_flows(stays, np.zeros(len(stays.deal), dtype=np.int64), 1, before)
    assert np.array_equal(flows.start + flows.arrivals - flows.departures, flows.end)
    assert flows.end.sum() == stays.open_now.sum()
    assert flows.created.sum() == sum(day > before for day, _, _ in ways)
    by_day = sum(int(((stays.entry <= d) & ((stays.entry + stays.duration > d) | stays.open_now)).sum())
                 for d in range(before + 1, stays.today + 1))  # fmt: skip
    assert flows.deal_days.sum() == by_day


@given(deals())
@settings(max_examples=30)
def test_groups_add_up_to_the_whole(ways):
    stays = stays_from(ways)
    half, none = stays.deal % 2, np.zeros(len(stays.deal), dtype=np.int64)
    apart, whole = stage_flows(stays, half, 2, 10), stage_flows(stays, none, 1, 10)
    for name in ("start", "end", "created", "entered", "onward", "back", "won", "lost", "deal_days"):
        assert np.array_equal(getattr(apart, name).sum(axis=0), getattr(whole, name)[0])


@given(deals(closed=True))
@settings(max_examples=60)
def test_wins_by_the_fundamental_matrix_are_those_counted(ways):
    stays = stays_from(ways)
    seen = np.zeros((STAGES, STAGES + 2))
    np.add.at(seen, (stays.stage, stays.to), 1.0)
    visits = np.maximum(seen.sum(axis=1, keepdims=True), 1.0)
    entry = np.bincount([steps[0][0] for _, steps, _ in ways], minlength=STAGES) / len(ways)
    chain = Chain.of_exits(entry, seen / visits)
    wins, losses = (sum(end == of for _, _, end in ways) for of in (WON, LOST))
    assert chain.visits * len(ways) == pytest.approx(seen.sum(axis=1))
    assert chain.win_rate * len(ways) == pytest.approx(wins)
    assert chain.leak.sum() * len(ways) == pytest.approx(losses)
    assert float(entry @ chain.value) == pytest.approx(float(chain.win_rate))


def test_elasticity_is_the_derivative():
    rng = np.random.Generator(np.random.Philox(5))
    exits = rng.dirichlet(np.ones(STAGES + 2), STAGES)
    exits[np.arange(STAGES), LOST] += exits[np.arange(STAGES), np.arange(STAGES)]
    exits[np.arange(STAGES), np.arange(STAGES)] = 0.0
    entry = np.array([0.7, 0.3, 0.0])
    told = Chain.of_exits(entry, exits).elasticity
    for s, j in ((0, 1), (1, 2), (2, WON), (2, 0)):
        step = 1e-6
        moved = [exits.copy(), exits.copy()]
        for sign, one in zip((1, -1), moved, strict=True):
            one[s, j] *= np.exp(sign * step)
        up, down = (np.log(Chain.of_exits(entry, one).win_rate) for one in moved)
        assert told[s, j] == pytest.approx((up - down) / (2 * step), rel=1e-6)


def test_funnel_of_the_reference(reference):
    check = reference("45_littles_law_funnel")
    move = np.loadtxt(check.path / "P.csv", delimiter=",", skiprows=1)
    win = np.array([0.0, 0.0, 0.55])
    lose = 1.0 - move.sum(axis=1) - win
    chain = Chain(np.array([1.0, 0.0, 0.0]), move, win, lose)
    days, arriving = np.array([25.0, 40.0, 30.0]), 30 / 30.4375
    stock = little_stock(arriving * chain.visits, days)
    check.compare("expected visits to stage 1..3 per new deal", chain.visits.tolist())
    check.compare("win rate per created deal", float(chain.win_rate))
    check.compare("loss by stage (leak), sums with win to 1", chain.leak.tolist())
    check.compare(
        "mean total cycle (all), L=lambda W per stage with 30 created per month (30.4375 days)",
        [float(chain.visits @ days), stock.tolist(), float(stock.sum())],
    )
    check.compare(
        "d ln(win)/d ln(P_2->3): elasticity by exact derivative (taking from lost)", float(chain.elasticity[1, 2])
    )
    from scipy import special

    mean, square = 120 * special.gamma(1 + 1 / 1.4), 120**2 * special.gamma(1 + 2 / 1.4)
    biased = next(name for name in check.checks if name.startswith("stock-weighted trap"))
    check.compare(biased, [mean, float(length_biased_mean(mean, square))])


def test_little_holds_in_a_steady_state():
    # A deal a day; every third stays 20 days, the others 5.
    rows = []
    for deal in range(400):
        length = 20 if deal % 3 == 0 else 5
        ends = deal + length <= 399
        rows.append((deal, 0, deal, 0, length if ends else 399 - deal, WON - 1 if ends else CENSORED))
    stays = stays_of(rows, ("A", "B"), 399)
    group = np.zeros(len(rows), dtype=np.int64)
    flows, stay = stage_flows(stays, group, 1, 99), sojourns_of(stays, group, 1, 99)
    assert flows.days == 300
    assert stay.mean[0, 0] == pytest.approx(10.0, rel=0.01)
    assert stay.median[0, 0] == 5
    assert little_stock(flows.arrivals[0, 0] / 300, stay.mean[0, 0]) == pytest.approx(flows.average[0, 0], rel=0.01)


def test_open_stays_are_unfinished_and_not_short():
    # Ten leave after 10 days; ten are open for 4 days. Leaving the open ones out, or ending them, would say otherwise.
    rows = [(d, 0, 0, 0, 10, 1) for d in range(10)] + [(d, 0, 16, 0, 4, CENSORED) for d in range(10, 20)]
    stay = sojourns_of(stays_of(rows, ("A",), 20), np.zeros(20, dtype=np.int64), 1, -1)
    assert stay.mean[0, 0] == pytest.approx(10.0)
    assert stay.median[0, 0] == 10


def test_stays_that_began_before_are_at_risk_from_their_age_on():
    # Before day 50 short stays were seen to end; what ends later says nothing of young ages.
    rows = [(d, 0, 0, 0, 2, 1) for d in range(5)] + [(d, 0, 40, 0, 20, 1) for d in range(5, 9)]
    stay = sojourns_of(stays_of(rows, ("A",), 70), np.zeros(9, dtype=np.int64), 1, 49)
    assert stay.survival[0, 0, 19] == 1.0
    assert stay.survival[0, 0, 20] == 0.0


def test_figures_of_the_fitted_process_agree_with_its_conversion_rates():
    model = example_fit()
    told = passing(model)
    rates = model.conversion_rates(None)
    assert told.won[0] == pytest.approx(rates["estimate"].to_numpy(), abs=0.05)
    assert np.all((told.on_low <= told.on) & (told.on <= told.on_high))
    assert np.all(told.leverage >= 0)
    assert np.all(told.chain_gain["leak"] > 0)
    # To first order a tenth more of the chance is worth a tenth of the leverage.
    assert told.chain_gain["chance"] == pytest.approx(0.1 * told.leverage, rel=0.35)


def test_healthy_days_are_those_by_which_four_in_five_have_moved_on():
    told = passing(example_fit())
    days = told.moved_by(0.8)
    at = np.take_along_axis(told.risen, days[..., None].astype(np.int64), axis=2)[..., 0]
    before = np.take_along_axis(told.risen, np.maximum(days - 1, 0)[..., None].astype(np.int64), axis=2)[..., 0]
    whole = told.risen[..., -1]
    assert np.all(at >= 0.8 * whole - 1e-9)
    assert np.all((before < 0.8 * whole) | (days == 0))
    assert np.all(told.moved_by(0.5) <= days)
    assert np.all(told.days_within(days) <= told.days_within(np.full(days.shape, np.nan)) + 1e-9)
