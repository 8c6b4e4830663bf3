"""Scenarios compared: paired differences, shares that add up to the cent, one luck, the folder and its page."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spmforecast as spm
from spmforecast.errors import InputError
from spmforecast.scenario.compare import Comparison, compare
from spmforecast.scenario.compare.coalitions import changes_between
from spmforecast.scenario.compare.inputs import _tails
from spmforecast.scenario.compare.shares import BOOKINGS, REST, whole_parts
from spmforecast.scenario.schema import load_scenario

MORE = """\
base: scenario.yaml
name: more
assumptions:
  - {win_rate: {multiply: 1.2}, name: Better demos}
  - {creation: {multiply: 1.1}}
  - {deal_size: {multiply: 1.05}, from: 2025-10-01, cost: 5000}
"""
EVEN = "base: scenario.yaml\nname: even\nquotas: {method: even}\n"


@pytest.fixture(scope="module")
def files(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    (folder / "company").symlink_to(place / "company", target_is_directory=True)
    (folder / "scenario.yaml").write_text((place / "scenario.yaml").read_text())
    (folder / "more.yaml").write_text(MORE)
    (folder / "even.yaml").write_text(EVEN)
    return folder


@pytest.fixture(scope="module")
def found(files: Path) -> Comparison:
    return compare([files / "scenario.yaml", files / "more.yaml", files / "even.yaml"], trials=200)


def company(found: Comparison, scenario: str) -> pd.DataFrame:
    table = found.differences
    return table[(table["scenario"] == scenario) & (table["node_level"] == "company")].set_index("period")


def test_a_difference_is_that_of_the_draws(found: Comparison) -> None:
    row = company(found, "more").loc["2025Q4"]
    one, other = (result.forecast.period_draws("2025Q4") for result in found.results[:2])
    apart = np.round(other, 2) - np.round(one, 2)
    assert row["difference"] == pytest.approx(apart.mean())
    assert row["p_above"] == (np.round(apart, 2) > 0).mean()
    assert row["p50"] == pytest.approx(np.median(apart))
    assert row["se"] == pytest.approx(apart.std() / np.sqrt(len(apart)))
    assert row["difference"] > 0


def test_levels_add_up(found: Comparison) -> None:
    table = found.differences[found.differences["scenario"] == "more"]
    whole = company(found, "more")["difference"]
    for level in ("region", "rep", "segment"):
        by_period = table[table["node_level"] == level].groupby("period")["difference"].sum()
        np.testing.assert_allclose(by_period.reindex(whole.index), whole, atol=0.01)


def test_quotas_change_no_bookings_but_what_is_evaluated(found: Comparison) -> None:
    even = found.differences[found.differences["scenario"] == "even"]
    assert (even["difference"] == 0).all()
    metrics = found.metrics[found.metrics["scenario"] == "even"].set_index("metric")["difference"]
    # What is carried is capped at quota, so it may move; the plan itself is reached in the same trials.
    assert (metrics.filter(regex=r"^p_plan\[") == 0).all()
    assert (metrics.filter(like="fairness_p_range") != 0).any()
    assert not (found.attribution["scenario"] == "even").any()


def test_shares_sum_to_the_difference_exactly(found: Comparison) -> None:
    groups = found.attribution.groupby(["scenario", "period", "figure"])
    assert len(groups) == 6  # two quarters and the year, and the plan of each
    for (scenario, period, figure), rows in groups:
        decimals = 2 if figure == "bookings" else 9
        units = [round(share * 10**decimals) for share in rows["share"]]
        assert sum(units[:-1]) == units[-1]
        assert rows["change"].iloc[-1] == "(total)"
        if figure == "bookings":
            assert rows["share"].iloc[-1] == pytest.approx(
                company(found, scenario).loc[period, "difference"], abs=0.006
            )


def test_changes_are_called_by_name_and_work_on_each_other(found: Comparison) -> None:
    rows = found.attribution.query("scenario == 'more' and period == '2025Q4' and figure == 'bookings'")
    assert list(rows["change"]) == ["Better demos", "creation", "deal size", "(total)"]
    assert (rows["share"] > 0).all()
    alone, last = (
        found.changes.query("scenario == 'more' and period == '2025Q4'").set_index("change").loc["deal size", name]
        for name in ("alone", "last")
    )
    assert alone < rows.set_index("change")["share"]["deal size"] < last  # it raises what the others bring, too


def test_the_order_in_the_file_plays_no_part(files: Path, found: Comparison) -> None:
    lines = MORE.splitlines()
    (files / "turned.yaml").write_text("\n".join([*lines[:3], lines[5], lines[3], lines[4]]) + "\n")
    turned = compare([files / "scenario.yaml", files / "turned.yaml"], trials=200)
    mine = found.attribution[found.attribution["scenario"] == "more"].reset_index(drop=True)
    pd.testing.assert_frame_equal(turned.attribution, mine)


@pytest.mark.slow
def test_what_only_the_base_assumes_is_a_change_too(files: Path) -> None:
    changes = changes_between(load_scenario(files / "more.yaml"), load_scenario(files / "scenario.yaml"))
    assert [one.label for one in changes] == ["without Better demos", "without creation", "without deal size"]
    back = compare([files / "more.yaml", files / "scenario.yaml"], trials=100)
    assert company(back, "tiny").loc["2025Q4", "difference"] < 0


def test_what_is_said_of_somebody_hired_waits_for_the_hire(files: Path) -> None:
    reps = pd.read_csv(files / "company" / "reps.csv", dtype="str")
    place = str(reps.loc[reps["end_date"].isna(), "territory_id"].dropna().iloc[0])
    lines = [
        f"  - {{hire: {{territory_id: {place}, start: 2025-08-01}}, name: hire}}",
        f'  - {{creation: {{multiply: 1.5}}, where: {{owner_id: "{place} hire 1"}}, name: helped}}',
    ]
    (files / "helped.yaml").write_text("base: scenario.yaml\nname: helped\nassumptions:\n" + "\n".join(lines) + "\n")
    found = compare([files / "scenario.yaml", files / "helped.yaml"], trials=100)
    changes = found.changes[found.changes["period"] == "2025Q4"].set_index("change")
    assert changes.loc["helped", "alone"] == 0.0
    assert changes.loc["hire", "alone"] > 0.0


def test_error_of_a_swing_is_that_of_many_simulations() -> None:
    """Where the input explains much, that the cuts are read from the draws is half of the error."""
    rng = np.random.default_rng(11)
    for strength in (0.0, 2.0):
        told = []
        for _ in range(400):
            x = rng.normal(size=500)
            low, high, error = _tails((strength * x + rng.normal(size=500))[np.argsort(x)])
            told.append((high - low, error))
        length, error = np.array(told).T
        assert error.mean() == pytest.approx(length.std(), rel=0.1)


def test_inputs_move_bookings_the_way_they_should(files: Path) -> None:
    # Single deals make so much noise that two hundred trials do not show what amounts do.
    found = compare([files / "scenario.yaml", files / "more.yaml"], trials=2_000)
    rows = found.inputs[found.inputs["period"] == "2025Q4"].set_index("input")
    assert rows.loc["the market: odds of winning", "high"] > rows.loc["the market: odds of winning", "low"]
    assert (rows["se"] > 0).all()
    assert rows.loc["fitted amounts", "high"] > rows.loc["fitted amounts", "low"]
    assert found.value["value"].iloc[0] == found.value["value"].max()


def test_scenarios_that_ask_of_other_days_are_refused(files: Path) -> None:
    (files / "later.yaml").write_text("base: scenario.yaml\nname: later\nuntil: 2026-03-31\nlevels: [region]\n")
    with pytest.raises(InputError, match=r"(?s)until: differs from scenario.yaml.*levels: differs") as caught:
        compare([files / "scenario.yaml", files / "later.yaml"])
    assert [problem.line for problem in caught.value.problems] == [3, 4]
    with pytest.raises(InputError, match="one scenario alone"):
        compare([files / "scenario.yaml"])
    with pytest.raises(InputError, match="two of the scenarios have this name"):
        compare([files / "scenario.yaml", files / "scenario.yaml"])


def test_keys_that_differ_are_told_as_they_are_written(files: Path) -> None:
    (files / "weeks.yaml").write_text(
        "base: scenario.yaml\nname: weeks\nuntil: 2026-03-28\nlevels: [region, product]\n"
        "fiscal_calendar: {pattern: 4-4-5}\n"
    )
    with pytest.raises(InputError, match="cannot be compared") as caught:
        compare([files / "scenario.yaml", files / "weeks.yaml"])
    until, weeks, levels = caught.value.problems
    assert (until.value, until.mend) == ("2026-03-28", "Set it to 2025-12-31.")
    assert (levels.value, levels.mend) == ("[region, product]", "Set it to [region, segment, product].")
    assert weeks.value == "{pattern: 4-4-5, weekday: saturday, ends: last}"
    assert weeks.mend == "Set it to {pattern: months, weekday: saturday, ends: last}."


def test_the_folder_its_workbook_and_its_page(found: Comparison, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    place = found.save(tmp_path / "out", excel=True)
    page = spm.report(place).read_text()
    assert "What brings how much" in page
    assert "Better demos" in page
    facts = json.loads((place / "compare.json").read_text())
    assert facts["scenarios"][1]["assumptions"][0].startswith("Better demos: multiply 1.2")
    book = openpyxl.load_workbook(place / "comparison.xlsx")
    assert book.sheetnames == list(found.tables)
    assert book["comparison"].max_row == len(found.differences) + 1
    again = found.save(tmp_path / "out", excel=True)
    assert again == place
    assert "Comparison: tiny vs more vs even" in found._repr_html_()


def test_the_verdict_is_in_words(found: Comparison) -> None:
    assert any("more: books" in line and "more than tiny" in line for line in found.verdict)
    assert any(line.startswith("even: books the same as tiny") for line in found.verdict)
    assert any(line.startswith("even: P(plan 2025) stays at ") for line in found.verdict)


def test_printed_shares_name_what_they_leave_out(found: Comparison) -> None:
    table = found.attribution.copy()
    one = table[(table["scenario"] == "more") & (table["period"] == "2025Q4") & (table["figure"] == BOOKINGS)]
    rest = pd.DataFrame([{**one.iloc[0], "change": REST, "share": -3399.4}])
    told = replace(found, attribution=pd.concat([table, rest]))._shares_told("more", "2025Q4")
    assert "trials that the shares were not worked out on -3,399." in told[0]
    assert "not worked out" not in found._shares_told("more", "2025Q4")[0]


@settings(max_examples=60)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), st.sampled_from([0, 2, 9]))
def test_rounded_parts_sum_exactly_and_stay_near(parts: list[float], decimals: int) -> None:
    total = math.fsum(parts)
    out = whole_parts(parts, total, decimals)
    units = [round(one * 10**decimals) for one in out]
    assert sum(units) == round(total * 10**decimals)
    assert all(abs(one - part) <= 1.01 * 10**-decimals for one, part in zip(out, parts, strict=True))
