"""Tables as an Excel workbook: a sheet each, numbers as numbers, nothing that runs as a formula."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.scenario.folder import defused, rounded

__all__ = ["write_workbook"]

_WIDEST = 40
_STAMP = dt.datetime(2000, 1, 1)  # the same tables give the same bytes


def write_workbook(path: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write a workbook.

    Parameters
    ----------
    path : Path
        An ``.xlsx`` file.
    tables : mapping of str to DataFrame
        A sheet each.

    Raises
    ------
    InputError
        If openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
        from openpyxl.styles import Font
        from openpyxl.utils import get_column_letter
    except ImportError as error:
        told, mend = "Excel files need openpyxl", 'Install it with: python -m pip install "spmforecast[excel]".'
        raise InputError(Problem("comparison", told, mend, file=path.name)) from error
    book = Workbook()
    book.remove(book.active)
    book.properties.created = book.properties.modified = _STAMP
    for name, table in tables.items():
        sheet = book.create_sheet(name[:31])
        plain = defused(rounded(table)).astype(object)
        plain = plain.where(plain.notna(), None)
        sheet.append([str(column) for column in plain])
        for row in plain.itertuples(index=False, name=None):
            sheet.append(list(row))
        sheet.freeze_panes = "A2"
        for number, column in enumerate(plain, start=1):
            sheet.cell(1, number).font = Font(bold=True)
            longest = max([len(str(column)), *(len(_shown(value)) for value in plain[column])])
            sheet.column_dimensions[get_column_letter(number)].width = min(longest + 2, _WIDEST)
            _formats(sheet, number, str(column), len(plain))
    book.save(path)


def _shown(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def _formats(sheet: object, number: int, column: str, rows: int) -> None:
    """Show probabilities as percentages and amounts with separators."""
    style = "0.0%" if column.startswith("p_") else "#,##0.00"
    for row in range(2, rows + 2):
        cell = sheet.cell(row, number)  # type: ignore[attr-defined]
        if isinstance(cell.value, float):
            cell.number_format = style
