"""A folder of files as a source."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from spmforecast.data.history import SourceFile
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.bigcsv import read_big_csv
from spmforecast.data.sources.csvtext import parse_csv, separator_of
from spmforecast.data.sources.encoding import decode
from spmforecast.data.sources.headers import called, sole
from spmforecast.data.sources.parquet import parquet_parts, parse_parquet
from spmforecast.data.sources.plaincsv import parse_plain_csv
from spmforecast.data.sources.workbook import Workbook
from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["BOOKS", "JSON", "TEXTS", "FolderSource"]

TEXTS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
BOOKS = (".xlsx", ".xlsm")
JSON = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
_READ = (*TEXTS, ".parquet", *BOOKS)
_TABLE_LIKE = (*_READ, ".xls", ".xlsb", ".ods", ".zip", ".duckdb", ".sqlite", ".sqlite3", ".db")
_OF_IMPORT = "rejected.csv"
"""What an import writes beside the tables."""

_NOWHERE = "a link to something that is not there"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass
class FolderSource:
    """Files in one folder: CSV (also gzipped, or with other separators), Parquet and Excel workbooks of one sheet.

    A subfolder of Parquet files is one table, read in the order of their names.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.
    only : str, optional
        The one file that counts as there; others are read only where a map names them.

    Raises
    ------
    InputError
        If it is not a folder.
    """

    folder: Path
    only: str | None = None
    _seen: dict[str, SourceFile] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            what = "this is a file, not a folder" if self.folder.exists() else "there is no such folder"
            mend = "Give the folder that holds the tables as CSV files, for instance opportunities.csv."
            raise InputError(Problem("history", what, mend, file=str(self.folder)))

    def names(self) -> tuple[str, ...]:
        """Return the names of what can be read as a table, in order."""
        return tuple(path.name for path in self._paths() if _is_read(path))

    def find(self, table: str) -> str | None:
        """Return the file or folder of a table's name, such as ``opportunities.csv``, whatever its case.

        Raises
        ------
        InputError
            If there are several.
        """
        by_stem: dict[str, list[str]] = {}
        for name in self.names():
            by_stem.setdefault(_stem(name), []).append(name)
        return sole(table, [name for stem in called(table, by_stem) for name in by_stem[stem]])

    def read(self, name: str, table: str) -> RawTable:
        """Read one file of the folder, or a subfolder of Parquet files.

        Raises
        ------
        InputError
            If it is missing, outside the folder, or cannot be read at all.
        """
        return self._read(name, table, typed=False)

    def read_canonical(self, name: str, table: str) -> RawTable:
        """Read as :meth:`read` does; the dates and numbers of a large CSV file are typed at once."""
        return self._read(name, table, typed=True)

    def _read(self, name: str, table: str, typed: bool) -> RawTable:
        path = self._path(name, table)
        if path.is_dir():
            parts = [f"{name.rstrip('/')}/{part}" for part in parquet_parts(path)]
            if not parts:
                mend = "Put the parts of the table there, or name a file."
                raise InputError(Problem(table, "the folder holds no Parquet files", mend, file=name))
            return parse_parquet([(part, self.read_bytes(part, table)) for part in parts], name, table)
        lower = name.lower()
        if lower.endswith(".parquet"):
            return parse_parquet([(name, self.read_bytes(name, table))], name, table)
        if lower.endswith(BOOKS):
            data = self.read_bytes(name, table)
            return Workbook(data, name).of_table(table)
        if lower.endswith((*_TABLE_LIKE, *JSON)) and not lower.endswith(TEXTS):
            mend = "Export the table as CSV, Parquet or .xlsx."
            raise InputError(Problem(table, "files of this kind are not read as tables", mend, file=name))
        big = None if lower.endswith(".gz") else self._read_big(path, name, table, typed)
        if big is not None:
            return big
        data = self.read_bytes(name, table)
        return _read_csv(_unzip(data, name, table) if lower.endswith(".gz") else data, name, table)

    def _read_big(self, path: Path, name: str, table: str, typed: bool) -> RawTable | None:
        """Read a large CSV file in pieces; None where another reader must, who also says why one cannot."""
        try:
            found = read_big_csv(path, name, table, typed)
        except OSError:
            return None
        if found is None:
            return None
        raw, self._seen[name], separator = found
        return _said(raw, separator)

    def read_bytes(self, name: str, table: str) -> bytes:
        """Return the bytes of one file of the folder and note that it was read.

        Raises
        ------
        InputError
            If it is missing, outside the folder, or cannot be read.
        """
        path = self._path(name, table)
        try:
            data = path.read_bytes()
        except OSError as error:
            told = f"the file cannot be read ({error.strerror})"
            raise InputError(Problem(table, told, "Look at its permissions.", file=name)) from error
        self._seen[name] = SourceFile(name, hashlib.sha256(data).hexdigest(), len(data))
        return data

    def files(self) -> tuple[SourceFile, ...]:
        """Return every file read so far, by name."""
        return tuple(self._seen[name] for name in sorted(self._seen))

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note for each file of the folder that is not used."""
        notes = []
        for path in self._paths():
            if path.name in used or path.name == _OF_IMPORT:
                continue
            if _leads_nowhere(path):
                notes.append(f"{path.name} is not read: it is {_NOWHERE}")
                continue
            if not (_is_read(path) or path.name.lower().endswith(_TABLE_LIKE)):
                continue
            stem = _stem(path.name)
            guessed = _is_read(path) and stem not in TABLES and not path.name.lower().endswith(".txt")
            meant = nearest(stem, TABLES) if guessed else None
            hint = f"; did you mean {meant}{path.name[len(stem) :]}?" if meant else ""
            if not meant and path.name.lower().endswith(BOOKS) and stem not in TABLES:
                hint = "; name the workbook itself to read all its sheets"
            notes.append(f"{path.name} is not used: it is none of the tables{hint}")
        return tuple(notes)

    def _paths(self) -> Iterator[Path]:
        """Walk over what stands in the folder, by name, without hidden files and Excel's lock files."""
        for path in sorted(self.folder.iterdir()):
            if not path.name.startswith((".", "~$")) and self.only in (None, path.name):
                yield path

    def _path(self, name: str, table: str) -> Path:
        inside = PurePosixPath(name)
        root = self.folder.resolve()
        if len(inside.parts) == 1 and _leads_nowhere(root / inside):
            raise InputError(Problem(table, f"the file is {_NOWHERE}", "Put the file itself there.", file=name))
        path = (root / inside).resolve() if "\0" not in name else root.parent
        if inside.is_absolute() or not path.is_relative_to(root) or path == root:
            mend = "Put the file into the folder and name it relative to that."
            raise InputError(Problem(table, "the file lies outside the data folder", mend, file=name))
        if not path.exists():
            near = nearest(name, (found.name for found in self.folder.iterdir()))
            mend = f"Did you mean {near}?" if near else "Put the file there or name another one."
            raise InputError(Problem(table, "there is no such file", mend, file=name))
        return path


