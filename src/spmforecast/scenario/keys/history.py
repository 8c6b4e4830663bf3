"""Keys that say where the history comes from."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from spmforecast.calendar import FiscalCalendar
from spmforecast.data import CrmOptions
from spmforecast.data.sources import Source, is_address, open_source
from spmforecast.scenario.keys.base import Names, Strict

__all__ = ["ExampleSpec", "FolderSpec", "history_of"]


class _ExampleKeys(Strict):
    seed: int = Field(default=7, ge=0)
    size: Literal["small", "medium", "large"] = "medium"
    character: Literal["calm", "ordinary", "stormy", "tiny"] = "ordinary"


class ExampleSpec(Strict):
    """History made by the example company."""

    example: _ExampleKeys


class FolderSpec(Strict):
    """History from a folder, file or database, with a map where its tables are not the canonical ones."""

    model_config = ConfigDict(populate_by_name=True)

    folder: str | None = Field(default=None, min_length=1)
    # A URL may hold a password, so it is not shown with the rest.
    database: str | None = Field(default=None, min_length=1, repr=False)
    database_schema: str | None = Field(default=None, min_length=1, alias="schema")
    map: str | None = None
    observed_from: date | None = None
    crm: Literal["salesforce", "hubspot", "dynamics", "pipedrive"] | None = None
    rates: str | None = None
    pipelines: Names = ()
    stage_names: dict[str, str] = Field(default={})
    deleted: Literal["exclude", "keep"] = "exclude"
    max_rejected_share: float = Field(default=0.05, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _address(cls, value: Any) -> Any:
        """Let the URL of a database stand for a folder."""
        folder = value.get("folder") if isinstance(value, dict) else None
        if isinstance(folder, str) and is_address(folder) and value.get("database") is None:
            return {**value, "folder": None, "database": folder}
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        """Ask for one of folder and database."""
        named = [name for name in ("folder", "database") if getattr(self, name) is not None]
        if len(named) != 1:
            told = "folder and database are both given" if named else "neither folder nor database is given"
            raise ValueError(f"{told}: Name the one that holds the data.")
        return self

    @model_validator(mode="after")
    def _nothing_idle(self) -> Self:
        """Refuse what would do nothing: whoever wrote it expects it to do something."""
        idle = [name for name in ("pipelines", "stage_names") if getattr(self, name) and self.crm is None]
        idle += ["deleted"] if self.deleted == "keep" and self.crm is None else []
        idle += ["rates"] if self.rates is not None and self.crm is None and self.map is None else []
        if idle:
            raise ValueError(f"{' and '.join(idle)} without crm: Say which CRM the data come from, or take it out.")
        return self

    def source(self, base: Path) -> Source:
        """Open it; paths are relative to the scenario's folder."""
        return open_source(str(self.database or self.folder), self.database_schema, base)

    def options(self, base: Path, currency: str, calendar: FiscalCalendar) -> CrmOptions:
        """Return what an import is to know: the rates, seen from the scenario's folder, and the scenario's own keys.

        A currency that is no code (``€``, ``kEUR``) names amounts in the report and needs no conversion.
        """
        code = currency if self.rates is not None or re.fullmatch("[A-Za-z]{3}", currency) else ""
        rates = None if self.rates is None else base / self.rates
        return CrmOptions(code, rates, self.pipelines, self.stage_names, fiscal=calendar, deleted=self.deleted)


def history_of(value: Any) -> Any:
    """Let a plain path stand for a folder; tell the two forms apart by their keys, for better messages."""
    if isinstance(value, str):
        return FolderSpec(folder=value)
    if isinstance(value, dict):
        return (ExampleSpec if "example" in value else FolderSpec).model_validate(value)
    raise ValueError(
        "this names no history: Give a folder, a file, a database URL, or {example: {seed: 7, size: medium}}."
    )
