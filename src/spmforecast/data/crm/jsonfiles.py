"""JSON and JSON Lines dumps of a web API as records: every value as text, each record with the line where it begins.

Numbers keep the digits that stand in the file, so that a long id or an amount loses nothing.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from spmforecast.data.sources import RawTable, Source
from spmforecast.errors import InputError, Problem

__all__ = ["JsonRecord", "JsonRecords", "json_names", "json_table", "parse_json", "read_json"]

_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
_PAGES = ("results", "data", "items", "value")
_MOST_BYTES = 1 << 30
_BLANK = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile("[\ud800-\udfff]")

Flatten = Callable[["JsonRecord"], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class JsonRecord:
    """One object of a dump.

    Parameters
    ----------
    value : dict
        As parsed; numbers are texts.
    line : int
        Line on which it begins, counted from 1.
    key : str
        Key under which it stood where the file is an object of records by id; else empty.
    """

    value: dict[str, object]
    line: int
    key: str = ""


@dataclass(frozen=True, eq=False)
class JsonRecords:
    """The records of a file.

    Parameters
    ----------
    file : str
        The file's name.
    records : tuple of JsonRecord
        In the order of the file.
    broken : tuple of Problem
        Lines or records that could not be read.
    notes : tuple of str
        How lines are counted where that is not by line breaks.
    """

    file: str
    records: tuple[JsonRecord, ...]
    broken: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def json_names(source: Source) -> tuple[str, ...]:
    """Return the names of the JSON files of a source, in order; only folders have any."""
    folder = getattr(source, "folder", None)
    if not isinstance(folder, Path):
        return ()
    return tuple(sorted(path.name for path in folder.iterdir() if path.name.lower().endswith(_SUFFIXES)))


def read_json(source: Source, name: str, table: str) -> JsonRecords:
    """Read a JSON file of a folder.

    Parameters
    ----------
    source : Source
        A source that gives bytes (``read_bytes``), such as a folder.
    name, table : str
        File, and the canonical table that problems are told as.

    Returns
    -------
    JsonRecords

    Raises
    ------
    InputError
        If it cannot be read (see :func:`parse_json`).
    """
    read_bytes: Callable[[str, str], bytes] = source.read_bytes  # type: ignore[attr-defined]
    data = read_bytes(name, table)
    if name.lower().endswith(".gz"):
        data = _unzip(data, name, table)
    if len(data) > _MOST_BYTES:
        mend = "Split it into several files, for instance one a page."
        raise InputError(Problem(table, f"the file is larger than {_MOST_BYTES >> 30} GiB", mend, file=name))
    return parse_json(_decode(data, name, table), name, table)


def parse_json(text: str, file: str, table: str) -> JsonRecords:
    """Read the text of a dump.

    Understood are: an array of objects; a page (an object that holds the array under ``results``, ``data``,
    ``items`` or ``value``); an array of pages; an object of arrays or pages by id; one object; and JSON Lines of
    objects or pages.

    Parameters
    ----------
    text : str
        The file's text.
    file, table : str
        For messages.

    Returns
    -------
    JsonRecords
        A line of JSON Lines that is damaged becomes a broken row.

    Raises
    ------
    InputError
        If the file is empty or, JSON Lines aside, is not JSON throughout.
    """
    if not text.strip():
        mend = f"Give the API's answer for {table}, or remove the file."
        raise InputError(Problem(table, "the file is empty", mend, file=file, line=1))
    breaks = [found.start() for found in re.finditer("\n", text)]
    reader = _Reader(text, file, table, breaks)
    try:
        found = list(reader.by_line() if reader.is_lines() else reader.whole())
    except (ValueError, RecursionError) as error:
        place = error.pos if isinstance(error, json.JSONDecodeError) else 0
        raise InputError(reader.damage(_told(error), place)) from error
    return _records(found, reader)


@dataclass
class _Reader:
    text: str
    file: str
    table: str
    breaks: list[int]

    def __post_init__(self) -> None:
        self.decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_number)
        self.broken: list[Problem] = []

    def line(self, at: int) -> int:
        return bisect_right(self.breaks, at - 1) + 1

    def damage(self, told: str, at: int) -> Problem:
        mend = "Export the file again; it is damaged or cut off."
        found = self.text[at : at + 40].split("\n")[0]
        told = f"not JSON ({told})"
        return Problem(self.table, told, mend, self.file, self.line(at), value=found)

    def is_lines(self) -> bool:
        """Tell JSON Lines: more than one filled line, the first (or the name) speaking for it."""
        filled = self.text.strip().split("\n", 1)
        if len(filled) == 1:
            return False
        if self.file.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson")):
            return True
        try:
            self.decoder.decode(filled[0])
        except (ValueError, RecursionError):
            return False
        return filled[0].lstrip().startswith("{")

    def by_line(self) -> Iterator[tuple[int, str, object]]:
        begin = 0
        for end in [*self.breaks, len(self.text)]:
            if self.text[begin:end].strip():
                try:
                    found = list(self.value(self.skip(begin), ""))
                    last = self.skip(self.end)
                    if last < end:
                        raise json.JSONDecodeError("Extra data", self.text, last)
                    yield from found
                except (ValueError, RecursionError) as error:
                    place = error.pos if isinstance(error, json.JSONDecodeError) else begin
                    problem = self.damage(_told(error), min(place, end - 1))
                    self.broken.append(problem)
            begin = end + 1

    def whole(self) -> Iterator[tuple[int, str, object]]:
        at = self.skip(0)
        yield from self._page(at) if self.text[at] == "{" else self.value(at, "")
        rest = self.skip(self.end)
        if rest < len(self.text):
            raise json.JSONDecodeError("Extra data", self.text, rest)

    def skip(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def _page(self, at: int) -> Iterator[tuple[int, str, object]]:
        """Yield the records of the one object that a file holds, without building a page whole first."""
        members: dict[str, object] = {}
        paged = False
        for place in self._places(at, "}"):
            name, after = self._name(place)
            if name in _PAGES and self.text[after : after + 1] == "[":
                paged = True
                yield from self._listed(after, "")
            else:
                members[name], self.end = self.decoder.raw_decode(self.text, after)
        if not paged:
            yield from self._found(members, at, self.end, "")

    def _name(self, at: int) -> tuple[str, int]:
        """Read the name of a member; also return where its value begins."""
        name, after = self.decoder.raw_decode(self.text, at)
        colon = self.skip(after)
        if self.text[at] != '"' or self.text[colon : colon + 1] != ":":
            raise json.JSONDecodeError("Expecting a name and ':'", self.text, at)
        return str(name), self.skip(colon + 1)

    def value(self, at: int, key: str) -> Iterator[tuple[int, str, object]]:
        """Yield every record of the value that begins at a place; its end is left in ``end``."""
        if self.text[at : at + 1] == "[":
            for place in self._places(at, "]"):
                yield from self.value(place, key)
            return
        value, self.end = self.decoder.raw_decode(self.text, at)
        yield from self._found(value, at, self.end, key)

    def _found(self, value: object, at: int, end: int, key: str) -> Iterator[tuple[int, str, object]]:
        if isinstance(value, dict) and (page := _page_key(value)) is not None:
            yield from self._inside(at, end, page, key)
        elif isinstance(value, dict) and not key and _by_id(value):
            yield from self._inside(at, end, None, key)
        else:
            yield at, key, value

    def _inside(self, at: int, end: int, page: str | None, key: str) -> Iterator[tuple[int, str, object]]:
        """Yield the records below one member of an object, or below all of them with their keys."""
        for place in self._places(at, "}"):
            name, after = self._name(place)
            if page is None:
                yield from self.value(after, name)
            elif name == page and self.text[after : after + 1] in "[{":
                yield from self._listed(after, key)
            else:
                self.end = self.decoder.raw_decode(self.text, after)[1]
        self.end = end

    def _listed(self, at: int, key: str) -> Iterator[tuple[int, str, object]]:
        if self.text[at] == "{":
            value, self.end = self.decoder.raw_decode(self.text, at)
            yield at, key, value
            return
        for place in self._places(at, "]"):
            value, self.end = self.decoder.raw_decode(self.text, place)
            yield place, key, value

    def _places(self, at: int, close: str) -> Iterator[int]:
        """Yield where each member of an array or object begins; the caller leaves its end in ``end``."""
        at = self.skip(at + 1)
        if self.text[at : at + 1] == close:
            self.end = at + 1
            return
        while True:
            yield at
            at = self.skip(self.end)
            mark = self.text[at : at + 1]
            if mark == close:
                self.end = at + 1
                return
            if mark != ",":
                raise json.JSONDecodeError("Expecting ',' delimiter", self.text, at)
            at = self.skip(at + 1)


def _told(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number")


def _page_key(value: Mapping[str, object]) -> str | None:
    """Return the key of a page's records; ``data`` that is one object counts only in an answer with ``success``."""
    for name in _PAGES:
        if isinstance(value.get(name), list) or (name == "data" and "success" in value and "data" in value):
            return name
    return None


