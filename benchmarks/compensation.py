"""Pay on draws: 10,000 trials × 1,000 reps × 4 quarters on arrays, against the exact line-by-line reckoning.

One command prints seconds, nanoseconds a cell, and how many times longer the exact reckoning takes a cell; both pay the
same cents, which is checked on the cells that both have priced:

    python benchmarks/compensation.py [--trials 10000] [--reps 1000] [--exact 150]

The exact reckoning prices a ledger with one deal for each rep and period, of the first trials. Times are those of the
processor (and by the clock in brackets), so that a busy machine does not show.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

import spmforecast as spm

PERIODS = ["2025Q1", "2025Q2", "2025Q3", "2025Q4"]
SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
_Made = TypeVar("_Made")

PLANS = {
    "flat rate": "name: flat\ncomponents: [{name: a, rate: 8%}]\n",
    "two tiers, quarters": (
        "name: tiers\ncomponents:\n"
        "  - {name: a, target_incentive: 60_000, accelerators: {above: 100%, multiplier: 1.5}}\n"
    ),
    "three components, total rounded": (
        "name: total\nrounding: total\ntarget_incentive: 60_000\ncomponents:\n"
        "  - {name: a, weight: 50%, accelerators: {above: 100%, multiplier: 1.5}}\n"
        "  - {name: b, weight: 30%, basis: year-to-date}\n"
        "  - {name: c, weight: 20%, threshold: 50%, cap: 200%}\n"
    ),
    "comp_plan.yaml (year to date, cap, draw)": (SCENARIOS / "comp_plan.yaml").read_text(encoding="utf-8"),
}


def timed(work: Callable[[], _Made]) -> tuple[_Made, float, float]:
    """Return what some work makes, the processor's seconds and those of the clock."""
    start = time.process_time(), time.perf_counter()
    made = work()
    return made, time.process_time() - start[0], time.perf_counter() - start[1]


def ledger(bookings: np.ndarray, reps: int) -> spm.Ledger:
    """Make a deal for each rep and period of one trial."""
    rep, period = np.divmod(np.arange(reps * len(PERIODS)), len(PERIODS))
    frame = pd.DataFrame(
        {
            "deal": np.arange(rep.size),
            "rep": [f"R{i}" for i in rep],
            "period": [PERIODS[i] for i in period],
            "amount": bookings[:reps].ravel(),
        }
    )
    return spm.Ledger.from_frame(frame, [f"R{i}" for i in range(reps)], PERIODS)


def priced(name: str, plan: spm.CompPlan, bookings: np.ndarray, quota: np.ndarray, reps: int) -> str:
    """Price a plan both ways, compare the cents, and return the line of the table."""
    paid, used, clock = timed(lambda: plan.payout(bookings, quota, periods=PERIODS))
    deals = ledger(bookings[0], reps)
    made, exact, _ = timed(lambda: plan.statement(deals, quota[:reps]))
    same = np.array([float(one) for one in made.pay["paid"]]).reshape(reps, 4)
    np.testing.assert_array_equal(same, paid[0, :reps])
    cell, per_exact = used / bookings.size, exact / same.size
    told = (f"{used:.2f} ({clock:.2f})", f"{1e9 * cell:.0f}", f"{1e6 * per_exact:.0f}", f"{per_exact / cell:,.0f}")
    return " | ".join((name, *told, f"{same.size:,}"))


def by_deal(plan: spm.CompPlan, quota: np.ndarray, rng: np.random.Generator, deals: int = 1_000_000) -> str:
    """Price a simulation's winners deal by deal."""
    trial, rep, period = (rng.integers(0, size, deals) for size in (100, len(quota), len(PERIODS)))
    names = {"reps": [f"R{i}" for i in range(len(quota))], "periods": PERIODS, "trials": 100}
    amount = rng.lognormal(9, 1, deals)
    ledger = spm.Ledger.from_arrays(trial, np.arange(deals), rep, period, amount, **names)
    _, used, clock = timed(lambda: plan.pay_deals(ledger, quota))
    return f"\npay by deal, comp_plan.yaml, {deals:,} deals: {used:.2f} s ({clock:.2f})"


def main() -> None:
    """Price every plan both ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--reps", type=int, default=1_000)
    parser.add_argument("--exact", type=int, default=150, help="reps that the exact reckoning prices")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    quota = np.round(rng.uniform(20e3, 100e3, (options.reps, 4)), -3)  # no deal comes near the plan's cap on one
    bookings = rng.lognormal(0.0, 0.6, (options.trials, options.reps, 4)) * quota
    print(f"{options.trials:,} trials × {options.reps:,} reps × 4 quarters = {bookings.size:,} cells\n")
    print("plan | arrays, s | ns a cell | exact, µs a cell | ratio | cells compared")
    for name, text in PLANS.items():
        print(priced(name, spm.CompPlan.parse(text), bookings, quota, min(options.exact, options.reps)))
    print(by_deal(spm.CompPlan.load(SCENARIOS / "comp_plan.yaml"), quota, rng))
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


if __name__ == "__main__":
    main()
