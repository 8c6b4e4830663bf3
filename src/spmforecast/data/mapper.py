"""The mapper: one mapping of a map, applied to the raw columns of its file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.cells import blank, constant, meets, overlay, plain_numbers, translated, translations, worded
from spmforecast.data.joins import Joiner, Lookup
from spmforecast.data.maps import Case, Loc, Map, TableMap
from spmforecast.data.naming import find_name, fold_column
from spmforecast.data.ratedays import rate_days
from spmforecast.data.sources.columns import is_text
from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError
from spmforecast.written import nearest

__all__ = ["LEFT_OUT_BY_WHERE", "Fault", "Mapped", "Mapper"]

_WAS = "original_currency"
LEFT_OUT_BY_WHERE = "left out by where"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fault:
    """A cell that cannot be brought to the table's form: its row, column, text, and what is wrong."""

    row: int
    column: str
    value: str
    reason: str
    mend: str


@dataclass(frozen=True, eq=False)
class Mapped:
    """What a mapping makes of a file.

    Parameters
    ----------
    frame : pandas.DataFrame
        Every row of the file, n of them, under the table's column names.
    kept : numpy.ndarray of bool, shape (n,)
        Rows that are not left out on purpose.
    exclusions : mapping of str to int
        The others by reason.
    faults : tuple of Fault
        Kept rows that cannot be used.
    notes : tuple of str
        What is odd but was kept.
    translations : mapping of (str, str, str) to int
        Kept rows by column, old text and new one, of the names that the map writes otherwise; the table's own
        vocabulary (status, type, period) is not among them.
    """

    frame: pd.DataFrame
    kept: Mask
    exclusions: Mapping[str, int]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    translations: Mapping[tuple[str, str, str], int]


