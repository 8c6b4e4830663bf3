"""Territories from scratch: published optima of real counties, the p-median problem, and what cannot be had."""

from __future__ import annotations

import csv
import itertools

import numpy as np
import pytest
from scipy.sparse import csgraph

import spmforecast as spm
from spmforecast.optimize.territory.contiguity import is_contiguous


def state(folder, name):
    with (folder / "instances.csv").open() as lines:
        row = next(row for row in csv.DictReader(lines) if row["state"] == name)
    distance = np.loadtxt(folder / "distances_km" / f"{name}.csv", delimiter=",")
    people = np.genfromtxt(folder / "nodes" / f"{name}.csv", delimiter=",", names=True)["pop2010"]
    edges = np.loadtxt(folder / "edges" / f"{name}.csv", delimiter=",", skiprows=1).astype(int)
    return row, ((distance / 1000) ** 2, people, people, int(row["k"]), int(row["L"]), int(row["U"])), edges


def prove(folder, name, contiguous):
    row, arguments, edges = state(folder, name)
    found = spm.design_territories(*arguments, edges=edges if contiguous else None)
    published = float(row["published_lcut_obj" if contiguous else "published_hess_obj"])
    assert found.objective == pytest.approx(published, abs=0.006)
    assert found.status == "optimal"
    assert found.contiguous or not contiguous
    assert len(found.centers) == int(row["k"])
    assert (found.owner[found.centers] == np.arange(len(found.centers))).all()
    cost, people = arguments[0] * arguments[1][:, None], arguments[1]
    assert cost[np.arange(len(people)), found.centers[found.owner]].sum() == pytest.approx(found.objective)
    loads = np.bincount(found.owner, people)
    assert loads.min() >= int(row["L"])
    assert loads.max() <= int(row["U"])


@pytest.mark.parametrize(("name", "contiguous"), [("ME", False), ("NM", True)])
def test_published_optima(shared_data, name, contiguous):
    prove(shared_data("hess_county_districting"), name, contiguous)


PROVEN = [(name, False) for name in ("ID", "ME", "NM", "NE", "OK", "OR")] + [
    (name, True) for name in ("ID", "NM", "NE", "OK")
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "contiguous"), PROVEN)
def test_published_optima_of_all_states(shared_data, name, contiguous):
    prove(shared_data("hess_county_districting"), name, contiguous)


def by_enumeration(cost, load, lower, upper, near, k=2):
    """Least cost of two territories that hang together around centres of theirs, infinite where there are none."""
    count, least = len(cost), np.inf
    for members in itertools.product(range(k), repeat=count - 1):
        owner = np.array([0, *members])
        loads = np.bincount(owner, load, k)
        if loads.min() < lower or loads.max() > upper or not is_contiguous(near, owner):
            continue
        least = min(least, sum(cost[np.ix_(owner == one, owner == one)].sum(axis=0).min() for one in range(k)))
    return least


@pytest.mark.parametrize("seed", range(12))
def test_small_districts_are_those_of_enumeration(seed):
    rng = np.random.Generator(np.random.Philox(key=seed))
    place = np.stack(np.divmod(np.arange(9), 3), axis=1).astype(float)
    distance = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1)) * rng.uniform(0.2, 4.0, (9, 9))
    near = np.argwhere(np.triu(np.abs(place[:, None] - place[None]).sum(axis=2) == 1))
    load = rng.integers(3, 12, 9).astype(float)
    slack = 0.02 + 0.03 * (seed % 3)
    limits = ((0.5 - slack) * load.sum(), (0.5 + slack) * load.sum())
    wanted = by_enumeration(distance * load[:, None], load, *limits, near)
    if np.isinf(wanted):
        with pytest.raises(spm.InfeasibleError, match=r"no (contiguous )?territories of whole units meet .*proven"):
            spm.design_territories(distance, load, load, 2, *limits, edges=near)
        return
    found = spm.design_territories(distance, load, load, 2, *limits, edges=near)
    assert found.objective == pytest.approx(wanted)
    assert found.status == "optimal"
    assert found.gap == 0


