"""Assumptions that can do nothing, or that contradict each other: looked for in the text, before anything is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from spmforecast.errors import Problem
from spmforecast.scenario.keys import AssumptionKeys
from spmforecast.written import Loc, Written

__all__ = ["is_past", "outside", "stated_twice"]

_DAYS = (("hire", "start"), ("leave", "start"), ("deal", "date"))
"""Days on which something is supposed to happen."""


def is_past(one: AssumptionKeys, as_of: date) -> bool:
    """Tell whether what is assumed would have happened, or ended, by a day."""
    days = [getattr(getattr(one, kind), key) for kind, key in _DAYS if getattr(one, kind) is not None]
    return any(day is not None and day <= as_of for day in [*days, one.until])


def outside(written: Written, as_of: date, until: date, passed: bool = False) -> list[Problem]:
    """Find assumptions about days that the forecast does not reach.

    Parameters
    ----------
    written : Written
        A scenario as it stands.
    as_of, until : date
        The forecast begins after the one and ends with the other.
    passed : bool
        Bear days up to `as_of`.

    Returns
    -------
    list of Problem
    """
    problems = []
    for place, one in _assumptions(written):
        for kind, key in _DAYS:
            day = _day(one.get(kind, {}).get(key)) if isinstance(one.get(kind), dict) else None
            if day is not None and not (day <= until and (passed or as_of < day)):
                told, mend = "must lie between as_of and until", f"After {as_of}, up to {until}."
                problems.append(written.problem((*place, kind, key), told, mend, str(day)))
        since, last = _day(one.get("from")), _day(one.get("until"))
        if since is not None and since > until:
            told = f"lies after the end of the forecast ({until}), so nothing is assumed"
            problems.append(written.problem((*place, "from"), told, "Give an earlier day.", str(since)))
        if last is not None and last <= as_of and not passed:
            told = f"does not lie after as_of ({as_of}), so nothing is assumed"
            problems.append(written.problem((*place, "until"), told, "Give a later day.", str(last)))
    return problems


def stated_twice(written: Written) -> list[Problem]:
    """Find assumptions of which only one can hold: two about one deal, two leaves of one rep, two rates of leaving."""
    seen: set[tuple[str, str]] = set()
    problems = []
    for place, one in _assumptions(written):
        for kind, key in (("deal", "opportunity_id"), ("leave", "rep_id"), ("attrition", "annual")):
            said = one.get(kind)
            if not isinstance(said, dict) or said.get(key) is None:
                continue
            mark = (kind, "" if kind == "attrition" else str(said[key]))
            if mark in seen:
                told, mend = "this is assumed twice, and only one of both can hold", "Keep one of them."
                problems.append(written.problem((*place, kind, key), told, mend, str(said[key])))
            seen.add(mark)
    return problems


def _assumptions(written: Written) -> Iterator[tuple[Loc, dict[str, Any]]]:
    tree = written.tree
    listed = tree.get("assumptions") if isinstance(tree, dict) else None
    for index, one in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(one, dict):
            yield ("assumptions", index), one


def _day(value: Any) -> date | None:
    """Read a day; what is none is told elsewhere."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) else None
