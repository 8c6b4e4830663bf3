"""Memory for arrays of millions of cells."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["room"]

T = TypeVar("T", bound=np.generic)


def room(size: int, kind: type[T] | np.dtype[T]) -> npt.NDArray[T]:
    """Return an array that is still to be filled, shape (size,).

    NumPy asks for pages of 2 MB where an array is long. A virtual machine may have to fetch such pages from its host
    one by one, which can take longer than to read the file; ordinary pages cost little everywhere.
    """
    dtype = np.dtype(kind)
    buffer = pa.allocate_buffer(size * dtype.itemsize, memory_pool=pa.system_memory_pool())
    return np.frombuffer(buffer, dtype=dtype)
