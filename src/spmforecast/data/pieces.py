"""Pieces: one file, brought by its mapping to the columns of one table, still as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.arrow import arrow_of, has_blank_ends
from spmforecast.data.cells import worded
from spmforecast.data.mapper import LEFT_OUT_BY_WHERE, Mapped, Mapper
from spmforecast.data.maps import Loc, Map, TableMap
from spmforecast.data.naming import find_name, fold_file
from spmforecast.data.sources import RawTable, Source
from spmforecast.data.sources.base import CanonicalSource, Origin, below_header
from spmforecast.data.sources.columns import is_text
from spmforecast.data.tables import TABLES
from spmforecast.data.threads import each
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["LEFT_OUT_BY_WHERE", "MISSING_COLUMN", "Piece", "find_file", "make_piece", "mapped_file"]

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
    numbers : numpy.ndarray of int, shape (n,), or None
        Lines in the file; None where every row is one line, below the header.
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
    broken_ids : frozenset of str
        ``opportunity_id`` of broken rows, where it could be read.
    names : frozenset of str
        Names in the source of everything that was read for it.
    translations : mapping of (str, str, str) to int
        Rows by column, old text and new one, of the names that the map writes otherwise.
    origin : Origin, optional
        Tells how the cells of typed columns are written, where the source is text.
    """

    table: str
    file: str
    frame: pd.DataFrame
    numbers: npt.NDArray[np.int64] | None
    broken: tuple[Problem, ...] = ()
    exclusions: Mapping[str, int] = field(default_factory=dict)
    excluded_ids: frozenset[str] = frozenset()
    dates: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    broken_ids: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    translations: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    origin: Origin | None = None

    @cached_property
    def lines(self) -> npt.NDArray[np.int64]:
        """Lines in the file, shape (n,); made when they are asked for."""
        return below_header(len(self.frame)) if self.numbers is None else self.numbers

    @property
    def read(self) -> int:
        """Rows read from the file: usable so far, broken and left out."""
        return len(self.frame) + len(self.broken) + sum(self.exclusions.values())

    def without(self, out: Mask, reason: str) -> Piece:
        """Leave rows out on purpose."""
        exclusions = {**self.exclusions, reason: self.exclusions.get(reason, 0) + int(out.sum())}
        kept = self.frame[~out].reset_index(drop=True)
        return replace(self, frame=kept, numbers=self.lines[~out], exclusions=exclusions)


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
    # What a map says of a column's cells speaks of their text.
    canonical = source if mapping is None and isinstance(source, CanonicalSource) else None
    raw = source.read(name, table) if canonical is None else canonical.read_canonical(name, table)
    frame, notes = _stripped(raw)
    piece = Piece(table, raw.file, frame, raw.numbers, raw.broken, raw.exclusions, notes=(*raw.notes, *notes))
    piece = replace(piece, names=frozenset({name}), origin=raw.origin)
    if mapping is not None:
        assert of is not None, "a mapping comes with its map"
        piece = _mapped(piece, source, mapping, of, ("tables", table, place))
    missing = _missing_columns(piece, mapping)
    if missing:
        raise InputError(missing)
    return replace(piece, notes=piece.notes + _near_misses(piece))


def find_file(source: Source, files: Sequence[str], table: str, optional: bool) -> str | None:
    """Find the file that a map names.

    Parameters
    ----------
    source : Source
        Where files are.
    files : sequence of str
        Names, of which the first that is there counts. A single name with a suffix (``deals.csv``) is taken as it is;
        others are compared without suffix, case, blanks, ``_``, plural and the prefixes of warehouses.
    table : str
        Canonical table, for messages.
    optional : bool
        Whether a single name with a suffix must be there to be found.

    Returns
    -------
    str or None
        The name in the source; None where none is there.

    Raises
    ------
    InputError
        If several files are meant by one name.
    """
    if not optional and len(files) == 1 and "." in files[0]:
        return files[0]
    found = find_name(files, source.names(), fold_file)
    if len(found) > 1:
        told = f"{' and '.join(found)} could both be meant"
        raise InputError(Problem(table, told, "Keep one of them, or name it in full in a map.", file=found[0]))
    return found[0] if found else None


