from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from spmforecast.data import History, read_history
from spmforecast.data.dimensions import moved_reps, rows_in_force, top_parents


def _deals() -> pd.DataFrame:
    history = read_history(
        {
            "opportunities": pd.DataFrame(
                {
                    "opportunity_id": ["own", "territory", "owner", "nothing", "unknown"],
                    "owner_id": ["R1", "R1", "R1", "R9", "R2"],
                    "created_date": "2024-01-01",
                    "status": "open",
                    "region": ["Mine", None, None, None, None],
                    "territory_id": [None, "T2", None, None, "T9"],
                    "segment": ["SMB", None, None, None, None],
                }
            ),
            "reps": pd.DataFrame(
                {
                    "rep_id": ["R1", "R1", "R1", "R2"],
                    "territory_id": ["T3", "T1", "T2", None],
                    "manager_id": ["M0", "M1", "M2", None],
                    "effective_from": ["2024-03-01", "2024-06-01", None, None],
                }
            ),
            "territories": pd.DataFrame(
                {
                    "territory_id": ["T1", "T2", "T3", "N", "E"],
                    "name": [None, None, None, "North", None],
                    "parent_id": ["N", "E", "E", None, None],
                }
            ),
        }
    )
    return history.deals().set_index("opportunity_id")


def test_a_region_is_the_deals_own_else_its_territorys_else_its_owners() -> None:
    assert _deals()["region"].to_dict() == {
        "own": "Mine",
        "territory": "E",
        "owner": "North",
        "nothing": "(none)",
        "unknown": "(none)",
    }


def test_a_territory_is_the_deals_own_else_that_of_its_owners_latest_row() -> None:
    assert _deals()["territory_id"].tolist() == ["T1", "T2", "T1", "(none)", "T9"]
    assert _deals()["manager_id"].tolist() == ["M1", "M1", "M1", "(none)", "(none)"]


def test_what_is_not_known_is_none() -> None:
    deals = _deals()
    assert deals["segment"].tolist() == ["SMB"] + ["(none)"] * 4
    assert set(deals["product"]) == set(deals["type"]) == set(deals["lead_source"]) == {"(none)"}


def test_an_earlier_day_knows_the_owners_earlier_territory() -> None:
    history = read_history(
        {
            "opportunities": pd.DataFrame(
                {"opportunity_id": ["D"], "owner_id": "R1", "created_date": "2024-01-01", "status": "open"}
            ),
            "reps": pd.DataFrame(
                {"rep_id": "R1", "territory_id": ["T1", "T2"], "effective_from": ["2023-01-01", "2024-06-01"]}
            ),
        }
    )
    assert history.as_of("2024-05-31").deals()["territory_id"].tolist() == ["T1"]
    assert history.as_of("2024-06-01").deals()["territory_id"].tolist() == ["T2"]
    assert history.current_reps().loc["R1", "territory_id"] == "T2"


def test_deep_trees_and_rings() -> None:
    tree = pd.DataFrame(
        {
            "territory_id": ["a", "b", "c", "x", "y"],
            "parent_id": ["b", "c", "out", "y", "x"],
            "name": [None, None, "See", None, None],
        }
    )
    assert top_parents(tree).to_dict() == {"a": "out", "b": "out", "c": "out"}


def _moved() -> History:
    """R1 goes from North to South on 2024-06-01 and gets another manager."""
    return read_history(
        {
            "opportunities": pd.DataFrame(
                {
                    "opportunity_id": ["before", "on the day", "after", "early", "open", "own"],
                    "owner_id": "R1",
                    "created_date": "2022-01-01",
                    "status": ["won", "lost", "won", "won", "open", "won"],
                    "amount": 100,
                    "close_date": [
                        "2024-05-31",
                        "2024-06-01T23:59",
                        "2024-08-01",
                        "2022-05-01",
                        "2024-02-01",
                        "2024-05-31",
                    ],
                    "territory_id": [None, None, None, None, None, "West"],
                }
            ),
            "reps": pd.DataFrame(
                {
                    "rep_id": "R1",
                    "territory_id": ["South", "North"],
                    "manager_id": ["M2", "M1"],
                    "effective_from": ["2024-06-01", "2023-01-01"],
                }
            ),
        }
    )


def test_a_closed_deal_counts_where_its_owner_stood_at_closing() -> None:
    deals = _moved().deals().set_index("opportunity_id")
    assert deals["territory_id"].to_dict() == {
        "before": "North",
        "on the day": "South",
        "after": "South",
        "early": "North",  # before the first dated row that one holds
        "open": "South",  # an expected close decides nothing
        "own": "West",
    }
    assert deals.loc[["before", "after", "own"], "manager_id"].tolist() == ["M1", "M2", "M1"]


def test_before_the_move_nothing_of_it_is_known() -> None:
    deals = _moved().as_of("2024-05-31").deals().set_index("opportunity_id")
    assert deals.loc[["before", "early", "open", "after"], "territory_id"].tolist() == ["North"] * 4
    assert set(deals["manager_id"]) == {"M1"}


def test_who_has_moved() -> None:
    assert moved_reps(_moved().reps) == {"R1"}
    assert moved_reps(_moved().as_of("2024-05-31").reps) == frozenset()


@given(st.data())
def test_the_row_in_force_is_that_of_a_search_by_hand(data: st.DataObject) -> None:
    names = st.sampled_from(["A", "B", "C"])
    days = st.none() | st.integers(19_000, 19_020)
    rows = data.draw(st.lists(st.tuples(names, days), max_size=12))
    asked = data.draw(st.lists(st.tuples(names | st.just("nobody"), days), max_size=12))

    def frame(pairs: list[tuple[str, int | None]]) -> pd.DataFrame:
        dates = np.array([None if day is None else np.datetime64(day, "D") for _, day in pairs], dtype="datetime64[s]")
        return pd.DataFrame({"rep_id": pd.Series([name for name, _ in pairs], dtype="str"), "effective_from": dates})

    reps, deals = frame(rows), frame(asked)
    got = rows_in_force(reps, deals["rep_id"], deals["effective_from"])
    assert len(got) == len(asked)
    for place, (name, day) in zip(got, asked, strict=True):
        own = sorted((-1 if since is None else since, row) for row, (who, since) in enumerate(rows) if who == name)
        held = [row for since, row in own if day is None or since <= day]
        assert place == (held[-1] if held else own[0][1] if own else -1)
