"""The assignment problem as the methods see it: options of each account, their cost and load, limits of each rep.

An *option* is a pair of account and rep that is allowed. Every method works on the same arrays: row i of `reps`
holds the reps that account i may go to, and a *slot* is a column of that row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Ints", "Problem"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Problem:
    """Accounts, their options and the limits.

    Parameters
    ----------
    reps : array of int, shape (A, K)
        Rep of each option.
    cost : array of float, shape (A, K)
        Cost of each option, the price of moving included; infinite where the option is not allowed.
    load : array of float, shape (A, 1, D) or (A, K, D)
        What each option loads on its rep, by measure.
    lower, upper : array of float, shape (R, D)
        Limits of each rep's load; may be infinite.
    moved : array of float, shape (A, K)
        Weight that counts as moved by each option; 0 where the account stays with today's owner.
    max_moved : float
        Most weight that may move; infinite where it is not limited.
    elastic : array of float, shape (D,)
        Price of a unit of load beyond a limit; infinite where limits are hard.
    edges : array of int, shape (E, 2), or None
        Neighbouring accounts, where territories must be contiguous.
    """

    reps: Ints
    cost: Floats
    load: Floats
    lower: Floats
    upper: Floats
    moved: Floats
    max_moved: float
    elastic: Floats
    edges: Ints | None = None

    @property
    def accounts(self) -> int:
        """Number of accounts, A."""
        return len(self.cost)

    @property
    def rep_count(self) -> int:
        """Number of reps, R."""
        return len(self.lower)

    @property
    def measures(self) -> int:
        """Number of measures that are balanced, D."""
        return int(self.lower.shape[1])

    @property
    def hard(self) -> bool:
        """Whether any limit of a load is hard."""
        return bool(np.isinf(self.elastic).any())

    @property
    def limits_moves(self) -> bool:
        """Whether the moved weight is limited."""
        return bool(np.isfinite(self.max_moved))

    def load_of(self, accounts: npt.ArrayLike, slots: npt.ArrayLike) -> Floats:
        """Load of chosen options, shape (n, D)."""
        rows = np.asarray(accounts)
        return np.asarray(self.load[rows, 0] if self.load.shape[1] == 1 else self.load[rows, np.asarray(slots)])

    def owners(self, slots: Ints) -> Ints:
        """Rep of each account when each takes the slot given."""
        return self.reps[np.arange(self.accounts), slots]

    def loads(self, slots: Ints) -> Floats:
        """Load of each rep, shape (R, D)."""
        owner, load = self.owners(slots), self.load_of(np.arange(self.accounts), slots)
        columns = [np.bincount(owner, weights=load[:, d], minlength=self.rep_count) for d in range(self.measures)]
        return np.stack(columns, axis=1)

    def excess(self, loads: Floats) -> Floats:
        """Load beyond the limits, shape (R, D), never negative."""
        return np.maximum(loads - self.upper, 0.0) + np.maximum(self.lower - loads, 0.0)

    def slots_of(self, owner: Ints) -> Ints:
        """Slot of the cheapest option of each account with that owner; -1 where there is none."""
        price = np.where(self.reps == owner[:, None], self.cost, np.inf)
        slots = price.argmin(axis=1)
        return np.where(np.isfinite(price[np.arange(self.accounts), slots]), slots, -1)

    def take(self, accounts: Ints) -> Problem:
        """Return the problem of some accounts alone, limits unchanged; edges are dropped."""
        return replace(
            self,
            reps=self.reps[accounts],
            cost=self.cost[accounts],
            load=self.load[accounts],
            moved=self.moved[accounts],
            edges=None,
        )

    def keep_slots(self, slots: Ints) -> Problem:
        """Return the problem with some options of each account alone; `slots` has shape (A, k)."""
        rows = np.arange(self.accounts)[:, None]
        load = self.load if self.load.shape[1] == 1 else self.load[rows, slots]
        return replace(
            self, reps=self.reps[rows, slots], cost=self.cost[rows, slots], load=load, moved=self.moved[rows, slots]
        )
