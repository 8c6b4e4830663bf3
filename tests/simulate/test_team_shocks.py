"""Shocks of teams in the draws: whom they move, when, by how much, and whom not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.clocks import ByClocks
from spmforecast.simulate.cohorts import Created
from spmforecast.simulate.common import Common
from spmforecast.simulate.drivers import drivers
from spmforecast.simulate.expected import MovedWins
from spmforecast.simulate.hazards import asked_of
from spmforecast.simulate.luck import draw_words
from spmforecast.simulate.outcomes import winning_chances
from spmforecast.simulate.teams import draw_team_luck
from spmforecast.simulate.trials import Trials
from workloads import team_shocks, workload

TRIALS, REPS, TEAMS = 4096, 6, 3


@pytest.fixture(scope="module")
def inputs():
    """A company without a market, whose reps are known for certain: teams alone move it."""
    made = workload(deals=60, streams=12, created=600.0, reps=REPS, periods=12)
    deals = made.open_deals
    plan = team_shocks(REPS, 12, TEAMS, tau=0.4)
    return dataclasses.replace(made, open_deals=dataclasses.replace(deals, lose=np.zeros_like(deals.lose)), teams=plan)


@pytest.fixture(scope="module")
def trials():
    return Trials(1, 0, TRIALS, 1)


@pytest.fixture(scope="module")
def common(inputs, trials):
    return Common.drawn(inputs, trials)


def test_an_open_deal_is_won_when_its_teams_hazard_reaches_what_its_luck_asks_for(inputs, trials, common):
    deals = inputs.open_deals
    for team in range(TEAMS):
        rows = np.flatnonzero(inputs.teams.of_owner[deals.owner] == team)
        words = draw_words(trials.streams, inputs.deal_keys[rows], 0, TRIALS)
        winners = ByClocks(inputs, trials, common).play(rows, words)
        found = np.full(words.shape, 12)
        found[winners.found.deal, winners.found.trial] = winners.slot % 12
        luck = common.teams.of("winning", team)
        reached = np.cumsum(deals.win[0, deals.state[rows]][:, :, None] * luck, axis=1)
        asked = asked_of(words.reshape(-1)).reshape(words.shape)
        expected = (reached <= asked[:, None]).sum(axis=1)
        # Where a hazard is rounded just to what is asked for, either period is right.
        assert (found != expected).mean() < 1e-5


def test_wins_expected_of_deals_to_come_follow_the_team_of_the_month(inputs, trials, common):
    new, made = inputs.new_deals, np.ones((12, TRIALS), dtype=np.float32)
    way = MovedWins(inputs, trials, None, lambda seller: common.winning(seller, common.team_of(seller)))
    for stream in (0, 7):
        seller, segment = int(new.cells.seller[stream]), int(new.cells.segment[stream])
        luck = common.teams.of("winning", int(inputs.teams.of_owner[seller])).T.astype(np.float64)
        expected = np.zeros((12, TRIALS))
        for cohort in range(12):
            here = np.s_[0, segment, cohort, cohort:]
            expected[cohort:] += winning_chances(new.win[here], new.lose[here], luck[:, cohort:]).T
        np.testing.assert_allclose(way.expected(made, stream), expected, rtol=3e-5)


def test_what_is_created_follows_the_team_of_the_cohort(inputs, trials, common):
    created = Created(inputs, trials, common, 32)
    for seller in (0, 4):
        luck = common.teams.of("creating", seller % TEAMS)
        plain = inputs.new_deals.created[seller, -1]
        np.testing.assert_allclose(created.of(seller), plain[:, None] * luck, rtol=1e-5)
    with_seat = dataclasses.replace(inputs, new_deals=dataclasses.replace(inputs.new_deals, vacant=np.ones((1, 12))))
    hired = Created(with_seat, trials, common, 32).of(REPS)
    np.testing.assert_allclose(hired, common.teams.of("creating", 0), rtol=1e-5)


def test_months_of_a_quarter_share_its_shock_and_a_year_has_the_average(inputs, trials, common):
    by_month = common.teams.of("winning", 1)
    quarters = common.teams.drawn["winning"][1]
    np.testing.assert_array_equal(by_month[[0, 1, 2]], quarters[[0, 0, 0]])
    np.testing.assert_array_equal(by_month[[9, 11]], quarters[[3, 3]])
    year = draw_team_luck(dataclasses.replace(inputs.teams, share=np.full((1, 4), 0.25)), trials)
    np.testing.assert_allclose(year.of("winning", 1)[0], quarters.mean(axis=0), rtol=1e-6)


def test_a_teams_shock_is_its_own_whoever_else_is_there(inputs, trials):
    plan = inputs.teams
    fewer = dataclasses.replace(
        plan,
        names=plan.names[1:],
        spreads={
            name: dataclasses.replace(of, present=of.present[1:], present_sd=of.present_sd[1:])
            for name, of in plan.spreads.items()
        },
        weight=np.array([0.0, 0.0]),  # so that nothing is taken off: what is drawn can be seen
    )
    alone = draw_team_luck(fewer, trials)
    whole = draw_team_luck(dataclasses.replace(plan, weight=np.zeros(3)), trials)
    for purpose in ("creating", "winning"):
        np.testing.assert_array_equal(whole.drawn[purpose][1:], alone.drawn[purpose])
        assert abs(np.corrcoef(np.log(whole.drawn[purpose][:, 0]))[0, 1]) < 0.06


def test_blocks_jobs_and_longer_runs_draw_the_same(inputs):
    whole = simulate_block(inputs, 0, 3000).amounts
    parts = [simulate_block(inputs, *ends).amounts for ends in ((0, 1000), (1000, 3000))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(simulate_block(inputs, 0, 500).amounts, whole[:500])


def test_the_company_is_as_it_was_and_its_teams_are_not():
    """Shocks of 0.3 that cancel out: of twelve teams each varies by them, all together do not."""
    made = workload(deals=2000, streams=60, created=3000.0, reps=12, teams=12, dispersion=0.0, shocks=True, seed=3)
    moved = dataclasses.replace(made, teams=team_shocks(12, 4, 12, tau=0.3))
    without = dataclasses.replace(made, teams=None)
    one, other = (simulate_block(of, 0, 4096).amounts for of in (moved, without))
    assert one.sum(axis=1).mean() == pytest.approx(other.sum(axis=1).mean(), rel=0.02)
    assert one.sum(axis=1).std() == pytest.approx(other.sum(axis=1).std(), rel=0.05)
    quarter = np.arange(0, 48, 4)
    assert (one[:, quarter].std(axis=0) > 1.1 * other[:, quarter].std(axis=0)).all()


def test_drivers_tell_the_shocks_of_a_regions_teams(inputs):
    """The North is one team, the South the two others."""
    frame = inputs.plan.frame
    region = np.where(frame["owner_id"].isin(["R000", "R003"]), "North", "South")
    placed = dataclasses.replace(inputs.plan, frame=frame.assign(region=region))
    told = drivers(dataclasses.replace(inputs, plan=placed), 512)
    luck = draw_team_luck(inputs.teams, Trials(1, 0, 512, 1))
    both = np.log(np.concatenate([luck.of(name, 0) for name in ("winning", "creating")])).T
    np.testing.assert_allclose(told.of_region["North"], both, rtol=1e-5)
    assert told.of_region["South"].shape == (512, 24)
    assert np.corrcoef(told.of_region["North"][:, 0], told.of_region["South"][:, 0])[0, 1] < -0.7
    assert drivers(dataclasses.replace(inputs, teams=None), 64).of_region == {}


def test_drivers_of_many_trials_are_those_of_few_one_after_the_other(inputs, monkeypatch):
    placed = dataclasses.replace(inputs.plan, frame=inputs.plan.frame.assign(region="North"))
    asked = dataclasses.replace(inputs, plan=placed)
    whole = drivers(asked, 500).of_region["North"]
    monkeypatch.setattr("spmforecast.simulate.drivers._TOGETHER", 128)
    np.testing.assert_array_equal(drivers(asked, 500).of_region["North"], whole)
