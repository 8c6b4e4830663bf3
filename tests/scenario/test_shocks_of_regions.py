"""Shocks beside the draws of a region: those on winning before those on creating, as the parts of the variance ask."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spmforecast.scenario.tables import variance_table
from spmforecast.simulate.drivers import Drivers

TRIALS = 4000


def test_what_winning_and_creating_do_together_counts_in_a_region_with_teams_too(monkeypatch):
    """Bookings that are but the product of both shocks are all shocks, of the market alone or with the teams."""
    rng = np.random.default_rng(1)
    market = rng.standard_normal((TRIALS, 4))
    teams = rng.standard_normal((TRIALS, 4)).astype(np.float32)
    drawn = Drivers(np.arange(TRIALS) % 8, pd.DataFrame(index=range(TRIALS)), market, {"North": teams})
    product = (market + teams)[:, :2].sum(axis=1) * (market + teams)[:, 2:].sum(axis=1)
    alone = market[:, :2].sum(axis=1) * market[:, 2:].sum(axis=1)

    def node_draws(forecast, column):
        if column is None:
            return pd.DataFrame({"node": ["(all)"], "period": ["2025Q1"]}), alone[:, None]
        return pd.DataFrame({"node": ["North", "South"], "period": ["2025Q1"] * 2}), np.stack([product, alone], axis=1)

    monkeypatch.setattr("spmforecast.scenario.tables.node_draws", node_draws)
    monkeypatch.setattr("spmforecast.scenario.tables.node_levels", lambda forecast: [("region", "region")])
    table = variance_table(None, drawn)
    assert table["node"].tolist() == ["(all)", "North", "South"]
    assert (table["shocks"] > 0.95).all()
