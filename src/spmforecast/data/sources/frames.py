"""Tables in memory as a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from spmforecast.data.history import SourceFile
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.columns import frame_hash, raw_frame
from spmforecast.data.sources.headers import no_column_twice, numbered
from spmforecast.errors import InputError, Problem

__all__ = ["FrameSource"]


@dataclass
class FrameSource:
    """Canonical tables in memory; the line of a row is what it would be in a CSV file.

    Parameters
    ----------
    frames : mapping of str to pandas.DataFrame
        By table name. Dates may be text or datetime64, missing values any that pandas knows.
    """

    frames: Mapping[str, pd.DataFrame]
    _seen: dict[str, SourceFile] = field(default_factory=dict, init=False)

    def names(self) -> tuple[str, ...]:
        """Return the names of the frames."""
        return tuple(self.frames)

    def find(self, table: str) -> str | None:
        """Return the table's own name where it is there."""
        return table if table in self.frames else None

    def read(self, name: str, table: str) -> RawTable:
        """Give a frame as a raw table.

        Raises
        ------
        InputError
            If there is no frame of that name.
        """
        if name not in self.frames:
            raise InputError(Problem(table, "there is no such table", "Give it, or name another one.", file=name))
        no_column_twice(map(str, self.frames[name].columns), table, name)
        frame = raw_frame(self.frames[name])
        self._seen[name] = SourceFile(name, *frame_hash(frame))
        return numbered(name, frame, table)

    def files(self) -> tuple[SourceFile, ...]:
        """Return every table read so far, by name."""
        return tuple(self._seen[name] for name in sorted(self._seen))

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note for each frame that is not used."""
        return tuple(f"{name} is not used: it is none of the tables" for name in self.frames if name not in used)
