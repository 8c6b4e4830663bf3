"""Quality of the data in a scenario: which rules look at them, what is repaired, and what a run tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from spmforecast.data import History
from spmforecast.data.history import REJECTED_COLUMNS
from spmforecast.data.quality import RULES, Finding, QualityRules, repair
from spmforecast.data.quality.findings import find
from spmforecast.errors import Problem
from spmforecast.scenario.keys.base import Names, listed
from spmforecast.written import Loc, Written, nearest

__all__ = ["Examined", "QualityKeys", "examine", "rejected_and_found", "wrong_rules"]

_TOLD_ALREADY = ("rejected_rows", "duplicate_ids")
"""Findings whose rows stand in rejected.csv one by one."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0)]


class RuleKeys(_Strict):
    """Limits of the rules and rules to skip; see :class:`spmforecast.data.quality.QualityRules`."""

    skip: Names = ()
    dead_age_quantile: _Share = 0.975
    dead_least_exits: _Count = 30
    past_close_days: _Count = 90
    outlier_z: Annotated[float, Field(gt=0)] = 6.0
    gap_days: _Count = 21
    empty_share: _Share = 0.01
    back_share: _Share = 0.02
    rare_share: _Share = 0.05
    outcome_auc: _Share = 0.95
    drift_spread: _Share = 0.25
    instant_share: _Share = 0.10
    one_stage_share: _Share = 0.80
    clean_up_least: _Count = 10
    clean_up_factor: Annotated[float, Field(ge=0)] = 5.0
    bulk_share: _Share = 0.02

    def limits(self) -> QualityRules:
        """Return the limits as the rules take them."""
        return QualityRules(**self.model_dump())


class QualityKeys(_Strict):
    """What to look for in the data, what to repair, and how to treat clean-up days."""

    rules: RuleKeys = RuleKeys()
    repair: Annotated[
        tuple[Literal["nearest_keys", "trim_duplicates", "close_dead_deals"], ...],
        BeforeValidator(listed, json_schema_input_type=str | tuple[str, ...]),
    ] = ()
    clean_ups: Literal["keep", "censor"] = "keep"

    @property
    def repairs(self) -> tuple[str, ...]:
        """Every repair that is asked for."""
        return (*self.repair, *(("censor_clean_ups",) if self.clean_ups == "censor" else ()))


@dataclass(frozen=True)
class Examined:
    """A history as known at a day, looked at and repaired as asked.

    Parameters
    ----------
    history : History
        After the repairs.
    findings : tuple of Finding
        What was odd before the repairs, on what was known only.
    of_files : tuple of Finding
        What was odd about the files, whatever the date of the rows.
    """

    history: History
    findings: tuple[Finding, ...] = ()
    of_files: tuple[Finding, ...] = ()


def examine(known: History, keys: QualityKeys) -> Examined:
    """Look at what was known at a day, then repair it as far as the scenario asks for it.

    Parameters
    ----------
    known : History
        Cut at its day: repairs must not know what came later.
    keys : QualityKeys
        Rules and repairs.
    """
    rules = keys.rules.limits()
    told = find(known, rules, files=True)
    of_files = tuple(one for one in told if _is_of_files(one))
    findings = tuple(one for one in told if not _is_of_files(one))
    return Examined(repair(known, keys.repairs, rules), findings, of_files)


def _is_of_files(one: Finding) -> bool:
    return one.rule == "duplicate_ids" or (one.rule in RULES and RULES[one.rule].of_files)


def rejected_and_found(rejected: pd.DataFrame, findings: Iterable[Finding]) -> pd.DataFrame:
    """Put a line for each finding behind the rejected rows.

    Parameters
    ----------
    rejected : pandas.DataFrame
        As in :class:`~spmforecast.data.History`.
    findings : iterable of Finding
        What was found; rejected rows are not told a second time.

    Returns
    -------
    pandas.DataFrame
        The same columns; ``line`` is missing for findings.
    """
    lines = pd.DataFrame(_lines(findings), columns=list(REJECTED_COLUMNS))
    out = pd.concat([rejected.astype({"line": "Int64"}), lines.astype({"line": "Int64"})], ignore_index=True)
    return out.astype({name: "str" for name in REJECTED_COLUMNS if name != "line"})


def _lines(findings: Iterable[Finding]) -> Iterator[tuple[object, ...]]:
    for one in findings:
        if one.rule not in _TOLD_ALREADY:
            reason = f"{one.rule}: {one.rows:,} of {one.of:,} ({100 * one.share:.1f} %)"
            yield (one.table, "", pd.NA, one.column, one.examples[0] if one.examples else "", reason, one.mend)


def wrong_rules(keys: QualityKeys, written: Written) -> list[Problem]:
    """Find rules to skip that are none."""
    loc: Loc = ("quality", "rules", "skip")
    problems = []
    for name in keys.rules.skip:
        if name not in RULES:
            near = nearest(name, RULES)
            mend = f"Did you mean {near}?" if near else f"The rules are {', '.join(RULES)}."
            problems.append(written.problem(loc, "there is no such rule", mend, name))
    return problems
