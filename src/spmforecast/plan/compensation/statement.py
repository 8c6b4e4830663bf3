"""Statements: what each rep is paid in each period and for each deal, with every line of the reckoning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd

from spmforecast.display import card
from spmforecast.plan.compensation.cents import money
from spmforecast.plan.compensation.credit import credited, credits_of
from spmforecast.plan.compensation.exact import Line, Rep, advance
from spmforecast.plan.compensation.ledger import Ledger
from spmforecast.plan.compensation.spans import Grid

__all__ = ["Statement", "state"]

_LINES = ["rep", "period", "component", "line", "base", "rate", "amount", "rule"]
_PAY = ["rep", "period", "earned", "clawed_back", "paid", "owed"]
_DEALS = ["deal", "rep", "period", "component", "credit", "pay"]


@dataclass(frozen=True)
class Statement:
    """What a plan pays, exactly.

    Parameters
    ----------
    lines : pandas.DataFrame
        ``rep, period, component, line, base, rate, amount, rule``: the reckoning. The amounts of a rep and period sum
        exactly to what is paid. `base` and `amount` are decimals to the cent, `rate` is a float.
    pay : pandas.DataFrame
        ``rep, period, earned, clawed_back, paid, owed``: earned in the period, taken back (negative) for deals
        cancelled in it, paid after draws, and owed to the company after it. Decimals.
    deals : pandas.DataFrame
        ``deal, rep, period, component, credit, pay``: what each deal added, in order of the ledger, when it was won.
    """

    lines: pd.DataFrame
    pay: pd.DataFrame
    deals: pd.DataFrame

    def explain(self, rep: str, period: str) -> str:
        """Write the reckoning of a rep and period, a line each.

        Parameters
        ----------
        rep, period : str
            As in the ledger.
        """
        mine = self.lines[(self.lines["rep"] == rep) & (self.lines["period"] == period)]
        told = [
            f"{name or 'plan'}: {what}: {base:,.2f}{'' if rate != rate else f' × {rate:.6g}'} = {amount:,.2f} ({rule})"
            for name, what, base, rate, amount, rule in mine[_LINES[2:]].itertuples(index=False, name=None)
        ]
        return "\n".join([*told, f"paid: {sum(mine['amount'], Decimal(0)):,.2f}"])

    def _repr_html_(self) -> str:
        total = sum(self.pay["paid"], Decimal(0))
        return card("Statement", {"reps": self.pay["rep"].nunique(), "paid": f"{total:,.2f}"}, self.lines)


def state(grid: Grid, ledger: Ledger) -> Statement:
    """Reckon exactly what a ledger of one trial pays.

    Parameters
    ----------
    grid : Grid
        Plan, quotas and periods of the ledger's reps and periods.
    ledger : Ledger
        Deals.

    Returns
    -------
    Statement
    """
    rows = credited(ledger, grid.terms)
    known = [_known(grid, ledger, rows, period) for period in range(grid.shape[1])]
    lines, pay, deals = [], [], []
    for rep, name in enumerate(ledger.reps):
        books = [Rep(grid, rep, {key: list(map(int, own[0, rep])) for key, own in one.items()}) for one in known]
        debt = 0
        for period, label in enumerate(ledger.periods):
            own = books[period].earned(period)
            taken = list(_clawback(grid, ledger, books, period))
            earned, back = sum(line.amount for line in own), sum(line.amount for line in taken)
            drawn, debt = advance(grid, period, earned + back, debt)
            paid = earned + back + sum(line.amount for line in drawn)
            pay.append((name, label, money(earned), money(back), money(paid), money(debt)))
            lines += [(name, label, *_shown(line)) for line in (*own, *taken, *drawn)]
            deals += [(rep, period, *one) for one in _by_deal(grid, ledger, rows, books[period], rep, period)]
    return Statement(pd.DataFrame(lines, columns=_LINES), pd.DataFrame(pay, columns=_PAY), _deals(ledger, deals))


def _known(grid: Grid, ledger: Ledger, rows: dict[str, np.ndarray], period: int) -> dict[str, np.ndarray]:
    return credits_of(ledger, rows, counted(grid, ledger, period))


def counted(grid: Grid, ledger: Ledger, period: int) -> np.ndarray:
    """Mark the deals that count at the close of a period, by the plan's rule for cancelled ones."""
    if not grid.terms.clawback.recompute:
        return np.asarray(ledger.period <= period)
    return ledger.known(period, grid.terms.clawback.within)


def _clawback(grid: Grid, ledger: Ledger, books: list[Rep], period: int) -> Iterator[Line]:
    """Work earlier periods out again without what was cancelled in this one."""
    if not period:
        return
    now, before = books[period], books[period - 1]
    for earlier in range(period):
        changed = {key: now.credits[key][earlier] - before.credits[key][earlier] for key in now.credits}
        amount = sum(line.amount for line in now.earned(earlier)) - sum(line.amount for line in before.earned(earlier))
        if amount or any(changed.values()):
            label = ledger.periods[earlier]
            rule = f"pay of {label} worked out again without deals cancelled in {ledger.periods[period]}"
            base = Fraction(changed[grid.terms.main])
            yield Line("", f"clawback of {label}", base, None, amount, rule)


def _shown(line: Line) -> tuple[str, str, Decimal, float, Decimal, str]:
    rate = float("nan") if line.rate is None else float(line.rate)
    return (line.component, line.what, _decimal(line.base), rate, money(line.amount), line.rule)


def _decimal(hundredths: Fraction) -> Decimal:
    """Write a base; where a tier begins between two cents, its base is shown to six places."""
    exact = Decimal(hundredths.numerator) / Decimal(100 * hundredths.denominator)
    places = Decimal("0.01") if hundredths.denominator == 1 else Decimal("0.000001")
    return exact.quantize(places)


def _by_deal(
    grid: Grid, ledger: Ledger, rows: dict[str, np.ndarray], book: Rep, rep: int, period: int
) -> Iterator[tuple[int, str, int, int]]:
    """Give what each deal of a rep and period adds to each component: pay with it less pay before it."""
    here = np.flatnonzero((ledger.rep == rep) & (ledger.period == period) & counted(grid, ledger, period))
    for component in grid.terms.components:
        first = grid.years[period] if component.year_to_date else period
        run = sum(book.credits[component.measure][first:period])
        before = book.component(component, period, run)
        for row in here:
            credit = int(rows[component.measure][row])
            run += credit
            after = book.component(component, period, run)
            if credit:
                yield (int(row), component.name, credit, after - before)
            before = after


def _deals(ledger: Ledger, found: list[tuple[int, int, int, str, int, int]]) -> pd.DataFrame:
    made = [
        (ledger.deal[row], ledger.reps[rep], ledger.periods[period], component, money(credit), money(pay))
        for rep, period, row, component, credit, pay in found
    ]
    return pd.DataFrame(made, columns=_DEALS)
