"""What the example company writes down: its CRM rows, its people and the bookings it wins."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spmforecast.data.example import figures as fig
from spmforecast.data.example.deals import Deals
from spmforecast.data.example.figures import Floats, Ints

__all__ = ["Ledger"]

Column = Ints | Floats
_ROWS = ("number", "day", "stage", "amount", "due", "rep", "category")
_BIRTHS = ("number", "day", "home", "segment", "source", "product")
_ENDS = ("number", "list_price", "discount")
_WINS = ("future", "rep", "home", "segment", "day", "amount")
_HIRES = ("rep", "home", "day")
_DAYS = ("rep", "day")


@dataclass(slots=True)
class Ledger:
    """Everything that is written down, in the order in which it happened.

    Parameters
    ----------
    full : bool
        Whether CRM rows are kept; without them only the bookings are.
    """

    full: bool
    _parts: dict[str, list[tuple[Column, ...]]] = field(default_factory=dict)

    def _add(self, kind: str, *columns: Column) -> None:
        if len(columns[0]):
            self._parts.setdefault(kind, []).append(columns)

    def _read(self, kind: str, names: tuple[str, ...]) -> dict[str, Column]:
        parts = self._parts.get(kind, [])
        if not parts:
            return {name: np.empty(0, dtype=np.int64) for name in names}
        return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(names)}

    def stand(self, day: int, deals: Deals) -> None:
        """Write a stage-history row for each deal as it stands now."""
        if self.full:
            row = (deals.number, _same(day, deals), deals.stage, deals.amounts(), deals.due, deals.rep, deals.category)
            self._add("rows", *row)

    def born(self, day: int, deals: Deals) -> None:
        """Write down new deals and their first row."""
        if self.full:
            row = (deals.number, _same(day, deals), deals.home, deals.segment, deals.source, deals.product)
            self._add("births", *row)
            self.stand(day, deals)

    def ended(self, day: int, deals: Deals) -> None:
        """Write down deals that were closed today; their stage tells how."""
        won = deals.take(deals.stage == fig.WON)
        self._add("wins", won.future, won.rep, won.home, won.segment, _same(day, won), won.amounts())
        if self.full:
            self._add("ends", deals.number, deals.list_price, deals.discount)
            self.stand(day, deals)

    def hired(self, rep: Ints, home: Ints, day: Ints) -> None:
        """Write down people who began."""
        if self.full:
            self._add("hires", rep, home, day)

    def left(self, rep: Ints, day: int) -> None:
        """Write down people who left."""
        if self.full:
            self._add("leavers", rep, np.full(len(rep), day))

    def trained(self, rep: Ints, day: int) -> None:
        """Write down people who completed the workshop."""
        if self.full:
            self._add("trainings", rep, np.full(len(rep), day))

    @property
    def rows(self) -> dict[str, Column]:
        """Stage-history rows."""
        return self._read("rows", _ROWS)

    @property
    def births(self) -> dict[str, Column]:
        """What is known of a deal from its first day."""
        return self._read("births", _BIRTHS)

    @property
    def ends(self) -> dict[str, Column]:
        """Price and discount of closed deals."""
        return self._read("ends", _ENDS)

    @property
    def wins(self) -> dict[str, Column]:
        """Bookings."""
        return self._read("wins", _WINS)

    @property
    def hires(self) -> dict[str, Column]:
        """People, with the day they began."""
        return self._read("hires", _HIRES)

    @property
    def leavers(self) -> dict[str, Column]:
        """People who left, with their last day."""
        return self._read("leavers", _DAYS)

    @property
    def trainings(self) -> dict[str, Column]:
        """People who completed the workshop, with the day."""
        return self._read("trainings", _DAYS)


def _same(day: int, deals: Deals) -> Ints:
    return np.full(len(deals), day, dtype=np.int64)
