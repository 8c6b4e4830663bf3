"""All keys that a scenario file may hold, each of a kind; what must fit together is checked in `together`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from spmforecast.calendar import FiscalCalendar, Pattern, Weekday, YearEnd
from spmforecast.scenario.keys import (
    AssumptionKeys,
    BacktestKeys,
    ExampleSpec,
    FolderSpec,
    HiringKeys,
    ModelKeys,
    PayKeys,
    PhasingKeys,
    QuotaKeys,
    ScorecardKeys,
    SimulateKeys,
    Strict,
    TerritoryKeys,
    UpdateKeys,
    history_of,
    pay_of,
)
from spmforecast.scenario.quality import QualityKeys

__all__ = ["FiscalKeys", "ScenarioFile"]


class FiscalKeys(Strict):
    """How the fiscal year falls into months."""

    pattern: Pattern = "months"
    weekday: Weekday = "saturday"
    ends: YearEnd = "last"


class ScenarioFile(Strict):
    """All keys of a scenario file."""

    base: str | None = None
    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    history: Annotated[
        ExampleSpec | FolderSpec, BeforeValidator(history_of, json_schema_input_type=str | ExampleSpec | FolderSpec)
    ]
    as_of: date
    until: date
    period: Literal["month", "quarter"] = "quarter"
    fiscal_year_start: int = Field(default=1, ge=1, le=12)
    fiscal_calendar: FiscalKeys = FiscalKeys()
    currency: str = ""
    timezone: str = "UTC"
    levels: tuple[str, ...] = ("region", "segment")
    plan: dict[str, float] | str | None = None
    phasing: PhasingKeys | None = None
    model: ModelKeys = ModelKeys()
    backtest: BacktestKeys = BacktestKeys()
    quality: QualityKeys = QualityKeys()
    simulate: SimulateKeys = SimulateKeys()
    quotas: QuotaKeys | None = None
    territories: TerritoryKeys = TerritoryKeys()
    assumptions: tuple[AssumptionKeys, ...] = ()
    compensation: Annotated[PayKeys | None, BeforeValidator(pay_of, json_schema_input_type=str | PayKeys | None)] = None
    hiring: HiringKeys | None = None
    update: UpdateKeys = UpdateKeys()
    scorecards: ScorecardKeys = ScorecardKeys()

    @property
    def calendar(self) -> FiscalCalendar:
        """The fiscal calendar."""
        own = self.fiscal_calendar
        return FiscalCalendar(self.fiscal_year_start, own.pattern, own.weekday, own.ends)