def _by_id(value: Mapping[str, object]) -> bool:
    """Tell an object of records by numeric id."""
    return bool(value) and all(name.isdecimal() and isinstance(below, dict | list) for name, below in value.items())


def _records(found: list[tuple[int, str, object]], reader: _Reader) -> JsonRecords:
    lines = [reader.line(at) for at, _, _ in found]
    notes: tuple[str, ...] = ()
    if len(lines) > 1 and len(set(lines)) == 1:
        lines = list(range(1, len(lines) + 1))
        notes = (f"{reader.file}: the records stand on one line; line numbers count records",)
    records, broken = [], list(reader.broken)
    for (_, key, value), line in zip(found, lines, strict=True):
        if isinstance(value, dict):
            records.append(JsonRecord(value, line, key))
        elif value is not None:
            mend = "Give an array of objects."
            told = "the record is not an object"
            broken.append(Problem(reader.table, told, mend, reader.file, line, value=str(value)[:40]))
    return JsonRecords(reader.file, tuple(records), tuple(broken), notes)


def json_table(dump: JsonRecords, table: str, flatten: Flatten) -> RawTable:
    """Bring records to a raw table.

    Parameters
    ----------
    dump : JsonRecords
        n records.
    table : str
        For messages.
    flatten : callable
        Makes of a record its cells by column; a cell that is an object or an array is written as JSON.

    Returns
    -------
    RawTable
        A column for every name that occurs, in the order in which names occur first; absent cells are empty. Records
        with characters that no text has are broken rows.
    """
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    broken = list(dump.broken)
    for record in dump.records:
        row = {name: _cell(value) for name, value in flatten(record).items()}
        damaged = next((name for name, cell in row.items() if "\0" in cell or _SURROGATE.search(cell)), None)
        if damaged is None:
            rows.append(row)
            lines.append(record.line)
        else:
            told = "the cell holds a NUL byte" if "\0" in row[damaged] else "the cell holds half a character"
            mend = "Export the file again; this one is damaged."
            broken.append(Problem(table, told, mend, dump.file, record.line, damaged))
    names = dict.fromkeys(name for row in rows for name in row)
    frame = pd.DataFrame({name: pd.Series([row.get(name, "") for row in rows], dtype="str") for name in names})
    return RawTable(dump.file, frame, np.array(lines, dtype=np.int64), tuple(broken), dump.notes)


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)


def _unzip(data: bytes, file: str, table: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        mend = "Compress it again with gzip, or give the plain JSON file."
        raise InputError(Problem(table, f"the file is not whole gzip data ({error})", mend, file=file)) from error


def _decode(data: bytes, file: str, table: str) -> str:
    """Read JSON's encodings: UTF-8, or UTF-16 with a byte order mark."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = data[error.start : error.start + 4].hex(" ")
        mend = "JSON is written in UTF-8; export the file again."
        told = "the text is not UTF-8" if encoding != "utf-16" else "the text is not whole UTF-16"
        raise InputError(Problem(table, told, mend, file=file, line=line, value=f"bytes {found}")) from error
