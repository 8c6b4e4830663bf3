"""The river: what flowed through each stage in the last year, how long deals stay, and the targets of each stage."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models.river import Flows, Sojourns, length_biased_mean, little_stock, sojourns_of, stage_flows
from spmforecast.scenario.prepare import coming
from spmforecast.scenario.scorecards.basis import Basis

__all__ = ["ALL", "StageTargets", "breach_table", "river_table", "stage_targets"]

Array = npt.NDArray[np.float64]

ALL = "(all)"
_GIVEN, _FIT, _PLAN, _PAST = "given", "fit", "plan", "last year's bookings"


class StageTargets:
    """Longest healthy time and wanted number of deals of each group and stage, with where they come from.

    Parameters
    ----------
    basis : Basis
        What all rests on.
    """

    def __init__(self, basis: Basis) -> None:
        stages, passing = basis.model.stays.stages, basis.passing
        given = [basis.keys.stages.get(stage) for stage in stages]
        fitted = passing.moved_by(basis.keys.moved_on)
        own = np.array([np.nan if one is None or one.longest_days is None else one.longest_days for one in given])
        self.longest: Array = np.where(np.isnan(own), fitted, own)
        self.longest_from = [_FIT if np.isnan(one) else _GIVEN for one in own]
        per_day, self.wanted_from = _wins_wanted(basis)
        visits = passing.visits / np.maximum(passing.win_rate, 1e-300)[:, None]  # to the stage, for each win
        wanted = per_day[:, None] * visits * passing.days_within(self.longest)
        wanted[0] = wanted[1:].sum(axis=0)
        own = np.array([np.nan if one is None or one.deals is None else one.deals for one in given])
        self.wanted: Array = wanted
        self.wanted[0] = np.where(np.isnan(own), wanted[0], own)
        self.given = ~np.isnan(own)


def stage_targets(basis: Basis) -> StageTargets:
    """Take the targets of stages from the scenario, else propose them.

    The longest healthy time is the age by which a share of the deals that move on have moved on (four in five, unless
    ``scorecards: moved_on`` says otherwise). The wanted number is Little's law read backwards: wins a day that the
    plan needs, times visits to the stage for each win, times days that a deal spends there while it is healthy.
    """
    return StageTargets(basis)


def _wins_wanted(basis: Basis) -> tuple[Array, str]:
    """Wins a day that each group needs to carry the plan, and what that rests on."""
    model, result = basis.model, basis.result
    segment = model.profiles.segment_of_deal
    lately = (basis.status == "won") & (basis.closed > basis.before)
    wins = np.bincount(segment[lately], minlength=len(model.profiles.segments)).astype(np.float64)
    value = model.deals["amount"].to_numpy(dtype=np.float64, na_value=0.0)
    booked = float(value[lately].sum())
    plan = {label: target for label in coming(result.scenario) if (target := result.plan.target(label)) is not None}
    days = sum(model.calendar.period(label).days for label in plan)
    per_day = wins / basis.days
    if plan and booked > 0:
        per_day = per_day * (sum(plan.values()) / days) / (booked / basis.days)
    return np.concatenate([[per_day.sum()], per_day]), _PLAN if plan and booked > 0 else _PAST


def _twice(basis: Basis) -> tuple[list[Flows], list[Sojourns]]:
    """Flows and stays of the company, then of its segments."""
    stays, own = basis.model.stays, basis.segment_of_visit
    asked = ((np.zeros_like(own), 1), (own, len(basis.model.profiles.segments)))
    flows = [stage_flows(stays, group, groups, basis.before) for group, groups in asked]
    return flows, [sojourns_of(stays, group, groups, basis.before) for group, groups in asked]


def river_table(basis: Basis, targets: StageTargets) -> pd.DataFrame:
    """Tabulate the river, the company first, then each segment, stages in order.

    Parameters
    ----------
    basis : Basis
        What all rests on.
    targets : StageTargets
        Of :func:`stage_targets`.

    Returns
    -------
    pandas.DataFrame
        A row for each group and stage; columns are described with ``river.csv``.
    """
    groups, stages = basis.passing.groups, basis.model.stays.stages
    flows, stay = _twice(basis)
    flow, lasting = _flow_columns(basis, flows), _stay_columns(stay)
    little = little_stock(flow["arrivals_per_day"], lasting["mean_days"])
    return pd.DataFrame(
        {
            "segment": np.repeat(np.array(groups, dtype=object), len(stages)),
            "stage": np.tile(np.array(stages, dtype=object), len(groups)),
            "days": basis.days,
            **flow,
            **lasting,
            "little_open": little,
            "little_ratio": _over_zero(flow["average_open"], little),
            "silting": _over_zero(flow["open"], little),
            **_target_columns(basis, targets, flow["open"]),
            **_chance_columns(basis),
        }
    )


def _flow_columns(basis: Basis, flows: list[Flows]) -> dict[str, Array]:
    """Deals that came, went and are there, by group and stage."""
    named = {
        "start": "start", "created": "created", "entered": "entered", "onward": "onward", "back": "back", "won": "won",
        "lost": "lost", "unwatched": "unwatched", "open": "end", "arrivals_per_day": "arrivals",
        "average_open": "average",
    }  # fmt: skip
    out = {
        column: np.concatenate([np.asarray(getattr(one, of)) for one in flows]).ravel() for column, of in named.items()
    }
    out["arrivals_per_day"] = out["arrivals_per_day"] / basis.days
    return out


def _stay_columns(stay: list[Sojourns]) -> dict[str, Array]:
    """How long deals stay, by group and stage."""
    named = {"mean_days": "mean", "median_days": "median", "left_over": "left_over"}
    out = {
        column: np.concatenate([np.asarray(getattr(one, of)) for one in stay]).ravel().astype(np.float64)
        for column, of in named.items()
    }
    return out | {"open_stay_days": np.concatenate([_found_open(one) for one in stay]).ravel()}


def _target_columns(basis: Basis, targets: StageTargets, there: Array) -> dict[str, object]:
    """Targets of each group and stage, and how those that are there stand against them."""
    stages, groups = len(basis.model.stays.stages), len(basis.passing.groups)
    own = _over(basis, targets)[0]
    over = np.concatenate([own.sum(axis=0)[None], own]).ravel()
    return {
        "longest_days": targets.longest.ravel(),
        "longest_from": np.tile(np.array(targets.longest_from, dtype=object), groups),
        "over_limit": over,
        "healthy_open": there - over,
        "wanted": targets.wanted.ravel(),
        "wanted_from": [
            _GIVEN if at < stages and targets.given[at] else targets.wanted_from for at in range(groups * stages)
        ],
    }


def _chance_columns(basis: Basis) -> dict[str, npt.NDArray[np.generic]]:
    """Fitted chances of each group and stage, and what mending them would do in the long run."""
    passing = basis.passing
    return {
        "p_on": passing.on.ravel(),
        "p_on_low": passing.on_low.ravel(),
        "p_on_high": passing.on_high.ravel(),
        "p_won": passing.won.ravel(),
        "p_won_low": passing.won_low.ravel(),
        "p_won_high": passing.won_high.ravel(),
        "visits": _behind(basis),
        "leverage": passing.leverage.ravel(),
        "gain_chance": passing.chain_gain["chance"].ravel(),
        "gain_leak": passing.chain_gain["leak"].ravel(),
    }


def _over_zero(value: Array, by: Array) -> Array:
    return np.asarray(np.divide(value, by, out=np.full(len(value), np.nan), where=np.nan_to_num(by) > 0))


def _found_open(stay: Sojourns) -> Array:
    """Mean length of the stays that are found open, ``E[T^2] / E[T]``, as far as stays were watched."""
    age = np.arange(stay.survival.shape[2])
    inside = stay.survival * (age < stay.longest[..., None])
    second = (inside * (2 * age + 1)).sum(axis=2)
    return length_biased_mean(np.where(stay.mean > 0, stay.mean, np.nan), second)


def _behind(basis: Basis) -> npt.NDArray[np.int64]:
    """Visits of the whole record behind the fitted chances, by group and stage."""
    stages, segments = len(basis.model.stays.stages), len(basis.model.profiles.segments)
    cell = basis.segment_of_visit * stages + basis.model.stays.stage
    own = np.bincount(cell, minlength=segments * stages).reshape(segments, stages)
    return np.concatenate([own.sum(axis=0)[None], own]).ravel()


def _over(basis: Basis, targets: StageTargets) -> tuple[npt.NDArray[np.int64], pd.DataFrame]:
    """Open visits beyond their segment's healthy time: how many by segment and stage, and one by one."""
    stays, segments = basis.model.stays, len(basis.model.profiles.segments)
    rows = np.flatnonzero(stays.open_now)
    segment, stage = basis.segment_of_visit[rows], stays.stage[rows]
    age, limit = stays.today - stays.entry[rows], targets.longest[segment + 1, stage]
    over = age > limit
    cell = segment[over] * len(stays.stages) + stage[over]
    count = np.bincount(cell, minlength=segments * len(stays.stages)).reshape(segments, -1)
    table = pd.DataFrame(
        {
            "deal": stays.deal[rows][over],
            "stage": np.array(stays.stages, dtype=object)[stage[over]],
            "age_days": age[over],
            "longest_days": limit[over],
        }
    )
    return count.astype(np.int64), table


