"""Profiles: the groups of deals whose stage process differs, as combinations of a few factors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import History
from spmforecast.data.arrow import codes_of
from spmforecast.data.events import status_codes
from spmforecast.data.ids import aligned_rows
from spmforecast.errors import InputError, Problem
from spmforecast.models.spec import ModelSpec, attributes
from spmforecast.written import nearest

__all__ = ["OTHER", "UNKNOWN_BAND", "Profiles", "build_profiles", "check_attribute", "entry_amounts"]

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

OTHER = "(other)"
_JOINED = " · "
UNKNOWN_BAND = 0


@dataclass(frozen=True)
class Profiles:
    """Which profile every deal belongs to.

    Parameters
    ----------
    segments : tuple of str
        Levels of the segment factor.
    band_edges : array of float, shape (bands - 1,)
        Amounts between the bands, relative to what is typical of the segment (in the unit of money of a typical deal);
        band 0 holds the deals of unknown amount.
    table : array of int, shape (profiles, 2)
        Segment and band of each profile.
    of_deal : array of int, shape (deals,)
        Profile of each deal.
    segment_of_deal : array of int, shape (deals,)
        Segment of each deal.
    amount : array of float, shape (deals,)
        Amount by which a deal is banded; NaN where unknown.
    """

    segments: tuple[str, ...]
    band_edges: Array
    table: Ints
    of_deal: Ints
    segment_of_deal: Ints
    amount: Array

    @property
    def bands(self) -> int:
        """Number of amount bands, the unknown one included."""
        return len(self.band_edges) + 2

    def levels(self) -> tuple[Ints, Ints]:
        """Levels of the two factors, segment and band, of each profile."""
        return self.table[:, 0], self.table[:, 1]


def build_profiles(history: History, deals: pd.DataFrame, spec: ModelSpec) -> Profiles:
    """Group the deals by segment and by band of the amount known before the outcome.

    Parameters
    ----------
    history : History
        Cut at its as-of date.
    deals : pandas.DataFrame
        One row a deal, with resolved dimensions.
    spec : ModelSpec
        What to group by.

    Returns
    -------
    Profiles
    """
    names, segment = _segments(deals, spec)
    amount = entry_amounts(history, deals)
    usable = np.isfinite(amount) & (amount > 0)
    size = _relative(np.where(usable, amount, np.nan), segment, len(names))
    known = size[usable]
    edges = np.unique(np.quantile(known, spec.amount_bands)) if len(known) >= 200 and spec.amount_bands else np.empty(0)
    if len(edges) == 0:
        band = np.full(len(deals), UNKNOWN_BAND, dtype=np.int64)
    else:
        band = np.where(usable, np.searchsorted(edges, np.where(usable, size, 0.0), side="right") + 1, UNKNOWN_BAND)
    bands = len(edges) + 2
    pair = segment * bands + band if len(deals) else np.zeros(1, dtype=np.int64)
    found = np.flatnonzero(np.bincount(pair, minlength=len(names) * bands))
    place = np.zeros(len(names) * bands, dtype=np.int64)
    place[found] = np.arange(len(found))
    table = np.stack(np.divmod(found, bands), axis=1)
    return Profiles(names, edges, table, place[pair[: len(deals)]], segment, amount)


def _relative(amount: Array, segment: Ints, segments: int) -> Array:
    """Amounts as if all segments had the same typical one: what is large is large for its segment.

    Bands of the bare amount would tell the segments apart once more, and hardly a large deal from a small one.
    """
    log_amount = np.log(amount)
    known = np.isfinite(log_amount)
    if not known.any():
        return amount
    count = np.bincount(segment[known], minlength=segments)
    total = np.bincount(segment[known], weights=log_amount[known], minlength=segments)
    typical = np.where(count > 0, total / np.maximum(count, 1), 0.0)
    return np.asarray(amount * np.exp(log_amount[known].mean() - typical[segment])) if segments > 1 else amount


_TELLING = (
    "status",
    "stage",
    "amount",
    "close_date",
    "created_date",
    "opportunity_id",
    "forecast_category",
    "discount",
)


def check_attribute(name: str, deals: pd.DataFrame) -> Problem | None:
    """Say what is wrong with grouping deals by an attribute: it is unknown, or tells the outcome or the deal itself.

    Parameters
    ----------
    name : str
        Attribute.
    deals : pandas.DataFrame
        Deals with resolved dimensions.

    Returns
    -------
    Problem or None
    """
    known = sorted(str(column) for column in deals.columns if column not in _TELLING)
    if name in known:
        return None
    near = nearest(name, known)
    mend = f"Did you mean {near}?" if near else f"Use one of: {', '.join(known)}."
    told = "this tells the outcome or the deal itself" if name in _TELLING else "deals have no such attribute"
    return Problem("scenario", told, mend, value=name)


def _segments(deals: pd.DataFrame, spec: ModelSpec) -> tuple[tuple[str, ...], Ints]:
    """Name the segment of each deal, pooling the rare ones."""
    names_of = attributes(spec.segment_by)
    wrong = [check_attribute(name, deals) for name in names_of]
    problems = [replace(problem, column="segment_by") for problem in wrong if problem is not None]
    if problems:
        raise InputError(problems)
    if deals.empty:
        return ("(all)",), np.zeros(len(deals), dtype=np.int64)
    first, names = codes_of(deals[names_of[0]].astype("str"))
    code = first.astype(np.int64)
    for name in names_of[1:]:
        other, others = codes_of(deals[name].astype("str"))
        code, names = _joined(code, names, other.astype(np.int64), others)
    size = np.bincount(code + 1, minlength=len(names) + 1)[1:]
    kept = [name if count >= spec.min_level_deals else OTHER for name, count in zip(names, size, strict=True)]
    kept.append(OTHER)  # of those without a value, whose code is -1
    used = [name for name, count in zip(kept, [*size, np.count_nonzero(code < 0)], strict=True) if count]
    out = tuple(sorted(set(used)))
    place = np.array([out.index(name) if name in out else -1 for name in kept], dtype=np.int64)
    return out, place[code]


def _joined(code: Ints, names: tuple[str, ...], other: Ints, others: tuple[str, ...]) -> tuple[Ints, tuple[str, ...]]:
    """Give each pair of two attributes that there is a number; -1 where either is missing."""
    pair = np.where((code >= 0) & (other >= 0), code * len(others) + other, -1)
    found, place = np.unique(pair, return_inverse=True)
    missing = int(len(found) > 0 and found[0] < 0)
    told = [f"{names[k // len(others)]}{_JOINED}{others[k % len(others)]}" for k in found[missing:].tolist()]
    return place - missing, tuple(told)


def entry_amounts(history: History, deals: pd.DataFrame) -> Array:
    """Return the amount by which each deal may be banded: what was known before its outcome.

    The first amount in the stage history where there is one, otherwise the recorded amount; but only where won, lost
    and open deals carry amounts about equally often: one that stands on wins alone would tell the outcome.
    """
    log = history.events
    filled = log.filled("amount")
    told = (log.status <= 0) if filled is None else filled & (log.status <= 0)
    if told.any():
        known = slice(None) if told.all() else np.flatnonzero(told)
        deal, place = log.deal[known], log.row[known]
        first = np.flatnonzero(np.append(True, deal[1:] != deal[:-1]))
        by_row = np.full(log.deals, np.nan)
        by_row[deal[first]] = log.frame["amount"].to_numpy(dtype=np.float64)[place[first]]
        row = aligned_rows(deals["opportunity_id"], history.opportunities["opportunity_id"])
        amount = np.where(row >= 0, by_row[row], np.nan)
    else:
        amount = deals["amount"].to_numpy(dtype=np.float64, na_value=np.nan)
    usable = np.isfinite(amount) & (amount > 0)
    status = status_codes(deals["status"])
    telling = [usable[status == s].mean() if (status == s).any() else 1.0 for s in (1, 2, 0)]
    return amount if min(telling) > 0.8 * max(telling) else np.full(len(deals), np.nan)
