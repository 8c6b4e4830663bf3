"""`propose_territories`: from tables of accounts and reps to a map that people can decide on, move by move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from spmforecast.data import History
from spmforecast.optimize.territory.assigning import assign
from spmforecast.optimize.territory.company import Company, Wishes, company
from spmforecast.optimize.territory.potential import fit_potential, fit_workload
from spmforecast.optimize.territory.problem import Floats, Ints
from spmforecast.optimize.territory.telling import account_table, moves_table, rep_table
from spmforecast.plan.proposal import TerritoryProposal
from spmforecast.plan.territory import Assignment

__all__ = ["fewest_moves", "frontier", "propose_territories", "revise_territories"]

_BALANCE = {"potential": 0.10, "workload": 0.10}


def propose_territories(
    accounts: pd.DataFrame,
    reps: pd.DataFrame,
    *,
    history: History | None = None,
    as_of: str | None = None,
    balance: Mapping[str, float] | None = None,
    move_price: float = 0.0,
    price_each: float = 0.0,
    max_moved: float | None = None,
    candidates: int = 16,
    locked: Mapping[str, str] | None = None,
    forbidden: Iterable[tuple[str, str]] = (),
    km_per_hour: float | None = None,
    seed: int = 0,
) -> TerritoryProposal:
    """Propose who should have which account.

    Parameters
    ----------
    accounts : pandas.DataFrame
        ``account_id`` and as far as known ``owner_id, industry, potential, workload, latitude, longitude``.
    reps : pandas.DataFrame
        ``rep_id`` and as far as known ``latitude, longitude, end_date, capacity`` (relative share of work, 1
        each by default).
        Without a place a rep sits amid today's accounts. Reps whose ``end_date`` has come by `as_of` own
        nothing any more.
    history : History, optional
        Potential is then estimated from won deals, see :func:`fit_potential`, and workload from activities where it is
        not recorded.
    as_of : str, optional
        Day of the proposal; needed with a history.
    balance : mapping of str to float, optional
        Share of the target by which ``potential``, ``workload`` (hours) and ``accounts`` (number) may differ;
        10 % for the first two by default.
    move_price, price_each : float
        Price of moving: for a unit of potential, and for an account, in hours times kilometres.
    max_moved : float, optional
        Largest share of potential that may change hands.
    candidates : int
        Nearest reps that an account may go to, today's owner always among them.
    locked : mapping of str to str, optional
        Rep that an account must go to.
    forbidden : iterable of (str, str)
        Pairs (account, rep) that must not be.
    km_per_hour : float, optional
        Adds the drive there and back to each hour of workload.
    seed : int
        See :func:`assign`.

    Returns
    -------
    TerritoryProposal
        Balance is elastic: where it cannot be had, it is missed by as little as the price of load allows, and said.

    Raises
    ------
    InputError
        Everything that is wrong at once.
    """
    wishes = Wishes(
        dict(balance or _BALANCE), move_price, price_each, max_moved, candidates, dict(locked or {}),
        tuple(forbidden), km_per_hour,
    )  # fmt: skip
    accounts, reps = _prepared(accounts, reps, history, as_of)
    return _propose(accounts, reps, wishes, {}, seed)


def revise_territories(
    proposal: TerritoryProposal, accept: Iterable[str] = (), refuse: Iterable[str] = ()
) -> TerritoryProposal:
    """Fix accepted moves, keep refused accounts where they are, and solve the rest anew.

    Parameters
    ----------
    proposal : TerritoryProposal
    accept, refuse : iterable of str
        Accounts whose proposed move is accepted or refused. An account whose owner has left cannot stay:
        refusing its move
        forbids the rep proposed.

    Returns
    -------
    TerritoryProposal
        With all decisions so far kept.

    Raises
    ------
    InputError
        An account that does not move in the proposal.
    """
    decisions = proposal.decide(accept, refuse)
    asked = proposal.asked
    assert isinstance(asked, _Asked)
    wishes = asked.wishes
    fixed, banned = dict(wishes.locked or {}), list(wishes.forbidden)
    moves = proposal.moves.set_index("account_id")
    present = set(proposal.rep_ids)
    for account in set(moves.index) & set(decisions):
        source, target = str(moves.loc[account, "from"]), str(moves.loc[account, "to"])
        if decisions[account] == "accepted":
            fixed[account] = target
        elif source in present:
            fixed[account] = source
        else:
            banned.append((account, target))
    wishes = replace(wishes, locked=fixed, forbidden=tuple(banned))
    return _propose(asked.accounts, asked.reps, wishes, decisions, asked.seed)


def fewest_moves(accounts: pd.DataFrame, reps: pd.DataFrame, **options: object) -> TerritoryProposal:
    """Rebalance after a leave or a hire with as few accounts changing hands as balance allows.

    Parameters
    ----------
    accounts, reps : pandas.DataFrame
        Reps as they are after the change: a leaver absent (or with an ``end_date``), a hire present.
    **options
        Of :func:`propose_territories`.

    Returns
    -------
    TerritoryProposal
        Accounts of a leaver must move; no other does unless a limit needs it.
    """
    span = great_price(accounts)
    return propose_territories(accounts, reps, **{**options, "price_each": span})  # type: ignore[arg-type]


def great_price(accounts: pd.DataFrame) -> float:
    """Price of a move that outweighs any distance saved: half the Earth's girth at the largest workload."""
    hours = accounts["workload"].max() if "workload" in accounts else 1.0
    return 20_040.0 * float(hours if np.isfinite(hours) and hours > 0 else 1.0)


