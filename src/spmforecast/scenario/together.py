"""What each key of a scenario allows, but all of them together do not."""

from __future__ import annotations

import pandas as pd

from spmforecast.calendar import MOST_PERIODS, FiscalCalendar
from spmforecast.errors import InputError, Problem
from spmforecast.optimize.ways import WAYS, check_way
from spmforecast.scenario.assumed_days import outside, stated_twice
from spmforecast.scenario.file_keys import FiscalKeys, ScenarioFile
from spmforecast.scenario.keys import QuotaKeys
from spmforecast.scenario.quality import wrong_rules
from spmforecast.written import Written, nearest

__all__ = ["wrong_together"]


def wrong_together(
    keys: ScenarioFile, written: Written, dated: bool = True, spanned: bool = True, passed: bool = False
) -> list[Problem]:
    """Find what the keys say against each other.

    Parameters
    ----------
    keys : ScenarioFile
        Each right by itself.
    written : Written
        Where they stand.
    dated : bool
        Whether it is known which days end a period.
    spanned : bool
        Whether the horizon is known.
    passed : bool
        Bear assumptions of days up to the as-of date.

    Returns
    -------
    list of Problem
        One for each, with its line.
    """
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
