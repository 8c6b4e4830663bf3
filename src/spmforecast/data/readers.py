"""Sources of raw tables: every cell as the text that stands there, with the line it stands on.

A source knows nothing of canonical columns. It finds tables by name and gives them as text; whatever can be read
this way (a folder of CSV files here, frames in memory; databases and other exports later) goes through the same map
and the same checks.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.history import SourceFile
from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["FolderSource", "FrameSource", "RawTable", "Source", "parse_csv"]

_SEPARATORS = ",;\t|"
_SUFFIXES = (".csv", ".csv.gz")
_TABLE_LIKE = (*_SUFFIXES, ".tsv", ".txt", ".xlsx", ".xls", ".parquet")


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as text.

    Parameters
    ----------
    file : str
        Name of the file, relative to its source.
    frame : pandas.DataFrame
        n rows of text, empty cells as empty text.
    lines : numpy.ndarray of int, shape (n,)
        Line on which each row begins; the header is line 1.
    broken : tuple of Problem
        Rows that could not be told apart into cells, one problem each; they are not in `frame`.
    notes : tuple of str
        What was passed over.
    """

    file: str
    frame: pd.DataFrame
    lines: npt.NDArray[np.int64]
    broken: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows read, the broken ones among them."""
        return len(self.frame) + len(self.broken)


class Source(Protocol):
    """Where raw tables come from."""

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


@dataclass
class FolderSource:
    """CSV files, gzipped or not, in one folder.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.

    Raises
    ------
    InputError
        If it is not a folder.
    """

    folder: Path
    _seen: dict[str, SourceFile] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            what = "this is a file, not a folder" if self.folder.exists() else "there is no such folder"
            mend = "Give the folder that holds the tables as CSV files, for instance opportunities.csv."
            raise InputError(Problem("history", what, mend, file=str(self.folder)))

    def find(self, table: str) -> str | None:
        """Return ``table.csv`` or ``table.csv.gz``, whichever is there.

        Raises
        ------
        InputError
            If both are.
        """
        there = [table + suffix for suffix in _SUFFIXES if (self.folder / (table + suffix)).is_file()]
        if len(there) > 1:
            raise InputError(
                Problem(table, f"{there[0]} and {there[1]} are both there", "Keep one of them.", file=there[0])
            )
        return there[0] if there else None

    def read(self, name: str, table: str) -> RawTable:
        """Read one file of the folder (see :func:`parse_csv`).

        Raises
        ------
        InputError
            If the file is missing, outside the folder, or cannot be read at all.
        """
        data = self._bytes(name, table)
        self._seen[name] = SourceFile(name, hashlib.sha256(data).hexdigest(), len(data))
        if name.endswith(".gz"):
            data = _unzip(data, name, table)
        return parse_csv(_decode(data, name, table), name, table)

    def files(self) -> tuple[SourceFile, ...]:
        """Return every file read so far, by name."""
        return tuple(self._seen[name] for name in sorted(self._seen))

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note for each file of the folder that is not used."""
        notes = []
        for path in sorted(self.folder.iterdir()):
            if path.is_file() and path.name not in used and path.name.endswith(_TABLE_LIKE):
                stem = path.name.split(".")[0]
                meant = nearest(stem, TABLES) if path.name.endswith(_SUFFIXES) and stem not in TABLES else None
                hint = f"; did you mean {meant}.csv?" if meant else ""
                notes.append(f"{path.name} is not used: it is none of the tables{hint}")
        return tuple(notes)

    def _bytes(self, name: str, table: str) -> bytes:
        inside = PurePosixPath(name)
        root = self.folder.resolve()
        path = (root / inside).resolve()
        if inside.is_absolute() or not path.is_relative_to(root):
            mend = "Put the file into the folder and name it relative to that."
            raise InputError(Problem(table, "the file lies outside the data folder", mend, file=name))
        if not path.is_file():
            near = nearest(name, (found.name for found in self.folder.iterdir()))
            mend = f"Did you mean {near}?" if near else "Put the file there or name another one."
            raise InputError(Problem(table, "there is no such file", mend, file=name))
        try:
            return path.read_bytes()
        except OSError as error:
            told = f"the file cannot be read ({error.strerror})"
            raise InputError(Problem(table, told, "Look at its permissions.", file=name)) from error


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

    def find(self, table: str) -> str | None:
        """Return the table's own name where it is there."""
        return table if table in self.frames else None

    def read(self, name: str, table: str) -> RawTable:
        """Turn a frame into text.

        Raises
        ------
        InputError
            If there is no frame of that name.
        """
        if name not in self.frames:
            raise InputError(Problem(table, "there is no such table", "Give it, or name another one.", file=name))
        frame = self.frames[name]
        text = pd.DataFrame({str(column): _as_text(frame[column]) for column in frame.columns})
        data = text.to_csv(index=False, lineterminator="\n").encode()
        self._seen[name] = SourceFile(name, hashlib.sha256(data).hexdigest(), len(data))
        return RawTable(name, text, np.arange(2, len(text) + 2, dtype=np.int64))

    def files(self) -> tuple[SourceFile, ...]:
        """Return every table read so far, by name."""
        return tuple(self._seen[name] for name in sorted(self._seen))

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note for each frame that is not used."""
        return tuple(f"{name} is not used: it is none of the tables" for name in self.frames if name not in used)


def _as_text(column: pd.Series) -> pd.Series:
    missing = column.isna().to_numpy()
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        text = [stamp.isoformat() if stamp is not pd.NaT else "" for stamp in column]
    elif pd.api.types.is_float_dtype(column.dtype):
        # Whole numbers lose their point, so that ids which pandas read as floats stay what they were.
        text = [str(int(x)) if abs(x) < 1e15 and x == int(x) else repr(float(x)) for x in column.fillna(0.0)]
    else:
        text = [str(value) for value in column]
    out = np.array(text, dtype=object)
    out[missing] = ""
    return pd.Series(out, dtype="str")


def _unzip(data: bytes, file: str, table: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        mend = "Compress it again with gzip, or give the plain CSV file."
        raise InputError(Problem(table, f"the file is not whole gzip data ({error})", mend, file=file)) from error


def _decode(data: bytes, file: str, table: str) -> str:
    """Read UTF-8 with or without a byte order mark; anything else is fatal, because guessing would change names."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        told = "the text is not UTF-8"
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            told, line = "the text is UTF-16, not UTF-8", 1
        found = data[error.start : error.start + 4].hex(" ")
        mend = "Save the file as UTF-8 (in Excel: CSV UTF-8) and try again."
        raise InputError(Problem(table, told, mend, file=file, line=line, value=f"bytes {found}")) from error


