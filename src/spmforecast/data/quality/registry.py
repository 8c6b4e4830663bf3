"""Registry: the rules by name, how grave what they find is, and which look at files rather than at records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from spmforecast.data.quality import (
    amounts,
    cleanups,
    dates,
    dead,
    duplicates,
    files,
    gaps,
    keys,
    missing,
    stages,
    targets,
    telling,
)
from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import Records

__all__ = ["RULES", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the quality report.

    Parameters
    ----------
    find : callable
        Finds what is odd; pure.
    level : int
        1: it bends the forecast; 2: it may; 3: good to know.
    of_files : bool
        Whether it tells what was found while the files were read, whatever the day.
    """

    find: Callable[[Records], Iterable[Finding]]
    level: int
    of_files: bool = False


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "rejected_rows": Rule(files.rejected_rows, 1, of_files=True),
        "unmatched_lookups": Rule(files.unmatched_lookups, 1, of_files=True),
        "left_out_rows": Rule(files.left_out_rows, 3, of_files=True),
        "mapped_spellings": Rule(files.mapped_spellings, 3, of_files=True),
        "impossible_dates": Rule(dates.impossible_dates, 1),
        "outcome_columns": Rule(telling.outcome_columns, 1),
        "clean_up_days": Rule(cleanups.clean_ups, 1),
        "likely_duplicates": Rule(duplicates.likely_duplicates, 1),
        "gaps": Rule(gaps.gaps, 1),
        "late_first_records": Rule(gaps.late_first_records, 1),
        "tables_apart": Rule(gaps.tables_apart, 1),
        "unmatched_keys": Rule(keys.unmatched_keys, 1),
        "misspellings": Rule(keys.misspellings, 1),
        "win_rate_drift": Rule(telling.win_rate_drift, 1),
        "dead_deals": Rule(dead.dead_deals, 1),
        "quotas_out_of_scale": Rule(targets.quotas_out_of_scale, 2),
        "quotas_of_managers": Rule(targets.quotas_of_managers, 2),
        "quotas_beyond_record": Rule(targets.quotas_beyond_record, 2),
        "outlying_amounts": Rule(amounts.outlying_amounts, 2),
        "outlying_bookings": Rule(amounts.outlying_bookings, 2),
        "won_without_amount": Rule(missing.won_without_amount, 1),
        "zero_amounts": Rule(amounts.zero_amounts, 2),
        "zero_amounts_of_lost": Rule(amounts.zero_amounts_of_lost, 3),
        "bulk_creation": Rule(dates.bulk_creation, 2),
        "events_out_of_time": Rule(dates.events_out_of_time, 2),
        "instant_closings": Rule(dates.instant_closings, 2),
        "losses_in_one_stage": Rule(stages.losses_in_one_stage, 2),
        "back_moves": Rule(stages.back_moves, 2),
        "past_close_dates": Rule(dates.past_close_dates, 2),
        "made_up_cycles": Rule(telling.made_up_cycles, 2),
        "unknown_words": Rule(keys.unknown_words, 2),
        "no_stage_history": Rule(missing.no_stage_history, 3),
        "unknown_while_open": Rule(missing.unknown_while_open, 3),
        "empty_cells": Rule(missing.empty_cells, 3),
        "only_final_values": Rule(missing.only_final_values, 3),
        "reopened_deals": Rule(stages.reopened_deals, 3),
        "no_old_open_deals": Rule(dead.no_old_open_deals, 3),
    }
)
"""Every rule, by the name under which it can be skipped."""
