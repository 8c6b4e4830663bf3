"""People who are supposed to come, leave or ramp otherwise: they alone are touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from companies import example_fit
from spmforecast.models.adjust import Attrition, Hire, Leave, Likelier, Ramp, Scope
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.models.capacity import Attrition as Leaving
from spmforecast.simulate import simulate
from spmforecast.simulate.adjusting import adjusted, with_people
from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.capacity import capacity_tables
from spmforecast.simulate.cohorts import leave_days
from spmforecast.simulate.exact import exact_forecast
from spmforecast.simulate.from_model import build_inputs
from spmforecast.simulate.horizon import build_horizon
from spmforecast.simulate.precision import paired_error
from spmforecast.simulate.trials import Trials

TRIALS = 400
LEVELS = ("region", "segment")
HIRE = Hire("North-1 hire 1", pd.Timestamp("2024-10-01"), "North-1", "North", "M-North")


@pytest.fixture(scope="module")
def model():
    """A company in which a third of the reps leave each year, so that handing over matters."""
    leaving = Leaving(shape=20.0, rate=20 / (0.4 / 365), leaves=3, backfill_days=40.0, backfills=2)
    return replace(example_fit(), attrition=leaving)


@pytest.fixture(scope="module")
def horizon(model):
    return build_horizon(model.as_of, "2025-06-30", "quarter", model.calendar)


@pytest.fixture(scope="module")
def inputs(model, horizon):
    return build_inputs(model, horizon, LEVELS, 1)


@pytest.fixture(scope="module")
def base(inputs):
    return simulate_block(inputs, 0, TRIALS)


@pytest.fixture(scope="module")
def hired(model, horizon):
    return build_inputs(with_people(model, [HIRE]), horizon, LEVELS, 1)


def of(inputs, block, owner):
    return block.amounts[:, (inputs.plan.frame["owner_id"] == owner).to_numpy()]


def test_a_hire_moves_nobody_elses_draws(model, inputs, base, hired):
    other = simulate_block(hired, 0, TRIALS)
    for owner in model.roster.owners:
        assert of(hired, other, owner).tobytes() == of(inputs, base, owner).tobytes()
    assert of(hired, other, HIRE.rep_id).sum() > 0
    early = (hired.plan.frame["owner_id"] == HIRE.rep_id) & (hired.plan.frame["period"] == "2024Q3")
    assert other.amounts[:, early.to_numpy()].sum() == 0


def test_the_difference_that_a_rep_makes_is_known_four_times_better(model, inputs, base, hired):
    """Two scenarios that differ in one rep: standard errors of the difference, paired and on other seeds."""
    one, two = base.amounts.sum(axis=1), simulate_block(hired, 0, TRIALS).amounts.sum(axis=1)
    fresh = simulate_block(replace(hired, seed=99), 0, TRIALS).amounts.sum(axis=1)
    assert (two - one).std() * 4 < (fresh - one).std()
    _, _, gain = paired_error(one, two)
    assert gain > 16


def test_a_hire_ramps_as_newcomers_do_and_starts_with_an_open_record(model, horizon, hired):
    row = hired.new_deals.cells.sellers.index(HIRE.rep_id)
    places = [("North-1", "North")]
    same = replace(model.roster, hired=np.full(len(model.roster.hired), horizon.days[46]))
    created, _, _ = capacity_tables(replace(model, roster=same), horizon, places)
    np.testing.assert_array_equal(hired.new_deals.created[row], created[0])
    assert hired.new_deals.creation_shape[row] == hired.new_deals.creation_rate[row]


def test_nobody_leaves_before_the_start(hired, horizon):
    row = hired.new_deals.cells.sellers.index(HIRE.rep_id)
    days = leave_days(hired, Trials(1, 0, 4096, hired.worlds))[row]
    first = int((horizon.days < np.datetime64("2024-10-01", "D").astype(int)).sum())
    assert first == 46
    assert days.min() >= first
    assert (days < len(horizon.days)).any()


def test_who_is_supposed_to_leave_is_not_succeeded_and_inherits_nothing(model, inputs, horizon, base):
    gone = adjusted(inputs, [Leave("R001", pd.Timestamp("2024-10-01"))], horizon)
    days = leave_days(gone, Trials(1, 0, 4096, gone.worlds))[0]
    assert set(days[days >= 46]) == {len(horizon.days)}
    other = simulate_block(gone, 0, TRIALS)
    elsewhere = [name for name in model.roster.owners if model.roster.places.loc[name, "territory_id"] != "North-1"]
    for owner in elsewhere:
        assert of(gone, other, owner).tobytes() == of(inputs, base, owner).tobytes()
    assert other.amounts.sum() < base.amounts.sum()


def test_nobody_leaves_where_attrition_is_none(model, horizon, inputs):
    for none in (Attrition(annual=0.0), Attrition(factor=0.0)):
        staying = with_people(model, [none])
        assert staying.attrition.backfill_days == model.attrition.backfill_days
        calm = replace(
            inputs,
            new_deals=replace(inputs.new_deals, leave_shape=staying.attrition.shape, leave_rate=staying.attrition.rate),
        )
        days = np.array(leave_days(calm, Trials(1, 0, 4096, calm.worlds)))
        assert (days == len(horizon.days)).all()
        draws = simulate_block(calm, 0, 64)
        assert of(calm, draws, TO_BE_HIRED).sum() == 0


def test_rates_of_leaving_are_set_then_multiplied(model):
    yearly = with_people(model, [Attrition(2.0), Attrition(annual=0.25)]).attrition
    again = with_people(model, [Attrition(annual=0.25), Attrition(2.0)]).attrition
    assert yearly == again
    assert yearly.shape / yearly.rate * 365.25 == pytest.approx(-2 * np.log(0.75))


def test_a_longer_ramp_is_the_same_ramp_later(model):
    ramp, slow = model.creation.ramp, with_people(model, [Ramp(2.0)]).creation.ramp
    np.testing.assert_allclose(slow[:-1:2], ramp[: len(slow) // 2])
    assert slow[-1] == 1.0  # the last entry is everybody who is past the table
    both = with_people(model, [Ramp(1.3), Ramp(0.8)]).creation.ramp
    np.testing.assert_array_equal(both, with_people(model, [Ramp(0.8), Ramp(1.3)]).creation.ramp)


def test_exact_laws_know_other_win_rates_and_leavers(inputs, horizon):
    """By how much they change: exact laws leave out the doubt about parameters, which moves means a little."""
    supposed = [Likelier(1.2, scope=Scope({"segment": ("SMB",)})), Leave("R001", pd.Timestamp("2025-01-01"))]
    changed = adjusted(inputs, supposed, horizon)
    before, after = (exact_forecast(one).company for one in (inputs, changed))
    drawn = [simulate_block(one, 0, 8 * TRIALS).amounts for one in (inputs, changed)]
    for period in after:
        cells = (changed.plan.frame["period"] == period).to_numpy()
        means = [block[:, cells].sum(axis=1).mean() + changed.plan.amount[cells].sum() for block in drawn]
        assert means[1] / means[0] == pytest.approx(after[period].mean / before[period].mean, abs=0.015)


def test_a_whole_simulation_takes_them_all():
    model = example_fit()
    scope = Scope({"owner_id": (HIRE.rep_id,)})
    done = simulate(model, "2024-09-30", 100, adjustments=[Likelier(1.1, scope=scope), HIRE])
    plain = simulate(model, "2024-09-30", 100)
    assert HIRE.rep_id in set(done.cells["owner_id"])
    np.testing.assert_allclose(done.draws.sum(axis=1), plain.draws.sum(axis=1), rtol=1e-12)  # the hire comes later
