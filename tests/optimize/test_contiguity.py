"""Contiguity: the check against counts that are known, and assignments that must hang together."""

from __future__ import annotations

import numpy as np
import pytest

import spmforecast as spm
from spmforecast.optimize.territory.contiguity import Neighbours, components, is_contiguous, separator


def grid(side):
    cell = np.arange(side * side).reshape(side, side)
    across, down = (cell[:, :-1], cell[:, 1:]), (cell[:-1], cell[1:])
    return np.concatenate([np.stack((a.ravel(), b.ravel()), axis=1) for a, b in (across, down)])


def count_partitions(edges, count, size):
    """Ways to part units into contiguous territories of a size; each piece begins with the first unit left."""
    near = [set() for _ in range(count)]
    for a, b in edges.tolist():
        near[a].add(b)
        near[b].add(a)

    def grown(piece, border, banned, free):
        if len(piece) == size:
            yield piece
            return
        border = set(border)
        while border:
            unit = min(border)
            border.discard(unit)
            banned = banned | {unit}
            yield from grown(piece | {unit}, border | ((near[unit] & free) - banned - piece), banned, free)

    def rest(free):
        if not free:
            return 1
        owner = np.full(count, -1)
        owner[list(free)] = 0
        first = min(free)
        total = 0
        for piece in grown(frozenset({first}), near[first] & free, frozenset({first}), free):
            owner[list(piece)] = 1
            assert components(edges, owner)[1] == 1
            left = Neighbours(edges, count).pieces(owner == 0)
            if all(len(part) % size == 0 for part in left):
                total += rest(free - piece)
            owner[list(piece)] = 0
        return total

    return rest(frozenset(range(count)))


@pytest.mark.parametrize(("side", "pieces", "place"), [(2, 2, 0), (3, 3, 1), (4, 4, 2), (4, 2, 3)])
def test_counts_of_contiguous_partitions(reference, side, pieces, place):
    check = next(iter(reference("38_contiguity_counts").checks.values()))
    assert count_partitions(grid(side), side * side, side * side // pieces) == check["expected"][place]


@pytest.mark.slow
def test_count_of_the_five_by_five_grid(reference):
    check = next(iter(reference("38_contiguity_counts").checks.values()))
    assert count_partitions(grid(5), 25, 5) == check["expected"][4]


def test_check_sees_what_falls_apart():
    edges = grid(3)
    assert is_contiguous(edges, [0, 0, 0, 1, 1, 1, 2, 2, 2])
    assert not is_contiguous(edges, [0, 1, 0, 1, 1, 1, 2, 2, 2])
    assert components(edges, [0, 1, 0, 1, 1, 1, 2, 2, 2]).tolist() == [2, 1, 1]
    assert components(edges, [0, 0, 0, 0, 0, 0, 2, 2, 2]).tolist() == [1, 0, 1]


def test_separator_is_what_every_path_must_cross():
    neighbours = Neighbours(grid(3), 9)
    allowed = np.ones(9, dtype=bool)
    assert separator(neighbours, np.array([0]), 8, allowed).tolist() == [1, 3]
    allowed[1] = False
    assert separator(neighbours, np.array([0]), 8, allowed).tolist() == [3]


@pytest.mark.parametrize("method", ["auto", "heuristic"])
def test_assigned_territories_hang_together(method):
    rng = np.random.default_rng(3)
    side, reps = 5, 3
    cell = np.stack(np.divmod(np.arange(side * side), side), axis=1)
    far = np.abs(cell[:, None] - cell[[0, side - 1, side * side - 1]][None]).sum(axis=2)
    cost, load = far + 3 * rng.random((side * side, reps)), np.ones(side * side)
    loose = spm.assign(cost, load, [7] * reps, [10] * reps)
    found = spm.assign(cost, load, [7] * reps, [10] * reps, grid(side), locked=_seeds(side, reps), method=method)
    assert not is_contiguous(grid(side), loose.owner)
    assert found.contiguous
    assert found.feasible
    assert is_contiguous(grid(side), found.owner)
    assert loose.objective <= found.bound + 1e-9 or method == "heuristic"
    assert found.bound <= found.objective


def _seeds(side, reps):
    locked = np.full(side * side, -1)
    locked[[0, side - 1, side * side - 1]] = np.arange(reps)
    return locked


def test_contiguity_that_cannot_be_had_is_proven():
    # A path of four whose ends belong together.
    edges = [(0, 1), (1, 2), (2, 3)]
    with pytest.raises(spm.InfeasibleError, match="no contiguous assignment holds the limits"):
        spm.assign(np.ones((4, 2)), np.ones(4), [2, 2], [2, 2], edges, required=[(0, 0), (3, 0)])
