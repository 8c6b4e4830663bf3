"""The engine's figures: sums to the cent, a constant past, chances of deals and of the market, any unit of money."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import UNTIL, example_tables, fit
from spmforecast.simulate import simulate
from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.horizon import build_horizon
from spmforecast.simulate.moved import Moved, run_together
from spmforecast.simulate.outcomes import bent, winning_chances, winning_speed


def test_every_level_adds_up_to_the_cent_in_every_trial(forecast):
    company = forecast.totals([]).draws[:, 0]
    assert company.std() > 0
    for by in (["region"], ["owner_id"], ["segment"], ["manager_id"], ["part", "period"]):
        np.testing.assert_allclose(forecast.totals(by).draws.sum(axis=1), company, rtol=0, atol=0.001)


def test_draws_are_whole_cents_and_come_with_wins(forecast):
    np.testing.assert_allclose(forecast.draws, np.round(forecast.draws, 2), rtol=0, atol=1e-6)
    assert (forecast.draws >= 0).all()
    np.testing.assert_array_equal(forecast.draws > 0, forecast.counts > 0)
    np.testing.assert_array_equal(forecast.counts, np.round(forecast.counts))


def test_past_is_constant_and_only_the_past_is(model, forecast):
    past = (forecast.cells["part"] == "won").to_numpy()
    assert (np.ptp(forecast.draws[:, past], axis=0) == 0).all()
    deals = model.deals
    booked = deals.loc[(deals["status"] == "won") & (deals["close_date"] >= "2024-01-01"), "amount"].sum()
    assert forecast.draws[0, past].sum() == pytest.approx(booked, abs=0.005)
    assert set(forecast.cells.loc[past, "period"]) <= {"2024Q1", "2024Q2", "2024Q3"}
    assert set(forecast.cells.loc[~past, "period"]) == {"2024Q3", "2024Q4"}


def test_running_quarter_has_all_three_parts(forecast):
    running = forecast.cells["period"] == "2024Q3"
    assert set(forecast.cells.loc[running, "part"]) == {"won", "open", "new"}
    quarter = forecast.totals(["part", "period"])
    booked = (quarter.groups["part"] == "won") & (quarter.groups["period"] == "2024Q3")
    assert (forecast.period_draws("2024Q3") >= quarter.draws[:, booked.to_numpy()][:, 0] - 0.001).all()


def test_deals_are_described_by_the_same_draws(model, inputs, forecast):
    deals = forecast.deals
    assert deals["opportunity_id"].tolist() == list(inputs.open_deals.ids)
    assert set(deals["opportunity_id"]) == set(model.deals.loc[model.deals["status"] == "open", "opportunity_id"])
    np.testing.assert_allclose(deals["p_win"], deals["p_win_2024Q3"] + deals["p_win_2024Q4"])
    assert deals["p_win"].between(0, 1).all()
    still_open = (forecast.cells["part"] == "open").to_numpy()
    assert deals["expected_amount"].sum() == pytest.approx(forecast.draws[:, still_open].sum(axis=1).mean())
    assert deals["p_win"].sum() == pytest.approx(forecast.counts[:, still_open].sum(axis=1).mean())
    assert (deals["age_days"] >= 0).all()
    assert deals["spread_share"].between(0, 1.5).all()


def test_a_shift_of_the_market_moves_chances_as_the_stage_process_does(model):
    horizon = build_horizon(model.as_of, UNTIL, "quarter", model.calendar)
    shifts = (0.0, -0.3, 0.3, -0.6, 0.6)
    runs = run_together(model, horizon, [model.process.shifted(z) for z in shifts])
    calm, *moved = (one.arrival_won for one in runs)
    response, bend = Moved(runs[0], *runs[:3]).response(lambda run: run.arrival_won)

    def won(level, bend):
        speed = np.exp(level * response - bent(np.float64(level)) * bend)
        return winning_chances(winning_speed(calm), np.zeros(calm.shape), speed)

    for level, table in zip(shifts[1:], moved, strict=True):
        np.testing.assert_allclose(won(level, bend), table, atol=1e-3 if abs(level) < 0.5 else 6e-3)
    # Not by a hair: a third more odds at every stage are more than a tenth more wins, late stages included.
    assert won(0.3, bend).sum() > 1.1 * calm.sum()
    # Chances saturate. A straight line would make more of good luck than bad luck takes, and grow with doubt.
    mean, straight, table = (
        (one.sum() + other.sum()) / 2
        for one, other in ((won(-0.6, bend), won(0.6, bend)), (won(-0.6, 0.0), won(0.6, 0.0)), moved[2:])
    )
    assert abs(mean / table - 1) < 0.01 < 0.03 < straight / table - 1


def test_the_bend_of_the_market_goes_on_straight_beyond_one():
    level = np.linspace(-2.0, 2.0, 81)
    slope = np.diff(bent(level)) / np.diff(level)
    inside = np.abs(level) <= 1
    np.testing.assert_allclose(bent(level)[inside], level[inside] ** 2)
    np.testing.assert_allclose(slope[level[:-1] >= 1], 2.0)
    np.testing.assert_allclose(slope[level[1:] <= -1], -2.0)


def test_open_deals_win_as_often_as_their_exact_chances_say(inputs):
    # Shocks and reps' effects have mean about one, so the average over trials stays near the tables' chances.
    got = simulate_block(inputs, 0, 2000)
    deals = inputs.open_deals
    total = deals.win + deals.lose
    before = np.exp(total - np.cumsum(total, axis=-1))
    exact = (before * -np.expm1(-total) * deals.win / np.maximum(total, 1e-300)).sum(axis=-1).mean(axis=0)[deals.state]
    assert got.deal_wins.sum() / 2000 == pytest.approx(exact.sum(), rel=0.15)
    assert np.corrcoef(got.deal_wins.sum(axis=1), exact)[0, 1] > 0.98


def test_another_unit_of_money_scales_the_draws(forecast):
    tables = example_tables()
    scaled = {name: frame.copy() for name, frame in tables.items()}
    for name, column in (("opportunities", "amount"), ("opportunities", "list_price"), ("stage_history", "amount")):
        scaled[name][column] = scaled[name][column] * 4
    again = simulate(fit(scaled), until=UNTIL, trials=1000, seed=5)
    pd.testing.assert_frame_equal(again.cells, forecast.cells)
    np.testing.assert_array_equal(again.counts, forecast.counts)
    # Each deal is rounded to the cent before and after.
    assert (np.abs(again.draws - 4 * forecast.draws) <= 0.026 * np.maximum(forecast.counts, 1)).all()
