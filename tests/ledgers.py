"""Invented companies that record bookings but no deals: their truth is known, and it is not the model's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spmforecast.data import read_history


@dataclass(frozen=True)
class Trade:
    """How a company sells: sizes of orders, how many a rep books in a month, what moves all of them."""

    reps: int = 12
    months: int = 36
    orders: float = 4.0
    size: float = 10_000.0
    size_sd: float = 0.8
    level_sd: float = 0.5
    wander: float = 0.03
    market_sd: float = 0.15
    persistence: float = 0.85
    quarter: tuple[float, float, float] = (0.8, 0.9, 1.3)
    december: float = 1.3
    cancelled: float = 0.0
    leavers: bool = True


def ledger_of(trade: Trade, seed: int, start: str = "2021-01-01") -> dict[str, pd.DataFrame]:
    """Let a company live day by day for its months and a year more, and write its bookings and reps down."""
    rng = np.random.default_rng(seed)
    months = trade.months + 12
    first = pd.Timestamp(start)
    market = np.zeros(months)
    level = rng.normal(0, trade.market_sd)
    for month in range(months):
        market[month] = level
        level = trade.persistence * level + rng.normal(0, trade.market_sd * np.sqrt(1 - trade.persistence**2))
    bookings, reps = [], []
    for name, begins, ends, territory in _staff(trade, rng, months):
        skill = rng.normal(0, trade.level_sd)
        hire = first + pd.DateOffset(months=begins) if begins else first - pd.DateOffset(years=3)
        end = first + pd.DateOffset(months=ends) - pd.Timedelta(days=1) if ends < months else pd.NaT
        reps.append({"rep_id": name, "territory_id": territory, "hire_date": hire, "end_date": end})
        for month in range(begins, ends):
            when = first + pd.DateOffset(months=month)
            season = trade.quarter[month % 3] * (trade.december if when.month == 12 else 1.0)
            mean = trade.orders * np.exp(skill + market[month]) * season
            skill += rng.normal(0, trade.wander)
            for _ in range(rng.poisson(mean)):
                day = when + pd.Timedelta(days=int(rng.integers(0, when.days_in_month)))
                size = trade.size * np.exp(rng.normal(0, trade.size_sd))
                sign = -1.0 if rng.random() < trade.cancelled else 1.0
                bookings.append({"rep_id": name, "date": day, "amount": round(sign * size, 2)})
    frame = pd.DataFrame(bookings)
    frame["date"] = frame["date"].dt.strftime("%Y-%m-%d")
    people = pd.DataFrame(reps)
    for column in ("hire_date", "end_date"):
        people[column] = people[column].dt.strftime("%Y-%m-%d")
    return {"bookings": frame, "reps": people}


def _staff(trade: Trade, rng: np.random.Generator, months: int) -> list[tuple[str, int, int, str]]:
    """Name, first month, month of leaving and territory; every fourth seat may change hands, three months vacant."""
    out = []
    for number in range(trade.reps):
        name, territory = f"R{number:02d}", f"T{number % 3}"
        leaves = int(rng.integers(6, months)) if trade.leavers and number % 4 == 3 else months
        out.append((name, 0, leaves, territory))
        if leaves + 3 < months:
            out.append((f"{name}b", leaves + 3, months, territory))
    return out


def history_of_trade(trade: Trade, seed: int):
    return read_history(ledger_of(trade, seed))
