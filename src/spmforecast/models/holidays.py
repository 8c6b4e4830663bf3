"""Public holidays, learned from the record: days of the year on which hardly anything happens, year after year.

Nobody has to name a country. A date of the year (25 December), a weekday of a month (the fourth Thursday of November)
or a distance from Easter is a holiday where what was created, moved and closed on such weekdays speaks for the pace of
a weekend rather than for that of the weekdays around them (negative binomial counts). Dates of which nothing is known
beforehand need strong evidence from two years at least, those that many countries keep need less. On a holiday a
company works as it does on a weekend; one that works all week has none that could be told. Who knows better names the
days (:func:`named_holidays`).
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from dateutil.easter import easter
from scipy import ndimage

from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["NO_HOLIDAYS", "Holidays", "Rule", "learn_holidays", "named_holidays"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Kind = Literal["date", "weekday", "easter"]

_FAMILIES: tuple[tuple[Kind, bool], ...] = (("date", False), ("easter", False), ("weekday", False), ("weekday", True))
_MONTHS: tuple[str, ...] = ("January", "February", "March", "April", "May", "June", "July")
_MONTHS += ("August", "September", "October", "November", "December")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_COUNTED = ("first", "second", "third", "fourth", "last")  # the fifth, where there is one, is the last
_LAST = len(_COUNTED) - 1
_EASTER_NAMES = {
    -3: "Maundy Thursday",
    -2: "Good Friday",
    1: "Easter Monday",
    39: "Ascension Day",
    50: "Whit Monday",
    60: "Corpus Christi",
}

_EASTER_FROM, _EASTER_TO = -3, 60  # Maundy Thursday to Corpus Christi
# Log odds before the record is looked at. There are some 500 dates of which nothing is known: more readily believed,
# one record in four that has no holidays would show some.
_ODDS_UNKNOWN, _ODDS_COMMON, _ODDS_SURE = -8.0, -4.0, 2.0
_LEAST_YEARS = 2  # on which a date must have been quiet, where nothing is known of it beforehand
_MOST_TOLD = 8.0  # log Bayes factor of a single day: one day that was not recorded is no holiday
_NEAR = 21  # days on either side that say what a weekday would have been
_NEAR_WEEKDAYS = 2 * _NEAR * 5 // 7 + 1
_CROWD = 8.0  # times what is usual near a day: more was not the work of that day
_SLOWEST, _QUICKEST = 0.02, 0.7  # pace of a weekend over that of a weekday: least that is believed, most of a rest
_LEAST_SCATTER, _MOST_SCATTER = 0.02, 3.0


@dataclass(frozen=True, order=True)
class Rule:
    """A day of the year.

    Parameters
    ----------
    kind : {"date", "weekday", "easter"}
        How it is found.
    month, number, weekday : int
        Month, 1 to 12, and day of the month; or month, how many such weekdays into it (0 the first, 4 the last) and
        weekday, Monday being 0; or, in `number`, days after Easter Sunday.
    """

    kind: Kind
    month: int
    number: int
    weekday: int = 0

    def __str__(self) -> str:
        if self.kind == "date":
            return f"{self.number} {_MONTHS[self.month - 1]}"
        if self.kind == "weekday":
            return f"the {_COUNTED[self.number]} {_WEEKDAYS[self.weekday]} of {_MONTHS[self.month - 1]}"
        return _EASTER_NAMES.get(self.number) or _days_from_easter(self.number)

    def on(self, days: Ints) -> Bools:
        """Tell which days it falls on, shape of `days`."""
        last = self.kind == "weekday" and self.number == _LAST
        return np.asarray(_codes(_Dates.of(days), self.kind, last) == _code(self))


_COMMON = (
    *(Rule("date", month, day) for month, day in ((1, 6), (5, 1), (7, 4), (8, 15), (11, 1), (12, 24), (12, 26))),
    *(Rule("easter", 0, after) for after in (-2, 1, 39, 50)),
    *(Rule("weekday", month, which, 0) for month, which in ((1, 2), (2, 2), (5, 0), (5, _LAST), (8, _LAST), (9, 0))),
    Rule("weekday", 11, 3, 3),
)
"""What many countries keep, Christmas and New Year's Day apart."""
_SURE = (Rule("date", 1, 1), Rule("date", 12, 25))


@dataclass(frozen=True)
class Holidays:
    """Days of the year on which a company hardly works.

    Parameters
    ----------
    rules : tuple of Rule
        What they are.
    """

    rules: tuple[Rule, ...] = ()

    def on(self, days: Ints) -> Bools:
        """Tell which days are holidays, shape of `days`."""
        out = np.zeros(days.shape, dtype=bool)
        for rule in self.rules:
            out |= rule.on(days)
        return out

    def __str__(self) -> str:
        *most, last = [str(rule) for rule in self.rules] or [""]
        return f"{', '.join(most)} and {last}" if most else last


