"""Drift: whether deals still behave, and look, as those did that the rates come from. A monitor alerts, no more.

Everything is read off the record as known at a day; no fit is needed, so that a check can look too.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.data import NONE, History
from spmforecast.evaluate.drift import bernoulli_cusum, homogeneity, observed_expected, stability_index
from spmforecast.models.risksets import day_number

__all__ = ["MONITOR_COLUMNS", "alerts", "monitor", "pit_by_period"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MONITOR_COLUMNS = ("monitor", "what", "value", "limit", "cases", "alert", "told")

_COHORTS, _FEWEST = 8, 30
_ODDS, _RUN_LENGTH = 1.5, 2000.0
_YEAR, _QUARTER = 365, 92
_SHIFT, _SURE = 0.25, 0.01
_TRAITS = ("segment", "type", "product", "lead_source", "region")


def monitor(known: History, calendar: FiscalCalendar) -> pd.DataFrame:
    """Look for drift in a record of deals.

    Parameters
    ----------
    known : History
        Cut at a day.
    calendar : FiscalCalendar
        Quarters of the cohorts.

    Returns
    -------
    pandas.DataFrame
        :data:`MONITOR_COLUMNS`, alerts first: wins by entry cohort against what the other cohorts lead one to expect,
        the win rate of the last year's closings (CUSUM, both ways), and the make-up of new deals (PSI). ``told`` says
        what was found. Empty without deals.
    """
    if known.known_at is None or known.opportunities.empty:
        return pd.DataFrame(columns=list(MONITOR_COLUMNS))
    deals = known.deals().sort_values("opportunity_id", kind="stable").reset_index(drop=True)
    today = int(day_number(pd.DatetimeIndex([known.known_at]))[0])
    rows = [*_cohorts(deals, today, calendar), *_closings(deals, today), *_make_up(deals, today)]
    table = pd.DataFrame(rows, columns=list(MONITOR_COLUMNS))
    return table.sort_values("alert", ascending=False, kind="stable").reset_index(drop=True)


def alerts(table: pd.DataFrame) -> tuple[str, ...]:
    """Return what the monitors that alert have to say."""
    return tuple(str(told) for told in table.loc[table["alert"].astype(bool), "told"])


def _cohorts(deals: pd.DataFrame, today: int, calendar: FiscalCalendar) -> list[tuple[object, ...]]:
    """Compare the wins of each of the last cohorts with what deals of the other cohorts won at the same ages."""
    created = day_number(deals["created_date"])
    ended = (deals["status"] != "open").to_numpy()
    close = np.where(ended, day_number(deals["close_date"]), today)
    age, won = np.maximum(close - created, 0), (deals["status"] == "won").to_numpy()
    label = calendar.labels(deals["created_date"].to_numpy(), "quarter")
    names = sorted(set(label.tolist()), key=lambda name: calendar.period(name).start)[-_COHORTS:]
    observed, expected = [], []
    for name in names:
        mine = label == name
        observed.append(float(won[mine].sum()))
        expected.append(float(_cumulative_hazard(age[~mine], won[~mine], age[mine]).sum()))
    if not names or not any(expected):
        return []
    # Of several cohorts one is off by luck: each gets its share of the 1 % that is allowed for false alarms.
    table = observed_expected(observed, expected, names, level=1 - _SURE / len(names))
    return [_cohort(row) for row in table.to_dict("records") if row["expected"] > 0]


def _cohort(row: dict[Hashable, Any]) -> tuple[object, ...]:
    name, seen, hoped, ratio = row["cohort"], row["observed"], row["expected"], row["ratio"]
    told = (
        f"deals created in {name} won {seen:.0f} times, where other cohorts at the same ages would have won "
        f"{hoped:.0f} times ({ratio:.2f} times as often)"
    )
    span = f"{row['low']:.2f} to {row['high']:.2f}"
    return "wins by entry cohort", name, ratio, span, int(seen), bool(row["alert"]), told


def _cumulative_hazard(age: Ints, won: npt.NDArray[np.bool_], at: Ints) -> Array:
    """Nelson–Aalen estimate of the cumulative hazard of a win at the ages given; an age counts with its whole day."""
    if not len(age):
        return np.zeros(len(at))
    last = int(age.max())
    wins = np.bincount(age[won], minlength=last + 1)
    at_risk = len(age) - np.concatenate([[0], np.cumsum(np.bincount(age, minlength=last + 1))[:-1]])
    hazard = np.cumsum(np.divide(wins, at_risk, out=np.zeros(last + 1), where=at_risk > 0))
    return np.asarray(hazard[np.minimum(at, last)])


def _closings(deals: pd.DataFrame, today: int) -> list[tuple[object, ...]]:
    """Watch the last year's outcomes, in order of closing, for a higher or a lower win rate than before."""
    closed = deals[(deals["status"] != "open").to_numpy()].sort_values("close_date", kind="stable")
    day, won = day_number(closed["close_date"]), (closed["status"] == "won").to_numpy().astype(float)
    before, lately, when = won[day <= today - _YEAR], won[day > today - _YEAR], day[day > today - _YEAR]
    if len(before) < _FEWEST or len(lately) < _FEWEST or not 0 < before.mean() < 1:
        return []
    usual = float(before.mean())
    out: list[tuple[object, ...]] = []
    for way, odds in (("higher", _ODDS), ("lower", 1 / _ODDS)):
        changed = usual * odds / (1 - usual + usual * odds)
        chart = bernoulli_cusum(lately, usual, changed, run_length=_RUN_LENGTH)
        told = f"win rate of closings is not seen to be {way} than the {100 * usual:.0f} % before"
        alert = chart.alert is not None
        if chart.alert is not None:
            run = _stretch(chart.path, chart.alert)
            told = (
                f"win rate of closings from {_date(when[run.start])} to {_date(when[run.stop - 1])} is {way} than the "
                f"{100 * usual:.0f} % before: {100 * lately[run].mean():.0f} % of {run.stop - run.start:,}"
            )
        told += f" ({100 * lately.mean():.0f} % in the last year as a whole)"
        limit, cases = f"{chart.limit:.2f}", len(lately)
        out.append((f"win rate, {way}", "last year", float(chart.path.max()), limit, cases, alert, told))
    return out