def frontier(
    accounts: pd.DataFrame,
    reps: pd.DataFrame,
    shares: Iterable[float] = (0.0, 0.05, 0.10, 0.20, 1.0),
    **options: object,
) -> pd.DataFrame:
    """Balance that can be had for each limit on the share of potential that moves.

    Parameters
    ----------
    accounts, reps : pandas.DataFrame
    shares : iterable of float
    **options
        Of :func:`propose_territories`, without `max_moved`.

    Returns
    -------
    pandas.DataFrame
        ``max_moved, moved_share, moves, imbalance, largest_deviation, objective``; `imbalance` is the load
        beyond the limits as a
        mean share of the target. Each map may fall back on that of the share before, so that imbalance never rises.
    """
    keys = {name: options.get(name) for name in ("balance", "locked", "forbidden", "km_per_hour")}
    wishes = Wishes(
        dict(keys["balance"] or _BALANCE),  # type: ignore[call-overload]
        candidates=int(options.get("candidates", 16)),  # type: ignore[call-overload]
        locked=dict(keys["locked"] or {}),  # type: ignore[call-overload]
        forbidden=tuple(keys["forbidden"] or ()),  # type: ignore[arg-type]
        km_per_hour=keys["km_per_hour"],  # type: ignore[arg-type]
    )
    prepared = _prepared(accounts, reps, options.get("history"), options.get("as_of"))  # type: ignore[arg-type]
    case = company(*prepared, wishes)
    rows: list[tuple[float, ...]] = []
    kept: Assignment | None = None
    for share in sorted(shares):
        answer = _solve(case, replace(wishes, max_moved=share), None if kept is None else kept.owner)
        if kept is not None and _imbalance(case, answer) > _imbalance(case, kept):
            answer = kept
        kept = answer
        off = np.abs(answer.loads / case.target - 1.0).max()
        rows.append((share, answer.moved_share, answer.moves, _imbalance(case, answer), float(off), answer.objective))
    columns = ["max_moved", "moved_share", "moves", "imbalance", "largest_deviation", "objective"]
    return pd.DataFrame(rows, columns=columns)


def _imbalance(case: Company, answer: Assignment) -> float:
    return float((answer.excess / np.maximum(case.target, 1e-12)).mean())


