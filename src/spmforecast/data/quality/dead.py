"""Dead deals: open, but older in their stage than nearly every deal that ever left it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.limits import QualityRules
from spmforecast.data.quality.records import NEVER, WHOLE_CYCLE, Ints, Mask, Records

__all__ = ["Dead", "dead", "dead_deals", "no_old_open_deals"]

_LEAST_AGE = 14  # where a rule moves deals on within hours, a few days are no sign of death
_MANY_OPEN = 100
_MANY_CLOSED = 500


@dataclass(frozen=True, eq=False)
class Dead:
    """Dead deals, oldest beyond their limit first.

    Parameters
    ----------
    deal, age, limit, entry : numpy.ndarray of int, shape (n,)
        Row of the deal, age in the stage, the age that comparable exits do not pass, and day of entry.
    stage : numpy.ndarray of str, shape (n,)
        Where it stands.
    """

    deal: Ints
    age: Ints
    limit: Ints
    entry: Ints
    stage: npt.NDArray[np.object_]


def dead(records: Records) -> Dead:
    """Find open deals whose age in the stage is beyond the quantile of comparable exits.

    Comparable are exits of the same stage and segment, or of the stage alone where these are too few.
    """
    visits = records.visits
    gone = visits.leave != NEVER
    # An exit is over, whether by a move or by a closing; what still lasts only counts as a candidate.
    running = ~gone & records.open[visits.deal]
    segment = records.segment.code[visits.deal]
    age = np.maximum(np.where(gone, visits.leave, records.day) - visits.entry, 0)
    limits = _limits(records, visits.stage, segment, age, gone & (visits.leave >= visits.entry))
    limits = np.maximum(limits, _LEAST_AGE)
    limit = limits[running]
    found = np.flatnonzero(running)[age[running] > limit]  # an unknown limit (NaN) is never passed
    found = found[np.argsort(limits[found] - age[found], kind="stable")]
    return Dead(
        deal=visits.deal[found],
        age=age[found],
        limit=np.ceil(limits[found]).astype(np.int64),
        entry=visits.entry[found],
        stage=visits.stages[visits.stage[found]],
    )


def _limits(records: Records, stage: Ints, segment: Ints, age: Ints, gone: Mask) -> npt.NDArray[np.float64]:
    """Return the limit of each visit, NaN where too few deals left a comparable one."""
    both = stage * (int(segment.max(initial=0)) + 2) + segment + 1
    own = _quantiles(both, age, gone, records.limits)[both]
    return np.where(np.isnan(own), _quantiles(stage, age, gone, records.limits)[stage], own)


def _quantiles(group: Ints, age: Ints, gone: Mask, limits: QualityRules) -> npt.NDArray[np.float64]:
    """Return the quantile of the ages at exit of each group (linear), NaN where there are too few exits."""
    size = int(group.max(initial=0)) + 1
    span = int(age.max(initial=0)) + 1
    ordered = np.sort(group[gone] * span + age[gone])
    count = np.bincount(group[gone], minlength=size)
    first = np.cumsum(count) - count
    enough = count >= max(limits.dead_least_exits, 1)
    place = first[enough] + limits.dead_age_quantile * (count[enough] - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, first[enough] + count[enough] - 1)
    low, high = ordered[below] % span, ordered[above] % span
    out = np.full(size, np.nan)
    out[enough] = low + (place - below) * (high - low)
    return out


def dead_deals(records: Records) -> Iterator[Finding]:
    """Tell the dead deals."""
    found = dead(records)
    if not len(found.deal):
        return
    first = list(zip(records.ids(found.deal), found.stage, found.age, found.limit, strict=False))
    q = 100 * records.limits.dead_age_quantile
    yield Finding(
        "dead_deals",
        "opportunities",
        "status",
        len(found.deal),
        int(records.open.sum()),
        tuple(f"{one} ({age:,} days{_in(stage)}, limit {limit:,})" for one, stage, age, limit in first),
        f"Open deals are older in their stage than {q:g} % of comparable deals were when they left it: they fill the "
        "pipeline and coverage, but hardly any will be won.",
        "Close them in the CRM, or let the repair close_dead_deals count them lost.",
    )


def _in(stage: str) -> str:
    """Name the stage; a deal without stage history is counted from its creation."""
    return "" if stage == WHOLE_CYCLE else f" in {stage}"


def no_old_open_deals(records: Records) -> Iterator[Finding]:
    """Find records in which no open deal is as old as closed ones became: real pipelines always have stale deals."""
    known = records.open & (records.created != NEVER)
    done = records.closed & (records.close != NEVER)
    if known.sum() < _MANY_OPEN or done.sum() < _MANY_CLOSED:
        return
    oldest = int(records.created[known].min())
    longest = int(np.quantile((records.close - records.created)[done], 0.999, method="higher"))
    if records.day - oldest > longest:
        return
    earlier = int((records.created[records.created != NEVER] < oldest).sum())
    if not earlier:
        return
    rows = np.flatnonzero(known & (records.created == oldest))
    yield Finding(
        "no_old_open_deals",
        "opportunities",
        "created_date",
        int(known.sum()),
        len(records.deals),
        records.ids(rows),
        f"No open deal was created before {np.datetime64(oldest, 'D')}, though {earlier:,} closed ones were: deals "
        "still open are young (right censoring), so the last months know few outcomes, and stale deals were closed in "
        "bulk or never exported.",
        "Check that the export holds every open deal.",
    )
