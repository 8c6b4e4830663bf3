"""Speed of the fit: a million deals with four million stays, growth, the medium example, against lifelines.

    python benchmarks/fit.py                    # everything; lifelines in an environment that the benchmark makes
    python benchmarks/fit.py --only speed growth
    python benchmarks/fit.py --venv DIR --keep DIR   # keep environment and files for the next time

Every fit runs in a process of its own, after reading; times are processor seconds (with the clock's in brackets), so
that other jobs on the machine disturb them little. Rival and fit alternate in one run.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import fit_company  # noqa: E402
from fit_rivals import environment, lifelines  # noqa: E402

import spmforecast as spm  # noqa: E402
from spmforecast.models.transitions import fit_transitions  # noqa: E402

PARTS = ("speed", "growth", "lifelines", "medium", "choose")
CHOOSE = """
name: medium
history: {example: {seed: 7, size: medium}}
as_of: 2025-06-30
until: 2025-12-31
period: quarter
model: {choose: %s}
simulate: {trials: 1000, seed: 1}
"""


def timed(job: Callable[[], object]) -> tuple[object, dict[str, float]]:
    """Do a job; return what it gives, processor and clock seconds."""
    clock, processor = time.perf_counter(), time.process_time()
    out = job()
    return out, {"cpu": time.process_time() - processor, "wall": time.perf_counter() - clock}


def fit_step(folder: Path, stays: Path | None = None) -> dict[str, float]:
    """Read a company, fit it as of a day, and write its stays down if asked for."""
    history = spm.read_history(folder)
    known, cut = timed(lambda: history.as_of(fit_company.AS_OF))
    model, total = timed(lambda: spm.PipelineModel().fit(known))
    given = (model.stays, model.profiles, model.calendar, model.spec)
    _, alone = timed(lambda: fit_transitions(*given))
    if stays is not None:
        seen, profile = model.stays, model.profiles.table[model.profiles.of_deal[model.stays.deal]]
        np.savez(stays, stage=seen.stage, to=seen.to, duration=seen.duration, segment=profile[:, 0], band=profile[:, 1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    size = {"deals": len(model.deals), "stays": len(model.stays.deal), "peak": peak}
    return {**total, "cut": cut["cpu"], "cut wall": cut["wall"], "alone": alone["cpu"], **size}


def medium_step() -> dict[str, float]:
    """Fit the medium example company."""
    history = spm.read_history(spm.ExampleCompany(seed=7, size="medium").tables())
    model, spent = timed(lambda: spm.PipelineModel().fit(history, "2025-06-30"))
    return {**spent, "deals": len(model.deals), "stays": len(model.stays.deal)}


def choose_step() -> dict[str, float]:
    """Run a scenario of the medium example that names its specification, and one that chooses it."""
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("false", "true"):
            path = Path(folder) / f"{name}.yaml"
            path.write_text(CHOOSE % name)
            result, spent = timed(lambda path=path: spm.run(path))
            out |= {f"{key} {name}": value for key, value in spent.items()}
        out["tried"] = float(len(result.measured.tables["choice"]))
    return out


def measure(step: str, *arguments: object) -> dict[str, float]:
    """Run one step in a new process."""
    command = [sys.executable, __file__, "--step", step, *map(str, arguments)]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def median(runs: list[dict[str, float]]) -> pd.Series:
    return pd.DataFrame(runs).median()


def speed(place: Path, deals: int, rounds: int) -> pd.Series:
    """Fit the large company."""
    folder = place / f"fit-{deals}"
    fit_company.write(folder, deals)
    runs = [measure("fit", folder) for _ in range(rounds)]
    best = median(runs)
    print(f"{best['deals']:,.0f} deals, {best['stays']:,.0f} stays: {told(best)}   wanted: at most 5 s")
    print(f"  before that {best['cut']:.2f} s ({best['cut wall']:.2f} s) to cut the record at the day")
    print(f"  the transitions alone, given the stays: {best['alone']:.2f} s; peak memory {best['peak'] / 1e6:,.0f} MB")
    print("  all rounds: " + ", ".join(f"{run['cpu']:.2f}" for run in runs), flush=True)
    return best


def told(seconds: pd.Series) -> str:
    return f"{seconds['cpu']:.2f} s of processor ({seconds['wall']:.2f} s)"


def growth(place: Path, deals: int, rounds: int) -> None:
    """Fit a quarter, a half and all, in turn."""
    sizes = [deals // 4, deals // 2, deals]
    for size in sizes:
        fit_company.write(place / f"fit-{size}", size)
    rows = [{size: measure("fit", place / f"fit-{size}")["cpu"] for size in sizes} for _ in range(rounds)]
    seconds = pd.DataFrame(rows).median()
    each = seconds / np.array(sizes)
    for size in sizes:
        print(f"{size:>9,} deals: {seconds[size]:.2f} s, {each[size] * 1e6:.2f} us a deal")
    slope = (seconds[sizes[2]] - seconds[sizes[1]]) / (seconds[sizes[1]] - seconds[sizes[0]]) / 2
    print(
        f"  a deal of the whole takes {each[sizes[2]] / each[sizes[0]]:.2f} of one of the quarter   wanted: 0.8 to 1.2"
    )
    print(f"  further deals: the second half million costs {slope:.2f} of the second quarter million, each", flush=True)


def rivals(place: Path, deals: int, python: Path, rounds: int) -> None:
    """Fit the same transitions by lifelines, alternating with the fit."""
    folder, stays = place / f"fit-{deals}", place / f"stays-{deals}.npz"
    fit_company.write(folder, deals)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(measure("fit", folder, stays))
        theirs.append(lifelines(python, stays))
    version, fits, rows, _ = theirs[0]
    best, other = median(ours), float(np.median([one[3] for one in theirs]))
    print(
        f"lifelines {version}, {fits} Weibull AFT fits on {rows:,} rows of {deals:,} deals: {other:.1f} s of processor"
    )
    print("  its rows and dummies are made before its clock starts; of the same deals")
    print(f"    the same transitions, given the stays: {best['alone']:.2f} s, {other / best['alone']:.0f} times faster")
    faster = f"{other / best['cpu']:.1f} times faster ({other / best['wall']:.1f} by the clock)"
    print(f"    the whole fit: {told(best)}, {faster}   wanted: at least 10", flush=True)


def medium(rounds: int) -> None:
    best = median([measure("medium") for _ in range(rounds)])
    print(f"medium example, {best['deals']:,.0f} deals: {told(best)}   wanted: at most 5 s", flush=True)


def choose(rounds: int) -> None:
    best = median([measure("choose") for _ in range(rounds)])
    more = best["cpu true"] - best["cpu false"]
    print(f"medium example, choice among {best['tried']:.0f} specifications: a run of {best['cpu true']:.1f} s of")
    print(f"  processor ({best['wall true']:.1f} s), {more:.1f} s more than without   wanted: at most 60 s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--rival-deals", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder for the files, made if absent and used again")
    parser.add_argument("--venv", type=Path, help="folder of an environment with lifelines, made if absent")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        name, *paths = args.step
        steps = {"fit": fit_step, "medium": medium_step, "choose": choose_step}
        print(json.dumps(steps[name](*map(Path, paths))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        place = args.keep or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        if "speed" in args.only:
            speed(place, args.deals, args.rounds)
        if "growth" in args.only:
            growth(place, args.deals, args.rounds)
        if "lifelines" in args.only:
            rivals(place, args.rival_deals, environment(args.venv or Path(scratch) / "venv"), 1)
        if "medium" in args.only:
            medium(args.rounds)
        if "choose" in args.only:
            choose(1)


if __name__ == "__main__":
    main()
