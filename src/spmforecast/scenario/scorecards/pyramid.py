"""The performance pyramid: every figure of the cards on its level, drivers below indicators below objectives."""

from __future__ import annotations

import pandas as pd

from spmforecast.scenario.card_names import ACTIVITIES, ENDS, FIGURES, LEVELS, bare_name
from spmforecast.scenario.schema import Scenario
from spmforecast.scenario.scorecards.basis import OTHERS

__all__ = ["measure_table"]

_BEHIND = {"win_rate": "win_rate_deals", "cycle_days": "cycle_deals", "discount": "discount_deals"}
_RANGE = {"win_rate": ("win_rate_low", "win_rate_high"), "forecast_mean": ("p10", "p90")}


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
    moved = {measure: level for level in LEVELS for measure in getattr(asked, level)}
    kinds = {name: ("drivers", "activities") for name in cards if str(name).endswith(ENDS) and name not in FIGURES}
    kinds = {name: kind for name, kind in kinds.items() if bare_name(str(name)) in ACTIVITIES} | {
        name: kind for name, kind in FIGURES.items() if name in cards
    }
    rows = []
    for card in cards[cards["rep_id"] != OTHERS].to_dict("records"):
        for name, (level, unit) in kinds.items():
            low, high = _RANGE.get(str(name), ("", ""))
            rows.append(
                {
                    "rep_id": card["rep_id"],
                    "level": moved.get(str(name), moved.get(bare_name(str(name)), level)),
                    "measure": name,
                    "value": card[name],
                    "low": card.get(low, float("nan")),
                    "high": card.get(high, float("nan")),
                    "unit": unit,
                    "behind": card.get(_BEHIND.get(str(name), ""), float("nan")),
                }
            )
    table = pd.DataFrame(rows, columns=["rep_id", "level", "measure", "value", "low", "high", "unit", "behind"])
    rank = table["level"].map({level: at for at, level in enumerate(LEVELS)})
    order = table.assign(_rank=rank).sort_values(["rep_id", "_rank"], kind="stable").index
    return table.loc[order].reset_index(drop=True)
