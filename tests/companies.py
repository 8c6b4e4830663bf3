"""Small companies that several test modules share: one invented and lived, others written down by hand."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from spmforecast.data import ExampleCompany, read_history
from spmforecast.models import PipelineModel
from spmforecast.models.profiles import Profiles
from spmforecast.models.risksets import CENSORED, Stays

AS_OF = "2024-08-15"
UNTIL = "2024-12-31"
EXPORT = "2025-06-30"
"""Last day that the example company records, unless it is told another."""


@cache
def example_tables():
    """Tables of a company of five reps, exported well after AS_OF; treat them as read-only."""
    return ExampleCompany(seed=7, character="tiny", start="2022-07-01", export="2024-12-31").tables()


def fit(tables):
    """Fit the model to what the tables tell up to AS_OF."""
    return PipelineModel().fit(read_history(tables), as_of=AS_OF)


@cache
def example_fit():
    return fit(example_tables())


def history_of(deals, events=None, **tables):
    """Read deals and stage events written down as dicts; what is not said is R1's, open and SMB."""
    plain = {"owner_id": "R1", "status": "open", "segment": "SMB"}
    frames = {"opportunities": pd.DataFrame([{**plain, **deal} for deal in deals])}
    if events is not None:
        frames["stage_history"] = pd.DataFrame(events)
    options = {"observed_from": tables.pop("observed_from", None)}
    frames |= {name: pd.DataFrame(rows) for name, rows in tables.items()}
    return read_history(frames, max_rejected_share=0.0, **options)


def shuffled(tables, rng):
    """Reorder the rows of every table; only the order of one deal's own events, which tells something, is kept."""
    out = {name: frame.sample(frac=1.0, random_state=rng).reset_index(drop=True) for name, frame in tables.items()}
    events = tables["stage_history"]
    slots = events["opportunity_id"].sample(frac=1.0, random_state=rng).reset_index(drop=True)
    rank = events.groupby("opportunity_id").cumcount()
    place = pd.MultiIndex.from_arrays([events["opportunity_id"], rank])
    wanted = pd.MultiIndex.from_arrays([slots, slots.groupby(slots).cumcount()])
    out["stage_history"] = events.set_axis(place).reindex(wanted).reset_index(drop=True)
    return out


def stays_of(rows, stages=("A", "B"), today=None):
    """Make stays from rows of (deal, stage, entry, start, duration, to)."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 6)
    deal, stage, entry, start, duration, to = table.T
    last = int((entry + duration).max()) if today is None else today
    deals = pd.DataFrame({"opportunity_id": [f"D{i}" for i in range(int(deal.max()) + 1)]})
    return Stays(tuple(stages), deal, stage, entry, start, duration, to, deals, last)


def profiles_of(segment_of_deal, segments=None):
    """Give every deal a segment by number; one profile for each segment, amounts unknown."""
    code = np.asarray(segment_of_deal, dtype=np.int64)
    count = int(code.max()) + 1 if segments is None else segments
    names = tuple(f"S{k}" for k in range(count))
    table = np.stack([np.arange(count), np.zeros(count, dtype=np.int64)], axis=1)
    return Profiles(names, np.empty(0), table, code, code, np.full(len(code), np.nan))


def live(rng, rates, segment, entry, today):
    """Let deals move by constant daily intensities until a day closes; an independent simulator, day by day.

    Parameters
    ----------
    rates : array of float, shape (segments, stages, destinations)
        Intensities per day; destinations are the stages, won, lost.
    segment, entry : array of int, shape (deals,)
        Segment of each deal and the day on which it enters the first stage.
    today : int
        Last day.
    """
    stages = rates.shape[1]
    rows = []
    for deal, (k, born) in enumerate(zip(segment, entry, strict=True)):
        stage, day = 0, int(born)
        while stage < stages:
            total = rates[k, stage].sum()
            # Every day, that of arrival included, offers the same chance to leave.
            age = int(rng.geometric(-np.expm1(-total))) - 1
            if day + age > today:
                rows.append((deal, stage, day, 0, today - day, CENSORED))
                break
            to = int(rng.choice(stages + 2, p=rates[k, stage] / total))
            rows.append((deal, stage, day, 0, age, to))
            stage, day = to, day + age
    return rows
