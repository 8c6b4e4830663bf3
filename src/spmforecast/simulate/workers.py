"""Where blocks of trials run: in this process, in several, or on a Dask cluster. Never a matter of what they draw.

A block is a pure function of inputs that can be pickled and of its trials. So a block whose process died is simply
done again, and the run has the same bytes.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

from spmforecast.errors import InputError, Problem

__all__ = ["block_length", "in_order", "run_blocks"]

T = TypeVar("T")

_SHORTEST, _LONGEST = 512, 4096  # trials of a block; powers of two
_BYTES = 128e6  # what the sums of a block may take
_CELL_BYTES = 12
_ATTEMPTS = 3
_PATIENCE = 20  # seconds for a scheduler to answer


def block_length(cells: int, trials: int, jobs: int) -> int:
    """Choose the trials of a block: long ones are quick, but their sums must fit the memory and every job needs some.

    Parameters
    ----------
    cells : int
        Cells summed up in a block.
    trials, jobs : int
        Size of the run.

    Returns
    -------
    int
        A power of two; it changes no draw.
    """
    length = _LONGEST
    while length > _SHORTEST and (length * _CELL_BYTES * cells > _BYTES or length * (jobs - 1) >= trials):
        length //= 2
    return length


def run_blocks(
    play: Callable[[int, int], T], bounds: Sequence[tuple[int, int]], jobs: int = 1, cluster: str | None = None
) -> Iterator[T]:
    """Run blocks and yield what they give in order.

    Parameters
    ----------
    play : callable
        Plays the trials from a start to a stop; must be picklable where it runs elsewhere.
    bounds : sequence of (int, int)
        Blocks.
    jobs : int
        Processes, or tasks at a time; with ``joblib.parallel_config`` in force, on its backend.
    cluster : str, optional
        Address of a Dask scheduler (needs ``spmforecast[dask]``).

    Yields
    ------
    T

    Raises
    ------
    InputError
        If the cluster cannot be reached.
    """
    if cluster is None and (jobs == 1 or len(bounds) == 1):
        yield from (play(*bound) for bound in bounds)
        return
    done = 0
    for attempt in range(_ATTEMPTS):
        try:
            for result in _parallel(play, bounds[done:], jobs, cluster):
                yield result
                done += 1
        except _died():
            if attempt + 1 == _ATTEMPTS:
                break
        else:
            return
    yield from (play(*bound) for bound in bounds[done:])


def _parallel(
    play: Callable[[int, int], T], bounds: Sequence[tuple[int, int]], jobs: int, cluster: str | None
) -> Iterator[T]:
    from joblib import Parallel, delayed

    with ExitStack() as stack:
        if cluster is not None:
            for context in _dask(cluster):
                stack.enter_context(context)
        parallel = Parallel(n_jobs=jobs if cluster is None else -1, return_as="generator")
        yield from in_order(parallel, (delayed(play)(*bound) for bound in bounds))


def in_order(parallel: Callable[[Iterator[Any]], Any], tasks: Iterator[Any]) -> Iterator[Any]:
    """Run tasks and yield what they give; Ctrl-C ends the processes without a word of theirs or of joblib's.

    Parameters
    ----------
    parallel : callable
        A ``joblib.Parallel`` that returns generators.
    tasks : iterator
        What it takes.

    Yields
    ------
    object
        The result of each task, in order.
    """
    with _spared_interrupts():
        results = parallel(tasks)
    try:
        for result in results:  # noqa: UP028 - with `yield from` joblib would warn of what is left undone
            yield result
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.close()


@contextmanager
def _spared_interrupts() -> Iterator[None]:
    """Let processes that are started within never see Ctrl-C, which a terminal sends to all of them.

    It is for the one that started them, which ends them and speaks for all; here it is heeded at the end, not lost.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _died() -> tuple[type[BaseException], ...]:
    """Errors that say that a process died, and not that a block is wrong."""
    from concurrent.futures.process import BrokenProcessPool

    from joblib.externals.loky.process_executor import TerminatedWorkerError

    return BrokenProcessPool, TerminatedWorkerError


def _dask(cluster: str) -> Iterator[AbstractContextManager[Any]]:
    """Yield the contexts in which joblib works on a cluster."""
    try:
        from distributed import Client
    except ImportError as error:
        mend = 'Install it with: python -m pip install "spmforecast[dask]".'
        raise InputError(Problem("scenario", "Dask is not installed", mend, column="dask", value=cluster)) from error
    from joblib import parallel_config

    try:
        yield Client(cluster, set_as_default=True, timeout=_PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        told = f"no Dask scheduler answers ({error})"
        mend = "Start one with: dask scheduler, or check the address."
        raise InputError(Problem("scenario", told, mend, column="dask", value=cluster)) from error
    yield parallel_config(backend="dask")
