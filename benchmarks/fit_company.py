"""A company of any size to time the fit on: deals that walk through stages at Weibull paces, with categories."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

STAGES = np.array(["Qualify", "Discover", "Develop", "Propose", "Negotiate", "Close"])
SEGMENTS = np.array(["SMB", "Mid", "Enterprise"])
FIRST, LAST = np.datetime64("2020-01-01"), np.datetime64("2025-12-31")
AS_OF = "2024-12-31"
_PASSED = np.array([0.86, 0.87, 0.88, 0.88, 0.87, 0.75])  # share that goes up from each stage; the rest is lost
_SCALE = np.array([9.0, 14.0, 20.0, 18.0, 15.0, 12.0])  # days
_SHAPE = np.array([0.8, 0.9, 1.0, 1.1, 1.2, 1.3])
_PACE = np.array([0.7, 1.0, 1.6])  # of the segments


def tables(deals: int, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Draw deals, and the events by which they move, until a year after the day of the fit."""
    rng = np.random.default_rng(seed)
    steps = len(STAGES)
    segment = rng.choice(3, deals, p=[0.5, 0.3, 0.2])
    day = rng.integers(0, int((np.datetime64(AS_OF) - FIRST).astype(int)) + 1, deals)
    up = rng.random((deals, steps)) < _PASSED - 0.03 * (segment[:, None] == 2)
    stay = _SCALE * _PACE[segment][:, None] * rng.weibull(_SHAPE, (deals, steps))
    first = day[:, None] + rng.random((deals, 1))
    moments = np.concatenate([first, first + np.cumsum(stay, axis=1)], axis=1)
    seconds = np.floor(moments * 86400).astype(np.int64)
    entered, seconds = seconds[:, :-1], seconds[:, 1:]
    reached = np.concatenate([np.ones((deals, 1), dtype=bool), np.cumprod(up, axis=1).astype(bool)[:, :-1]], axis=1)
    last = reached.sum(axis=1) - 1
    end = seconds[np.arange(deals), last]
    won = up[:, -1] & (last == steps - 1)
    horizon = int((LAST - FIRST).astype(int)) * 86400
    return _frames(rng, segment, day, entered, reached & (entered < horizon), last, np.minimum(end, horizon * 2), won)


def _frames(rng, segment, day, entered, reached, last, end, won) -> dict[str, pd.DataFrame]:
    deals = len(segment)
    horizon = int((LAST - FIRST).astype(int)) * 86400
    closed = end < horizon
    status = np.where(closed, np.where(won, "won", "lost"), "open")
    entry = np.round(rng.lognormal(8.5 + 0.9 * segment, 0.8), 2)
    final = np.round(entry * np.where(rng.random(deals) < 0.4, rng.uniform(0.75, 1.15, deals), 1.0), 2)
    seen = np.maximum(reached.sum(axis=1) - 1, 0)
    ids = pd.Series(np.char.add("006A", np.char.zfill(np.arange(deals).astype("U9"), 11)), dtype="str")
    owner = pd.Series(np.char.add("R", np.char.zfill(rng.integers(0, 400, deals).astype("U3"), 3)), dtype="str")
    stamp = FIRST.astype("datetime64[s]")
    opportunities = pd.DataFrame(
        {
            "opportunity_id": ids,
            "owner_id": owner,
            "created_date": stamp + (day * 86400).astype("timedelta64[s]"),
            "status": pd.Series(status, dtype="str"),
            "stage": pd.Series(STAGES[np.minimum(last, seen)], dtype="str"),
            "amount": np.where(closed, final, entry),
            "close_date": stamp + np.where(closed, end, horizon + 60 * 86400).astype("timedelta64[s]"),
            "segment": pd.Series(SEGMENTS[segment], dtype="str"),
            "region": pd.Series(np.array(["North", "South"])[rng.integers(0, 2, deals)], dtype="str"),
        }
    )
    deal, step = np.nonzero(reached)
    events = pd.DataFrame(
        {
            "opportunity_id": ids.take(deal).reset_index(drop=True),
            "stage": pd.Series(STAGES[step], dtype="str"),
            "entered_date": stamp + entered[deal, step].astype("timedelta64[s]"),
            "status": pd.Series(np.full(len(deal), "open"), dtype="str"),
            "amount": entry[deal],
        }
    )
    order = rng.permutation(len(events))
    return {"opportunities": opportunities, "stage_history": events.take(order).reset_index(drop=True)}


def write(folder: Path, deals: int) -> None:
    """Write the tables as Parquet, unless they are there."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    for name, frame in tables(deals).items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
