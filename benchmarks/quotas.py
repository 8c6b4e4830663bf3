"""Speed and exactness of quota splits against the linear program, in one run; seconds of one core.

python benchmarks/quotas.py [--trials 1000] [--reps 200]

The linear program is sparse, one variable for each draw, and solved by HiGHS's interior point method with
crossover, which is its fastest here.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from spmforecast.optimize.filling import fill
from spmforecast.optimize.linear import linear_program
from spmforecast.optimize.objective import Objective, solve
from spmforecast.optimize.splits import equal_probability

TRADES = {"equal costs": {}, "traded": {"carry": 2.0, "cost": 0.1, "change": 0.2}}


def company(trials: int, reps: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Correlated lognormal bookings, and last quotas around their means."""
    rng = np.random.default_rng(seed)
    centre, sd = rng.normal(11, 0.8, reps), rng.uniform(0.2, 0.8, reps)
    draws = rng.standard_normal((trials, reps))
    draws *= sd
    draws += centre + 0.15 * rng.standard_normal((trials, 1))
    np.exp(draws, out=draws)
    return draws, draws.mean(axis=0) * rng.lognormal(0, 0.3, reps)


def timed(work: Callable[[], Any], times: int = 1) -> tuple[float, Any]:
    """Least processor time of some runs, and the result: a busy machine does not matter."""
    best, found = float("inf"), None
    for _ in range(times):
        start = time.process_time()
        found = work()
        best = min(best, time.process_time() - start)
    return best, found


def against_the_program(trials: int, reps: int) -> None:
    draws, last = company(trials, reps)
    total = 1.05 * float(draws.mean(axis=0).sum())
    stated = Objective()
    fast, split = timed(lambda: equal_probability(draws, total), 5)
    slow, program = timed(lambda: linear_program(stated, draws, total, method="highs-ipm"))
    print(f"{reps} reps x {trials:,} draws, equal costs: split {fast:.4f} s, linear program {slow:.2f} s, ", end="")
    print(f"{slow / fast:,.0f} times; values {stated.value(draws, split):,.2f} and {program.objective:,.2f}")
    hand = {"even": np.ones(reps), "proportional": draws.mean(axis=0), "last quotas": last}
    for name, weights in TRADES.items():
        trade = Objective(**weights, plan=total / 1.1, last=last)
        spent, found = timed(lambda trade=trade: solve(trade, draws, total))
        worse = {key: trade.value(draws, fill(one, total, 0 * last, last + np.inf)) for key, one in hand.items()}
        told = ", ".join(f"{key} {value / found.objective - 1:+.1%}" for key, value in worse.items())
        print(f"{name}: {spent:.2f} s, value {found.objective:,.0f}, bound {found.bound:,.0f}, gap {found.gap:.4%}")
        print(f"  hand rules on the same objective: {told}")


def fifty(trials: int, reps: int) -> None:
    """Print the gaps of fifty random companies, and how far the best of three hand rules is from the objective."""
    gaps, leads = [], []
    for seed in range(50):
        draws, last = company(trials, reps, seed)
        total = float(np.random.default_rng(seed).uniform(0.8, 1.3) * draws.mean(axis=0).sum())
        stated = Objective(**list(TRADES.values())[1], plan=total / 1.1, last=last)
        found = solve(stated, draws, total)
        hand = [fill(one, total, 0 * last, last + np.inf) for one in (np.ones(reps), draws.mean(axis=0), last)]
        best = min(stated.value(draws, one) for one in [*hand, equal_probability(draws, total)])
        gaps.append(found.gap)
        leads.append(best / found.objective - 1)
    print(
        f"50 companies of {reps} reps x {trials:,} draws, traded: gap to the bound {np.median(gaps):.3%} in the ",
        end="",
    )
    print(f"median, at most {max(gaps):.3%}; best hand rule {np.median(leads):+.2%}, at least {min(leads):+.3%}")


def large(trials: int = 10_000, reps: int = 2_000) -> None:
    draws, _ = company(trials, reps)
    total = 1.05 * float(draws.mean(axis=0).sum())
    spent, quota = timed(lambda: equal_probability(draws, total), 3)
    chance = np.array([(draws[:, i] >= quota[i]).mean() for i in range(reps)])
    print(f"{reps:,} reps x {trials:,} draws: {spent:.2f} s; spread of P(attain) {np.ptp(chance):.5f}, ", end="")
    print(f"sum off by {abs(quota.sum() - total):.2e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--reps", type=int, default=200)
    given = parser.parse_args()
    large()
    fifty(given.trials, given.reps)
    against_the_program(given.trials, given.reps)


if __name__ == "__main__":
    main()
