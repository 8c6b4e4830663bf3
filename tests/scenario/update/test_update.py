"""Updates of example companies: nothing leaks, closed periods stay as they are, bridges and quotas add up."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import spmforecast as spm
from spmforecast import cli
from spmforecast.data import ExampleCompany
from spmforecast.errors import InfeasibleError, InputError
from spmforecast.scenario import load_scenario
from spmforecast.scenario.tables import forecast_table
from spmforecast.scenario.update import FACTORS, UpdateResult, update
from spmforecast.scenario.update.bridge import ENDS
from spmforecast.scenario.update.comparing import compare_runs
from spmforecast.scenario.update.previous import read_previous
from spmforecast.scenario.update.remaining import Remaining
from spmforecast.scenario.update.telling import update_lines
from spmforecast.scenario.update.updating import quotas_left

TEXT = """\
name: tiny
history: company
as_of: 2024-06-30
until: 2024-12-31
currency: EUR
plan: {2024Q1: 100_000, 2024Q2: 100_000, 2024Q3: 100_000, 2024Q4: 200_000}
simulate: {trials: 200, seed: 3}
quotas: {over_assignment: 0.10, round_to: 1000}
update: {policy: reallocate}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company of five reps, and a scenario as of its first quarter's close."""
    folder = tmp_path_factory.mktemp("update")
    ExampleCompany(seed=7, character="tiny", start="2022-10-01").write(folder / "company")
    (folder / "scenario.yaml").write_text(TEXT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def result(home: Path) -> UpdateResult:
    """The update of the second quarter; treat it as read-only."""
    return update(home / "scenario.yaml", "2024-09-30")


def check_bridge(result: UpdateResult) -> None:
    """Every node, period and year adds up to the cent, and both ends are the means of the two forecasts."""
    cents = result.bridge.cents
    for _, rows in cents.groupby(["node_level", "node", "period"]):
        own = rows.set_index("factor")
        for column in ("amount", "booked", "to_come"):
            assert own[column][list(FACTORS)].sum() == own[column][ENDS[1]] - own[column][ENDS[0]]
    for end, run in ((ENDS[0], result.last), (ENDS[1], result.run)):
        table = result.bridge.table
        own = table[(table["factor"] == end) & (table["node_level"] == "company")].set_index("period")
        for label in run.forecast.periods:
            assert own["amount"][label] == pytest.approx(run.forecast.period_draws(label).mean(), abs=0.05)
            booked = result.landing.set_index(["period", "forecast"])["booked"]
            assert own["booked"][label] == pytest.approx(booked[label, "last" if end == ENDS[0] else "this"], abs=0.001)
    if not result.last.scenario.keys.assumptions:
        assert (cents.loc[cents["factor"] == "assumptions", "amount"] == 0).all()
    assert (cents.loc[cents["factor"] == "won_as_expected", "amount"].abs() <= 1).all()


def check_sums(own: Remaining) -> None:
    """Quotas of what is left sum to those in force and what the policy adds, less the remainder."""
    for label, total in own.total.items():
        quotas = [Decimal(str(quota)) for quota in own.table.loc[own.table["period"] == label, "quota"]]
        assert sum(quotas) + own.remainder.get(label, Decimal(0)) == total + own.added[label]


def test_the_bridge_adds_up_and_its_ends_are_the_forecasts(result: UpdateResult) -> None:
    check_bridge(result)
    effects = result.bridge.of("2024")
    assert effects["model"] != 0  # the refit on a quarter more does change something
    assert effects["restated"] == 0


def test_closed_periods_stand_at_their_actuals(result: UpdateResult) -> None:
    deals = result.run.history.opportunities
    won = deals[(deals["status"] == "won") & deals["close_date"].between("2024-07-01", "2024-09-30")]
    closed = result.closed.set_index("period")
    assert closed["booked"]["2024Q3"] == pytest.approx(won["amount"].sum(), abs=0.005)
    assert list(closed.index) == ["2024Q1", "2024Q2", "2024Q3"]
    assert list(closed["closed_before"]) == [True, True, False]
    draws = result.run.forecast.period_draws("2024Q3")
    assert np.ptp(draws) == 0
    row = result.landing.set_index(["period", "forecast"]).loc[("2024Q3", "this")]
    assert row["p10"] == row["p90"] == row["mean"] == row["booked"]
    assert row["p_plan"] in (0.0, 1.0)


@pytest.mark.slow
def test_a_later_update_leaves_closed_periods_byte_for_byte(home: Path, result: UpdateResult) -> None:
    later = update(home / "scenario.yaml", "2024-11-30")
    check_bridge(later)
    assert later.quotas is not None
    check_sums(later.quotas)
    assert list(later.closed["period"]) == list(result.closed["period"])
    assert later.closed["booked"].to_numpy().tobytes() == result.closed["booked"].to_numpy().tobytes()


def test_nothing_later_than_the_new_date_is_looked_at(home: Path, result: UpdateResult, tmp_path: Path) -> None:
    poisoned(home / "company", tmp_path / "company", "2024-09-30")
    (tmp_path / "scenario.yaml").write_text(TEXT, encoding="utf-8")
    got = update(tmp_path / "scenario.yaml", "2024-09-30").save(tmp_path / "got")
    wanted = result.save(tmp_path / "wanted")
    names = {path.name for path in wanted.glob("*")} - {"run.json", "rejected.csv", "quality.csv"}
    assert {"bridge.csv", "landing.csv", "remaining_quotas.csv", "bridge_deals.csv", "draws.npy"} <= names
    assert [name for name in sorted(names) if (got / name).read_bytes() != (wanted / name).read_bytes()] == []


def poisoned(source: Path, target: Path, day: str) -> None:
    """Copy a company, with everything that is dated after a day made absurd."""
    target.mkdir()
    for path in source.iterdir():
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if path.stem == "opportunities":
            late = (table["status"] != "open") & (table["close_date"] > day)
            table.loc[late, "amount"] = "9999999"
            table.loc[late, "status"] = table.loc[late, "status"].map({"won": "lost", "lost": "won"})
        if path.stem == "stage_history":
            late = table["entered_date"] > day
            table.loc[late & (table["amount"] != ""), "amount"] = "9999999"
        table.to_csv(target / path.name, index=False)


def test_the_landing_has_the_chance_of_the_plan_then_and_now(result: UpdateResult) -> None:
    table = result.landing.set_index(["period", "forecast"])
    for name, run in (("last", result.last), ("this", result.run)):
        assert table["p_plan"]["2024", name] == run.forecast.p_plan({"2024": 500_000})["2024"]
        p10, p90 = np.quantile(run.forecast.period_draws("2024").round(2), [0.1, 0.9])
        assert (table["p10"]["2024", name], table["p90"]["2024", name]) == (p10, p90)


def test_deals_that_changed_are_listed_with_what_changed_them(result: UpdateResult) -> None:
    deals = result.deals
    known = deals[~deals["created_since"]]
    split = known[["converted", "timing", "size"]].sum(axis=1)
    np.testing.assert_allclose(split, known["change"], atol=1e-6)
    lost = known[known["status"] == "lost"]
    assert len(lost) > 0
    np.testing.assert_allclose(lost["converted"], -lost["last_expected"], atol=1e-6)


def test_the_gap_goes_to_the_periods_left_under_each_policy(home: Path, result: UpdateResult) -> None:
    assert result.quotas is not None
    check_sums(result.quotas)
    booked = Decimal(str(result.closed["booked"].sum().round(2)))
    assert result.quotas.gap == {"2024": Decimal(300_000) - booked}
    # What is added has the cushion that the quotas in force have over plan.
    wanted = result.quotas.gap["2024"] * result.quotas.total["2024Q4"] / 200_000
    assert sum(result.quotas.added.values()) == pytest.approx(wanted, abs=Decimal("0.02"))


def asked(result: UpdateResult, home: Path, keys: str) -> Remaining:
    """Ask the same runs for quotas under other keys."""
    path = home / f"asked-{abs(zlib.crc32(keys.encode()))}.yaml"
    path.write_text(TEXT.replace("{policy: reallocate}", keys), encoding="utf-8")
    scenario = load_scenario(path, {"as_of": "2024-09-30"})
    found, _ = quotas_left(result.last, replace(result.run, scenario=scenario))
    assert found is not None
    check_sums(found)
    return found


def test_hold_keeps_every_quota_and_partial_adds_its_share(home: Path, result: UpdateResult) -> None:
    held, part = (asked(result, home, keys) for keys in ("{policy: hold}", "{policy: partial, share: 0.25}"))
    assert result.quotas is not None
    assert (held.table["change"] == 0).all()
    assert sum(part.added.values()) == pytest.approx(sum(result.quotas.added.values()) / 4, abs=Decimal("0.03"))


def test_relief_names_people_and_limits_can_clash(home: Path, result: UpdateResult) -> None:
    with pytest.raises(InputError, match="no such rep has a quota") as caught:
        asked(result, home, "{relief: [{rep_id: R999, share: 0.2, reason: ill}]}")
    assert caught.value.problems[0].line == 9
    with pytest.raises(InfeasibleError, match="ceiling"):
        asked(result, home, "{policy: reallocate, limits: {ceiling: 1000}}")
    keys = "{spread: forecast, relief: [{rep_id: R001, share: 0.5, reason: on leave}], limits: {ratchet_up: 0.9}}"
    mine = asked(result, home, keys).table.set_index(["rep_id", "period"])
    assert mine["quota"]["R001", "2024Q4"] < 0.75 * mine["last_quota"]["R001", "2024Q4"]
    assert mine["reason"]["R001", "2024Q4"] == "relief: on leave"


def test_the_command_leaves_folder_page_and_planbook(home: Path, result: UpdateResult, tmp_path: Path) -> None:
    last, book = result.last.save(tmp_path / "last"), tmp_path / "book.sqlite"
    options = ["--previous", last, "--planbook", book, "--reason", "close of Q2", "--author", "Ada"]
    ran = invoke("update", home / "scenario.yaml", "--as-of", "2024-09-30", "-o", tmp_path / "run", *options)
    assert ran.exit_code == 0, ran.output
    assert "2024Q3 closed at" in ran.stdout
    assert "bridge:" in ran.stdout
    facts = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["update"]
    assert facts["last_as_of"] == "2024-06-30"
    assert facts["policy"] == "reallocate"
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "What changed since the last forecast" in page
    assert "Bridge of 2024 from the last forecast" in page
    log = spm.Planbook(book).log()
    assert list(log["kind"]) == ["forecast", "quotas", "plan"]
    assert set(log["author"]) == {"Ada"}
    kept = spm.Planbook(book).latest("quotas", "tiny")
    assert kept is not None
    assert len(kept.content.tables["quotas"]) == len(pd.read_csv(tmp_path / "run" / "remaining_quotas.csv"))
    table = pd.read_csv(tmp_path / "run" / "bridge.csv")
    assert table.loc[table["factor"] == "restated", "amount"].abs().max() <= 0.05
    # The planbook's forecast can be the last one of the next update, and its quotas are those in force.
    scenario = load_scenario(home / "scenario.yaml", {"as_of": "2024-11-30"})
    found = read_previous("1", scenario, spm.Planbook(book))
    assert str(found.as_of) == "2024-09-30"
    assert found.quotas is not None
    assert found.quotas["quota"].sum() == pytest.approx(kept.content.tables["quotas"]["quota"].sum())


@pytest.mark.slow
def test_the_next_update_starts_from_the_planbook_and_does_not_keep_the_plan_again(home: Path, tmp_path: Path) -> None:
    book = tmp_path / "book.sqlite"
    for day, previous in (("2024-09-30", []), ("2024-11-30", ["--previous", "1"])):
        options = ["-o", tmp_path / "run", "--planbook", book, *previous]
        ran = invoke("update", home / "scenario.yaml", "--as-of", day, *options)
        assert ran.exit_code == 0, ran.output
    assert list(spm.Planbook(book).log()["kind"]) == ["forecast", "quotas", "plan", "forecast", "quotas"]
    table = pd.read_csv(tmp_path / "run" / "bridge.csv")
    assert table.loc[table["factor"] == "restated", "amount"].abs().max() <= 0.05


def invoke(*arguments: object):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def test_kept_figures_that_differ_are_the_restated_row(result: UpdateResult) -> None:
    kept = forecast_table(result.last.forecast, result.last.plan)
    kept.loc[(kept["period"] == "2024Q4") & (kept["node_level"] == "company"), "mean"] += 1000
    got = compare_runs(result.last, result.run, kept).bridge
    assert got.of("2024Q4")["restated"] == pytest.approx(-1000, abs=0.05)
    assert got.of("2024Q4")[ENDS[0]] == pytest.approx(result.bridge.of("2024Q4")[ENDS[0]] + 1000, abs=0.05)
    for factor in ("created", "converted", "timing", "size", "model"):
        assert got.of("2024")[factor] == pytest.approx(result.bridge.of("2024")[factor], abs=0.05)


def told(error: InputError) -> str:
    return "\n".join(str(problem) for problem in error.problems)


def test_an_update_goes_forward_from_a_forecast_of_the_same_question(
    home: Path, result: UpdateResult, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="goes forward"):
        update(home / "scenario.yaml", "2024-06-30")
    with pytest.raises(InputError, match="no finished run"):
        update(home / "scenario.yaml", "2024-09-30", previous=tmp_path)
    with pytest.raises(InputError, match="no planbook"):
        update(home / "scenario.yaml", "2024-09-30", previous="7")
    with pytest.raises(InputError, match="goes with the policy partial"):
        update(home / "scenario.yaml", "2024-09-30", share=0.5)
    folder = result.last.save(tmp_path / "last")
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(facts | {"name": "other", "currency": "USD"}), encoding="utf-8")
    with pytest.raises(InputError, match="another name") as caught:
        update(home / "scenario.yaml", "2024-09-30", previous=folder)
    assert "another currency" in told(caught.value)


