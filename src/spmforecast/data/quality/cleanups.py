"""Clean-up days: days on which somebody closes-lost what had been dead for long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.history import History
from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.limits import QualityRules
from spmforecast.data.quality.records import NEVER, Codes, Ints, Mask, Records, days_of, tally

__all__ = ["COMPANY", "clean_up_days", "clean_ups", "last_touch", "swept"]

COMPANY = "(company)"

_QUANTILE = 0.99


@dataclass(frozen=True, eq=False)
class _Days:
    """Flagged days: code of the owner (-1 for the company), day, deals closed, the usual worst day."""

    owner: Ints
    day: Ints
    closed: Ints
    usual: npt.NDArray[np.float64]


def clean_up_days(history: History, rules: QualityRules | None = None) -> pd.DataFrame:
    """List the days on which one owner, or the company, lost far more deals at once than ever else.

    A day is flagged when the deals lost exceed both a least number and a multiple of the 99 % quantile of the daily
    losses on all other days (METHODS: more than max(10, 5 times the usual)).

    Parameters
    ----------
    history : History
        As read, or as of a day.
    rules : QualityRules, optional
        ``clean_up_least`` and ``clean_up_factor``.

    Returns
    -------
    pandas.DataFrame
        ``owner_id, day, closed, usual``, by day; the owner is ``(company)`` where only all together are conspicuous.
    """
    records = Records(history, rules or QualityRules())
    days, owners = _flagged(records)
    names = np.append(owners.names, COMPANY)
    out = pd.DataFrame(
        {
            "owner_id": pd.Series(names[days.owner], dtype="str"),
            "day": days.day.astype("datetime64[D]").astype("datetime64[s]"),
            "closed": days.closed,
            "usual": days.usual,
        }
    )
    return out.sort_values(["day", "owner_id"], kind="stable").reset_index(drop=True)


def swept(records: Records) -> Mask:
    """Mark the deals that were lost on a flagged day of their owner, or of the company, shape (deals,)."""
    days, owners = _flagged(records)
    lost = records.lost & (records.close != NEVER)
    of_company = np.isin(records.close, days.day[days.owner < 0])
    span = int(records.close[lost].max()) + 2 if lost.any() else 2
    of_owner = np.isin(owners.code * span + records.close, days.owner * span + days.day)
    return np.asarray(lost & (of_company | of_owner))


def last_touch(records: Records) -> Ints:
    """Return the day of each deal's last event or activity before its close, or of its creation, shape (deals,)."""
    moves = records.moves
    out = records.created.copy()
    before = (moves.day < records.close[moves.deal]) & ~moves.closed
    np.maximum.at(out, moves.deal[before], moves.day[before])
    activities = records.history.activities
    named = activities["opportunity_id"].notna().to_numpy(dtype=bool)
    deal = pd.Index(records.deals["opportunity_id"]).get_indexer(pd.Index(activities["opportunity_id"][named]))
    day = days_of(activities["date"][named])
    fits = (deal >= 0) & (day < records.close[deal])
    np.maximum.at(out, deal[fits], day[fits])
    return out


def clean_ups(records: Records) -> Iterator[Finding]:
    """Tell the clean-up days."""
    found = clean_up_days(records.history, records.limits)
    if found.empty:
        return
    order = found.sort_values("closed", ascending=False, kind="stable").head(5)
    told = [
        f"{owner} on {day:%Y-%m-%d}: {closed:,} lost (usual worst day {usual:.0f})"
        for owner, day, closed, usual in order.itertuples(index=False)
    ]
    yield Finding(
        "clean_up_days",
        "opportunities",
        "close_date",
        int(swept(records).sum()),
        int(records.lost.sum()),
        tuple(told),
        f"On {tally(len(found), 'day')} deals were lost in bulk: they had been dead for long, so the day of the "
        "loss says nothing about how long deals live, and losses at high ages look too likely.",
        "Set quality: {clean_ups: censor} to fit these deals as watched up to their last activity only.",
    )


def _flagged(records: Records) -> tuple[_Days, Codes]:
    """Find the flagged days of owners, then those of the company once its owners' own are taken out."""
    owners = records.codes("opportunities", "owner_id")
    done = records.lost & (records.close != NEVER)
    rows = np.flatnonzero(done & (owners.code >= 0))
    single = _of_groups(owners.code[rows], records.close[rows], records.limits)
    span = int(records.close[rows].max(initial=0)) + 2
    left = rows[~np.isin(owners.code[rows] * span + records.close[rows], single.owner * span + single.day)]
    whole = _of_groups(np.full(len(left), -1), records.close[left], records.limits)
    both = _Days(
        owner=np.append(single.owner, whole.owner),
        day=np.append(single.day, whole.day),
        closed=np.append(single.closed, whole.closed),
        usual=np.append(single.usual, whole.usual),
    )
    return both, owners


def _of_groups(group: Ints, day: Ints, limits: QualityRules) -> _Days:
    """Count by group and day, and flag the days far above the group's other days."""
    counts = pd.DataFrame({"group": group, "day": day}).value_counts(sort=False).sort_index()
    keys = counts.index.to_frame(index=False).to_numpy(dtype=np.int64).reshape(-1, 2)
    count: Ints = np.asarray(counts, dtype=np.int64)
    usual = np.zeros(len(count))
    flagged = np.zeros(len(count), dtype=bool)
    for row in np.flatnonzero(count > limits.clean_up_least):
        low, high = np.searchsorted(keys[:, 0], [keys[row, 0], keys[row, 0] + 1])
        usual[row] = _usual(count[low:high], int(keys[high - 1, 1] - keys[low, 1]) + 1, int(count[row]))
        flagged[row] = count[row] > limits.clean_up_factor * usual[row]
    return _Days(keys[flagged, 0], keys[flagged, 1], count[flagged], usual[flagged])


def _usual(count: Ints, days: int, one: int) -> float:
    """Return the 99 % quantile of the daily counts of all days but one, those without any among them."""
    others = np.sort(count)[::-1]
    others = np.delete(others, np.flatnonzero(others == one)[0])
    place = (1 - _QUANTILE) * max(days - 2, 0)
    below, share = int(place), place - int(place)
    pair = [float(others[k]) if k < len(others) else 0.0 for k in (below, below + 1)]
    return pair[0] * (1 - share) + pair[1] * share
