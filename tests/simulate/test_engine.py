"""The engine's guarantees: reproducible to the byte, blind to the future, and nobody's luck hangs on anybody else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from companies import AS_OF, example_fit, example_tables, history_of, shuffled
from spmforecast.calendar import FiscalCalendar
from spmforecast.data import read_history
from spmforecast.errors import InputError
from spmforecast.models import PipelineModel
from spmforecast.simulate import simulate
from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.from_model import build_inputs
from spmforecast.simulate.horizon import build_horizon
from spmforecast.simulate.moved import Moved, run_together
from spmforecast.simulate.outcomes import bent, winning_chances, winning_speed

UNTIL = "2024-12-31"


def fit(tables):
    return PipelineModel().fit(read_history(tables), as_of=AS_OF)


@pytest.fixture(scope="module")
def model():
    return example_fit()


@pytest.fixture(scope="module")
def forecast(model):
    return simulate(model, until=UNTIL, trials=1000, seed=5)


@pytest.fixture(scope="module")
def inputs(model):
    return build_inputs(model, build_horizon(model.as_of, UNTIL, "quarter", model.calendar), ("region", "segment"), 5)


@pytest.fixture(scope="module")
def block(inputs):
    return simulate_block(inputs, 0, 400)


def keep_open(inputs, rows):
    """Keep some of the open deals, the fit being what it was."""
    deals = inputs.open_deals
    by_deal = ("state", "owner", "segment", "column", "log_amount")
    kept = dataclasses.replace(
        deals, ids=tuple(deals.ids[i] for i in rows), **{name: getattr(deals, name)[rows] for name in by_deal}
    )
    return dataclasses.replace(inputs, open_deals=kept)


def keep_streams(inputs, rows):
    """Keep some of the streams of deals to come."""
    new = inputs.new_deals
    by_stream = ("seller", "segment", "share", "column")
    cells = dataclasses.replace(
        new.cells,
        ids=tuple(new.cells.ids[k] for k in rows),
        **{name: getattr(new.cells, name)[rows] for name in by_stream},
    )
    return dataclasses.replace(inputs, new_deals=dataclasses.replace(new, cells=cells))


# --- the same again -------------------------------------------------------------------------------------------------


def test_same_seed_same_bytes(model, forecast):
    again = simulate(model, until=UNTIL, trials=1000, seed=5)
    assert again.draws.tobytes() == forecast.draws.tobytes()
    assert again.counts.tobytes() == forecast.counts.tobytes()
    pd.testing.assert_frame_equal(again.cells, forecast.cells)
    pd.testing.assert_frame_equal(again.deals, forecast.deals)


def test_other_seed_other_draws_of_the_same_law(model, forecast):
    other = simulate(model, until=UNTIL, trials=1000, seed=6)
    one, two = forecast.totals([]).draws[:, 0], other.totals([]).draws[:, 0]
    assert not np.array_equal(one, two)
    # 64 draws of the parameters stand behind each run, so the means are known less well than a thousand trials say.
    assert abs(one.mean() - two.mean()) < 6 * one.std() / np.sqrt(64)


def test_longer_runs_and_more_processes_begin_with_the_same_bytes(model, forecast):
    longer = simulate(model, until=UNTIL, trials=2000, seed=5)
    assert longer.draws[:1000].tobytes() == forecast.draws.tobytes()
    spread = simulate(model, until=UNTIL, trials=2000, seed=5, jobs=2)
    assert spread.draws.tobytes() == longer.draws.tobytes()
    assert spread.counts.tobytes() == longer.counts.tobytes()
    pd.testing.assert_frame_equal(spread.deals, longer.deals)


@pytest.mark.parametrize("cut", [4, 200, 396])
def test_where_blocks_are_cut_does_not_matter(inputs, block, cut):
    first, second = simulate_block(inputs, 0, cut), simulate_block(inputs, cut, 400)
    assert np.concatenate([first.amounts, second.amounts]).tobytes() == block.amounts.tobytes()
    assert np.concatenate([first.counts, second.counts]).tobytes() == block.counts.tobytes()
    np.testing.assert_array_equal(first.deal_wins + second.deal_wins, block.deal_wins)
    np.testing.assert_allclose(first.deal_sum + second.deal_sum, block.deal_sum)


def test_order_of_the_input_rows_changes_no_byte(forecast):
    turned = fit(shuffled(example_tables(), np.random.default_rng(9)))
    again = simulate(turned, until=UNTIL, trials=1000, seed=5)
    pd.testing.assert_frame_equal(again.cells, forecast.cells)
    assert again.draws.tobytes() == forecast.draws.tobytes()


def test_progress_is_told(model):
    told = []
    simulate(model, until="2024-09-30", trials=1500, jobs=2, progress=lambda *done: told.append(done))
    assert told == [(1024, 1500), (1500, 1500)]


# --- streams keyed by entity ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", [0, 3, -1])
def test_without_one_open_deal_all_others_draw_the_same(inputs, block, gone):
    deals = inputs.open_deals
    rows = np.delete(np.arange(len(deals.ids)), gone)
    less = simulate_block(keep_open(inputs, rows), 0, 400)
    np.testing.assert_array_equal(less.deal_wins, block.deal_wins[rows])
    np.testing.assert_array_equal(less.deal_sum, block.deal_sum[rows])
    np.testing.assert_array_equal(less.deal_squares, block.deal_squares[rows])
    own = np.zeros(block.amounts.shape[1], dtype=bool)
    own[deals.column[gone] + np.arange(inputs.periods)] = True
    np.testing.assert_array_equal(less.amounts[:, ~own], block.amounts[:, ~own])
    np.testing.assert_array_equal(less.counts[:, ~own], block.counts[:, ~own])
    missing = (block.counts - less.counts)[:, own]
    assert missing.sum() == block.deal_wins[gone].sum()
    assert (missing >= 0).all()


def test_order_of_the_open_deals_does_not_matter(inputs, block):
    rows = np.random.default_rng(1).permutation(len(inputs.open_deals.ids))
    turned = simulate_block(keep_open(inputs, rows), 0, 400)
    np.testing.assert_array_equal(turned.deal_wins, block.deal_wins[rows])
    np.testing.assert_array_equal(turned.deal_sum, block.deal_sum[rows])
    np.testing.assert_array_equal(turned.counts, block.counts)
    np.testing.assert_allclose(turned.amounts, block.amounts, atol=1e-6)


def test_without_one_stream_of_new_deals_all_others_draw_the_same(inputs, block):
    cells = inputs.new_deals.cells
    busiest = int(np.argmax([block.counts[:, c : c + inputs.periods].sum() for c in cells.column]))
    less = simulate_block(keep_streams(inputs, np.delete(np.arange(len(cells.ids)), busiest)), 0, 400)
    own = np.zeros(block.amounts.shape[1], dtype=bool)
    own[cells.column[busiest] + np.arange(inputs.periods)] = True
    np.testing.assert_array_equal(less.amounts[:, ~own], block.amounts[:, ~own])
    assert less.counts[:, own].sum() < block.counts[:, own].sum()


def test_winners_of_one_cell_have_amounts_of_their_own(inputs, block):
    new = np.unique(inputs.new_deals.cells.column[:, None] + np.arange(inputs.periods))
    two = block.amounts[:, new][block.counts[:, new] == 2]
    assert len(two) > 50
    # Twice the same amount would be an even number of cents.
    assert 0.2 < (np.round(two * 100).astype(np.int64) % 2).mean() < 0.8


def test_a_deal_that_is_larger_wins_in_the_same_trials(inputs, block):
    deals = inputs.open_deals
    likely = int(np.argmax(np.where(np.isnan(deals.log_amount), 0, block.deal_wins.sum(axis=1))))
    assert block.deal_wins[likely].sum() > 20
    log_amount = deals.log_amount.copy()
    log_amount[likely] += np.log(2)
    larger = dataclasses.replace(inputs, open_deals=dataclasses.replace(deals, log_amount=log_amount))
    got = simulate_block(larger, 0, 400)
    np.testing.assert_array_equal(got.counts, block.counts)
    assert got.deal_sum[likely] == pytest.approx(2 * block.deal_sum[likely], rel=1e-4)
    rest = np.arange(len(deals.ids)) != likely
    np.testing.assert_array_equal(got.deal_sum[rest], block.deal_sum[rest])


# --- sums -----------------------------------------------------------------------------------------------------------


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


# --- money, time and levels -----------------------------------------------------------------------------------------


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


def test_months_as_periods(model):
    got = simulate(model, until="2024-09-30", trials=200, period="month", levels=())
    assert set(got.cells.loc[got.cells["part"] != "won", "period"]) == {"2024-08", "2024-09"}
    assert set(got.cells.loc[got.cells["part"] == "won", "period"]) <= {f"2024-{m:02d}" for m in range(1, 9)}
    assert (got.period_draws("2024Q3") >= got.period_draws("2024-09")).all()


def test_other_fiscal_year():
    shifted = PipelineModel(fiscal_year_start=2).fit(read_history(example_tables()), as_of=AS_OF)
    got = simulate(shifted, until="2024-10-31", trials=100)
    assert set(got.cells.loc[got.cells["part"] != "won", "period"]) == {"2025Q3"}
    assert got.years == ["2025"]
    with pytest.raises(InputError, match=r"last day of a quarter.*2024-10-31"):
        simulate(shifted, until="2024-09-30", trials=100)


def test_levels_become_columns_and_change_no_total_much(model):
    got = simulate(model, until="2024-09-30", trials=100, levels=["product", "lead_source"])
    assert {"product", "lead_source", "region", "segment"} <= set(got.cells)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"trials": 0}, "whole number of at least 1"),
        ({"jobs": 0}, "whole number of at least 1"),
        ({"until": "2024-08-15"}, "must end after as_of"),
        ({"until": "2024-11-30"}, "last day of a quarter"),
        ({"until": "2024-10-15", "period": "month"}, "last day of a month"),
        ({"until": "someday"}, "not a date"),
        ({"levels": ["colour"]}, "deals have no such attribute"),
    ],
)
def test_what_cannot_be_simulated_is_refused(model, options, told):
    with pytest.raises(InputError, match=told):
        simulate(model, **{"until": UNTIL, "trials": 10} | options)


def test_all_numbers_that_are_wrong_are_told_at_once(model):
    with pytest.raises(InputError, match=r"at least 1") as caught:
        simulate(model, until=UNTIL, trials=-1, jobs=0, worlds=0)
    assert [problem.column for problem in caught.value.problems] == ["trials", "jobs", "worlds"]


def test_fewer_draws_of_the_parameters_tell_less_of_what_is_in_doubt(model, forecast):
    sure = simulate(model, until=UNTIL, trials=len(forecast.draws), seed=1, worlds=1)
    assert set(sure.drivers.world) == {0}
    assert set(forecast.drivers.world) == set(range(64))
    assert sure.draws.sum(axis=1).mean() == pytest.approx(forecast.draws.sum(axis=1).mean(), rel=0.1)


# --- little and later knowledge -------------------------------------------------------------------------------------


def young_company(closed):
    """Twelve open deals and a few that are over, half of them won."""
    deals = [
        {"opportunity_id": f"O{i:02d}", "created_date": f"2024-0{1 + i % 5}-1{i % 10}", "amount": 1000.0 + 100 * i}
        for i in range(12)
    ]
    for i in range(closed):
        month = 1 + i % 4
        deals.append(
            {
                "opportunity_id": f"C{i:02d}",
                "created_date": f"2024-0{month}-05",
                "status": "won" if i % 2 == 0 else "lost",
                "close_date": f"2024-0{month + 1}-{10 + i % 15}",
                "amount": 1500.0,
            }
        )
    return PipelineModel().fit(history_of(deals), as_of="2024-06-15")


def test_little_history_still_forecasts_and_says_how_little_it_knows():
    told, spread = [], []
    for closed in (0, 1, 5, 20):
        young = young_company(closed)
        got = simulate(young, until="2024-12-31", trials=500)
        assert np.isfinite(got.draws).all()
        table = young.conversion_rates()
        assert 0 < table["estimate"].iloc[0] < 1
        told.append(float(table["high"].iloc[0] / table["low"].iloc[0]))
        still_open = got.draws[:, (got.cells["part"] == "open").to_numpy()].sum(axis=1)
        spread.append(still_open.std() / still_open.mean())
    # The less is known, the wider, in proportion to the estimate.
    assert told == sorted(told, reverse=True)
    assert told[0] > 2 * told[3]
    assert spread == sorted(spread, reverse=True)
    assert spread[0] > 1.3 * spread[3]


def test_a_single_open_deal_is_enough():
    history = history_of([{"opportunity_id": "D", "created_date": "2024-01-10", "amount": 100.0}])
    got = simulate(PipelineModel().fit(history, as_of="2024-02-15"), until="2024-06-30", trials=200)
    assert got.deals["opportunity_id"].tolist() == ["D"]
    assert np.isfinite(got.draws).all()


def poisoned(tables, as_of, rng):
    """Replace whatever was recorded after a day by other things recorded after that day."""
    close = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    out = {name: frame.copy() for name, frame in tables.items()}

    def later(n):
        return (close + pd.to_timedelta(rng.integers(0, 120, n), unit="D")).strftime("%Y-%m-%d").to_numpy()

    deals = out["opportunities"]
    created = pd.to_datetime(deals["created_date"])
    ended = pd.to_datetime(deals["close_date"])
    unborn = (created >= close).to_numpy()
    alive = ~unborn & (deals["status"].eq("open") | (ended >= close)).to_numpy()
    n = int(alive.sum())
    assert n > 5
    assert unborn.sum() > 5
    deals.loc[alive, "status"] = rng.choice(["won", "lost"], n)
    deals.loc[alive, "close_date"] = later(n)
    deals.loc[alive, "amount"] = rng.uniform(1, 1e6, n).round(2)
    deals.loc[alive, "list_price"] = rng.uniform(1, 1e6, n).round(2)
    deals.loc[alive, "discount"] = rng.uniform(0, 0.5, n)
    deals.loc[alive, "stage"] = "Poison"
    deals.loc[alive, "forecast_category"] = "poison"
    born = int(unborn.sum())
    deals.loc[unborn, ["segment", "region", "owner_id", "product", "territory_id"]] = "Poison"
    deals.loc[unborn, "created_date"] = later(born)
    deals.loc[unborn, "status"] = "open"
    deals.loc[unborn, "amount"] = rng.uniform(1, 1e6, born).round(2)
    deals.loc[unborn, "close_date"] = None
    events = out["stage_history"]
    after = (pd.to_datetime(events["entered_date"]) >= close).to_numpy()
    count = int(after.sum())
    assert count > 50
    open_ids = deals.loc[alive, "opportunity_id"].to_numpy()
    events.loc[after, "opportunity_id"] = rng.choice(open_ids, count)
    events.loc[after, "entered_date"] = later(count)
    events.loc[after, "stage"] = rng.choice(["Poison", "Venom"], count)
    events.loc[after, "status"] = "open"
    events.loc[after, "amount"] = rng.uniform(1, 1e6, count).round(2)
    events.loc[after, "owner_id"] = "Poison"
    reps = out["reps"]
    leave = pd.to_datetime(reps["end_date"])
    here = (leave.isna() | (leave >= close)).to_numpy() & (pd.to_datetime(reps["hire_date"]) < close).to_numpy()
    reps.loc[here, "end_date"] = later(int(here.sum()))
    return out


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_later_than_the_as_of_date_changes_a_byte(forecast, seed):
    poison = poisoned(example_tables(), AS_OF, np.random.default_rng(seed))
    again = simulate(fit(poison), until=UNTIL, trials=1000, seed=5)
    pd.testing.assert_frame_equal(again.cells, forecast.cells)
    assert again.draws.tobytes() == forecast.draws.tobytes()


def test_public_name_is_the_engine(model):
    assert isinstance(spm.simulate(model, until="2024-09-30", trials=8), spm.Forecast)
    assert spm.simulate(model, until="2024-09-30", trials=8).calendar == FiscalCalendar()
