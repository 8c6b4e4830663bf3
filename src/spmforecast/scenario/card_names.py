"""Names under the key ``scorecards``: stages of the record, and measures of the pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from spmforecast.data.tables import ActivityType
from spmforecast.errors import Problem
from spmforecast.scenario.schema import Scenario
from spmforecast.written import nearest

__all__ = ["ACTIVITIES", "ENDS", "FIGURES", "LEVELS", "bare_name", "wrong_card_names"]

LEVELS = ("drivers", "indicators", "objectives")
FIGURES = {
    "deals_created_period": ("indicators", "deals"),
    "deals_created_4w": ("indicators", "deals"),
    "deals_created_year": ("indicators", "deals"),
    "win_rate": ("indicators", "share"),
    "cycle_days": ("indicators", "days"),
    "open_deals": ("indicators", "deals"),
    "open_amount": ("indicators", "money"),
    "over_limit": ("indicators", "deals"),
    "coverage": ("indicators", "times"),
    "discount": ("indicators", "share"),
    "booked_period": ("objectives", "money"),
    "booked_year": ("objectives", "money"),
    "attainment_period": ("objectives", "share"),
    "forecast_mean": ("objectives", "money"),
    "p_quota": ("objectives", "share"),
}
"""Level and unit of each figure of a card that is no activity."""

ACTIVITIES = get_args(ActivityType)


ENDS = ("_period", "_4w", "_year")
"""Spans over which one and the same measure is told; without them its name stands for all."""


def bare_name(measure: str) -> str:
    """Return the name of a measure without the span over which it is told."""
    for end in ENDS:
        measure = measure.removesuffix(end)
    return measure


def wrong_card_names(scenario: Scenario, stages: Sequence[str] | None) -> list[Problem]:
    """Find stages and measures that the key names but that are not there, and measures that stand on two levels.

    Parameters
    ----------
    scenario : Scenario
        The question.
    stages : sequence of str or None
        Stages of the record; None where no deals are recorded, so that nothing tells which there are.

    Returns
    -------
    list of Problem
        One for each place, with its line.
    """
    return [*_wrong_measures(scenario), *([] if stages is None else _wrong_stages(scenario, stages))]


def _wrong_stages(scenario: Scenario, stages: Sequence[str]) -> list[Problem]:
    problems = []
    for stage in scenario.keys.scorecards.stages:
        if stage not in stages:
            near = nearest(stage, stages)
            mend = f"Did you mean {near}?" if near else f"The stages are {', '.join(stages)}."
            problems.append(scenario.written.problem(("scorecards", "stages", stage), "no such stage", mend, stage))
    return problems


def _wrong_measures(scenario: Scenario) -> list[Problem]:
    known = {*FIGURES, *map(bare_name, FIGURES), *ACTIVITIES}
    seen, problems = set[str](), []
    for level in LEVELS:
        for at, measure in enumerate(getattr(scenario.keys.scorecards.pyramid, level)):
            loc = ("scorecards", "pyramid", level, at)
            if measure not in known:
                near = nearest(measure, known)
                mend = f"Did you mean {near}?" if near else f"Use one of: {', '.join(sorted(known))}."
                problems.append(scenario.written.problem(loc, "no such measure", mend, measure))
            elif measure in seen:
                problems.append(scenario.written.problem(loc, "stands on two levels", "Take one out.", measure))
            seen.add(measure)
    return problems
