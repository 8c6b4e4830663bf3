"""Blocks elsewhere: processes, a Dask cluster, and workers that die change no byte."""

from __future__ import annotations

import os
import signal
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from companies import example_fit
from spmforecast.errors import InputError
from spmforecast.simulate import simulate, workers
from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.workers import block_length, run_blocks
from workloads import workload

UNTIL = "2024-09-30"


def play(inputs, start, stop):
    return simulate_block(inputs, start, stop).amounts


def die_once(mark, start, stop):
    """End the process in the middle of the run, but only the first time."""
    if start >= 8 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return start, stop


BOUNDS = [(start, start + 4) for start in range(0, 24, 4)]


def test_blocks_fit_memory_and_jobs():
    assert block_length(800, 10_000, 1) == 8192
    assert block_length(50_000, 10_000, 1) == 512
    assert block_length(800, 10_000, 4) <= 3333
    assert all(block_length(cells, 10_000, jobs) % 4 == 0 for cells in (1, 10**6) for jobs in (1, 64))


@pytest.mark.parametrize("length", [64, 512, 1024])
def test_block_length_changes_no_byte(length):
    inputs = workload(deals=300, streams=20, created=300.0, reps=5, shocks=True, dispersion=0.2, leave=True)
    whole = play(inputs, 0, 1024)
    bounds = [(start, start + length) for start in range(0, 1024, length)]
    parts = list(run_blocks(partial(play, inputs), bounds))
    assert np.concatenate(parts).tobytes() == np.ascontiguousarray(whole).tobytes()


def test_a_process_that_dies_costs_time_and_no_result(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the pool warns about the process that was killed
        got = list(run_blocks(partial(die_once, tmp_path / "died"), BOUNDS, jobs=2))
    assert (tmp_path / "died").exists()
    assert got == BOUNDS


def test_faults_of_a_block_are_not_taken_for_deaths():
    with pytest.raises(ZeroDivisionError, match="division"):
        list(run_blocks(lambda start, stop: 1 // (start - 8), BOUNDS, jobs=1))


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_gives_the_same_bytes_even_if_a_worker_is_killed():
    distributed = pytest.importorskip("distributed")
    model = example_fit()
    alone = simulate(model, UNTIL, trials=4000, seed=3)
    killed = []
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:

        def kill(done, wanted):
            if not killed:
                killed.append(next(iter(cluster.workers.values())).process.pid)
                os.kill(killed[0], signal.SIGKILL)

        spread = simulate(model, UNTIL, trials=4000, seed=3, jobs=4, cluster=cluster.scheduler_address, progress=kill)
    assert killed
    assert not Path(f"/proc/{killed[0]}").exists()
    assert spread.draws.tobytes() == alone.draws.tobytes()
    assert spread.counts.tobytes() == alone.counts.tobytes()
    np.testing.assert_allclose(spread.deals["expected_amount"], alone.deals["expected_amount"])


def test_a_cluster_that_is_not_there_is_named(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "_PATIENCE", 0.3)
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        list(run_blocks(divmod, BOUNDS, cluster="tcp://127.0.0.1:1"))
