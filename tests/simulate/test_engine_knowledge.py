"""Little history makes a wide forecast; nothing later than the as-of date changes a byte."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import AS_OF, UNTIL, example_tables, fit, history_of
from spmforecast.models import PipelineModel
from spmforecast.simulate import simulate


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
