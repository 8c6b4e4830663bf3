"""A folder of files as a source."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from spmforecast.data.history import SourceFile
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.csvtext import parse_csv
from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["FolderSource"]

_SUFFIXES = (".csv", ".csv.gz")
_TABLE_LIKE = (*_SUFFIXES, ".tsv", ".txt", ".xlsx", ".xls", ".parquet")


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

    def names(self) -> tuple[str, ...]:
        """Return the names of the files that can be read, in order."""
        return tuple(sorted(path.name for path in self.folder.iterdir() if path.name.endswith(_SUFFIXES)))

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
