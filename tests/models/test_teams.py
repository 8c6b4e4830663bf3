"""Teams: who belongs to which, what each did in a quarter, and what it comes to in a whole fit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from companies import EXPORT, example_fit
from spmforecast.data import NONE, ExampleCompany, read_history
from spmforecast.models import PipelineModel
from spmforecast.models.adjust import Hire
from spmforecast.models.carrying import carried
from spmforecast.models.teams import fit_teams, membership
from spmforecast.models.watched import Watched
from spmforecast.simulate.adjusting.people import with_people
from spmforecast.simulate.horizon import build_horizon
from spmforecast.simulate.teams import plan_teams


def places(managers, regions):
    return pd.DataFrame({"manager_id": managers, "region": regions})


def test_a_team_is_whoever_has_the_same_manager():
    teams = membership(places(["M2", "M1", NONE, "M2"], ["N", "N", "S", "S"]))
    assert (teams.names, teams.by, teams.team.tolist()) == (("M1", "M2"), "manager_id", [1, 0, -1, 1])
    np.testing.assert_array_equal(teams.sums(np.arange(8.0).reshape(4, 2)), [[2, 3], [6, 8]])


@pytest.mark.parametrize("manager", ["M1", NONE])
def test_one_manager_for_all_or_none_leaves_regions(manager):
    teams = membership(places([manager] * 3, ["N", "S", NONE]))
    assert (teams.names, teams.by, teams.team.tolist()) == (("N", "S"), "region", [0, 1, -1])


def test_there_is_no_team_where_there_are_no_two():
    assert membership(places(["M1", "M1"], ["N", NONE])) is None
    fit = example_fit()
    assert (
        fit_teams(
            None, fit.creation, Watched.of(fit.stays, fit.profiles.segment_of_deal, fit.spans), fit.rep_wins.mean, 0
        )
        is None
    )


@pytest.fixture(scope="module")
def company():
    return ExampleCompany(seed=11, character="calm", export=EXPORT)


@pytest.fixture(scope="module")
def fit(company):
    return PipelineModel().fit(read_history(company.tables()), as_of="2025-05-10")


def test_wins_seen_and_due_are_counted_by_quarter(fit, monkeypatch):
    """Every win of a team's reps is seen in the fiscal quarter of its close, and as many are due in all, about."""
    told = {}

    def spy(ratio, noise, under_way, *rest):
        told.setdefault("under_way", under_way)
        return dataclasses.replace(fit.teams.winning)

    def counts(seen, hoped):
        told.setdefault("counts", []).append((seen, hoped))
        return seen, hoped

    monkeypatch.setattr("spmforecast.models.teams.fit_team_spread", spy)
    monkeypatch.setattr("spmforecast.models.teams.log_ratios", counts)
    watched = Watched.of(fit.stays, fit.profiles.segment_of_deal, fit.spans)
    fit_teams(fit.teams.teams, fit.creation, watched, np.ones(len(fit.creation.owners)), fit.stays.today)
    (created, expected), (won, due) = told["counts"]
    assert told["under_way"]  # the tenth of May lies within a quarter
    manager = fit.history.current_reps()["manager_id"]
    deals = fit.deals.assign(team=fit.deals["owner_id"].map(manager))
    quarter = deals["close_date"].dt.to_period("Q").astype(str)
    for name, of_team in zip(fit.teams.teams.names, won, strict=True):
        mine = quarter[(deals["status"] == "won") & (deals["team"] == name)]
        last = [str(one) for one in pd.period_range("2023Q3", "2025Q2", freq="Q")]
        assert of_team[-8:].tolist() == [float((mine == label).sum()) for label in last]
    assert due.sum() == pytest.approx(won.sum(), rel=0.03)
    assert created.sum() == fit.creation.observed.sum()
    assert expected.sum() == pytest.approx(fit.creation.expected.sum())


def test_a_team_whose_quarters_were_made_to_swing_is_found(company):
    """Deals of one region created in every other quarter are taken out by two thirds."""
    tables = company.tables()
    deals = tables["opportunities"]
    odd = pd.to_datetime(deals["created_date"]).dt.quarter % 2 == 1
    manager = deals["owner_id"].map(tables["reps"].drop_duplicates("rep_id").set_index("rep_id")["manager_id"])
    one = manager == sorted(manager.dropna().unique())[0]
    gone = (odd == one.to_numpy()) & (np.arange(len(deals)) % 3 > 0)
    kept = deals[~gone]
    events = tables["stage_history"]
    swung = {
        "opportunities": kept,
        "stage_history": events[events["opportunity_id"].isin(kept["opportunity_id"])],
        "reps": tables["reps"],
        "territories": tables["territories"],
    }
    fit = PipelineModel().fit(read_history(swung), as_of="2025-06-30")
    plain = PipelineModel().fit(read_history(tables), as_of="2025-06-30")
    assert fit.teams.creation.tau_mean() > 0.3
    assert plain.teams.creation.tau_mean() < 0.12
    assert plain.teams.creation.tau_quantile(0.05) > 0


