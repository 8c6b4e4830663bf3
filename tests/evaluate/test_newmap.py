"""Who gets what under a new map: shares of potential, the hold-over rule, disturbance and rep effects, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.evaluate.newmap import Effects, MapRules, passages
from spmforecast.evaluate.paired import compare_maps
from spmforecast.evaluate.remapped import remapped
from spmforecast.simulate import Forecast

TODAY = pd.Timestamp("2025-06-30")
NEXT = pd.Timestamp("2025-07-01")

ACCOUNTS = pd.DataFrame(
    {
        "account_id": ["a1", "a2", "a3", "b1"],
        "owner_id": ["A", "A", "A", "B"],
        "proposed_owner_id": ["A", "B", "C", "B"],
        "potential": [50.0, 30.0, 20.0, 40.0],
    }
)
DEAL_ACCOUNT = {"O1": "a1", "O2": "a2", "O3": "a2", "O4": "b1"}


def company() -> Forecast:
    rows = [(owner, part, period) for owner in "AB" for part in ("open", "new") for period in ("2025Q3", "2025Q4")]
    cells = pd.DataFrame(rows, columns=["owner_id", "part", "period"])
    deals = pd.DataFrame(
        {
            "opportunity_id": ["O1", "O2", "O3", "O4"],
            "owner_id": ["A", "A", "B", "B"],
            "p_win": [0.5, 0.4, 0.5, 0.5],
            "p_win_2025Q3": [0.5, 0.2, 0.5, 0.5],
            "p_win_2025Q4": [0.0, 0.2, 0.0, 0.0],
            "expected_amount": [500.0, 400.0, 100.0, 100.0],
        }
    )
    counts = np.tile(np.array([2.0]), (40, len(cells)))
    return Forecast(100.0 * counts, cells, counts=counts, deals=deals)


def told(rules: MapRules, effects: Effects | None = None) -> dict[tuple[str, str, str, str], tuple[float, float]]:
    forecast = company()
    out = {}
    for one in passages(forecast, ACCOUNTS, DEAL_ACCOUNT, rules, effects or Effects()):
        row = forecast.cells.iloc[one.cell]
        out[row["owner_id"], row["part"], row["period"], one.to] = (one.share, one.factor)
    return out


def test_deals_to_come_go_with_potential_and_open_ones_stay() -> None:
    found = told(MapRules(TODAY, NEXT))
    assert found == {
        ("A", "new", period, to): (pytest.approx(share), 1.0)
        for period in ("2025Q3", "2025Q4")
        for to, share in (("B", 0.3), ("C", 0.2))
    }


def test_open_deals_that_move_do_so_by_their_chances() -> None:
    found = told(MapRules(TODAY, NEXT, hold_days=0))
    # O2 is worth 1000 if won: 200 of the 700 that A's open deals bring in Q3, and all of Q4. O3 is B's own already.
    assert found["A", "open", "2025Q3", "B"] == (pytest.approx(200 / 700), 1.0)
    assert found["A", "open", "2025Q4", "B"] == (pytest.approx(1.0), 1.0)
    assert len([key for key in found if key[1] == "open"]) == 2


def test_the_hold_over_rule_counts_days_of_the_period() -> None:
    found = told(MapRules(TODAY, NEXT, hold_days=46))
    assert found["A", "open", "2025Q3", "B"][0] == pytest.approx(200 / 700 * 46 / 92)
    assert found["A", "open", "2025Q4", "B"][0] == pytest.approx(1.0)


def test_a_later_start_leaves_what_is_before_it() -> None:
    found = told(MapRules(TODAY, pd.Timestamp("2025-10-01")))
    assert {key[2] for key in found} == {"2025Q4"}


def test_disturbance_is_lost_for_as_long_as_was_said() -> None:
    found = told(MapRules(TODAY, NEXT, lost=0.2, lost_days=46))
    assert found["A", "new", "2025Q3", "B"][1] == pytest.approx(0.9)
    assert found["A", "new", "2025Q4", "B"][1] == 1.0


def test_rep_effects_change_odds_and_creation() -> None:
    effects = Effects({"A": 1.0, "B": 2.0}, {"B": 1.5}, chance=0.5)
    found = told(MapRules(TODAY, NEXT, hold_days=0), effects)
    # Odds of one to one become two to one: 1/2 becomes 2/3. O2's 0.4 becomes 0.8 / 1.4.
    assert found["A", "new", "2025Q3", "B"][1] == pytest.approx(1.5 * (2 / 3) / 0.5)
    assert found["A", "new", "2025Q3", "C"][1] == pytest.approx(1.0)
    assert found["A", "open", "2025Q3", "B"][1] == pytest.approx((0.8 / 1.4) / 0.4)


def test_accounts_without_potential_count_alike() -> None:
    bare = ACCOUNTS.assign(potential=np.nan)
    found = passages(company(), bare, {}, MapRules(TODAY, NEXT), Effects())
    assert {one.to for one in found} == {"B", "C"}
    assert [one.share for one in found] == pytest.approx([1 / 3] * 4)


def test_a_paired_comparison_sees_nothing_where_nothing_moves() -> None:
    rng = np.random.Generator(np.random.Philox(key=1))
    today = Forecast(rng.lognormal(8, 0.5, (200, 8)), company().cells)
    told_of = compare_maps(today, remapped(today, []), {"2025Q3": 10_000.0})
    assert (told_of[["difference", "low", "high"]] == 0.0).all(axis=None)
    assert set(told_of["metric"]) == {"bookings", "p_plan"}


def test_a_paired_comparison_knows_what_disturbance_costs() -> None:
    rng = np.random.Generator(np.random.Philox(key=2))
    counts = rng.poisson(4.0, (4_000, 8)).astype(np.float64)
    today = Forecast(100.0 * counts, company().cells, counts=counts)
    moved = passages(today, ACCOUNTS, {}, MapRules(TODAY, NEXT, lost=0.5, lost_days=365), Effects())
    row = compare_maps(today, remapped(today, moved), {}).set_index("period").loc["2025Q3"]
    # Half of the bookings to come on half of A's potential.
    assert row["low"] < -0.25 * 400 < row["high"]
    assert row["high"] - row["low"] < 0.1 * 400
    assert row["p05"] <= row["difference"] <= row["p95"]
