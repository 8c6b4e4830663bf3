"""What assumptions and keys of quotas name but only a fit can tell to be there, such as who sells."""

from __future__ import annotations

from spmforecast.errors import InputError, Problem
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.scenario.assuming import adjustments_of, hire_names
from spmforecast.scenario.quota_names import reps_named, wrong_reps
from spmforecast.scenario.schema import Scenario

__all__ = ["names_reps", "unknown_to_fit", "without_quota"]


def names_reps(scenario: Scenario) -> bool:
    """Tell whether a scenario names anything that only a fit knows."""
    keys = scenario.keys.quotas
    return bool(scenario.keys.assumptions) or (keys is not None and next(reps_named(keys), None) is not None)


def unknown_to_fit(scenario: Scenario, model: FittedPipeline | FittedBookings) -> list[Problem]:
    """Find the names of assumptions and quotas that a fit does not know.

    Parameters
    ----------
    scenario : Scenario
        The question.
    model : FittedPipeline or FittedBookings
        The fit.

    Returns
    -------
    list of Problem
        One for each place, with its line.
    """
    problems = list[Problem]()
    try:
        adjustments_of(scenario, model)
    except InputError as error:
        problems += error.problems
    return problems + without_quota(scenario, model)


def without_quota(scenario: Scenario, model: FittedPipeline | FittedBookings) -> list[Problem]:
    """Find the reps whom keys of quotas name and who neither sell nor are to be hired."""
    keys = scenario.keys.quotas
    if keys is None:
        return []
    hired = [name for names in hire_names(scenario.every).values() for name in names]
    return wrong_reps(scenario, keys, [*model.roster.owners, *hired, TO_BE_HIRED])
