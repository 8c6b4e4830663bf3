"""Hiring: how many, where and from when, to reach a target with a wanted chance; and what a month's delay costs.

Each hire draws from streams of its own, named by place and number and not by the day of the start: what a later start
or one hire more changes is compared draw by draw, on the draws of the forecast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from spmforecast.calendar import FiscalCalendar, to_day
from spmforecast.display import card, percent
from spmforecast.errors import InputError, Problem
from spmforecast.optimize.hirelaw import HireLaw
from spmforecast.plan.ramp import carried_quota, productive_months, table_ramp
from spmforecast.simulate import Forecast
from spmforecast.simulate.streams import Streams

__all__ = ["HiringPlan", "hire_bookings", "plan_hiring"]

Array = npt.NDArray[np.float64]
_CENT = 0.005
_MOST_TURNS = 8
_Z = 1.959963984540054


@dataclass(frozen=True)
class HiringPlan:
    """What hires do for one target.

    Parameters
    ----------
    period, target, wanted : str, float, float
        The question.
    curve : pandas.DataFrame
        ``start, hires, place, p_target, added, shortfall``: the chance with so many hires from that start, where the
        last of them goes, expected bookings of all hires in the period, and the mean of what is still missing.
    needed : pandas.DataFrame
        A row for each start: ``start, hires, p_target, places``, hires missing where the most will not do; and beside
        it the customary arithmetic: ``ramped_months`` of a hire, ``carried_quota`` of all hires without and
        ``carried_less_attrition`` with leavers.
    delay : pandas.DataFrame
        Price of starting later with the hires needed at the first start: ``start, months_later, lost, low, high,
        p_target, p_lost, hires_more``; means of paired differences with their 95 % interval.
    """

    period: str
    target: float
    wanted: float
    curve: pd.DataFrame
    needed: pd.DataFrame
    delay: pd.DataFrame

    def _repr_html_(self) -> str:
        facts = {"target": f"{self.target:,.0f} in {self.period}", "wanted": percent(self.wanted)}
        return card("Hiring", facts, self.needed)


def plan_hiring(
    forecast: Forecast,
    period: str,
    target: float,
    law: HireLaw | Mapping[str, HireLaw],
    starts: Sequence[object],
    wanted: float = 0.8,
    most: int = 20,
    seed: int = 1,
) -> HiringPlan:
    """Find how many hires, where and from when, reach a target with a wanted chance.

    Parameters
    ----------
    forecast : Forecast
        Draws without these hires.
    period : str
        A period of the forecast, or a fiscal year.
    target : float
        Bookings wanted in it.
    law : HireLaw or mapping of str to HireLaw
        What a hire brings; by place where places differ.
    starts : sequence of date-like
        Days on which seats are opened, in order; the law's hiring delay comes on top.
    wanted : float
        Chance to reach the target, 0 to 1.
    most : int
        Largest number of hires looked at.
    seed : int
        Of the hires' streams.

    Returns
    -------
    HiringPlan

    Raises
    ------
    InputError
        If the period is out of reach, or an argument out of range.

    Notes
    -----
    With several places hires are placed one after the other, each where it raises the chance most, and among equals
    where it adds most: a greedy rule, exact where places differ in size alone.
    """
    days = _check(forecast, period, target, starts, wanted, most)
    laws = {"": law} if isinstance(law, HireLaw) else dict(law)
    base = forecast.period_draws(period)
    found = [_at_start(forecast, period, target, laws, base, day, most, seed) for day in days]
    needed = [_least(one.curve, wanted) for one in found]
    rows = [_needed_row(one, count, laws, forecast, period) for one, count in zip(found, needed, strict=True)]
    return HiringPlan(
        period,
        float(target),
        wanted,
        pd.concat([one.curve for one in found], ignore_index=True),
        pd.DataFrame(rows),
        _delay(found, needed, base, target, most),
    )


@dataclass(frozen=True)
class _Start:
    """The hires from one start: the curve, where each goes, and their running sum, shape (trials, hires + 1)."""

    day: pd.Timestamp
    curve: pd.DataFrame
    places: tuple[str, ...]
    sums: Array


def _at_start(
    forecast: Forecast,
    period: str,
    target: float,
    laws: Mapping[str, HireLaw],
    base: Array,
    day: pd.Timestamp,
    most: int,
    seed: int,
) -> _Start:
    bookings = {
        place: hire_bookings(law, forecast, period, day, most, seed, place).cumsum(axis=1)
        for place, law in laws.items()
    }
    counts = dict.fromkeys(laws, 0)
    sums, places = [np.zeros(len(base))], [""]
    for _ in range(most):
        # What the company holds with one more hire in each place.
        options = {place: _with_one_more(bookings, counts, place) for place in laws}
        chosen = max(options, key=lambda place: (_chance(base + options[place], target), options[place].mean()))
        counts[chosen] += 1
        sums.append(options[chosen])
        places.append(chosen)
    table = [
        (day, n, places[n], _chance(base + one, target), float(one.mean()), _missing(base + one, target))
        for n, one in enumerate(sums)
    ]
    curve = pd.DataFrame(table, columns=["start", "hires", "place", "p_target", "added", "shortfall"])
    return _Start(day, curve, tuple(places[1:]), np.stack(sums, axis=1))


def _with_one_more(bookings: Mapping[str, Array], counts: Mapping[str, int], place: str) -> Array:
    total = np.zeros(len(next(iter(bookings.values()))))
    for name, running in bookings.items():
        count = counts[name] + (name == place)
        total += running[:, count - 1] if count else 0.0
    return total


def _chance(draws: Array, target: float) -> float:
    return float((draws >= target - _CENT).mean())


def _missing(draws: Array, target: float) -> float:
    return float(np.maximum(target - draws, 0.0).mean())


def _least(curve: pd.DataFrame, wanted: float) -> int | None:
    enough = curve.loc[curve["p_target"] >= wanted, "hires"]
    return int(enough.iloc[0]) if len(enough) else None


def _needed_row(
    one: _Start, count: int | None, laws: Mapping[str, HireLaw], forecast: Forecast, period: str
) -> dict[str, object]:
    """Put the answer beside the customary arithmetic: hires × ramped months × a month's bookings."""
    shown = one.curve.iloc[-1 if count is None else count]
    places = one.places[: len(one.places) if count is None else count]
    months = {place: _stretch(law, forecast.calendar, period, one.day) for place, law in laws.items()}
    plain = {place: productive_months(table_ramp(laws[place].ramp), *months[place]) for place in laws}
    less = {
        place: productive_months(table_ramp(laws[place].ramp), *months[place], laws[place].hazard) for place in laws
    }
    return {
        "start": one.day,
        "hires": count,
        "p_target": float(shown["p_target"]),
        "places": ", ".join(f"{name or 'anywhere'} {places.count(name)}" for name in laws if name in places),
        "ramped_months": float(np.mean([plain[place] for place in places])) if places else 0.0,
        "carried_quota": sum(carried_quota(1, laws[place].monthly, plain[place]) for place in places),
        "carried_less_attrition": sum(carried_quota(1, laws[place].monthly, less[place]) for place in places),
    }


