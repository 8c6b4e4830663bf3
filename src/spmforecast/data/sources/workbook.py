"""Excel workbooks as a source: each sheet a table, its cells with the types that the workbook knows."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from spmforecast.data.history import SourceFile
from spmforecast.data.sources.base import RawTable
from spmforecast.data.sources.headers import called, sole
from spmforecast.data.sources.sheetrows import SheetRow, read_rows
from spmforecast.data.tables import TABLES
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["Workbook", "WorkbookSource"]

_OLD = b"\xd0\xcf\x11\xe0"
_MOST_BYTES = 4 << 30
_SHAPED_BYTES = 32 << 20
_BLOCK = 1 << 22
_OVERLAP = 400
_FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")
_SHAPE = re.compile(rb"<(?:\w+:)?mergeCell |<(?:\w+:)?(?:row|col) [^>]*hidden=\"(?:1|true)\"|<(?:\w+:)?autoFilter")


@dataclass
class WorkbookSource:
    """An Excel workbook (.xlsx, .xlsm); a sheet named like a table is that table, whatever its case.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    """

    path: Path
    _read: bool = field(default=False, init=False)

    @cached_property
    def _book(self) -> Workbook:
        try:
            data = self.path.read_bytes()
        except OSError as error:
            told = f"the file cannot be read ({error.strerror})"
            raise InputError(Problem("history", told, "Look at its permissions.", file=str(self.path))) from error
        return Workbook(data, self.path.name)

    def names(self) -> tuple[str, ...]:
        """Return the names of the sheets, in order."""
        return self._book.sheets

    def find(self, table: str) -> str | None:
        """Return the sheet of a table; the only sheet of a workbook that is itself named like it.

        Raises
        ------
        InputError
            If there are several.
        """
        return self._book.find(table)

    def read(self, name: str, table: str) -> RawTable:
        """Read a sheet (see :meth:`Workbook.read`)."""
        raw = self._book.read(name, table)
        self._read = True
        return raw

    def files(self) -> tuple[SourceFile, ...]:
        """Return the workbook once a sheet of it was read."""
        return (self._book.file,) if self._read else ()

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note for each sheet that is not used."""
        notes = []
        for name in self.names():
            if name not in used:
                meant = nearest(name, [table for table in TABLES if not called(table, used)])
                hint = f"; did you mean {meant}?" if meant else ""
                notes.append(f"{self.path.name}: the sheet {name} is not used: it is none of the tables{hint}")
        return tuple(notes)


