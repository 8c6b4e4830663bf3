"""Speed and exactness of the simulator: floors and rivals alternate with it in one run; the code of each is printed.

    python benchmarks/simulator.py                 # W1, W2, W3, exactness, common random numbers, growth
    python benchmarks/simulator.py --only speed --rounds 3
    python benchmarks/simulator.py --only speed --jobs "W2,W2 rival"   # some jobs alone
    python benchmarks/simulator.py --million       # the company's law at 1,000,000 trials as well
    python benchmarks/simulator.py --pymsm PYTHON  # against pymsm in an environment of its own, which needs
                                                   # pymsm==0.1.7 "scipy<1.14" "numpy<2" "pandas<2.2" ipython
    python benchmarks/simulator.py --numba PYTHON  # what compiled kernels would bring W3 (compiled.py), in an
                                                   # environment of its own: spmforecast and numba==0.68.1

Times are processor times of one process, so that other jobs on the machine disturb them little. Each job is done twice
in a row and the shorter time taken: memory that a process has not had for a while costs a virtual machine much more.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from simulator_rivals import PYMSM, floor, rival_new_deals, rival_open_deals  # noqa: E402

from spmforecast.simulate.block import simulate_block  # noqa: E402
from spmforecast.simulate.exact import exact_forecast  # noqa: E402
from spmforecast.simulate.precision import paired_error  # noqa: E402
from spmforecast.simulate.run import Run  # noqa: E402
from workloads import scaled, workload  # noqa: E402

TRIALS = 10_000


def clocked(job: Callable[[], object]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def draws_of(inputs, trials=TRIALS):
    """Draw as the engine does: block by block into tables of bookings and wins."""
    run = Run(inputs)
    run.extend(trials)
    return run.draws, run.counts


def speed(rounds: int, asked: list[str]) -> None:
    print("Rival of W1:\n" + inspect.getsource(rival_open_deals))
    print("Rival of W2:\n" + inspect.getsource(rival_new_deals))
    print("Floor:\n" + inspect.getsource(floor))
    w1 = workload(streams=0)
    w2 = workload(deals=0, periods=12)
    w3 = workload(periods=12, shocks=True, dispersion=0.1)
    winners = {
        name: draws_of(inputs, 512)[1].sum(dtype=np.float64) * TRIALS / 512 for name, inputs in (("W1", w1), ("W2", w2))
    }
    times: dict[str, list[float]] = {}
    few = TRIALS // 20  # rivals take a twentieth of the trials, their time is linear in them
    jobs = {
        "W1": (lambda: draws_of(w1), 1),
        "W1 floor": (lambda: floor(int(winners["W1"])), 1),
        "W1 rival": (lambda: rival_open_deals(w1, few), 20),
        "W2": (lambda: draws_of(w2), 1),
        "W2 rival": (lambda: rival_new_deals(w2, few), 20),
        "W3": (lambda: draws_of(w3), 1),
    }
    for _ in range(rounds):
        for name in asked or jobs:
            job, times_over = jobs[name]
            # Twice in a row: the second time, a virtual machine need not ask its host for the memory again.
            first, second = clocked(job), clocked(job)
            times.setdefault(name, []).append(min(first, second) * times_over)
            print(f"{name:10} {times[name][-1]:8.2f} s", flush=True)
    best = {name: min(values) for name, values in times.items()}
    for name, value in best.items():
        print(f"{name:10} {value:8.2f} s   all rounds: {', '.join(f'{one:.2f}' for one in times[name])}")
    print(f"winners: W1 {winners['W1']:,.0f}, W2 {winners['W2']:,.0f}")
    _ratio(best, "W1 / floor", ["W1"], ["W1 floor"], "at most 4")
    _ratio(best, "rival / W1", ["W1 rival"], ["W1"], "at least 4")
    _ratio(best, "rival / W2", ["W2 rival"], ["W2"], "at least 3")
    _ratio(best, "W3 / (W1 + W2)", ["W3"], ["W1", "W2"], "at most 2.5")


def _ratio(best: dict[str, float], name: str, above: list[str], below: list[str], wanted: str) -> None:
    if not {*above, *below} - best.keys():
        ratio = sum(best[job] for job in above) / sum(best[job] for job in below)
        print(f"{name:20} {ratio:6.2f}   wanted: {wanted}")


def memory() -> None:
    """Measure W3 in a process of its own."""
    code = (
        f"import sys, resource; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent / 'tests')!r}]\n"
        "from simulator import draws_of\nfrom workloads import workload\n"
        "draws_of(workload(periods=12, shocks=True, dispersion=0.1), int(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    out = subprocess.run([sys.executable, "-c", code, str(TRIALS)], capture_output=True, text=True, check=True)
    print(f"W3 peak memory       {float(out.stdout):6.0f} MB   wanted: below 600")


def exactness(million: bool) -> None:
    inputs = workload()
    spent = clocked(lambda: exact_forecast(inputs))
    laws = exact_forecast(inputs)
    print(f"exact engine, 20,000 deals, 500 streams, 800 rep-quarters and the company: {spent:.2f} s")
    draws, _ = draws_of(inputs)
    mean, sd = (np.array([getattr(law, name) for law in laws.reps.values()]) for name in ("mean", "sd"))
    apart = draws - draws.mean(axis=0)
    variance = (apart**2).mean(axis=0)
    # The laws' own standard errors: those of skewed draws are small where the variance comes out small.
    fourth = np.array([law.central(4) for law in laws.reps.values()])
    off = np.abs(draws.mean(axis=0) - mean) / (sd / np.sqrt(TRIALS))
    off_variance = np.abs(variance - sd**2) / np.sqrt((fourth - sd**4) / TRIALS)
    print(
        f"rep-quarters {len(mean)}: largest error of means {off.max():.2f} se, of variances {off_variance.max():.2f} se"
    )
    _company(laws, [draws[:, k::4].sum(axis=1) for k in range(4)], 0.0195)
    if million:
        total = []
        for start in range(0, 1_000_000, 8192):
            block = simulate_block(inputs, start, min(start + 8192, 1_000_000)).amounts
            total.append(np.stack([block[:, k::4].sum(axis=1) for k in range(4)]))
        _company(laws, list(np.concatenate(total, axis=1)), 0.00195)


def _company(laws, totals, bound: float) -> None:
    for (label, law), total in zip(laws.company.items(), totals, strict=True):
        x = np.sort(total)
        steps, fit = np.arange(len(x) + 1) / len(x), law.below(x)
        gap = max((steps[1:] - fit).max(), (fit - steps[:-1]).max())
        print(f"company {label}, {len(x):,} trials: largest gap of the distribution {gap:.5f}   wanted: below {bound}")


def common_numbers() -> None:
    inputs = workload(deals=4000, streams=100, created=8000.0, reps=40, shocks=True, dispersion=0.1)
    base = draws_of(inputs, 4096)[0].sum(axis=1)
    deals = inputs.open_deals
    segment = np.flatnonzero(deals.segment == 3)
    rate = simulate_block(inputs, 0, 4096).deal_wins[segment].sum() / len(segment) / 4096
    likelier = scaled(inputs, segment, (rate + 0.05) / rate)
    _, _, gain = paired_error(base, draws_of(likelier, 4096)[0].sum(axis=1))
    rows = np.delete(np.arange(len(deals.ids)), 17)
    names = ("state", "owner", "segment", "column", "log_amount")
    kept = {name: getattr(deals, name)[rows] for name in names}
    fewer = dataclasses.replace(
        likelier.open_deals, ids=tuple(deals.ids[i] for i in rows), partners=deals.partners[1:], **kept
    )
    _, _, gain2 = paired_error(base, draws_of(dataclasses.replace(likelier, open_deals=fewer), 4096)[0].sum(axis=1))
    print(f"common random numbers: variance {gain:,.0f} times smaller, {gain2:,.0f} with a deal removed   wanted: 20")


def growth() -> None:
    unit = None
    for factor in (1, 4, 16):
        inputs = workload(deals=1250 * factor, streams=30, created=2500.0, reps=40)
        inputs.prepare()
        spent = min(clocked(lambda inputs=inputs: draws_of(inputs, 8192)) for _ in range(2)) / factor
        unit = unit or spent
        print(f"deals × {factor:2}: {spent / unit:5.2f} of the time for each deal")
    inputs, unit = workload(deals=2500, streams=30, created=5000.0, reps=40), None
    for factor in (1, 4, 16):
        spent = clocked(
            lambda factor=factor: [simulate_block(inputs, s, s + 8192) for s in range(0, 8192 * factor, 8192)]
        )
        unit = unit or spent
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"trials × {factor:2}: {spent / unit / factor:5.2f} of the time for each trial, peak {peak:,.0f} MB")


def pymsm(python: str) -> None:
    other = subprocess.run([python, "-c", PYMSM], capture_output=True, text=True, check=True)
    fitted, paths, spent = (float(x) for x in other.stdout.split()[-3:])
    inputs = workload(deals=1000, streams=0, shocks=True)
    inputs.prepare()
    ours = clocked(lambda: simulate_block(inputs, 0, 8192))
    print(f"pymsm: {paths / spent:,.0f} paths a second after training on {fitted:,.0f} deals")
    rate = 1000 * 8192 / ours
    print(f"here: {rate:,.0f} paths of 1,000 open deals a second, shocks and all: {rate * spent / paths:,.0f} times")


def numba(python: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(HERE.parent / "src"), "NUMBA_NUM_THREADS": "1"}
    subprocess.run([python, str(HERE / "compiled.py")], env=env, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["speed", "memory", "exactness", "common", "growth"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", default="", help="of speed, by comma; all without")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--pymsm", metavar="PYTHON")
    parser.add_argument("--numba", metavar="PYTHON")
    options = parser.parse_args()
    if options.pymsm or options.numba:
        if options.pymsm:
            pymsm(options.pymsm)
        if options.numba:
            numba(options.numba)
        return
    steps = {
        "speed": lambda: speed(options.rounds, [job for job in options.jobs.split(",") if job]),
        "memory": memory,
        "exactness": lambda: exactness(options.million),
        "common": common_numbers,
        "growth": growth,
    }
    for name, step in steps.items():
        if options.only in (None, name):
            step()


if __name__ == "__main__":
    main()
