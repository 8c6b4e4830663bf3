"""What trials hang on, drawn again: the same as a simulation drew, and telling of what it booked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm


@pytest.fixture(scope="module")
def model():
    history = spm.read_history(spm.ExampleCompany(seed=7, character="tiny").tables())
    return spm.PipelineModel().fit(history, as_of="2025-06-30")


@pytest.fixture(scope="module")
def forecast(model):
    return spm.simulate(model, until="2026-06-30", trials=2000, seed=1)


def test_every_trial_has_its_drivers(forecast):
    told = forecast.drivers
    assert len(told.table) == len(told.world) == len(told.market) == 2000
    assert {"market_win", "market_creation", "rates", "amounts", "creating", "winning"} <= set(told.table)
    np.testing.assert_allclose(told.table["market_win"], told.market[:, :4].mean(axis=1))


def test_they_move_what_is_booked_the_way_they_should(forecast):
    coming = forecast.draws[:, (forecast.cells["part"] != "won").to_numpy()].sum(axis=1)
    for name in ("market_win", "market_creation", "rates", "amounts"):
        assert np.corrcoef(forecast.drivers.table[name], coming)[0, 1] > 0.05, name


def test_more_trials_keep_the_first_ones(model, forecast):
    shorter = spm.simulate(model, until="2026-06-30", trials=500, seed=1).drivers
    pd.testing.assert_frame_equal(shorter.table, forecast.drivers.table.iloc[:500])
    np.testing.assert_array_equal(shorter.market, forecast.drivers.market[:500])
