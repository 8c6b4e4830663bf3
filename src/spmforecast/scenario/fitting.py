"""From a scenario's keys to a fit."""

from __future__ import annotations

import math
from dataclasses import replace

from spmforecast.data import History
from spmforecast.evaluate.law_choice import LAWS_TO_TRY, choose_half_life, choose_law
from spmforecast.models import BookingsModel, FittedBookings, FittedPipeline, ModelSpec, PipelineModel
from spmforecast.models.parametric.hazards import FREE
from spmforecast.scenario.schema import Scenario

__all__ = ["fit_scenario", "named_spec", "without_deals"]


def named_spec(scenario: Scenario) -> ModelSpec:
    """Return the specification that a scenario names; what is to be chosen stands at its plain value."""
    keys = scenario.keys.model
    law = keys.law if keys.law != "choose" else FREE
    half_life = keys.half_life if isinstance(keys.half_life, float) else math.inf
    return ModelSpec(
        segment_by=keys.segment_by,
        law=law,
        half_life=half_life,
        growth=keys.growth,
        amount_tail=keys.amount_tail,
        holidays=keys.holidays,
    )


def fit_scenario(scenario: Scenario, known: History, spec: ModelSpec | None = None) -> FittedPipeline | FittedBookings:
    """Fit what deals teach, or, where none is known, what bookings do.

    Parameters
    ----------
    scenario : Scenario
        The question; its key ``model`` says what to fit. ``law: choose`` and ``half_life: choose`` take the ways that
        foretold best on the last quarters, and the fit says so in its ``choice``.
    known : History
        Cut at the scenario's as-of date.
    spec : ModelSpec, optional
        What was chosen; by default what the scenario names.

    Returns
    -------
    FittedPipeline or FittedBookings
    """
    as_of = scenario.keys.as_of
    if without_deals(known):
        return BookingsModel(calendar=scenario.calendar).fit(known, as_of)
    spec, told = spec or named_spec(scenario), []
    if scenario.keys.model.law == "choose":
        candidates = [replace(spec, law=name) for name in LAWS_TO_TRY]
        choice = choose_law(known, as_of, candidates, calendar=scenario.calendar)
        spec, told = choice.spec, [choice.told()]
    if scenario.keys.model.half_life == "choose":
        choice = choose_half_life(known, as_of, spec, calendar=scenario.calendar)
        spec, told = choice.spec, [*told, choice.told()]
    return replace(PipelineModel(spec, calendar=scenario.calendar).fit(known, as_of), choice=" ".join(told))


def without_deals(known: History) -> bool:
    """Tell whether a history holds bookings alone, so that they are all that a forecast can rest on."""
    return known.opportunities.empty and len(known.bookings) > 0
