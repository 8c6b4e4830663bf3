"""Cells as Salesforce exports them: columns under many names, ids of 15 or 18 characters, dates of any locale."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.cells import blank
from spmforecast.data.naming import find_name, fold_column
from spmforecast.data.sources import RawTable
from spmforecast.data.sources.columns import as_text, is_text

__all__ = ["Cells", "ambiguous_dates", "days", "long_ids", "order_of_days", "stamps", "truth"]

_WAREHOUSE = ("_fivetran", "_airbyte", "_sdc_", "_dlt_")
_SHORT_ID = r"0[0-9A-Za-z]{14}"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SLASHED = re.compile(
    r"(?P<a>[0-9]{1,2})(?P<mark>[/.-])(?P<b>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4}|[0-9]{2})"
    r"(?:,? (?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})(?:[:.](?P<second>[0-9]{2}))? ?(?P<half>[AaPp][Mm])?)?"
)
_JAVA = re.compile(
    r"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) (?P<day>[0-9]{2}) (?P<time>[0-9:]{8}) (?:GMT|UTC) (?P<year>[0-9]{4})"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LOCAL_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}[0-9:.]*$"
_MIDNIGHT = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]00:00(?::00(?:\.0+)?)?(?:Z| UTC|[+-]00:?00)?$"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cells:
    """A raw table whose columns are found by what Salesforce, its reports or a warehouse call them.

    Parameters
    ----------
    raw : RawTable
        n rows.
    names : mapping of str to sequence of str
        What a column is called here: how the file may call it, of which the first that is there is taken.
    """

    raw: RawTable
    names: Mapping[str, Sequence[str]]

    def column(self, name: str) -> str | None:
        """Return the file's own name of a column, or None."""
        found = find_name(self.names.get(name, (name,)), self.raw.frame.columns, fold_column)
        return found[0] if found else None

    def has(self, name: str) -> bool:
        """Tell whether the file has a column."""
        return self.column(name) is not None

    def text(self, name: str) -> pd.Series:
        """Return a column as text without blanks around it, empty where the file lacks it; shape (n,)."""
        own = self.column(name)
        if own is None:
            return blank(self.raw.frame.index)
        return as_text(self.raw.frame[own]).str.strip()

    def typed(self, name: str) -> pd.Series:
        """Return a column as it is, text empty where the file lacks it; shape (n,)."""
        own = self.column(name)
        return blank(self.raw.frame.index) if own is None else self.raw.frame[own]

    @property
    def utc(self) -> bool:
        """Whether stamps without a zone are UTC, as in warehouse copies."""
        return any(name.casefold().startswith(_WAREHOUSE) for name in self.raw.frame.columns)


def truth(values: pd.Series) -> pd.Series:
    """Return ``true``, ``false`` or empty text for the ways in which exports write these."""
    words = values.str.casefold()
    yes, no = words.isin(("true", "yes", "1", "t", "y")), words.isin(("false", "no", "0", "f", "n"))
    return blank(values.index).mask(yes, "true").mask(no, "false")


def long_ids(values: pd.Series) -> pd.Series:
    """Write ids of 15 characters, as reports give them, with the 18 of the API; other texts stay as they are.

    The three characters more tell which of the others are capitals, five at a time.
    """
    short = values.str.fullmatch(_SHORT_ID)
    if not short.any():
        return values
    codes, found = pd.factorize(values[short])
    longer = np.array([word + _suffix(word) for word in found], dtype=object)
    out = values.copy()
    out[short] = longer[codes]
    return out


def _suffix(word: str) -> str:
    parts = (word[start : start + 5] for start in (0, 5, 10))
    return "".join(_SUFFIX[sum(1 << place for place, letter in enumerate(part) if letter.isupper())] for part in parts)


