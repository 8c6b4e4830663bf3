"""From deals to credit: caps on single deals, shares that sum exactly, and what each measure counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.plan.compensation.ledger import Ledger
from spmforecast.plan.compensation.terms import Measure, Terms

__all__ = ["credited", "credits_of"]

Array = npt.NDArray[np.float64]

_WHOLE = 1_000_000
_SLACK = 100  # shares written as 0.3333 three times sum to one


def credited(ledger: Ledger, terms: Terms) -> dict[str, Array]:
    """Work out what each row of a ledger adds to each measure.

    Parameters
    ----------
    ledger : Ledger
        Deals in order.
    terms : Terms
        The plan.

    Returns
    -------
    dict of str to array of float, shape (n,)
        Hundredths by measure. The shares of a deal are cut from a running total, so that they sum to it exactly.

    Raises
    ------
    InputError
        If shares of a deal do not sum to one though the plan knows no overlays, or an attribute is missing.
    """
    to = _running_shares(ledger, terms.credit.overlay)
    most = np.iinfo(np.int64).max if terms.credit.deal_cap is None else terms.credit.deal_cap
    amount = np.minimum(ledger.amount, most)
    parts = {False: _part(amount, to), True: _part(np.full(len(ledger), 100), to)}
    problems: list[Problem] = []
    out = {}
    for name in terms.read:
        measure = terms.measures[name]
        out[name] = np.where(_counts(ledger, measure, problems), parts[measure.counted], 0).astype(np.float64)
    if problems:
        raise InputError(problems)
    return out


def _running_shares(ledger: Ledger, overlay: bool) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where the share of each row begins and ends within its deal, in millionths."""
    deal = pd.factorize(ledger.deal)[0]
    order = np.lexsort((np.arange(len(ledger)), deal, ledger.trial))
    share, key = ledger.share[order], (ledger.trial * (deal.max(initial=0) + 1) + deal)[order]
    first = np.r_[True, key[1:] != key[:-1]] if len(key) else np.zeros(0, bool)
    total = np.cumsum(share)
    place = np.flatnonzero(first)
    before = np.repeat((total - share)[place], np.diff(np.r_[place, len(key)]))
    end = total - before
    last = np.r_[first[1:], True] if len(key) else first
    near = last & (np.abs(end - _WHOLE) <= _SLACK)
    wrong = last & ~near & (not overlay)
    if wrong.any():
        mend = "Let the shares of a deal sum to 1, or write splits: overlay under credit."
        names = dict.fromkeys(str(name) for name in ledger.deal[order][wrong])
        raise InputError(
            Problem("ledger", "the shares of a deal do not sum to 1", mend, column="share", value=name)
            for name in list(names)[:20]
        )
    start, end = end - share, np.where(near, _WHOLE, end)
    back = np.empty(len(order), dtype=np.intp)
    back[order] = np.arange(len(order))
    return start[back], end[back]


def _part(
    amount: npt.NDArray[np.int64], to: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
) -> npt.NDArray[np.int64]:
    """Cut the part of an amount between two shares: the difference of two exactly rounded running parts."""
    return np.asarray(_rounded(amount, to[1]) - _rounded(amount, to[0]))


def _rounded(amount: npt.NDArray[np.int64], share: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return amount times share in whole hundredths, half up, without leaving whole numbers."""
    units, rest = np.divmod(np.abs(amount), _WHOLE)
    part = units * share + (2 * rest * share + _WHOLE) // (2 * _WHOLE)
    return np.asarray(np.sign(amount) * part)


def _counts(ledger: Ledger, measure: Measure, problems: list[Problem]) -> npt.NDArray[np.bool_]:
    """Mark the rows that a measure counts."""
    counts = np.ones(len(ledger), bool)
    for column, values in measure.where.items():
        if column not in ledger.attributes:
            mend = f"Add it, or change where under {measure.name}."
            problems.append(Problem("ledger", "the column is missing", mend, column=column))
            continue
        counts &= ledger.attributes[column].astype(str).isin(values).to_numpy()
    if measure.first is not None or measure.last is not None:
        if len(ledger) and np.isnat(ledger.day).any():
            told = f"{measure.name} counts deals by date, and some have none"
            problems.append(Problem("ledger", told, "Add dates.", column="date"))
        day = ledger.day.astype("datetime64[D]")
        counts &= day >= np.datetime64(measure.first or "0001-01-01")
        counts &= day <= np.datetime64(measure.last or "9999-12-31")
    return counts


def credits_of(ledger: Ledger, rows: dict[str, Array], keep: npt.NDArray[np.bool_] | None = None) -> dict[str, Array]:
    """Add credit up by trial, rep and period.

    Parameters
    ----------
    ledger : Ledger
        Deals.
    rows : dict of str to array of float, shape (n,)
        Credit of each row, by measure.
    keep : array of bool, shape (n,), optional
        Rows that count.

    Returns
    -------
    dict of str to array of float, shape (trials, reps, periods)
    """
    shape = (ledger.trials, len(ledger.reps), len(ledger.periods))
    cell = np.ravel_multi_index((ledger.trial, ledger.rep, ledger.period), shape)
    size = int(np.prod(shape))
    out = {}
    for name, credit in rows.items():
        counted = credit if keep is None else np.where(keep, credit, 0.0)
        out[name] = np.asarray(np.bincount(cell, weights=counted, minlength=size), dtype=np.float64).reshape(shape)
    return out
