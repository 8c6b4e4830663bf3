"""Territories as plain objects: who has which account, what that costs, and which limits it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.display import card, percent

__all__ = ["Assignment", "AttributeLimit", "Districts"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class AttributeLimit:
    """A limit on what each rep may have of accounts with an attribute, held inside the optimisation.

    Parameters
    ----------
    name : str
        What is limited, for instance ``"enterprise accounts"``.
    weight : array-like of float, shape (A,)
        What each account counts: 1 and 0 for a number of accounts, else for instance its hours.
    lower, upper : float or array-like, shape (R,)
        Least and most for each rep.
    """

    name: str
    weight: npt.ArrayLike
    lower: npt.ArrayLike = -np.inf
    upper: npt.ArrayLike = np.inf

    @classmethod
    def count(
        cls, values: Sequence[object], value: object, lower: npt.ArrayLike = -np.inf, upper: npt.ArrayLike = np.inf
    ) -> AttributeLimit:
        """Limit the number of accounts whose attribute has a value."""
        weight = np.array([float(one == value) for one in values])
        return cls(f"accounts with {value}", weight, lower, upper)


@dataclass(frozen=True, eq=False)
class Assignment:
    """Accounts given to reps; every figure is recomputed from the input, whatever method found the owners.

    Parameters
    ----------
    owner : array of int, shape (A,)
        Rep of each account.
    objective : float
        Cost, prices of moves and, where limits are elastic, the price of what is exceeded.
    bound : float
        Proven lower bound of the objective.
    gap : float
        ``(objective - bound) / |bound|``; missing where limits are broken.
    feasible : bool
        Whether every hard limit holds.
    violation : float
        Load beyond the limits, summed over reps and measures; 0 where all hold.
    cost : float
        Cost of the options alone.
    loads, excess : array of float, shape (R, D)
        Load of each rep and the part of it beyond the limits; limits by attribute follow the measures.
    moved : array of bool, shape (A,)
        Accounts that leave today's owner.
    moved_share : float
        Share of the moved weight.
    contiguous : bool or None
        Whether each rep's accounts hang together; None without edges.
    status : str
        ``optimal`` (proven), ``feasible`` (within the gap), or ``not proven`` (limits broken, no proof that
        they must be).
    notes : tuple of str
        Which limits are exceeded, by how much.
    """

    owner: Ints
    objective: float
    bound: float
    gap: float
    feasible: bool
    violation: float
    cost: float
    loads: Floats
    excess: Floats
    moved: npt.NDArray[np.bool_]
    moved_share: float
    contiguous: bool | None = None
    status: str = "feasible"
    notes: tuple[str, ...] = ()

    @property
    def moves(self) -> int:
        """Number of accounts that leave today's owner."""
        return int(self.moved.sum())

    def _facts(self) -> dict[str, object]:
        gap = "unknown" if np.isnan(self.gap) else f"{100 * self.gap:.2f} %"
        return {
            "objective": f"{self.objective:,.6g}",
            "bound": f"{self.bound:,.6g}",
            "gap": gap,
            "status": self.status,
            "moved": f"{self.moves:,} ({percent(self.moved_share)})",
            "beyond limits": f"{self.violation:,.4g}",
        }

    def _repr_html_(self) -> str:
        names = {f"load {d + 1}": self.loads[:, d] for d in range(self.loads.shape[1])}
        count = np.bincount(self.owner, minlength=len(self.loads))
        table = pd.DataFrame({"rep": np.arange(len(self.loads)), "accounts": count, **names})
        return card("Territories", self._facts(), table)


@dataclass(frozen=True, eq=False)
class Districts(Assignment):
    """Territories designed from scratch: an assignment to k chosen centres.

    Parameters
    ----------
    centers : array of int, shape (k,)
        Unit that is the centre of each territory, rising.
    """

    centers: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
