"""Threads: the same work on parts of something long, on every core; NumPy and Arrow let others run while they work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Condition, Lock
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from spmforecast.arrays import in_turn
from spmforecast.data.memory import room

__all__ = ["MANY", "ahead", "block_by_block", "each", "in_blocks", "in_line"]

S = TypeVar("S")
T = TypeVar("T")
V = TypeVar("V", bound=np.generic)

MANY = 200_000
"""Rows from which threads are worth their while."""

_TASKS = 16  # among which items are dealt out: enough for cores to finish together, few enough to cost nothing


def each(do: Callable[[S], T], items: Sequence[S], rows: int) -> list[T]:
    """Do the same with each of some items, which concern so many rows; results come in the order of the items."""
    if rows < MANY or len(items) < 2:
        return [do(item) for item in items]
    size = -(-len(items) // _TASKS)
    shares = [items[start : start + size] for start in range(0, len(items), size)]
    done = in_turn(lambda share: [do(item) for item in share], shares, many=True)
    return [one for share in done for one in share]


def in_blocks(do: Callable[[slice], T], rows: int, block: int) -> list[T]:
    """Do the same with every block of so many rows; results come in the order of the rows."""
    return each(do, [slice(start, min(start + block, rows)) for start in range(0, rows, block)], rows)


def block_by_block(
    do: Callable[[slice], npt.NDArray[np.generic]], rows: int, block: int, kind: type[V]
) -> npt.NDArray[V]:
    """Return an array of a kind, shape (rows,), made block by block."""
    out = room(rows, kind)

    def put(part: slice) -> None:
        out[part] = do(part)

    in_blocks(put, rows, block)
    return out


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Hand out items; while one of them is used, the next one is made in another thread."""
    coming = iter(items)

    def following() -> list[T]:
        return list(islice(coming, 1))

    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(following)
        while item := later.result():
            later = pool.submit(following)
            yield item[0]


def in_line(items: Iterable[S], do: Callable[[S], T], put: Callable[[T], object]) -> None:
    """Do the same with each item in as many threads as there are cores; what comes of each is put in their order.

    Every thread takes the next item, does with it what is to be done and waits for its turn to put, so that no more
    items are held than there are threads. Of the items that fail, or cannot be had, the first one's error is raised.
    """
    coming, turn = _Numbered(items), Condition()
    put_by_now = 0

    def work() -> None:
        nonlocal put_by_now
        for number, item in coming:
            try:
                done = do(item)
                with turn:
                    while not coming.failed and put_by_now != number:
                        turn.wait()
                if not coming.failed:
                    put(done)
            except BaseException as error:  # whatever it is, others wait for the turn of this item
                coming.failed[number] = error
            with turn:
                put_by_now += 1
                turn.notify_all()

    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        for thread in [pool.submit(work) for _ in range(cores)]:
            thread.result()
    if coming.failed:
        raise coming.failed[min(coming.failed)]


class _Numbered(Generic[S]):
    """Items with their numbers, for whichever thread asks next, until one of them fails or cannot be had."""

    def __init__(self, items: Iterable[S]) -> None:
        self.items, self.taken, self.lock = iter(items), 0, Lock()
        self.failed: dict[int, BaseException] = {}

    def __iter__(self) -> Iterator[tuple[int, S]]:
        while not self.failed:
            with self.lock:
                number = self.taken
                try:
                    one = list(islice(self.items, 1))
                except BaseException as error:
                    self.failed[number] = error
                    return
                self.taken += len(one)
            if not one:
                return
            yield number, one[0]
