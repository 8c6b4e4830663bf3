"""Reading at scale: 1,000,000 deals and 4,000,000 stage events from Parquet and CSV, against pandas' bare read.

Each step runs in a process of its own, alternating, so that peaks of memory and warm caches do not mix:

    python benchmarks/reading.py [--deals 1000000] [--rounds 3] [--kinds parquet csv]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import spmforecast as spm
from spmforecast.data.sources import open_source
from spmforecast.data.sources.base import CanonicalSource

KINDS = ("parquet", "csv")
TABLES = ("opportunities", "stage_history")
DATES = {"opportunities": ("created_date", "close_date"), "stage_history": ("entered_date", "close_date")}
STAGES = np.array(["Qualify", "Develop", "Propose", "Close"])
AS_OF = "2024-06-30"


def company(deals: int, events: int = 4) -> dict[str, pd.DataFrame]:
    """Draw deals with `events` stage events each: typed, as a warehouse would hold them."""
    rng = np.random.default_rng(1)
    ids = pd.Series(np.char.add("006A", np.char.zfill(np.arange(deals).astype("U9"), 11)), dtype="str")
    created = np.datetime64("2020-01-01", "s") + rng.integers(0, 5 * 365 * 86400, deals).astype("timedelta64[s]")
    steps = rng.integers(3600, 40 * 86400, (deals, events)).astype("timedelta64[s]")
    entered = created[:, None] + np.cumsum(steps, axis=1) - steps[:, :1]
    ended = entered[:, -1] < np.datetime64("2025-01-01")
    status = np.where(ended, np.where(rng.random(deals) < 0.3, "won", "lost"), "open")
    amount = np.round(rng.lognormal(9.5, 1.0, deals), 2)
    owner = pd.Series(np.char.add("R", rng.integers(0, 400, deals).astype("U3")), dtype="str")
    close = np.where(ended, entered[:, -1].astype("datetime64[D]"), np.datetime64("2025-06-30")).astype("datetime64[s]")
    opportunities = pd.DataFrame(
        {
            "opportunity_id": ids,
            "owner_id": owner,
            "created_date": created,
            "status": pd.Series(status, dtype="str"),
            "stage": pd.Series(STAGES[rng.integers(0, 4, deals)], dtype="str"),
            "amount": amount,
            "close_date": close,
            "account_id": pd.Series(np.char.add("A", rng.integers(0, deals // 10, deals).astype("U7")), dtype="str"),
            "segment": pd.Series(np.array(["SMB", "Mid", "Enterprise"])[rng.integers(0, 3, deals)], dtype="str"),
            "region": pd.Series(np.array(["North", "South"])[rng.integers(0, 2, deals)], dtype="str"),
        }
    )
    known = (entered < np.datetime64("2025-01-01")).ravel()
    deal = np.repeat(np.arange(deals), events)[known]
    step = np.tile(np.arange(events), deals)[known]
    last = step == events - 1
    history = pd.DataFrame(
        {
            "opportunity_id": ids.take(deal).reset_index(drop=True),
            "stage": pd.Series(STAGES[step], dtype="str"),
            "entered_date": entered.ravel()[known],
            "status": pd.Series(np.where(last, status[deal], "open"), dtype="str"),
            "amount": np.round(amount[deal] * rng.uniform(0.8, 1.2, len(deal)), 2),
            "close_date": close[deal],
            "owner_id": owner.take(deal).reset_index(drop=True),
        }
    )
    order = rng.permutation(len(history))
    return {"opportunities": opportunities, "stage_history": history.take(order).reset_index(drop=True)}


class Clock:
    """Time from now on: by the clock, and of all processors together, which other work on the machine disturbs less."""

    def __init__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def since(self) -> dict[str, float]:
        return {"seconds": time.perf_counter() - self._start[0], "busy": time.process_time() - self._start[1]}


def pandas_read(folder: Path) -> dict[str, float]:
    """Let pandas merely read the files; the frames' size is that of what it gives."""
    read = pd.read_parquet if (folder / "opportunities.parquet").exists() else pd.read_csv
    suffix = "parquet" if read is pd.read_parquet else "csv"
    start = Clock()
    frames = [read(folder / f"{name}.{suffix}") for name in TABLES]
    figures = start.since()
    return {**figures, "frames": sum(float(frame.memory_usage(deep=True).sum()) for frame in frames)}


