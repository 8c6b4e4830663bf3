"""The stated objective: never worse than a hand rule or the linear program, with its bound."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spmforecast as spm
from spmforecast.errors import InfeasibleError, InputError
from spmforecast.optimize.filling import fill
from spmforecast.optimize.linear import linear_program
from spmforecast.optimize.objective import Objective, solve
from spmforecast.optimize.splits import equal_probability


def company(seed, trials=120, reps=8):
    """Correlated lognormal reps, some of which book nothing in many trials."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.2, (trials, 1))
    draws = np.exp(rng.normal(10, 1, reps) + rng.uniform(0.2, 0.9, reps) * rng.normal(size=(trials, reps)) + market)
    draws[:, : reps // 4] *= rng.random((trials, reps // 4)) < 0.7
    return draws, draws.mean(axis=0) * rng.lognormal(0, 0.3, reps)


TRADES = [
    {},
    {"cost": 0.3},
    {"change": 0.4},
    {"carry": 1.0},
    {"spread": 0.2, "carry": 4.0, "change": 0.2, "cost": 0.1},
]


@given(st.integers(0, 10_000), st.sampled_from([0.6, 0.9, 1.0, 1.2]))
@settings(max_examples=15, deadline=None)
def test_with_equal_costs_the_linear_program_returns_the_equal_chance_split(seed, share):
    draws, _ = company(seed, 51, 5)
    total = share * float(draws.mean(axis=0).sum())
    stated = Objective()
    split = equal_probability(draws, total)
    found = linear_program(stated, draws, total)
    assert stated.value(draws, split) == pytest.approx(found.objective, rel=1e-9)
    assert np.ptp((draws[:, 2:] >= split[2:] - 1e-9).mean(axis=0)) <= 1 / 51 + 1e-9
    # The solution may differ only where the draws leave room: between the same two order statistics.
    counts = (draws < split - 1e-6).sum(axis=0) - (draws < found.quota - 1e-6).sum(axis=0)
    assert np.abs(counts).max() <= 1


@pytest.mark.parametrize("weights", TRADES, ids=str)
def test_it_is_as_good_as_the_linear_program_and_its_bound_is_below(weights):
    draws, last = company(3, 100, 6)
    total = 1.05 * float(draws.mean(axis=0).sum())
    lower, upper = 0.5 * last, 2.0 * last
    stated = Objective(**weights, plan=0.9 * total, last=last)
    fast, exact = solve(stated, draws, total, lower, upper), linear_program(stated, draws, total, lower, upper)
    assert exact.bound == pytest.approx(exact.objective, rel=1e-7)
    assert exact.objective * (1 - 1e-9) <= fast.objective <= exact.objective * 1.001 + 1e-6
    assert fast.bound <= exact.objective * (1 + 1e-9)
    assert fast.gap <= 0.001 + 1e-9
    assert fast.quota.sum() == pytest.approx(total)
    assert (fast.quota >= lower - 1e-6).all()
    assert (fast.quota <= upper + 1e-6).all()


@pytest.mark.parametrize("seed", range(50))
def test_never_worse_than_any_hand_rule_on_its_own_objective(seed):
    draws, last = company(seed)
    weights = TRADES[seed % len(TRADES)]
    mean = draws.mean(axis=0)
    total = float(np.random.default_rng(seed).uniform(0.8, 1.3) * mean.sum())
    stated = Objective(**weights, plan=total / 1.1, last=last)
    found = solve(stated, draws, total)
    assert found.gap <= 0.005
    none, whole = np.zeros(len(mean)), np.full(len(mean), np.inf)
    rules = [np.ones(len(mean)), mean, last, draws.std(axis=0), np.quantile(draws, 0.6, axis=0)]
    hand = [fill(rule, total, none, whole) for rule in rules] + [equal_probability(draws, total)]
    for quota in hand:
        assert quota.sum() == pytest.approx(total)
        assert found.objective <= stated.value(draws, quota) * (1 + 1e-9)
        assert found.bound <= stated.value(draws, quota) * (1 + 1e-9)


RIVALS = ("equal-probability", "proportional", "even", "weighted", "growth", "potential", "capacity", "hybrid")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_within_limits_no_way_is_better_and_the_gap_is_small(seed):
    """The whole proposal, with floors, ceilings, a lock and ratchets, against every other way within the same."""
    draws, last = company(seed, 1000, 40)
    rng = np.random.default_rng(seed)
    reps = [f"R{i:02d}" for i in range(40)]
    forecast = spm.Forecast(draws, pd.DataFrame({"owner_id": reps, "period": "2025Q3"}))
    fields = pd.DataFrame({"rep_id": reps, "history": last, "potential": rng.lognormal(0, 1, 40)})
    fields = fields.assign(weight=rng.lognormal(0, 0.5, 40), ramped_months=rng.uniform(0, 3, 40))
    known = dict(zip(reps, last, strict=True))
    limits = spm.Limits(
        floor={rep: 0.3 * quota for rep, quota in known.items()}, ceiling={rep: 3 * known[rep] for rep in reps[:9]},
        locks={"R05": round(known["R05"], 2)}, ratchet_up=1.5, ratchet_down=0.6, last=known,
    )  # fmt: skip
    weights = TRADES[seed % len(TRADES)]
    total = round(float(last.sum()) * rng.uniform(0.9, 1.2), 2)
    asked = {"over_assignment": 0.05, "fields": fields, "limits": limits}
    found = spm.propose_quotas(forecast, total, "objective", options=weights, **asked)
    stated = Objective(**weights, plan=total, last=last)
    value = stated.value(draws, found.table["quota"].to_numpy())
    for method in RIVALS:
        other = stated.value(draws, spm.propose_quotas(forecast, total, method, **asked).table["quota"].to_numpy())
        # Rounding moves a quota by less than a cent.
        assert value <= other + 0.4 * (1 + sum(weights.values()))
        assert found.proof["bound"].iloc[0] <= other * (1 + 1e-9)
    assert found.proof["objective"].iloc[0] == pytest.approx(value)
    assert found.proof["gap"].iloc[0] <= 0.005


def test_more_weight_on_change_moves_less():
    draws, last = company(5)
    total = float(last.sum())
    moved = [solve(Objective(change=weight, last=last), draws, total).quota - last for weight in (0.0, 0.2, 0.5, 3.0)]
    sizes = [float(np.abs(move).sum()) for move in moved]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == pytest.approx(0.0, abs=1e-6)


def test_carrying_asks_more_of_the_steady():
    rng = np.random.default_rng(1)
    draws = np.exp(rng.normal(10, [0.1, 1.2], (2000, 2)))
    total = 1.1 * float(draws.mean(axis=0).sum())
    plain = solve(Objective(plan=total / 1.2), draws, total)
    carried = solve(Objective(carry=10, plan=total / 1.2), draws, total)
    part = Objective(plan=total / 1.2)
    assert part.parts(draws, carried.quota)["carry"] < part.parts(draws, plain.quota)["carry"]


def test_totals_beyond_all_draws_are_borne():
    draws, last = company(2)
    for total in (0.0, 3 * float(draws.max(axis=0).sum())):
        for weights in TRADES:
            found = solve(Objective(**weights, plan=1e4, last=last), draws, total)
            assert found.quota.sum() == pytest.approx(total)
            assert (found.quota >= 0).all()


def test_weights_and_bounds_that_cannot_be_are_named():
    with pytest.raises(InputError, match=r"carry: a weight must be a number of at least 0.*-1"):
        Objective(carry=-1)
    with pytest.raises(InfeasibleError, match="no quotas within the bounds"):
        linear_program(Objective(), np.ones((3, 2)), 10.0, 0.0, 2.0)
