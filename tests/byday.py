"""Tables compared by day: a CRM keeps times, the example company days."""

from __future__ import annotations

import pandas as pd


def days(frame: pd.DataFrame) -> pd.DataFrame:
    """Take the time of day off every stamp."""
    stamps = [name for name in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[name].dtype)]
    return frame.assign(**{name: frame[name].dt.normalize() for name in stamps})


def by_day(frame: pd.DataFrame, like: pd.DataFrame, lost: set[str]) -> pd.DataFrame:
    """Take the columns that both must tell, by day."""
    return days(frame[[name for name in like.columns if name not in lost]].reset_index(drop=True))
