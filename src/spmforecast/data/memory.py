"""Memory for arrays of millions of cells."""

from __future__ import annotations

import mmap
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["ORDINARY", "noughts", "room"]

T = TypeVar("T", bound=np.generic)

ORDINARY = pa.system_memory_pool()
"""Memory in ordinary pages.

NumPy and Arrow ask for pages of 2 MB where an array is long. A virtual machine may have to fetch such pages from its
host one by one, which can take longer than to read the file; ordinary ones cost little everywhere.
"""


def room(size: int, kind: type[T] | np.dtype[T]) -> npt.NDArray[T]:
    """Return an array in ordinary memory that is still to be filled, shape (size,)."""
    dtype = np.dtype(kind)
    return np.frombuffer(pa.allocate_buffer(size * dtype.itemsize, memory_pool=ORDINARY), dtype=dtype)


def noughts(size: int) -> pa.Buffer:
    """Return so many bytes that are nought; they take no room as long as nobody writes to them."""
    return pa.py_buffer(mmap.mmap(-1, max(size, 1)))  # memory that was used before would have to be cleared
