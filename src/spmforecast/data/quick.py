"""Quick parsing: the cells of a column that are beyond doubt, all at once; the others are left to be judged singly."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from spmforecast.data.arrow import arrow_of, lengths_of, text_of

__all__ = ["plain_dates", "plain_numbers", "quick_dates", "quick_numbers"]

Mask = npt.NDArray[np.bool_]

_DAY = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"  # days that every month has
_TIME = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9]"
_PLAIN = _DAY + "(" + _TIME + "(:[0-5][0-9])?)?$"
_ZONED = _DAY + _TIME + r":[0-5][0-9](\.[0-9]{1,6})?Z$"
_NUMBER = r"^-?([0-9]+(\.[0-9]*)?|\.[0-9]+)$"
_PLAIN_LENGTHS = (10, 16, 19)
_UTC = ZoneInfo("UTC")


def quick_dates(text: pd.Series, zone: ZoneInfo) -> tuple[pd.Series, Mask]:
    """Parse ISO 8601 dates and time stamps.

    Parameters
    ----------
    text : pandas.Series of str, shape (n,)
        Cells; empty ones are missing.
    zone : zoneinfo.ZoneInfo
        Zone into which stamps with a zone are brought.

    Returns
    -------
    values : pandas.Series of datetime64[s], shape (n,)
        Missing where a cell is empty or in doubt.
    doubtful : numpy.ndarray of bool, shape (n,)
        Filled cells that still have to be judged.
    """
    cells, lengths = arrow_of(text), lengths_of(text)
    plain = np.logical_or.reduce([lengths == length for length in _PLAIN_LENGTHS])
    zoned = (lengths > 0) & ~plain
    local, plain = _cast(cells, plain, _PLAIN, lambda words: words.cast(pa.timestamp("s")))
    stamps = pd.Series(local.to_numpy(zero_copy_only=False)).astype("datetime64[s]")
    if zoned.any():
        utc, zoned = _cast(cells, zoned, _ZONED, lambda words: words.cast(pa.timestamp("us", "UTC")))
        aware = pd.Series(utc.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)).dt.tz_localize("UTC")
        there = aware.dt.tz_convert(zone).dt.tz_localize(None).dt.floor("s").astype("datetime64[s]")
        stamps = stamps.where(~zoned, there)
    return stamps.set_axis(text.index), (lengths > 0) & ~plain & ~zoned


def quick_numbers(text: pd.Series) -> tuple[pd.Series, Mask]:
    """Parse decimal numbers (see :func:`quick_dates` for what is returned); values are float64."""
    filled = lengths_of(text) > 0
    numbers, sure = _cast(arrow_of(text), filled, _NUMBER, lambda words: words.cast(pa.float64()))
    values = np.asarray(pc.fill_null(numbers, np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)
    sure = sure & np.isfinite(values)
    return pd.Series(np.where(sure, values, np.nan), index=text.index), filled & ~sure


def plain_dates(text: pa.Array) -> npt.NDArray[np.datetime64] | None:
    """Parse dates and time stamps without a zone, shape (n,), where every filled cell is one beyond doubt."""
    lengths = lengths_of(text_of(text))
    known = lengths == 0
    for length in _PLAIN_LENGTHS:
        known |= lengths == length
    if not known.all():
        return None
    stamps, doubtful = quick_dates(text_of(text), _UTC)
    return None if doubtful.any() else stamps.to_numpy()


def plain_numbers(text: pa.Array) -> npt.NDArray[np.float64] | None:
    """Parse decimal numbers, shape (n,), where every filled cell is one beyond doubt."""
    with contextlib.suppress(pa.ArrowInvalid):  # an empty cell among them
        values = np.asarray(text.cast(pa.float64()).to_numpy(zero_copy_only=False))
        if np.isfinite(values).all():
            return values
    numbers, doubtful = quick_numbers(text_of(text))
    return None if doubtful.any() else numbers.to_numpy()


def _cast(cells: pa.Array, mask: Mask, shape: str, to: Callable[[pa.Array], pa.Array]) -> tuple[pa.Array, Mask]:
    """Cast the cells of a mask; where not all can be, only those of a shape that surely can."""
    try:
        return to(_only(cells, mask)), mask
    except pa.ArrowInvalid:
        fits = pc.match_substring_regex(_only(cells, mask), shape)
        sure = np.asarray(pc.fill_null(fits, False).to_numpy(zero_copy_only=False), dtype=bool)
        return to(_only(cells, sure)), sure


def _only(cells: pa.Array, mask: Mask) -> pa.Array:
    return cells if mask.all() else pc.if_else(pa.array(mask), cells, pa.scalar(None, cells.type))