def test_it_is_said_in_words(result: UpdateResult) -> None:
    lines = update_lines(result)
    assert lines[0] == "tiny: from 2024-06-30 to 2024-09-30, forecast until 2024-12-31"
    assert any(line.startswith("2024 lands at") and "P(plan)" in line for line in lines)
    assert any("policy reallocate" in line for line in lines)
    assert "What changed" not in "".join(lines)
    assert "Bridge from the last forecast" in result._repr_html_()


def test_bookings_alone_are_compared_by_number_and_size_of_orders(home: Path, tmp_path: Path) -> None:
    deals = pd.read_csv(home / "company" / "opportunities.csv")
    won = deals[deals["status"] == "won"]
    (tmp_path / "company").mkdir()
    lines = pd.DataFrame({"rep_id": won["owner_id"], "date": won["close_date"], "amount": won["amount"]})
    lines.to_csv(tmp_path / "company" / "bookings.csv", index=False)
    (tmp_path / "scenario.yaml").write_text(TEXT + "levels: []\n", encoding="utf-8")
    got = update(tmp_path / "scenario.yaml", "2024-10-15")
    check_bridge(got)
    assert got.quotas is not None
    check_sums(got.quotas)
    second, fourth = got.bridge.of("2024Q3"), got.bridge.of("2024Q4")
    assert second["created"] != 0
    assert second["model"] == pytest.approx(0, abs=0.011)
    assert fourth["model"] != 0
    assert (fourth[["created", "size", "converted", "timing"]] == 0).all()


