"""From the simulation's codes and day numbers to what a CRM shows: ids, names and ISO dates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spmforecast.data.example import figures as fig
from spmforecast.data.example.staff import Map

__all__ = [
    "Texts",
    "dates",
    "deal_ids",
    "leaf_places",
    "names",
    "quarter_label",
    "quarter_of",
    "quarter_start",
    "rep_ids",
]

Texts = npt.NDArray[np.object_]

# Centres of the regions: latitude, longitude.
_CENTRES = np.array([[53.3, 9.9], [48.4, 11.3], [51.6, 13.4], [50.9, 7.2]])


def deal_ids(numbers: npt.ArrayLike) -> Texts:
    """Return opportunity ids, ``O-00017``."""
    return np.array([f"O-{number:05d}" for number in np.asarray(numbers, dtype=np.int64).tolist()], dtype=object)


def rep_ids(numbers: npt.ArrayLike) -> Texts:
    """Return rep ids, ``R003``."""
    return np.array([f"R{number:03d}" for number in np.asarray(numbers, dtype=np.int64).tolist()], dtype=object)


def names(words: Sequence[str], codes: npt.ArrayLike) -> Texts:
    """Return the words that codes stand for."""
    chosen: Texts = np.array(words, dtype=object)[np.asarray(codes, dtype=np.int64)]
    return chosen


def dates(days: npt.ArrayLike) -> Texts:
    """Return days since 1970-01-01 as ISO dates; missing days stay missing (``None``)."""
    number = np.asarray(days, dtype=np.float64)
    known = np.isfinite(number)
    out = np.full(len(number), None, dtype=object)
    out[known] = np.datetime_as_string(number[known].astype(np.int64).astype("datetime64[D]"))
    return out


def quarter_of(days: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return calendar quarters, counted from that of 1970-01-01."""
    months = np.asarray(days, dtype=np.int64).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months // 3


def quarter_start(quarter: int) -> int:
    """Return the first day of a quarter."""
    return int(np.datetime64(3 * quarter, "M").astype("datetime64[D]").astype(np.int64))


def quarter_label(quarter: int) -> str:
    """Return a quarter's label, ``2025Q3``."""
    return f"{1970 + quarter // 4}Q{quarter % 4 + 1}"


def leaf_places(sales_map: Map) -> npt.NDArray[np.float64]:
    """Return where each leaf territory lies: latitude and longitude, shape (leaves, 2).

    The leaves of a region stand around its centre on a spiral, so that none lies upon another.
    """
    leaves = np.arange(len(sales_map.leaf_region))
    rank = leaves - np.searchsorted(sales_map.leaf_region, sales_map.leaf_region)
    radius, angle = 0.35 * np.sqrt(rank + 0.5), 2.399963 * rank
    around = np.column_stack((radius * np.cos(angle), 1.5 * radius * np.sin(angle)))
    places: npt.NDArray[np.float64] = _CENTRES[: len(fig.REGIONS)][sales_map.leaf_region] + around
    return places
