"""Pieces: one file, brought by its mapping to the columns of one table, still as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.maps import Condition, Join, Loc, Map, TableMap
from spmforecast.data.sources import RawTable, Source
from spmforecast.data.sources.columns import as_text, is_text
from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["LEFT_OUT_BY_WHERE", "MISSING_COLUMN", "Piece", "make_piece"]

LEFT_OUT_BY_WHERE = "left out by where"
MISSING_COLUMN = "a required column is missing"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Piece:
    """Rows of one file for one table.

    Parameters
    ----------
    table, file : str
        Canonical table and file.
    frame : pandas.DataFrame
        n rows of text under the table's column names, extra columns behind them; empty cells as empty text.
    lines : numpy.ndarray of int, shape (n,)
        Lines in the file.
    broken : tuple of Problem
        Rows that could not be read as cells.
    exclusions : mapping of str to int
        Rows left out on purpose, by reason.
    excluded_ids : frozenset of str
        ``opportunity_id`` of rows left out, where there is one.
    dates : mapping of str to str
        strptime format of date columns that are not ISO 8601.
    notes : tuple of str
        What is odd but was kept.
    """

    table: str
    file: str
    frame: pd.DataFrame
    lines: npt.NDArray[np.int64]
    broken: tuple[Problem, ...] = ()
    exclusions: Mapping[str, int] = field(default_factory=dict)
    excluded_ids: frozenset[str] = frozenset()
    dates: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def read(self) -> int:
        """Rows read from the file: usable so far, broken and left out."""
        return len(self.frame) + len(self.broken) + sum(self.exclusions.values())

    def without(self, out: Mask, reason: str) -> Piece:
        """Leave rows out on purpose."""
        exclusions = {**self.exclusions, reason: self.exclusions.get(reason, 0) + int(out.sum())}
        kept = self.frame[~out].reset_index(drop=True)
        return replace(self, frame=kept, lines=self.lines[~out], exclusions=exclusions)


def make_piece(
    source: Source, table: str, name: str, mapping: TableMap | None = None, of: Map | None = None, place: int = 0
) -> Piece:
    """Read a file and bring it to the columns of a table.

    Parameters
    ----------
    source : Source
        Where files are.
    table, name : str
        Canonical table, and the file's name in the source.
    mapping : TableMap, optional
        How to map it; without, columns must already have canonical names.
    of : Map, optional
        The map that `mapping` is the `place`-th mapping of `table` in, for messages.

    Returns
    -------
    Piece

    Raises
    ------
    InputError
        If the file cannot be read, the mapping names columns that are not there, or a required column is missing;
        every problem at once.
    """
    raw = source.read(name, table)
    frame, notes = _stripped(raw)
    piece = Piece(table, raw.file, frame, raw.lines, raw.broken, raw.exclusions, notes=(*raw.notes, *notes))
    if mapping is not None:
        assert of is not None, "a mapping comes with its map"
        piece = _Mapper(source, mapping, of, ("tables", table, place)).apply(piece)
    missing = _missing_columns(piece)
    if missing:
        raise InputError(missing)
    return replace(piece, notes=piece.notes + _near_misses(piece))


def _stripped(raw: RawTable) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Take blanks off both ends of every cell, and say where there were any."""
    out, notes = {}, []
    for name in raw.frame.columns:
        if not is_text(raw.frame[name]):
            out[name] = raw.frame[name]
            continue
        bare = raw.frame[name].str.strip()
        changed = int((bare != raw.frame[name]).sum())
        if changed:
            notes.append(f"{raw.file}: {changed:,} cells of {name} read without the blanks around them")
        out[name] = bare
    return pd.DataFrame(out, index=raw.frame.index), tuple(notes)


def _missing_columns(piece: Piece) -> list[Problem]:
    table = TABLES[piece.table]
    spare = [name for name in piece.frame.columns if table.column(name) is None]
    problems = []
    for name in table.required:
        if name not in piece.frame.columns:
            near = nearest(name, spare)
            mend = f"Did you mean {near}? Rename it, or map it." if near else "Add the column, or map one to it."
            problems.append(Problem(piece.table, MISSING_COLUMN, mend, piece.file, 1, name, near or ""))
    return problems


def _near_misses(piece: Piece) -> tuple[str, ...]:
    """Say which extra columns look like misspelt canonical ones."""
    table = TABLES[piece.table]
    absent = [name for name in table.names if name not in piece.frame.columns]
    notes = []
    for name in piece.frame.columns:
        near = nearest(name, absent, cutoff=0.85) if table.column(name) is None else None
        if near:
            notes.append(f"{piece.file}: {name} is kept as an extra column; did you mean {near}?")
    return tuple(notes)