def _stretch(path: Array, alert: int) -> slice:
    """Return the outcomes that drove a chart to its alert: from its last 0 up to its height before the next one."""
    zero = np.flatnonzero(path == 0.0)
    before, after = zero[zero < alert], zero[zero > alert]
    start = int(before[-1]) + 1 if len(before) else 0
    stop = int(after[0]) if len(after) else len(path)
    return slice(start, start + int(np.argmax(path[start:stop])) + 1)


def _date(day: int | np.integer[Any]) -> str:
    return str(np.datetime64(int(day), "D"))


def _make_up(deals: pd.DataFrame, today: int) -> list[tuple[object, ...]]:
    """Compare the new deals of the last quarter with those of the year before, attribute by attribute."""
    created = day_number(deals["created_date"])
    late = created > today - _QUARTER
    early = ~late & (created > today - _QUARTER - _YEAR)
    if late.sum() < _FEWEST or early.sum() < _FEWEST:
        return []
    traits = {name: deals[name].astype(object).fillna(NONE).to_numpy() for name in _TRAITS if name in deals}
    out: list[tuple[object, ...]] = []
    for name, value in traits.items():
        levels = sorted(set(value[late | early].tolist()))
        if len(levels) < 2:
            continue
        then, now = (np.array([float((value[part] == level).sum()) for level in levels]) for part in (early, late))
        index, (_, _, p) = stability_index(then, now), homogeneity(then, now)
        # The index of few deals is large by luck alone; a shift must also be beyond luck.
        alert = bool(index > _SHIFT and p < _SURE)
        how = "differ" if alert else "do not differ much"
        told = f"new deals of the last quarter {how} in {name} from the year before (PSI {index:.2f})"
        out.append(("make-up of new deals", name, float(index), f"{_SHIFT:.2f}", int(late.sum()), alert, told))
    return out


def pit_by_period(
    cells: pd.DataFrame, method: str, levels: Sequence[str] = ("company", "region", "rep")
) -> pd.DataFrame:
    """Watch, period by period, where outcomes fell in their forecast laws.

    Parameters
    ----------
    cells : pandas.DataFrame
        Of a backtest.
    method : str
        Whose laws.
    levels : sequence of str
        Levels to look at.

    Returns
    -------
    pandas.DataFrame
        ``level, target, cases, mean, p_value``: mean of the values (0.5 if calibrated; lower: less came than was
        forecast), and the p-value of Kolmogorov and Smirnov against the uniform law, as if cases were independent. Only
        the forecasts of the period under way.
    """
    from scipy import stats  # slow to import, and a look at a record needs none of it

    mine = cells[(cells["method"] == method) & (cells["ahead"] == 0) & cells["level"].isin(list(levels))]
    rows = [
        (level, target, len(group), group["pit"].mean(), float(stats.kstest(group["pit"], "uniform").pvalue))
        for (level, target), group in mine.groupby(["level", "target"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["level", "target", "cases", "mean", "p_value"])
