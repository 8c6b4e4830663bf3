"""The scenario file: what may stand in it, checked as a whole before anything runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from spmforecast.calendar import FiscalCalendar, Pattern, Weekday, YearEnd
from spmforecast.data import CrmOptions
from spmforecast.data.sources import Source, is_address, open_source
from spmforecast.errors import InputError, Problem
from spmforecast.optimize.ways import WAYS, check_way
from spmforecast.scenario.quality import QualityKeys, wrong_rules
from spmforecast.written import Written, nearest, read_file, read_yaml

__all__ = ["ExampleSpec", "FolderSpec", "Scenario", "ScenarioFile", "load_scenario"]

_LATER = {
    "assumptions": "assumptions are not supported in this version",
    "compensation": "compensation plans are not supported in this version",
}


_DATING = {"fiscal_year_start", "fiscal_calendar", "period"}
"""Keys that decide which days end a period."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ExampleKeys(_Strict):
    seed: int = Field(default=7, ge=0)
    size: Literal["small", "medium", "large"] = "medium"
    character: Literal["calm", "ordinary", "stormy", "tiny"] = "ordinary"


class ExampleSpec(_Strict):
    """History made by the example company."""

    example: _ExampleKeys


def _listed(value: Any) -> Any:
    """Let a single text stand for a list of one."""
    return [value] if isinstance(value, str) else value


class FolderSpec(_Strict):
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
    pipelines: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    stage_names: dict[str, str] = {}

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
        return CrmOptions(code, rates, self.pipelines, self.stage_names, fiscal=calendar)


def _history(value: Any) -> Any:
    """Let a plain path stand for a folder; tell the two forms apart by their keys, for better messages."""
    if isinstance(value, str):
        return FolderSpec(folder=value)
    if isinstance(value, dict):
        return (ExampleSpec if "example" in value else FolderSpec).model_validate(value)
    raise ValueError(
        "this names no history: Give a folder, a file, a database URL, or {example: {seed: 7, size: medium}}."
    )


