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
from spmforecast.scenario.inherit import read_scenario, supposing, without
from spmforecast.scenario.keys import AssumptionKeys
from spmforecast.scenario.together import wrong_together
from spmforecast.written import Loc, Written

__all__ = ["Scenario", "load_scenario"]

_DATING = {"fiscal_year_start", "fiscal_calendar", "period"}
"""Keys that decide which days end a period."""


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
    problems += wrong_together(keys, written, passed=passed)
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
            return wrong_together(keys, written, dated, spanned)
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