class _Asked:
    """The question behind a proposal, for asking it again."""

    def __init__(self, accounts: pd.DataFrame, reps: pd.DataFrame, wishes: Wishes, seed: int) -> None:
        self.accounts, self.reps, self.wishes, self.seed = accounts, reps, wishes, seed


def _propose(
    accounts: pd.DataFrame, reps: pd.DataFrame, wishes: Wishes, decisions: Mapping[str, str], seed: int
) -> TerritoryProposal:
    case = company(accounts, reps, wishes)
    answer = _solve(case, wishes, None)
    measures = tuple(wishes.balance)
    table = rep_table(case, answer, measures)
    return TerritoryProposal(
        accounts=account_table(case, answer),
        table=table,
        moves=moves_table(case, answer, wishes, decisions),
        assignment=answer,
        rep_ids=tuple(case.reps["rep_id"].astype(str)),
        account_ids=tuple(case.accounts["account_id"].astype(str)),
        measures=measures,
        tolerance=dict(wishes.balance),
        decisions=dict(decisions),
        notes=_notes(case, answer, measures),
        asked=_Asked(accounts, reps, wishes, seed),
    )


def _solve(case: Company, wishes: Wishes, start: Ints | None) -> Assignment:
    tolerance = np.array(list(wishes.balance.values()))
    potential = case.accounts["potential"].to_numpy(dtype=np.float64)
    return assign(
        case.cost,
        case.load,
        (1.0 - tolerance) * case.target,
        (1.0 + tolerance) * case.target,
        locked=case.locked,
        candidates=case.candidates,
        today=case.today,
        move_price=wishes.move_price * potential + wishes.price_each,
        move_weight=potential,
        max_moved=wishes.max_moved,
        elastic=case.elastic() + _outweighs(case, wishes, potential),
        start=start,
        node_limit=2_000,
    )


def _outweighs(case: Company, wishes: Wishes, potential: Floats) -> Floats:
    """Return what the price of load gains where moves are priced, so that balance still comes first."""
    price = float((wishes.move_price * potential + wishes.price_each).sum())
    return np.asarray(12.0 * price / np.maximum(case.target.sum(axis=0), 1e-12))


def _prepared(
    accounts: pd.DataFrame, reps: pd.DataFrame, history: History | None, as_of: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fill potential and workload, and leave out reps who have gone."""
    accounts, reps = accounts.reset_index(drop=True).copy(), reps.copy()
    if history is not None and as_of is not None:
        fitted = fit_potential(history, as_of).set_index("account_id")["potential"]
        accounts["potential"] = accounts["account_id"].map(fitted)
        if "workload" not in accounts or accounts["workload"].isna().all():
            hours = fit_workload(history, as_of).set_index("account_id")["workload"]
            accounts["workload"] = accounts["account_id"].map(hours)
    for column, plain in (("potential", 0.0), ("workload", 1.0)):
        known = pd.to_numeric(accounts[column]) if column in accounts else pd.Series(np.nan, index=accounts.index)
        middle = known.median()
        accounts[column] = known.fillna(plain if np.isnan(middle) else middle).astype(np.float64)
    if "effective_from" in reps:
        reps = reps.sort_values("effective_from", kind="stable").drop_duplicates("rep_id", keep="last")
    if "end_date" in reps:
        gone = pd.to_datetime(reps["end_date"])
        reps = reps[gone.isna() | ((gone > pd.Timestamp(as_of)) if as_of is not None else False)]
    return accounts, reps.sort_values("rep_id", kind="stable").reset_index(drop=True)


def _notes(case: Company, answer: Assignment, measures: tuple[str, ...]) -> tuple[str, ...]:
    names = case.reps["rep_id"].astype(str).tolist()
    out = []
    for rep, d in np.argwhere(answer.excess > 0).tolist():
        share = answer.loads[rep, d] / case.target[rep, d]
        out.append(f"{names[rep]}: {measures[d]} is {100 * share:.0f} % of its target, beyond what was asked for")
    return tuple(out)