NO_HOLIDAYS = Holidays()


def named_holidays(names: Iterable[str]) -> Holidays:
    """Find the days of the year that names mean.

    Parameters
    ----------
    names : iterable of str
        As holidays show themselves: ``4 July``, ``Good Friday``, ``the last Monday of May``. Letter case and ``the`` do
        not count.

    Returns
    -------
    Holidays
        In the order of the year.

    Raises
    ------
    InputError
        If a name means no day of the year; all such names at once.
    """
    known, given = _rules_by_name(), list(names)
    unknown = [name for name in given if not isinstance(name, str) or _plain(name) not in known]
    if unknown:
        raise InputError(_unknown_day(name) for name in unknown)
    return Holidays(tuple(sorted({known[_plain(name)] for name in given})))


def _unknown_day(name: object) -> Problem:
    near = nearest(_plain(name), _rules_by_name()) if isinstance(name, str) else None
    mend = "Write days as in 4 July, Good Friday or last Monday of May."
    mend = f"Did you mean {_rules_by_name()[near]}?" if near else mend
    return Problem("scenario", "names no day of the year", mend, column="holidays", value=str(name))


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold().removeprefix("the ")


@cache
def _rules_by_name() -> dict[str, Rule]:
    """Every day of the year that can be a holiday, by its name."""
    months = range(1, 13)
    rules = [Rule("date", month, 1 + day) for month in months for day in range(calendar.monthrange(2000, month)[1])]
    rules += [Rule("easter", 0, after) for after in range(_EASTER_FROM, _EASTER_TO + 1)]
    rules += [Rule("weekday", month, which, day) for month in months for which in range(_LAST + 1) for day in range(7)]
    return {_plain(str(rule)): rule for rule in rules}


def learn_holidays(events: Array, first_day: int, ordinary: Bools) -> Holidays:
    """Find the holidays of a record.

    Parameters
    ----------
    events : array of float, shape (days,)
        What was created, moved or closed on each day of the record.
    first_day : int
        Day number of the first one.
    ordinary : array of bool, shape (days,)
        Weekdays but for those on which months end, which have a pace of their own.

    Returns
    -------
    Holidays
        In the order of the year.
    """
    # Days after the last one on which anything happened may not be on record yet.
    events = np.trim_zeros(events, "b")
    days, ordinary = first_day + np.arange(len(events)), ordinary[: len(events)]
    events = _without_crowds(events, days, ordinary)
    pace = _weekend_pace(events, days, ordinary)
    if pace > _QUICKEST:
        return NO_HOLIDAYS
    told = _evidence(events, days, ordinary, pace) if pace >= 0.0 else np.zeros(len(days))
    found: set[Rule] = set()
    left = ordinary.copy()
    while (rule := _best(days, np.where(left, told, 0.0), left, found)) is not None:
        found.add(rule)
        left &= ~rule.on(days)
    sure = {rule for rule in _SURE if told[rule.on(days) & ordinary].sum() > -_ODDS_SURE}
    return Holidays(tuple(sorted(found | sure)))


def _without_crowds(events: Array, days: Ints, ordinary: Bools) -> Array:
    """Cap days on which far more was written down than near them: one import or clean-up would hide every holiday."""
    if not ordinary.any():
        return events
    usual = ndimage.median_filter(events[ordinary], _NEAR_WEEKDAYS, mode="nearest")
    return np.asarray(np.minimum(events, _CROWD * (1.0 + np.interp(days, days[ordinary], usual))))


def _weekend_pace(events: Array, days: Ints, ordinary: Bools) -> float:
    """Events of a day of a weekend over those of a weekday; negative where the record does not tell."""
    weekend = (days + 3) % 7 >= 5
    if not ordinary.any() or not weekend.any() or events[ordinary].sum() == 0:
        return -1.0
    return float(events[weekend].mean() / events[ordinary].mean())


def _evidence(events: Array, days: Ints, ordinary: Bools, pace: float) -> Array:
    """Log Bayes factor of each day: as quiet as a weekend, against as busy as the weekdays around it."""
    usual, pace = _usual(events, days, ordinary), max(pace, _SLOWEST)
    excess = ((events - usual) ** 2 - usual)[ordinary].sum() / max((usual[ordinary] ** 2).sum(), 1e-9)
    size = 1.0 / float(np.clip(excess, _LEAST_SCATTER, _MOST_SCATTER))
    gained = np.log((size + usual) / (size + pace * usual))
    return np.asarray(np.clip(size * gained + events * (np.log(pace) + gained), -_MOST_TOLD, _MOST_TOLD))