QUARTERS = ("2024-09-30", "2024-12-31", "2025-03-31", "2025-06-30")


def replay(path: Path, dates: Sequence[str], folder: Path) -> None:
    """Update from date to date, each from the folder of the one before; closed periods keep every byte."""
    previous, kept = None, dict[str, bytes]()
    for day in dates:
        got = update(path, day, previous=previous)
        check_bridge(got)
        if got.quotas is not None:
            check_sums(got.quotas)
        booked = got.closed.set_index("period")["booked"]
        for label, amount in booked.items():
            assert kept.setdefault(str(label), np.float64(amount).tobytes()) == np.float64(amount).tobytes(), label
        previous = got.save(folder / day)
    assert len(kept) >= 3


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "character"), [(7, "tiny"), (11, "stormy"), (3, "ordinary")])
def test_four_past_quarters_of_three_companies_are_replayed(seed: int, character: str, tmp_path: Path) -> None:
    ExampleCompany(seed=seed, character=character, size="small").write(tmp_path / "company")
    text = TEXT.replace("until: 2024-12-31", "until: 2025-12-31").replace("2024Q4: 200_000", COMING)
    (tmp_path / "scenario.yaml").write_text(text, encoding="utf-8")
    replay(tmp_path / "scenario.yaml", QUARTERS, tmp_path)
    # The same dates with another future: the same bytes.
    poisoned(tmp_path / "company", tmp_path / "poisoned", QUARTERS[-1])
    (tmp_path / "other.yaml").write_text(text.replace("history: company", "history: poisoned"), encoding="utf-8")
    got = update(tmp_path / "other.yaml", QUARTERS[-1], previous=tmp_path / QUARTERS[-2]).save(tmp_path / "got")
    for name in ("bridge.csv", "landing.csv", "remaining_quotas.csv", "bridge_deals.csv", "draws.npy"):
        assert (got / name).read_bytes() == (tmp_path / QUARTERS[-1] / name).read_bytes(), name


