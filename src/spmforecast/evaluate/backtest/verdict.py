"""The verdict in words: whether the forecast beats what users do already, and whether its intervals and deals hold."""

from __future__ import annotations

import math
from collections.abc import Hashable

import pandas as pd

from spmforecast.evaluate.backtest.judge import FORECAST, MIX
from spmforecast.evaluate.backtest.summary import ALL_WEEKS, best_rival
from spmforecast.evaluate.rivals import LEVELS

__all__ = ["verdict"]

_FEW = 6
_SIGNIFICANT = 0.1
_WHEN = ("of the period under way", "of the next period")


def verdict(summary: pd.DataFrame, deals: pd.DataFrame) -> tuple[str, ...]:
    """Say what a backtest showed.

    Parameters
    ----------
    summary : pandas.DataFrame
        Of :func:`~spmforecast.evaluate.backtest.summary.summarise`.
    deals : pandas.DataFrame
        Of :func:`~spmforecast.evaluate.backtest.deals.deal_scores`.

    Returns
    -------
    tuple of str
        Sentences, the company's first.
    """
    whole = summary[summary["week"] == ALL_WEEKS]
    said = []
    for level in LEVELS:
        for ahead in sorted(set(whole.loc[whole["level"] == level, "ahead"])):
            said += _of_level(whole, level, int(ahead))
    said += _of_deals(deals)
    periods = int(whole["periods"].max())
    if periods < _FEW:
        said.append(f"Only {periods} periods could be judged: no difference of this size is beyond luck.")
    return tuple(said)


def _of_level(whole: pd.DataFrame, level: str, ahead: int) -> list[str]:
    rows = whole[(whole["level"] == level) & (whole["ahead"] == ahead)]
    own, best = rows[rows["method"] == FORECAST].iloc[0], best_rival(whole, level, ahead)
    mix = rows.loc[rows["method"] == MIX, "ratio"].astype(float)
    when = _WHEN[ahead] if ahead < len(_WHEN) else f"{ahead} periods ahead"
    said = [f"{_name(level)}, bookings {when}: {_compared(own, best)} {_held(own)}"]
    if level == "company" and (mix > 1.01).any():
        better = 1 - 1 / float(mix.iloc[0])
        told = f"would have been {_percent(better)} better for the company {when}"
        said.append(f"A mix of the forecast with the rival that had done best so far {told}.")
    return said


def _compared(own: pd.Series, best: pd.Series | None) -> str:
    if best is None or math.isnan(float(best["ratio"])):
        return "no rival spoke everywhere."
    gain = 1 - float(best["ratio"])
    side = "below" if gain >= 0 else "above"
    told = f"the mean error (CRPS) is {_percent(abs(gain))} {side} that of the best rival ({best['method']})"
    if math.isnan(float(best["ratio_low"])):
        return f"{told}, over a single period."
    low, high = 1 - float(best["ratio_high"]), 1 - float(best["ratio_low"])
    sure = "more than luck" if float(best["p_value"]) <= _SIGNIFICANT else "which luck could explain"
    span = f"90 % interval of the gain {_percent(low)} to {_percent(high)}"
    return f"{told} over {int(own['periods'])} periods ({span}; p = {float(best['p_value']):.2g}, {sure})."


def _held(own: pd.Series) -> str:
    share, low, high = (float(own[name]) for name in ("held_80", "band_80_low", "band_80_high"))
    judged = "as they should" if low <= share <= high else "too many: they are too wide" if share > high else ""
    judged = judged or "too few: they are too narrow"
    return (
        f"80 % intervals held {_percent(share)} of {int(own['cells']):,} outcomes ({_percent(low)} to {_percent(high)} "
        f"would be luck), {judged}. {_bias(float(own['bias']))}"
    )


def _bias(share: float) -> str:
    """Say on which side of what came the expectations lay."""
    if math.isnan(share):
        return "Nothing came to hold what was expected against."
    if _percent(share) in ("0 %", "−0 %"):
        return "On average as much came as was expected."
    return f"On average {_percent(abs(share))} {'more' if share > 0 else 'less'} was expected than came."


def _of_deals(deals: pd.DataFrame) -> list[str]:
    return [_of_deal_scores(row) for row in deals[deals["ahead"] == 0].astype(float).to_dict("records")]


def _of_deal_scores(row: dict[Hashable, float]) -> str:
    gain, slope = row["brier_skill"], row["slope"]
    skill = (
        "" if math.isnan(gain) else f", {_percent(abs(gain))} {'better' if gain >= 0 else 'worse'} than the share won"
    )
    line = "" if math.isnan(slope) else f"; slope {slope:.2f} (1 is calibrated)"
    return (
        f"Deals: {_percent(row['chance'])} of open deals were expected to be won by the end of the period, "
        f"{_percent(row['observed'])} were ({row['deals']:,.0f} forecasts). "
        f"Brier score {row['brier']:.3f}{skill}{line}."
    )


def _name(level: str) -> str:
    return {"company": "Company", "region": "Regions", "rep": "Reps"}[level]


def _percent(share: float) -> str:
    return f"{100 * share:z.0f} %".replace("-", "−") if not math.isnan(share) else "?"
