"""From a run folder into the planbook: its forecast, quotas, moves and plan, each as a version of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.scenario.planbook.content import Content
from spmforecast.scenario.planbook.store import Planbook
from spmforecast.scenario.planbook.versions import Version

__all__ = ["record_run"]

_FORECAST = ("forecast", "parts", "evaluation", "bridge", "landing")
_FACTS = ("as_of", "until", "period", "currency", "seed", "trials", "method", "version", "inputs", "warnings")


def record_run(book: Planbook, folder: str | Path, reason: str, author: str | None = None) -> list[Version]:
    """Keep what a run said; what is the same as the newest version already is not kept again.

    Parameters
    ----------
    book : Planbook
        Where.
    folder : path or str
        Run folder.
    reason : str
        Why it is kept.
    author : str, optional
        Who; by default who is logged in.

    Returns
    -------
    list of Version
        What was added: ``forecast``, and ``plan``, ``quotas`` and ``territories`` where the run has them.

    Raises
    ------
    InputError
        If it is no run folder, or the book cannot be written to.
    """
    place = Path(folder)
    run = _run(place)
    name = str(run["name"])
    facts = {key: run[key] for key in _FACTS if key in run}
    facts["periods"] = {label: dates[1] for label, dates in run["periods"].items()}
    tables = {path.stem: pd.read_csv(path, keep_default_na=True) for path in sorted(place.glob("*.csv"))}
    made = [("forecast", Content({key: tables[key] for key in _FORECAST if key in tables}, facts))]
    if len(_of(tables, _REMAINING)):
        # An update proposes quotas for what is left; they follow on those in force and take their place.
        tables["quotas"] = _quotas_left(tables[_REMAINING])
    made += [
        (kind, Content({table: tables[table]}, _brief(facts))) for kind, table in _OTHERS if len(_of(tables, table))
    ]
    plan = _plan(tables["forecast"])
    made += [("plan", Content({"plan": plan}, {"currency": facts.get("currency", "")}))] if len(plan) else []
    return [
        book.add(kind, name, content, reason, author) for kind, content in made if _is_news(book, kind, name, content)
    ]


_OTHERS = (("quotas", "quotas"), ("territories", "moves"))
_REMAINING = "remaining_quotas"


def _quotas_left(table: pd.DataFrame) -> pd.DataFrame:
    """Shape the quotas of an update as those of a run."""
    wanted = ["rep_id", "period", "quota", "last_quota", "change", "reason", "p_attain", "expected_attainment"]
    return table[[name for name in wanted if name in table]]


def _of(tables: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    return tables.get(name, pd.DataFrame())


def _brief(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: facts[key] for key in ("as_of", "until", "currency") if key in facts}


def _plan(forecast: pd.DataFrame) -> pd.DataFrame:
    """Read the targets off the forecast, where it has some."""
    planned = forecast.loc[forecast["plan"].notna(), ["node_level", "node", "period", "plan"]]
    return planned.rename(columns={"plan": "target"}).reset_index(drop=True)


def _is_news(book: Planbook, kind: str, name: str, content: Content) -> bool:
    newest = book.latest(kind, name)
    return newest is None or newest.content.text() != Content.parse(content.text()).text()


def _run(place: Path) -> dict[str, Any]:
    told = ""
    try:
        run = json.loads((place / "run.json").read_text(encoding="utf-8"))
        if not ({"name", "periods", "as_of"} <= set(run) and (place / "forecast.csv").is_file()):
            told = "run.json or forecast.csv is not that of a run"
    except (OSError, ValueError, TypeError):
        told = "there is no run.json to read"
    if told:
        raise InputError(Problem("planbook", told, "Name the folder of a finished run.", file=str(place)))
    return dict(run)
