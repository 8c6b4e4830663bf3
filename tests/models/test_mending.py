"""A stage that is mended: who leaves leaves when they did, and what is not mended stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from companies import example_fit
from spmforecast.models.mending import StageMend
from spmforecast.simulate import Simulator


@pytest.fixture(scope="module")
def rate():
    return np.random.Generator(np.random.Philox(3)).gamma(1.0, 0.02, (4, 3, 5, 6))


@pytest.mark.parametrize("way", ["chance", "leak"])
def test_deals_leave_when_they_did(rate, way):
    mended = StageMend(1, way, 0.1).of(rate)
    assert mended.sum(axis=2) == pytest.approx(rate.sum(axis=2))
    assert np.array_equal(mended[:, [0, 2]], rate[:, [0, 2]])
    assert np.all(mended >= 0)


def test_more_move_on_by_what_is_asked(rate):
    up, down = [2, 3], [0, 1, 4]
    more = StageMend(1, "chance", 0.1).of(rate)
    room = rate[:, 1][:, down].sum(axis=1)
    wanted = np.minimum(1.1 * rate[:, 1][:, up].sum(axis=1), rate[:, 1][:, up].sum(axis=1) + room)
    assert more[:, 1][:, up].sum(axis=1) == pytest.approx(wanted)
    less = StageMend(1, "leak", 0.1).of(rate)
    assert less[:, 1][:, down] == pytest.approx(0.9 * rate[:, 1][:, down])


def test_a_fifth_less_time_is_a_quarter_more_speed(rate):
    mended = StageMend(2, "pace", 0.2).of(rate)
    assert mended[:, 2] == pytest.approx(1.25 * rate[:, 2])
    assert np.array_equal(mended[:, :2], rate[:, :2])


def test_where_nothing_moves_up_nothing_is_mended():
    still = np.zeros((1, 2, 4, 1))
    still[:, :, 3] = 0.1
    assert np.array_equal(StageMend(0, "leak", 0.5).of(still), still)


def test_simulations_are_paired_and_a_mend_of_nothing_changes_no_draw():
    model = example_fit()
    simulator = Simulator(model, "2024-12-31", "quarter", (), 5)
    base = simulator.run((), 200)
    assert np.array_equal(simulator.run((), 200, mend=StageMend(0, "pace", 0.0)).draws, base.draws)
    better = simulator.run((), 200, mend=StageMend(len(model.stays.stages) - 1, "leak", 0.3))
    apart = better.draws.sum(axis=1) - base.draws.sum(axis=1)
    assert apart.mean() > 0
    assert apart.std() < 0.8 * base.draws.sum(axis=1).std()