@dataclass
class Mapper:
    """Applies one mapping; collects what is wrong with it before raising.

    Parameters
    ----------
    table, file : str
        Canonical table, and the file's name in the source.
    mapping : TableMap
        The mapping.
    of : Map
        The map that it stands in.
    loc : tuple
        Where it stands there.
    lookup : callable
        Reads another file for a join.
    """

    table: str
    file: str
    mapping: TableMap
    of: Map
    loc: Loc
    lookup: Lookup
    joiner: Joiner = field(init=False)
    _absent: set[str] = field(default_factory=set, init=False)
    _faults: list[Fault] = field(default_factory=list, init=False)
    _notes: list[str] = field(default_factory=list, init=False)
    _translations: dict[tuple[str, str, str], int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.joiner = Joiner(self.file, self.of, self.loc, self.lookup)

    def apply(self, raw: pd.DataFrame) -> Mapped:
        """Map the rows of the file.

        Raises
        ------
        InputError
            With everything that is wrong with the mapping.
        """
        mapping = self.mapping
        frame, spare = self._found(raw)
        for place, join in enumerate(mapping.join):
            frame = self.joiner.join(frame, join, place, self._absent)
        judged = [*mapping.where, *(name for exclude in mapping.exclude for name in exclude.where)]
        frame = worded(frame, [*judged, *(name for case in mapping.cases for name in case.when)])
        kept, exclusions = self._kept(frame)
        of_file = frame
        self._known("drop", mapping.drop, frame.columns)
        frame = self._without_extras(frame.drop(columns=list(mapping.drop), errors="ignore"), spare)
        self._known("rename", mapping.rename, of_file.columns)
        frame = self._filled(self._renamed(frame), of_file, kept)
        if not self.joiner.problems:
            frame = self._exchanged(self._defaulted(self._in_digits(frame, kept)), kept)
        if self.joiner.problems:
            raise InputError(self.joiner.problems)
        notes = (*self._notes, *self.joiner.notes)
        return Mapped(frame, kept, exclusions, tuple(self._faults), notes, self._translations)

    def _problem(self, loc: Loc, reason: str, mend: str, value: str) -> None:
        self.joiner.problems.append(self.of.problem((*self.loc, *loc), reason, mend, value))

    def _known(self, key: str, names: Iterable[str], columns: Iterable[str], prefix: Loc = ()) -> bool:
        """Note every name that is neither a column nor one that the file need not have; tell whether none is."""
        there = list(columns)
        wrong = [name for name in names if name not in there and name not in self._absent]
        for name in wrong:
            near = nearest(name, [*there, *self._absent])
            mend = f"Did you mean {near}?" if near else f"The columns are {', '.join(there)}."
            self._problem((*prefix, key, name), f"{self.file} has no such column", mend, name)
        return not wrong

    def _found(self, raw: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """Take the columns that ``columns`` names; also return the names of the others, which keep their own."""
        taken: dict[str, list[str]] = {}
        for name, candidates in self.mapping.columns.items():
            found = find_name(candidates, raw.columns, fold_column)
            if len(found) > 1:
                mend = "Name the one that is meant first."
                told = f"{self.file} has several columns of that name: {', '.join(found)}"
                self._problem(("columns", name), told, mend, candidates[0])
            if found:
                taken.setdefault(found[0], []).append(name)
            else:
                self._absent.add(name)
        out: dict[str, pd.Series] = {}
        spare = []
        for name in raw.columns:
            if name in taken:
                out |= dict.fromkeys(taken[name], raw[name])
            elif name in self.mapping.columns and name not in self._absent:
                self._notes.append(f"{self.file}: the column {name} is not used: another one is taken for it")
            else:
                out[name] = raw[name]
                spare.append(name)
        return pd.DataFrame(out, index=raw.index), spare

    def _kept(self, frame: pd.DataFrame) -> tuple[Mask, dict[str, int]]:
        """Tell which rows stay, and count the others by reason; a row is counted once."""
        kept = np.ones(len(frame), dtype=bool)
        counts: dict[str, int] = {}
        if self.mapping.where and self._known("where", self.mapping.where, frame.columns):
            kept = meets(frame, self.mapping.where)
            counts[LEFT_OUT_BY_WHERE] = int((~kept).sum())
        for place, exclude in enumerate(self.mapping.exclude):
            if self._known("where", exclude.where, frame.columns, ("exclude", place)):
                out = kept & meets(frame, exclude.where, exclude.ignore_case)
                counts[exclude.reason] = counts.get(exclude.reason, 0) + int(out.sum())
                kept &= ~out
        return kept, {reason: rows for reason, rows in counts.items() if rows}

    def _without_extras(self, frame: pd.DataFrame, spare: Sequence[str]) -> pd.DataFrame:
        """Drop the file's own columns that nothing names, as far as ``extras`` says."""
        extras = self.mapping.extras
        if extras == "keep":
            return frame
        wanted = set() if extras == "drop" else set(extras)
        self._known("extras", wanted, [*spare, *frame.columns])
        named = wanted | set(self.mapping.rename)
        return frame.drop(columns=[name for name in spare if name not in named and name in frame.columns])

    def _renamed(self, frame: pd.DataFrame) -> pd.DataFrame:
        out: dict[str, pd.Series] = {}
        for name in frame.columns:
            for new in self.mapping.rename.get(name, (name,)):
                if new in out:
                    mend = "Drop or rename the one that is not meant."
                    told = f"two columns of {self.file} would be called the same"
                    self._problem(("rename", name), told, mend, new)
                out[new] = frame[name]
        return pd.DataFrame(out, index=frame.index)

    def _filled(self, frame: pd.DataFrame, of_file: pd.DataFrame, kept: Mask) -> pd.DataFrame:
        """Set constants, then what the cases say, and translate."""
        mapping = self.mapping
        frame = frame.assign(**{name: constant(value, frame.index) for name, value in mapping.constant.items()})
        put = [name for case in mapping.cases for name in (*case.put, *case.copied)]
        there = [*frame.columns, *put, *mapping.default]
        self._known("default", mapping.default, [*frame.columns, *put, *TABLES[self.table].names])
        for key, named in (("values", mapping.values), ("dates", mapping.dates), ("numbers", mapping.numbers)):
            self._known(key, named, there)
        self._known("final", mapping.final, there)
        sound = [self._sound(case, place, of_file) for place, case in enumerate(mapping.cases)]
        frame = worded(self._decided(frame, of_file) if all(sound) else frame, mapping.values)
        for name, table in mapping.values.items():
            if name in frame.columns:
                self._translations |= self._renamings(name, frame[name][kept], table)
                frame[name] = translated(frame[name], table)
        return frame

    def _renamings(self, name: str, values: pd.Series, table: Mapping[str, str]) -> dict[tuple[str, str, str], int]:
        """Count the names that are written otherwise; codes that become the table's own words are no names."""
        column = TABLES[self.table].column(name)
        if column is not None and (column.choices or column.kind not in ("id", "text")):
            return {}
        return {(name, *pair): rows for pair, rows in translations(values, table).items()}

    def _sound(self, case: Case, place: int, of_file: pd.DataFrame) -> bool:
        here: Loc = ("cases", place)
        fine = self._known("when", case.when, of_file.columns, here)
        wrong = [(to, name) for to, name in case.copied.items() if name not in of_file and name not in self._absent]
        for to, name in wrong:
            near = nearest(name, [*of_file.columns, *self._absent])
            mend = f"Did you mean {near}?" if near else f"The columns are {', '.join(of_file.columns)}."
            self._problem((*here, "copy", to), f"{self.file} has no such column", mend, name)
        return fine and not wrong

    def _decided(self, frame: pd.DataFrame, of_file: pd.DataFrame) -> pd.DataFrame:
        """Apply the cases: of those that speak of a column, the first that holds in a row counts there."""
        settled: dict[str, Mask] = {}
        for case in self.mapping.cases:
            met = meets(of_file, case.when, case.ignore_case)
            fixed = {name: constant(value, frame.index) for name, value in case.put.items()}
            seen = {to: of_file[name] for to, name in case.copied.items() if name in of_file}
            empty = {to: blank(frame.index) for to, name in case.copied.items() if name not in of_file}
            for name, values in {**empty, **seen, **fixed}.items():
                done = settled.setdefault(name, np.zeros(len(frame), dtype=bool))
                frame[name] = overlay(frame.get(name), values, met & ~done)
                settled[name] = done | met
        return frame

    def _in_digits(self, frame: pd.DataFrame, kept: Mask) -> pd.DataFrame:
        for name, how in self.mapping.numbers.items():
            if name not in frame.columns or not is_text(frame[name]):
                continue
            plain, wrong = plain_numbers(frame[name], how)
            mend = f"Write it with {how.decimal!r} for decimals, or correct the format under numbers."
            told = "not a number of the format that the map gives"
            rows = np.flatnonzero(wrong & kept)
            self._faults += [Fault(int(row), name, str(frame[name].iloc[row]), told, mend) for row in rows]
            frame[name] = plain
        return frame

    def _defaulted(self, frame: pd.DataFrame) -> pd.DataFrame:
        for name in self.mapping.default:
            if name not in frame.columns:
                frame[name] = blank(frame.index)
        frame = worded(frame, self.mapping.default)
        for name, value in self.mapping.default.items():
            frame[name] = frame[name].mask(frame[name] == "", value)
        return frame

    def _exchanged(self, frame: pd.DataFrame, kept: Mask) -> pd.DataFrame:
        """Bring amounts into one currency."""
        money = self.mapping.money
        if money is None or self.of.exchange is None:
            return frame
        canonical = TABLES[self.table].names
        columns = [name for name in money.columns if name in frame.columns]
        known = [self._known("columns", money.columns, [*frame.columns, *canonical], ("money",))]
        known.append(self._known("currency_column", [money.currency_column], frame.columns, ("money",)))
        known.append(self._known("where", money.where, frame.columns, ("money",)))
        if not all(known) or money.currency_column not in frame.columns or not columns:
            return frame
        frame = worded(frame, [money.currency_column, *money.where])
        chosen = kept & meets(frame, money.where)
        currencies = frame[money.currency_column]
        filled = chosen & _any_filled(frame, columns)
        self._notes += [f"{self.file}: {note}" for note in self.of.exchange.notes(currencies[filled])]
        dates = rate_days(frame, self.table, money.date, self.mapping.dates)
        rows = np.flatnonzero(chosen)
        for name in columns:
            before = frame[name].iloc[rows]
            after, faults = self.of.exchange.convert(before, currencies.iloc[rows], dates.iloc[rows])
            frame[name] = after if len(rows) == len(frame) else overlay(frame[name], after.reindex(frame.index), chosen)
            self._faults += [
                Fault(int(rows[row]), name, f"{before.iloc[row]} {currencies.iloc[rows[row]]}".strip(), *told)
                for row, told in faults.items()
            ]
        # Beside amounts that were converted, a column called currency would be taken for theirs.
        if not self.of.exchange.converts or _WAS in frame.columns or money.currency_column in canonical:
            return frame
        return frame.rename(columns={money.currency_column: _WAS})


def _any_filled(frame: pd.DataFrame, columns: Sequence[str]) -> Mask:
    filled = np.zeros(len(frame), dtype=bool)
    for name in columns:
        values = frame[name]
        filled |= ((values != "") if is_text(values) else values.notna()).to_numpy(dtype=bool)
    return filled