def _at_least_one(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        raise ValueError("must be at least 1: Write a positive whole number.")
    return value


def _share(value: Any) -> Any:
    if isinstance(value, int | float) and not -1 < value < 10:
        raise ValueError("must be a share: 0.10 is 10 %.")
    return value


class SimulateKeys(_Strict):
    """How to simulate."""

    trials: Annotated[int, BeforeValidator(_at_least_one)] = Field(default=10_000, le=10_000_000)
    seed: int = 1
    method: Literal["monte-carlo"] = "monte-carlo"


class FiscalKeys(_Strict):
    """How the fiscal year falls into months."""

    pattern: Pattern = "months"
    weekday: Weekday = "saturday"
    ends: YearEnd = "last"


def _attributes(value: Any) -> Any:
    """Let one name stand for itself and a list of names for all of them together."""
    names = list(value) if isinstance(value, list | tuple) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError("names no attribute of deals: Give one, or a list such as [segment, type].")
    if len(set(names)) < len(names):
        raise ValueError("names an attribute twice: Name each once.")
    return names[0] if len(names) == 1 else tuple(names)


class ModelKeys(_Strict):
    """What to fit."""

    segment_by: Annotated[str | tuple[str, ...], BeforeValidator(_attributes)] = "segment"
    law: Literal[
        "piecewise",
        "choose",
        "aic",
        "exponential",
        "weibull",
        "lognormal",
        "log-logistic",
        "gamma",
        "gompertz",
        "generalized-gamma",
        "exponential-cure",
        "weibull-cure",
        "lognormal-cure",
        "log-logistic-cure",
    ] = "piecewise"
    amount_tail: Literal["empirical", "pareto"] = "empirical"
    choose: bool = False
    combine: bool = False


class BacktestKeys(_Strict):
    """What a backtest asks; empty or 0 stands for what suits the length of the periods."""

    weeks: tuple[int, ...] = ()
    ahead: int = Field(default=2, ge=1, le=8)
    periods: int = Field(default=12, ge=1)
    least_days: int = Field(default=0, ge=0)
    trials: Annotated[int, BeforeValidator(_at_least_one)] = Field(default=1000, le=100_000)


class LockKeys(_Strict):
    """A quota that is settled, and why."""

    rep_id: str
    quota: float = Field(ge=0)
    reason: str = Field(min_length=1)


class LimitKeys(_Strict):
    """What quotas must keep to."""

    floor: float | dict[str, float] | None = None
    ceiling: float | dict[str, float] | None = None
    ratchet_up: float | None = Field(default=None, ge=0)
    ratchet_down: float | None = Field(default=None, ge=0)
    least_change: float = Field(default=0.0, ge=0)
    locks: tuple[LockKeys, ...] = ()


class CushionKeys(_Strict):
    """What a cushion is to do."""

    wanted: float = Field(default=0.8, ge=0, le=1)
    least_p_attain: float = Field(default=0.0, ge=0, le=1)


class QuotaKeys(_Strict):
    """How to set quotas."""

    method: str = "equal-probability"
    over_assignment: Annotated[float, BeforeValidator(_share)] = 0.0
    round_to: float | None = Field(default=None, ge=0.01)
    options: dict[str, Any] = {}
    limits: LimitKeys = LimitKeys()
    figures: dict[str, float | None] = {}
    figures_as: Literal["fixed", "base"] = "fixed"
    hierarchy: dict[Literal["region", "territory", "manager"], Annotated[float, BeforeValidator(_share)]] = {}
    cushion: CushionKeys = CushionKeys()
    compare: tuple[str, ...] = ("proportional", "even", "growth")


class TerritoryKeys(_Strict):
    """What to do with territories."""

    keep: Literal[True] = True


class ScenarioFile(_Strict):
    """All keys of a scenario file."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    history: Annotated[ExampleSpec | FolderSpec, BeforeValidator(_history)]
    as_of: date
    until: date
    period: Literal["month", "quarter"] = "quarter"
    fiscal_year_start: int = Field(default=1, ge=1, le=12)
    fiscal_calendar: FiscalKeys = FiscalKeys()
    currency: str = ""
    timezone: str = "UTC"
    levels: tuple[str, ...] = ("region", "segment")
    plan: dict[str, float] | str | None = None
    model: ModelKeys = ModelKeys()
    backtest: BacktestKeys = BacktestKeys()
    quality: QualityKeys = QualityKeys()
    simulate: SimulateKeys = SimulateKeys()
    quotas: QuotaKeys | None = None
    territories: TerritoryKeys = TerritoryKeys()
    assumptions: tuple[Any, ...] = ()
    compensation: str | None = None

    @property
    def calendar(self) -> FiscalCalendar:
        """The fiscal calendar."""
        own = self.fiscal_calendar
        return FiscalCalendar(self.fiscal_year_start, own.pattern, own.weekday, own.ends)


@dataclass(frozen=True)
class Scenario:
    """A checked scenario and where it stands.

    Parameters
    ----------
    keys : ScenarioFile
        What it says.
    path : Path
        Its file; paths inside are relative to it.
    text : str
        The file's text, for its hash.
    written : Written
        Places and lines, for messages about what turns out wrong later.
    """

    keys: ScenarioFile
    path: Path
    text: str = field(repr=False)
    written: Written = field(repr=False)

    @property
    def calendar(self) -> FiscalCalendar:
        """The fiscal calendar."""
        return self.keys.calendar

    def resolve(self, name: str) -> Path:
        """Return a path that the scenario names, relative to its own folder."""
        return self.path.parent / name


def load_scenario(path: str | Path, overrides: dict[str, Any] | None = None) -> Scenario:
    """Read and check a scenario file.

    Parameters
    ----------
    path : path or str
        A YAML file.
    overrides : dict, optional
        Values given on the command line: ``as_of``, ``trials``, ``seed``.

    Returns
    -------
    Scenario

    Raises
    ------
    InputError
        With every problem at once: file, line, and the nearest right key.
    """
    text = read_file(path, "scenario")
    written = read_yaml(text, str(path), "scenario")
    problems: list[Problem] = []
    try:
        keys = written.validate(ScenarioFile)
    except InputError as error:
        raise InputError([*error.problems, *_among_sound_keys(written, error)]) from error
    try:
        keys = _override(keys, overrides or {})
    except InputError as error:
        problems += error.problems
    problems += _wrong_together(keys, written)
    if problems:
        raise InputError(problems)
    return Scenario(keys, Path(path), text, written)


def _among_sound_keys(written: Written, error: InputError) -> list[Problem]:
    """Go on with the keys in which nothing is wrong yet, so that everything is told at once."""
    wrong = {problem.column.split(".")[0] for problem in error.problems}
    tree = written.tree if isinstance(written.tree, dict) else {}
    sound = {key: value for key, value in tree.items() if key not in wrong}
    try:
        keys = replace(written, tree=sound, twice=()).validate(ScenarioFile)
    except InputError:
        return []  # a key without which nothing can be judged is missing or wrong itself
    return _wrong_together(keys, written, dated=not wrong & _DATING)


def _override(keys: ScenarioFile, overrides: dict[str, Any]) -> ScenarioFile:
    """Put values from the command line in place of the file's."""
    given = {name: value for name, value in overrides.items() if value is not None}
    simulate = {name: given.pop(name) for name in ("trials", "seed") if name in given}
    if not given and not simulate:
        return keys
    tree: dict[str, Any] = {
        **keys.model_dump(),
        **given,
        "simulate": {**keys.simulate.model_dump(), **simulate},
        "history": keys.history.model_dump(),
    }
    options = Written("command line", "scenario", tree, {}, ())
    return options.validate(ScenarioFile)


def _wrong_together(keys: ScenarioFile, written: Written, dated: bool = True) -> list[Problem]:
    """Find what each key allows but all of them together do not; periods are judged where the calendar is known."""
    problems = [
        written.problem((key,), told, "Take the key out for now.") for key, told in _LATER.items() if getattr(keys, key)
    ]
    calendar = keys.calendar
    problems += _idle_weeks(keys.fiscal_calendar, written)
    if keys.until <= keys.as_of:
        problems.append(
            written.problem(("until",), f"must be after as_of ({keys.as_of})", "Give a later day.", str(keys.until))
        )
    closing = calendar.period_of(keys.until, keys.period).end
    if dated and closing != pd.Timestamp(keys.until):
        mend = f"The {keys.period} that holds it ends on {closing.date()}."
        problems.append(written.problem(("until",), f"must be the last day of a {keys.period}", mend, str(keys.until)))
    problems += wrong_rules(keys.quality, written)
    if keys.quotas is not None:
        problems += _wrong_methods(keys.quotas, written)
    if isinstance(keys.plan, dict):
        problems += _wrong_plan(keys.plan, written, calendar if dated else None)
    return problems


def _wrong_methods(quotas: QuotaKeys, written: Written) -> list[Problem]:
    """Name the methods that are none, and options that the method does not have."""
    problems = []
    named: list[tuple[tuple[str | int, ...], str]] = [(("quotas", "method"), quotas.method)]
    named += [(("quotas", "compare", number), method) for number, method in enumerate(quotas.compare)]
    for loc, method in named:
        if method not in WAYS:
            near = nearest(method, WAYS)
            mend = f"Did you mean {near}?" if near else f"Use one of: {', '.join(WAYS)}."
            problems.append(written.problem(loc, "no such method", mend, method))
    wrong = check_way(quotas.method, quotas.options) if quotas.method in WAYS else []
    return problems + [
        written.problem(("quotas", "options", one.value), one.reason, one.mend, one.value) for one in wrong
    ]


def _idle_weeks(fiscal: FiscalKeys, written: Written) -> list[Problem]:
    """Refuse settings of weeks beside calendar months: whoever wrote them expects them to do something."""
    if fiscal.pattern != "months":
        return []
    plain, mend = FiscalKeys(), "Give a pattern, for instance 4-4-5, or take the key out."
    told = "has no effect without a pattern of weeks"
    return [
        written.problem(("fiscal_calendar", name), told, mend, str(getattr(fiscal, name)))
        for name in ("weekday", "ends")
        if getattr(fiscal, name) != getattr(plain, name)
    ]


def _wrong_plan(plan: dict[str, float], written: Written, calendar: FiscalCalendar | None) -> list[Problem]:
    problems = []
    for label, target in plan.items():
        try:
            if calendar is not None:
                calendar.kind(label)
        except InputError as error:
            told = error.problems[0]
            problems.append(written.problem(("plan", label), told.reason, told.mend, label))
        if not target >= 0 or target == float("inf"):
            problems.append(written.problem(("plan", label), "a target must be at least 0", "", str(target)))
    return problems
