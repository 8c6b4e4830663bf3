"""The scenario file: what may stand in it, checked as a whole before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BeforeValidator, Field

from spmforecast.calendar import MOST_PERIODS, FiscalCalendar, Pattern, Weekday, YearEnd
from spmforecast.errors import InputError, Problem
from spmforecast.optimize.ways import WAYS, check_way
from spmforecast.scenario.assumed_days import outside, stated_twice
from spmforecast.scenario.inherit import read_scenario, supposing, without
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
from spmforecast.scenario.quality import QualityKeys, wrong_rules
from spmforecast.written import Loc, Written, nearest

__all__ = ["Scenario", "ScenarioFile", "load_scenario"]

_DATING = {"fiscal_year_start", "fiscal_calendar", "period"}
"""Keys that decide which days end a period."""


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


@dataclass(frozen=True)
class Scenario:
    """A checked scenario and where it stands.

    Parameters
    ----------
    keys : ScenarioFile
        What it says.
    path : Path
        Its file; paths inside are relative to it.
    texts : mapping of str to str
        The text of each file by its name, its own first and then those it builds on, for their hashes.
    written : Written
        Places and lines, for messages about what turns out wrong later.
    read : Written
        The same before assumptions put other keys in the place of its own.
    overrides : mapping
        Values given on the command line.
    every : tuple of AssumptionKeys
        All assumptions that are written down.
    """

    keys: ScenarioFile
    path: Path
    texts: Mapping[str, str] = field(repr=False)
    written: Written = field(repr=False)
    read: Written = field(repr=False)
    overrides: Mapping[str, Any] = field(default_factory=dict, repr=False)
    every: tuple[AssumptionKeys, ...] = field(default=(), repr=False)

    @property
    def calendar(self) -> FiscalCalendar:
        """The fiscal calendar."""
        return self.keys.calendar

    def resolve(self, name: str) -> Path:
        """Return a path that the scenario names, relative to its own folder."""
        return self.path.parent / name

    def supposing(self, chosen: Collection[int]) -> Scenario:
        """Return the same question with some of its assumptions alone, named by their places."""
        keys = _override(supposing(self.read, frozenset(chosen)).validate(ScenarioFile), self.overrides)
        return replace(self, keys=keys)


def load_scenario(path: str | Path, overrides: dict[str, Any] | None = None, passed: bool = False) -> Scenario:
    """Read and check a scenario file.

    Parameters
    ----------
    path : path or str
        A YAML file.
    overrides : dict, optional
        Values given on the command line: ``as_of``, ``trials``, ``seed``.
    passed : bool
        Bear assumptions of days up to the as-of date: whoever asks for this leaves them out.

    Returns
    -------
    Scenario

    Raises
    ------
    InputError
        With every problem at once: file, line, and the nearest right key.
    """
    own, texts = read_scenario(path)
    written = supposing(own)
    keys, problems = _checked(own, written)
    if keys is None:
        raise InputError(problems)
    try:
        keys = _override(keys, overrides or {})
    except InputError as error:
        problems += error.problems
    problems += _wrong_together(keys, written, passed=passed)
    if problems:
        raise InputError(problems)
    return Scenario(keys, Path(path), texts, written, own, overrides or {}, keys.assumptions)


def _checked(own: Written, supposed: Written) -> tuple[ScenarioFile | None, list[Problem]]:
    """Check the keys as they stand, and as they are once assumptions have put others in their place."""
    keys, wrong = supposed.examined(ScenarioFile)
    if supposed.tree is not own.tree:
        # What an assumption replaces is wrong all the same, and what it says itself is told where it stands.
        _, before = own.examined(ScenarioFile)
        told = {(problem.file, problem.line) for _, problem in before}
        wrong = [*before, *((loc, one) for loc, one in wrong if (one.file, one.line) not in told)]
    if not wrong:
        return keys, []
    return None, [*(one for _, one in wrong), *_among_sound_keys(supposed, [loc for loc, _ in wrong])]


_STAND_INS = {"name": "sound", "history": ".", "as_of": date(1900, 1, 1), "until": date(9999, 12, 31)}
"""What stands for required keys that are wrong, while the others are judged."""


_TRIES = 4  # what is left after wrong keys are taken out may lack something in its turn


def _among_sound_keys(written: Written, wrong: list[Loc]) -> list[Problem]:
    """Go on with the keys in which nothing is wrong yet, so that everything is told at once."""
    tree = written.tree if isinstance(written.tree, dict) else {}
    spanned = all(key in tree and (key,) not in wrong for key in ("as_of", "until"))
    dated = not {str(loc[0]) for loc in wrong if loc} & _DATING
    # Assumptions are looked at as they are written.
    sound = {**_STAND_INS, **without({key: value for key, value in tree.items() if key != "assumptions"}, wrong)}
    for _ in range(_TRIES):
        keys, more = replace(written, tree=sound, twice=()).examined(ScenarioFile)
        if keys is not None:
            return _wrong_together(keys, written, dated, spanned)
        sound = {**_STAND_INS, **without(sound, [loc for loc, _ in more])}
    return []


def _override(keys: ScenarioFile, overrides: Mapping[str, Any]) -> ScenarioFile:
    """Put values from the command line in place of the file's."""
    given = {name: value for name, value in overrides.items() if value is not None}
    simulate = {name: given.pop(name) for name in ("trials", "seed") if name in given}
    if not given and not simulate:
        return keys
    tree: dict[str, Any] = {
        **keys.model_dump(exclude_unset=True, by_alias=True),
        **given,
        "simulate": {**keys.simulate.model_dump(exclude_unset=True), **simulate},
        "history": keys.history.model_dump(exclude_unset=True, by_alias=True),
    }
    options = Written("command line", "scenario", tree, {}, ())
    return options.validate(ScenarioFile)


