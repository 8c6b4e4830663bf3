"""The scenario file: read with the line of every key, and checked as a whole before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError, Problem
from spmforecast.scenario.file_keys import ScenarioFile
from spmforecast.scenario.inherit import OVERRIDES, read_scenario, supposing, without
from spmforecast.scenario.keys import AssumptionKeys
from spmforecast.scenario.together import wrong_together
from spmforecast.written import UNKNOWN_KEY, Loc, Written, nearest

__all__ = ["Scenario", "Understood", "load_scenario", "understood"]

_DATING = {"fiscal_year_start", "fiscal_calendar", "period"}
"""Keys that decide which days end a period."""

_HORIZON = {"as_of", "until"}


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


@dataclass(frozen=True)
class Understood:
    """A scenario file as far as it is right, and what is wrong with the rest.

    Parameters
    ----------
    scenario : Scenario or None
        What the keys say in which nothing is wrong; something stands for those that cannot be left out. None where too
        little is right.
    problems : tuple of Problem
        What is wrong.
    doubtful : frozenset of str
        Keys at the top of which something is wrong, or that one which is not known may have been meant for.
    """

    scenario: Scenario | None
    problems: tuple[Problem, ...]
    doubtful: frozenset[str]


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
    read = understood(path, overrides, passed)
    if read.problems or read.scenario is None:
        raise InputError(read.problems)
    return read.scenario


def understood(path: str | Path, overrides: Mapping[str, Any] | None = None, passed: bool = False) -> Understood:
    """Read a scenario file as far as it is right; see :func:`load_scenario`.

    Raises
    ------
    InputError
        If it cannot be read, or is no YAML.
    """
    own, texts = read_scenario(path)
    written, given = supposing(own), overrides or {}
    keys, wrong = _checked(own, written)
    places, problems = [loc for loc, _ in wrong], [one for _, one in wrong]
    doubtful = _doubtful(written, wrong)
    if keys is None:
        keys = _sound_keys(written, places)
    if keys is None:
        return Understood(None, tuple(problems), doubtful)
    try:
        keys = _override(keys, given)
    except InputError as error:
        problems += error.problems
        doubtful |= {one.column for one in error.problems}
    dated, spanned = not doubtful & _DATING, not doubtful & _HORIZON
    clashes = wrong_together(keys, written, dated, spanned, passed)
    doubtful |= {one.column.split(".")[0] for one in clashes}
    scenario = Scenario(keys, Path(path), texts, written, own, given, keys.assumptions)
    return Understood(scenario, tuple(problems + clashes), doubtful)


def _checked(own: Written, supposed: Written) -> tuple[ScenarioFile | None, list[tuple[Loc, Problem]]]:
    """Check the keys as they stand, and as they are once assumptions have put others in their place."""
    keys, wrong = supposed.examined(ScenarioFile)
    if supposed.tree is not own.tree:
        # What an assumption replaces is wrong all the same, and what it says itself is told where it stands.
        _, before = own.examined(ScenarioFile)
        told = {(problem.file, problem.line) for _, problem in before}
        wrong = [*before, *((loc, one) for loc, one in wrong if (one.file, one.line) not in told)]
    return (None if wrong else keys), wrong


def _doubtful(written: Written, wrong: list[tuple[Loc, Problem]]) -> frozenset[str]:
    """Name the keys at the top of which something is wrong or missing, and those that an unknown one may mean."""
    tree = written.tree if isinstance(written.tree, dict) else {}
    unknown = [str(loc[-1]) for loc, problem in wrong if loc and problem.reason == UNKNOWN_KEY]
    meant = {nearest(key, ScenarioFile.model_fields) for key in unknown} - {None}
    return frozenset(
        {str(loc[0]) for loc, _ in wrong if loc} | {str(key) for key in meant} | (set(_STAND_INS) - set(tree))
    )


_STAND_INS = {"name": "sound", "history": ".", "as_of": date(1900, 1, 1), "until": date(9999, 12, 31)}
"""What stands for required keys that are wrong, while the others are judged."""


_TRIES = 4  # what is left after wrong keys are taken out may lack something in its turn


def _sound_keys(written: Written, wrong: list[Loc]) -> ScenarioFile | None:
    """Go on with the keys in which nothing is wrong yet, so that everything is told at once."""
    tree = written.tree if isinstance(written.tree, dict) else {}
    for _ in range(_TRIES):
        tree = {**_STAND_INS, **_without(tree, wrong)}
        keys, more = replace(written, tree=tree, twice=()).examined(ScenarioFile)
        if keys is not None:
            return keys
        wrong = [loc for loc, _ in more]
    return None


def _without(tree: Mapping[str, Any], wrong: list[Loc]) -> dict[str, Any]:
    """Take wrong keys out; assumptions that say nothing stand for wrong ones, so that the others keep their places."""
    places = {loc[1] for loc in wrong if loc[:1] == ("assumptions",) and len(loc) > 1}
    made = tree.get("assumptions")
    if not isinstance(made, list):
        return without(tree, wrong)
    kept = [{OVERRIDES[0]: {}} if place in places else one for place, one in enumerate(made)]
    return without(
        {**tree, "assumptions": kept}, [loc for loc in wrong if loc[:1] != ("assumptions",) or len(loc) == 1]
    )


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