def order_of_days(columns: Iterable[pd.Series]) -> str | None:
    """Find out whether dates such as ``5/31/2024`` put the month or the day first.

    Parameters
    ----------
    columns : iterable of pandas.Series
        The date columns of one file, which one person's locale wrote.

    Returns
    -------
    {"month", "day"} or None
        None where no date tells, or dates contradict each other. Points stand in dates that begin with the day.
    """
    firsts, seconds, points = 0, 0, False
    for column in columns:
        for word in _distinct(column):
            shape = _SLASHED.fullmatch(word)
            if shape is not None and shape["mark"] == ".":
                points = True
            elif shape is not None:
                firsts, seconds = max(firsts, int(shape["a"])), max(seconds, int(shape["b"]))
    if firsts > 12 and seconds > 12:
        return None
    if firsts > 12 or (points and seconds <= 12):
        return "day"
    return "month" if seconds > 12 else None


def ambiguous_dates(column: pd.Series, order: str | None) -> str:
    """Return the first date of a column whose day and month cannot be told apart, or empty text."""
    if order is not None:
        return ""
    return next((word for word in _distinct(column) if _SLASHED.fullmatch(word)), "")


def stamps(column: pd.Series, order: str | None, utc: bool) -> pd.Series:
    """Write time stamps as ISO 8601; what is none stays as it is.

    Parameters
    ----------
    column : pandas.Series, shape (n,)
        Text or datetime64; the latter only gets its zone.
    order : {"month", "day"} or None
        What comes first in dates with slashes.
    utc : bool
        Whether stamps without a zone are UTC; else they stay local.
    """
    if not is_text(column):
        if pd.api.types.is_datetime64_dtype(column.dtype) and utc:
            zoned: pd.Series = column.dt.tz_localize("UTC")
            return zoned
        return column if pd.api.types.is_datetime64_any_dtype(column.dtype) else as_text(column)
    iso = _each(column, order).str.replace(r" UTC$", "Z", regex=True)
    return iso.mask(iso.str.match(_LOCAL_TIME), iso + "Z") if utc else iso


def days(column: pd.Series, order: str | None) -> pd.Series:
    """Write dates that stand for a day as text: a midnight is the day itself in whatever zone it is given.

    Parameters
    ----------
    column : pandas.Series, shape (n,)
        Text or datetime64.
    order : {"month", "day"} or None
        What comes first in dates with slashes.
    """
    words = _each(column, order) if is_text(column) else as_text(column)
    return words.str.replace(_MIDNIGHT, r"\1", regex=True)


def _distinct(column: pd.Series) -> list[str]:
    return [str(word) for word in column.unique() if word] if is_text(column) else []


def _each(column: pd.Series, order: str | None) -> pd.Series:
    """Rewrite each distinct cell that is a date of some locale."""
    codes, found = pd.factorize(column.str.strip(), use_na_sentinel=False)
    words = pd.array([_iso(str(word), order) for word in found], dtype="str")
    return pd.Series(words.take(codes), index=column.index) if len(words) else column


def _iso(word: str, order: str | None) -> str:
    java = _JAVA.fullmatch(word)
    if java is not None and java["month"] in _MONTHS:
        return f"{java['year']}-{_MONTHS.index(java['month']) + 1:02d}-{java['day']}T{java['time']}Z"
    shape = _SLASHED.fullmatch(word)
    if shape is None:
        return word
    first = "day" if shape["mark"] == "." else order
    if first is None:
        return word
    month, day = (shape["a"], shape["b"]) if first == "month" else (shape["b"], shape["a"])
    year = shape["year"] if len(shape["year"]) == 4 else f"20{shape['year']}"
    date = f"{year}-{int(month):02d}-{int(day):02d}"
    return date if shape["hour"] is None else f"{date}T{_clock(shape)}"


def _clock(shape: re.Match[str]) -> str:
    hour = int(shape["hour"])
    if shape["half"]:
        hour = hour % 12 + (12 if shape["half"].lower() == "pm" else 0)
    return f"{hour:02d}:{shape['minute']}:{shape['second'] or '00'}"