def parse_csv(text: str, file: str, table: str) -> RawTable:
    """Read CSV text with a header.

    The separator (comma, semicolon, tab or bar) is the one that splits the header most. Cells may hold quoted
    line breaks; wholly empty lines are passed over.

    Parameters
    ----------
    text : str
        The file's text.
    file, table : str
        For messages.

    Returns
    -------
    RawTable

    Raises
    ------
    InputError
        If it is empty, has no header, names a column twice or leaves a quotation mark open.
    """
    if not text.strip():
        mend = f"Give a header line and rows, or remove the file; a {table} table begins with its column names."
        raise InputError(Problem(table, "the file is empty", mend, file=file, line=1))
    separator = _separator(text)
    header: list[str] | None = None
    rows: list[list[str]] = []
    lines: list[int] = []
    broken: list[Problem] = []
    for line, cells in _records(text, separator, table, file):
        if isinstance(cells, Problem):
            if header is None:
                raise InputError(cells)
            broken.append(cells)
        elif header is None:
            header = _header(cells, table, file, line)
        elif len(cells) == len(header):
            rows.append(cells)
            lines.append(line)
        else:
            broken.append(_wrong_width(cells, header, table, file, line))
    assert header is not None, "text that is not blank has a first record"
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    named = {name: pd.Series(cells, dtype="str") for name, cells in zip(header, columns, strict=True) if name}
    raw = RawTable(file, pd.DataFrame(named), np.array(lines, dtype=np.int64), tuple(broken))
    raw = _with_notes(raw, header)
    return _without_nul(raw, table) if "\0" in text else raw


def _records(text: str, separator: str, table: str, file: str) -> Iterator[tuple[int, list[str] | Problem]]:
    """Yield each record with the line on which it begins; one that is malformed is yielded as its problem."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    while True:
        try:
            for cells in reader:
                if cells:
                    yield start, cells
                start = reader.line_num + 1
            return
        except csv.Error as error:
            if "unexpected end" in str(error) or "field larger" in str(error):
                mend = "Close the quotation mark, or double it if it belongs to the text."
                told = "a quotation mark is opened here and never closed"
                raise InputError(Problem(table, told, mend, file=file, line=start)) from error
            span = f" (the row runs to line {reader.line_num})" if reader.line_num > start else ""
            told = f"the row cannot be told apart into cells: {error}{span}"
            yield start, Problem(table, told, "Double every quotation mark inside a quoted cell.", file, start)
            start = reader.line_num + 1


def _separator(text: str) -> str:
    """Return the separator that splits the first line into most cells; comma where none does."""
    first = text.lstrip("\r\n").splitlines()[0]
    widths = [len(next(csv.reader([first], delimiter=candidate), [])) for candidate in _SEPARATORS]
    return _SEPARATORS[int(np.argmax(widths))]


def _header(cells: list[str], table: str, file: str, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not any(names):
        raise InputError(Problem(table, "there is no header", "Begin with the column names.", file=file, line=line))
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        mend = "Rename or remove one of them."
        raise InputError(
            Problem(table, "two columns have the same name", mend, file=file, line=line, column=name) for name in twice
        )
    return names


def _wrong_width(cells: list[str], header: list[str], table: str, file: str, line: int) -> Problem:
    told = f"the row has {len(cells)} cells, the header {len(header)}"
    mend = "Add the missing separators." if len(cells) < len(header) else "Quote cells that hold the separator."
    return Problem(table, told, mend, file=file, line=line, value=" | ".join(cells)[:80])


def _with_notes(raw: RawTable, header: list[str]) -> RawTable:
    unnamed = sum(not name for name in header)
    if not unnamed:
        return raw
    note = f"{raw.file}: {unnamed} column(s) without a name passed over"
    return RawTable(raw.file, raw.frame, raw.lines, raw.broken, (note,))


def _without_nul(raw: RawTable, table: str) -> RawTable:
    """Take out rows that hold a NUL byte, which no text has and most tools stumble over."""
    bad = np.zeros(len(raw.frame), dtype=bool)
    where: dict[int, str] = {}
    for name in raw.frame.columns:
        hit = raw.frame[name].str.contains("\0", regex=False).to_numpy(dtype=bool)
        where.update({int(row): name for row in np.flatnonzero(hit & ~bad)})
        bad |= hit
    if not bad.any():
        return raw
    told, mend = "the cell holds a NUL byte", "Export the file again; this one is damaged."
    found = [Problem(table, told, mend, raw.file, int(raw.lines[row]), column) for row, column in sorted(where.items())]
    frame = raw.frame[~bad].reset_index(drop=True)
    return RawTable(raw.file, frame, raw.lines[~bad], (*raw.broken, *found), raw.notes)
