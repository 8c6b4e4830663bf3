"""Limits on quotas: floors, ceilings, locks, ratchets and smallest changes, each with its name and reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InfeasibleError, InputError, Problem
from spmforecast.written import nearest

__all__ = ["Bounds", "Limits"]

Array = npt.NDArray[np.float64]
Amounts = float | Mapping[str, float]

_CENT = 0.005
_FEW = 5


@dataclass(frozen=True)
class Bounds:
    """The narrowest bounds of each rep's quota, and which limit set them.

    Parameters
    ----------
    reps : tuple of str
        Who they are for.
    lower, upper : array of float, shape (reps,)
        Bounds; `upper` may be infinite.
    lower_by, upper_by : tuple of str
        Limit that sets each bound; empty where none was set (a quota is never below 0).
    last : array of float, shape (reps,)
        Last quota; NaN where there was none.
    least_change : float
        A quota equals the last one or differs from it by at least this much.
    """

    reps: tuple[str, ...]
    lower: Array
    upper: Array
    lower_by: tuple[str, ...]
    upper_by: tuple[str, ...]
    last: Array
    least_change: float = 0.0

    @property
    def fixed(self) -> npt.NDArray[np.bool_]:
        """Who has no room at all."""
        return np.asarray(self.lower == self.upper)

    def subset(self, index: npt.NDArray[np.int64]) -> Bounds:
        """Keep some reps."""
        return Bounds(
            tuple(self.reps[i] for i in index),
            self.lower[index],
            self.upper[index],
            tuple(self.lower_by[i] for i in index),
            tuple(self.upper_by[i] for i in index),
            self.last[index],
            self.least_change,
        )

    def narrowed(self, lower: Array, upper: Array, name: str) -> Bounds:
        """Narrow the bounds, naming the limit that does it where it binds more than what is there."""
        raised, cut = lower > self.lower, upper < self.upper
        return replace(
            self,
            lower=np.where(raised, lower, self.lower),
            upper=np.where(cut, upper, self.upper),
            lower_by=tuple(name if up else old for up, old in zip(raised, self.lower_by, strict=True)),
            upper_by=tuple(name if down else old for down, old in zip(cut, self.upper_by, strict=True)),
        )

    def check(self, total: float, what: str = "total") -> None:
        """Refuse bounds that cross or cannot hold the total.

        Parameters
        ----------
        total : float
            What the quotas sum to.
        what : str
            Name of the total, for the message.

        Raises
        ------
        InfeasibleError
            Names the limits that clash, with the reps concerned.
        """
        crossed = np.flatnonzero(self.lower > self.upper + _CENT)
        if len(crossed):
            told = [
                f"{self.reps[i]}: {self.lower_by[i]} {self.lower[i]:,.2f} is above {self.upper_by[i]} "
                f"{self.upper[i]:,.2f}"
                for i in crossed[:_FEW]
            ]
            names = sorted({self.lower_by[i] for i in crossed} | {self.upper_by[i] for i in crossed})
            raise InfeasibleError(f"limits clash for {_others(told, len(crossed))}", names)
        for bound, by, side in ((self.lower, self.lower_by, "more"), (self.upper, self.upper_by, "less")):
            held = float(bound.sum())
            if (held > total + _CENT) if side == "more" else (held < total - _CENT):
                names = sorted({name for name, size in zip(by, bound, strict=True) if name and size > 0} or {"reps"})
                told_of = " and ".join(names)
                raise InfeasibleError(
                    f"{told_of} sum to {held:,.2f}, {side} than the {what} of {total:,.2f}", (*names, what)
                )


def _others(told: Sequence[str], count: int) -> str:
    return "; ".join(told) + (f"; and {count - len(told)} others" if count > len(told) else "")


@dataclass(frozen=True)
class Limits:
    """What quotas must keep to; amounts for everybody or by rep.

    Parameters
    ----------
    floor, ceiling : float or mapping of str to float
        Smallest and largest quota. In a mapping a rep that is missing has none, and 0 is an amount like another.
    locks : mapping of str to float
        Quotas that are settled: they are kept to the cent, whatever the rounding step.
    ratchet_up, ratchet_down : float, optional
        Largest rise and fall against the last quota, as a share of it: 0.2 lets 100 become 80 to 120.
    least_change : float
        Changes smaller than this are not made: a quota stays at the last one or differs by at least this amount.
    last : mapping of str to float
        Last quotas. A rep without one, or with a missing value, is free of ratchet and smallest change.
    reasons : mapping of str to str
        Why a rep's floor, ceiling or lock was set; kept in the proposal.
    """

    floor: Amounts | None = None
    ceiling: Amounts | None = None
    locks: Mapping[str, float] = field(default_factory=dict)
    ratchet_up: float | None = None
    ratchet_down: float | None = None
    least_change: float = 0.0
    last: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [*self._wrong_amounts(), *self._wrong_shares()]
        if problems:
            raise InputError(problems)

    def _wrong_amounts(self) -> list[Problem]:
        named = [("floor", self.floor), ("ceiling", self.ceiling), ("locks", self.locks), ("last", self.last)]
        problems = []
        for name, amounts in named:
            listed = amounts.items() if isinstance(amounts, Mapping) else [("", amounts)]
            for rep, amount in listed:
                if amount is None or (name == "last" and amount != amount):
                    continue
                open_end = name == "ceiling" and amount == float("inf")
                if not open_end and not (np.isfinite(amount) and amount >= 0):
                    where = f"limits.{name}[{rep}]" if rep else f"limits.{name}"
                    told = "must be an amount of at least 0"
                    problems.append(Problem("quotas", told, column=where, value=str(amount)))
        if not (np.isfinite(self.least_change) and self.least_change >= 0):
            told = "must be an amount of at least 0"
            problems.append(Problem("quotas", told, column="limits.least_change", value=str(self.least_change)))
        return problems

    def _wrong_shares(self) -> list[Problem]:
        return [
            Problem("quotas", "must be at least 0", "0.2 is 20 %.", column=f"limits.{name}", value=str(share))
            for name, share in (("ratchet_up", self.ratchet_up), ("ratchet_down", self.ratchet_down))
            if share is not None and not (np.isfinite(share) and share >= 0)
        ]

    def unknown(self, reps: Sequence[str]) -> list[Problem]:
        """Name the reps that limits speak of but that get no quota (last quotas may know more people)."""
        known = set(reps)
        problems = []
        loose = {rep: reason for rep, reason in self.reasons.items() if rep not in self.locks}
        for name in ("floor", "ceiling", "locks", "reasons"):
            amounts = loose if name == "reasons" else getattr(self, name)
            for rep in sorted(set(amounts) - known) if isinstance(amounts, Mapping) else []:
                near = nearest(rep, known)
                mend = f"Did you mean {near}?" if near else "Name reps that get a quota."
                told = "no such rep gets a quota"
                problems.append(Problem("quotas", told, mend, column=f"limits.{name}", value=rep))
        return problems

    def bounds(self, reps: Sequence[str]) -> Bounds:
        """Work out the bounds of each rep; crossing ones are told by :meth:`Bounds.check`.

        Parameters
        ----------
        reps : sequence of str
            Who gets a quota.

        Returns
        -------
        Bounds
        """
        n = len(reps)
        last = self.last_of(reps)
        out = Bounds(tuple(reps), np.zeros(n), np.full(n, np.inf), ("",) * n, ("",) * n, last, self.least_change)
        none, all_ = np.full(n, -np.inf), np.full(n, np.inf)
        if self.floor is not None:
            out = out.narrowed(_listed(self.floor, reps, -np.inf), all_, "floor")
        if self.ceiling is not None:
            out = out.narrowed(none, _listed(self.ceiling, reps, np.inf), "ceiling")
        lock = _listed(self.locks, reps, np.nan)
        locked = np.isfinite(lock)
        out = out.narrowed(np.where(locked, lock, none), np.where(locked, lock, all_), "lock")
        # A lock is a decision on one rep: it goes before the general ratchet, but not before a floor or ceiling.
        known = np.isfinite(last) & ~locked
        if self.ratchet_up is not None:
            out = out.narrowed(none, np.where(known, last * (1 + self.ratchet_up), np.inf), "ratchet_up")
        if self.ratchet_down is not None:
            out = out.narrowed(np.where(known, last * (1 - self.ratchet_down), -np.inf), all_, "ratchet_down")
        return out

    def last_of(self, reps: Sequence[str]) -> Array:
        """Last quota of each rep, NaN where there is none."""
        return _listed(self.last, reps, np.nan)

    def overrides(self, reps: Sequence[str]) -> pd.DataFrame:
        """List every limit that was set for a single rep: ``rep_id, limit, amount, reason``."""
        rows = [
            (rep, name, float(amounts[rep]), self.reasons.get(rep, ""))
            for name in ("floor", "ceiling", "locks")
            for amounts in [getattr(self, name)]
            if isinstance(amounts, Mapping)
            for rep in reps
            if amounts.get(rep) is not None
        ]
        return pd.DataFrame(rows, columns=["rep_id", "limit", "amount", "reason"]).replace({"limit": {"locks": "lock"}})


def _listed(amounts: Amounts, reps: Sequence[str], missing: float) -> Array:
    """Amount of each rep; what is missing (null) is none, and 0 is 0."""
    if not isinstance(amounts, Mapping):
        return np.full(len(reps), float(amounts))
    found = [amounts.get(rep) for rep in reps]
    return np.array([missing if value is None or value != value else float(value) for value in found])
