"""What a reader is told about how a forecast from bookings alone was made, in plain words."""

from __future__ import annotations

import numpy as np

from spmforecast.models.bookings import FittedBookings
from spmforecast.models.teams import NAMES

__all__ = ["TITLE", "booking_notes"]

_MOST_NAMES = 8
TITLE = "Bookings by rep and month (no deals on record) with keyed Monte Carlo draws"


def booking_notes(model: FittedBookings) -> list[str]:
    """Describe the fit: what was estimated, under which assumption, on how many orders.

    Parameters
    ----------
    model : FittedBookings
        The fit.

    Returns
    -------
    list of str
        Sentences.
    """
    return [
        "The record holds bookings and no deals, so the forecast knows nothing of pipeline: what is to come is "
        "projected from what each rep has booked.",
        *_levels(model),
        _season(model),
        _market(model),
        *_teams(model),
        _scatter(model),
        _capacity(model),
        "Each trial draws the market's path, season, every rep's level, and the orders one by one; every figure is "
        "computed from the same draws, so all levels add up.",
    ]


def _levels(model: FittedBookings) -> list[str]:
    levels, months = model.factors.levels, len(model.factors.common.months)
    fading = (
        f"an old month counts {100 * levels.memory:.0f} % of the one after it"
        if levels.memory < 1
        else "old months count as much as new ones"
    )
    return [
        f"Each rep's level is estimated from {model.sizes.count:,} orders in {months} months and shrunk towards the "
        f"average rep by as much as few bookings demand (gamma-Poisson empirical Bayes); levels wander: {fading}, "
        "and certainty fades further ahead."
    ]


def _season(model: FittedBookings) -> str:
    mean, _ = model.factors.common.season()
    times = np.exp(mean) / np.exp(mean).mean()
    years = len(model.factors.common.months) / 12
    return (
        f"The season (place in the quarter and month of the year, both shrunk) runs from {times.min():.2f} to "
        f"{times.max():.2f} times a usual month, from {years:.1f} years; its error is part of every draw. Each rep has "
        "a rhythm of its own within the quarter, shrunk to the company's."
    )


def _market(model: FittedBookings) -> str:
    common = model.factors.common
    growth, error = common.growth()
    change, spread = np.expm1(growth), error
    return (
        f"All reps move together with a market whose monthly log level varies by {common.mean_scale(0):.2f} (sd), with "
        f"a mean that drifts, and with a trend that fades: {100 * change:+.1f} % over the next twelve months, "
        f"give or take {100 * spread:.0f} % (sd)."
    )


def _teams(model: FittedBookings) -> list[str]:
    """Say by how much single teams' quarters differ, where there are two."""
    shocks = model.teams
    if shocks is None:
        return []
    return [
        f"Teams (by {NAMES[shocks.teams.by]}: {len(shocks.teams.names)}) have good and bad quarters of their own, "
        f"beside the company's: the log of what one books varies by {shocks.spread.tau_mean():.2f} (sd), estimated "
        f"from {shocks.spread.cells} quarters of teams. Over the company they cancel out."
    ]


def _scatter(model: FittedBookings) -> str:
    sizes, noise = model.sizes, model.factors.noise
    told = (
        f"Orders have the sizes of those on record, by rep; a rep's quarter scatters {noise.share:.2f} times as much "
        "(variance) as it would if orders came independently of each other"
    )
    told += (
        f", estimated from {noise.cells} rep-quarters." if noise.cells else ", which is assumed: the record is short."
    )
    if sizes.cancelled > 0:
        told += f" {100 * sizes.cancelled:.1f} % of what is booked is cancelled again; figures are net."
    return told


def _idle(model: FittedBookings) -> str:
    """Name those whom the table of reps lists, who have not left, and who are taken not to sell all the same."""
    reps = model.history.current_reps()
    here = {str(rep) for rep in reps.index[reps["end_date"].isna()]}
    idle = sorted(here - set(model.roster.owners))
    if not idle:
        return ""
    names = ", ".join(idle[:_MOST_NAMES]) + (" …" if len(idle) > _MOST_NAMES else "")
    return f" Listed as reps, but with nothing booked and not hired lately, so taken not to sell: {names}."


def _capacity(model: FittedBookings) -> str:
    told = f"{len(model.roster.owners)} reps sell at the as-of date.{_idle(model)}"
    if (model.factors.ramp < 1).any():
        told += f" Newcomers ramp as {model.hires} of them did."
    else:
        told += " No ramp is modelled: too few newcomers with a hire date."
    if model.attrition.shape <= 0:
        return told + " The record shows no leavers, so attrition is not modelled; reps not yet hired are not foreseen."
    leaving = model.attrition
    return (
        f"{told} {100 * leaving.annual:.0f} % leave in a year ({leaving.leaves} leaves on record); a successor, listed "
        f"as (to be hired), starts after {leaving.backfill_days:.0f} days."
    )
