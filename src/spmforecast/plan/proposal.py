"""A territory proposal: the new map beside today's, each move with its reason and effect, for people to decide on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spmforecast.display import card, percent
from spmforecast.errors import InputError, Problem
from spmforecast.plan.territory import Assignment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MOVE_COLUMNS", "TerritoryProposal"]

MOVE_COLUMNS = (
    "account_id",
    "from",
    "to",
    "potential",
    "workload",
    "km_from",
    "km_to",
    "cost_change",
    "imbalance_change",
    "reason",
    "decision",
)


@dataclass(frozen=True, eq=False)
class TerritoryProposal:
    """A proposed map.

    Parameters
    ----------
    accounts : pandas.DataFrame
        ``account_id, owner_id`` (today), ``proposed_owner_id, potential, workload, latitude, longitude, km_today,
        km_proposed, moved``, a row an account.
    table : pandas.DataFrame
        ``rep_id, accounts_today, accounts, potential_today, potential, workload_today, workload, km_today,
        km``, and the
        deviation of potential and workload from their targets, a row a rep.
    moves : pandas.DataFrame
        One row for each account that changes hands, see :data:`MOVE_COLUMNS`. ``cost_change`` is what the move alone
        does to the objective without prices of moves, ``imbalance_change`` what undoing it alone would add to
        the load beyond
        the limits, as a share of a rep's target.
    assignment : Assignment
        Objective, bound and gap.
    rep_ids, account_ids : tuple of str
        Names of the assignment's rows and columns.
    measures : tuple of str
        What is balanced.
    tolerance : mapping of str to float
        Share of the target within which each measure was to stay.
    decisions : mapping of str to str
        ``accepted`` or ``refused`` by account, as far as decided.
    notes : tuple of str
        What a reader must know.
    asked : object
        The question, for asking it again with decisions.
    """

    accounts: pd.DataFrame
    table: pd.DataFrame
    moves: pd.DataFrame
    assignment: Assignment
    rep_ids: tuple[str, ...]
    account_ids: tuple[str, ...]
    measures: tuple[str, ...]
    tolerance: Mapping[str, float]
    decisions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    asked: object = field(default=None, repr=False)

    @property
    def summary(self) -> pd.DataFrame:
        """Today's map against the proposed one: ``metric, today, proposed``."""
        rows: list[tuple[str, float, float]] = []
        for measure in self.measures:
            for told, before, after in self._balance(measure):
                rows.append((told, before, after))
        km = [float(self.accounts[name].sum()) for name in ("km_today", "km_proposed")]
        rows.append(("distance in all, km", km[0], km[1]))
        rows.append(("accounts moved", 0.0, float(self.assignment.moves)))
        rows.append(("share of potential moved", 0.0, self.assignment.moved_share))
        return pd.DataFrame(rows, columns=["metric", "today", "proposed"])

    def _balance(self, measure: str) -> list[tuple[str, float, float]]:
        today, after = (self.table[name].to_numpy(dtype=np.float64) for name in (f"{measure}_today", measure))
        target = self.table[f"{measure}_target"].to_numpy(dtype=np.float64)
        off = [np.divide(x, target, out=np.ones_like(x), where=target > 0) - 1.0 for x in (today, after)]
        return [
            (f"{measure}: largest deviation", float(np.abs(off[0]).max()), float(np.abs(off[1]).max())),
            (f"{measure}: mean deviation", float(np.abs(off[0]).mean()), float(np.abs(off[1]).mean())),
        ]

    def decide(self, accept: Iterable[str] = (), refuse: Iterable[str] = ()) -> dict[str, str]:
        """Return the decisions so far with further ones added.

        Parameters
        ----------
        accept, refuse : iterable of str
            Accounts whose move is accepted or refused.

        Raises
        ------
        InputError
            An account that does not move in this proposal and was not decided on before, or that is named twice.
        """
        accepted, refused = list(accept), list(refuse)
        known = set(self.moves["account_id"]) | set(self.decisions)
        wrong = [
            Problem(
                "territories",
                "no such move is proposed",
                "Name accounts of the moves table.",
                column="accept, refuse",
                value=name,
            )
            for name in (*accepted, *refused)
            if name not in known
        ]
        wrong += [
            Problem("territories", "is both accepted and refused", "Decide for one.", column="refuse", value=name)
            for name in sorted(set(accepted) & set(refused))
        ]
        if wrong:
            raise InputError(wrong)
        return {**self.decisions, **dict.fromkeys(accepted, "accepted"), **dict.fromkeys(refused, "refused")}

    def plot_maps(self) -> Figure:
        """Draw the accounts coloured by owner, today and as proposed."""
        from spmforecast.plan.territory_pictures import maps

        return maps(self)

    def plot_balance(self) -> Figure:
        """Draw each rep's load in each measure against its target, today and as proposed."""
        from spmforecast.plan.territory_pictures import balance

        return balance(self)

    def _repr_html_(self) -> str:
        facts = {
            "gap to the bound": "unknown" if np.isnan(self.assignment.gap) else f"{100 * self.assignment.gap:.2f} %",
            "accounts moved": f"{self.assignment.moves:,} of {len(self.accounts):,}",
            "potential moved": percent(self.assignment.moved_share),
            **{
                metric: f"{percent(today)} → {percent(proposed)}"
                for measure in self.measures
                for metric, today, proposed in self._balance(measure)[:1]
            },
        }
        return card("Territory proposal", facts, self.moves)