def _leads_nowhere(path: Path) -> bool:
    return "\0" not in path.name and path.is_symlink() and not path.exists()


def _is_read(path: Path) -> bool:
    if path.is_dir():
        return bool(parquet_parts(path))
    # A link that leads nowhere is said when it is to be read.
    return (path.is_file() or _leads_nowhere(path)) and path.name.lower().endswith(_READ)


def _stem(name: str) -> str:
    """Take off the suffix that says how a file is read."""
    longest = max((suffix for suffix in _READ if name.lower().endswith(suffix)), key=len, default="")
    return name[: len(name) - len(longest)]


def _read_csv(data: bytes, file: str, table: str) -> RawTable:
    plain = parse_plain_csv(data, file)
    if plain is not None:
        return _said(plain, _separator(data[:65536].decode("utf-8-sig", "replace")))
    text, notes = decode(data, file, table)
    raw = parse_csv(text, file, table)
    return _said(replace(raw, notes=(*notes, *raw.notes)), _separator(text))


def _separator(text: str) -> str:
    return separator_of(text.lstrip("\r\n").splitlines()[0])


def _said(raw: RawTable, found: str) -> RawTable:
    """Say so where cells are not separated by commas, unless the file's name says it."""
    if found == "," or (found == "\t" and raw.file.lower().endswith((".tsv", ".tsv.gz"))):
        return raw
    return replace(raw, notes=(f"{raw.file}: cells are separated by {_SEPARATORS[found]}", *raw.notes))


def _unzip(data: bytes, file: str, table: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        mend = "Compress it again with gzip, or give the plain CSV file."
        raise InputError(Problem(table, f"the file is not whole gzip data ({error})", mend, file=file)) from error
