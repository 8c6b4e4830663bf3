"""Views of a history as of a day, compared, and single deals of them."""

from __future__ import annotations

import pandas as pd

from spmforecast.data import History


def same_views(one: History, other: History) -> None:
    assert one.known_at == other.known_at
    assert one.warnings == other.warnings
    assert set(one.tables) == set(other.tables)
    for name in one.tables:
        pd.testing.assert_frame_equal(one.tables[name], other.tables[name], obj=name)


def deal_in(history: History, name: str = "D") -> pd.Series:
    return history.opportunities.set_index("opportunity_id").loc[name]
