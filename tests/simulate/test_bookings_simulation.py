"""Forecasts of bookings: the engine's guarantees, and draws that look like what was booked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ledgers import Trade, ledger_of
from spmforecast.data import read_history
from spmforecast.errors import InputError
from spmforecast.models import BookingsModel
from spmforecast.models.amounts import AmountLaw
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.simulate import simulate
from spmforecast.simulate.bookings.compound import SizeMoments, gamma_path, sum_quantile

AS_OF, UNTIL = "2023-11-14", "2024-06-30"
TRADE = Trade(reps=8, months=36, cancelled=0.05)


def fit(tables, as_of=AS_OF):
    return BookingsModel().fit(read_history(tables), as_of)


@pytest.fixture(scope="module")
def tables():
    return ledger_of(TRADE, 3)


@pytest.fixture(scope="module")
def model(tables):
    return fit(tables)


@pytest.fixture(scope="module")
def forecast(model):
    return simulate(model, UNTIL, trials=1200, seed=5)


# --- the same again -------------------------------------------------------------------------------------------------


def test_same_seed_same_bytes_on_any_number_of_jobs(model, forecast):
    again = simulate(model, UNTIL, trials=1200, seed=5, jobs=2)
    assert again.draws.tobytes() == forecast.draws.tobytes()
    assert again.counts.tobytes() == forecast.counts.tobytes()
    other = simulate(model, UNTIL, trials=1200, seed=6)
    assert other.draws.tobytes() != forecast.draws.tobytes()


def test_fewer_trials_are_a_prefix_of_more(model, forecast):
    np.testing.assert_array_equal(simulate(model, UNTIL, trials=50, seed=5).draws, forecast.draws[:50])


def test_the_order_of_rows_changes_nothing(tables, forecast):
    rng = np.random.default_rng(1)
    mixed = {name: frame.sample(frac=1.0, random_state=rng) for name, frame in tables.items()}
    again = simulate(fit(mixed), UNTIL, trials=60, seed=5)
    np.testing.assert_array_equal(again.draws, forecast.draws[:60])
    pd.testing.assert_frame_equal(again.cells, forecast.cells)


def test_the_future_changes_nothing(tables, forecast):
    rng = np.random.default_rng(2)
    bookings = tables["bookings"].copy()
    later = bookings["date"] > AS_OF
    assert later.sum() > 50
    bookings.loc[later, "amount"] = rng.uniform(-1e6, 1e6, later.sum()).round(2)
    bookings.loc[later, "rep_id"] = rng.permutation(bookings.loc[later, "rep_id"].to_numpy())
    reps = tables["reps"].copy()
    gone, hired = reps["end_date"] > AS_OF, reps["hire_date"] > AS_OF
    assert gone.any()
    assert hired.any()
    reps.loc[gone, "end_date"], reps.loc[hired, "hire_date"] = "2024-02-29", "2024-01-15"
    again = simulate(fit({"bookings": bookings, "reps": reps}), UNTIL, trials=60, seed=5)
    np.testing.assert_array_equal(again.draws, forecast.draws[:60])


def test_a_longer_horizon_leaves_the_nearer_periods_alone(model, forecast):
    far = simulate(model, "2024-12-31", trials=60, seed=5)
    for period in forecast.periods:
        np.testing.assert_array_equal(far.period_draws(period), forecast.period_draws(period)[:60])


# --- cells ----------------------------------------------------------------------------------------------------------


def test_cells_hold_what_is_booked_and_what_is_to_come(model, forecast, tables):
    assert set(forecast.cells["part"]) == {"won", "new"}
    won = (forecast.cells["part"] == "won").to_numpy()
    assert (np.ptp(forecast.draws[:, won], axis=0) == 0).all()
    bookings = tables["bookings"]
    this_year = bookings[(bookings["date"] >= "2023-01-01") & (bookings["date"] <= AS_OF)]
    assert forecast.draws[0, won].sum() == pytest.approx(this_year["amount"].sum())
    assert forecast.counts[0, won].sum() == (model.ledger.orders.query("date >= '2023-01-01'")["amount"] > 0).sum()
    assert forecast.deals is not None
    assert forecast.deals.empty
    assert list(forecast.deals.columns[-2:]) == ["expected_amount", "spread_share"]
    coming = forecast.cells[~won]
    assert set(coming["owner_id"]) <= {*model.roster.owners, TO_BE_HIRED}
    assert forecast.periods == ["2023Q1", "2023Q2", "2023Q3", "2023Q4", "2024Q1", "2024Q2"]


def test_months_and_quarters_tell_the_same_story(model, forecast):
    monthly = simulate(model, UNTIL, trials=1200, seed=5, period="month")
    by_month = sum(monthly.period_draws(f"2024-0{month}").mean() for month in (1, 2, 3))
    assert by_month == pytest.approx(forecast.period_draws("2024Q1").mean(), rel=0.04)


def test_any_attribute_of_bookings_can_be_a_level_and_no_other():
    lines = ledger_of(Trade(reps=3, months=15), 4)
    rng = np.random.default_rng(9)
    lines["bookings"]["product"] = rng.choice(["Bike", "Lamp"], len(lines["bookings"]), p=[0.8, 0.2])
    model = fit(lines, "2022-03-31")
    forecast = simulate(model, "2022-06-30", trials=400, seed=1, levels=("product",))
    mean = forecast.totals(["product", "period"])
    share = {
        name: mean.draws[:, k].mean()
        for k, name in enumerate(mean.groups["product"])
        if mean.groups["period"][k] == "2022Q2"
    }
    assert share["Bike"] / (share["Bike"] + share["Lamp"]) == pytest.approx(0.8, abs=0.1)
    with pytest.raises(InputError, match=r"levels: deals have no such attribute \(found 'produkt'\)"):
        simulate(model, "2022-06-30", trials=4, levels=("produkt",))


# --- what draws look like -------------------------------------------------------------------------------------------


def test_reps_of_few_orders_have_skewed_months_and_months_of_nothing():
    trade = Trade(reps=6, months=36, orders=0.6, leavers=False, market_sd=0.05, level_sd=0.3)
    tables = ledger_of(trade, 5)
    forecast = simulate(fit(tables, "2023-12-31"), "2024-03-31", trials=1000, seed=1, period="month")
    monthly = forecast.totals(["owner_id", "period"])
    new = monthly.draws[:, monthly.groups["period"].str.startswith("2024").to_numpy()]
    bookings = tables["bookings"]
    past = bookings[bookings["date"] < "2024-01-01"]
    cells = past.groupby(["rep_id", past["date"].str[:7]])["amount"].sum()
    empty = 1 - len(cells) / (trade.reps * trade.months)
    assert (new == 0).mean() == pytest.approx(empty, abs=0.1)
    assert (stats.skew(new, axis=0) > 1).all()


def test_cancellations_can_outweigh_orders(forecast, tables):
    owners = forecast.totals(["owner_id", "period"])
    tail = owners.draws[:, (owners.groups["period"] == "2024Q2").to_numpy()]
    assert (tail < 0).any()
    bookings = tables["bookings"]
    past = bookings[bookings["date"] <= AS_OF]["amount"]
    assert (past < 0).any()
    assert tail.sum(axis=1).mean() > 0


def test_somebody_who_leaves_is_succeeded(model, forecast):
    assert model.attrition.shape > 0
    names = forecast.cells["owner_id"] == TO_BE_HIRED
    assert names.any()
    assert forecast.draws[:, names.to_numpy()].mean() > 0


def test_without_leavers_nobody_is_hired():
    tables = ledger_of(Trade(reps=3, months=15, leavers=False), 4)
    forecast = simulate(fit(tables, "2022-03-31"), "2022-06-30", trials=40, seed=1)
    assert TO_BE_HIRED not in set(forecast.cells["owner_id"])


def test_the_market_moves_all_reps_together():
    trade = Trade(reps=8, months=36, orders=10.0, leavers=False, market_sd=0.3, level_sd=0.2)
    forecast = simulate(fit(ledger_of(trade, 6), "2023-12-31"), "2024-12-31", trials=800, seed=2)
    last = forecast.totals(["owner_id", "period"])
    draws = last.draws[:, (last.groups["period"] == "2024Q4").to_numpy()]
    off = np.corrcoef(draws.T)[~np.eye(draws.shape[1], dtype=bool)]
    assert off.mean() > 0.2


# --- laws -----------------------------------------------------------------------------------------------------------


def grid(count):
    return (np.arange(count) + 0.5) / count


def test_a_sum_of_many_sizes_has_their_moments():
    rng = np.random.default_rng(10)
    law = AmountLaw(np.log(np.sort(rng.lognormal(3.0, 0.7, 2048)))[None])
    moments = SizeMoments.of(law, 0)
    size = np.exp(law.log_quantiles[0])
    total = sum_quantile(grid(100_000), np.full(100_000, 20.0), moments)
    assert total.mean() == pytest.approx(20 * size.mean(), rel=1e-3)
    assert total.std() == pytest.approx(np.sqrt(20) * size.std(), rel=1e-2)
    assert stats.skew(total) == pytest.approx(stats.skew(size) / np.sqrt(20), rel=0.05)


def test_sums_of_equal_and_of_left_skewed_sizes():
    same = SizeMoments.of(AmountLaw(np.full((1, 64), np.log(5.0))), 0)
    np.testing.assert_allclose(sum_quantile(grid(9), np.full(9, 30.0), same), 150.0)
    left = SizeMoments(10.0, 2.0, -1.5)
    total = sum_quantile(grid(50_000), np.full(50_000, 25.0), left)
    assert total.mean() == pytest.approx(250.0, rel=1e-3)
    assert stats.skew(total) == pytest.approx(-0.3, abs=0.03)


def test_a_level_keeps_its_mean_and_loses_certainty():
    rng = np.random.default_rng(11)
    shapes = np.array([50.0, 30.0, 30.0, 4.0])
    path = gamma_path(rng.random((4, 200_000)), 2.0, shapes)
    np.testing.assert_allclose(path.mean(axis=0), 2.0, rtol=0.01)
    np.testing.assert_allclose(path.var(axis=0), 4.0 / shapes, rtol=0.03)
    np.testing.assert_array_equal(path[:, 1], path[:, 2])
