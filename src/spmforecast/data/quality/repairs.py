"""Repairs: named, done only on request, and recorded row by row in counts and examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from spmforecast.data.history import REPAIRS_COLUMNS, History
from spmforecast.data.quality.cleanups import last_touch, swept
from spmforecast.data.quality.dead import dead
from spmforecast.data.quality.duplicates import twins
from spmforecast.data.quality.keys import misspelt, unmatched
from spmforecast.data.quality.limits import QualityRules
from spmforecast.data.quality.records import Ints, Records
from spmforecast.errors import InputError, Problem
from spmforecast.written import nearest

__all__ = ["CENSORED_ON", "REPAIRS", "repair"]

CENSORED_ON = "censored_on"
"""Extra column of a deal: the day up to which the fit watches it, though it was lost later."""

_MOST_EXAMPLES = 5
_POINTERS = ("activities", "stage_history", "splits")


@dataclass(frozen=True, slots=True)
class _Done:
    """What one repair did to one column."""

    table: str
    column: str
    rows: int
    examples: tuple[str, ...]


_Result = tuple[dict[str, pd.DataFrame], list[_Done]]


def repair(history: History, names: Iterable[str], rules: QualityRules | None = None) -> History:
    """Repair a history in the ways that are asked for, and in no other.

    Parameters
    ----------
    history : History
        Best cut at its day first (:meth:`History.as_of`), so that nothing later bears on a repair.
    names : iterable of str
        Keys of :data:`REPAIRS`; they are applied in the order of that table, whatever their order here.
    rules : QualityRules, optional
        Limits, for instance the age at which a deal counts as dead.

    Returns
    -------
    History
        A new history. ``repairs`` records what was done (``repair, table, column, rows, examples``), ``warnings`` says
        it in words.

    Raises
    ------
    InputError
        If there is no such repair.
    """
    asked = set(names)
    problems = [_unknown(name) for name in sorted(asked - set(REPAIRS))]
    if problems:
        raise InputError(problems)
    for name, mend in REPAIRS.items():
        if name in asked:
            history = _apply(history, name, mend, rules or QualityRules())
    return history


def _unknown(name: str) -> Problem:
    near = nearest(name, REPAIRS)
    mend = f"Did you mean {near}?" if near else f"Use one of: {', '.join(REPAIRS)}."
    return Problem("scenario", "no such repair", mend, column="quality.repair", value=name)


def _apply(history: History, name: str, mend: Callable[[Records], _Result], rules: QualityRules) -> History:
    tables, done = mend(Records(history, rules))
    told = pd.DataFrame(
        [(name, one.table, one.column, one.rows, "; ".join(one.examples[:_MOST_EXAMPLES])) for one in done],
        columns=list(REPAIRS_COLUMNS),
    )
    said = [f"repair {name}: {one.rows:,} rows of {one.table}.{one.column} changed" for one in done]
    final = history.final_only | ({CENSORED_ON} if name == "censor_clean_ups" else set())
    return replace(
        history,
        tables={**history.tables, **tables},
        warnings=(*history.warnings, *said),
        repairs=pd.concat([history.repairs, told], ignore_index=True) if done else history.repairs,
        final_only=final,
    )


def _nearest_keys(records: Records) -> _Result:
    """Put the nearest listed id in place of one that names nothing, and one spelling in place of its variants."""
    tables: dict[str, pd.DataFrame] = {}
    done: list[_Done] = []
    found = [(one.table, one.column, one.nearest) for one in unmatched(records) if one.nearest]
    found += [(one.table, one.column, one.meant) for one in misspelt(records)]
    for table, column, meant in found:
        frame = tables.get(table, records.history.tables[table])
        hit = frame[column].isin(list(meant))
        old = frame.loc[hit, column].astype(object)
        values = frame[column].astype(object).mask(hit, old.map(meant))
        tables[table] = frame.assign(**{column: values.astype("str")})
        count = old.value_counts()
        examples = tuple(f"{text} → {meant[str(text)]}" for text in count.index)
        done.append(_Done(table, column, int(hit.sum()), examples))
    return tables, done


def _trim_duplicates(records: Records) -> _Result:
    """Keep the first of deals that are most likely one; activities follow it, other rows of the dropped ones go."""
    first = twins(records)
    own = np.arange(len(first))
    again = first != own
    if not again.any():
        return {}, []
    ids = records.deals["opportunity_id"].astype(object).to_numpy()
    into = dict(zip(ids[again], ids[first[again]], strict=True))
    tables = {"opportunities": records.deals[~again].reset_index(drop=True)}
    done = [_dropped("opportunities", int(again.sum()), [f"{old} → {new}" for old, new in into.items()])]
    for name in _POINTERS:
        frame = records.history.tables.get(name)
        if frame is None:
            continue
        hit = frame["opportunity_id"].isin(list(into))
        if not hit.any():
            continue
        if name == "activities":
            values = frame["opportunity_id"].astype(object)
            moved = values.mask(hit, values.map(into)).astype("str")
            tables[name] = frame.assign(opportunity_id=moved)
        else:
            tables[name] = frame[~hit].reset_index(drop=True)
        done.append(_dropped(name, int(hit.sum()), []))
    return tables, done


def _dropped(table: str, rows: int, examples: list[str]) -> _Done:
    return _Done(table, "opportunity_id", rows, tuple(examples[:_MOST_EXAMPLES]))


def _close_dead_deals(records: Records) -> _Result:
    """Count dead deals as lost on the day after they passed the limit."""
    found = dead(records)
    if not len(found.deal):
        return {}, []
    passed = found.entry + found.limit + 1
    lost = np.zeros(len(records.deals), dtype=bool)
    lost[found.deal] = True
    close = _with_days(records.deals["close_date"], found.deal, passed)
    frame = records.deals.assign(status=records.deals["status"].astype("str").mask(lost, "lost"), close_date=close)
    ids = records.ids(found.deal)
    told = tuple(f"{one}: lost on {np.datetime64(int(day), 'D')}" for one, day in zip(ids, passed, strict=False))
    return {"opportunities": frame}, [_Done("opportunities", "status", int(lost.sum()), told)]


def _censor_clean_ups(records: Records) -> _Result:
    """Let the fit watch deals that were lost on a clean-up day up to their last event or activity only."""
    rows = np.flatnonzero(swept(records))
    if not len(rows):
        return {}, []
    empty = pd.Series(pd.NaT, index=records.deals.index).astype("datetime64[s]")
    day = last_touch(records)[rows]
    frame = records.deals.assign(**{CENSORED_ON: _with_days(empty, rows, day)})
    told = tuple(
        f"{one}: watched to {np.datetime64(int(d), 'D')}" for one, d in zip(records.ids(rows), day, strict=False)
    )
    return {"opportunities": frame}, [_Done("opportunities", CENSORED_ON, len(rows), told)]


def _with_days(dates: pd.Series, rows: Ints, days: Ints) -> pd.Series:
    """Put days into a column of dates."""
    values = np.asarray(dates, dtype="datetime64[s]").copy()
    values[rows] = days.astype("datetime64[D]").astype("datetime64[s]")
    return pd.Series(values, index=dates.index)


REPAIRS: Mapping[str, Callable[[Records], _Result]] = MappingProxyType(
    {
        "nearest_keys": _nearest_keys,
        "trim_duplicates": _trim_duplicates,
        "close_dead_deals": _close_dead_deals,
        "censor_clean_ups": _censor_clean_ups,
    }
)
"""Every repair by name, in the order in which they are applied."""
