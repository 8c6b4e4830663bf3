"""Territories of a scenario: the map, what it books on the same draws, and the quotas that go with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from spmforecast.evaluate.newmap import MapRules, passages
from spmforecast.evaluate.paired import compare_maps, compare_quotas
from spmforecast.evaluate.remapped import remapped
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.optimize.territory.effects import rep_effects
from spmforecast.optimize.territory.proposing import frontier, propose_territories
from spmforecast.plan import AnnualPlan, QuotaProposal
from spmforecast.plan.proposal import TerritoryProposal
from spmforecast.scenario.keys import TerritoryKeys
from spmforecast.scenario.newmap import given_map, selling_reps, with_owners, wrong_accounts
from spmforecast.scenario.quotas import quotas_of
from spmforecast.scenario.schema import Scenario
from spmforecast.scenario.tables import company_targets
from spmforecast.simulate import Forecast

__all__ = ["MapPlan", "plan_map", "told_rules"]

Model = FittedPipeline | FittedBookings


@dataclass(frozen=True)
class MapPlan:
    """A new map, what it would book and how it is judged.

    Parameters
    ----------
    proposal : TerritoryProposal
        The map, each move with its reason.
    forecast : Forecast
        Draws under it; trial by trial the same luck as under today's map.
    quotas : QuotaProposal or None
        Quotas under it, where the scenario asks for quotas.
    comparison : pandas.DataFrame
        See :func:`~spmforecast.evaluate.paired.compare_maps`.
    quota_changes : pandas.DataFrame or None
        See :func:`~spmforecast.evaluate.paired.compare_quotas`.
    frontier : pandas.DataFrame or None
        Balance against disruption, where asked for.
    rules : tuple of str
        Every rule and assumption in words.
    """

    proposal: TerritoryProposal
    forecast: Forecast
    quotas: QuotaProposal | None
    comparison: pd.DataFrame
    quota_changes: pd.DataFrame | None
    frontier: pd.DataFrame | None
    rules: tuple[str, ...]


def plan_map(
    scenario: Scenario,
    model: Model,
    forecast: Forecast,
    plan: AnnualPlan,
    quotas: QuotaProposal | None,
    totals: Mapping[str, Decimal],
) -> MapPlan | None:
    """Answer what the scenario asks about territories.

    Parameters
    ----------
    scenario : Scenario
    model : FittedPipeline or FittedBookings
    forecast : Forecast
        Under today's map.
    plan : AnnualPlan
    quotas : QuotaProposal or None
        Under today's map.
    totals : mapping of str to Decimal
        Plan of each period that gets quotas.

    Returns
    -------
    MapPlan or None
        None where today's map is kept.

    Raises
    ------
    InputError
        If there are no accounts, or a given map names what is not there.
    """
    keys = scenario.keys.territories
    if not keys.new_map:
        return None
    wrong_accounts(scenario, model)
    proposal = _proposal(scenario, keys, model)
    rules = _rules(scenario, keys)
    effects = rep_effects(model, proposal.accounts, keys.rep_effects)
    account_of = _deal_accounts(forecast, model)
    moved = passages(forecast, proposal.accounts, account_of, rules, effects)
    managers = dict(zip(model.roster.owners, model.roster.places["manager_id"].astype(str), strict=True))
    ahead = remapped(forecast, moved, managers, scenario.keys.simulate.seed)
    anew = None
    if quotas is not None and scenario.keys.quotas is not None:
        anew = quotas_of(scenario, scenario.keys.quotas, with_owners(model, proposal), ahead, totals)
    return MapPlan(
        proposal=proposal,
        forecast=ahead,
        quotas=anew,
        comparison=compare_maps(forecast, ahead, company_targets(plan, forecast), (quotas, anew)),
        quota_changes=None if quotas is None or anew is None else compare_quotas(quotas, anew, ahead),
        frontier=_frontier(keys, model),
        rules=told_rules(keys, rules, proposal),
    )


def _rules(scenario: Scenario, keys: TerritoryKeys) -> MapRules:
    today = pd.Timestamp(scenario.keys.as_of)
    return MapRules(
        as_of=today,
        starts=today + pd.Timedelta(days=1) if keys.starts is None else pd.Timestamp(keys.starts),
        hold_days=None if keys.hold_days == "closed" else int(keys.hold_days),
        lost=keys.disturbance.lost,
        lost_days=keys.disturbance.days,
    )


def _proposal(scenario: Scenario, keys: TerritoryKeys, model: Model) -> TerritoryProposal:
    accounts, reps = model.history.accounts, selling_reps(model)
    if keys.propose is None:
        return propose_territories(accounts, reps, locked=given_map(scenario, model, reps))
    return propose_territories(accounts, reps, **_wishes(keys, model), max_moved=keys.propose.max_moved)  # type: ignore[arg-type]


def _wishes(keys: TerritoryKeys, model: Model) -> dict[str, object]:
    """Options of a proposal but the limit on moves."""
    asked = keys.propose
    assert asked is not None
    fitted = {"history": model.history, "as_of": str(model.as_of.date())} if asked.potential == "fitted" else {}
    return {
        "balance": dict(asked.balance),
        "move_price": asked.move_price,
        "price_each": asked.price_each,
        "candidates": asked.candidates,
        "locked": dict(asked.locked),
        "forbidden": asked.forbidden,
        "km_per_hour": asked.km_per_hour,
        **fitted,
    }


def _frontier(keys: TerritoryKeys, model: Model) -> pd.DataFrame | None:
    if keys.propose is None or not keys.propose.frontier:
        return None
    return frontier(model.history.accounts, selling_reps(model), keys.propose.frontier, **_wishes(keys, model))


def _deal_accounts(forecast: Forecast, model: Model) -> dict[str, str]:
    """Account of each open deal, as far as known."""
    deals = model.history.opportunities
    if forecast.deals is None or forecast.deals.empty or "account_id" not in deals:
        return {}
    known = deals[deals["account_id"].notna()]
    return dict(zip(known["opportunity_id"].astype(str), known["account_id"].astype(str), strict=True))


def told_rules(keys: TerritoryKeys, rules: MapRules, proposal: TerritoryProposal) -> tuple[str, ...]:
    """Say in words under which rules and assumptions the new map books what it does."""
    held = {
        "none": "Rep effects: none, whoever holds an account sells as its owner did.",
        "wins": "Rep effects: each rep's own odds to win go with the rep.",
        "all": "Rep effects: each rep's own odds to win, and deals created for the potential held, go with the rep.",
    }
    if rules.hold_days is None:
        deals = "Open deals stay with their owners until they are closed."
    elif rules.hold_days == 0:
        deals = "Open deals go with their accounts on that day."
    else:
        deals = f"Open deals stay with their owners for {rules.hold_days} days, then go with their accounts."
    lost = f"{100 * rules.lost:g} % of what accounts that move would book is lost for {rules.lost_days} days"
    return (
        f"The map holds from {rules.starts.date()} on; deals to come go with the accounts' shares of potential.",
        deals,
        held[keys.rep_effects],
        f"Disturbance, an assumption: {lost if rules.lost else 'none; accounts that move lose nothing'}.",
        *proposal.notes,
    )
