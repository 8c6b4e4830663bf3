"""A source with rebuilt tables in front of what they were made from, and the files of an export by their part."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from spmforecast.data.crm.jsonfiles import JsonRecords, json_names, read_json
from spmforecast.data.history import SourceFile
from spmforecast.data.naming import find_name, fold_file
from spmforecast.data.sources import RawTable, Source
from spmforecast.errors import InputError, Problem

__all__ = ["Export", "RebuiltSource"]

_WRAPPED = re.compile(r"^(crmexports)?(all)?|[0-9]+$")


@dataclass
class RebuiltSource:
    """A source whose tables are partly rebuilt.

    Parameters
    ----------
    below : Source
        The export as it is.
    tables : mapping of str to RawTable
        Rebuilt tables by name.
    made_from : frozenset of str
        Names of the export that these were made from; they are not offered again.
    """

    below: Source
    tables: Mapping[str, RawTable]
    made_from: frozenset[str] = frozenset()

    def names(self) -> tuple[str, ...]:
        """Return the names of the rebuilt tables, then those of everything else."""
        return (*self.tables, *(name for name in self.below.names() if name not in self.made_from))

    def find(self, table: str) -> str | None:
        """Return the name under which a canonical table is found in the export, or None."""
        name = self.below.find(table)
        return None if name in self.made_from else name

    def read(self, name: str, table: str) -> RawTable:
        """Read what a name stands for.

        Raises
        ------
        InputError
            As the export does.
        """
        return self.tables[name] if name in self.tables else self.below.read(name, table)

    def files(self) -> tuple[SourceFile, ...]:
        """Return every file read so far, by name."""
        return self.below.files()

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note for each thing in the export that was not used."""
        unread = [name for name in json_names(self.below) if name not in self.made_from]
        notes = tuple(f"{name} is not used: it is none of the tables" for name in unread)
        return (*self.below.leftovers(used | self.made_from | set(unread)), *notes)


@dataclass
class Export:
    """A CRM's export while tables are rebuilt from it; keeps book of what was read.

    Parameters
    ----------
    source : Source
        The export.
    """

    source: Source
    read: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._dumps = json_names(self.source)
        self._tables = tuple(name for name in self.source.names() if name not in self._dumps)

    def table(self, wanted: Sequence[str], table: str) -> RawTable | None:
        """Read a table by its part in the export (``deals``), whatever the export calls it; None where absent.

        Raises
        ------
        InputError
            If several files could be meant, or the file cannot be read.
        """
        found = _like(wanted, self._tables)
        if not found:
            return None
        if len(found) > 1:
            told = f"{' and '.join(found)} could both be meant"
            raise InputError(Problem(table, told, "Keep one of them.", file=found[0]))
        self.read.add(found[0])
        return self.source.read(found[0], table)

    def dump(self, wanted: Sequence[str], table: str) -> JsonRecords | None:
        """Read a JSON dump by its part; several numbered files of it are read as one. None where absent.

        Raises
        ------
        InputError
            If a file cannot be read.
        """
        found = _like(wanted, self._dumps)
        if not found:
            return None
        self.read |= set(found)
        parts = [_keyed(read_json(self.source, name, table), name) for name in found]
        if len(parts) == 1:
            return parts[0]
        name = f"{found[0]} to {found[-1]}"
        records = tuple(record for part in parts for record in part.records)
        broken = tuple(problem for part in parts for problem in part.broken)
        note = f"{name}: {len(parts):,} files read as one; line numbers are those within each file"
        return JsonRecords(name, records, broken, (*(said for part in parts for said in part.notes), note))

    def rebuilt(self, tables: Mapping[str, RawTable]) -> RebuiltSource:
        """Put rebuilt tables in front of the export."""
        return RebuiltSource(self.source, tables, frozenset(self.read))


def _keyed(dump: JsonRecords, name: str) -> JsonRecords:
    """Let the number in a file's name (``flow_17.json``) be the key of its records, unless they have one."""
    number = re.search(r"([0-9]+)\.", name)
    if number is None:
        return dump
    return replace(dump, records=tuple(replace(one, key=one.key or number[1]) for one in dump.records))


def _like(wanted: Sequence[str], there: Sequence[str]) -> tuple[str, ...]:
    """Find the names that mean one of several parts, the first that is there at all."""
    for part in wanted:
        exact = find_name([part], there, fold_file)
        if exact:
            return exact
        numbered = [name for name in there if _bare(name) == fold_file(part)]
        if numbered:
            return tuple(sorted(numbered, key=_numbers))
    return ()


def _bare(name: str) -> str:
    """Return a folded name without what dumps carry around it: ``crm-exports-all-`` and numbers or dates at the end."""
    folded = fold_file(name.lower().replace(".ndjson", ".json"))
    return fold_file(_WRAPPED.sub("", folded))


def _numbers(name: str) -> tuple[tuple[int, ...], str]:
    """Sort ``deals_2`` before ``deals_10``."""
    return tuple(int(digits) for digits in re.findall("[0-9]{1,18}", name)), name
