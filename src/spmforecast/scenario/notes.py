"""What a reader is told about how a forecast was made, in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.growth import STEADY
from spmforecast.models.spec import attributes
from spmforecast.models.teams import NAMES
from spmforecast.optimize.ways import WAYS
from spmforecast.plan import QuotaProposal
from spmforecast.scenario.booking_notes import TITLE, booking_notes

__all__ = ["model_notes"]

_MOST_NAMED = 3


def model_notes(
    model: FittedPipeline | FittedBookings, quotas: QuotaProposal | None, told: Sequence[str] = ()
) -> dict[str, Any]:
    """Describe the fit: what was estimated, under which assumption, on how many deals.

    Parameters
    ----------
    model : FittedPipeline or FittedBookings
        The fit.
    quotas : QuotaProposal or None
        The proposal, if any.
    told : sequence of str
        What was found when the forecast was prepared.

    Returns
    -------
    dict
        ``title`` and ``notes`` (sentences).
    """
    if isinstance(model, FittedBookings):
        return {"title": TITLE, "notes": [*booking_notes(model), *([_quotas(quotas)] if quotas is not None else [])]}
    notes = [_stages(model), *_law(model), _pooling(model), _amounts(model), _creation(model)]
    notes += [*_holidays(model), *_funnel(model), _capacity(model), _market(model), *_teams(model), *told]
    notes.append(
        "Each trial draws parameters, market path, outcome and amount of every open deal, and the deals to come; "
        "every figure is computed from the same draws, so all levels add up."
    )
    if quotas is not None:
        notes.append(_quotas(quotas))
    return {"title": "Competing-risk stage process with keyed Monte Carlo draws", "notes": notes}


def _stages(model: FittedPipeline) -> str:
    closed = int(model.deals["status"].isin(["won", "lost"]).sum())
    stages = " → ".join(model.stays.stages)
    since = model.history.observed_from
    truncated = f" Deals are watched from {since.date()} on (left truncation)." if since is not None else ""
    return (
        f"How deals move is estimated from {len(model.stays.deal):,} visits to stages ({stages}) of "
        f"{len(model.deals):,} deals, {closed:,} of them closed; deals still open count as open so far "
        f"(right censoring), not as lost.{truncated} Beyond the age by which 97.5 % of exits have happened a deal's "
        "daily chances rest on what such stale deals did: no reward for staleness."
    )


def _law(model: FittedPipeline) -> list[str]:
    """Say how chances depend on the age in stage where they are not free, and how that was chosen."""
    out = [model.choice] if model.choice else []
    if math.isfinite(model.spec.half_life):
        out.append(
            f"For how deals move a day of the record counts half after {model.spec.half_life:g} quarters, a quarter "
            "after twice as many, and so on; intervals are as wide as what is left of it."
        )
    laws = model.process.laws
    if laws is not None:
        names = sorted({fit.law.name for fit in laws.fits.values()})
        which = f"a law ({', '.join(names)})" if names else "no law yet, for want of exits"
        out.append(
            f"The chance to move depends on the age in stage by {which} for each of {len(laws.fits)} moves with enough "
            "exits; past the plateau it may fall with the law but not rise."
        )
    return out


def _pooling(model: FittedPipeline) -> str:
    bands = max(model.profiles.bands - 2, 0) + 1 if len(model.profiles.band_edges) else 0
    banded = f", and by {bands} bands of the amount known before the outcome" if bands else ""
    by = " and ".join(attributes(model.spec.segment_by))
    return (
        f"Rates differ by {by}{banded}, each shrunk towards the company's rate by as much as its "
        "few deals demand (gamma-Poisson empirical Bayes); reps have shrunk multipliers of their own on winning and on "
        "creating."
    )


def _amounts(model: FittedPipeline) -> str:
    ratio = (
        f"An open deal's amount changes on the way as it did, from its stage on, for {model.amounts.ratio_deals:,} won "
        "deals."
        if model.amounts.ratio_deals
        else "An open deal's recorded amount is taken as final."
    )
    won = int(model.amounts.deals.sum())
    tail = " with a Pareto tail beyond the 95 % quantile" if model.spec.amount_tail == "pareto" else ""
    trend = f"carried to the as-of date by a trend of {model.amounts.trend:+.1%} a year"
    told = f"Amounts of new deals follow the {won:,} won deals, empirical law by segment{tail}, {trend}."
    return f"{told} {_limited_amounts(model)}{ratio}"


def _limited_amounts(model: FittedPipeline) -> str:
    """Name the amounts that count for less than they are, and how to let them count in full; nothing without any."""
    limited = model.amounts.limited
    if not limited:
        return ""
    named = ", ".join(f"{whole:,.0f} as {part:,.0f}" for whole, part in limited[:_MOST_NAMED])
    more = f" and {len(limited) - _MOST_NAMED:,} more" if len(limited) > _MOST_NAMED else ""
    return (
        f"Far beyond all others, and taken back to the largest that so many usually hold: {named}{more}; model: "
        "{amount_tail: recorded} lets them count in full. "
    )


def _creation(model: FittedPipeline) -> str:
    creation = model.creation
    return (
        f"Deals to come: {creation.base * 365.25:.0f} a year per ramped rep from {int(creation.observed.sum()):,} "
        f"creations in {len(creation.months)} months, with season and each rep's own multiplier."
    )


def _holidays(model: FittedPipeline) -> list[str]:
    """Name the days of the year on which the company hardly works, as far as there are any."""
    if not model.holidays.rules:
        return []
    if model.spec.holidays is not None:
        return [f"Holidays, as the scenario names them: {model.holidays}. They count as days of a weekend."]
    return [
        f"Holidays: {model.holidays}. On such days the record is as quiet as at weekends, or does not speak against "
        "it; they count as days of a weekend, past and future. Where that is wrong, name them: model: {holidays: […]}."
    ]


def _funnel(model: FittedPipeline) -> list[str]:
    """Say whether recent activity moves the deals to come, where activities are recorded."""
    return [model.funnel.told()] if model.funnel is not None else []


def _capacity(model: FittedPipeline) -> str:
    sellers = f"{len(model.roster.owners)} owners sell at the as-of date."
    ramp = (
        f" Newcomers ramp as {model.creation.hires} of them did, in creating deals and in winning them."
        if (model.creation.ramp < 1).any()
        else " No ramp is modelled: too few newcomers with a hire date."
    )
    if model.attrition.shape <= 0:
        return sellers + ramp + " The record shows no leavers, so attrition is not modelled."
    seen = f"{model.attrition.backfills} seen" if model.attrition.backfills else "assumed"
    return (
        f"{sellers}{ramp} {100 * model.attrition.annual:.0f} % leave in a year ({model.attrition.leaves} leaves "
        f"on record); a successor, listed as (to be hired), starts after {model.attrition.backfill_days:.0f} days "
        f"({seen}). "
        "What a leaver's deals bring after that day is credited to a colleague of the territory, or to (to be hired)."
    )


def _market(model: FittedPipeline) -> str:
    market = model.market
    return (
        "The market moves all deals at once: the log odds of going up rather than being lost vary by "
        f"{market.conversion.tau_mean():.2f} (sd) and the log of creation by {market.creation.tau_mean():.2f}, with "
        f"correlation {market.correlation:.1f}, "
        f"estimated from {market.conversion.months} months against expectation; the level starts where it stands "
        f"today and returns to its mean{_growing(model)}."
    )


def _growing(model: FittedPipeline) -> str:
    """Say how fast creation grows where it is free to."""
    if model.spec.growth == STEADY:
        return ""
    growth = 100 * math.expm1(12 * float(model.market.creation.weight @ model.market.creation.growth))
    way = "falls" if growth < 0 else "grows"
    return (
        f", which for creation by a rep {way} by {abs(growth):.0f} % a year, damped by 2 % a month, as the record "
        "shows and model: {growth: free} lets it"
    )


def _teams(model: FittedPipeline) -> list[str]:
    """Say by how much single teams' quarters differ, where there are two."""
    shocks = model.teams
    if shocks is None:
        return []
    return [
        f"Teams (by {NAMES[shocks.teams.by]}: {len(shocks.teams.names)}) have good and bad quarters of their own, "
        f"beside the company's: the log of what one creates varies by {shocks.creation.tau_mean():.2f} (sd) and the "
        f"log of its hazard of a win by {shocks.winning.tau_mean():.2f}, estimated from {shocks.creation.cells} and "
        f"{shocks.winning.cells} quarters of teams. Over the company they cancel out."
    ]


def _quotas(quotas: QuotaProposal) -> str:
    told = WAYS[quotas.method].about
    how = f"{quotas.method} ({told[0].lower()}{told[1:].rstrip('.')})"
    left = (
        "; not assigned because of rounding: " + ", ".join(f"{p} {v:,}" for p, v in quotas.remainder.items())
        if quotas.remainder
        else ""
    )
    return f"Quotas: {how}, over-assignment {100 * quotas.over_assignment:.0f} %{left}."
