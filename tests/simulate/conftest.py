"""The engine on the example company, each thing made once: the model, its inputs, a block of trials, a forecast."""

from __future__ import annotations

import pytest

from companies import UNTIL, example_fit
from spmforecast.simulate import simulate
from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.from_model import build_inputs
from spmforecast.simulate.horizon import build_horizon


@pytest.fixture(scope="session")
def model():
    return example_fit()


@pytest.fixture(scope="session")
def forecast(model):
    return simulate(model, until=UNTIL, trials=1000, seed=5)


@pytest.fixture(scope="session")
def inputs(model):
    return build_inputs(model, build_horizon(model.as_of, UNTIL, "quarter", model.calendar), ("region", "segment"), 5)


@pytest.fixture(scope="session")
def block(inputs):
    return simulate_block(inputs, 0, 400)
