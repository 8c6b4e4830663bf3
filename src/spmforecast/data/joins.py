"""Joins: columns looked up in another file by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from spmforecast.data.cells import blank, picked, worded
from spmforecast.data.maps import Join, Loc, Map
from spmforecast.data.naming import find_name, fold_column
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["Joiner", "Lookup"]

Lookup = Callable[[Sequence[str], bool], tuple[str, pd.DataFrame] | None]
"""Reads another file: called with its names and whether it may be absent, returns the one found and its rows."""

_MOST_COMPARED = 10_000


@dataclass
class Joiner:
    """Applies the joins of one mapping; collects what is wrong with them.

    Parameters
    ----------
    file : str
        The mapped file.
    of : Map
        The map.
    loc : tuple
        Where the mapping stands in it.
    lookup : callable
        Reads another file: called with its names and whether it may be absent, returns the one found and its rows as
        text, or None.
    """

    file: str
    of: Map
    loc: Loc
    lookup: Lookup
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def join(self, frame: pd.DataFrame, join: Join, place: int, absent: set[str]) -> pd.DataFrame:
        """Add the columns that a join takes; names of those that an optional one cannot give join `absent`."""
        at: Loc = ("join", place)
        found = self._other(join, at)
        if found is None or (join.optional and any(name in absent for name in join.on)):
            absent |= {name for name in join.take.values() if name not in frame.columns} if join.optional else set()
            return frame
        name, other = found
        here = self._known_here(join, frame, at, absent)
        there = self._known_there(join, name, other, at)
        return self._taken(worded(frame, join.on), other, name, join, there, at) if here and there else frame

    def _other(self, join: Join, at: Loc) -> tuple[str, pd.DataFrame] | None:
        try:
            found = self.lookup(join.file, join.optional)
        except InputError as error:
            if any(problem.line is not None for problem in error.problems):
                self.problems += error.problems
            else:
                # A file that is not there is the map's fault: say where the map names it.
                told = error.problems[0]
                self._problem((*at, "file"), told.reason, told.mend, join.file[0])
            return None
        if found is None and not join.optional:
            listed = ", ".join(join.file)
            self._problem((*at, "file"), "none of these files is there", "Add it, or say optional: true.", listed)
        return found

    def _problem(self, loc: Loc, reason: str, mend: str, value: str) -> None:
        self.problems.append(self.of.problem((*self.loc, *loc), reason, mend, value))

    def _known_here(self, join: Join, frame: pd.DataFrame, at: Loc, absent: set[str]) -> bool:
        there = list(frame.columns)
        wrong = [name for name in join.on if name not in there]
        for name in wrong:
            near = nearest(name, there)
            mend = f"Did you mean {near}?" if near else f"The columns are {', '.join(there)}."
            told = f"{self.file} has no such column"
            if name in absent:
                told, mend = f"{self.file} has no column for it", "Say optional: true in the join, or add the column."
            self._problem((*at, "on", name), told, mend, name)
        return not wrong

    def _known_there(self, join: Join, file: str, other: pd.DataFrame, at: Loc) -> dict[str, str]:
        """Find the other file's columns by the names that the map gives them; empty if one is missing."""
        out: dict[str, str] = {}
        wrong = False
        for key, entry, name in [
            *(("on", here, name) for here, name in join.on.items()),
            *(("take", name, name) for name in join.take),
        ]:
            found = find_name((name,), other.columns, fold_column)
            if len(found) == 1:
                out[name] = found[0]
                continue
            wrong = True
            near = nearest(name, other.columns)
            mend = f"Did you mean {near}?" if near else f"The columns are {', '.join(other.columns)}."
            self._problem((*at, key, entry), f"{file} has no such column", mend, name)
        return {} if wrong else out

    def _taken(
        self, frame: pd.DataFrame, other: pd.DataFrame, file: str, join: Join, names: dict[str, str], at: Loc
    ) -> pd.DataFrame:
        """Look columns up by key; a row without a match gets empty cells."""
        there = pd.MultiIndex.from_frame(other[[names[name] for name in join.on.values()]])
        twice = there.duplicated()
        taken = [name for name in join.take.values() if name in frame.columns]
        if twice.any():
            found = " | ".join(map(str, there[twice][0]))
            mend = "Keep one row a key over there, or join on more columns."
            self._problem((*at, "on"), f"the key is not unique in {file}", mend, found)
        for name in taken:
            told, mend = "the file already has a column of that name", "Take it under another name."
            self._problem((*at, "take"), told, mend, name)
        if twice.any() or taken:
            return frame
        keys = frame[list(join.on)]
        row = there.get_indexer(pd.MultiIndex.from_frame(keys.set_axis(there.names, axis=1)))
        without = np.flatnonzero((row < 0) & (keys != "").any(axis=1).to_numpy())
        if len(without):
            self.notes.append(self._missed(keys, without, there, file))
        looked_up = {new: picked(other[names[old]], row, frame.index) for old, new in join.take.items()}
        return (
            frame.assign(**looked_up)
            if len(other)
            else frame.assign(**{new: blank(frame.index) for new in join.take.values()})
        )

    def _missed(self, keys: pd.DataFrame, without: np.ndarray, there: pd.MultiIndex, file: str) -> str:
        """Say how many rows have no match, and what the first of them most likely means."""
        first = " | ".join(keys.iloc[int(without[0])])
        near = nearest(first, [" | ".join(map(str, key)) for key in there[:_MOST_COMPARED]])
        meant = f"; did you mean {near}?" if near else ""
        return f"{self.file}: {len(without):,} rows have no match in {file} (first: {first}{meant})"
