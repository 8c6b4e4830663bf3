"""An update in words, for the screen."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from spmforecast.display import chance, money, percent
from spmforecast.scenario.update.bridge import ENDS
from spmforecast.scenario.update.effects import FACTORS
from spmforecast.scenario.update.result import UpdateResult

__all__ = ["NAMES", "update_lines"]

Row = Mapping[Hashable, Any]

NAMES = {
    "won_as_expected": "won as expected",
    "created": "created",
    "converted": "converted",
    "timing": "timing",
    "size": "size",
    "moved": "moved",
    "model": "model change",
    "assumptions": "assumption change",
    "restated": "restated record",
}
_WAYS = {
    "created": ("created more", "created less"),
    "converted": ("converted better", "converted worse"),
    "timing": ("earlier", "later"),
    "size": ("larger", "smaller"),
}


def update_lines(result: UpdateResult) -> list[str]:
    """Say in lines what an update came to.

    Parameters
    ----------
    result : UpdateResult
        A finished update.

    Returns
    -------
    list of str
    """
    keys = result.run.scenario.keys
    lines = [f"{keys.name}: from {result.last.scenario.keys.as_of} to {keys.as_of}, forecast until {keys.until}"]
    since = result.closed[~result.closed["closed_before"]]
    lines += [_closed(row, keys.currency) for row in since.to_dict("records")]
    table = {(row["period"], row["forecast"]): row for row in result.landing.to_dict("records")}
    for label in result.last.forecast.years:
        lines += [_landing(label, table, keys.currency), f"  bridge: {_bridge(result.bridge.of(label), keys.currency)}"]
    lines += _quotas(result)
    lines += [f"alert: {told}" for told in result.alerts]
    return lines


def _closed(row: Row, currency: str) -> str:
    planned = row["plan"] == row["plan"]
    plan = f", plan {money(row['plan'], currency)}" if planned else ""
    return (
        f"{row['period']} closed at {money(row['booked'], currency)}: expected {money(row['expected'], currency)}{plan}"
    )


def _landing(label: str, table: Mapping[tuple[str, str], Row], currency: str) -> str:
    last, this = table[label, "last"], table[label, "this"]
    if this["closed"]:
        was = money(last["mean"], currency)
        return f"{label} closed at {money(this['booked'], currency)}; the last forecast was {was}"
    likely = ""
    if this["p_plan"] == this["p_plan"]:
        likely = f"; P(plan) {_plan_chance(this)}, was {_plan_chance(last)}"
    return (
        f"{label} lands at {money(this['mean'], currency)} (80 %: {money(this['p10'])} to {money(this['p90'])}, "
        f"{money(this['booked'])} booked), was {money(last['mean'], currency)}{likely}"
    )


def _plan_chance(row: Row) -> str:
    return chance(row["p_plan"], certain=bool(row["closed"]) or row["booked"] >= row["plan"] - 0.005)


def _bridge(amounts: pd.Series, currency: str) -> str:
    parts = [_told(factor, float(amounts[factor])) for factor in FACTORS if abs(amounts[factor]) >= 0.5]
    return f"{money(float(amounts[ENDS[0]]))} {' '.join(parts)} = {money(float(amounts[ENDS[1]]), currency)}".replace(
        "  ", " "
    )


def _told(factor: str, amount: float) -> str:
    name = _WAYS[factor][0 if amount > 0 else 1] if factor in _WAYS else NAMES[factor]
    return f"{'+' if amount > 0 else '−'} {money(abs(amount))} {name}"


def _quotas(result: UpdateResult) -> list[str]:
    own, currency = result.quotas, result.run.scenario.keys.currency
    if own is None:
        return []
    lines = []
    for year, gap in own.gap.items():
        side = "short of" if gap > 0 else "beyond"
        told = f"closed periods are {money(abs(float(gap)), currency)} {side} plan" if gap else "no gap to plan"
        part = f" ({percent(float(own.share))} of it)" if gap and own.share else ""
        lines.append(f"{year}: {told}; policy {own.policy}{part}{': quotas stay' if not own.share else ''}")
    for label, total in own.total.items():
        quota = float(own.table.loc[own.table["period"] == label, "quota"].sum())
        lines.append(f"  {label}: quotas sum to {money(quota, currency)}, were {money(float(total), currency)}")
    return lines
