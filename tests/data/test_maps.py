from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from spmforecast.data import History, load_map, read_history
from spmforecast.data.maps import parse_map
from spmforecast.errors import InputError

DEALS = """Id,Agent,Made,Shut,Value,State,Note
D1,Ann,01.02.2024,03.02.2024,100,Won,x
D2,Bob,01.03.2024,,,Engaging,
D3,,01.03.2024,05.03.2024,,Lost,y
D4,Cy,,,,Engaging,
D5,Ann,01.03.2024,,,Test,
"""
TEAMS = "Agent,Office,Boss\nAnn,East,Eve\nBob,West,Fay\n"
MAP = """tables:
  opportunities:
    file: pipeline.csv
    rename: {Id: opportunity_id, Agent: owner_id, Made: created_date, Shut: close_date, Value: amount,
             State: [stage, status]}
    constant: {type: new}
    default: {owner_id: "(none)", segment: SMB}
    values: {status: {Won: won, Lost: lost, "*": open}}
    dates: {created_date: "%d.%m.%Y", close_date: "%d.%m.%Y"}
    join: {file: teams.csv, on: {Agent: Agent}, take: {Office: region, Boss: boss}}
    where: {State: {not: Test}}
    exclude:
      - where: {Made: {empty: true}}
        reason: no date at all
    drop: Note
    observed_from: 2024-01-15
"""


def _read(tmp_path: Path, text: str = MAP, deals: str = DEALS, teams: str = TEAMS) -> History:
    (tmp_path / "pipeline.csv").write_text(deals)
    (tmp_path / "teams.csv").write_text(teams)
    (tmp_path / "map.yaml").write_text(text)
    return read_history(tmp_path, map=tmp_path / "map.yaml")


def test_a_map_does_all_that_it_says(tmp_path: Path) -> None:
    history = _read(tmp_path)
    deals = history.opportunities.set_index("opportunity_id")
    assert deals.index.tolist() == ["D1", "D2", "D3"]
    assert deals["status"].tolist() == ["won", "open", "lost"]
    assert deals["stage"].tolist() == ["Won", "Engaging", "Lost"]
    assert deals["owner_id"].tolist() == ["Ann", "Bob", "(none)"]
    assert deals["region"].fillna("?").tolist() == ["East", "West", "?"]
    assert deals["boss"].fillna("?").tolist() == ["Eve", "Fay", "?"]
    assert set(deals["type"]) == {"new"}
    assert set(deals["segment"]) == {"SMB"}
    assert str(deals.loc["D1", "close_date"].date()) == "2024-02-03"
    assert "Note" not in deals
    assert history.counts.to_dict("records") == [
        {"table": "opportunities", "file": "pipeline.csv", "read": 5, "used": 3, "rejected": 0, "excluded": 2}
    ]
    assert history.exclusions[["rows", "reason"]].values.tolist() == [[1, "left out by where"], [1, "no date at all"]]
    assert str(history.observed_from) == "2024-01-15 00:00:00"


def test_several_files_are_stacked_and_lines_name_their_own_file(tmp_path: Path) -> None:
    head = "opportunity_id,owner_id,created_date,status,extra\n"
    (tmp_path / "a.csv").write_text(head + "".join(f"A{i},R,2024-01-01,open,e\n" for i in range(30)))
    (tmp_path / "b.csv").write_text("status,opportunity_id,owner_id,created_date\nopen,A3,R,2024-01-01\n")
    (tmp_path / "m.yaml").write_text("tables:\n  opportunities: [{file: a.csv}, {file: b.csv}]\n")
    history = read_history(tmp_path, map=tmp_path / "m.yaml")
    assert history.counts["read"].tolist() == [30, 1]
    assert history.rejected[["file", "line", "reason"]].values.tolist() == [
        ["b.csv", 2, "the id stands already in a.csv, line 5"]
    ]


def test_history_rows_of_deals_left_out_are_left_out_too(tmp_path: Path) -> None:
    (tmp_path / "stage_history.csv").write_text(
        "opportunity_id,stage,entered_date\nD1,Engaging,2024-02-01\nD4,Engaging,2024-02-01\n"
    )
    history = _read(tmp_path)
    assert history.stage_history["opportunity_id"].tolist() == ["D1"]
    assert not len(history.rejected)
    assert "its opportunity was left out" in history.exclusions["reason"].tolist()


