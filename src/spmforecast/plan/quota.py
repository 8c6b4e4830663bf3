"""Quotas as a proposal: what each rep is asked for, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pandas as pd

from spmforecast.display import card, percent

__all__ = ["QuotaProposal"]


@dataclass(frozen=True)
class QuotaProposal:
    """Proposed quotas.

    Parameters
    ----------
    table : pandas.DataFrame
        ``rep_id, period, quota, p_attain, expected_attainment, mean, p10, p50, p90``: the quota, the share of draws in
        which the rep's bookings reach it, expected bookings over quota (missing where the quota is 0), and the rep's
        bookings in the draws.
    method : str
        How they were set.
    over_assignment : float
        Cushion: quotas sum to the total times one plus it; over all periods where each has its own.
    total : mapping of str to Decimal
        Amount to be carried in each period, before the cushion.
    remainder : mapping of str to Decimal
        Part of the cushioned total that no quota carries, because quotas are whole multiples of the step.
    notes : tuple of str
        What a reader must know, such as reps that may book nothing at all.
    nodes : pandas.DataFrame or None
        Quotas of the nodes between company and rep, where there is a hierarchy: ``period, node_level, node, parent,
        quota, cushion, assigned, remainder``.
    overrides : pandas.DataFrame
        What people decided for single reps: ``rep_id, period, limit, amount, reason``, the quota that came of it, and
        ``without_limits``: what the method would have said had nobody decided anything.
    cushions : mapping of str to float
        Cushion of each period where it was chosen by period; empty otherwise.
    proof : pandas.DataFrame
        Where a stated objective was minimised, a row a period: ``period, objective, bound, gap, spread, carry, cost,
        change``: its value at the quotas as they stand, rounded; what no quotas of the same sum within the same limits
        go below; the difference as a share of the value; and the parts, in money, before their weights.
    """

    table: pd.DataFrame
    method: str
    over_assignment: float
    total: Mapping[str, Decimal]
    remainder: Mapping[str, Decimal] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    nodes: pd.DataFrame | None = None
    overrides: pd.DataFrame = field(default_factory=pd.DataFrame)
    cushions: Mapping[str, float] = field(default_factory=dict)
    proof: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def joined(cls, parts: Sequence[QuotaProposal]) -> QuotaProposal:
        """Put proposals of different periods, each perhaps with a cushion of its own, together."""
        total = {period: amount for one in parts for period, amount in one.total.items()}
        whole = float(sum(total.values()))
        asked = sum(float(amount) * (1 + one.over_assignment) for one in parts for amount in one.total.values())
        nodes = [one.nodes for one in parts if one.nodes is not None]
        return cls(
            table=pd.concat([one.table for one in parts], ignore_index=True),
            method=parts[0].method,
            over_assignment=asked / whole - 1 if whole > 0 else 0.0,
            total=total,
            remainder={period: left for one in parts for period, left in one.remainder.items()},
            notes=tuple(note for one in parts for note in one.notes),
            nodes=pd.concat(nodes, ignore_index=True) if nodes else None,
            overrides=pd.concat([one.overrides for one in parts], ignore_index=True),
            cushions={period: one.over_assignment for one in parts for period in one.total},
            proof=pd.concat([one.proof for one in parts], ignore_index=True),
        )

    def assigned(self) -> pd.Series:
        """Sum of the quotas of each period."""
        return self.table.groupby("period", sort=False)["quota"].sum().round(2)

    def _repr_html_(self) -> str:
        spread = self.table.groupby("period", sort=False)["p_attain"].agg(["min", "max"])
        facts = {
            f"P(attain) {period}": f"{percent(row['min'])} to {percent(row['max'])}"
            for period, row in spread.iterrows()
        }
        return card(f"Quotas, {self.method}, over-assignment {percent(self.over_assignment)}", facts, self.table)
