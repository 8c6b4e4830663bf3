"""Where each deal belongs: region, territory, manager, segment and the like, resolved by one rule for everybody.

The region of a deal is its own, else its territory's top parent, else its owner's territory's top parent; its
territory is its own, else its owner's. What cannot be resolved is ``(none)``.
"""

from __future__ import annotations

import pandas as pd

from spmforecast.data.tables import NONE

__all__ = ["latest_reps", "resolve", "top_parents"]

_PLAIN = ("segment", "product", "type", "lead_source")


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
    owners = latest_reps(reps)
    owner_territory = deals["owner_id"].map(owners["territory_id"]).astype("str")
    territory = deals["territory_id"].fillna(owner_territory)
    top = top_parents(territories)
    manager = deals["owner_id"].map(owners["manager_id"]).astype("str")
    if "manager_id" in deals:
        manager = manager.fillna(deals["manager_id"])
    region = deals["region"].fillna(territory.map(top).astype("str")).fillna(owner_territory.map(top).astype("str"))
    filled = {
        "region": region.fillna(NONE),
        "territory_id": territory.fillna(NONE),
        "manager_id": manager.fillna(NONE),
        **{column: deals[column].fillna(NONE) for column in _PLAIN},
    }
    return deals.assign(**filled)


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
