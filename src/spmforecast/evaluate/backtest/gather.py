"""All origins of a backtest: those that are stored are read, the others are worked out, here or in other processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from spmforecast.data import History
from spmforecast.evaluate.backtest.origins import BacktestSettings, Origin
from spmforecast.evaluate.backtest.predict import Told, tell
from spmforecast.evaluate.backtest.stored import Store, fingerprint, from_bytes, to_bytes
from spmforecast.simulate.workers import in_order

__all__ = ["gather"]

Progress = Callable[[int, int], None]
_Task = tuple[Origin, str, History]


def gather(
    history: History,
    origins: Sequence[Origin],
    settings: BacktestSettings,
    jobs: int = 1,
    store: Store | None = None,
    code: str = "",
    progress: Progress | None = None,
) -> list[Told]:
    """Let every origin speak.

    Parameters
    ----------
    history : History
        The whole record; each origin gets what was known then.
    origins : sequence of Origin
        In order of time.
    settings : BacktestSettings
        What to fit and simulate.
    jobs : int
        Processes; they change nothing that is said.
    store : Store, optional
        Where earlier runs left what they said; each origin is put there as soon as it is done.
    code : str
        Stands for the program in the names of the store.
    progress : callable, optional
        Called with the origins done and wanted.

    Returns
    -------
    list of Told
        In the order of `origins`.
    """
    found: dict[str, Told] = {}

    def done(name: str, told: Told) -> None:
        found[name] = told
        if progress is not None:
            progress(len(found), len(origins))

    def missing() -> Iterator[_Task]:
        for origin in origins:
            known = history.as_of(origin.as_of)
            key = "" if store is None else f"{origin.name}-{fingerprint(known, origin, settings, code)}"
            told = _stored(store, key)
            if told is None:
                yield origin, key, known
            else:
                done(origin.name, told)

    for name, key, told in _spoken(missing(), settings, jobs):
        if store is not None:
            store.put(key, to_bytes(told))
        done(name, told)
    return [found[origin.name] for origin in origins]


def _stored(store: Store | None, key: str) -> Told | None:
    """Read an origin of an earlier run; one that was cut off midway is worked out again."""
    data = None if store is None else store.get(key)
    if data is None:
        return None
    try:
        return from_bytes(data)
    except ValueError:
        return None


def _spoken(tasks: Iterator[_Task], settings: BacktestSettings, jobs: int) -> Iterator[tuple[str, str, Told]]:
    """Work out origins in order, taking up only as many as are in work."""
    if jobs == 1:
        yield from (_speak(task, settings) for task in tasks)
        return
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
    yield from in_order(parallel, (delayed(_speak)(task, settings) for task in tasks))


def _speak(task: _Task, settings: BacktestSettings) -> tuple[str, str, Told]:
    origin, key, known = task
    return origin.name, key, tell(known, origin, settings)
