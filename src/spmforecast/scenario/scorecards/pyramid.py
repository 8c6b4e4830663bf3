"""The performance pyramid: every figure of the cards on its level, drivers below indicators below objectives."""

from __future__ import annotations

import pandas as pd

from spmforecast.errors import Problem
from spmforecast.scenario.schema import Scenario
from spmforecast.scenario.scorecards.basis import OTHERS
from spmforecast.written import nearest

__all__ = ["measure_table", "wrong_measures"]

_LEVELS = ("drivers", "indicators", "objectives")
_UNITS = {
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
_BEHIND = {"win_rate": "win_rate_deals", "cycle_days": "cycle_deals", "discount": "discount_deals"}
_RANGE = {"win_rate": ("win_rate_low", "win_rate_high"), "forecast_mean": ("p10", "p90")}
_ENDS = ("_period", "_4w")
_KNOWN = (
    "call", "email", "meeting", "proposal_sent", "proposal_accepted", "referral_given", "referral_received", "event",
    "coaching",
)  # fmt: skip


def measure_table(cards: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """Lay the cards out a measure a row, with its level of the pyramid.

    Parameters
    ----------
    cards : pandas.DataFrame
        Of :func:`~spmforecast.scenario.scorecards.cards.scorecard_table`.
    scenario : Scenario
        Its key ``scorecards: pyramid`` may put measures on other levels.

    Returns
    -------
    pandas.DataFrame
        ``rep_id, level, measure, value, low, high, unit, behind``; `low` and `high` are the 90 % interval of a rate and
        the 10 and 90 % quantiles of a forecast, `behind` the deals that a figure rests on.
    """
    asked = scenario.keys.scorecards.pyramid
    moved = {measure: level for level in _LEVELS for measure in getattr(asked, level)}
    kinds = {name: ("drivers", "activities") for name in cards if str(name).endswith(_ENDS) and name not in _UNITS}
    kinds = {name: kind for name, kind in kinds.items() if _bare(str(name)) in _KNOWN} | {
        name: kind for name, kind in _UNITS.items() if name in cards
    }
    rows = []
    for card in cards[cards["rep_id"] != OTHERS].to_dict("records"):
        for name, (level, unit) in kinds.items():
            low, high = _RANGE.get(str(name), ("", ""))
            rows.append(
                {
                    "rep_id": card["rep_id"],
                    "level": moved.get(str(name), moved.get(_bare(str(name)), level)),
                    "measure": name,
                    "value": card[name],
                    "low": card.get(low, float("nan")),
                    "high": card.get(high, float("nan")),
                    "unit": unit,
                    "behind": card.get(_BEHIND.get(str(name), ""), float("nan")),
                }
            )
    table = pd.DataFrame(rows, columns=["rep_id", "level", "measure", "value", "low", "high", "unit", "behind"])
    rank = table["level"].map({level: at for at, level in enumerate(_LEVELS)})
    order = table.assign(_rank=rank).sort_values(["rep_id", "_rank"], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _bare(name: str) -> str:
    for end in _ENDS:
        name = name.removesuffix(end)
    return name


def wrong_measures(scenario: Scenario) -> list[Problem]:
    """Find measures of the pyramid that are none, or that stand on two levels."""
    known, seen, problems = {*_UNITS, *_KNOWN}, set[str](), []
    for level in _LEVELS:
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