COMING = "2024Q4: 200_000, 2025Q1: 200_000, 2025Q2: 200_000, 2025Q3: 200_000, 2025Q4: 200_000"


@pytest.mark.slow
def test_the_quarters_that_a_hardware_company_has_are_replayed(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    home = Path(__file__).parents[2] / "real" / "maven_crm"
    text = (home / "scenario.yaml").read_text(encoding="utf-8")
    source = f"{{folder: {shared_data('maven_crm')}, map: {home / 'map.yaml'}}}"
    text = re.sub(r"^history: .*$", f"history: {source}", text, flags=re.MULTILINE)
    text = text.replace("as_of: 2017-09-30", "as_of: 2017-06-30").replace("trials: 10000", "trials: 500")
    (tmp_path / "scenario.yaml").write_text(text, encoding="utf-8")
    replay(tmp_path / "scenario.yaml", ("2017-09-30", "2017-11-30"), tmp_path)


def test_assumptions_that_events_have_overtaken_are_left_out_and_told(home: Path) -> None:
    reps = pd.read_csv(home / "company" / "reps.csv", dtype="str")
    place = str(reps.loc[reps["end_date"].isna(), "territory_id"].dropna().iloc[0])
    lines = [
        "  - {win_rate: {multiply: 1.2}, name: demos}",
        f"  - {{hire: {{territory_id: {place}, start: 2024-08-01}}, name: early}}",
        f"  - {{hire: {{territory_id: {place}, start: 2024-11-01}}, name: late}}",
        f'  - {{creation: {{multiply: 2}}, where: {{owner_id: "{place} hire 1"}}, name: of the early one}}',
        "  - {creation: {multiply: 1.1}, until: 2024-09-30, name: summer}",
    ]
    (home / "assumed.yaml").write_text(TEXT + "assumptions:\n" + "\n".join(lines) + "\n", encoding="utf-8")
    found = update(home / "assumed.yaml", "2024-09-30", trials=100)
    gone = [note.partition(": ")[2].partition(":")[0] for note in found.notes if note.startswith("overtaken")]
    assert gone == ["early", "summer"]
    owners = set(found.run.forecast.cells["owner_id"].astype(str))
    assert f"{place} hire 2" in owners
    assert f"{place} hire 1" not in owners
    check_bridge(found)
    rows = found.bridge.table.query("factor == 'assumptions' and node_level == 'company'")
    assert (rows["amount"] != 0).any()
