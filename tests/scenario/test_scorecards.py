"""From a scenario to its scorecards: sums, targets, what is absent, wrong keys, and nothing of the future."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import spmforecast as spm
from spmforecast.errors import InputError
from spmforecast.scenario import load_scenario
from spmforecast.scenario.scorecards.answer import FACTS, Scorecards
from spmforecast.simulate.credits import shares_of

QUESTION = """\
name: cards
history: DATA
as_of: 2025-05-14
until: 2025-09-30
currency: EUR
simulate: {trials: 200, seed: 3}
scorecards:
  stages: {Proposal: {longest_days: 9, deals: 40}}
  targets: {call: 3, bookings: 1000}
  pyramid: {indicators: meeting}
"""


@pytest.fixture(scope="module")
def asked(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cards")
    path = folder / "scenario.yaml"
    path.write_text(QUESTION.replace("DATA", str(place / "company")), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def found(asked: Path) -> Scorecards:
    """The answer; treat it as read-only."""
    return spm.scorecards(asked)


def changed(
    asked: Path, folder: Path, tables: dict[str, pd.DataFrame], text: str = "", left_out: tuple[str, ...] = ()
) -> Path:
    """Write the company with other tables, and a scenario that reads it."""
    source, data = asked.read_text().split("history: ")[1].split("\n")[0], folder / "data"
    data.mkdir(parents=True)
    for path in Path(source).glob("*.csv"):
        if path.stem not in left_out:
            tables.get(path.stem, pd.read_csv(path, dtype=str)).to_csv(data / path.name, index=False)
    (folder / "scenario.yaml").write_text((text or QUESTION).replace("DATA", "data"), encoding="utf-8")
    return folder / "scenario.yaml"


def test_bookings_add_up_to_those_of_the_run_to_the_cent(found: Scorecards) -> None:
    forecast, cards = found.result.forecast, found.scorecards
    won = (forecast.cells["part"] == "won").to_numpy()
    period = (forecast.cells["period"] == found.facts["period"]).to_numpy()
    assert round(cards["booked_period"].sum(), 2) == round(forecast.draws[0, won & period].sum(), 2)
    assert round(cards["booked_year"].sum(), 2) == round(forecast.draws[0, won].sum(), 2)
    whole = found.team.iloc[-1]
    assert whole["booked_year"] == round(cards["booked_year"].sum(), 2)
    assert whole["p50"] == pytest.approx(np.median(forecast.period_draws(found.facts["period_ahead"])), abs=0.01)
    teams = found.team.iloc[:-1]
    assert teams["reps"].sum() == whole["reps"] == len(cards) - 1
    assert teams["open_amount"].sum() == pytest.approx(whole["open_amount"])
    assert teams["actions"].sum() <= whole["actions"] == len(found.actions)


def test_splits_and_a_busier_team(asked: Path, tmp_path: Path, found: Scorecards) -> None:
    deals = found.result.history.opportunities
    won = deals[(deals["status"] == "won").to_numpy()]
    lately = won[(won["close_date"] > "2024-09-01").to_numpy()].head(12)
    first, second = found.scorecards["rep_id"].iloc[:2]
    splits = pd.concat(
        [
            pd.DataFrame({"opportunity_id": lately["opportunity_id"], "rep_id": rep, "share": share})
            for rep, share in ((first, 0.3333), (second, 0.6667))
        ]
    )
    log = found.result.history.activities
    busy = pd.concat([log.assign(activity_id=log["activity_id"] + f"-{copy}") for copy in range(30)])
    path = changed(asked, tmp_path, {"activities": busy}, QUESTION.replace("2025-09-30", "2025-06-30"))
    splits.to_csv(path.parent / "data" / "splits.csv", index=False)
    told = spm.scorecards(path)
    shared = shares_of(won, told.result.history.splits)
    assert len(shared) == len(won) + len(lately)
    board = told.leaderboard.set_index("rep_id")["bookings"]
    before = found.leaderboard.set_index("rep_id")["bookings"]
    assert board.sum() + _left(told) == pytest.approx(before.sum() + _left(found), abs=0.005)
    assert board[second] != before[second]
    proposed = told.weekly[told.weekly["target_from"].str.startswith("median", na=False)]
    assert {"call", "meeting"} & set(proposed["measure"]) == {"meeting"}  # targets of calls are given
    assert (proposed["target"] >= 1).all()
    assert (proposed["target"] % 1 == 0).all()


def _left(told: Scorecards) -> float:
    """Bookings of the last year of owners who no longer sell."""
    model = told.result.model
    won = model.deals[(model.deals["status"] == "won").to_numpy()]
    lately = won[(won["close_date"] > model.as_of - pd.Timedelta(days=365)).to_numpy()]
    return float(lately["amount"].sum() - told.leaderboard["bookings"].sum())


def test_the_river_balances_and_breaches_are_those_over_the_limit(found: Scorecards) -> None:
    river = found.river
    came = river["created"] + river["entered"]
    went = river[["onward", "back", "won", "lost", "unwatched"]].sum(axis=1)
    assert (river["start"] + came - went == river["open"]).all()
    whole, parts = river[river["segment"] == "(all)"], river[river["segment"] != "(all)"]
    for name in ("start", "open", "won", "lost", "over_limit", "visits"):
        assert parts[name].sum() == whole[name].sum()
    assert len(found.breaches) == whole["over_limit"].sum()
    assert (found.breaches["age_days"] > found.breaches["longest_days"]).all()
    limits = river.set_index(["segment", "stage"])["longest_days"]
    told = [limits[row.segment, row.stage] for row in found.breaches.itertuples()]
    assert found.breaches["longest_days"].tolist() == told
    assert len(found.result.forecast.deals) == whole["open"].sum()


def test_targets_given_take_the_place_of_proposed_ones(found: Scorecards) -> None:
    stages = found.river[found.river["segment"] == "(all)"].set_index("stage")
    assert stages.loc["Proposal", ["longest_days", "longest_from", "wanted", "wanted_from"]].tolist() == [
        9.0, "given", 40.0, "given",
    ]  # fmt: skip
    assert stages.loc["Qualification", "longest_from"] == "fit"
    assert stages.loc["Qualification", "wanted_from"] == "plan"
    week = found.weekly.set_index(["rep_id", "measure"])
    rep = found.scorecards["rep_id"].iloc[0]
    assert week.loc[(rep, "call"), ["target", "target_from"]].tolist() == [3.0, "given"]
    assert week.loc[(rep, "bookings"), "target"] == 1000
    rare = found.weekly[found.weekly["target_from"] == "too rare for a week"]
    assert len(rare) > 0
    assert rare["target"].isna().all()


def test_the_week_is_the_last_whole_one_and_its_counts_are_those_of_the_record(found: Scorecards) -> None:
    assert found.facts["week"] == "2025-05-05"
    log = found.result.history.activities
    inside = log[log["date"].between("2025-05-05", "2025-05-11 23:59:59").to_numpy()]
    reps = set(found.scorecards["rep_id"])
    told = found.weekly[found.weekly["measure"] == "meeting"]["done"].sum()
    assert told == ((inside["type"] == "meeting") & inside["rep_id"].isin(reps)).sum()
    made = found.result.history.opportunities["created_date"].between("2025-05-05", "2025-05-11 23:59:59")
    assert found.weekly[found.weekly["measure"] == "deals_created"]["done"].sum() == made.sum()
    met = found.weekly[found.weekly["met"] == "yes"]
    assert (met["done"] >= met["target"]).all()


def test_actions_say_why(found: Scorecards) -> None:
    actions = found.actions.set_index("opportunity_id")
    assert set(found.breaches["opportunity_id"]) == set(actions.index[actions["reason"].str.contains("stale")])
    past = actions[actions["reason"].str.contains("past")]
    assert (past["close_date"] <= "2025-05-14").all()
    due = actions[actions["reason"].str.contains("due")]
    assert due["close_date"].between("2025-05-15", "2025-05-28").all()
    decisive = actions[actions["reason"].str.contains("decisive")]
    assert decisive["spread_share"].sum() >= 0.5 * found.result.forecast.deals["spread_share"].sum()


def test_every_measure_stands_on_a_level_of_the_pyramid(found: Scorecards) -> None:
    levels = found.measures.groupby("measure")["level"].first()
    assert levels["win_rate"] == "indicators"
    assert levels["booked_year"] == "objectives"
    assert levels["call_4w"] == "drivers"
    assert levels["meeting_4w"] == levels["meeting_period"] == "indicators"  # the scenario says so
    rates = found.measures[found.measures["measure"] == "win_rate"]
    assert (rates["low"] <= rates["value"]).all()
    assert (rates["value"] <= rates["high"]).all()
    assert rates["behind"].sum() > 0


def test_the_bottleneck_is_the_mend_that_is_worth_most(found: Scorecards) -> None:
    best = found.mends.sort_values("worth", ascending=False).iloc[0]
    assert (found.bottleneck.stage, found.bottleneck.way) == (best["stage"], best["way"])
    assert found.bottleneck.reason.startswith(f"{best['stage']} is the bottleneck")
    assert "2025-09-30" in found.bottleneck.reason


def test_nothing_of_the_future_is_seen(asked: Path, tmp_path: Path, found: Scorecards) -> None:
    source = Path(asked.read_text().split("history: ")[1].split("\n")[0])
    tables = {name: pd.read_csv(source / f"{name}.csv", dtype=str)
              for name in ("opportunities", "stage_history", "activities", "reps")}  # fmt: skip
    last = "2025-05-14"
    deals, events, log = tables["opportunities"], tables["stage_history"], tables["activities"]
    late = (deals["close_date"] > last) & (deals["status"] != "open")
    deals.loc[late, "status"] = np.where(deals.loc[late, "status"] == "won", "lost", "won")
    deals.loc[late, "amount"] = "900000000"
    closing = events["entered_date"].gt(f"{last} 23:59:59") & events["status"].isin(["won", "lost"])
    events.loc[closing, "status"] = np.where(events.loc[closing, "status"] == "won", "lost", "won")
    new = set(deals.loc[deals["created_date"] > f"{last} 23:59:59", "opportunity_id"].iloc[::2])
    tables["opportunities"] = deals[~deals["opportunity_id"].isin(new)]
    tables["stage_history"] = events[~events["opportunity_id"].isin(new)]
    tables["activities"] = log[(log["date"] <= last) | (log.index % 2 == 0)]
    assert late.sum() > 3
    assert len(new) > 3
    assert len(tables["activities"]) < len(log)
    told = spm.scorecards(changed(asked, tmp_path, tables))
    for name, table in found.tables().items():
        assert_frame_equal(told.tables()[name], table, obj=name)
    assert told.bottleneck == found.bottleneck


def test_the_same_question_leaves_the_same_bytes(asked: Path, tmp_path: Path, found: Scorecards) -> None:
    found.save(tmp_path / "one")
    spm.scorecards(asked, jobs=2).save(tmp_path / "two")
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert FACTS in files
    assert "river.csv" in files
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_what_is_absent_is_said_and_worked_around(asked: Path, tmp_path: Path) -> None:
    absent = ("activities", "reps", "territories", "quotas", "plan", "stage_history", "submissions", "enablement")
    text = QUESTION.replace("  stages: {Proposal: {longest_days: 9, deals: 40}}\n", "")
    told = spm.scorecards(changed(asked, tmp_path, {}, text, absent))
    said = " ".join(told.notes)
    for word in ("no activities", "no stage history", "no table of reps", "No managers", "No quotas"):
        assert word in said
    assert set(told.weekly["measure"]) <= {"deals_created", "deals_qualified", "deals_won", "bookings"}
    assert told.scorecards["p_quota"].isna().all()
    assert told.team["reps_below_half"].isna().all()
    assert (told.river["wanted_from"] == "last year's bookings").all()
    assert len(told.leaderboard) == len(told.scorecards) - 1
    told.save(tmp_path / "cards")
    assert spm.report(tmp_path / "cards").is_file()


def test_bookings_alone_are_refused_in_words(asked: Path, tmp_path: Path) -> None:
    deals = pd.read_csv(Path(asked.read_text().split("history: ")[1].split("\n")[0]) / "opportunities.csv", dtype=str)
    won = deals[deals["status"] == "won"]
    data = tmp_path / "data"
    data.mkdir()
    ledger = won.rename(columns={"owner_id": "rep_id", "close_date": "date"})[["rep_id", "date", "amount"]]
    ledger.to_csv(data / "bookings.csv", index=False)
    path = tmp_path / "scenario.yaml"
    path.write_text(QUESTION.replace("DATA", "data").replace("currency: EUR", "levels: []"), encoding="utf-8")
    with pytest.raises(InputError, match="scorecards need deals"):
        spm.scorecards(path)


def test_wrong_names_are_told_with_their_line(asked: Path, tmp_path: Path) -> None:
    text = asked.read_text().replace("Proposal:", "Proposl:").replace("indicators: meeting", "drivers: metting")
    (tmp_path / "scenario.yaml").write_text(text)
    with pytest.raises(InputError, match="no such stage") as caught:
        spm.scorecards(tmp_path / "scenario.yaml")
    told = [str(problem) for problem in caught.value.problems]
    assert any("Did you mean Proposal?" in one for one in told)
    assert any("Did you mean meeting?" in one for one in told)
    assert all(problem.line for problem in caught.value.problems)


@pytest.mark.parametrize(
    "key",
    [
        "targets: {calls: 3}",
        "stages: {Proposal: {longest: 3}}",
        "pace_weeks: 2",
        "moved_on: 1.5",
        "targets: {call: -1}",
    ],
)
def test_wrong_keys_are_refused(asked: Path, tmp_path: Path, key: str) -> None:
    text = asked.read_text().split("scorecards:")[0] + f"scorecards: {{{key}}}\n"
    (tmp_path / "scenario.yaml").write_text(text)
    with pytest.raises(InputError, match="scorecards"):
        load_scenario(tmp_path / "scenario.yaml")


def test_facts_are_plain_json(found: Scorecards) -> None:
    facts = json.loads(json.dumps(found.facts, allow_nan=False))
    assert facts["kind"] == "scorecards"
    assert facts["since"] == "2024-05-15"
    assert facts["period"] == facts["period_ahead"] == "2025Q2"
    assert "cards" in found._repr_html_()