def _stretch(law: HireLaw, calendar: FiscalCalendar, period: str, day: pd.Timestamp) -> tuple[float, float]:
    """Tenure at the beginning and the end of a period, less the lag, for a seat filled after the mean delay."""
    whole = calendar.period(period)
    first = _months_between(day, whole.start) - law.delay_months - law.lag_months
    return first, first + _months_between(whole.start, whole.end + pd.Timedelta(days=1))


def _months_between(start: pd.Timestamp, stop: pd.Timestamp) -> float:
    """Calendar months between two days, days as parts of their month."""
    months = 12 * (stop.year - start.year) + stop.month - start.month
    return months + (stop.day - 1) / stop.days_in_month - (start.day - 1) / start.days_in_month


def _delay(
    found: Sequence[_Start], needed: Sequence[int | None], base: Array, target: float, most: int
) -> pd.DataFrame:
    """Compare later starts with the first, draw by draw, at the number of hires that the first needs."""
    first, count = found[0], needed[0] if needed[0] is not None else most
    rows = []
    for one, enough in zip(found, needed, strict=True):
        lost = first.sums[:, count] - one.sums[:, count]
        error = float(lost.std(ddof=1)) / len(lost) ** 0.5 if len(lost) > 1 else float("nan")
        mean, chance = float(lost.mean()), _chance(base + one.sums[:, count], target)
        more = None if enough is None or needed[0] is None else enough - needed[0]
        later, before = _months_between(first.day, one.day), _chance(base + first.sums[:, count], target)
        rows.append((one.day, later, mean, mean - _Z * error, mean + _Z * error, chance, before - chance, more))
    columns = ["start", "months_later", "lost", "low", "high", "p_target", "p_lost", "hires_more"]
    return pd.DataFrame(rows, columns=columns)


