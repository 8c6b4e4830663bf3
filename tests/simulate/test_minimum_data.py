"""With no, one, five, twenty, a hundred closed deals: a fit, a forecast, wide where little is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from companies import history_of

START = pd.Timestamp("2023-01-02")
COUNTS = (0, 1, 5, 20, 100)


def little(closed):
    """Ten open deals and so many closed ones, every third of them won, spread over the record."""
    rng = np.random.default_rng(closed)
    deals = []
    for i in range(closed):
        created = START + pd.Timedelta(days=int(430 * i / max(closed, 1)))
        deals.append(
            {
                "opportunity_id": f"C{i:03d}",
                "created_date": created.date().isoformat(),
                "status": "won" if i % 3 == 0 else "lost",
                "amount": float(np.round(np.exp(rng.normal(9.0, 0.6)), 2)),
                "close_date": (created + pd.Timedelta(days=int(rng.integers(10, 80)))).date().isoformat(),
            }
        )
    for i in range(10):
        created = (pd.Timestamp("2024-05-01") + pd.Timedelta(days=5 * i)).date().isoformat()
        deals.append({"opportunity_id": f"O{i}", "created_date": created, "amount": 8000.0})
    return history_of(deals)


@pytest.fixture(scope="module")
def forecasts():
    out = {}
    for closed in COUNTS:
        model = spm.PipelineModel().fit(little(closed), as_of="2024-06-30")
        out[closed] = model, spm.simulate(model, until="2024-12-31", trials=4000, seed=1)
    return out


def relative_spread(forecast):
    total = forecast.draws[:, (forecast.cells["part"] == "open").to_numpy()].sum(axis=1)
    # Deals of one amount: quantiles jump from multiple to multiple of it, the deviation does not.
    return total.std() / total.mean()


@pytest.mark.parametrize("closed", COUNTS)
def test_there_is_a_forecast(forecasts, closed):
    model, forecast = forecasts[closed]
    assert np.isfinite(forecast.draws).all()
    assert forecast.draws.std() > 0
    rates = model.conversion_rates()
    assert rates["estimate"].between(0, 1).all()
    # Without any win the amounts of the open deals stand in.
    assert int(model.amounts.deals.sum()) == (-(-closed // 3) or 10)


def test_the_less_is_known_the_wider(forecasts):
    spread = {closed: relative_spread(forecasts[closed][1]) for closed in COUNTS}
    assert min(spread[0], spread[1]) > spread[100]


def test_the_interval_of_a_rate_narrows(forecasts):
    def width(closed):
        rates = forecasts[closed][0].conversion_rates()
        return float((rates["high"] - rates["low"]).iloc[0])

    assert width(1) > width(20) > width(100)


def test_the_summary_says_on_how_many_deals_a_figure_leans_and_how_much_on_the_pool(forecasts):
    summaries = {closed: forecasts[closed][0].summary() for closed in COUNTS}
    won = {closed: table.loc[table["kind"] == "amount", "deals"].sum() for closed, table in summaries.items()}
    assert won[1] < won[5] < won[20] < won[100]
    pooled = {closed: table.loc[table["kind"] == "amount", "shrinkage"].iloc[0] for closed, table in summaries.items()}
    assert pooled[1] > pooled[5] > pooled[20] > pooled[100] > 0


def test_the_summary_says_where_nothing_but_a_guess_is_behind_a_figure(forecasts):
    for closed in COUNTS:
        table = forecasts[closed][0].summary().set_index("kind")["note"]
        guessed = [
            table.loc[[kind]].str.contains("nothing is won yet").all() for kind in ("conversion", "cycle", "amount")
        ]
        assert guessed == [closed == 0] * 3


def test_a_trend_needs_deals_to_be_learned_from(forecasts):
    assert forecasts[0][0].amounts.trend == 0.0
    assert abs(forecasts[1][0].amounts.trend) < 0.03
    assert abs(forecasts[100][0].amounts.trend) < 0.1
