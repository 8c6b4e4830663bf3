"""Options of an import: what the CRM's export cannot say itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError, Problem

__all__ = ["CrmOptions", "option_problem"]

_TYPED = {"pipelines": "pipeline"}
_NOT_TYPED = ("stage_names", "crm")


def option_problem(name: str, told: str, mend: str = "", value: str = "") -> Problem:
    """Make a problem of an option, named as it is typed on the command line and as it stands in a scenario."""
    typed = f"--{_TYPED.get(name, name).replace('_', '-')}/"
    return Problem("options", told, mend, column=name if name in _NOT_TYPED else typed + name, value=value)


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
            problems.append(option_problem("currency", "not a currency", mend, self.currency))
        if not 1 <= self.fiscal_year_start <= 12:
            found = str(self.fiscal_year_start)
            problems.append(option_problem("fiscal_year_start", "not a month", "Write 1 to 12.", found))
        if self.deleted not in ("exclude", "keep"):
            told, mend = "not a way to treat deleted records", "Write exclude or keep."
            problems.append(option_problem("deleted", told, mend, str(self.deleted)))
        if problems:
            raise InputError(problems)
        object.__setattr__(self, "currency", code)

    @property
    def calendar(self) -> FiscalCalendar:
        """The company's fiscal calendar."""
        return self.fiscal or FiscalCalendar(self.fiscal_year_start)
