"""Who is credited with a deal: its owner, or the reps that share it, as the table of splits says.

Splits change nothing but whose bookings they are: every amount is divided to the cent, so totals stay. A deal is still
won by its owner's chances, and it is one win, counted with the rep that leads it (the owner where credited, else
whoever has the largest share).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["divide", "shares_of", "usual_partners"]

Array = npt.NDArray[np.float64]

_SMALLEST_SHARE = 0.01


def shares_of(deals: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """List who shares each deal.

    Parameters
    ----------
    deals : pandas.DataFrame
        ``opportunity_id`` and ``owner_id``, n rows.
    splits : pandas.DataFrame
        Canonical ``splits``; may be empty.

    Returns
    -------
    pandas.DataFrame
        ``row`` (0 to n - 1), ``owner_id`` (the rep credited), ``share`` and ``lead``; the leading rep of each deal
        comes first. Shares of a deal sum to one; a deal without splits is its owner's alone.
    """
    alone = pd.DataFrame(
        {"row": np.arange(len(deals)), "owner_id": deals["owner_id"].astype(object).to_numpy(), "share": 1.0}
    )
    if splits.empty or deals.empty:
        return alone.assign(lead=True)
    row = pd.Series(np.arange(len(deals)), index=deals["opportunity_id"].astype(object).to_numpy())
    known = splits[(splits["share"] > 0).to_numpy() & splits["opportunity_id"].isin(row.index).to_numpy()]
    shared = pd.DataFrame(
        {
            "row": row.loc[known["opportunity_id"].astype(object)].to_numpy(dtype=np.int64),
            "owner_id": known["rep_id"].astype(object).to_numpy(),
            "share": known["share"].to_numpy(dtype=np.float64),
        }
    )
    shared["share"] = shared["share"] / shared.groupby("row")["share"].transform("sum")
    both = pd.concat([alone[~alone["row"].isin(shared["row"])], shared], ignore_index=True)
    own = both["owner_id"].to_numpy(dtype=object) == alone["owner_id"].to_numpy(dtype=object)[both["row"]]
    both = both.assign(other=~own, less=-both["share"])
    both = both.sort_values(["row", "other", "less", "owner_id"], kind="stable").reset_index(drop=True)
    return both.assign(lead=~both["row"].duplicated())[["row", "owner_id", "share", "lead"]]


def divide(amount: Array, shares: Array, lead: npt.NDArray[np.bool_]) -> Array:
    """Divide amounts of deals to the cent.

    Parameters
    ----------
    amount : array of float, shape (n,)
        Amount of the whole deal, repeated for everybody who shares it.
    shares : array of float, shape (n,)
        Shares.
    lead : array of bool, shape (n,)
        Marks the first row of each deal; that rep gets what rounding leaves.

    Returns
    -------
    array of float, shape (n,)
    """
    part = np.where(lead, 0.0, np.round(amount * shares, 2))
    deal = np.cumsum(lead) - 1
    others = np.bincount(deal, weights=part, minlength=int(lead.sum()))
    alone = np.bincount(deal, minlength=int(lead.sum())) == 1
    left = np.where(alone[deal], amount, np.round(amount - others[deal], 2))
    return np.asarray(np.where(lead, left, part), dtype=np.float64)


def usual_partners(deals: pd.DataFrame, splits: pd.DataFrame, active: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Work out how each owner's deals are usually credited.

    Parameters
    ----------
    deals : pandas.DataFrame
        ``opportunity_id`` and ``owner_id`` of the deals that show it.
    splits : pandas.DataFrame
        Canonical ``splits``.
    active : tuple of str
        Reps that go on selling: the share of anybody else stays with the owner.

    Returns
    -------
    dict of str to dict of str to float
        Shares by rep, for owners who share; in sorted order of reps.
    """
    if splits.empty or deals.empty:
        return {}
    shared = shares_of(deals, splits)
    owner = deals["owner_id"].astype(object).to_numpy()[shared["row"]]
    here = shared["owner_id"].isin(active).to_numpy()
    credited = np.where(here, shared["owner_id"].to_numpy(dtype=object), owner)
    by_owner = pd.DataFrame({"owner": owner, "credited": credited, "share": shared["share"]})
    total = by_owner.groupby(["owner", "credited"])["share"].sum()
    out: dict[str, dict[str, float]] = {}
    for name, group in total.groupby(level="owner"):
        share = group.droplevel("owner") / group.sum()
        share = share[share >= _SMALLEST_SHARE]
        if list(share.index) != [name]:
            out[str(name)] = {str(rep): float(of) for rep, of in (share / share.sum()).items()}
    return out