def test_spent_rounds_leave_an_honest_bound():
    rng = np.random.Generator(np.random.Philox(key=5))
    place = np.stack(np.divmod(np.arange(16), 4), axis=1).astype(float)
    distance = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1)) * rng.uniform(0.3, 3.0, (16, 16))
    near = np.argwhere(np.triu(np.abs(place[:, None] - place[None]).sum(axis=2) == 1))
    load = rng.integers(5, 15, 16).astype(float)
    limits = (0.8 * load.sum() / 3, 1.2 * load.sum() / 3)
    whole = spm.design_territories(distance, load, load, 3, *limits, edges=near)
    short = spm.design_territories(distance, load, load, 3, *limits, edges=near, cut_rounds=1)
    assert whole.status == "optimal"
    assert short.contiguous
    assert short.bound <= whole.objective * (1 + 1e-9)
    assert short.objective >= whole.objective * (1 - 1e-9)


def test_arizona_cannot_be_parted(shared_data):
    _, arguments, edges = state(shared_data("hess_county_districting"), "AZ")
    with pytest.raises(spm.InfeasibleError, match=r"unit 11 alone loads 3.81712e\+06"):
        spm.design_territories(*arguments, edges=edges)


@pytest.mark.slow
def test_oregon_has_no_districts_that_hang_together(shared_data):
    _, arguments, edges = state(shared_data("hess_county_districting"), "OR")
    with pytest.raises(
        spm.InfeasibleError, match=r"no contiguous territories of whole units meet the limits \(proven\)"
    ):
        spm.design_territories(*arguments, edges=edges)


def pmed(reference):
    folder = reference("51_pmedian_pmed1")
    rows = np.genfromtxt(folder.path / "edges.csv", delimiter=",", names=True)
    graph = np.zeros((100, 100))
    for i, j, w in zip(rows["i"].astype(int) - 1, rows["j"].astype(int) - 1, rows["w"], strict=True):
        graph[i, j] = graph[j, i] = w  # a repeated edge keeps its last cost
    return folder, csgraph.floyd_warshall(graph)


@pytest.mark.slow
def test_p_median_reference(reference):
    folder, distance = pmed(reference)
    one = np.ones(100)
    folder.compare("shortest path d(1,100)", distance[0, 99])
    found = spm.design_territories(distance, one, one, 5, 0, 100)
    folder.compare("optimal value", found.objective)
    assert found.status == "optimal"
    folder.compare(
        "1-median value on the same distances", spm.design_territories(distance, one, one, 1, 0, 100).objective
    )


def test_large_designs_come_with_a_bound():
    rng = np.random.default_rng(2)
    places, load = rng.random((150, 2)), rng.lognormal(0, 0.4, 150)
    distance = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    share = load.sum() / 6
    found = spm.design_territories(distance, load, load, 6, 0.8 * share, 1.2 * share, starts=2)
    assert found.feasible
    assert 0 < found.bound <= found.objective
    assert found.gap < 0.2
    assert found.status == "feasible"
    again = spm.design_territories(distance, load, load, 6, 0.8 * share, 1.2 * share, starts=2)
    assert (again.owner == found.owner).all()


def test_wrong_arguments_and_impossible_totals():
    with pytest.raises(spm.InputError, match="must be a square of numbers"):
        spm.design_territories(np.ones((3, 2)), np.ones(3), np.ones(3), 4, 0, 3)
    with pytest.raises(spm.InfeasibleError, match="6 in all is more than 2 times the upper limit 2"):
        spm.design_territories(np.ones((6, 6)), np.ones(6), np.ones(6), 2, 0, 2)
    with pytest.raises(spm.InfeasibleError, match="no territories"):
        spm.design_territories(np.ones((3, 3)), np.ones(3), 2 * np.ones(3), 2, 2.5, 3.5)
