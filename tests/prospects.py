"""Invented companies whose prospecting is on record: it leads to deals, or has nothing to do with them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spmforecast.data import read_history

FIRST = int(np.datetime64("2021-01-01").astype(np.int64))
AS_OF = pd.Timestamp("2023-12-31")
TODAY = int(np.datetime64("2023-12-31").astype(np.int64))
_BEFORE, _AFTER = 120, 100  # days lived before the record of deals begins, and after AS_OF
_RATE, _LAG, _SHAPE = 0.1, 25.0, 2.0  # deals per activity; days to the deal: mean and shape of a gamma law


def lag_shares(lags):
    """Share of the deals in each bin of days, for whole days after an activity rounded up."""
    from scipy import stats

    return np.diff(stats.gamma(_SHAPE, scale=_LAG / _SHAPE).cdf(np.append(np.maximum(lags[:-1] - 1, 0), lags[-1] - 1)))


def lived(seed, leads, monthly=90.0, share=0.9, spread=1.0):
    """Live a company of five reps; return day and type of its activities and the days on which deals are created.

    Where activity leads, a share of the deals comes of it; else all deals come by themselves. The pace of activity
    wanders from week to week, the market from month to month.
    """
    rng = np.random.default_rng(seed)
    day = np.arange(FIRST - _BEFORE, TODAY + _AFTER)
    market = _wandering(rng, len(day) // 30 + 1, 0.1, 0.9)[(day - day[0]) // 30]
    pace = _wandering(rng, len(day) // 7 + 1, spread, 0.88)[(day - day[0]) // 7]
    rate = monthly / 30.4 * np.where((day + 3) % 7 < 5, 1.4, 0.0)
    done = np.repeat(day, rng.poisson(rate / _RATE * np.exp(pace)))
    bare = np.repeat(day, rng.poisson(rate * np.exp(market) * (1.0 - share if leads else 1.0)))
    came = done[rng.random(len(done)) < _RATE * share]
    led = came + np.ceil(rng.gamma(_SHAPE, _LAG / _SHAPE, len(came))).astype(np.int64)
    created = np.sort(np.concatenate([bare, led]) if leads else bare)
    kind = np.where(rng.random(len(done)) < 0.5, "call", "meeting")
    return done, kind, created[(created >= FIRST) & (created <= day[-1])]


def tables_of(done, kind, created):
    """Write a lived company down; deals are closed after sixty days, every third one won."""
    number = np.arange(len(created))
    status = np.where(number % 3 == 0, "won", "lost")
    deals = pd.DataFrame(
        {
            "opportunity_id": [f"O{k}" for k in number],
            "owner_id": [f"R{k % 5}" for k in number],
            "created_date": _dates(created),
            "close_date": _dates(created + 60),
            "status": status,
            "amount": 1000.0,
        }
    )
    activities = pd.DataFrame({"activity_id": [f"A{k}" for k in range(len(done))], "date": _dates(done), "type": kind})
    return {"opportunities": deals, "activities": activities}


def history(tables):
    return read_history(tables, max_rejected_share=0.0)


def _dates(days):
    return np.asarray(days).astype("datetime64[D]").astype(str)


def _wandering(rng, steps, spread, kept):
    """Log of an AR(1) level whose exponential has mean one."""
    out, level = np.empty(steps), spread * rng.standard_normal()
    for at, innovation in enumerate(rng.standard_normal(steps)):
        level = kept * level + np.sqrt(1 - kept**2) * spread * innovation
        out[at] = level - 0.5 * spread**2
    return out
