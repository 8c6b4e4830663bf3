"""Assignment: exact answers where they are known, limits, locks, infeasibility, order and unit that change nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spmforecast as spm


@pytest.fixture(scope="module")
def twelve(reference):
    """Twelve accounts and three reps whose optima are known by enumeration."""
    folder = reference("37_territory_bruteforce")
    accounts = np.genfromtxt(folder.path / "accounts.csv", delimiter=",", names=True)
    reps = np.genfromtxt(folder.path / "reps.csv", delimiter=",", names=True)
    distance = np.hypot(accounts["x"][:, None] - reps["x"], accounts["y"][:, None] - reps["y"]).round(3)
    return folder, distance, accounts


def limits(total, tolerance, reps=3):
    return np.full(reps, (1 - tolerance) * total / reps), np.full(reps, (1 + tolerance) * total / reps)


@pytest.mark.parametrize("share", [5, 10, 20])
def test_optima_by_enumeration(twelve, share):
    folder, distance, accounts = twelve
    load = accounts["workload"]
    found = spm.assign(distance, load, *limits(load.sum(), share / 100))
    folder.compare(f"min total distance, workload within +-{share}%: value", found.objective)
    folder.compare(f"assignment (rep 0..2) at {share}%", found.owner.tolist())
    assert found.status == "optimal"
    assert found.bound == found.objective
    assert found.gap == 0
    assert found.violation == 0


def test_moves_priced_limited_and_two_measures(twelve):
    folder, distance, accounts = twelve
    load, today = accounts["workload"], accounts["incumbent"].astype(int)
    low, high = limits(load.sum(), 0.1)
    priced = spm.assign(distance, load, low, high, today=today, move_price=15)
    told = [priced.objective, priced.cost, priced.moves]
    folder.compare("10%: min distance + 15 per moved account (vs incumbent): objective, distance, moves", told)
    few = spm.assign(distance, load, low, high, today=today, max_moved=4 / 12)
    folder.compare("10% and at most 4 moves: distance", few.objective)
    assert few.moves == 4
    both = np.stack((load, accounts["potential"]), axis=1)
    wide = limits(accounts["potential"].sum(), 0.15)
    found = spm.assign(distance, both, np.stack((low, wide[0]), 1), np.stack((high, wide[1]), 1))
    folder.compare("10% workload and 15% potential: distance", found.objective)


def test_elastic_balance_reports_what_is_left(twelve):
    folder, distance, accounts = twelve
    load = accounts["workload"]
    target = np.full(3, load.sum() / 3)
    found = spm.assign(0 * distance, load, target, target, elastic=1.0)
    folder.compare("min possible max workload deviation", float(np.abs(found.loads / target[:, None] - 1).max()))
    assert found.feasible
    assert found.violation == pytest.approx(np.abs(found.loads[:, 0] - target).sum())
    assert found.objective == pytest.approx(found.violation)
    assert any("beyond the" in note for note in found.notes)


def read_gap(path):
    numbers = np.array(path.read_text().split(), dtype=float)
    reps, jobs = int(numbers[0]), int(numbers[1])
    cost, load = numbers[2:].reshape(-1)[: 2 * reps * jobs].reshape(2, reps, jobs).transpose(0, 2, 1)
    return cost, load, numbers[2 + 2 * reps * jobs :]


def known_optima(folder):
    rows = np.genfromtxt(folder / "best_known.csv", delimiter=",", skip_header=1, dtype=str)
    return {row[0]: float(row[6]) for row in rows}


def test_generalised_assignment_reference(reference):
    folder = reference("50_gap_orlib")

    def solve(name, sign=1.0):
        rows = np.genfromtxt(folder.path / f"{name}.csv", delimiter=",", names=True)
        reps, jobs = int(rows["agent"].max()) + 1, int(rows["job"].max()) + 1
        value, load = (rows[key].reshape(reps, jobs).T for key in ("value", "resource"))
        upper = rows["capacity"].reshape(reps, jobs)[:, 0]
        return sign * spm.assign(sign * value, load, np.zeros(reps), upper).objective

    folder.compare("gap1.txt: maximum (problems 1..5)", [solve(f"gap1_{n}", -1.0) for n in range(1, 6)])
    folder.compare("gap4.txt: maximum (problems 1..1)", [solve("gap4_1", -1.0)])
    folder.compare("gap8.txt: maximum (problems 1..1)", [solve("gap8_1", -1.0)])
    folder.compare("gap1 problem 1 minimisation", solve("gap1_1"))


@pytest.mark.slow
def test_all_sixty_public_instances_to_the_optimum(shared_data):
    folder = shared_data("gap_orlib")
    for path, optimum in known_optima(folder).items():
        cost, load, upper = read_gap(folder / path)
        found = spm.assign(cost, load, np.zeros(len(upper)), upper)
        assert found.objective == optimum, path
        assert found.bound == pytest.approx(optimum), path


def random_company(accounts, reps, seed=0, options=8):
    rng = np.random.default_rng(seed)
    desks, places = rng.random((reps, 2)), rng.random((accounts, 2))
    cost = np.hypot(*(places[:, None] - desks[None]).transpose(2, 0, 1))
    load = np.stack((rng.lognormal(0, 1, accounts), rng.lognormal(0, 0.5, accounts)), axis=1)
    target = load.sum(axis=0) / reps
    candidates = np.argsort(cost, axis=1)[:, :options]
    return cost, load, np.tile(0.9 * target, (reps, 1)), np.tile(1.1 * target, (reps, 1)), candidates


def test_large_problems_hold_limits_near_the_bound():
    cost, load, lower, upper, candidates = random_company(3000, 30)
    near = np.take_along_axis(cost, candidates, axis=1)
    found = spm.assign(near, load, lower, upper, candidates=candidates)
    loads = np.stack([np.bincount(found.owner, load[:, d], 30) for d in range(2)], axis=1)
    assert (loads <= upper * (1 + 1e-9)).all()
    assert (loads >= lower * (1 - 1e-9)).all()
    assert found.objective == pytest.approx(cost[np.arange(3000), found.owner].sum())
    assert found.bound <= found.objective
    assert found.gap < 0.01
    assert (candidates == found.owner[:, None]).any(axis=1).all()
    again = spm.assign(near, load, lower, upper, candidates=candidates, seed=9)
    assert (again.owner == found.owner).all()


def test_the_bound_agrees_with_the_linear_relaxation():
    from scipy.optimize import linprog

    cost, load, lower, upper, _ = random_company(200, 8)
    each = np.kron(np.eye(200), np.ones((1, 8)))
    rows = np.concatenate([np.kron(load[:, d], np.eye(8)) for d in range(2)])
    ends = np.concatenate((upper.T.ravel(), -lower.T.ravel()))
    exact = linprog(cost.ravel(), np.concatenate((rows, -rows)), ends, each, np.ones(200), method="highs").fun
    found = spm.assign(cost, load, lower, upper, method="heuristic")
    assert found.bound <= exact + 1e-6
    assert found.bound == pytest.approx(exact, rel=1e-3)


def test_every_shape_of_load_gives_the_same_answer():
    cost, load, lower, upper, _ = random_company(14, 3)
    plain = spm.assign(cost, load, lower, upper, elastic=100.0)
    every = np.tile(np.arange(3), (14, 1))
    wide = np.repeat(load[:, None, :], 3, axis=1)
    for arguments in ({"load": wide}, {"load": load, "candidates": every}, {"load": wide, "candidates": every}):
        other = spm.assign(cost, lower=lower, upper=upper, elastic=100.0, **arguments)
        assert other.objective == plain.objective
    single = spm.assign(cost, load[:, 0], lower[:, 0], upper[:, 0], elastic=100.0)
    by_rep = spm.assign(cost, wide[:, :, 0], lower[:, 0], upper[:, 0], elastic=100.0)
    assert by_rep.objective == single.objective


def test_locks_pairs_and_limits_by_attribute_hold():
    cost, load, lower, upper, _ = random_company(30, 3, seed=4)
    locked = np.full(30, -1)
    locked[:3] = 2
    large = [("large" if value > 1.5 else "small") for value in load[:, 0]]
    limit = spm.AttributeLimit.count(large, "large", upper=-(-large.count("large") // 3))
    found = spm.assign(
        cost, load[:, 1], lower[:, 1] * 0.8, upper[:, 1] * 1.2, locked=locked, required=[(5, 1)],
        forbidden=[(6, int(cost[6].argmin()))], limits=[limit],
    )  # fmt: skip
    assert (found.owner[:3] == 2).all()
    assert found.owner[5] == 1
    assert found.owner[6] != cost[6].argmin()
    counts = np.bincount(found.owner[np.array(large) == "large"], minlength=3)
    assert counts.max() <= limit.upper
    assert found.feasible


def test_infeasible_limits_are_named():
    cost = np.ones((4, 2))
    with pytest.raises(spm.InfeasibleError, match=r"load 10 in all, the upper limits allow 8"):
        spm.assign(cost, [1, 2, 3, 4], [0, 0], [4, 4])
    with pytest.raises(spm.InfeasibleError, match=r"account 3 alone loads 9"):
        spm.assign(cost, [1, 1, 1, 9], [0, 0], [8, 8])
    with pytest.raises(spm.InfeasibleError, match=r"rep 0: accounts that only it may have load 7"):
        spm.assign(cost, [1, 2, 3, 4], [0, 0], [6, 6], locked=[-1, -1, 0, 0])
    with pytest.raises(spm.InfeasibleError, match="account 0: no rep is left"):
        spm.assign(cost, [1, 2, 3, 4], [0, 0], [9, 9], forbidden=[(0, 0), (0, 1)])
    with pytest.raises(spm.InfeasibleError, match="the least that would have to give") as told:
        spm.assign(np.ones((3, 2)), [2, 2, 2], [2.5, 2.5], [3.5, 3.5])
    assert told.value.exit_status == 3
    assert len(told.value.limits) == 2


def test_the_smallest_clashing_set_is_named():
    cost = np.ones((6, 3))
    cost[:4, 2] = np.inf
    load = np.array([4.0, 4, 4, 4, 1, 1])
    with pytest.raises(spm.InfeasibleError, match="these limits clash") as told:
        spm.assign(cost, load, [0, 0, 0], [7, 7, 20])
    assert set(told.value.limits) == {"rep 0, load at most 7", "rep 1, load at most 7"}


def test_wrong_arguments_are_all_named_at_once():
    with pytest.raises(spm.InputError, match="locked") as told:
        spm.assign(np.ones((3, 2)), [1, 1, 1], [0, 0], [3, 3], locked=[0, 5, -1], max_moved=2.0, move_price=[-1, 0, 0])
    assert {problem.column for problem in told.value.problems} >= {"locked", "max_moved", "move_price", "today"}
    with pytest.raises(spm.InputError, match="a row for each of 3 accounts"):
        spm.assign(np.ones((3, 2)), [1, 1], [0, 0], [3, 3])
    with pytest.raises(spm.InputError, match="is above upper for rep 1"):
        spm.assign(np.ones((3, 2)), [1, 1, 1], [0, 4], [3, 3])


seeds = st.integers(0, 10_000)


@settings(max_examples=6, deadline=None)
@given(seeds, st.sampled_from([(9, 3), (60, 5)]))
def test_order_of_accounts_and_reps_changes_nothing(seed, size):
    cost, load, lower, upper, _ = random_company(*size, seed)
    rng = np.random.default_rng(seed + 1)
    rows, columns = rng.permutation(size[0]), rng.permutation(size[1])
    method = "heuristic" if size[0] > 20 else "auto"
    plain = spm.assign(cost, load, lower, upper, elastic=3.0, method=method)
    mixed = spm.assign(cost[rows][:, columns], load[rows], lower[columns], upper[columns], elastic=3.0, method=method)
    assert mixed.objective == plain.objective
    assert mixed.bound <= mixed.objective


@settings(max_examples=6, deadline=None)
@given(seeds, st.floats(0.01, 1e6))
def test_another_currency_changes_nothing(seed, rate):
    cost, load, lower, upper, _ = random_company(50, 4, seed)
    plain = spm.assign(cost, load, lower, upper, elastic=2.0, method="heuristic")
    other = spm.assign(rate * cost, load, lower, upper, elastic=2.0 * rate, method="heuristic")
    assert (other.owner == plain.owner).all()
    assert other.objective == pytest.approx(rate * plain.objective)
    assert other.bound == pytest.approx(rate * plain.bound)


@settings(max_examples=5, deadline=None)
@given(seeds)
def test_heuristic_never_beats_its_bound_and_exact_never_loses(seed):
    cost, load, lower, upper, _ = random_company(20, 3, seed)
    quick = spm.assign(cost, load, lower, upper, elastic=1.0, method="heuristic")
    exact = spm.assign(cost, load, lower, upper, elastic=1.0)
    assert quick.bound <= exact.objective * (1 + 1e-9)
    assert exact.objective <= quick.objective * (1 + 1e-9)
