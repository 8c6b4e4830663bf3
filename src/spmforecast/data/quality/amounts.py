"""Amounts that are zero or far from all others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import Ints, Mask, Records

__all__ = ["outlying_amounts", "outlying_bookings", "zero_amounts", "zero_amounts_of_lost"]

Array = npt.NDArray[np.float64]

_LEAST = 50
_SAME = 1.4826  # turns the median absolute deviation of a normal law into its standard deviation
_LEAST_SPREAD = 0.25  # price lists have hardly any spread; a robust sd below this would cry wolf

_ZERO = {
    "won": (
        "Won deals have an amount of 0: they count as wins without bookings and pull the amounts of new deals down.",
        "Fill in the amount, or leave the rows out with a map.",
    ),
    "open": (
        "Open deals have an amount of 0: their value is drawn as if it were unknown.",
        "Fill in the amount, or empty the cell.",
    ),
    "lost": (
        "Lost deals have an amount of 0: what was lost is unknown, so win rates by amount cannot be told.",
        "Export the amount as it stood before the loss, if the CRM keeps it.",
    ),
}


def zero_amounts(records: Records) -> Iterator[Finding]:
    """Find amounts of zero among won and open deals."""
    yield from _zero("zero_amounts", records, "won", records.won)
    yield from _zero("zero_amounts", records, "open", records.open)


def zero_amounts_of_lost(records: Records) -> Iterator[Finding]:
    """Find amounts of zero among lost deals, where many CRMs write them."""
    yield from _zero("zero_amounts_of_lost", records, "lost", records.lost)


def _zero(rule: str, records: Records, status: str, chosen: Mask) -> Iterator[Finding]:
    rows = np.flatnonzero(chosen & (records.amount == 0))
    if len(rows):
        effect, mend = _ZERO[status]
        yield Finding(rule, "opportunities", "amount", len(rows), int(chosen.sum()), records.ids(rows), effect, mend)


def outlying_amounts(records: Records) -> Iterator[Finding]:
    """Find amounts whose log is far from the median of their segment."""
    z = _robust(records.amount, records.segment.code)
    rows = np.flatnonzero(np.abs(z) > records.limits.outlier_z)
    if not len(rows):
        return
    rows = rows[np.argsort(-np.abs(z[rows]), kind="stable")]
    told = zip(records.ids(rows), records.amount[rows[:5]], strict=True)
    yield Finding(
        "outlying_amounts",
        "opportunities",
        "amount",
        len(rows),
        int((records.amount > 0).sum()),
        tuple(f"{one}: {amount:,.2f}" for one, amount in told),
        f"Amounts lie more than {records.limits.outlier_z:g} robust standard deviations (on the log scale) from "
        "those of their segment: a single slip of the decimal point can carry a quarter's forecast.",
        "Check unit, currency and decimal point of these deals.",
    )


def outlying_bookings(records: Records) -> Iterator[Finding]:
    """Find bookings whose size is far from all others."""
    amount = records.history.bookings["amount"].to_numpy(dtype=np.float64)
    z = _robust(np.abs(amount), np.zeros(len(amount), dtype=np.int64))
    rows = np.flatnonzero(np.abs(z) > records.limits.outlier_z)
    if len(rows):
        rows = rows[np.argsort(-np.abs(z[rows]), kind="stable")]
        yield Finding(
            "outlying_amounts",
            "bookings",
            "amount",
            len(rows),
            len(amount),
            tuple(f"{one:,.2f}" for one in amount[rows[:5]]),
            f"Bookings lie more than {records.limits.outlier_z:g} robust standard deviations (on the log scale) from "
            "the usual size.",
            "Check unit, currency and decimal point.",
        )


def _robust(amount: Array, group: Ints) -> Array:
    """Standardise logs by median and median absolute deviation of their group, or of all where the group is small."""
    known = np.flatnonzero(amount > 0)
    out = np.zeros(len(amount))
    if len(known) < _LEAST:
        return out
    log = np.log(amount[known])
    frame = pd.DataFrame({"group": group[known], "log": log})
    by = frame.groupby("group")["log"]
    large = (by.transform("size") >= _LEAST).to_numpy()
    middle = np.where(large, by.transform("median").to_numpy(), np.median(log))
    off = np.abs(log - middle)
    spread = pd.Series(off).groupby(frame["group"]).transform("median").to_numpy()
    spread = np.where(large, spread, np.median(np.abs(log - np.median(log))))
    out[known] = (log - middle) / np.maximum(_SAME * spread, _LEAST_SPREAD)
    return out
