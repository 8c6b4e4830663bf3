"""Sheet: one table while it is being checked, with the place of every row and the problems found so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.arrow import empty_cells, places_among
from spmforecast.data.history import REJECTED_COLUMNS
from spmforecast.data.pieces import Piece
from spmforecast.data.sources.columns import as_text, is_text
from spmforecast.data.tables import TABLES

__all__ = ["Sheet", "Texts"]

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int8]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class _Finding:
    """Problems of one column: rows, values, reasons and mends of like shape (k,)."""

    rows: npt.NDArray[np.intp]
    column: str
    values: Texts
    reasons: Texts
    mends: Texts


@dataclass
class Sheet:
    """A table under check.

    Parameters
    ----------
    name : str
        Canonical table.
    text : pandas.DataFrame
        n rows of text.
    files : tuple of str
        The files that the rows are from, one after the other.
    starts : numpy.ndarray of int
        First row of each file.
    pieces : sequence of Piece
        What each file gave.
    typed : pandas.DataFrame
        The same rows, typed; missing where a cell is empty or bad.
    notes : list of str
        What is odd but is kept.
    deal : numpy.ndarray of int, shape (n,), or None
        Row of the usable opportunities that each row speaks of, -1 where there is none; None where that was not asked.
    """

    name: str
    text: pd.DataFrame
    files: tuple[str, ...]
    starts: npt.NDArray[np.int64]
    pieces: Sequence[Piece]
    typed: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: list[str] = field(default_factory=list)
    deal: npt.NDArray[np.int64] | None = None
    _found: list[_Finding] = field(default_factory=list)
    _empty: dict[str, Mask] = field(default_factory=dict)
    _places: dict[str, Places] = field(default_factory=dict)

    @cached_property
    def line(self) -> npt.NDArray[np.int64]:
        """Line on which each row stands in its file, shape (n,); made when it is asked for."""
        return self.pieces[0].lines if len(self.pieces) == 1 else np.concatenate([one.lines for one in self.pieces])

    @property
    def bad(self) -> Mask:
        """Rows with at least one problem, shape (n,)."""
        mask = np.zeros(len(self.text), dtype=bool)
        for finding in self._found:
            mask[finding.rows] = True
        return mask

    @property
    def faulty(self) -> bool:
        """Whether anything is wrong with any row."""
        return bool(self._found)

    def reject(
        self, mask: Mask, column: str, reason: str | Texts, mend: str | Texts, value: Texts | None = None
    ) -> None:
        """Reject the rows of a mask; texts given as arrays have an element a row of the table."""
        rows = np.flatnonzero(mask)
        each = [text if isinstance(text, str) else text[rows] for text in (reason, mend)]
        self.reject_rows(rows, column, each[0], each[1], None if value is None else value[rows])

    def reject_rows(
        self,
        rows: npt.NDArray[np.intp],
        column: str,
        reasons: str | Texts,
        mends: str | Texts,
        values: Texts | None = None,
    ) -> None:
        """Reject rows by number; texts given as arrays have an element a rejected row."""
        if not len(rows):
            return
        if values is None:
            values = self.cells(column, rows)
        self._found.append(_Finding(rows, column, values, _spread(reasons, len(rows)), _spread(mends, len(rows))))

    def empty(self, column: str) -> Mask:
        """Tell which cells hold nothing at all, shape (n,); a bad cell is a problem of its own. Found once."""
        if column not in self.text:
            return np.ones(len(self.text), dtype=bool)
        if column not in self._empty:
            cells = self.text[column]
            self._empty[column] = empty_cells(cells) if is_text(cells) else cells.isna().to_numpy(dtype=bool)
        return self._empty[column]

    def places(self, column: str) -> Places:
        """Return the place of each usable cell among the words that its column may hold, else -1; found once."""
        if column not in self._places:
            declared = TABLES[self.name].column(column)
            assert declared is not None, "only canonical columns hold but a few words"
            self._places[column] = places_among(self.typed[column], declared.choices)
        return self._places[column]

    def know_places(self, column: str, parts: Sequence[Places | None]) -> None:
        """Take over what each file's cells have as their places, where that is known of all of them."""
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            self._places[column] = known[0] if len(known) == 1 else np.concatenate(known)

    def cells(self, column: str, rows: npt.NDArray[np.intp]) -> Texts:
        """Return the cells of some rows as they stand in the source."""
        if column not in self.text:
            return np.full(len(rows), "", dtype=object)
        cells = self.text[column].iloc[rows]
        words = as_text(cells).to_numpy(dtype=object).copy()
        for place, piece in enumerate(self.pieces if len(rows) and not is_text(cells) else ()):
            here = np.flatnonzero(np.searchsorted(self.starts, rows, side="right") - 1 == place)
            if piece.origin is not None and len(here):
                words[here] = piece.origin.cells(column, self.line[rows[here]])
        return words

    def place(self, row: int, seen_from: int) -> str:
        """Say where a row stands, naming its file only where that is another one."""
        line = f"line {self.line[row]}"
        file, here = self.file_of(np.array([row, seen_from]))
        return line if file == here else f"{file}, {line}"

    def file_of(self, rows: npt.NDArray[np.intp]) -> Texts:
        """Return the names of the files in which some rows stand."""
        return np.array(self.files, dtype=object)[np.searchsorted(self.starts, rows, side="right") - 1]

    def rejections(self) -> pd.DataFrame:
        """Return a line for each problem (see :class:`~spmforecast.data.history.History`)."""
        parts = [
            pd.DataFrame(
                {
                    "table": self.name,
                    "file": self.file_of(finding.rows),
                    "line": self.line[finding.rows],
                    "column": finding.column,
                    "value": finding.values,
                    "reason": finding.reasons,
                    "mend": finding.mends,
                }
            )
            for finding in self._found
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(REJECTED_COLUMNS))


def _spread(text: str | Texts, rows: int) -> Texts:
    if isinstance(text, str):
        return np.full(rows, text, dtype=object)
    return text