class Workbook:
    """The sheets of one workbook.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for messages.

    Raises
    ------
    InputError
        If the package for it is missing, or it is no workbook that can be read.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.file = SourceFile(name, hashlib.sha256(data).hexdigest(), len(data))
        self._data = data
        self._formulas, self._shaped = _looked_through(data, name)
        # Streamed, so that a large workbook needs little memory.
        self._values = self._open(data_only=True)
        self.sheets: tuple[str, ...] = tuple(sheet.title for sheet in self._values.worksheets)

    def find(self, table: str) -> str | None:
        """Return the sheet of a table; the only sheet of a workbook that is itself named like it."""
        found = sole(table, called(table, self.sheets))
        alone = len(self.sheets) == 1 and called(table, [Path(self.name).stem])
        return self.sheets[0] if found is None and alone else found

    def of_table(self, table: str) -> RawTable:
        """Read the sheet of a table, or the only sheet whatever its name.

        Raises
        ------
        InputError
            If there is none.
        """
        found = self.sheets[0] if len(self.sheets) == 1 else self.find(table)
        if found is None:
            told = f"the workbook has {len(self.sheets)} sheets and none of them is called {table}"
            mend = f"Call one {table}, or name the workbook itself as the source; its sheets: {', '.join(self.sheets)}."
            raise InputError(Problem(table, told, mend, file=self.name))
        return self.read(found, table)

    def read(self, name: str, table: str) -> RawTable:
        """Read a sheet (see :func:`~spmforecast.data.sources.sheetrows.read_rows`).

        Raises
        ------
        InputError
            If there is no such sheet, or it is empty, damaged, or names a column twice.
        """
        file = f"{self.name}/{name}"
        if name not in self.sheets:
            near = nearest(name, self.sheets)
            mend = f"Did you mean {near}?" if near else f"The sheets are {', '.join(self.sheets)}."
            raise InputError(Problem(table, "there is no such sheet", mend, file=file))
        try:
            raw = read_rows(self._rows(name), file, table)
            notes = (*raw.notes, *self._shape_notes(name, file))
        except InputError:
            raise
        except Exception as error:  # openpyxl has no error of its own for a damaged file
            raise InputError(_damaged(file, table, error)) from error
        return replace(raw, notes=notes)

    def _open(self, data_only: bool, read_only: bool = True) -> Any:
        try:
            from openpyxl import load_workbook
        except ImportError as error:
            mend = 'Install it: pip install "spmforecast[excel]". Or save each sheet as CSV.'
            told = "reading a workbook needs the package openpyxl"
            raise InputError(Problem("history", told, mend, file=self.name)) from error
        try:
            with warnings.catch_warnings():
                # Styles and drawings that openpyxl passes over do not matter here.
                warnings.simplefilter("ignore")
                return load_workbook(io.BytesIO(self._data), read_only=read_only, data_only=data_only)
        except Exception as error:  # see read
            raise InputError(_damaged(self.name, "history", error)) from error

    def _rows(self, name: str) -> Iterator[SheetRow]:
        values = self._values[name].iter_rows(min_row=1)
        if not self._formulas:
            yield from ((line, row, row) for line, row in enumerate(values, start=1))
            return
        written = self._open(data_only=False)[name].iter_rows(min_row=1)
        for line, (row, formulas) in enumerate(zip(values, written, strict=True), start=1):
            yield line, row, formulas

    @cached_property
    def _whole(self) -> Any:
        return self._open(data_only=True, read_only=False)

    def _shape_notes(self, name: str, file: str) -> Iterator[str]:
        if self._values[name].sheet_state != "visible":
            yield f"{file}: the sheet is hidden and read all the same"
        if not self._shaped:
            return
        if len(self._data) > _SHAPED_BYTES:
            yield f"{file}: the workbook has merged or hidden cells or a filter, and is too large to say which"
            return
        sheet = self._whole[name]
        merged = [str(area) for area in sheet.merged_cells.ranges]
        if merged:
            yield f"{file}: {len(merged):,} merged areas hold their value in the first cell only (first: {merged[0]})"
        hidden = sum(bool(row.hidden) for row in sheet.row_dimensions.values())
        if hidden:
            yield f"{file}: {hidden:,} hidden rows are read like the others"
        if any(column.hidden for column in sheet.column_dimensions.values()):
            yield f"{file}: hidden columns are read like the others"
        if sheet.auto_filter.ref and not hidden:
            yield f"{file}: a filter is set on the sheet; all rows are read"


def _looked_through(data: bytes, name: str) -> tuple[bool, bool]:
    """Tell whether any sheet has formulas, and whether any has merged or hidden cells or a filter."""
    if data[:4] == _OLD:
        told = "this is an old Excel file, or one that is protected by a password"
        raise InputError(Problem("history", told, "Save it as .xlsx without a password.", file=name))
    formulas = shaped = False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > _MOST_BYTES:
                told = f"the workbook is larger than {_MOST_BYTES >> 30} GiB when unpacked"
                raise InputError(Problem("history", told, "Export the tables as CSV or Parquet.", file=name))
            for part in parts:
                if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
                    has = _scan(archive, part)
                    formulas, shaped = formulas or has[0], shaped or has[1]
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise InputError(_damaged(name, "history", error)) from error
    return formulas, shaped


def _scan(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> tuple[bool, bool]:
    formulas = shaped = False
    tail = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            text = tail + block
            formulas = formulas or _FORMULA.search(text) is not None
            shaped = shaped or _SHAPE.search(text) is not None
            tail = text[-_OVERLAP:]
    return formulas, shaped


def _damaged(file: str, table: str, error: BaseException) -> Problem:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    told = f"this is no workbook that can be read ({said})"
    return Problem(table, told, "Open it in Excel and save it as .xlsx, or export the sheets as CSV.", file=file)
