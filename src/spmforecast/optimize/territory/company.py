"""Accounts and reps as tables, checked and turned into the arrays of an assignment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.optimize.territory.distances import great_circle, near_reps
from spmforecast.optimize.territory.problem import Floats, Ints
from spmforecast.written import nearest

__all__ = ["Company", "Wishes", "company"]

_MEASURES = ("potential", "workload", "accounts")
_SIDE = 12.0  # price of a unit beyond the limits, in mean costs of a unit of load


@dataclass(frozen=True)
class Wishes:
    """What a proposal should look like, see :func:`propose_territories`."""

    balance: Mapping[str, float]
    move_price: float = 0.0
    price_each: float = 0.0
    max_moved: float | None = None
    candidates: int = 16
    locked: Mapping[str, str] | None = None
    forbidden: tuple[tuple[str, str], ...] = ()
    km_per_hour: float | None = None


@dataclass(frozen=True, eq=False)
class Company:
    """Arrays of an assignment with the names behind them.

    Parameters
    ----------
    accounts, reps : pandas.DataFrame
        Checked, one row each.
    today : array of int, shape (A,)
        -1 where today's owner is not among the reps.
    candidates : array of int, shape (A, K)
    distance : array of float, shape (A, K)
        Kilometres; 0 where a place is missing.
    cost : array of float, shape (A, K)
        Workload times distance.
    load : array of float, shape (A, K, D)
    target : array of float, shape (R, D)
    locked : array of int, shape (A,)
    """

    accounts: pd.DataFrame
    reps: pd.DataFrame
    today: Ints
    candidates: Ints
    distance: Floats
    cost: Floats
    load: Floats
    target: Floats
    locked: Ints

    def elastic(self) -> Floats:
        """Price of load beyond its limits: high against distance, so that balance comes first where it can be had."""
        cost = float(self.cost.max(axis=1).sum()) or 1.0
        return np.asarray(_SIDE * cost / np.maximum(self.target.sum(axis=0), 1e-12))


def company(accounts: pd.DataFrame, reps: pd.DataFrame, wishes: Wishes) -> Company:
    """Check the tables and work out distances, candidates, loads and targets.

    Parameters
    ----------
    accounts, reps : pandas.DataFrame
        Canonical tables, potential and workload filled.
    wishes : Wishes

    Returns
    -------
    Company

    Raises
    ------
    InputError
        Every missing column, name and figure at once.
    """
    _check(accounts, reps, wishes)
    names = {str(rep): index for index, rep in enumerate(reps["rep_id"])}
    owner = accounts["owner_id"] if "owner_id" in accounts else pd.Series("", index=accounts.index)
    today = np.asarray(owner.map(names).fillna(-1), dtype=np.int64)
    homes = _homes(accounts, reps, today)
    distance = great_circle(_places(accounts), homes)
    locked = np.full(len(accounts), -1, dtype=np.int64)
    ids = {str(account): index for index, account in enumerate(accounts["account_id"])}
    for account, rep in (wishes.locked or {}).items():
        locked[ids[account]] = names[rep]
    candidates = near_reps(distance, np.where(locked >= 0, locked, today), wishes.candidates)
    km = np.nan_to_num(np.take_along_axis(distance, candidates, axis=1), nan=0.0)
    hours = accounts["workload"].to_numpy(dtype=np.float64)
    load = np.stack([_load(accounts, measure, km, wishes) for measure in wishes.balance], axis=2)
    cost = km * (hours if hours.any() else np.ones_like(hours))[:, None]
    for account, rep in wishes.forbidden:
        cost[ids[account], candidates[ids[account]] == names[rep]] = np.inf
    return Company(accounts, reps, today, candidates, km, cost, load, _targets(load, reps), locked)


def _load(accounts: pd.DataFrame, measure: str, km: Floats, wishes: Wishes) -> Floats:
    if measure == "accounts":
        return np.ones_like(km)
    load = np.repeat(accounts[measure].to_numpy(dtype=np.float64)[:, None], km.shape[1], axis=1)
    if measure == "workload" and wishes.km_per_hour:
        # A visit takes an hour of work; each brings a drive there and back.
        load = load * (1.0 + 2.0 * km / wishes.km_per_hour)
    return load


def _targets(load: Floats, reps: pd.DataFrame) -> Floats:
    """Share of the whole for each rep: equal, or by the column `capacity`."""
    weight = reps["capacity"].to_numpy(dtype=np.float64) if "capacity" in reps else np.ones(len(reps))
    return np.asarray(np.outer(weight / weight.sum(), load.min(axis=1).sum(axis=0)))


def _places(frame: pd.DataFrame) -> Floats:
    if "latitude" not in frame or "longitude" not in frame:
        return np.full((len(frame), 2), np.nan)
    return frame[["latitude", "longitude"]].to_numpy(dtype=np.float64)


def _homes(accounts: pd.DataFrame, reps: pd.DataFrame, today: Ints) -> Floats:
    """Where reps sit; without a place, the middle of today's accounts, else of all accounts."""
    homes, places = _places(reps).copy(), _places(accounts)
    whole = _middle(places)
    for rep in np.flatnonzero(np.isnan(homes).any(axis=1)).tolist():
        own = _middle(places[today == rep])
        homes[rep] = np.where(np.isnan(own), whole, own)
    return homes


