"""A map told in tables: accounts, reps, and each move with its reason and effect."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from spmforecast.optimize.territory.company import Company, Wishes
from spmforecast.optimize.territory.problem import Floats, Ints
from spmforecast.plan.proposal import MOVE_COLUMNS
from spmforecast.plan.territory import Assignment

__all__ = ["account_table", "moves_table", "rep_table"]


def _slots(case: Company, owner: Ints) -> Ints:
    """Candidate column of an owner, -1 where there is none."""
    match = case.candidates == owner[:, None]
    return np.where(match.any(axis=1), match.argmax(axis=1), -1)


def _taken(values: Floats, slots: Ints) -> Floats:
    """Value at each account's slot, missing where it has none."""
    rows = np.arange(len(slots))
    told = values[rows, np.maximum(slots, 0)].astype(np.float64)
    told[slots < 0] = np.nan
    return told


def account_table(case: Company, answer: Assignment) -> pd.DataFrame:
    """Return the accounts with today's and the proposed owner."""
    accounts = case.accounts
    names = case.reps["rep_id"].astype(str).to_numpy(dtype=object)
    blank = pd.Series([""] * len(accounts))
    places = {name: accounts.get(name, np.nan) for name in ("latitude", "longitude")}
    owner = accounts.get("owner_id", blank).fillna("").astype(str)
    proposed = names[answer.owner]
    return pd.DataFrame(
        {
            "account_id": accounts["account_id"].astype(str),
            "owner_id": owner,
            "proposed_owner_id": proposed,
            "potential": accounts["potential"],
            "workload": accounts["workload"],
            **places,
            "km_today": _taken(case.distance, _slots(case, case.today)),
            "km_proposed": _taken(case.distance, _slots(case, answer.owner)),
            "moved": owner.to_numpy(dtype=object) != proposed,
        }
    )


def _loads(case: Company, owner: Ints) -> Floats:
    slots = _slots(case, owner)
    held = slots >= 0
    out = np.zeros_like(case.target)
    np.add.at(out, owner[held], case.load[np.flatnonzero(held), slots[held]])
    return out


def rep_table(case: Company, answer: Assignment, measures: tuple[str, ...]) -> pd.DataFrame:
    """Return what each rep has today and would have."""
    count = len(case.reps)
    table = pd.DataFrame({"rep_id": case.reps["rep_id"].astype(str).to_numpy()})
    for told, owner in (("_today", case.today), ("", answer.owner)):
        table[f"accounts{told}"] = np.bincount(owner[owner >= 0], minlength=count)
        km = np.nan_to_num(_taken(case.distance, _slots(case, owner)))
        table[f"km{told}"] = np.bincount(owner[owner >= 0], weights=km[owner >= 0], minlength=count)
    today = _loads(case, case.today)
    for d, measure in enumerate(measures):
        table[f"{measure}_today"], table[measure] = today[:, d], answer.loads[:, d]
        table[f"{measure}_target"] = case.target[:, d]
        table[f"{measure}_deviation"] = answer.loads[:, d] / np.maximum(case.target[:, d], 1e-12) - 1.0
    return table


def moves_table(case: Company, answer: Assignment, wishes: Wishes, decisions: Mapping[str, str]) -> pd.DataFrame:
    """Return a row for each account that changes hands, heaviest first."""
    told = account_table(case, answer)
    moved = np.flatnonzero(told["moved"].to_numpy(dtype=bool))
    order = moved[np.lexsort((told["account_id"].to_numpy(dtype=str)[moved], -told["potential"].to_numpy()[moved]))]
    today = _loads(case, case.today)
    old, new = _slots(case, case.today), _slots(case, answer.owner)
    undone = _undoing(case, answer, wishes, order, old, new)
    cost = _taken(case.cost, new) - _taken(case.cost, old)
    rows = []
    for account in order.tolist():
        row = told.iloc[account]
        name = str(row["account_id"])
        rows.append(
            (
                name,
                row["owner_id"],
                row["proposed_owner_id"],
                row["potential"],
                row["workload"],
                row["km_today"],
                row["km_proposed"],
                cost[account],
                undone[account],
                _reason(case, wishes, today, account, int(answer.owner[account]), row),
                decisions.get(name, ""),
            )
        )
    return pd.DataFrame(rows, columns=list(MOVE_COLUMNS))


def _excess(case: Company, wishes: Wishes, rep: int, load: Floats) -> float:
    tolerance = np.array(list(wishes.balance.values()))
    relative = load / np.maximum(case.target[rep], 1e-12)
    return float(np.maximum(np.abs(relative - 1.0) - tolerance, 0.0).sum())


def _undoing(case: Company, answer: Assignment, wishes: Wishes, order: Ints, old: Ints, new: Ints) -> dict[int, float]:
    """Load beyond the limits that undoing each move alone would add, in targets; missing where nobody has it today."""
    out: dict[int, float] = {}
    for account in order.tolist():
        source, target = int(case.today[account]), int(answer.owner[account])
        if source < 0 or old[account] < 0:
            out[account] = np.nan
            continue
        change = 0.0
        for rep, load in (
            (source, answer.loads[source] + case.load[account, old[account]]),
            (target, answer.loads[target] - case.load[account, new[account]]),
        ):
            change += _excess(case, wishes, rep, load) - _excess(case, wishes, rep, answer.loads[rep])
        out[account] = change
    return out


def _reason(case: Company, wishes: Wishes, today: Floats, account: int, target: int, row: pd.Series) -> str:
    """Say why: the owner has gone, has too much, the other has too little, is nearer, or it makes room."""
    names = case.reps["rep_id"].astype(str).tolist()
    source = int(case.today[account])
    if case.locked[account] == target:
        return "as decided"
    if source < 0:
        return f"{row['owner_id']} is no longer there" if row["owner_id"] else "has no owner today"
    told = []
    for d, (measure, tolerance) in enumerate(wishes.balance.items()):
        share = today[:, d] / np.maximum(case.target[:, d], 1e-12)
        if share[source] > 1 + tolerance:
            told.append(f"{names[source]} has {100 * share[source]:.0f} % of its {measure} target")
        if share[target] < 1 - tolerance:
            told.append(f"{names[target]} has {100 * share[target]:.0f} % of its {measure} target")
    nearer = float(row["km_today"]) - float(row["km_proposed"])
    if nearer >= 1.0:
        told.append(f"{names[target]} is {nearer:,.0f} km nearer")
    return "; ".join(told) if told else "makes room for other moves"
