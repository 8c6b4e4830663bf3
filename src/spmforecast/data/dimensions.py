"""Where each deal belongs: region, territory, manager, segment and the like, resolved by one rule for everybody.

The region of a deal is its own, else its territory's top parent, else its owner's territory's top parent; its
territory is its own, else its owner's. What cannot be resolved is ``(none)``.

Owners move. A closed deal counts where its owner stood on the day of closing, under the manager of that day: a later
move takes no bookings along. An open deal counts where its owner stands now. Before the first dated row of an owner
that row holds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.arrow import codes_of
from spmforecast.data.tables import NONE

__all__ = ["latest_reps", "moved_reps", "resolve", "rows_in_force", "top_parents"]

Ints = npt.NDArray[np.int64]

_PLAIN = ("segment", "product", "type", "lead_source")
_CLOSED = ("won", "lost")
_SPAN = 1 << 24  # more days than any date that can be written lies from any other
_EPOCH = _SPAN >> 1


def resolve(deals: pd.DataFrame, reps: pd.DataFrame, territories: pd.DataFrame) -> pd.DataFrame:
    """Fill the dimensions of each deal.

    Parameters
    ----------
    deals : pandas.DataFrame
        Canonical ``opportunities``, n rows.
    reps, territories : pandas.DataFrame
        Canonical tables, empty where unknown.

    Returns
    -------
    pandas.DataFrame
        A new frame of n rows in the same order: all columns of `deals`, with ``region``, ``territory_id``,
        ``manager_id``, ``segment``, ``product``, ``type`` and ``lead_source`` filled. A region taken from the
        territories is the top parent's name where it has one, else its id.
    """
    rows = np.full(len(deals), -1, dtype=np.int64)
    if len(reps):
        closed = deals["status"].isin(_CLOSED).to_numpy()
        rows = rows_in_force(reps, deals["owner_id"], deals["close_date"].where(closed))
    owner_territory = _taken(reps["territory_id"], rows, deals.index)
    territory = _filled(deals["territory_id"], lambda: owner_territory)
    top = top_parents(territories)
    managers = [lambda: deals["manager_id"]] if "manager_id" in deals else []
    filled = {
        "region": _filled(deals["region"], lambda: _mapped(territory, top), lambda: _mapped(owner_territory, top)),
        "territory_id": territory,
        "manager_id": _filled(_taken(reps["manager_id"], rows, deals.index), *managers),
        **{column: deals[column] for column in _PLAIN},
    }
    filled = {column: _named(values) for column, values in filled.items()}
    return deals.assign(**filled)


def _filled(column: pd.Series, *others: Callable[[], pd.Series]) -> pd.Series:
    """Fill what is missing from the first of others that has it; they are asked for only while something is."""
    for other in others:
        if not column.isna().any():
            break
        column = column.fillna(other())
    return column


def _named(column: pd.Series) -> pd.Series:
    """Write (none) for what is missing."""
    missing = column.isna().to_numpy()
    if not missing.any():
        return column
    return pd.Series(NONE, index=column.index, dtype="str") if missing.all() else column.fillna(NONE)


def _mapped(names: pd.Series, to: pd.Series) -> pd.Series:
    """Look names up, each different one once; missing where there is none."""
    code, known = codes_of(names)
    found = to.reindex(list(known)).astype("str")
    return pd.Series(found.array.take(code, allow_fill=True), index=names.index, dtype="str")


def latest_reps(reps: pd.DataFrame) -> pd.DataFrame:
    """Return the row of each rep that took effect last, indexed by ``rep_id``.

    Parameters
    ----------
    reps : pandas.DataFrame
        Canonical ``reps``; rows without ``effective_from`` count as the oldest, later rows of the file win ties.

    Returns
    -------
    pandas.DataFrame
        One row a rep, in order of first appearance.
    """
    order = reps.sort_values("effective_from", kind="stable", na_position="first")
    last = order.drop_duplicates("rep_id", keep="last").set_index("rep_id")
    return last.loc[reps["rep_id"].drop_duplicates()]


def rows_in_force(reps: pd.DataFrame, owners: pd.Series, days: pd.Series) -> Ints:
    """Find the row of each owner that was in force at the close of a day.

    Parameters
    ----------
    reps : pandas.DataFrame
        Canonical ``reps``; rows without ``effective_from`` count as the oldest, later rows of the file win ties.
    owners : pandas.Series of str, shape (n,)
        Whose row.
    days : pandas.Series of datetime64, shape (n,)
        When; missing means now, which is the latest row.

    Returns
    -------
    array of int, shape (n,)
        Positions in `reps`; before an owner's first row that one, and -1 for owners who are not listed.
    """
    if reps.empty:
        return np.full(len(owners), -1, dtype=np.int64)
    ids = pd.Index(reps["rep_id"].unique())
    # One sorted key of rep and day lets a single search answer for every deal.
    key = ids.get_indexer(pd.Index(reps["rep_id"])) * _SPAN + _day_in_span(reps["effective_from"], 0)
    order = np.argsort(key, kind="stable")
    key = key[order]
    owner = ids.get_indexer(pd.Index(owners)).astype(np.int64)
    place = np.searchsorted(key, owner * _SPAN + _day_in_span(days, _SPAN - 1), side="right") - 1
    place = np.maximum(place, np.searchsorted(key, owner * _SPAN))
    return np.where(owner >= 0, order[np.minimum(place, len(order) - 1)], -1).astype(np.int64)


def _day_in_span(dates: pd.Series, missing: int) -> Ints:
    """Return positive day numbers, and a number of one's own for missing dates."""
    days = dates.to_numpy(dtype="datetime64[D]")
    return np.where(np.isnat(days), missing, days.astype(np.int64) + _EPOCH)


def _taken(values: pd.Series, rows: Ints, index: pd.Index) -> pd.Series:
    """Pick values by position, missing where it is -1."""
    if values.empty:
        return pd.Series(np.nan, index=index, dtype="str")
    return pd.Series(values.array.take(rows, allow_fill=True), index=index, dtype="str")


def moved_reps(reps: pd.DataFrame) -> frozenset[str]:
    """Name the reps who have stood in more than one territory.

    Parameters
    ----------
    reps : pandas.DataFrame
        Canonical ``reps``.

    Returns
    -------
    frozenset of str
    """
    places = reps.groupby("rep_id")["territory_id"].nunique()
    return frozenset(map(str, places.index[places > 1]))


def top_parents(territories: pd.DataFrame) -> pd.Series:
    """Return the top of each territory's line of parents: its name where it has one, else its id.

    Parameters
    ----------
    territories : pandas.DataFrame
        Canonical ``territories``; a parent that is not in the table itself counts as a top.

    Returns
    -------
    pandas.Series
        Indexed by ``territory_id``. Territories that are their own ancestors are left out.
    """
    parent = dict(zip(territories["territory_id"], territories["parent_id"].fillna(""), strict=True))
    label = dict(zip(territories["territory_id"], territories["name"].fillna(""), strict=True))
    top: dict[str, str] = {}
    for start in parent:
        seen, here = {start}, start
        while parent.get(here, "") and parent[here] not in seen:
            here = parent[here]
            seen.add(here)
        if not parent.get(here, ""):
            top[start] = label.get(here, "") or here
    return pd.Series(top, dtype="str")