def dated_read(folder: Path) -> dict[str, float]:
    """Let pandas read CSV files with their dates as dates, as we give them, which it does not do by itself."""
    start = Clock()
    frames = [pd.read_csv(folder / f"{name}.csv", parse_dates=list(dates)) for name, dates in DATES.items()]
    figures = start.since()
    assert all(pd.api.types.is_datetime64_any_dtype(frame[frame.columns[2]].dtype) for frame in frames)
    return figures


def raw_read(folder: Path) -> dict[str, float]:
    """Read the files as text and typed columns, before anything is checked."""
    source = open_source(folder)
    read = source.read_canonical if isinstance(source, CanonicalSource) else source.read
    start = Clock()
    for name in TABLES:
        read(str(source.find(name)), name)
    return start.since()


def our_read(folder: Path) -> dict[str, float]:
    """Read, check and turn into a History; then look at it as of a day, twice, and at the events known on it."""
    start = Clock()
    history = spm.read_history(folder)
    figures = start.since()
    for name, day in (("as_of", AS_OF), ("again", "2023-03-31")):
        start = Clock()
        view = history.as_of(day)
        figures |= {f"{name} {what}": figure for what, figure in start.since().items()}
    start = Clock()
    len(view.stage_history)
    return figures | {f"events {what}": figure for what, figure in start.since().items()}


def measure(what: str, folder: Path) -> dict[str, float]:
    """Run one step in a new process; its peak memory comes with its figures."""
    command = [sys.executable, __file__, "--step", what, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def step(what: str, folder: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {"pandas": pandas_read, "dated": dated_read, "raw": raw_read, "ours": our_read}[what](folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({**figures, "peak": peak * 1024.0, "grown": (peak - before) * 1024.0}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--keep", type=Path, help="folder for the files, made if absent and used again")
    parser.add_argument("--step", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        step(args.step[0], Path(args.step[1]))
        return
    with tempfile.TemporaryDirectory() as scratch:
        place = args.keep or Path(scratch)
        for kind in args.kinds:
            make(place / kind, kind, args.deals)
            table(kind, place / kind, args.rounds)


def make(folder: Path, kind: str, deals: int) -> None:
    if folder.exists():
        return
    folder.mkdir(parents=True)
    for name, frame in company(deals).items():
        if kind == "parquet":
            frame.to_parquet(folder / f"{name}.parquet", index=False)
        else:
            frame.to_csv(folder / f"{name}.csv", index=False)


def table(kind: str, folder: Path, rounds: int) -> None:
    """Print medians and ratios of alternating runs, by the clock and by processor time."""
    steps = ("pandas", "raw", "ours", *(("dated",) if kind == "csv" else ()))
    runs = [tuple(measure(what, folder) for what in steps) for _ in range(rounds)]
    theirs, raw, ours, *dated = (pd.DataFrame(side).median() for side in zip(*runs, strict=True))
    size = f"{theirs['frames'] / 1e6:,.0f} MB of frames"
    print(f"{kind}: pandas {pd.__version__} reads {size} in {_time(theirs)}")
    print(f"  read and checked in {_time(ours)}: {_ratio(ours, theirs)} pandas")
    for other in dated:
        print(f"  pandas with dates as dates {_time(other)}: read and checked takes {_ratio(ours, other)} that")
    print(f"  bare read, before checks, {_time(raw)}: {_ratio(raw, theirs)} pandas; the whole {_ratio(ours, raw)} that")
    print(f"  peak memory {ours['peak'] / 1e6:,.0f} MB, {ours['peak'] / theirs['frames']:.2f} times the frames")
    named = (("as_of", "as_of "), ("another day", "again "), ("the events known then", "events "))
    print("  " + "; ".join(f"{name} {_time(ours, prefix)}" for name, prefix in named))


def _time(figures: pd.Series, prefix: str = "") -> str:
    return f"{figures[f'{prefix}seconds']:.2f} s ({figures[f'{prefix}busy']:.2f} s of processors)"


def _ratio(ours: pd.Series, theirs: pd.Series) -> str:
    clock, busy = ours["seconds"] / theirs["seconds"], ours["busy"] / theirs["busy"]
    return f"{clock:.1f} times (by processor time {busy:.1f} times)"


if __name__ == "__main__":
    main()
