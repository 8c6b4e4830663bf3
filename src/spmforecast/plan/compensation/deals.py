"""Pay by deal for a whole simulation: what each won deal added, in every trial."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.plan.compensation.arrays import Earnings, PayTable
from spmforecast.plan.compensation.credit import credited, credits_of
from spmforecast.plan.compensation.ledger import Ledger
from spmforecast.plan.compensation.spans import Grid
from spmforecast.plan.compensation.statement import counted

__all__ = ["earned_of", "pay_by_deal"]

Array = npt.NDArray[np.float64]
_CHUNK = 200_000


def earned_of(grid: Grid, ledger: Ledger) -> Array:
    """Return what a ledger earns before draws, cents, clawbacks included; shape (trials, reps, periods)."""
    rows = credited(ledger, grid.terms)
    pay = Earnings(grid)
    if not grid.terms.clawback.recompute or not (ledger.cancelled >= 0).any():
        return pay.earned(credits_of(ledger, rows))
    out = np.zeros((ledger.trials, *grid.shape))
    before = out
    for period in range(grid.shape[1]):
        now = pay.earned(credits_of(ledger, rows, counted(grid, ledger, period)))
        out[..., period] = now[..., : period + 1].sum(axis=-1) - before[..., :period].sum(axis=-1)
        before = now
    return out


def pay_by_deal(grid: Grid, ledger: Ledger) -> pd.DataFrame:
    """Work out what each row of a ledger added to pay when it was won (see :meth:`CompPlan.pay_deals`)."""
    rows = credited(ledger, grid.terms)
    pay = Earnings(grid)
    counts = _counted_when_won(grid, ledger)
    out = pd.DataFrame(
        {
            "trial": ledger.trial,
            "deal": ledger.deal,
            "rep": np.array(ledger.reps, dtype=object)[ledger.rep],
            "period": np.array(ledger.periods, dtype=object)[ledger.period],
        }
    )
    total = np.zeros(len(ledger))
    for table in pay.tables:
        added = _added(grid, ledger, rows, table, counts)
        out[table.component.name] = added / 100.0
        total += added
    out["pay"] = total / 100.0
    return out


def _counted_when_won(grid: Grid, ledger: Ledger) -> npt.NDArray[np.bool_]:
    """Leave out deals that were cancelled in the period in which they were won."""
    if not grid.terms.clawback.recompute:
        return np.ones(len(ledger), bool)
    return np.asarray(ledger.cancelled != ledger.period)


def _added(grid: Grid, ledger: Ledger, rows: dict[str, Array], table: PayTable, counts: npt.NDArray[np.bool_]) -> Array:
    """Return pay with each deal less pay before it, cents."""
    component = table.component
    others = {one.measure for one, _ in table.multipliers}
    credit = np.where(counts, rows[component.measure], 0.0)
    after = _running(ledger, credit)
    known: dict[str, Array] = {name: np.zeros(len(ledger)) for name in others}
    for period in range(grid.shape[1]):
        here = ledger.period == period
        cell = (ledger.trial[here], ledger.rep[here])
        sums = credits_of(ledger, rows, counted(grid, ledger, period))
        if component.year_to_date:
            first = grid.years[period]
            after[here] += sums[component.measure][..., first:period].sum(axis=-1)[cell]
        for name in others:
            first = grid.years[period] if component.year_to_date else period
            known[name][here] = sums[name][..., first : period + 1].sum(axis=-1)[cell]
    added = np.zeros(len(ledger))
    for low in range(0, len(ledger), _CHUNK):
        part = slice(low, low + _CHUNK)
        cells = table.take((ledger.rep[part], ledger.period[part]))
        final = {name: one[None, part] for name, one in known.items()}
        end = cells.pay(after[None, part], final).rounded()
        begin = cells.pay((after - credit)[None, part], final).rounded()
        added[part] = (end - begin)[0]
    return added


def _running(ledger: Ledger, credit: Array) -> Array:
    """Add credit up within each trial, rep and period; the ledger is in that order."""
    if not len(ledger):
        return credit.copy()
    key = (ledger.trial * len(ledger.reps) + ledger.rep) * len(ledger.periods) + ledger.period
    place = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    total = np.cumsum(credit)
    before = (total - credit)[place]
    return np.asarray(total - np.repeat(before, np.diff(np.r_[place, len(key)])))
