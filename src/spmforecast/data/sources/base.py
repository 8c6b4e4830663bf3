"""What every source gives: raw tables, with the line of each row, and the names under which they are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.history import SourceFile
from spmforecast.errors import Problem

__all__ = ["CanonicalSource", "Origin", "RawTable", "Source", "below_header"]


class Origin(Protocol):
    """Text that was typed when it was read."""

    def cells(self, name: str, lines: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        """Return the cells of a column on some lines as they are written."""


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as it stands in its source.

    Parameters
    ----------
    file : str
        Name of the file or table, relative to its source.
    frame : pandas.DataFrame
        n rows. Each column is either text (dtype ``str``, empty cells as empty text) or, where the source knows types,
        one of those that :func:`~spmforecast.data.sources.columns.raw_frame` leaves: float64, int64 or datetime64 with
        or without a zone; missing as pandas has it.
    numbers : numpy.ndarray of int, shape (n,), or None
        Line on which each row begins; None where every row is one line, below the header.
    broken : tuple of Problem
        Rows that could not be told apart into cells, one problem each; they are not in `frame`.
    notes : tuple of str
        What was passed over or found out, such as an encoding.
    exclusions : mapping of str to int
        Rows that the source left out on purpose, by reason; they are not in `frame`.
    origin : Origin, optional
        Tells how the cells of typed columns are written, where the source is text.
    bare : frozenset of str
        Columns of which the source saw that no cell begins or ends with a blank.
    """

    file: str
    frame: pd.DataFrame
    numbers: npt.NDArray[np.int64] | None = None
    broken: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    exclusions: Mapping[str, int] = field(default_factory=dict)
    origin: Origin | None = None
    bare: frozenset[str] = frozenset()

    @cached_property
    def lines(self) -> npt.NDArray[np.int64]:
        """Line on which each row begins; the header is line 1, so the first row of a database table is line 2."""
        return below_header(len(self.frame)) if self.numbers is None else self.numbers

    @property
    def rows(self) -> int:
        """Rows read, the broken ones and those left out among them."""
        return len(self.frame) + len(self.broken) + sum(self.exclusions.values())


def below_header(rows: int) -> npt.NDArray[np.int64]:
    """Return the lines of rows that stand one below the other, the first of them on line 2."""
    return np.arange(2, rows + 2, dtype=np.int64)


class Source(Protocol):
    """Where raw tables come from."""

    def names(self) -> tuple[str, ...]:
        """Return the names of everything that could be read as a table, in order."""

    def find(self, table: str) -> str | None:
        """Return the name under which a canonical table is found, or None."""

    def read(self, name: str, table: str) -> RawTable:
        """Read what a name stands for; problems are told as those of `table`.

        Raises
        ------
        InputError
            If there is nothing of that name or it cannot be read at all.
        """

    def files(self) -> tuple[SourceFile, ...]:
        """Return every file read so far, by name."""

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note for each thing in the source that is not among the names used."""


@runtime_checkable
class CanonicalSource(Protocol):
    """A source that is quicker where columns have canonical names, because it types dates and numbers at once."""

    def read_canonical(self, name: str, table: str) -> RawTable:
        """Read as :meth:`Source.read` does; columns of a kind may be typed."""
