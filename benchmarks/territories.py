"""Territory assignment against its proven bound and against rivals, on random instances and public ones.

python benchmarks/territories.py [--sizes 500x10 5000x50 20000x100 100000x500] [--seeds 5]
    [--candidates 16] [--rivals]

Accounts and reps lie at random on a unit square; potential is lognormal (sigma 1.0), workload lognormal (sigma 0.5),
and both
must lie within 10 % of their means for each rep. Each account may go to the 16 nearest reps. Today's owner is the
nearest
one for 70 %, else one of the other 15. Cost: workload times distance, and for a move 0.1 / sqrt(reps) times potential.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.spatial import cKDTree

import spmforecast as spm

CANDIDATES = 16
TOLERANCE = 0.10


@dataclass(frozen=True)
class Instance:
    """Costs and loads of a random company; `cost` holds the price of moves."""

    cost: np.ndarray
    load: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    candidates: np.ndarray
    distance: np.ndarray


def instance(accounts: int, reps: int, seed: int, most: int = CANDIDATES) -> Instance:
    """Invent a company."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    desks, places = rng.random((reps, 2)), rng.random((accounts, 2))
    potential, workload = rng.lognormal(0, 1.0, accounts), rng.lognormal(0, 0.5, accounts)
    count = min(most, reps)
    distance, candidates = cKDTree(desks).query(places, k=count)
    other = candidates[np.arange(accounts), rng.integers(1, min(CANDIDATES, count), accounts)]
    today = np.where(rng.random(accounts) < 0.7, candidates[:, 0], other)
    move = 0.1 / np.sqrt(reps) * potential[:, None] * (candidates != today[:, None])
    load = np.stack([potential, workload], axis=1)
    share = load.sum(axis=0) / reps
    lower, upper = np.tile((1 - TOLERANCE) * share, (reps, 1)), np.tile((1 + TOLERANCE) * share, (reps, 1))
    return Instance(distance * workload[:, None] + move, load, lower, upper, candidates, distance)


def broken(case: Instance, slots: np.ndarray) -> float:
    """Largest share by which a limit is broken."""
    owner = case.candidates[np.arange(len(slots)), slots]
    loads = np.stack([np.bincount(owner, case.load[:, d], len(case.lower)) for d in range(2)], axis=1)
    return float(np.maximum((loads - case.upper) / case.upper, (case.lower - loads) / case.lower).max())


def nearest_rep(case: Instance, _seconds: float) -> np.ndarray:
    """Every account to the nearest rep, whatever that does to loads."""
    return case.distance.argmin(axis=1)


def longest_first(case: Instance, _seconds: float) -> np.ndarray:
    """Heaviest account first, to the cheapest candidate that still has room, else the least loaded one."""
    relative = case.load / case.load.mean(axis=0)
    room = case.upper.copy()
    slots = np.zeros(len(case.cost), dtype=np.int64)
    for account in np.argsort(-relative.max(axis=1), kind="stable").tolist():
        left = room[case.candidates[account]] - case.load[account]
        fits = (left >= 0).all(axis=1)
        price = np.where(fits, case.cost[account], np.inf) if fits.any() else -left.min(axis=1)
        slots[account] = price.argmin()
        room[case.candidates[account, slots[account]]] -= case.load[account]
    return slots


def scipy_milp(case: Instance, seconds: float) -> np.ndarray | None:
    """HiGHS through SciPy, given the same time (at least a second)."""
    accounts, count = case.cost.shape
    options = np.arange(case.cost.size)
    blocks = [sparse.csr_matrix((np.ones(len(options)), (options // count, options)))]
    low, high = [np.ones(accounts)], [np.ones(accounts)]
    for d in range(2):
        at = (case.candidates.ravel(), options)
        shape = (len(case.lower), len(options))
        blocks.append(sparse.csr_matrix((np.repeat(case.load[:, d], count), at), shape=shape))
        low.append(case.lower[:, d])
        high.append(case.upper[:, d])
    rows = LinearConstraint(sparse.vstack(blocks), np.concatenate(low), np.concatenate(high))
    limit = {"time_limit": max(seconds, 1.0)}
    done = milp(
        case.cost.ravel(), integrality=np.ones(len(options)), bounds=Bounds(0, 1), constraints=rows, options=limit
    )
    return None if done.x is None else done.x.reshape(accounts, count).argmax(axis=1)


RIVALS: dict[str, Callable[[Instance, float], np.ndarray | None]] = {
    "nearest rep": nearest_rep,
    "longest first": longest_first,
    "HiGHS MILP, same time": scipy_milp,
}


def measure(accounts: int, reps: int, seed: int, most: int, rivals: bool) -> None:
    """Print one run as a line: name, seconds, CPU seconds, gap in %, largest broken share in %, peak memory in MB."""
    case = instance(accounts, reps, seed, most)
    start, cpu = time.perf_counter(), time.process_time()
    arguments = {"candidates": case.candidates}
    result = spm.assign(case.cost, case.load, case.lower, case.upper, **arguments)
    spent, cpu = time.perf_counter() - start, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    owner = result.owner
    slots = (case.candidates == owner[:, None]).argmax(axis=1)
    assert abs(case.cost[np.arange(accounts), slots].sum() - result.objective) <= 1e-9 * result.objective
    told = f"{spent:.2f} {cpu:.2f} {100 * result.gap:.3f} {100 * broken(case, slots):.4f} {memory:.0f}"
    print(f"this|{told}", flush=True)
    for name, rival in RIVALS.items() if rivals else ():
        start = time.perf_counter()
        other = rival(case, spent)
        took = time.perf_counter() - start
        if other is None:
            print(f"{name}|{took:.2f} nan nan nan nan", flush=True)
            continue
        gap = case.cost[np.arange(accounts), other].sum() / result.bound - 1
        print(f"{name}|{took:.2f} nan {100 * gap:.3f} {100 * max(broken(case, other), 0):.4f} nan", flush=True)


def main() -> None:
    """Run every size and seed in a process of its own, so that peak memory is the run's own; print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["500x10", "5000x50", "20000x100", "100000x500"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--candidates", type=int, default=CANDIDATES)
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--one", nargs=4, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(*options.one, options.rivals)
        return
    print(f"{'size':>12} {'method':<22} {'seconds':>8} {'CPU s':>7} {'gap %':>8} {'broken %':>9} {'MB':>6} answers")
    for size in options.sizes:
        accounts, reps = size.split("x")
        runs: dict[str, list[list[float]]] = {}
        for seed in range(options.seeds):
            command = [
                sys.executable,
                __file__,
                "--one",
                accounts,
                reps,
                str(seed),
                str(options.candidates),
                *["--rivals"] * options.rivals,
            ]
            for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
                name, figures = line.split("|")
                runs.setdefault(name, []).append([float(x) for x in figures.split()])
        for name, rows in runs.items():
            found = np.array(rows)
            mid = [float(np.median(one[~np.isnan(one)])) if not np.isnan(one).all() else np.nan for one in found.T]
            answered = ~np.isnan(found[:, 2])
            worst = found[answered, 3].max() if answered.any() else np.nan
            print(
                f"{size:>12} {name:<22} {mid[0]:8.2f} {mid[1]:7.2f} {mid[2]:8.3f} {worst:9.4f} {mid[4]:6.0f} "
                f"{answered.sum():>4} of {len(found)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
