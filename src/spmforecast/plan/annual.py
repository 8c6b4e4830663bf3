"""The annual plan: what the company, or a part of it, has promised for each period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.display import card
from spmforecast.errors import InputError, Problem

__all__ = ["AnnualPlan"]

_CENT = Decimal("0.01")
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class AnnualPlan:
    """Targets by period and node, exact to the cent; made by :meth:`from_mapping` or :meth:`from_frame`.

    What is given wins: a year that differs from the sum of its quarters is kept as it is, and so are they. A year
    that is not given follows from its four quarters, a quarter from its three months. Nothing is derived downwards:
    how a year falls into quarters is a decision, not arithmetic.

    Attributes
    ----------
    calendar : FiscalCalendar
        Decides which quarters make a year.
    given : mapping of (period, node_level, node) to Decimal
        The targets as given, in cents.
    """

    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)
    given: Mapping[Key, Decimal] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, targets: Mapping[str, object], calendar: FiscalCalendar | None = None) -> AnnualPlan:
        """Read the company's targets from ``{period: amount}``.

        Raises
        ------
        InputError
            With every label that names no period and every amount that is no target.
        """
        frame = pd.DataFrame({"period": list(targets.keys()), "target": list(targets.values())}, dtype=object)
        return cls.from_frame(frame, calendar)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, calendar: FiscalCalendar | None = None, file: str = "") -> AnnualPlan:
        """Read the canonical table ``plan``.

        Parameters
        ----------
        frame : pandas.DataFrame
            Columns ``period``, ``target`` (rounded half up to the cent), and where present ``node_level`` and
            ``node``; both are ``company`` where absent or empty.
        calendar : FiscalCalendar, optional
            Calendar years where absent.
        file : str
            Name of the file, for messages; the frame's rows are then counted as its lines.

        Raises
        ------
        InputError
            With every row that cannot be used: unknown period, missing or negative target, missing node, duplicate.
        """
        missing = [name for name in ("period", "target") if name not in frame.columns]
        if missing:
            raise InputError(Problem("plan", "the column is missing", file=file, column=name) for name in missing)
        calendar = calendar or FiscalCalendar()
        given: dict[Key, Decimal] = {}
        problems: list[Problem] = []
        rows = frame.reindex(columns=["period", "target", "node_level", "node"]).astype(object)
        for number, row in enumerate(rows.itertuples(index=False, name=None), start=2):
            at = _Row(file, number if file else None, problems)
            key, amount = at.key(calendar, row[0], row[2], row[3]), at.amount(row[1])
            if key is None or amount is None:
                continue
            if key in given:
                at.tell("period", "the target is given twice", "Keep one of them.", key[0])
            given[key] = amount
        if problems:
            raise InputError(problems)
        return cls(calendar, given)

    def target(self, period: str, node_level: str = "company", node: str = "company") -> float | None:
        """Return the target of a period, given or derived from its parts; None where neither is there.

        Raises
        ------
        InputError
            If `period` is no fiscal period.
        """
        self.calendar.kind(str(period))
        exact = self.exact(str(period), node_level, node)
        return None if exact is None else float(exact)

    def exact(self, period: str, node_level: str = "company", node: str = "company") -> Decimal | None:
        """Return the target as a decimal in cents; as :meth:`target`."""
        found = self.given.get((period, node_level, node))
        kind = self.calendar.kind(period)
        if found is not None or kind == "month":
            return found
        whole = self.calendar.period(period)
        parts = self.calendar.periods(whole.start, whole.end, "quarter" if kind == "year" else "month")
        amounts = [self.exact(part.label, node_level, node) for part in parts]
        known = [amount for amount in amounts if amount is not None]
        return sum(known, Decimal(0)) if len(known) == len(amounts) else None

    @property
    def table(self) -> pd.DataFrame:
        """The targets as given, as the canonical table ``plan``."""
        rows = [(period, float(amount), level, node) for (period, level, node), amount in self.given.items()]
        return pd.DataFrame(rows, columns=["period", "target", "node_level", "node"])

    def _repr_html_(self) -> str:
        table = self.table
        if (table["node_level"] == "company").all():
            table = table[["period", "target"]]
        years = sorted({self.calendar.year_of(period) for period, *_ in self.given})
        whole = {year: self.target(year) for year in years}
        return card("Annual plan", {year: f"{one:,.0f}" for year, one in whole.items() if one is not None}, table)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row being read: adds what is wrong with it to the common list."""

    file: str
    line: int | None
    problems: list[Problem]

    def tell(self, column: str, reason: str, mend: str, value: object = "") -> None:
        self.problems.append(Problem("plan", reason, mend, self.file, self.line, column, str(value)))

    def key(self, calendar: FiscalCalendar, period: object, level: object, node: object) -> Key | None:
        label = _text(period)
        try:
            calendar.kind(label)
        except InputError as error:
            told = error.problems[0]
            self.tell("period", told.reason, told.mend, label)
            label = ""
        named = _text(level) or "company"
        whose = _text(node) or ("company" if named == "company" else "")
        if not whose:
            self.tell("node", f"the {named} is not named", "Name it, or leave node_level empty for the company.")
        return (label, named, whose) if label and whose else None

    def amount(self, value: object) -> Decimal | None:
        try:
            amount = Decimal(_text(value)).quantize(_CENT, ROUND_HALF_UP)
        except InvalidOperation:
            reason = "not an amount" if _text(value) else "the amount is missing"
            self.tell("target", reason, "Write a number, without currency or thousands separators.", _text(value))
            return None
        if amount.is_nan():
            self.tell("target", "not an amount", "Write a number, or leave the row out.", value)
            return None
        if amount < 0:
            self.tell("target", "a target must not be negative", "Write 0 or more.", value)
            return None
        return amount


def _text(value: object) -> str:
    """Write a cell as text: a year read as 2025.0 is 2025, a missing value is empty."""
    if value is None or (not isinstance(value, str) and bool(pd.isna(value))):  # type: ignore[call-overload]
        return ""
    if isinstance(value, bool):
        return str(value)
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value).strip()  # type: ignore[call-overload]
