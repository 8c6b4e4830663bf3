"""The last forecast as it was kept: a run folder, or a version in the planbook; it must be of the same question."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.scenario.planbook import Planbook
from spmforecast.scenario.schema import Scenario

__all__ = ["Previous", "check_dates", "read_previous"]


@dataclass(frozen=True)
class Previous:
    """A forecast that was kept.

    Parameters
    ----------
    label : str
        Where it stands, for messages.
    as_of : date
        Its date.
    forecast : pandas.DataFrame
        ``node_level, node, period, mean`` and more.
    quotas : pandas.DataFrame or None
        ``rep_id, period, quota`` as proposed with it.
    """

    label: str
    as_of: date
    forecast: pd.DataFrame
    quotas: pd.DataFrame | None = None


def read_previous(named: str | Path, scenario: Scenario, book: Planbook | None = None) -> Previous:
    """Read the last forecast and check that it answers the same question.

    Parameters
    ----------
    named : path or str
        A run folder, or the number of a forecast in the planbook.
    scenario : Scenario
        The question.
    book : Planbook, optional
        Where a number is looked up.

    Returns
    -------
    Previous

    Raises
    ------
    InputError
        If there is none, or it is of another company, horizon, period or currency: every difference at once.
    """
    text = str(named)
    if text.isdecimal() and not Path(text).exists():
        label, facts, tables = _from_book(int(text), book)
    else:
        label, facts, tables = _from_folder(Path(named))
    problems = _differences(label, facts, scenario)
    if problems:
        raise InputError(problems)
    return Previous(label, date.fromisoformat(str(facts["as_of"])[:10]), tables["forecast"], tables.get("quotas"))


def _from_folder(place: Path) -> tuple[str, dict[str, Any], dict[str, pd.DataFrame]]:
    tables = {}
    try:
        facts = json.loads((place / "run.json").read_text(encoding="utf-8"))
        tables["forecast"] = pd.read_csv(place / "forecast.csv", dtype={"node": "str", "period": "str"})
        # After an update the quotas in force are those that it proposed for what was left.
        for name in ("remaining_quotas", "quotas"):
            if (place / f"{name}.csv").is_file():
                tables["quotas"] = pd.read_csv(place / f"{name}.csv", dtype={"rep_id": "str", "period": "str"})
                break
    except (OSError, ValueError) as error:
        told = "there is no finished run to read"
        raise InputError(Problem("previous", told, "Name the folder of a run.", file=str(place))) from error
    return str(place), dict(facts), tables


def _from_book(number: int, book: Planbook | None) -> tuple[str, dict[str, Any], dict[str, pd.DataFrame]]:
    if book is None:
        told, mend = "a version is named and no planbook", "Name the planbook, or a run folder."
        raise InputError(Problem("previous", told, mend, value=str(number)))
    version = book.get(number)
    if version.kind != "forecast":
        told = f"version {number} of the planbook is no forecast but {version.kind}"
        raise InputError(Problem("previous", told, "Name a version of the kind forecast.", value=str(number)))
    facts = {**version.content.facts, "name": version.name}
    tables = {"forecast": version.content.tables["forecast"]}
    same = [
        one
        for one in book.versions("quotas", version.name)
        if str(one.content.facts.get("as_of")) == str(facts["as_of"]) and "quotas" in one.content.tables
    ]
    if same:
        tables["quotas"] = same[-1].content.tables["quotas"]
    return f"version {number} of the planbook", facts, tables


def _differences(label: str, facts: dict[str, Any], scenario: Scenario) -> list[Problem]:
    keys = scenario.keys
    wanted = {"name": keys.name, "until": str(keys.until), "period": keys.period, "currency": keys.currency}
    problems = []
    for key, value in wanted.items():
        found = str(facts.get(key, ""))
        if found != value:
            told = f"the last forecast has another {key}: {found!r} is not {value!r}"
            problems.append(Problem("previous", told, "Name a run of this scenario.", label, column=key, value=found))
    return problems


def check_dates(scenario: Scenario, last: date) -> None:
    """Refuse an update that does not go forward."""
    new = scenario.keys.as_of
    if new <= last:
        told = f"an update goes forward: {new} is not after the last forecast's date {last}"
        mend = "Give --as-of a later day; the scenario's own as_of is the last forecast's."
        raise InputError(Problem("update", told, mend, column="as_of", value=str(new)))