def _usual(events: Array, days: Ints, ordinary: Bools) -> Array:
    """Events to be expected of each day, were it a weekday like those near it; the day itself does not count."""
    weekday = (days + 3) % 7
    seen = np.bincount(weekday[ordinary], weights=events[ordinary], minlength=7)
    rhythm = (seen + 1.0) / (np.bincount(weekday[ordinary], minlength=7) + 1.0)
    window = np.ones(2 * _NEAR + 1)
    window[_NEAR] = 0.0
    around = np.convolve(np.where(ordinary, events, 0.0), window)[_NEAR:-_NEAR]
    hoped = np.convolve(np.where(ordinary, rhythm[weekday], 0.0), window)[_NEAR:-_NEAR]
    return np.asarray(rhythm[weekday] * around / np.maximum(hoped, 1e-9))


def _best(days: Ints, told: Array, left: Bools, found: set[Rule]) -> Rule | None:
    """Return the rule for which most speaks; None where nothing speaks for any that is left."""
    best, most = None, 0.0
    for rule, evidence, years in _candidates(days, told, left):
        if rule in found:
            continue
        common = rule in _COMMON or rule in _SURE
        if years < (1 if common else _LEAST_YEARS):
            continue
        odds = evidence + (_ODDS_SURE if rule in _SURE else _ODDS_COMMON if common else _ODDS_UNKNOWN)
        if odds > most:
            best, most = rule, odds
    return best


def _candidates(days: Ints, told: Array, left: Bools) -> Iterator[tuple[Rule, float, int]]:
    """Give every rule that falls on a day that is left, with its evidence and on how many days it does."""
    seen = np.flatnonzero(left)
    dates = _Dates.of(days[seen])
    for kind, last in _FAMILIES:
        code = _codes(dates, kind, last)
        inside = code >= 0
        evidence = np.bincount(code[inside], weights=told[seen][inside])
        years = np.bincount(code[inside])
        for one in np.flatnonzero(evidence > 0.0).tolist():
            yield _rule(kind, one), float(evidence[one]), int(years[one])


@dataclass(frozen=True)
class _Dates:
    """Month (1 to 12), day of the month, days left in the month, weekday and days after Easter of some days."""

    month: Ints
    day: Ints
    left: Ints
    weekday: Ints
    after_easter: Ints

    @classmethod
    def of(cls, days: Ints) -> _Dates:
        months = days.astype("datetime64[D]").astype("datetime64[M]")
        first, following = (m.astype("datetime64[D]").astype(np.int64) for m in (months, months + 1))
        year = months.astype("datetime64[Y]").astype(np.int64) + 1970
        names, of_year = np.unique(year, return_inverse=True)
        sundays = np.array([easter(int(y)) for y in names], dtype="datetime64[D]").astype(np.int64)
        month = months.astype(np.int64) % 12 + 1
        return cls(month, days - first + 1, following - 1 - days, (days + 3) % 7, days - sundays[of_year])


def _codes(dates: _Dates, kind: Kind, last: bool) -> Ints:
    """Give the number of the rule of a family that each day falls under; -1 where there is none."""
    if kind == "date":
        return np.asarray(dates.month * 32 + dates.day)
    if kind == "easter":
        near = (dates.after_easter >= _EASTER_FROM) & (dates.after_easter <= _EASTER_TO)
        return np.where(near, dates.after_easter - _EASTER_FROM, -1)
    week = (dates.day - 1) // 7
    which = np.where(dates.left < 7, _LAST, -1) if last else np.where(week < _LAST, week, -1)
    return np.where(which >= 0, (dates.month * len(_COUNTED) + which) * 7 + dates.weekday, -1)


def _days_from_easter(after: int) -> str:
    if after == 0:
        return "Easter Sunday"
    days = "the day" if abs(after) == 1 else f"{abs(after)} days"
    return f"{days} {'before' if after < 0 else 'after'} Easter"


def _code(rule: Rule) -> int:
    if rule.kind == "date":
        return rule.month * 32 + rule.number
    if rule.kind == "easter":
        return rule.number - _EASTER_FROM
    return (rule.month * len(_COUNTED) + rule.number) * 7 + rule.weekday


def _rule(kind: Kind, code: int) -> Rule:
    if kind == "date":
        return Rule("date", code // 32, code % 32)
    if kind == "easter":
        return Rule("easter", 0, code + _EASTER_FROM)
    month, which = divmod(code // 7, len(_COUNTED))
    return Rule("weekday", month, which, code % 7)