def test_at_the_end_of_a_quarter_no_shock_goes_on(company, fit):
    whole = PipelineModel().fit(read_history(company.tables()), as_of="2025-06-30")
    np.testing.assert_array_equal(whole.teams.winning.present, 0.0)
    assert (fit.teams.winning.present != 0).any()
    assert (fit.teams.winning.present_sd <= fit.teams.winning.tau + 1e-12).all()


def test_who_is_hired_belongs_to_the_team_of_the_manager(fit):
    manager = fit.teams.teams.names[1]
    place = fit.roster.places[fit.roster.places["manager_id"] == manager].iloc[0]
    hire = Hire("R-new", fit.as_of.date(), place["territory_id"], place["region"], manager)
    horizon = build_horizon(fit.as_of, "2025-12-31", "quarter", fit.calendar)
    seats = [("T-unknown", place["region"]), (place["territory_id"], place["region"]), ("T-unknown", "nowhere")]
    plan = plan_teams(with_people(fit, [hire]), horizon, ("R-new", fit.roster.owners[0], "(to be hired)"), seats)
    first = fit.teams.teams.of(fit.roster.places)[0]
    assert plan.of_owner.tolist() == [1, first, -1]
    assert plan.of_place.tolist() == [1, 1, -1]
    np.testing.assert_allclose(plan.share, np.eye(3))


def test_who_is_hired_where_all_have_left_belongs_to_the_team_of_the_region(fit):
    region = fit.roster.places["region"].to_numpy()
    of_regions = dataclasses.replace(fit.teams, teams=membership(fit.roster.places.assign(manager_id=NONE)))
    stay = np.flatnonzero(region != region[0])
    left = dataclasses.replace(
        fit.roster,
        owners=tuple(fit.roster.owners[k] for k in stay),
        places=fit.roster.places.iloc[stay],
        hired=fit.roster.hired[stay],
    )
    horizon = build_horizon(fit.as_of, "2025-12-31", "quarter", fit.calendar)
    model = dataclasses.replace(fit, teams=of_regions, roster=left)
    plan = plan_teams(model, horizon, fit.roster.owners, [("T-unknown", region[0]), ("T-unknown", "nowhere")])
    assert plan.of_place.tolist() == [of_regions.teams.names.index(region[0]), -1]


def test_a_later_record_knows_nothing_of_the_quarter_under_way(company, fit):
    later = PipelineModel().fit(read_history(company.tables()), as_of="2025-06-30")
    old = carried(fit, later)
    assert old.teams.winning.tau_mean() == fit.teams.winning.tau_mean()
    np.testing.assert_array_equal(old.teams.winning.present, 0.0)


def test_the_rates_and_the_notes_say_by_how_much_teams_differ(fit):
    rows = fit.summary().query("kind == 'teams'")
    assert len(rows) == 2
    assert (rows["low"] <= rows["estimate"]).all()
    assert (rows["estimate"] <= rows["high"]).all()
    assert rows["note"].str.contains("manager").all()


def test_teams_leave_the_company_alone_and_move_regions(fit):
    """Shocks put at 0.3: the company's quarter keeps its mean and spread, every region's is wider."""
    at = np.zeros(len(fit.teams.creation.tau))
    at[29] = 1.0
    sure = {name: dataclasses.replace(getattr(fit.teams, name).unseen(), weight=at) for name in ("creation", "winning")}
    moved = dataclasses.replace(fit, teams=dataclasses.replace(fit.teams, **sure))
    one, other = (
        spm.simulate(model, until="2025-09-30", trials=4000, levels=("region",))
        for model in (moved, dataclasses.replace(fit, teams=None))
    )
    (mean, sd), (plain_mean, plain_sd) = ((d.mean(), d.std()) for d in (f.period_draws("2025Q3") for f in (one, other)))
    assert mean == pytest.approx(plain_mean, rel=0.03)
    assert sd == pytest.approx(plain_sd, rel=0.06)
    for region in sorted(set(one.cells["region"]) - {NONE}):
        here = ((one.cells["region"] == region) & (one.cells["period"] == "2025Q3")).to_numpy()
        there = ((other.cells["region"] == region) & (other.cells["period"] == "2025Q3")).to_numpy()
        assert one.draws[:, here].sum(axis=1).std() > 1.02 * other.draws[:, there].sum(axis=1).std()
