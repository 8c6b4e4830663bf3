"""What the record tells of open deals on a day beyond stage and age, and what of it the forecast uses, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models import FittedPipeline
from spmforecast.models.landmarks import Landmarks
from spmforecast.models.risksets import Stays, day_number
from spmforecast.models.signals import EventTable, Known, event_table, signals
from spmforecast.models.touches import Touches, read_touches

__all__ = ["DealSignals", "told_of_signals"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MOST_SOURCES = 6
_PARTS = ("the period at hand", "the next one", "the third", "later ones")


@dataclass(frozen=True)
class DealSignals:
    """Reads the signals of deals as they stood on a day; those of recent activity come last."""

    stays: Stays
    events: EventTable
    known: Known
    usual: Array
    touches: Touches | None

    @classmethod
    def of(cls, model: FittedPipeline) -> DealSignals:
        """Take what a fit knows of its deals."""
        events = event_table(model.history.stage_history, model.deals)
        known = Known(_sources(model.deals), _sizes(model), model.profiles.segment_of_deal)
        return cls(model.stays, events, known, _usual(model), read_touches(model.history.activities, model.deals))

    @property
    def levels(self) -> int:
        """First columns, those of all deals and of segments."""
        return 1 + self.known.segments

    @property
    def optional(self) -> int:
        """Columns that have to earn their place."""
        return 0 if self.touches is None else Touches.COLUMNS

    @property
    def activities(self) -> int:
        """Activities on deals that are on record."""
        return 0 if self.touches is None else len(self.touches.every)

    @property
    def columns(self) -> int:
        """Columns that are there in any case."""
        return int(self.read(np.zeros(0, dtype=np.int64), self.stays.today).shape[1]) - self.optional

    def read(self, rows: Ints, day: int) -> Array:
        """Signals of some stays, shape (n, columns)."""
        told = signals(self.stays, self.events, rows, day, self.usual, self.known)
        if self.touches is None:
            return told
        deal = self.stays.deal[rows]
        age = day - day_number(self.stays.deals["created_date"].iloc[deal])
        return np.hstack([told, self.touches.signals(day, deal, age)])


def told_of_signals(landmarks: Landmarks, dates: int, activities: int) -> tuple[str, ...]:
    """Say what open deals are corrected by, and whether recent activity is part of it.

    Parameters
    ----------
    landmarks : Landmarks
        The corrections.
    dates : int
        Earlier days that they were learned on.
    activities : int
        Activities on deals that are on record.

    Returns
    -------
    tuple of str
    """
    where = [name for name, sd in zip(_PARTS, landmarks.prior_sd, strict=True) if sd > 0]
    seen = f"{landmarks.deals:,} open deals on {dates} earlier {'day' if dates == 1 else 'days'} like today"
    if not where:
        said = f"Chances of open deals are those of their stage and age: {seen} tell of no signal that adds to them."
        return said, *_told_of_activity(landmarks, activities)
    said = (
        f"Chances of open deals in {_listed(where)} are corrected by what {seen} show of their signals: segment, "
        "stage, close date, pushes, days without an event, category, source, size, time in earlier stages (ridge "
        "logistic regression, the ridge chosen by the log score of the later days)."
    )
    return said, *_told_of_activity(landmarks, activities)


def _told_of_activity(landmarks: Landmarks, activities: int) -> tuple[str, ...]:
    """Say whether recent activity is among the signals, where any is on record."""
    if not activities:
        return ()
    parts = zip(_PARTS, landmarks.gain, landmarks.used, strict=True)
    added = ", ".join(f"{name} {gain:+.1f}" for name, gain, used in parts if used or not any(landmarks.used))
    known = f"Recent activity ({activities:,} activities on deals)"
    if any(landmarks.used):
        return (f"{known} is among these signals, as it adds to the log score of the later days: {added}.",)
    return (f"{known} is not among these signals: it adds less than one to the log score of the later days ({added}).",)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _sources(deals: pd.DataFrame) -> Ints:
    """Code of each deal's lead source, -1 for the rare ones and where there is none."""
    if "lead_source" not in deals or deals["lead_source"].isna().all():
        return np.full(len(deals), -1, dtype=np.int64)
    names = deals["lead_source"].astype(object)
    common = sorted(str(name) for name in names.value_counts().index[:_MOST_SOURCES])
    return np.asarray(names.astype(str).map({name: i for i, name in enumerate(common)}).fillna(-1), dtype=np.int64)


def _sizes(model: FittedPipeline) -> Array:
    """Log of each deal's amount over the typical one of its segment, within bounds; 0 where it is not known."""
    amount, segment = model.profiles.amount, model.profiles.segment_of_deal
    known = np.isfinite(amount) & (amount > 0)
    log_amount = np.log(np.where(known, amount, 1.0))
    total = np.bincount(segment, weights=log_amount * known, minlength=len(model.profiles.segments))
    count = np.bincount(segment, weights=known, minlength=len(model.profiles.segments))
    typical = (total / np.maximum(count, 1.0))[segment]
    return np.asarray(np.where(known, np.clip(log_amount - typical, -2.0, 2.0), 0.0))


def _usual(model: FittedPipeline) -> Array:
    """Usual days of each stay: the mean over its segment and stage of those that ended."""
    stays = model.stays
    key = model.profiles.segment_of_deal[stays.deal] * len(stays.stages) + stays.stage
    done = ~stays.censored
    size = int(key.max(initial=0)) + 1
    total = np.bincount(key[done], weights=stays.duration[done], minlength=size)
    mean = (total + 1.0) / (np.bincount(key[done], minlength=size) + 1.0)
    return np.asarray(mean[key], dtype=np.float64)
