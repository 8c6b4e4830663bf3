"""The scenario file: what may stand in it, checked as a whole before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError, Problem
from spmforecast.optimize.splits import SPLITS
from spmforecast.written import Written, nearest, read_file, read_yaml

__all__ = ["ExampleSpec", "FolderSpec", "Scenario", "ScenarioFile", "load_scenario"]

_LATER = {
    "assumptions": "assumptions are not supported in this version",
    "compensation": "compensation plans are not supported in this version",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ExampleKeys(_Strict):
    seed: int = Field(default=7, ge=0)
    size: Literal["small", "medium", "large"] = "medium"
    character: Literal["calm", "ordinary", "stormy", "tiny"] = "ordinary"


class ExampleSpec(_Strict):
    """History made by the example company."""

    example: _ExampleKeys


class FolderSpec(_Strict):
    """History from a folder, with a map where its tables are not the canonical ones."""

    folder: str = Field(min_length=1)
    map: str | None = None
    observed_from: date | None = None


def _history(value: Any) -> Any:
    """Let a plain path stand for a folder; tell the two forms apart by their keys, for better messages."""
    if isinstance(value, str):
        return FolderSpec(folder=value)
    if isinstance(value, dict):
        return (ExampleSpec if "example" in value else FolderSpec).model_validate(value)
    raise ValueError("this names no history: Give a folder, or {example: {seed: 7, size: medium}}.")


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


class ModelKeys(_Strict):
    """What to fit."""

    segment_by: str = Field(default="segment", min_length=1)


class QuotaKeys(_Strict):
    """How to set quotas."""

    method: str = "equal-probability"
    over_assignment: Annotated[float, BeforeValidator(_share)] = 0.0
    round_to: float | None = Field(default=None, ge=0.01)


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
    currency: str = ""
    timezone: str = "UTC"
    levels: tuple[str, ...] = ("region", "segment")
    plan: dict[str, float] | str | None = None
    model: ModelKeys = ModelKeys()
    simulate: SimulateKeys = SimulateKeys()
    quotas: QuotaKeys | None = None
    territories: TerritoryKeys = TerritoryKeys()
    assumptions: tuple[Any, ...] = ()
    compensation: str | None = None


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
    text: str
    written: Written

    @property
    def calendar(self) -> FiscalCalendar:
        """The fiscal calendar."""
        return FiscalCalendar(self.keys.fiscal_year_start)

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
    return _wrong_together(keys, written)


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


def _wrong_together(keys: ScenarioFile, written: Written) -> list[Problem]:
    """Find what each key allows but all of them together do not."""
    problems = [
        written.problem((key,), told, "Take the key out for now.") for key, told in _LATER.items() if getattr(keys, key)
    ]
    calendar = FiscalCalendar(keys.fiscal_year_start)
    if keys.until <= keys.as_of:
        problems.append(
            written.problem(("until",), f"must be after as_of ({keys.as_of})", "Give a later day.", str(keys.until))
        )
    closing = calendar.period_of(keys.until, keys.period).end
    if closing != pd.Timestamp(keys.until):
        mend = f"The {keys.period} that holds it ends on {closing.date()}."
        problems.append(written.problem(("until",), f"must be the last day of a {keys.period}", mend, str(keys.until)))
    if keys.quotas is not None and keys.quotas.method not in SPLITS:
        near = nearest(keys.quotas.method, SPLITS)
        mend = f"Did you mean {near}?" if near else f"Use one of: {', '.join(SPLITS)}."
        problems.append(written.problem(("quotas", "method"), "no such method", mend, keys.quotas.method))
    if isinstance(keys.plan, dict):
        problems += _wrong_plan(keys.plan, written, calendar)
    return problems


def _wrong_plan(plan: dict[str, float], written: Written, calendar: FiscalCalendar) -> list[Problem]:
    problems = []
    for label, target in plan.items():
        try:
            calendar.kind(label)
        except InputError as error:
            mend = error.problems[0].mend
            problems.append(written.problem(("plan", label), "not a fiscal period", mend, label))
        if not target >= 0 or target == float("inf"):
            problems.append(written.problem(("plan", label), "a target must be at least 0", "", str(target)))
    return problems