def _middle(places: Floats) -> Floats:
    known = places[~np.isnan(places).any(axis=1)]
    return known.mean(axis=0) if len(known) else np.full(2, np.nan)


def _check(accounts: pd.DataFrame, reps: pd.DataFrame, wishes: Wishes) -> None:
    wrong = [*_wrong_keys(accounts, "accounts", "account_id"), *_wrong_keys(reps, "reps", "rep_id")]
    if wrong:
        raise InputError(wrong)
    wrong = [*_wrong_balance(wishes), *_wrong_names(accounts, reps, wishes)]
    if "capacity" in reps and not (reps["capacity"] > 0).all():
        wrong.append(Problem("reps", "must be above 0", column="capacity"))
    if wrong:
        raise InputError(wrong)


def _wrong_keys(frame: pd.DataFrame, table: str, key: str) -> list[Problem]:
    if key not in frame:
        return [Problem(table, "the column is missing", column=key)]
    if not len(frame):
        return [Problem(table, "holds no row", column=key)]
    twice = frame.loc[frame[key].duplicated(), key].astype(str).unique().tolist()
    return [Problem(table, "stands in two rows", column=key, value=name) for name in twice[:5]]


def _wrong_balance(wishes: Wishes) -> list[Problem]:
    if not wishes.balance:
        mend = "For instance {'potential': 0.1}."
        return [Problem("territories", "names nothing to balance", mend, column="balance")]
    mend = "Use potential, workload or accounts."
    out = [
        Problem("territories", "cannot be balanced", mend, column="balance", value=measure)
        for measure in wishes.balance
        if measure not in _MEASURES
    ]
    return out + [
        Problem(
            "territories", "must be a share from 0 to 1", "0.10 is 10 %.", column=f"balance, {name}", value=str(share)
        )
        for name, share in wishes.balance.items()
        if not 0 <= share <= 1
    ]


def _wrong_names(accounts: pd.DataFrame, reps: pd.DataFrame, wishes: Wishes) -> list[Problem]:
    known = {"account": set(accounts["account_id"].astype(str)), "rep": set(reps["rep_id"].astype(str))}
    out = []
    for column, pairs in (("locked", tuple((wishes.locked or {}).items())), ("forbidden", wishes.forbidden)):
        for kind, name in ((kind, name) for pair in pairs for kind, name in zip(("account", "rep"), pair, strict=True)):
            if name not in known[kind]:
                near = nearest(name, known[kind])
                mend = f"Did you mean {near!r}?" if near else ""
                out.append(Problem("territories", f"there is no such {kind}", mend, column=column, value=name))
    return out