@dataclass
class _Mapper:
    """Applies one mapping; collects what is wrong with it before raising."""

    source: Source
    mapping: TableMap
    of: Map
    loc: Loc
    problems: list[Problem] = field(default_factory=list)

    def apply(self, piece: Piece) -> Piece:
        mapping = self.mapping
        judged = [*mapping.where, *(name for exclude in mapping.exclude for name in exclude.where)]
        joined = [name for join in mapping.join for name in join.on]
        frame, notes = self._joined(_worded(piece.frame, joined))
        frame = _worded(frame, judged)
        kept, exclusions = self._kept(frame)
        self._known("drop", mapping.drop, frame.columns)
        self._known("rename", mapping.rename, frame.columns)
        frame = self._renamed(frame.drop(columns=list(mapping.drop), errors="ignore"))
        frame = self._filled(frame, piece.table)
        if self.problems:
            raise InputError(self.problems)
        ids = frame["opportunity_id"][~kept] if "opportunity_id" in frame else pd.Series([], dtype="str")
        return replace(
            piece,
            frame=frame[kept].reset_index(drop=True),
            lines=piece.lines[kept],
            exclusions={**piece.exclusions, **exclusions},
            excluded_ids=frozenset(ids),
            dates=mapping.dates,
            notes=(*piece.notes, *notes),
        )

    def _known(self, key: str, names: Iterable[str], columns: Iterable[str], prefix: Loc = ()) -> bool:
        """Note every name that is not a column; tell whether all are."""
        there = list(columns)
        wrong = [name for name in names if name not in there]
        for name in wrong:
            near = nearest(name, there)
            mend = f"Did you mean {near}?" if near else f"The columns are {', '.join(there)}."
            loc = (*self.loc, *prefix, key, name)
            self.problems.append(self.of.problem(loc, f"{self.mapping.file} has no such column", mend, name))
        return not wrong

    def _joined(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        notes: list[str] = []
        for place, join in enumerate(self.mapping.join):
            at: Loc = ("join", place)
            try:
                other = self._lookup(join, at)
            except InputError as error:
                self.problems += error.problems
                continue
            here = self._known("on", join.on, frame.columns, at)
            there = self._known_there(join, other, at)
            if here and there:
                frame, note = self._take(frame, other, join, at)
                notes += note
        return frame, notes

    def _lookup(self, join: Join, at: Loc) -> pd.DataFrame:
        try:
            raw = self.source.read(join.file, str(self.loc[1]))
        except InputError as error:
            if any(problem.line is not None for problem in error.problems):
                raise
            # A file that is not there is the map's fault: say where the map names it.
            loc = (*self.loc, *at, "file")
            told = error.problems[0]
            raise InputError(self.of.problem(loc, told.reason, told.mend, join.file)) from error
        if raw.broken:
            raise InputError(raw.broken)
        other = _stripped(raw)[0]
        return _worded(other, other.columns)

    def _known_there(self, join: Join, other: pd.DataFrame, at: Loc) -> bool:
        there = list(other.columns)
        wrong = [("on", here, name) for here, name in join.on.items() if name not in there]
        wrong += [("take", name, name) for name in join.take if name not in there]
        for key, entry, name in wrong:
            near = nearest(name, there)
            mend = f"Did you mean {near}?" if near else f"The columns are {', '.join(there)}."
            loc = (*self.loc, *at, key, entry)
            self.problems.append(self.of.problem(loc, f"{join.file} has no such column", mend, name))
        return not wrong

    def _take(self, frame: pd.DataFrame, other: pd.DataFrame, join: Join, at: Loc) -> tuple[pd.DataFrame, list[str]]:
        """Look columns up by key; a row without a match gets empty cells."""
        there = pd.MultiIndex.from_frame(other[list(join.on.values())])
        twice = there.duplicated()
        taken = [name for name in join.take.values() if name in frame.columns]
        if twice.any():
            found = " | ".join(map(str, there[twice][0]))
            mend = "Keep one row a key over there, or join on more columns."
            told = f"the key is not unique in {join.file}"
            self.problems.append(self.of.problem((*self.loc, *at, "on"), told, mend, found))
        for name in taken:
            mend = "Take it under another name."
            loc = (*self.loc, *at, "take")
            self.problems.append(self.of.problem(loc, "the file already has a column of that name", mend, name))
        if twice.any() or taken:
            return frame, []
        row = there.get_indexer(pd.MultiIndex.from_frame(frame[list(join.on)].set_axis(there.names, axis=1)))
        looked_up = {new: _at(other[old], row, frame.index) for old, new in join.take.items()}
        without = np.flatnonzero((row < 0) & (frame[list(join.on)] != "").any(axis=1).to_numpy())
        notes = []
        if len(without):
            first = " | ".join(frame[list(join.on)].iloc[int(without[0])])
            notes.append(f"{self.mapping.file}: {len(without):,} rows have no match in {join.file} (first: {first})")
        return frame.assign(**looked_up), notes

    def _kept(self, frame: pd.DataFrame) -> tuple[Mask, dict[str, int]]:
        """Tell which rows stay, and count the others by reason; a row is counted once."""
        kept = np.ones(len(frame), dtype=bool)
        counts: dict[str, int] = {}
        if self.mapping.where and self._known("where", self.mapping.where, frame.columns):
            kept = _meets(frame, self.mapping.where)
            counts[LEFT_OUT_BY_WHERE] = int((~kept).sum())
        for place, exclude in enumerate(self.mapping.exclude):
            if self._known("where", exclude.where, frame.columns, ("exclude", place)):
                out = kept & _meets(frame, exclude.where)
                counts[exclude.reason] = counts.get(exclude.reason, 0) + int(out.sum())
                kept &= ~out
        return kept, {reason: rows for reason, rows in counts.items() if rows}

    def _renamed(self, frame: pd.DataFrame) -> pd.DataFrame:
        out: dict[str, pd.Series] = {}
        for name in frame.columns:
            for new in self.mapping.rename.get(name, (name,)):
                if new in out:
                    mend = "Drop or rename the one that is not meant."
                    told = f"two columns of {self.mapping.file} would be called the same"
                    self.problems.append(self.of.problem((*self.loc, "rename", name), told, mend, new))
                out[new] = frame[name]
        return pd.DataFrame(out, index=frame.index)

    def _filled(self, frame: pd.DataFrame, table: str) -> pd.DataFrame:
        """Set constants, translate values, then fill what is empty."""
        mapping = self.mapping
        frame = frame.assign(**{name: _constant(value, frame.index) for name, value in mapping.constant.items()})
        canonical = TABLES[table].names
        self._known("default", mapping.default, [*frame.columns, *canonical])
        for key, named in (("values", mapping.values), ("dates", mapping.dates)):
            self._known(key, named, frame.columns)
        for name in mapping.default:
            if name not in frame.columns:
                frame[name] = _constant("", frame.index)
        frame = _worded(frame, [*mapping.values, *mapping.default])
        for name, table_of in mapping.values.items():
            if name in frame.columns:
                frame[name] = _translated(frame[name], table_of)
        for name, value in mapping.default.items():
            frame[name] = frame[name].mask(frame[name] == "", value)
        return frame


def _worded(frame: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Write as text the columns that a map compares or fills, because maps speak in texts."""
    typed = [name for name in dict.fromkeys(names) if name in frame.columns and not is_text(frame[name])]
    return frame.assign(**{name: as_text(frame[name]) for name in typed}) if typed else frame


def _constant(value: str, index: pd.Index) -> pd.Series:
    return pd.Series(value, index=index, dtype="str")


def _at(values: pd.Series, row: npt.NDArray[np.intp], index: pd.Index) -> pd.Series:
    """Pick values by row; an empty text where the row is negative."""
    padded = np.append(values.to_numpy(dtype=object), "")
    return pd.Series(padded[row], index=index, dtype="str")


def _translated(values: pd.Series, table: Mapping[str, str]) -> pd.Series:
    """Translate filled cells; ``*`` stands for every value not listed, which else stays as it is."""
    known = {old: new for old, new in table.items() if old != "*"}
    new = values.map(known).astype("str")
    rest = values if "*" not in table else values.mask(values != "", table["*"])
    return new.fillna(rest)


def _meets(frame: pd.DataFrame, where: Mapping[str, Condition]) -> Mask:
    """Tell which rows meet every condition."""
    met = np.ones(len(frame), dtype=bool)
    for name, condition in where.items():
        values = frame[name]
        if condition.equals is not None:
            met &= values.isin(condition.equals).to_numpy()
        if condition.none_of is not None:
            met &= ~values.isin(condition.none_of).to_numpy()
        if condition.empty is not None:
            met &= (values == "").to_numpy() == condition.empty
    return met