def test_a_file_that_is_no_canonical_table_is_left_aside_beside_a_map(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account,sector\nA,x\n")
    history = _read(tmp_path)
    assert "accounts" not in history.tables
    assert any(said.startswith("accounts.csv is not used") for said in history.warnings)


def test_text_stays_text_whatever_yaml_thinks(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(
        "opportunity_id,owner_id,created_date,open,zip\nD1,007,2024-01-01,No,1\nD2,007,2024-01-01,Yes,2\n"
    )
    (tmp_path / "m.yaml").write_text(
        "tables:\n  opportunities:\n    file: o.csv\n    rename: {open: status}\n"
        "    values: {status: {No: lost, Yes: open}}\n    default: {close_date: 2024-01-05}\n    where: {zip: [1, 2]}\n"
    )
    history = read_history(tmp_path, map=tmp_path / "m.yaml")
    assert history.opportunities["status"].tolist() == ["lost", "open"]
    assert history.opportunities["owner_id"].tolist() == ["007", "007"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("rename:", "renam:", "line 4, tables.opportunities.renam: unknown key .*Did you mean rename"),
        ("empty: true", "emty: true", "unknown key .*'emty'.*Did you mean empty"),
        ("take:", "tak:", "unknown key .*'tak'.*Did you mean take"),
        ("reason:", "raison:", "line 13, .*the key reason is missing"),
        ("opportunities:", "oportunities:", "line 2, .*no such table .*Did you mean opportunities"),
        ("2024-01-15", "2024-13-15", "line 16, .*observed_from: not a date"),
        ('"%d.%m.%Y", close', "day.month, close", "created_date: not a date format"),
        ("Agent: owner_id", "Agnt: owner_id", "rename.Agnt: pipeline.csv has no such column .*Did you mean Agent"),
        ("where: {State", "where: {Stat", "where.Stat: pipeline.csv has no such column .*Did you mean State"),
        ("Office: region", "Ofice: region", "take.Ofice: teams.csv has no such column .*Did you mean Office"),
        ("on: {Agent: Agent}", "on: {Agnt: Agent}", "on.Agnt: pipeline.csv has no such column"),
        ("on: {Agent: Agent}", "on: {Agent: Agnt}", "on.Agent: teams.csv has no such column"),
        ("Office: region", "Office: Agent", "already has a column of that name"),
        ("drop: Note", "drop: Nota", "Nota: pipeline.csv has no such column .*Did you mean Note"),
        ("segment: SMB", "segmnt: SMB", "default.segmnt: .*Did you mean segment"),
        ("values: {status", "values: {statu", "values.statu: .*Did you mean status"),
        ("Value: amount", "Value: close_date", "would be called the same"),
        ("file: teams.csv", "file: team.csv", "join.file: there is no such file .*Did you mean teams.csv"),
        ("file: pipeline.csv", "file: ../x.csv", "outside the data folder"),
        ("file: pipeline.csv", "file: pipelin.csv", "pipelin.csv: there is no such file. Did you mean pipeline.csv"),
        ("  opportunities:", "  opportunities: [", "this is not YAML"),
        ("    drop: Note", "    drop: Note\n    drop: Note", "line 16, .*the key stands here twice"),
        ("{type: new}", "[type]", "keys are expected here"),
        ("Agent: owner_id, ", "", "owner_id: a required column is missing .*Did you mean|owner_id: .*is missing"),
    ],
)
def test_what_is_wrong_in_a_map_is_named_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in MAP
    text = MAP.replace(old, new, 1)
    if old.startswith("Agent: owner"):
        text = text.replace('owner_id: "(none)", ', "")
    with pytest.raises(InputError, match=told):
        _read(tmp_path, text)


def test_all_problems_of_a_map_come_at_once(tmp_path: Path) -> None:
    text = MAP.replace("rename:", "renam:").replace("take:", "tak:")
    with pytest.raises(InputError, match="renam") as caught:
        _read(tmp_path, text)
    assert {problem.value for problem in caught.value.problems} >= {"renam", "tak"}
    assert all(problem.line for problem in caught.value.problems)


def test_a_join_needs_a_unique_key(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the key is not unique in teams\.csv .*'Ann'"):
        _read(tmp_path, teams=TEAMS + "Ann,North,Gil\n")


def test_rows_without_a_match_are_said(tmp_path: Path) -> None:
    history = _read(tmp_path)
    assert "pipeline.csv: 1 rows have no match in teams.csv (first: Cy)" in history.warnings


@pytest.mark.parametrize(
    "text", ["", "- 1\n", "a: b\n", "tables:\n", "tables: &a\n  plan: *a\n", "\x00", "tables: {}\n"]
)
def test_maps_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match=r"map\.yaml"):
        parse_map(text)


def test_a_map_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_map(tmp_path / "none.yaml")
    (tmp_path / "m.yaml").write_bytes(b"tables:\n  \xff: 1\n")
    with pytest.raises(InputError, match="line 2: the text is not UTF-8"):
        load_map(tmp_path / "m.yaml")


def test_conditions() -> None:
    one = parse_map("tables: {plan: {file: a.csv, where: {a: x, b: [y, z], c: {not: [u]}, d: {empty: false}}}}")
    where = one.tables["plan"][0].where
    assert where["a"].equals == ("x",)
    assert where["b"].equals == ("y", "z")
    assert where["c"].none_of == ("u",)
    assert where["d"].empty is False
    assert one.observed_from is None


def test_an_unlisted_value_is_kept_and_judged_by_the_checks(tmp_path: Path) -> None:
    rows = "".join(f"D{i},R,2024-01-01,Open\n" for i in range(40))
    (tmp_path / "o.csv").write_text("opportunity_id,owner_id,created_date,status\n" + rows + "X,R,2024-01-01,Odd\n")
    (tmp_path / "m.yaml").write_text("tables:\n  opportunities:\n    file: o.csv\n    values: {status: {Open: open}}\n")
    history = read_history(tmp_path, map=tmp_path / "m.yaml")
    assert history.rejected["value"].tolist() == ["Odd"]
    assert pd.Series(history.opportunities["status"]).eq("open").all()
