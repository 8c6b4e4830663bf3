"""Accounts, reps and given maps of a scenario: read, checked, and turned into what a proposal needs."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.plan.proposal import TerritoryProposal
from spmforecast.scenario.schema import Scenario
from spmforecast.written import nearest

__all__ = ["given_map", "selling_reps", "with_owners", "wrong_accounts"]

Model = FittedPipeline | FittedBookings
_MAP_COLUMNS = ("account_id", "owner_id")
_MOST = 20


def wrong_accounts(scenario: Scenario, model: Model) -> None:
    """Refuse to draw a map of no accounts, or for nobody.

    Raises
    ------
    InputError
    """
    problems = []
    if model.history.accounts.empty:
        told, mend = "a new map needs accounts, and none is recorded", "Add the table accounts, or keep territories."
        problems.append(scenario.written.problem(("territories",), told, mend))
    if not model.roster.owners:
        told, mend = "nobody sells at this date, so there is nobody to give an account", "Check reps and owners."
        problems.append(scenario.written.problem(("territories",), told, mend))
    if problems:
        raise InputError(problems)


def selling_reps(model: Model) -> pd.DataFrame:
    """List who can have accounts: those who sell at the as-of date, with their places as far as known."""
    known = model.history.current_reps()
    owners = pd.Index(model.roster.owners, name="rep_id")
    places = known.reindex(owners)[["latitude", "longitude"]]
    return places.astype("float64").reset_index()


def given_map(scenario: Scenario, model: Model, reps: pd.DataFrame) -> dict[str, str]:
    """Read the map that a scenario names: the owner of every account.

    Parameters
    ----------
    scenario : Scenario
        With ``territories: {map: file}``, a CSV file with ``account_id`` and ``owner_id``.
    model : FittedPipeline or FittedBookings
    reps : pandas.DataFrame
        Who can have accounts.

    Returns
    -------
    dict of str to str
        Accounts that the file does not name keep today's owner.

    Raises
    ------
    InputError
        If the file cannot be read, or names what is not there: every line at once.
    """
    name = str(scenario.keys.territories.map)
    path = scenario.resolve(name)
    try:
        frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:
        mend = "Give a CSV file with the columns account_id and owner_id."
        raise InputError(
            scenario.written.problem(("territories", "map"), "the map cannot be read", mend, name)
        ) from error
    missing = [column for column in _MAP_COLUMNS if column not in frame]
    if missing:
        raise InputError(Problem("map", "the column is missing", "", str(path), 1, column) for column in missing)
    accounts = model.history.accounts
    today = dict(zip(accounts["account_id"].astype(str), accounts["owner_id"].fillna("").astype(str), strict=True))
    problems = _wrong_lines(frame, str(path), set(today), set(reps["rep_id"].astype(str)))
    owner = {**today, **dict(zip(frame["account_id"], frame["owner_id"], strict=True))}
    if not problems:
        problems = _orphans(owner, str(path), set(reps["rep_id"].astype(str)))
    if problems:
        raise InputError(problems)
    return owner


def _wrong_lines(frame: pd.DataFrame, file: str, accounts: set[str], reps: set[str]) -> list[Problem]:
    """Name the lines with an account or rep that is not there, or an account that stands twice."""
    out, seen = [], set()
    for line, row in enumerate(frame[list(_MAP_COLUMNS)].itertuples(index=False), start=2):
        for column, value, known in (("account_id", row[0], accounts), ("owner_id", row[1], reps)):
            if value not in known:
                told = "there is no such account" if column == "account_id" else "nobody of this name sells"
                near = nearest(value, known)
                out.append(Problem("map", told, f"Did you mean {near}?" if near else "", file, line, column, value))
        if row[0] in seen:
            out.append(
                Problem("map", "the account stands here twice", "Keep one line.", file, line, "account_id", row[0])
            )
        seen.add(row[0])
    return out


def _orphans(owner: dict[str, str], file: str, reps: set[str]) -> list[Problem]:
    """Name accounts whose owner of today does not sell any more and to whom the map gives no other."""
    lost = sorted(account for account, rep in owner.items() if rep not in reps)
    told = f"{len(lost):,} accounts have no owner who sells, and the map gives them none"
    return (
        [Problem("map", told, "Add lines for them.", file, None, "account_id", ", ".join(lost[:_MOST]))] if lost else []
    )


def with_owners(model: Model, proposal: TerritoryProposal) -> Model:
    """Return a fit whose record has the accounts with their proposed owners, for rules that look at accounts held."""
    owner = dict(zip(proposal.accounts["account_id"], proposal.accounts["proposed_owner_id"], strict=True))
    accounts = model.history.accounts.copy()
    accounts["owner_id"] = accounts["account_id"].astype(str).map(owner).astype(accounts["owner_id"].dtype)
    history = replace(model.history, tables={**model.history.tables, "accounts": accounts})
    return replace(model, history=history)