def mapped_file(source: Source, mapping: TableMap, of: Map, table: str, place: int) -> str | None:
    """Find the file of the `place`-th mapping of a table; None where it is optional and absent.

    Raises
    ------
    InputError
        If it must be there and none of its names is, or several are meant.
    """
    name = find_file(source, mapping.file, table, mapping.optional)
    if name is None and not mapping.optional:
        there = source.names()
        near = nearest(mapping.file[0], there)
        mend = f"Did you mean {near}?" if near else f"The source has {', '.join(there) or 'nothing that can be read'}."
        listed = ", ".join(mapping.file)
        told = "the file is not there" if len(mapping.file) == 1 else "none of these files is there"
        raise InputError(of.problem(("tables", table, place, "file"), told, mend, listed))
    return name


def _mapped(piece: Piece, source: Source, mapping: TableMap, of: Map, loc: Loc) -> Piece:
    """Apply a mapping; rows with a cell that cannot be brought to the table's form are broken."""
    used = set(piece.names)

    def lookup(files: Sequence[str], optional: bool) -> tuple[str, pd.DataFrame] | None:
        name = find_file(source, files, piece.table, optional)
        if name is None:
            return None
        raw = source.read(name, piece.table)
        if raw.broken:
            raise InputError(raw.broken)
        used.add(name)
        other = _stripped(raw)[0]
        return name, worded(other, other.columns)

    done = Mapper(piece.table, piece.file, mapping, of, loc, lookup).apply(piece.frame)
    faulty, told = _faults(piece, done)
    good = done.kept & ~faulty
    ids = done.frame.get("opportunity_id")
    return replace(
        piece,
        frame=done.frame[good].reset_index(drop=True),
        numbers=piece.lines[good],
        broken=(*piece.broken, *told),
        broken_ids=frozenset() if ids is None else frozenset(ids[faulty]),
        exclusions={**piece.exclusions, **done.exclusions},
        excluded_ids=frozenset() if ids is None else frozenset(ids[~done.kept]),
        dates=mapping.dates,
        notes=(*piece.notes, *done.notes),
        names=frozenset(used),
        translations=done.translations,
    )


def _faults(piece: Piece, done: Mapped) -> tuple[npt.NDArray[np.bool_], list[Problem]]:
    """Return which rows have a cell that cannot be brought to the table's form, and the first such cell of each."""
    faulty = np.zeros(len(done.frame), dtype=bool)
    told: list[Problem] = []
    for fault in sorted(done.faults, key=lambda fault: fault.row):
        if not faulty[fault.row]:
            line = int(piece.lines[fault.row])
            told.append(Problem(piece.table, fault.reason, fault.mend, piece.file, line, fault.column, fault.value))
        faulty[fault.row] = True
    return faulty, told


def _stripped(raw: RawTable) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Take blanks off both ends of every cell, and say where there were any."""
    out, notes = {}, []
    unseen = [name for name in raw.frame.columns if name not in raw.bare and is_text(raw.frame[name])]
    blank = each(has_blank_ends, [arrow_of(raw.frame[name]) for name in unseen], len(raw.frame))
    suspect = {name for name, found in zip(unseen, blank, strict=True) if found}
    for name in raw.frame.columns:
        if name not in suspect:
            out[name] = raw.frame[name]
            continue
        bare = raw.frame[name].str.strip()
        changed = int((bare != raw.frame[name]).sum())
        if changed:
            notes.append(f"{raw.file}: {changed:,} cells of {name} read without the blanks around them")
        out[name] = bare
    return pd.DataFrame(out, index=raw.frame.index, copy=False), tuple(notes)


def _missing_columns(piece: Piece, mapping: TableMap | None) -> list[Problem]:
    table = TABLES[piece.table]
    spare = [name for name in piece.frame.columns if table.column(name) is None]
    sought = {} if mapping is None else mapping.columns
    problems = []
    for name in table.required:
        if name not in piece.frame.columns:
            near = nearest(name, spare)
            mend = f"Did you mean {near}? Rename it, or map it." if near else "Add the column, or map one to it."
            if name in sought:
                mend = f"Add a column called {' or '.join(sought[name])}."
            problems.append(Problem(piece.table, MISSING_COLUMN, mend, piece.file, 1, name, near or ""))
    return problems


def _near_misses(piece: Piece) -> tuple[str, ...]:
    """Say which extra columns look like misspelt canonical ones."""
    table = TABLES[piece.table]
    absent = [name for name in table.names if name not in piece.frame.columns]
    notes = []
    for name in piece.frame.columns:
        # A column of its own may well begin like another: region_name is no slip for region.
        near = nearest(name, absent, cutoff=0.85, stems=False) if table.column(name) is None else None
        if near:
            notes.append(f"{piece.file}: {name} is kept as an extra column; did you mean {near}?")
    return tuple(notes)
