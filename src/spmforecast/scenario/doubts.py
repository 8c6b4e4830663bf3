"""Where a forecast leans on little: what a reader must know before relying on it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from spmforecast.data.quality import Finding
from spmforecast.data.quality.gaps import CREATED
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.growth import STEADY
from spmforecast.models.pipeline import last_recorded
from spmforecast.plan import AnnualPlan
from spmforecast.scenario.keys import ModelKeys
from spmforecast.scenario.schema import Scenario
from spmforecast.scenario.tables import company_targets
from spmforecast.simulate import Forecast

__all__ = ["doubts"]

_SILENT_DAYS = 45
_FEW_TRIALS = 100
_OF_DEALS = ("law", "half_life", "growth", "amount_tail", "holidays")
"""Keys of ``model`` that say how deals move, are created and how large they are, and when nobody works."""
_FEW_CLOSED, _FEW_ORDERS, _FEW_MONTHS = 100, 100, 24


def doubts(
    scenario: Scenario,
    model: FittedPipeline | FittedBookings,
    forecast: Forecast,
    plan: AnnualPlan,
    findings: Iterable[Finding] = (),
) -> list[str]:
    """Say where the forecast leans on little.

    Parameters
    ----------
    scenario : Scenario
        The question.
    model : FittedPipeline or FittedBookings
        The fit.
    forecast : Forecast
        Draws.
    plan : AnnualPlan
        Targets.
    findings : iterable of Finding
        What is odd about the data.

    Returns
    -------
    list of str
        Sentences, without capitals or full stops.
    """
    asked = _of_question(scenario, model, forecast, plan)
    if isinstance(model, FittedBookings):
        out = [*_nature_of_bookings(scenario), *asked, *_few_bookings(model)]
    else:
        out = [*_nothing_won(model), *asked, *_growing(model), *_few_deals(model)]
    out += _silences(model, findings)
    if not company_targets(plan, forecast):
        out.append("no plan covers the periods of the forecast: nothing is judged against plan")
    return out


def _silences(model: FittedPipeline | FittedBookings, findings: Iterable[Finding]) -> list[str]:
    """Say from when to when tables have no rows, and what the fit makes of that."""
    out, unknown = [], () if isinstance(model, FittedBookings) else model.creation.unrecorded.tolist()
    if unknown:
        days = sum(last - first + 1 for first, last in unknown)
        spans = [f"from {np.datetime64(first, 'D')} to {np.datetime64(last, 'D')}" for first, last in unknown]
        out.append(
            f"no deal was created {' and '.join(spans)}, though deals come every few days: these {days} days are taken "
            "as not recorded, so that the fit of creation learns nothing from them; export the deals that are missing"
        )
    out += [
        f"{gap.table}.{gap.column}: nothing for {gap.rows} days ({'; '.join(gap.examples)}), though rows come every "
        "few days: the fit takes that for a season or a quiet market; export what is missing"
        for gap in findings
        if gap.rule == "gaps" and not (unknown and gap.column == CREATED)
    ]
    return out


def _of_question(
    scenario: Scenario, model: FittedPipeline | FittedBookings, forecast: Forecast, plan: AnnualPlan
) -> list[str]:
    out = []
    last = model.history.bookings["date"].max() if isinstance(model, FittedBookings) else last_recorded(model.history)
    silent = (model.as_of - pd.Timestamp(last)).days
    if silent > _SILENT_DAYS:
        out.append(f"nothing is recorded in the last {silent} days before as_of: is the export older than the date?")
    if forecast.trials < _FEW_TRIALS:
        out.append(
            f"only {forecast.trials} trial{'s' if forecast.trials > 1 else ''}: "
            "intervals and chances are too coarse to use"
        )
    return out + (_unjudged(forecast, plan) if scenario.keys.plan is not None else [])


def _unjudged(forecast: Forecast, plan: AnnualPlan) -> list[str]:
    """Name company targets that begin after the forecast's start and that it does not cover."""
    judged = company_targets(plan, forecast)
    start = forecast.calendar.period(forecast.periods[0]).start
    company = [label for label, level, _ in plan.given if level == "company"]
    late = [label for label in company if label not in judged and forecast.calendar.period(label).start >= start]
    return [f"the forecast does not cover the target of {', '.join(sorted(late))}: not judged"] if late else []


def _nothing_won(model: FittedPipeline) -> list[str]:
    if (model.deals["status"] == "won").any():
        return []
    return ["no won deal is known: chances to win and amounts of new deals are guesses from the prior"]


def _growing(model: FittedPipeline) -> list[str]:
    """Say where creation has clearly grown, or shrunk, by more than the forecast goes on with."""
    trend = model.market.trend
    if trend is None or not trend.clear or model.spec.growth != STEADY:
        return []
    year, low, high = (100 * np.expm1(of) for of in (trend.year, trend.low, trend.high))
    way = "fallen" if year < 0 else "grown"
    return [
        f"deals created by a rep have {way} by {abs(year):.0f} % a year (90 % interval of the change {low:+.0f} to "
        f"{high:+.0f} %), and the forecast lets creation return towards its mean: where that goes on, set "
        "model: {growth: free}"
    ]


def _few_deals(model: FittedPipeline) -> list[str]:
    out = []
    won, lost = (int((model.deals["status"] == status).sum()) for status in ("won", "lost"))
    if won + lost < _FEW_CLOSED:
        out.append(
            f"only {won} won and {lost} lost deals are known: rates lean on the pooled mean and intervals are wide"
        )
    if model.stays.unplaced:
        out.append(
            f"{model.stays.unplaced} deals have no stage history: taken as entering the usual first stage at creation"
        )
    if model.amounts.ratio_deals == 0:
        out.append("no amounts are known before the close: an open deal's recorded amount is taken as final")
    return out + _unknown_amounts(model.deals)


def _unknown_amounts(deals: pd.DataFrame) -> list[str]:
    unknown = int(deals.loc[deals["status"] == "open", "amount"].isna().sum())
    known = deals["amount"] > 0
    if not unknown or not known.any():
        return []
    source = "won deals" if (known & (deals["status"] == "won")).any() else "the other deals, as none is won"
    return [f"{unknown} open deals have no known amount: drawn from the amounts of {source}"]


def _nature_of_bookings(scenario: Scenario) -> list[str]:
    out = [
        "no deals are on record: the forecast carries on what each rep has booked (level, season, trend, market) and "
        "cannot see what is in the pipeline"
    ]
    asked, usual = scenario.keys.model, ModelKeys()
    idle = [key for key in _OF_DEALS if getattr(asked, key) != getattr(usual, key)]
    if idle:
        out.append(f"model: {', '.join(idle)} {'has' if len(idle) == 1 else 'have'} no effect without deals")
    if asked.segment_by != usual.segment_by:
        out.append("model: segment_by has no effect without deals; name attributes of bookings under levels instead")
    return out


def _few_bookings(model: FittedBookings) -> list[str]:
    out = []
    months = len(model.factors.common.months)
    if model.sizes.count < _FEW_ORDERS:
        out.append(f"only {model.sizes.count} orders are known: levels lean on the average rep and intervals are wide")
    if months < _FEW_MONTHS:
        out.append(f"{months} months of bookings are known: the season of the year is largely unknown")
    if not len(model.history.reps):
        out.append("there is no table of reps: who sells is told by recent bookings, and nobody is taken to leave")
    return out
