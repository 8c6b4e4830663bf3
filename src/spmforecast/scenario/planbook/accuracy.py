"""How good the kept forecasts were: each held against what a later one knows as booked."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from spmforecast.scenario.planbook.versions import Version

__all__ = ["accuracy"]

_KEYS = ["node_level", "node", "period"]
_FIGURES = ["mean", "p10", "p50", "p90"]


def accuracy(forecasts: Sequence[Version]) -> pd.DataFrame:
    """Hold forecasts of periods that have closed since against their actual bookings.

    Parameters
    ----------
    forecasts : sequence of Version
        Of kind ``forecast``, with the facts ``as_of`` and ``periods`` (label to last day) and the table ``forecast``.

    Returns
    -------
    pandas.DataFrame
        ``id, name, as_of, node_level, node, period, days_ahead, mean, p10, p50, p90, actual, error, inside``: actual is
        ``booked`` of the earliest later forecast of the same name whose as-of date is not before the period's end;
        error is ``mean / actual - 1`` and inside tells whether the 80 % interval holds the actual.
    """
    frames = [_judged(one, _actuals(one, forecasts)) for one in forecasts]
    columns = ["id", "name", "as_of", *_KEYS, "days_ahead", *_FIGURES, "actual", "error", "inside"]
    kept = [frame for frame in frames if len(frame)]
    return pd.concat(kept, ignore_index=True)[columns] if kept else pd.DataFrame(columns=columns)


def _actuals(one: Version, forecasts: Sequence[Version]) -> pd.DataFrame:
    """Collect bookings of the periods that were open at a forecast and closed by a later one, the earliest first."""
    found = []
    ends: dict[str, str] = one.content.facts["periods"]
    for later in sorted(forecasts, key=lambda other: (str(other.content.facts["as_of"]), other.id)):
        as_of = str(later.content.facts["as_of"])
        closed = [period for period, end in ends.items() if str(one.content.facts["as_of"]) < end <= as_of]
        table = later.content.tables["forecast"]
        if later.name == one.name and closed and len(table):
            found.append(table.loc[table["period"].isin(closed), [*_KEYS, "booked"]])
    if not found:
        return pd.DataFrame(columns=[*_KEYS, "booked"])
    return pd.concat(found, ignore_index=True).drop_duplicates(_KEYS)


def _judged(one: Version, actuals: pd.DataFrame) -> pd.DataFrame:
    table = one.content.tables["forecast"][[*_KEYS, *_FIGURES]]
    out = table.merge(actuals.rename(columns={"booked": "actual"}), on=_KEYS)
    as_of = pd.Timestamp(str(one.content.facts["as_of"]))
    ends = pd.to_datetime(out["period"].map(one.content.facts["periods"]))
    actual = out["actual"].astype("float64")
    return out.assign(
        id=one.id,
        name=one.name,
        as_of=str(as_of.date()),
        days_ahead=(ends - as_of).dt.days,
        actual=actual,
        error=(out["mean"].astype("float64") / actual.where(actual > 0)) - 1,
        inside=(actual >= out["p10"].astype("float64")) & (actual <= out["p90"].astype("float64")),
    )
