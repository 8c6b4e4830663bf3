"""The day whose exchange rate counts for each row of a table."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from spmforecast.data.cells import worded
from spmforecast.data.tables import TABLES

__all__ = ["rate_days"]


def rate_days(frame: pd.DataFrame, table: str, named: str | None, formats: Mapping[str, str]) -> pd.Series:
    """Return the day whose rate counts for each row.

    Of a closed deal it is that of its close; of an open one the last day that the deals themselves record, so that
    no rate of a later day counts; of an event the day of the event.

    Parameters
    ----------
    frame : pandas.DataFrame
        n mapped rows.
    table : str
        Canonical table.
    named : str or None
        Column that a map names instead.
    formats : mapping of str to str
        strptime formats of date columns.

    Returns
    -------
    pandas.Series
        datetime64, shape (n,), missing where the last known rate counts.
    """
    if named is not None:
        return _days(frame, named, formats)
    if table != "opportunities":
        return _days(frame, TABLES[table].dated_by, formats)
    close, created = _days(frame, "close_date", formats), _days(frame, "created_date", formats)
    status = worded(frame, ["status"]).get("status")
    if status is None:
        return close
    closed = status.isin(["won", "lost"]).to_numpy()
    recorded = pd.concat([close[closed], created]).max()
    return close.where(closed, recorded)


def _days(frame: pd.DataFrame, name: str, formats: Mapping[str, str]) -> pd.Series:
    """Read days as well as they can be read; the checks judge them later."""
    if name not in frame.columns:
        return pd.Series(pd.NaT, index=frame.index, dtype="datetime64[s]")
    values = frame[name]
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        naive = values.dt.tz_localize(None) if isinstance(values.dtype, pd.DatetimeTZDtype) else values
        return naive.astype("datetime64[s]")
    text = worded(frame[[name]], [name])[name]
    if name in formats:
        read = pd.to_datetime(text, format=formats[name], errors="coerce", utc="%z" in formats[name])
        return read.dt.tz_localize(None).astype("datetime64[s]")
    return pd.to_datetime(text.str[:10], format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")
