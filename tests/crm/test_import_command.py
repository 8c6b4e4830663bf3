"""``spmforecast import``, and scenarios that name a CRM."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import export_dynamics as dynamics
from spmforecast import cli
from spmforecast.data import CRMS, CrmOptions, ExampleCompany, read_history
from spmforecast.data.crm import adapt, load_preset
from spmforecast.data.sources import FrameSource
from spmforecast.errors import InputError
from spmforecast.scenario import load_scenario
from spmforecast.scenario.check import check_source
from spmforecast.scenario.prepare import load_history


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables = ExampleCompany(seed=5, character="tiny").tables()
    folder = tmp_path_factory.mktemp("export")
    dynamics.write({**dynamics.web_api(tables), "audit": dynamics.audit(tables)}, folder)
    return folder


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["spmforecast", *map(str, arguments)])
    with pytest.raises(SystemExit, match=r"^[0-9]*$") as left:
        cli.main()
    return int(left.value.code or 0)


def test_what_is_written_reads_back_as_what_was_imported(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "import", "dynamics", export, tmp_path / "out", "--timezone", "Europe/Berlin") == 0
    said = capsys.readouterr().out
    assert "opportunities (opportunity.csv): " in said
    assert " used + 0 rejected + 0 excluded" in said
    assert "Wrote 7 tables and rejected.csv to " in said
    imported = read_history(export, crm="dynamics", timezone="Europe/Berlin")
    again = read_history(tmp_path / "out")
    assert not any("rejected.csv" in said for said in again.warnings)
    assert set(again.tables) == set(imported.tables)
    for name, table in imported.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)
    rejected = pd.read_csv(tmp_path / "out" / "rejected.csv")
    assert rejected.columns.tolist() == imported.rejected.columns.tolist()
    assert not len(rejected)


def test_rejected_rows_are_written(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deals = pd.read_csv(export / "opportunity.csv", dtype="str", keep_default_na=False)
    deals.loc[3, "createdon"] = "yesterday"
    deals.to_csv(tmp_path / "opportunity.csv", index=False)
    assert _run(monkeypatch, "import", "dynamics", tmp_path, tmp_path / "out") == 0
    rejected = pd.read_csv(tmp_path / "out" / "rejected.csv")
    assert rejected[["table", "line", "column", "value"]].values.tolist() == [
        ["opportunities", 5, "created_date", "yesterday"]
    ]
    assert _run(monkeypatch, "import", "dynamics", tmp_path, tmp_path / "strict", "--strict") == 2
    # What was refused leaves the rows to mend, and nothing else; the folder can be used once they are mended.
    assert [one.name for one in (tmp_path / "strict").iterdir()] == ["rejected.csv"]
    assert pd.read_csv(tmp_path / "strict" / "rejected.csv")["value"].tolist() == ["yesterday"]
    assert _run(monkeypatch, "import", "dynamics", export, tmp_path / "strict", "--strict") == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["dynamis", "EXPORT", "OUT"], "this CRM is not known .*'dynamis'.*Did you mean dynamics"),
        (["dynamics", "nowhere", "OUT"], "nowhere"),
        (["dynamics", "EXPORT", "EXPORT"], "something stands there already"),
        (["dynamics", "EXPORT", "OUT", "--currency", "euros"], "not a currency .*'euros'"),
        (["dynamics", "EXPORT", "OUT", "--currency", "EUR", "--rates", "no.csv"], r"no\.csv: the rates cannot be read"),
        (["dynamics", "EXPORT", "OUT", "--pipeline", "A"], "Dynamics has no pipelines .*'A'"),
        (["dynamics", "EXPORT", "OUT", "--timezone", "Berlin"], "no such time zone"),
        (["dynamics", "EXPORT", "OUT", "--fiscal-year-start", "13"], "not a month .*'13'"),
        (["dynamics", "EXPORT", "OUT", "--max-rejected", "5"], "--max-rejected: must be a share .*'5'"),
        (["dynamics", "EXPORT", "OUT", "--deleted", "keep"], "deleted records can be kept of Salesforce only"),
        (["salesforce", "EXPORT", "OUT", "--deleted", "yes"], "--deleted/deleted: not a way .*'yes'"),
    ],
)
def test_wrong_input_leaves_with_2_and_writes_nothing(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], told: str,
) -> None:  # fmt: skip
    import re

    places = {"EXPORT": str(export), "OUT": str(tmp_path / "out")}
    assert _run(monkeypatch, "import", *(places.get(word, word) for word in arguments)) == 2
    assert re.search(told, capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


SCENARIO = """name: crm
history: {{folder: {folder}, crm: dynamics{more}}}
as_of: 2024-06-30
until: 2024-12-31
currency: {currency}
"""


def _scenario(tmp_path: Path, folder: Path, more: str = "", currency: str = "EUR") -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO.format(folder=folder, more=more, currency=currency))
    return path


def test_a_scenario_may_name_the_crm(export: Path, tmp_path: Path) -> None:
    named = load_history(load_scenario(_scenario(tmp_path, export, ", stage_names: {Proposal: Offer}")))
    plain = read_history(export, crm="dynamics")
    assert named.opportunities["stage"].tolist() == plain.opportunities["stage"].replace("Proposal", "Offer").tolist()
    with pytest.raises(InputError, match=r"no such stage .*'Propsal'.*Did you mean Proposal"):
        load_history(load_scenario(_scenario(tmp_path, export, ", stage_names: {Propsal: Offer}")))
    renamed = plain.stage_history["stage"].replace("Proposal", "Offer")
    assert named.stage_history["stage"].tolist() == renamed.tolist()
    assert (renamed == "Offer").any()


def test_a_map_beside_the_crm_speaks_for_its_own_tables(export: Path, tmp_path: Path) -> None:
    people = "rep_id,name,hire_date\n" + "".join(
        f"{one},x,2020-01-01\n" for one in pd.read_csv(export / "systemuser.csv")["systemuserid"]
    )
    (export / "staff.csv").write_text(people)
    (tmp_path / "map.yaml").write_text("tables:\n  reps: {file: staff.csv}\n")
    history = load_history(load_scenario(_scenario(tmp_path, export, ", map: map.yaml")))
    assert set(history.reps["name"]) == {"x"}
    assert len(history.opportunities)
    (export / "staff.csv").unlink()
    with pytest.raises(InputError, match=r"staff\.csv: there is no such file"):
        load_history(load_scenario(_scenario(tmp_path, export, ", map: map.yaml")))


def test_the_rates_of_a_scenario_are_inputs(export: Path, tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text("currency,rate\nUSD,0.9\n")
    history = load_history(load_scenario(_scenario(tmp_path, export, ", rates: rates.csv")))
    assert "rates.csv" in [file.name for file in history.sources]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{folder: x, crm: dynamic}", "this word is not known here .*'dynamic'.*Did you mean dynamics"),
        ("{folder: x, cmr: dynamics}", "unknown key .*Did you mean crm"),
        ("{folder: x, pipelines: [A]}", "pipelines without crm"),
        ("{folder: x, stage_names: {a: b}}", "stage_names without crm"),
        ("{folder: x, rates: r.csv}", "rates without crm"),
        ("{folder: x, crm: dynamics, stage_names: [a]}", "keys are expected here"),
    ],
)
def test_wrong_keys_of_a_scenario(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(f"name: x\nhistory: {line}\nas_of: 2024-06-30\nuntil: 2024-12-31\n")
    with pytest.raises(InputError, match=f"line 2, .*{told}"):
        load_scenario(path)


def test_a_currency_sign_in_a_scenario_is_no_currency_to_convert_to(export: Path, tmp_path: Path) -> None:
    assert len(load_history(load_scenario(_scenario(tmp_path, export, currency="€"))).opportunities)
    (tmp_path / "rates.csv").write_text("currency,rate\nUSD,0.9\n")
    with pytest.raises(InputError, match=r"not a currency .*'€'"):
        load_history(load_scenario(_scenario(tmp_path, export, ", rates: rates.csv", "€")))


def test_check_looks_at_the_data_of_a_crm_though_the_scenario_is_wrong(export: Path, tmp_path: Path) -> None:
    path = _scenario(tmp_path, export)
    path.write_text(path.read_text() + "untill: 2024-12-31\n")
    history, problems = check_source(path)
    assert history is not None
    assert len(history.opportunities) > 100
    assert [(problem.table, problem.value) for problem in problems] == [("scenario", "untill")]


def test_check_takes_a_crm_and_a_map(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "check", export) == 2
    assert _run(monkeypatch, "check", export, "--crm", "dynamics") == 0
    assert "A run would go on." in capsys.readouterr().out
    (tmp_path / "map.yaml").write_text("tables:\n  reps: {file: no.csv}\n")
    assert _run(monkeypatch, "check", export, "--crm", "dynamics", "--map", tmp_path / "map.yaml") == 2
    assert "no.csv: there is no such file" in capsys.readouterr().err
    assert _run(monkeypatch, "check", _scenario(tmp_path, export), "--crm", "dynamics") == 2
    assert "a scenario says its map and its CRM itself, and with them --crm" in capsys.readouterr().err
    assert _run(monkeypatch, "check", export, "--crm", "dynamics", "--pipeline", "A") == 2
    assert "--pipeline/pipelines: Dynamics has no pipelines" in capsys.readouterr().err
    assert _run(monkeypatch, "check", export, "--pipeline", "A") == 2
    assert "--pipeline without --crm" in capsys.readouterr().err


def test_the_version_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("spmforecast 0.")


def test_the_samples_of_salesforce_can_be_imported(
    shared_data: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    sample = shared_data("crm_schema_samples")
    assert _run(monkeypatch, "import", "salesforce", sample, tmp_path / "out") == 2
    assert "of 10 rows 10 left out (deleted in Salesforce)" in capsys.readouterr().err
    bearing = ("--deleted", "keep", "--max-rejected", "0.1")
    assert _run(monkeypatch, "import", "salesforce", sample, tmp_path / "out", *bearing) == 0
    assert len(read_history(tmp_path / "out").opportunities) == 9
    path = _scenario(tmp_path, sample, ", deleted: keep, max_rejected_share: 0.1")
    path.write_text(path.read_text().replace("crm: dynamics", "crm: salesforce"))
    assert len(load_history(load_scenario(path)).opportunities) == 9


def test_several_currencies_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "Id,OwnerId,CreatedDate,StageName,IsClosed,IsWon,Amount,CurrencyIsoCode,CloseDate\n"
    rows = "1,U,2024-01-02,Won,true,true,5,USD,2024-02-02\n2,U,2024-01-02,Talk,false,false,5,EUR,2024-02-02\n"
    (tmp_path / "Opportunity.csv").write_text(head + rows)
    past = "Id,OpportunityId,CreatedDate,StageName,Amount,CurrencyIsoCode,CloseDate\n"
    rows = "a,1,2024-01-02T09:00:00Z,Talk,5,USD,2024-02-02\nb,2,2024-01-02T09:00:00Z,Talk,5,EUR,2024-02-02\n"
    (tmp_path / "OpportunityHistory.csv").write_text(past + rows)
    assert _run(monkeypatch, "import", "salesforce", tmp_path, tmp_path / "out", "--currency", "EUR") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("error: options, --rates/rates: amounts are in 2 currencies (EUR, USD).")
    (tmp_path / "rates.csv").write_text("currency,rate\nUSD,0.5\n")
    rates = ("--currency", "EUR", "--rates", tmp_path / "rates.csv")
    assert _run(monkeypatch, "import", "salesforce", tmp_path, tmp_path / "out", *rates) == 0
    deals = read_history(tmp_path / "out").opportunities
    assert deals[["amount", "original_currency"]].values.tolist() == [[2.5, "USD"], [5, "EUR"]]
    assert "currency" not in deals


@pytest.mark.parametrize("kind", CRMS)
def test_every_crm_has_a_preset_that_asks_for_its_deals(kind: str) -> None:
    preset = load_preset(kind)
    assert "opportunities" in preset.tables
    assert all(one.optional for name, maps in preset.tables.items() for one in maps if name != "opportunities")
    with pytest.raises(InputError, match=r"tables\.opportunities"):
        read_history({"something_else": pd.DataFrame({"a": [1]})}, crm=kind)


def test_an_unknown_crm() -> None:
    with pytest.raises(InputError, match="Did you mean hubspot"):
        load_preset("hubspott")
    with pytest.raises(InputError, match="Use one of: salesforce, hubspot, dynamics, pipedrive"):
        adapt("zoho", FrameSource({}), CrmOptions())
