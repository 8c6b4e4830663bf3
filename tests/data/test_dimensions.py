from __future__ import annotations

import pandas as pd

from spmforecast.data import read_history
from spmforecast.data.dimensions import top_parents


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
