"""Ctrl-C: nothing is left of a run that was broken off; a backtest keeps what it has and says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SCENARIO = """
name: slow
history: {example: {seed: 7, size: small}}
as_of: 2024-06-30
until: 2025-06-30
simulate: {trials: 2000000}
"""


@pytest.fixture
def interruptible():
    """Heed Ctrl-C, and with us our children: jobs in the background are born to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _interrupted(folder: Path, command: list[str], under_way: Callable[[], bool]) -> str:
    """Break a command off when it is on its way, and return what it said on standard error."""
    (folder / "slow.yaml").write_text(SCENARIO)
    with subprocess.Popen(
        [sys.executable, "-m", "spmforecast.cli", *command],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ},
        start_new_session=True,
    ) as run:
        while not under_way() and run.poll() is None:
            time.sleep(0.05)
        time.sleep(0.2)
        os.killpg(run.pid, signal.SIGINT)
        _, told = run.communicate(timeout=120)
    assert run.returncode == 130, told
    return told.decode()


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_run_leaves_no_folder(tmp_path: Path, jobs: str) -> None:
    # The draft of the folder shows that the run is on its way.
    command = ["run", "slow.yaml", "-o", "out/run", "--jobs", jobs]
    told = _interrupted(tmp_path, command, (tmp_path / "out").exists)
    assert told == "spmforecast: interrupted; nothing was written\n"
    assert [path.name for path in tmp_path.iterdir()] == ["slow.yaml"]


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_backtest_says_what_it_keeps(tmp_path: Path, jobs: str) -> None:
    origins = tmp_path / "back" / "origins"
    command = ["backtest", "slow.yaml", "-o", "back", "--jobs", jobs]
    told = _interrupted(tmp_path, command, lambda: any(origins.glob("*.npz")))
    kept = len(list(origins.glob("*.npz")))
    assert told == f"spmforecast: interrupted; {kept} forecasts are kept in back: the same command goes on from there\n"
