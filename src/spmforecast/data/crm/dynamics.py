"""Dynamics 365: the preset does what it can; quotas are rebuilt from goals, and stage history from the audit log.

The opportunity table says where a deal stands now and nothing of how it got there. What it was before is told by the
audit log alone, where auditing is switched on and the log is exported with the deals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.data.crm.dynamics_audit import stage_history
from spmforecast.data.crm.goals import near_midnight, period_labels
from spmforecast.data.crm.jsonfiles import json_table
from spmforecast.data.crm.options import CrmOptions, option_problem
from spmforecast.data.crm.rebuilt import Export, RebuiltSource
from spmforecast.data.naming import find_name, fold_column, fold_file
from spmforecast.data.sources import RawTable, Source
from spmforecast.data.sources.columns import as_text
from spmforecast.errors import InputError, Problem

__all__ = ["adapt"]

_NO_AUDIT = (
    "Dynamics keeps no stage history with its opportunities: only their present stage, amount, owner and expected "
    "close are known. Export the audit table too where auditing is on"
)
_NO_LEAVING = "Dynamics does not say when users were hired or left: give a reps table of your own for their dates"


@dataclass
class _DynamicsSource(RebuiltSource):
    """A Dynamics export with what could be rebuilt from it."""

    notes: tuple[str, ...] = ()

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note for each thing that was not used, and what Dynamics does not tell."""
        return (*self.notes, *super().leftovers(used))


def adapt(source: Source, options: CrmOptions) -> Source:
    """Rebuild quotas and stage history where the export has goals and an audit log.

    Parameters
    ----------
    source : Source
        The export.
    options : CrmOptions
        The month in which the fiscal year begins.

    Returns
    -------
    Source

    Raises
    ------
    InputError
        If goals or audit log cannot be read, or options name what Dynamics does not have.
    """
    if options.pipelines:
        told, mend = "Dynamics has no pipelines", "Take pipelines out, or keep rows with where in a map."
        raise InputError(option_problem("pipelines", told, mend, ", ".join(options.pipelines)))
    source = _with_answers(source)
    export = Export(source)
    tables: dict[str, RawTable] = {}
    goals = export.table(["goal"], "quotas")
    if goals is not None:
        tables["goal_quotas"] = _quotas(goals, options.calendar)
    audit = export.table(["audit", "opportunity_audit"], "stage_history")
    deals = None if audit is None else Export(source).table(["opportunity", "All Opportunities"], "opportunities")
    notes: tuple[str, ...] = (_NO_AUDIT,)
    if audit is not None and deals is not None:
        tables["audit_stage_history"] = stage_history(audit, deals)
        notes = ()
    if find_name(("systemuser", "user"), source.names(), fold_file):
        notes = (*notes, _NO_LEAVING)
    return _DynamicsSource(source, tables, frozenset(export.read), notes)


_ANSWERS = {
    "opportunity": "opportunities",
    "audit": "stage_history",
    "systemuser": "reps",
    "territory": "territories",
    "account": "accounts",
    "activitypointer": "activities",
    "goal": "quotas",
    "transactioncurrency": "opportunities",
}
"""Tables that the Web API may have answered with, and the canonical table that each is told as."""


def _with_answers(source: Source) -> Source:
    """Offer the answers of the Web API (``{"value": [...]}``) as tables by their logical names."""
    export = Export(source)
    tables: dict[str, RawTable] = {}
    for name, table in _ANSWERS.items():
        dump = export.dump([name], table)
        if dump is not None:
            tables[name] = json_table(dump, table, lambda record: record.value)
    return export.rebuilt(tables) if tables else source


def _quotas(goals: RawTable, calendar: FiscalCalendar) -> RawTable:
    """Turn each goal of money into a quota; other goals are left out."""
    frame = goals.frame
    column = {name: _column(frame, candidates) for name, candidates in _GOAL.items()}
    money = column["quota_base"].where(column["quota_base"] != "", column["quota"])
    first, last = near_midnight(column["first"]), near_midnight(column["last"])
    labels = period_labels(first, last, calendar)
    out = (money == "").to_numpy()
    wrong = np.flatnonzero(~out & (labels == "").to_numpy())
    told = "the goal does not run over a fiscal month, quarter or year"
    mend = "Correct its days, or say in which month the fiscal year begins (fiscal_year_start)."
    broken = [
        Problem(
            "quotas",
            told,
            mend,
            goals.file,
            int(goals.lines[row]),
            "goalstartdate",
            f"{column['first'].iloc[row]} to {column['last'].iloc[row]}",
        )
        for row in wrong
    ]
    good = ~out & (labels != "").to_numpy()
    quotas = pd.DataFrame({"rep_id": column["rep_id"], "period": labels, "quota": money})[good]
    exclusions = dict(goals.exclusions)
    if out.any():
        exclusions["a goal of something other than money"] = int(out.sum())
    kept = quotas.reset_index(drop=True)
    return RawTable(goals.file, kept, goals.lines[good], (*goals.broken, *broken), goals.notes, exclusions)


_GOAL = {
    "rep_id": ("_goalownerid_value", "goalownerid", "Goal Owner"),
    "first": ("goalstartdate", "From"),
    "last": ("goalenddate", "To"),
    "quota": ("targetmoney", "Target (Money)"),
    "quota_base": ("targetmoney_base", "Target (Money) (Base)"),
}


def _column(frame: pd.DataFrame, candidates: tuple[str, ...]) -> pd.Series:
    found = find_name(candidates, frame.columns, fold_column)
    if not found:
        return pd.Series("", index=frame.index, dtype="str")
    values = frame[found[0]]
    return as_text(values).str.strip()
