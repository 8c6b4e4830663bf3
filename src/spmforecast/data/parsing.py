"""Parsing: a column of text becomes dates, numbers or checked words, with a reason for every cell that cannot.

Cells beyond doubt are parsed all at once (:mod:`spmforecast.data.quick`); each distinct text of the others is judged
once and the judgement spread over the rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.arrow import empty_cells, places_among, without_empty
from spmforecast.data.quick import quick_dates, quick_numbers
from spmforecast.data.sources.columns import as_text, is_text
from spmforecast.data.tables import PERIOD_LABEL, Column
from spmforecast.written import nearest

__all__ = ["Parsed", "parse_column"]

Ints = npt.NDArray[np.intp]
Places = npt.NDArray[np.int8]
Texts = npt.NDArray[np.object_]

_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(?P<zone>Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile("[+-]?[0-9]{1,3}([,.'’ \\u00a0\\u202f][0-9]{3})+([.,][0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_MONEY = re.compile(r"([^0-9\s.,'-]{1,3}\s?[+-]?[0-9][0-9.,'\s]*|[+-]?[0-9][0-9.,'\s]*[^0-9\s.,'-]{1,3})")

Verdict = tuple[str, str] | None
"""Reason and mend, or None for a good cell."""


@dataclass(frozen=True, eq=False)
class Parsed:
    """A parsed column and its bad cells.

    Parameters
    ----------
    values : pandas.Series
        Typed, shape (n,); missing where the cell is empty or bad.
    rows : numpy.ndarray of int
        Rows of bad cells.
    reasons, mends : numpy.ndarray of str objects
        One for each bad cell.
    places : numpy.ndarray of int, shape (n,), or None
        Place of each cell among the words that the column may hold, -1 where it is empty; None where a cell holds
        anything else or any word will do.
    """

    values: pd.Series
    rows: Ints
    reasons: Texts
    mends: Texts
    places: Places | None = None


def parse_column(text: pd.Series, column: Column, zone: ZoneInfo, pattern: str | None = None) -> Parsed:
    """Parse the cells of one column.

    Parameters
    ----------
    text : pandas.Series, shape (n,)
        Cells as text, where empty text is a missing value (no fault here), or with a type that the source knew.
    column : Column
        What the cells ought to be.
    zone : zoneinfo.ZoneInfo
        Zone into which time stamps with a zone are brought; those without are taken as local.
    pattern : str, optional
        strptime format of dates; ISO 8601 where absent.

    Returns
    -------
    Parsed
    """
    if not is_text(text):
        typed = _typed(text, column, zone)
        if typed is not None:
            return typed
        text = as_text(text)
    if column.kind == "date" and pattern is None:
        return _after(*quick_dates(text, zone), text, column, zone)
    if column.kind in ("amount", "number"):
        values, doubtful = quick_numbers(text)
        return _after(values, doubtful | _outside(values, column), text, column, zone)
    if column.kind in ("id", "text") and not column.choices:
        return Parsed(without_empty(text), *_no_fault())
    if column.choices:
        return _chosen(text, column, zone)
    return _singly(text, column, zone, pattern)


def _chosen(text: pd.Series, column: Column, zone: ZoneInfo) -> Parsed:
    """Take the words that a column may hold as they are; judge the others singly if there are any."""
    places = places_among(text, column.choices)
    if int(places.min(initial=0)) < 0 and ((places < 0) & ~empty_cells(text)).any():
        return _singly(text, column, zone, None)
    return Parsed(without_empty(text), *_no_fault(), places)


def _outside(values: pd.Series, column: Column) -> npt.NDArray[np.bool_]:
    """Mark numbers beyond the bounds of their column."""
    low = -math.inf if column.minimum is None else column.minimum
    high = math.inf if column.maximum is None else column.maximum
    array = values.to_numpy(dtype=np.float64)
    outside: npt.NDArray[np.bool_] = np.isinf(array) | (array < low) | (array > high)
    return outside


def _after(
    values: pd.Series, doubtful: npt.NDArray[np.bool_], text: pd.Series, column: Column, zone: ZoneInfo
) -> Parsed:
    """Judge the doubtful cells singly and put what they give among the others."""
    rows = np.flatnonzero(doubtful)
    if not len(rows):
        return Parsed(values, *_no_fault())
    judged = _singly(text.iloc[rows], column, zone, None)
    whole = values.copy()
    whole.iloc[rows] = judged.values.to_numpy()
    return Parsed(whole, rows[judged.rows], judged.reasons, judged.mends)


def _singly(text: pd.Series, column: Column, zone: ZoneInfo, pattern: str | None) -> Parsed:
    """Judge each distinct cell by itself and spread the judgements over the rows."""
    codes, found = pd.factorize(text, use_na_sentinel=False)
    distinct: list[str] = np.asarray(found, dtype=object).tolist()
    verdicts: list[Verdict]
    if column.kind == "date":
        values, verdicts = _dates(distinct, zone, pattern)
    elif column.kind in ("amount", "number"):
        values, verdicts = _numbers(distinct, column)
    else:
        values, verdicts = _words(distinct, column)
    bad = np.array([verdict is not None for verdict in verdicts], dtype=bool)
    rows = np.flatnonzero(bad[codes]) if len(bad) else np.array([], dtype=np.intp)
    told = [verdicts[code] or ("", "") for code in codes[rows]]
    reasons, mends = _texts(reason for reason, _ in told), _texts(mend for _, mend in told)
    return Parsed(values.take(codes).set_axis(text.index), rows, reasons, mends)


def _typed(values: pd.Series, column: Column, zone: ZoneInfo) -> Parsed | None:
    """Take a column whose type the source knew as it is; None where it must be read as text after all."""
    if column.kind == "date" and pd.api.types.is_datetime64_any_dtype(values.dtype):
        if values.dtype == "datetime64[s]":
            return Parsed(values, *_no_fault())
        zoned = isinstance(values.dtype, pd.DatetimeTZDtype)
        local = values.dt.tz_convert(zone).dt.tz_localize(None) if zoned else values
        return Parsed(local.dt.floor("s").astype("datetime64[s]"), *_no_fault())
    if column.kind not in ("amount", "number") or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return None
    numbers = values.astype("float64")
    array = numbers.to_numpy()
    wrong = np.flatnonzero(_outside(numbers, column))
    if not len(wrong):
        return Parsed(numbers, *_no_fault())
    told = [_judge_value(float(array[row]), column) or ("", "") for row in wrong]
    fine = numbers.copy()
    fine.iloc[wrong] = math.nan
    return Parsed(fine, wrong, _texts(reason for reason, _ in told), _texts(mend for _, mend in told))


def _no_fault() -> tuple[Ints, Texts, Texts]:
    return np.array([], dtype=np.intp), _texts(()), _texts(())


def _texts(words: Iterable[str]) -> Texts:
    return np.array(list(words), dtype=object)


def _dates(distinct: list[str], zone: ZoneInfo, pattern: str | None) -> tuple[pd.Series, list[Verdict]]:
    if pattern is None:
        stamps, verdicts = _iso_dates(distinct, zone)
    else:
        stamps = _local(pd.Series(distinct, dtype="str"), zone, pattern, "%z" in pattern)
        mend = f"Write it as the map's format {pattern} says, or correct the format."
        verdicts = [None if not word else (f"not a date of the format {pattern}", mend) for word in distinct]
    good = stamps.notna().to_numpy()
    return stamps, [None if fine else verdict for fine, verdict in zip(good, verdicts, strict=True)]


def _iso_dates(distinct: list[str], zone: ZoneInfo) -> tuple[pd.Series, list[Verdict]]:
    """Parse ISO 8601; the verdicts hold for cells that stay without a date."""
    stamps = pd.Series(pd.NaT, index=range(len(distinct)), dtype="datetime64[s]")
    shapes = [_ISO.fullmatch(word) for word in distinct]
    zoned = np.array([shape is not None and shape["zone"] is not None for shape in shapes], dtype=bool)
    plain = np.array([shape is not None for shape in shapes], dtype=bool) & ~zoned
    words = pd.Series(distinct, dtype="str")
    for mask, has_zone in ((plain, False), (zoned, True)):
        if mask.any():
            stamps = stamps.where(~mask, _local(words[mask], zone, "ISO8601", has_zone))
    verdicts: list[Verdict] = []
    for word, shape in zip(distinct, shapes, strict=True):
        if not word:
            verdicts.append(None)
        elif shape is not None:
            verdicts.append(("no such date", "Write a day that the calendar has, as YYYY-MM-DD."))
        else:
            mend = "Write it as YYYY-MM-DD, or give its format under dates in a map."
            verdicts.append(("not an ISO 8601 date", mend))
    return stamps, verdicts


def _local(words: pd.Series, zone: ZoneInfo, pattern: str, has_zone: bool) -> pd.Series:
    stamps = pd.to_datetime(words, format=pattern, errors="coerce", utc=has_zone)
    if has_zone:
        stamps = stamps.dt.tz_convert(zone).dt.tz_localize(None)
    return stamps.dt.floor("s").astype("datetime64[s]")


def _numbers(distinct: list[str], column: Column) -> tuple[pd.Series, list[Verdict]]:
    values = np.full(len(distinct), np.nan)
    verdicts: list[Verdict] = []
    for place, word in enumerate(distinct):
        verdict = _judge_number(word, column)
        if word and verdict is None:
            values[place] = float(word)
        verdicts.append(verdict)
    return pd.Series(values), verdicts


def _judge_number(word: str, column: Column) -> Verdict:
    if not word:
        return None
    if not _NUMBER.fullmatch(word):
        return _why_no_number(word)
    return _judge_value(float(word), column)


def _judge_value(value: float, column: Column) -> Verdict:
    if not math.isfinite(value):
        return "not a finite number", "Write the number itself, or leave the cell empty."
    if column.minimum is not None and value < column.minimum:
        mend = "Write it without the sign; cancellations belong into bookings." if column.kind == "amount" else ""
        return f"less than {column.minimum:g}", mend or f"Write a number from {column.minimum:g} upwards."
    if column.maximum is not None and value > column.maximum:
        return f"more than {column.maximum:g}", f"Write a number up to {column.maximum:g}."
    return None


_OR_FORMAT = ", or give the format under numbers in a map."


def _why_no_number(word: str) -> tuple[str, str]:
    if word.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return "not a finite number", "Write the number itself, or leave the cell empty."
    if _THOUSANDS.fullmatch(word):
        return "a number with thousands separators", f"Write it without them, for instance 1234567.89{_OR_FORMAT}"
    if _DECIMAL_COMMA.fullmatch(word):
        return "a number with a decimal comma", f"Write a decimal point, for instance 1234.50{_OR_FORMAT}"
    if _MONEY.fullmatch(word):
        return "a number with a currency or unit", "Write the number alone; the scenario names the currency."
    return "not a number", "Write digits with a decimal point, for instance 1234.50."


def _words(distinct: list[str], column: Column) -> tuple[pd.Series, list[Verdict]]:
    verdicts = [_judge_word(word, column) for word in distinct]
    good = [word if word and verdict is None else None for word, verdict in zip(distinct, verdicts, strict=True)]
    return pd.Series(good, dtype="str"), verdicts


def _judge_word(word: str, column: Column) -> Verdict:
    if not word:
        return None
    if column.kind == "period" and not PERIOD_LABEL.fullmatch(word):
        return "not a fiscal period", "Write it as 2025Q3, 2025 or 2025-07 (2025P07 in a calendar of weeks)."
    if column.choices and word not in column.choices:
        near = nearest(word, column.choices)
        listed = ", ".join(column.choices)
        mend = f"Did you mean {near}? " if near else ""
        return f"none of {listed}", f"{mend}Write one of them, or translate it under values in a map."
    return None