def breach_table(basis: Basis, targets: StageTargets) -> pd.DataFrame:
    """List the open deals that have been in their stage for longer than is healthy, the dearest first.

    Parameters
    ----------
    basis : Basis
        What all rests on.
    targets : StageTargets
        Limits, by the deal's segment.

    Returns
    -------
    pandas.DataFrame
        ``opportunity_id, owner_id, segment, stage, age_days, longest_days, over_days, amount, p_win,
        expected_amount``.
    """
    found = _over(basis, targets)[1]
    deals = basis.result.forecast.deals
    assert deals is not None
    known = deals.set_index(deals["opportunity_id"].astype(str))
    ids = basis.ids[found["deal"].to_numpy(dtype=np.int64)]
    own = known.reindex(ids).reset_index(drop=True)
    segments = np.array(basis.model.profiles.segments, dtype=object)
    table = pd.DataFrame(
        {
            "opportunity_id": ids,
            "owner_id": basis.owner[found["deal"].to_numpy(dtype=np.int64)],
            "segment": segments[basis.model.profiles.segment_of_deal[found["deal"].to_numpy(dtype=np.int64)]],
            "stage": found["stage"],
            "age_days": found["age_days"],
            "longest_days": found["longest_days"],
            "over_days": found["age_days"] - found["longest_days"],
            "amount": own["amount"],
            "p_win": own["p_win"],
            "expected_amount": own["expected_amount"],
        }
    )
    return table.sort_values(
        ["expected_amount", "over_days", "opportunity_id"], ascending=[False, False, True], kind="stable"
    ).reset_index(drop=True)
