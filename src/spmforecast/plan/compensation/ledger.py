"""The ledger of won deals: who is credited with what, in which period, and whether it was cancelled later.

One format serves a company's records (no ``trial``) and a simulation's winners (a ``trial`` each).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.plan.compensation.cents import to_hundredths
from spmforecast.written import nearest

__all__ = ["COLUMNS", "Ledger"]

COLUMNS = ("deal", "rep", "period", "amount")
"""Columns that a ledger must have; ``trial``, ``share``, ``date`` and ``cancelled`` may be there, and attributes."""

_OWN = (*COLUMNS, "trial", "share", "date", "cancelled")
_SHARES = 1_000_000  # a share is read to six decimals, so that credit is exact in whole numbers

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ledger:
    """Credited deals, a row for each rep who is credited; made by :meth:`from_frame` or :meth:`from_arrays`.

    Attributes
    ----------
    reps, periods : tuple of str
        What the numbers in `rep` and `period` stand for; periods in order of time.
    trials : int
        Number of trials, 1 for a company's records.
    trial, rep, period, cancelled : array of int, shape (n,)
        `cancelled` is the period in which the deal was cancelled, -1 where it was not.
    amount : array of int, shape (n,)
        Amount of the whole deal, hundredths.
    share : array of int, shape (n,)
        Share of the deal that the rep is credited with, in millionths.
    deal : array of object, shape (n,)
        Name of the deal.
    day : array of datetime64, shape (n,)
        When it was won; missing where the ledger does not say.
    attributes : pandas.DataFrame
        All other columns, for measures that count some deals only.
    """

    reps: tuple[str, ...]
    periods: tuple[str, ...]
    trials: int
    trial: Ints
    deal: npt.NDArray[np.object_]
    rep: Ints
    period: Ints
    amount: Ints
    share: Ints
    day: npt.NDArray[np.datetime64]
    cancelled: Ints
    attributes: pd.DataFrame

    def __len__(self) -> int:
        return len(self.amount)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        reps: Sequence[str],
        periods: Sequence[str],
        trials: int | None = None,
    ) -> Ledger:
        """Read a ledger.

        Parameters
        ----------
        frame : pandas.DataFrame
            Columns ``deal``, ``rep``, ``period`` and ``amount`` (of the whole deal); where present ``trial`` (from 0),
            ``share`` (1 where absent), ``date``, ``cancelled`` (a period, or missing). Rows of a deal stand for the
            reps who share it. Within a period deals count in order of date, then of rows.
        reps, periods : sequence of str
            All of them; periods in order of time.
        trials : int, optional
            Number of trials, also of those without a deal; one more than the largest where absent.

        Raises
        ------
        InputError
            With every missing column, unknown rep or period, and amount or share that is no number.
        """
        missing = [name for name in COLUMNS if name not in frame]
        if missing:
            raise InputError(Problem("ledger", "the column is missing", column=name) for name in missing)
        problems: list[Problem] = []
        rows = frame.reset_index(drop=True)
        cancelled = _codes(rows, "cancelled", periods, problems, optional=True)
        own = {
            "rep": _codes(rows, "rep", reps, problems),
            "period": _codes(rows, "period", periods, problems),
            "amount": _numbers(rows, "amount", 1.0, problems),
            "share": _numbers(rows, "share", 1.0, problems),
            "trial": _numbers(rows, "trial", 0.0, problems),
        }
        problems += _wrong_numbers(rows, own, cancelled, trials)
        day = _days(rows, problems)
        if problems:
            raise InputError(problems)
        made = cls(
            tuple(map(str, reps)),
            tuple(map(str, periods)),
            trials if trials is not None else int(own["trial"].max(initial=0)) + 1,
            own["trial"].astype(np.int64),
            rows["deal"].astype(object).to_numpy(),
            own["rep"].astype(np.int64),
            own["period"].astype(np.int64),
            to_hundredths(own["amount"]).astype(np.int64),
            np.rint(own["share"] * _SHARES).astype(np.int64),
            day,
            cancelled.astype(np.int64),
            rows.drop(columns=[name for name in _OWN if name in rows]),
        )
        return made.take(made.order())

    @classmethod
    def from_arrays(
        cls,
        trial: npt.ArrayLike,
        deal: npt.ArrayLike,
        rep: npt.ArrayLike,
        period: npt.ArrayLike,
        amount: npt.ArrayLike,
        *,
        reps: Sequence[str],
        periods: Sequence[str],
        trials: int,
        attributes: pd.DataFrame | None = None,
    ) -> Ledger:
        """Take the winners of a simulation as they are: each deal is one rep's, and none is cancelled.

        Parameters
        ----------
        trial, rep, period : array-like of int, shape (n,)
            Numbers from 0 of trials, and of entries of `reps` and `periods`.
        deal : array-like, shape (n,)
            Name or number of the deal.
        amount : array-like of float, shape (n,)
            Amount, rounded to hundredths.
        reps, periods : sequence of str
            All of them; periods in order of time.
        trials : int
            Number of trials, also of those without a deal.
        attributes : pandas.DataFrame, optional
            n rows, for measures that count some deals only.

        Raises
        ------
        InputError
            If shapes differ, a number points at nothing, or an amount is not finite.
        """
        codes = [np.asarray(one).astype(np.int64) for one in (trial, rep, period)]
        names = np.asarray(deal).astype(object)
        sums = np.asarray(amount, dtype=np.float64)
        count = len(sums)
        _check_arrays([*codes, names, sums], codes, (trials, len(reps), len(periods)), sums)
        made = cls(
            tuple(map(str, reps)),
            tuple(map(str, periods)),
            trials,
            codes[0],
            names,
            codes[1],
            codes[2],
            to_hundredths(sums).astype(np.int64),
            np.full(count, _SHARES, dtype=np.int64),
            np.full(count, np.datetime64("NaT", "ns")),
            np.full(count, -1, dtype=np.int64),
            pd.DataFrame(index=range(count)) if attributes is None else attributes.reset_index(drop=True),
        )
        return made.take(made.order())

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Ledger:
        """Return some rows."""
        return Ledger(
            self.reps,
            self.periods,
            self.trials,
            self.trial[rows],
            self.deal[rows],
            self.rep[rows],
            self.period[rows],
            self.amount[rows],
            self.share[rows],
            self.day[rows],
            self.cancelled[rows],
            self.attributes.iloc[np.arange(len(self))[rows]].reset_index(drop=True),
        )

    def order(self) -> npt.NDArray[np.intp]:
        """Return the rows by trial, rep, period, date and place in the frame."""
        day = np.where(np.isnat(self.day), np.iinfo(np.int64).max, self.day.astype(np.int64))
        return np.lexsort((np.arange(len(self)), day, self.period, self.rep, self.trial))

    def known(self, period: int, within: int | None) -> npt.NDArray[np.bool_]:
        """Mark the deals that count at the close of a period: won by then, and not cancelled by then.

        A deal that is cancelled more than `within` periods after its own counts for good.
        """
        late = np.zeros(len(self), bool) if within is None else self.cancelled - self.period > within
        gone = (self.cancelled >= 0) & (self.cancelled <= period) & ~late
        return np.asarray((self.period <= period) & ~gone)


def _check_arrays(
    columns: list[npt.NDArray[np.generic]], codes: list[Ints], sizes: tuple[int, ...], amount: npt.NDArray[np.float64]
) -> None:
    problems = []
    if len({one.shape for one in columns}) > 1 or amount.ndim != 1:
        problems.append(Problem("ledger", "arrays of different shapes", "Give one entry for each deal."))
    for name, code, size in zip(("trial", "rep", "period"), codes, sizes, strict=True):
        if ((code < 0) | (code >= size)).any():
            problems.append(Problem("ledger", f"there are {size} of them only", "Count from 0.", column=name))
    if not np.isfinite(amount).all():
        problems.append(Problem("ledger", "not every number is finite", "Leave lost deals out.", column="amount"))
    if problems:
        raise InputError(problems)


def _codes(
    rows: pd.DataFrame, name: str, known: Sequence[str], problems: list[Problem], optional: bool = False
) -> npt.NDArray[np.float64]:
    """Turn names into numbers; -1 where optional and missing."""
    if optional and name not in rows:
        return np.full(len(rows), -1.0)
    names = [str(one) for one in known]
    index = pd.Index(names)
    if not index.is_unique:
        problems.append(Problem("ledger", f"a {name} is named twice", "Name each once."))
        return np.full(len(rows), -1.0)
    said = rows[name]
    here = said.notna().to_numpy() & (said.astype(str) != "").to_numpy()
    codes = np.where(here, index.get_indexer(pd.Index(said.astype(str))), -1)
    wrong = (codes < 0) & (here | (not optional))
    for value in dict.fromkeys(said[wrong].astype(str)):
        near = nearest(value, names)
        kind = "period" if name == "cancelled" else name
        mend = f"Did you mean {near}?" if near else f"Name it among the {kind}s."
        problems.append(Problem("ledger", f"there is no such {kind}", mend, column=name, value=value))
    return codes.astype(np.float64)


def _numbers(rows: pd.DataFrame, name: str, absent: float, problems: list[Problem]) -> npt.NDArray[np.float64]:
    if name not in rows:
        return np.full(len(rows), absent)
    numbers = pd.to_numeric(rows[name], errors="coerce").to_numpy(dtype=np.float64)
    for row in np.flatnonzero(~np.isfinite(numbers))[:20]:
        told = str(rows[name].iloc[row])
        problems.append(Problem("ledger", "not a number", "Write it in digits.", column=name, value=told))
    return np.where(np.isfinite(numbers), numbers, absent)


def _days(rows: pd.DataFrame, problems: list[Problem]) -> npt.NDArray[np.datetime64]:
    if "date" not in rows:
        return np.full(len(rows), np.datetime64("NaT", "ns"))
    day = pd.to_datetime(rows["date"], errors="coerce", format="ISO8601")
    wrong = day.isna() & rows["date"].notna() & (rows["date"].astype(str) != "")
    problems.extend(
        Problem("ledger", "not a date", "Write it as YYYY-MM-DD.", column="date", value=value)
        for value in rows["date"][wrong].astype(str)[:20]
    )
    return day.to_numpy(dtype="datetime64[ns]")


def _wrong_numbers(
    rows: pd.DataFrame,
    own: dict[str, npt.NDArray[np.float64]],
    cancelled: npt.NDArray[np.float64],
    trials: int | None,
) -> list[Problem]:
    problems = []
    trial = own["trial"]
    if ((trial < 0) | (trial != np.floor(trial))).any():
        problems.append(Problem("ledger", "trials are numbered from 0", "Give whole numbers.", column="trial"))
    if trials is not None and (trial >= trials).any():
        problems.append(Problem("ledger", f"there are {trials} trials only", "Give more of them.", column="trial"))
    if ((own["share"] < 0) | (own["share"] > 10)).any():
        problems.append(Problem("ledger", "a share below 0 or above 10", "Write 60 % as 0.6.", column="share"))
    early = (cancelled >= 0) & (cancelled < own["period"])
    for deal in rows["deal"][early].astype(str)[:20]:
        told = "cancelled in a period before its own"
        problems.append(Problem("ledger", told, "Give the period in which it was.", column="cancelled", value=deal))
    return problems
