"""Ctrl-C: nothing is left of a run that was broken off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

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


def test_an_interrupted_run_leaves_no_folder(tmp_path, interruptible):
    (tmp_path / "slow.yaml").write_text(SCENARIO)
    with subprocess.Popen(
        [sys.executable, "-m", "spmforecast.cli", "run", "slow.yaml", "-o", "out/run"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ},
        start_new_session=True,
    ) as run:
        # The draft of the folder shows that the run is on its way.
        while not (tmp_path / "out").exists() and run.poll() is None:
            time.sleep(0.05)
        time.sleep(0.2)
        os.killpg(run.pid, signal.SIGINT)
        _, told = run.communicate(timeout=120)
    assert run.returncode == 130, told
    assert b"interrupted; nothing was written" in told
    assert [path.name for path in tmp_path.iterdir()] == ["slow.yaml"]