def _wrong_together(
    keys: ScenarioFile, written: Written, dated: bool = True, spanned: bool = True, passed: bool = False
) -> list[Problem]:
    """Find what each key allows but all of them together do not; days only where the horizon is known."""
    calendar = keys.calendar
    problems = _idle_weeks(keys.fiscal_calendar, written)
    problems += _wrong_days(keys, written, dated, passed) if spanned else []
    problems += wrong_rules(keys.quality, written)
    if keys.quotas is not None:
        problems += _wrong_methods(keys.quotas, written)
    problems += _wrong_asks(keys, written)
    if isinstance(keys.plan, dict):
        problems += _wrong_plan(keys.plan, written, calendar if dated else None)
    return problems + stated_twice(written)


def _wrong_days(keys: ScenarioFile, written: Written, dated: bool, passed: bool) -> list[Problem]:
    """Find days that do not fit the horizon."""
    problems, calendar = [], keys.calendar
    if keys.until <= keys.as_of:
        problems.append(
            written.problem(("until",), f"must be after as_of ({keys.as_of})", "Give a later day.", str(keys.until))
        )
    closing = calendar.period_of(keys.until, keys.period).end
    if dated and closing != pd.Timestamp(keys.until):
        mend = f"The {keys.period} that holds it ends on {closing.date()}."
        problems.append(written.problem(("until",), f"must be the last day of a {keys.period}", mend, str(keys.until)))
    elif dated and keys.until > keys.as_of:
        first = pd.Timestamp(keys.as_of) + pd.Timedelta(days=1)
        periods = len(calendar.periods(first, pd.Timestamp(keys.until), keys.period))
        if periods > MOST_PERIODS:
            told, mend = f"more than {MOST_PERIODS} periods ({periods})", "End it earlier, or count in longer periods."
            problems.append(written.problem(("until",), told, mend, str(keys.until)))
    problems += _wrong_starts(keys, written)
    problems += _wrong_territories(keys, written)
    return problems + outside(written, keys.as_of, keys.until, passed)


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


def _wrong_asks(keys: ScenarioFile, written: Written) -> list[Problem]:
    """Find what needs another key, and days and limits that can do nothing."""
    problems = []
    if keys.compensation is not None and keys.quotas is None:
        told, mend = "pay is worked out against proposed quotas, and none are asked for", "Add quotas."
        problems.append(written.problem(("compensation",), told, mend))
    if keys.quotas is not None and keys.quotas.cushion.choose and keys.quotas.over_assignment:
        told, mend = "the cushion is both given and to be chosen", "Take one of the two out."
        problems.append(written.problem(("quotas", "over_assignment"), told, mend))
    if keys.quotas is not None and keys.compensation is None:
        for name in ("most_payout", "most_payout_p90"):
            if getattr(keys.quotas.cushion, name) is not None:
                told, mend = "pay is limited, and no plan says how it is worked out", "Add compensation."
                problems.append(written.problem(("quotas", "cushion", name), told, mend))
    return problems


def _wrong_starts(keys: ScenarioFile, written: Written) -> list[Problem]:
    """Find days on which people are to start that lie outside the horizon."""
    problems = []
    if keys.hiring is not None:
        for place, day in enumerate(keys.hiring.starts):
            if not keys.as_of < day <= keys.until:
                told, mend = "must lie between as_of and until", f"After {keys.as_of}, up to {keys.until}."
                problems.append(written.problem(("hiring", "starts", place), told, mend, str(day)))
    return problems


def _wrong_territories(keys: ScenarioFile, written: Written) -> list[Problem]:
    """Refuse a map that begins in the past or after the horizon."""
    starts = keys.territories.starts
    if starts is None or keys.as_of < starts <= keys.until:
        return []
    told = f"must lie after as_of ({keys.as_of}) and within the horizon"
    return [written.problem(("territories", "starts"), told, "Give a day of the forecast.", str(starts))]


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
            problems.append(
                written.problem(("plan", label), "a target must be at least 0", "Write a finite number.", str(target))
            )
    return problems
