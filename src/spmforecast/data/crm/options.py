"""Options of an import: what the CRM's export cannot say itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError, Problem

__all__ = ["CrmOptions"]


@dataclass(frozen=True, eq=False)
class CrmOptions:
    """What to make of a CRM's export.

    Parameters
    ----------
    currency : str
        ISO 4217 code of the currency in which amounts are wanted; empty where the export has but one.
    rates : path or DataFrame, optional
        Exchange rates: ``currency``, ``rate`` and, where they change, ``from``, the first day on which a rate holds.
        An amount times its rate is the amount in `currency`.
    pipelines : tuple of str
        Names or ids of the pipelines to keep; all where empty.
    stage_names : mapping of str to str
        Stages that were renamed: old name to new.
    fiscal_year_start : int
        Month in which the fiscal year begins, for the labels of quota periods.
    fiscal : FiscalCalendar, optional
        The whole fiscal calendar instead, where its months are weeks.
    deleted : {"exclude", "keep"}
        What becomes of records that were deleted in the CRM; Salesforce only, others always exclude them.

    Raises
    ------
    InputError
        If the currency is no code of three letters or the month is none.
    """

    currency: str = ""
    rates: str | Path | pd.DataFrame | None = None
    pipelines: tuple[str, ...] = ()
    stage_names: Mapping[str, str] = field(default_factory=dict)
    fiscal_year_start: int = 1
    fiscal: FiscalCalendar | None = None
    deleted: Literal["exclude", "keep"] = "exclude"

    def __post_init__(self) -> None:
        problems = []
        code = self.currency.strip().upper()
        if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
            mend = "Write its ISO 4217 code, for instance EUR."
            problems.append(Problem("options", "not a currency", mend, column="currency", value=self.currency))
        if not 1 <= self.fiscal_year_start <= 12:
            told, found = "not a month", str(self.fiscal_year_start)
            problems.append(Problem("options", told, "Write 1 to 12.", column="fiscal_year_start", value=found))
        if self.deleted not in ("exclude", "keep"):
            told, mend = "not a way to treat deleted records", "Write exclude or keep."
            problems.append(Problem("options", told, mend, column="deleted", value=str(self.deleted)))
        if problems:
            raise InputError(problems)
        object.__setattr__(self, "currency", code)

    @property
    def calendar(self) -> FiscalCalendar:
        """The company's fiscal calendar."""
        return self.fiscal or FiscalCalendar(self.fiscal_year_start)
