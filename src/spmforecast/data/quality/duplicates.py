"""Duplicates: deals that were most likely entered twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import NEVER, Ints, Records, date_text

__all__ = ["likely_duplicates", "twins"]

_SAME = ("account_id", "owner_id", "product", "type")


def twins(records: Records) -> Ints:
    """Return for each deal the row of the first one like it: same account, owner, amount, day, product and type.

    Parameters
    ----------
    records : Records
        n deals.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        A deal's own row where it has no earlier twin. Deals without account or without an amount above 0 have none.
    """
    keys: dict[str, object] = {name: records.codes("opportunities", name).code for name in _SAME}
    frame = pd.DataFrame({**keys, "amount": records.amount, "day": records.created})
    own = np.arange(len(frame), dtype=np.int64)
    # Amounts are unknown (missing) or void (0) for many deals: alike in that is not alike.
    judged = (frame["account_id"] >= 0).to_numpy() & (records.amount > 0) & (records.created != NEVER)
    rows = own[judged]
    some = frame[judged]
    some = some[some.duplicated(keep=False)]
    if some.empty:
        return own
    first = some.index.to_series().groupby([some[name] for name in some.columns]).transform("min")
    out = own.copy()
    out[first.index.to_numpy()] = first.to_numpy(dtype=np.int64)
    assert len(rows) >= len(first)
    return out


def likely_duplicates(records: Records) -> Iterator[Finding]:
    """Find deals with the same account, owner, amount and day of creation under different ids."""
    first = twins(records)
    again = np.flatnonzero(first != np.arange(len(first)))
    if not len(again):
        return
    ids = records.deals["opportunity_id"].to_numpy(dtype=object)
    examples = [f"{ids[first[row]]} ~ {ids[row]} ({date_text(records.created[row])})" for row in again[:5]]
    yield Finding(
        "likely_duplicates",
        "opportunities",
        "opportunity_id",
        len(again),
        len(first),
        tuple(examples),
        "Deals have the same account, owner, amount, product, type and day of creation as an earlier one: what is "
        "counted twice raises creation, pipeline and, where won, bookings.",
        "Merge them in the CRM, or let the repair trim_duplicates keep the first of each.",
    )
