"""The tree that a total falls down: company, then for instance regions and managers, with a cushion at each level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from spmforecast.errors import InputError, Problem

__all__ = ["Hierarchy"]


@dataclass(frozen=True)
class Hierarchy:
    """Who reports to whom, and what each level adds on top of what it is asked for.

    Parameters
    ----------
    places : pandas.DataFrame
        A row for each rep, indexed by ``rep_id``; one column for each level, from the top down.
    cushion : mapping of str to float
        Over-assignment by level: a node of that level hands on its own quota times one plus it. The company's own
        cushion is that of the proposal.
    totals : mapping of (str, str) to float
        Quotas of nodes that are settled, by level and node: ``{("region", "North"): 2_000_000}``.

    Raises
    ------
    InputError
        If a cushion or total is wrong, or speaks of a level or node that is not there.
    """

    places: pd.DataFrame
    cushion: Mapping[str, float] = field(default_factory=dict)
    totals: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [*self._wrong_cushions(), *self._wrong_totals()]
        if self.places.index.has_duplicates:
            problems.append(Problem("quotas", "a rep stands twice in the hierarchy", "Keep one row.", column="places"))
        if problems:
            raise InputError(problems)

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels below the company, from the top down."""
        return tuple(str(name) for name in self.places.columns)

    def _wrong_cushions(self) -> list[Problem]:
        known = ", ".join(self.levels)
        out = []
        for level, share in self.cushion.items():
            if level not in self.levels:
                mend = f"Levels are {known}; the company's cushion is over_assignment."
                out.append(Problem("quotas", "no such level", mend, column="cushion", value=str(level)))
            elif not (np.isfinite(share) and share > -1):
                told = "must be a share above -1"
                out.append(Problem("quotas", told, "0.10 is 10 %.", column=f"cushion.{level}", value=str(share)))
        return out

    def _wrong_totals(self) -> list[Problem]:
        out = []
        for (level, node), amount in self.totals.items():
            if level not in self.levels or node not in set(self.places[level].astype(str)):
                told, value = "no such node", f"{level} {node}"
                out.append(Problem("quotas", told, "Name a level and one of its nodes.", column="totals", value=value))
            elif not (np.isfinite(amount) and amount >= 0):
                where, value = f"totals[{level} {node}]", str(amount)
                out.append(Problem("quotas", "must be an amount of at least 0", column=where, value=value))
        return out

    def missing(self, reps: Sequence[str]) -> list[Problem]:
        """Name the reps that have no place, or none at some level."""
        placed = self.places.reindex(list(reps))
        mend = "Give every rep with a quota a place at each level."
        return [
            Problem("quotas", f"the rep has no {level}", mend, column="hierarchy", value=rep)
            for level in self.levels
            for rep in placed.index[placed[level].isna()]
        ]

    def nodes_of(self, level: str, reps: Sequence[str]) -> list[str]:
        """Node of each rep at a level."""
        return [str(node) for node in self.places[level].reindex(list(reps))]