def hire_bookings(
    law: HireLaw, forecast: Forecast, period: str, start: object, hires: int, seed: int = 1, place: str = ""
) -> Array:
    """Draw the bookings of hires in one period.

    Parameters
    ----------
    law : HireLaw
        What a hire brings.
    forecast : Forecast
        Whose trials the draws are paired with; hires share its swings as the law's coupling says.
    period : str
        A period or fiscal year.
    start : date-like
        Day on which the seats are opened.
    hires : int
        How many.
    seed : int
        Of their streams.
    place : str
        Part of the streams' names.

    Returns
    -------
    array of float, shape (trials, hires)
    """
    whole, day = forecast.calendar.period(period), to_day(start)
    edges = _month_edges(forecast.calendar, period, day)
    streams, trials = Streams(seed), forecast.trials
    company = forecast.period_draws(period)
    swing = company / company.mean() - 1 if company.mean() > 0 else np.zeros(trials)
    shared = np.maximum(1 + law.coupling * swing, 0.0)
    out = np.zeros((trials, hires))
    first_month = 12 * whole.start.year + whole.start.month
    for number in range(hires):
        name = f"{place}/{number + 1}"
        level = _lognormal(streams.normals("hire", name, "level", 0, trials), law.spread)
        delay = law.delay_months * _lognormal(streams.normals("hire", name, "delay", 0, trials), law.delay_spread)
        for turn, (begin, leave) in enumerate(_stays(law, streams, name, delay, edges[-1])):
            own = (
                level
                if not turn
                else _lognormal(streams.normals("hire", f"{name}/{turn}", "level", 0, trials), law.spread)
            )
            for month in range(len(edges) - 1):
                low, high = (
                    np.minimum(np.maximum(edge - begin - law.lag_months, 0.0), leave)
                    for edge in (edges[month], edges[month + 1])
                )
                luck = streams.normals("hire", name, "month", 0, trials, lane=first_month + month)
                ramped = law.ramped_months(high) - law.ramped_months(low)
                out[:, number] += law.monthly * ramped * own * _lognormal(luck, law.noise)
    return np.asarray(out * shared[:, None])


def _stays(law: HireLaw, streams: Streams, name: str, delay: Array, until: float) -> Iterator[tuple[Array, Array]]:
    """Go through who holds a seat one after the other: first day, in months, and tenure at which each leaves.

    Successors draw from streams of their own; nobody who cannot book before `until` is drawn.
    """
    begin, turn = delay, 0
    while turn <= _MOST_TURNS and float(begin.min()) + law.lag_months < until:
        who = name if not turn else f"{name}/{turn}"
        leave = _leaving(streams.uniforms("hire", who, "leave", 0, len(delay)), law.hazard)
        yield begin, leave
        if law.backfill_months is None or law.hazard <= 0:
            return
        begin, turn = begin + leave + law.backfill_months, turn + 1


def _month_edges(calendar: FiscalCalendar, period: str, day: pd.Timestamp) -> list[float]:
    """List the ends of the calendar months of a period, in months since a day."""
    whole = calendar.period(period)
    stop = whole.end + pd.Timedelta(days=1)
    inner = pd.date_range(whole.start, whole.end, freq="MS")
    days = [whole.start, *(one for one in inner if one > whole.start), stop]
    return [_months_between(day, one) for one in days]


def _lognormal(normal: Array, variation: float) -> Array:
    """Multipliers of mean one with a coefficient of variation."""
    sd = float(np.sqrt(np.log1p(variation**2)))
    return np.exp(sd * normal - sd * sd / 2)


def _leaving(uniform: Array, hazard: float) -> Array:
    """Tenure in months at which each leaves; infinite where nobody does."""
    return np.asarray(-special.log1p(-uniform) / hazard) if hazard > 0 else np.full(len(uniform), np.inf)


def _check(
    forecast: Forecast, period: str, target: float, starts: Sequence[object], wanted: float, most: int
) -> list[pd.Timestamp]:
    problems = []
    if not (np.isfinite(target) and target >= 0):
        problems.append(Problem("hiring", "must be an amount of at least 0", column="target", value=str(target)))
    if not 0 < wanted <= 1:
        problems.append(Problem("hiring", "must be a chance above 0 and up to 1", column="wanted", value=str(wanted)))
    if most < 1:
        problems.append(Problem("hiring", "must be at least 1", column="most", value=str(most)))
    if not len(starts):
        problems.append(Problem("hiring", "no start is given", "Name at least one day.", column="starts"))
    days = []
    for start in starts:
        try:
            days.append(to_day(start))
        except InputError as error:
            problems += error.problems
    try:
        forecast.period_draws(period)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)
    return sorted(days)
