"""People's own forecasts, times the share of them that came true before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import Period
from spmforecast.evaluate.rivals.lines import LEVELS
from spmforecast.evaluate.rivals.snapshot import Snapshot
from spmforecast.models.risksets import day_number

__all__ = ["commit_realised", "committed"]

Array = npt.NDArray[np.float64]

_PERIODS = 8
_CATEGORIES = ("commit", "most_likely")


def commit_realised(seen: Snapshot) -> Array:
    """Return the last commit of each node and target times what earlier commits of that level came to.

    The realisation is the sum of bookings over the sum of commits made by the same day of the last eight whole periods.
    Where nobody commits, the most likely case is taken; a period without submissions has no answer.
    """
    out = seen.blank
    book = seen.submissions
    category = next((name for name in _CATEGORIES if (book["category"] == name).any()), "")
    book = book[(book["category"] == category).to_numpy()]
    if book.empty or not seen.past:
        return out
    ago = seen.today - _start(seen.targets[0])
    earlier = list(range(max(len(seen.past) - _PERIODS, 0), len(seen.past)))
    told = np.stack([committed(seen, book, seen.past[k], _start(seen.past[k]) + ago) for k in earlier], axis=1)
    for ahead, target in enumerate(seen.targets):
        out[:, ahead] = committed(seen, book, target, seen.today)
    for level in LEVELS:
        rows = np.array([node[0] == level for node in seen.nodes])
        heard = ~np.isnan(told[rows])
        hoped = told[rows][heard].sum()
        came = seen.closed[rows][:, earlier][heard].sum()
        out[rows] *= came / hoped if hoped > 0 else 1.0
    return out


def committed(seen: Snapshot, book: pd.DataFrame, period: Period, day: int) -> Array:
    """Return the last amount that was submitted for each node and a period by a day, shape (nodes,).

    Parameters
    ----------
    seen : Snapshot
        Nodes.
    book : pandas.DataFrame
        Submissions of one category.
    period : Period
        Asked for.
    day : int
        Day number; what was submitted later is not heard.

    Returns
    -------
    array of float, shape (nodes,)
        NaN where nothing was. A company without a submission of its own is the sum of its regions', else of its reps'.
    """
    heard = (book["period"] == period.label).to_numpy() & (day_number(book["date"]) <= day)
    rows = book[heard].sort_values("date", kind="stable")
    level = rows["node_level"].astype(object).fillna("company")
    node = rows["node"].astype(object).where(rows["node"].notna(), "company")
    node = node.where(level != "company", "company")
    last = dict(zip(zip(level, node, strict=True), rows["amount"].astype(float), strict=True))
    out = np.array([last.get(one, np.nan) for one in seen.nodes], dtype=np.float64)
    for below in LEVELS[1:]:
        parts = [amount for (kind, _), amount in last.items() if kind == below]
        if np.isnan(out[0]) and parts:
            out[0] = sum(parts)
    return out


def _start(period: Period) -> int:
    return int(day_number(pd.DatetimeIndex([period.start]))[0])
