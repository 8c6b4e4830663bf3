"""The promise of the intervals from bookings alone, held against invented companies of another mechanism."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ledgers import Trade, ledger_of
from spmforecast.data import read_history
from spmforecast.models import BookingsModel
from spmforecast.simulate import simulate

START = pd.Timestamp("2021-01-01")
KINDS = {
    "ordinary": Trade(),
    "few orders": Trade(reps=8, orders=0.7, size_sd=1.0),
    "many orders": Trade(reps=20, orders=15.0, months=48),
    "calm market": Trade(market_sd=0.05, wander=0.01),
    "stormy market": Trade(market_sd=0.3),
    "15 months": Trade(months=15),
    "cancellations": Trade(cancelled=0.1),
}


def calibrate(companies: int, first_seed: int) -> pd.DataFrame:
    """One row a company, node and quarter of the year after its record ends: was it inside the 80 % interval?"""
    rows = []
    for kind, trade in KINDS.items():
        for seed in range(first_seed, first_seed + companies):
            rows += [{"kind": kind, "seed": seed, **row} for row in _judge(trade, seed)]
    return pd.DataFrame(rows)


def _judge(trade: Trade, seed: int) -> list[dict[str, object]]:
    history = read_history(ledger_of(trade, seed))
    as_of = START + pd.DateOffset(months=trade.months) - pd.Timedelta(days=1)
    model = BookingsModel().fit(history, as_of)
    forecast = simulate(model, as_of + pd.DateOffset(years=1), trials=1000, seed=seed)
    label = history.bookings["date"].dt.to_period("Q").astype(str)
    coming = [period for period in forecast.periods if pd.Period(period).start_time > as_of]
    came = history.bookings[label.isin(coming)].groupby([history.bookings["rep_id"], label])["amount"].sum()
    company = came.groupby(level=1).sum()
    draws = {period: forecast.period_draws(period) for period in coming}
    rows = [_held("company", draws[period], company.get(period, 0.0)) for period in coming]
    rows.append(_held("company, year", sum(draws.values()), company.sum()))
    table = forecast.totals(["owner_id", "period"])
    for index, (owner, period) in enumerate(table.groups.itertuples(index=False, name=None)):
        if period in coming and owner in model.roster.owners:
            rows.append(_held("rep", table.draws[:, index], came.get((owner, period), 0.0)))
    return rows


def _held(level: str, draws: np.ndarray, truth: float) -> dict[str, object]:
    low, high = np.quantile(draws, [0.1, 0.9])
    return {"level": level, "held": bool(low <= truth <= high), "mean": draws.mean(), "truth": truth}


@pytest.mark.slow
def test_eighty_per_cent_intervals_of_bookings_hold_about_so_often() -> None:
    table = calibrate(companies=10, first_seed=301)
    held = table.groupby("level")["held"].mean()
    assert held["company"] == pytest.approx(0.8, abs=0.1)
    assert held["company, year"] == pytest.approx(0.8, abs=0.12)
    assert held["rep"] == pytest.approx(0.8, abs=0.06)
    by_kind = table[table["level"] == "rep"].groupby("kind")["held"].mean()
    assert by_kind.between(0.68, 0.92).all(), by_kind
    company = table[table["level"] == "company, year"]
    assert company["mean"].sum() / company["truth"].sum() == pytest.approx(1.0, abs=0.08)
