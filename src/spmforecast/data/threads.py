"""Threads: the same work on parts of something long, on every core; NumPy and Arrow let others run while they work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from spmforecast.arrays import in_turn

__all__ = ["MANY", "each", "in_blocks"]

S = TypeVar("S")
T = TypeVar("T")

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
