"""Findings: what the quality report says, and the table of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from spmforecast.data.history import History
from spmforecast.data.quality.limits import QualityRules

__all__ = ["COLUMNS", "Finding", "as_table", "find", "quality_report"]

COLUMNS = ("rule", "table", "column", "rows", "share", "examples", "effect", "mend")
_MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is odd about the records.

    Parameters
    ----------
    rule : str
        Which rule found it.
    table, column : str
        Where.
    rows : int
        How many rows (or days, where the rule is about days) are concerned.
    of : int
        Out of how many.
    examples : tuple of str
        At most five.
    effect : str
        What it is and does to the forecast, in a sentence or two.
    mend : str
        What can be done about it.
    """

    rule: str
    table: str
    column: str
    rows: int
    of: int
    examples: tuple[str, ...]
    effect: str
    mend: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "examples", tuple(self.examples[:_MOST_EXAMPLES]))

    @property
    def share(self) -> float:
        """Rows concerned as a share, between 0 and 1."""
        return min(self.rows / self.of, 1.0) if self.of else 0.0


def quality_report(
    history: History, rules: QualityRules | None = None, day: object = None, files: bool | None = None
) -> pd.DataFrame:
    """Tabulate what is odd about a company's records, most telling first.

    Parameters
    ----------
    history : History
        As read, or as of a day.
    rules : QualityRules, optional
        Limits, and rules to skip.
    day : date, optional
        Look at what was known at the close of this day only.
    files : bool, optional
        Whether to tell, too, what was found while the files were read (rejected rows, rows left out, lookups
        without a match). Those findings count all rows, whatever their date, so they are left out of a history
        that is cut at a day unless asked for.

    Returns
    -------
    pandas.DataFrame
        ``rule, table, column, rows, share, examples, effect, mend``; examples are joined by ``; ``.
    """
    known = history if day is None else history.as_of(day)
    return as_table(find(known, rules or QualityRules(), known.known_at is None if files is None else files))


def find(history: History, rules: QualityRules, files: bool = True) -> tuple[Finding, ...]:
    """Apply every rule that is not skipped; most telling findings first.

    Parameters
    ----------
    history : History
        As read, or as of a day.
    rules : QualityRules
        Limits, and rules to skip.
    files : bool
        Whether to tell what was found while the files were read.
    """
    from spmforecast.data.quality.records import Records
    from spmforecast.data.quality.registry import RULES

    records = Records(history, rules)
    told: list[tuple[tuple[object, ...], Finding]] = []
    for name, rule in RULES.items():
        if name in rules.skip or (rule.of_files and not files):
            continue
        told += [(_order(rule.level, one), one) for one in rule.find(records)]
    return tuple(one for _, one in sorted(told, key=lambda pair: pair[0]))


def _order(level: int, one: Finding) -> tuple[object, ...]:
    """Sort by the gravity of the rule, then by share and size; names decide ties."""
    return (level, -one.share, -one.rows, one.rule, one.table, one.column, one.examples)


def as_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Put findings into the columns of the report."""
    frame = pd.DataFrame(_rows(findings), columns=list(COLUMNS))
    kinds = {"rows": "int64", "share": "float64"}
    return frame.astype({name: kinds.get(name, "str") for name in COLUMNS})


def _rows(findings: Iterable[Finding]) -> Iterator[tuple[object, ...]]:
    for one in findings:
        examples = "; ".join(one.examples)
        yield (one.rule, one.table, one.column, one.rows, one.share, examples, one.effect, one.mend)
