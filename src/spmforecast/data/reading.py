"""Reading: the tables of a source one after the other, each as the pieces that its files and the map give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from spmforecast.data.maps import Map, TableMap
from spmforecast.data.pieces import MISSING_COLUMN, Piece, make_piece, mapped_file
from spmforecast.data.sources import Source
from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem

__all__ = ["Read", "Reading"]

_OF_ALL = ("map", "options")


@dataclass(frozen=True, eq=False)
class Read:
    """A table as it was read.

    Parameters
    ----------
    table : str
        Canonical table.
    pieces : sequence of Piece
        Its files, mapped; at least one.
    whole : bool
        Whether all of its files could be read; if not, rows that point to missing ones are no fault.
    """

    table: str
    pieces: Sequence[Piece]
    whole: bool


@dataclass(eq=False)
class Reading:
    """Reads a source; collects what is wrong with it on the way.

    Parameters
    ----------
    source : Source
        Where raw tables come from.
    chart : Map, optional
        How they become canonical ones.
    fatal : list of Problem
        What makes the job impossible.
    notes : list of str
        What is odd but was kept.
    used : set of str
        Names in the source of everything that was read.
    files : dict of str to str
        First file of each table that is there.
    """

    source: Source
    chart: Map | None
    fatal: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)

    def tables(self) -> Iterator[Read]:
        """Read every table that is there, in the order of :data:`~spmforecast.data.tables.TABLES`."""
        mapped: Mapping[str, Sequence[TableMap]] = {} if self.chart is None else self.chart.tables
        for table in TABLES:
            pieces = self._mapped(table, mapped[table]) if table in mapped else self._found(table)
            if pieces:
                self.files[table] = pieces[0].file
                yield Read(table, pieces, not any(problem.table in (table, *_OF_ALL) for problem in self.fatal))

    def _mapped(self, table: str, mappings: Sequence[TableMap]) -> list[Piece]:
        """Read the files that the map names for a table."""
        assert self.chart is not None, "a mapping comes with its map"
        pieces = []
        for place, one in enumerate(mappings):
            try:
                name = mapped_file(self.source, one, self.chart, table, place)
                if name is not None:
                    pieces.append(make_piece(self.source, table, name, one, self.chart, place))
                    self.used |= pieces[-1].names
            except InputError as error:
                self.fatal += error.problems
        return pieces

    def _found(self, table: str) -> list[Piece]:
        """Read the file of a table's own name."""
        name = None
        pieces = []
        try:
            name = self.source.find(table)
            if name is None:
                return []
            pieces.append(make_piece(self.source, table, name))
        except InputError as error:
            if self.chart is None or any(problem.reason != MISSING_COLUMN for problem in error.problems):
                self.fatal += error.problems
            else:
                told = f"{name} is not used: the map does not name it and it is not a canonical {table} table"
                self.notes.append(told)
        self.used.add(name or "")
        return pieces
