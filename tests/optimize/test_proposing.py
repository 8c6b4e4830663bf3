"""Proposals: distances, potential from history, moves with reasons, decisions, the frontier, staffing and pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from companies import AS_OF, example_tables
from spmforecast.data import read_history
from spmforecast.optimize import (
    fewest_moves,
    fit_potential,
    fit_workload,
    frontier,
    match_reps,
    revise_territories,
    staffing_gaps,
)
from spmforecast.optimize.territory.distances import great_circle
from spmforecast.plan.territory_pictures import frontier as frontier_picture


def small_company(accounts=60, reps=4, seed=1):
    """Accounts on a map; the first rep has far too many."""
    rng = np.random.default_rng(seed)
    homes = np.stack((48 + 4 * rng.random(reps), 8 + 6 * rng.random(reps)), axis=1)
    owner = np.where(rng.random(accounts) < 0.5, 0, rng.integers(0, reps, accounts))
    places = homes[rng.integers(0, reps, accounts)] + 0.5 * rng.standard_normal((accounts, 2))
    table = pd.DataFrame(
        {
            "account_id": [f"A{k:03d}" for k in range(accounts)],
            "owner_id": [f"R{k}" for k in owner],
            "potential": rng.lognormal(10, 0.6, accounts).round(),
            "workload": rng.lognormal(1, 0.4, accounts).round(1),
            "latitude": places[:, 0],
            "longitude": places[:, 1],
        }
    )
    people = pd.DataFrame({"rep_id": [f"R{k}" for k in range(reps)], "latitude": homes[:, 0], "longitude": homes[:, 1]})
    return table, people


def test_great_circle_distances():
    # Paris to New York, and a quarter of the equator, on a sphere of the Earth's mean radius.
    km = great_circle([[48.8566, 2.3522], [0, 0]], [[40.7128, -74.0060], [0, 90]])
    assert km[0, 0] == pytest.approx(5837, abs=1)
    assert km[1, 1] == pytest.approx(6371.0088 * np.pi / 2)
    assert np.isnan(great_circle([[np.nan, 0]], [[0, 0]])).all()


def test_a_proposal_balances_and_tells_every_move():
    accounts, reps = small_company()
    proposal = spm.propose_territories(accounts, reps, balance={"potential": 0.15, "workload": 0.2})
    assert proposal.assignment.feasible
    table = proposal.table.set_index("rep_id")
    assert table["potential_deviation"].abs().max() <= 0.15 + 1e-9
    assert table["workload_deviation"].abs().max() <= 0.2 + 1e-9
    merged = proposal.accounts
    assert table["potential"].sum() == pytest.approx(accounts["potential"].sum())
    own = merged.groupby("proposed_owner_id")["potential"].sum()
    assert np.allclose(own.reindex(table.index), table["potential"])
    changed = merged[merged["owner_id"] != merged["proposed_owner_id"]]
    assert set(proposal.moves["account_id"]) == set(changed["account_id"])
    assert (proposal.moves["reason"] != "").all()
    assert proposal.moves["reason"].str.contains("R0 has .* % of its").any()
    assert {"metric", "today", "proposed"} == set(proposal.summary.columns)
    assert "Territory proposal" in proposal._repr_html_()


def test_moves_can_be_refused_and_accepted_and_the_rest_is_solved_anew():
    accounts, reps = small_company()
    first = spm.propose_territories(accounts, reps, balance={"potential": 0.15})
    refused, accepted = first.moves["account_id"].iloc[0], first.moves["account_id"].iloc[1]
    target = first.moves.set_index("account_id").loc[accepted, "to"]
    second = revise_territories(first, accept=[accepted], refuse=[refused])
    owner = second.accounts.set_index("account_id")["proposed_owner_id"]
    today = accounts.set_index("account_id")["owner_id"]
    assert owner[refused] == today[refused]
    assert owner[accepted] == target
    assert second.decisions == {accepted: "accepted", refused: "refused"}
    third = revise_territories(second, refuse=[second.moves["account_id"].iloc[-1]])
    assert third.accounts.set_index("account_id").loc[refused, "proposed_owner_id"] == today[refused]
    with pytest.raises(spm.InputError, match="no such move is proposed"):
        revise_territories(first, accept=["A999"])


def test_the_frontier_improves_with_every_share_and_holds_the_limit():
    accounts, reps = small_company()
    points = frontier(accounts, reps, balance={"potential": 0.02, "workload": 0.02})
    assert points["max_moved"].tolist() == [0.0, 0.05, 0.1, 0.2, 1.0]
    assert (points["moved_share"] <= points["max_moved"] + 1e-9).all()
    assert (points["imbalance"].diff().dropna() <= 1e-12).all()
    assert points["imbalance"].iloc[-1] < 0.2 * points["imbalance"].iloc[0]
    assert points["moves"].iloc[0] == 0
    assert len(frontier_picture(points).axes) == 1


def test_a_leaver_and_a_hire_move_as_few_accounts_as_balance_allows():
    accounts, reps = small_company(seed=3)
    settled = spm.propose_territories(accounts, reps, balance={"potential": 0.1})
    accounts["owner_id"] = settled.accounts["proposed_owner_id"]
    left = fewest_moves(accounts, reps[reps["rep_id"] != "R3"], balance={"potential": 0.2})
    orphans = set(accounts.loc[accounts["owner_id"] == "R3", "account_id"])
    assert orphans <= set(left.moves["account_id"])
    assert left.moves.set_index("account_id").loc[sorted(orphans), "reason"].str.contains("no longer there").all()
    free = spm.propose_territories(accounts, reps[reps["rep_id"] != "R3"], balance={"potential": 0.2})
    assert len(left.moves) <= len(free.moves)
    hire = pd.concat([reps, pd.DataFrame({"rep_id": ["R9"], "latitude": [50.0], "longitude": [10.0]})])
    joined = fewest_moves(accounts, hire, balance={"potential": 0.2})
    assert (joined.moves["to"] == "R9").all()
    share = joined.table.set_index("rep_id").loc["R9", "potential_deviation"]
    assert -0.2 - 1e-9 <= share <= 0.2


def test_potential_follows_history_and_leans_on_the_industry():
    history = read_history(example_tables())
    fitted = fit_potential(history, AS_OF)
    assert list(fitted["account_id"]) == list(history.as_of(AS_OF).tables["accounts"]["account_id"])
    assert (fitted["potential"] > 0).all()
    assert fitted["shrinkage"].between(0, 1).all()
    richest = fitted.sort_values("wins").iloc[-1]
    assert richest["potential"] > fitted.loc[fitted["wins"] == 0, "potential"].mean()
    won = fitted["wins"].sum() / fitted["years"].iloc[0]
    rate = (fitted["potential"] / fitted["amount"]).sum()
    assert rate == pytest.approx(won, rel=0.1)
    assert set(fit_workload(history, AS_OF).columns) == {"account_id", "visits", "workload"}
    known = history.as_of(AS_OF).tables
    proposal = spm.propose_territories(known["accounts"], known["reps"], history=history, as_of=AS_OF)
    assert len(proposal.accounts) == len(known["accounts"])
    assert proposal.assignment.bound <= proposal.assignment.objective * (1 + 1e-9)


def test_matching_gaps_and_their_errors():
    rep, total = match_reps([[1.0, 9.0], [2.0, 3.0], [9.0, 9.0]])
    assert rep.tolist() == [0, 1, -1]
    assert total == 4.0
    stays, _ = match_reps([[1.0, 2.0], [2.0, 2.5]], today=[1, 0], stay=1.0)
    assert stays.tolist() == [1, 0]
    with pytest.raises(spm.InfeasibleError, match="no full matching"):
        match_reps([[np.inf, np.inf], [1.0, 1.0]])
    gaps = staffing_gaps(pd.DataFrame({"territory_id": ["N", "S"], "workload": [150.0, 50.0]}), hours=100)
    assert gaps["gap"].tolist() == [0.5, -0.5, 0.0]
    assert gaps["territory_id"].tolist() == ["N", "S", "(all)"]
    with pytest.raises(spm.InputError, match="must be above 0"):
        staffing_gaps(pd.DataFrame({"territory_id": ["N"], "workload": [1.0]}), hours=0)


def test_pictures_show_both_maps_and_every_measure():
    accounts, reps = small_company()
    proposal = spm.propose_territories(accounts, reps)
    before, after = proposal.plot_maps().axes
    assert (before.get_title(), after.get_title()) == ("Today", "Proposed")
    assert len(before.collections[0].get_offsets()) == len(accounts)
    bars = proposal.plot_balance().axes
    assert [axis.get_ylabel() for axis in bars] == ["potential / target", "workload / target"]


def test_wrong_tables_are_named():
    accounts, reps = small_company()
    with pytest.raises(spm.InputError, match="there is no such rep") as told:
        spm.propose_territories(accounts, reps, balance={"potentials": 0.1, "potential": 2}, locked={"A000": "R7"})
    assert len(told.value.problems) == 3
    with pytest.raises(spm.InputError, match="the column is missing"):
        spm.propose_territories(accounts.drop(columns="account_id"), reps)
