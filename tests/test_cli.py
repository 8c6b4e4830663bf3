"""The command line as people meet it: what it prints, what it leaves, and how it says that something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from commands import command
from spmforecast import cli
from spmforecast.data import ExampleCompany
from spmforecast.errors import InfeasibleError, InputError, Problem

TEXT = """\
name: tiny
history: company
as_of: 2025-06-30
until: 2025-09-30
currency: EUR
plan: {2025Q3: 400_000}
simulate: {trials: 200}
quotas: {round_to: 1000}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small company, its scenario and one run of it."""
    folder = tmp_path_factory.mktemp("cli")
    ExampleCompany(character="tiny").write(folder / "company")
    (folder / "scenario.yaml").write_text(TEXT, encoding="utf-8")
    ran = CliRunner().invoke(cli.app, ["run", str(folder / "scenario.yaml"), "-o", str(folder / "run")])
    assert ran.exit_code == 0, ran.output
    (folder / "told").write_text(ran.stdout, encoding="utf-8")
    return folder


def _invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def _shell(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "SPMFORECAST_TRACEBACK"}
    command = [sys.executable, "-m", "spmforecast.cli", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env={**environment, "PYTHONUTF8": "1"},
    )


def test_a_run_prints_the_answer_and_leaves_the_folder(place: Path) -> None:
    told = (place / "told").read_text(encoding="utf-8")
    assert "tiny: as of 2025-06-30 (EUR)" in told
    assert "2025Q3" in told
    assert "400,000" in told
    assert str(place / "run" / "report.html") in told.replace("\n", "")
    names = {path.name for path in (place / "run").iterdir()}
    assert names >= {"run.json", "forecast.csv", "draws.npy", "quotas.csv", "report.html", "rejected.csv"}


def test_options_take_the_place_of_the_file_and_the_folder_is_named_after_it(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = _invoke("run", place / "scenario.yaml", "--trials", 60, "--seed", 9, "--as-of", "2025-03-31")
    assert ran.exit_code == 0, ran.output
    facts = json.loads((tmp_path / "runs" / "tiny" / "run.json").read_text(encoding="utf-8"))
    assert (facts["trials"], facts["seed"], facts["as_of"]) == (60, 9, "2025-03-31")


def test_the_same_command_gives_the_same_bytes(place: Path, tmp_path: Path) -> None:
    assert _invoke("run", place / "scenario.yaml", "-o", tmp_path / "again").exit_code == 0
    for path in (place / "run").iterdir():
        if path.name not in ("run.json", "report.html"):  # these hold timings
            assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_an_example_can_be_written_and_checked(tmp_path: Path) -> None:
    assert _invoke("example", tmp_path / "demo", "--size", "small", "--seed", "3").exit_code == 0
    checked = _invoke("check", tmp_path / "demo")
    assert checked.exit_code == 0
    assert "0 rejected" in checked.stdout
    assert checked.stdout.rstrip().endswith("A run would go on.")


def test_an_example_has_a_character(tmp_path: Path) -> None:
    assert _invoke("example", tmp_path / "demo", "--size", "small", "--character", "tiny").exit_code == 0
    assert len((tmp_path / "demo" / "reps.csv").read_text(encoding="utf-8").splitlines()) < 12
    refused = _invoke("example", tmp_path / "other", "--character", "wild")
    assert refused.exit_code != 0
    assert "calm, ordinary, stormy, tiny" in str(refused.exception)


def test_a_report_is_made_again(place: Path) -> None:
    page = place / "run" / "report.html"
    before = page.read_bytes()
    page.write_text("spoilt", encoding="utf-8")
    assert _invoke("report", place / "run").exit_code == 0
    assert page.read_bytes() == before


def test_every_command_has_help(tmp_path: Path) -> None:
    for name in ("example", "check", "run", "report"):
        helped = _invoke(name, "--help")
        assert helped.exit_code == 0
        assert "Usage" in helped.stdout


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, spmforecast.cli, spmforecast\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'matplotlib', 'statsmodels', 'sklearn', 'jinja2'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert ran.stdout.strip() == "[]"


# What people get wrong, each with the exit status and what must be said. `{}` is the folder of the module's fixture.
WRONG = [
    (["run", "none.yaml"], 2, "none.yaml: the scenario cannot be read"),
    (["run", "{}/company"], 2, "Write a scenario that names it (history: company)"),
    (["run", "{}/scenaro.yaml"], 2, "scenario.yaml?"),
    (["run", "{}/scenario.yaml", "--trials", "0"], 2, "must be at least 1"),
    (["run", "{}/scenario.yaml", "--trials", "many"], 2, "Invalid value for '--trials'"),
    (["run", "{}/scenario.yaml", "--jobs", "0"], 2, "command line, --jobs: must be at least 1"),
    (["run", "{}/scenario.yaml", "--as-of", "soon"], 2, "not a date"),
    (["run", "{}/scenario.yaml", "--as-of", "2030-01-01"], 2, "must be after as_of"),
    (["run", "{}/scenario.yaml", "--trails", "5"], 2, "No such option"),
    (["run"], 2, "Missing argument 'SCENARIO'"),
    (["run", "{}/scenario.yaml", "-o", "{}/company"], 2, "something that is no run folder stands there"),
    (["check", "none"], 2, "cannot be read"),
    (["report", "none"], 2, "there is no such folder"),
    (["report", "{}/company"], 2, "this is no run folder"),
    (["example", "demo", "--size", "huge"], 2, "command line, --size: no such size (found 'huge')"),
    (["example", "demo", "--seed", "-1"], 2, "command line, --seed: must be at least 0"),
    (["forecast", "scenario.yaml"], 2, "No such command 'forecast'"),
]


@pytest.mark.parametrize(("arguments", "status", "told"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_input_is_told_without_a_traceback(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], status: int, told: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["spmforecast", *(one.replace("{}", str(place)) for one in arguments)])
    with pytest.raises(SystemExit, match=str(status)):
        cli.main()
    out, err = capsys.readouterr()
    assert told in err
    assert out == ""
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


SPOILT = {
    "not UTF-8": b"name: pl\xe4n\n",
    "not YAML": b"name: [\n",
    "empty": b"",
    "a list": b"- a\n",
    "a text": b"hello\n",
    "unknown keys": b"nam: x\nhistry: y\n",
    "binary": bytes(range(256)),
    "tabs": b"name:\n\t- x\n",
    "deep": b"[" * 3000,
}


@pytest.mark.parametrize(("name", "kind"), [("check", "binary"), ("run", "deep")])
def test_spoilt_scenarios_end_with_status_two_in_a_process(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "scenario.yaml").write_bytes(SPOILT[kind])
    ran = _shell(name, "scenario.yaml", cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith("error: scenario.yaml")
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize("kind", list(SPOILT))
def test_spoilt_scenarios_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.delenv("SPMFORECAST_TRACEBACK", raising=False)
    (tmp_path / "scenario.yaml").write_bytes(SPOILT[kind])
    ran = command("run", "scenario.yaml", cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith("error: scenario.yaml")
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_spoilt_data_end_with_status_two_and_all_problems(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPMFORECAST_TRACEBACK", raising=False)
    (tmp_path / "company").mkdir()
    deals = pd.read_csv(place / "company" / "opportunities.csv", dtype=str, keep_default_na=False).head(8)
    deals.loc[0, "status"] = "wonn"
    deals.loc[1, "created_date"] = "31.12.2024"
    deals.loc[2, "amount"] = "1,000.00"
    deals.to_csv(tmp_path / "company" / "opportunities.csv", index=False)
    (tmp_path / "scenario.yaml").write_text(TEXT, encoding="utf-8")
    # The first in a process of its own, as people meet it.
    for ran in (_shell("check", "scenario.yaml", cwd=tmp_path), command("run", "scenario.yaml", cwd=tmp_path)):
        assert ran.returncode == 2
        for line, told in ((2, "Did you mean won?"), (3, "not an ISO 8601 date"), (4, "thousands separators")):
            assert f"opportunities.csv, line {line}" in ran.stderr
            assert told in ran.stderr
        assert "Traceback" not in ran.stderr
    assert not list((tmp_path / "runs").glob("*"))


def test_rejected_rows_are_shown_and_a_run_goes_on(place: Path, tmp_path: Path) -> None:
    (tmp_path / "company").mkdir()
    for path in (place / "company").glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        changed = text.replace(",won,", ",wonn,", 1) if path.name == "opportunities.csv" else text
        (tmp_path / "company" / path.name).write_text(changed, encoding="utf-8")
    checked = _invoke("check", tmp_path / "company")
    assert checked.exit_code == 0
    assert "rejected: opportunities.csv, line " in checked.stderr
    (tmp_path / "scenario.yaml").write_text(TEXT, encoding="utf-8")
    ran = _invoke("run", tmp_path / "scenario.yaml", "-o", tmp_path / "run", "--trials", "20")
    assert ran.exit_code == 0
    assert "see rejected.csv" in ran.stderr
    rejected = pd.read_csv(tmp_path / "run" / "rejected.csv")
    assert "wonn" in rejected["value"].tolist()
    assert isinstance(_invoke("check", tmp_path / "company", "--strict").exception, InputError)


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (InputError([Problem("map", "one"), Problem("map", "two")]), 2, "error: map: one\nerror: map: two\n"),
        (InfeasibleError("quotas cannot sum to plan", ["floor", "plan"]), 3, "error: quotas cannot sum to plan"),
        (RuntimeError("boom"), 1, "a fault of ours: RuntimeError: boom"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=["input", "infeasible", "fault", "interrupt"],
)
def test_each_kind_of_error_has_its_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, status: int, told: str
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("spmforecast.cli.common.app", fail)
    monkeypatch.delenv("SPMFORECAST_TRACEBACK", raising=False)
    with pytest.raises(SystemExit, match=str(status)):
        cli.main()
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err


def test_a_traceback_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("spmforecast.cli.common.app", fail)
    monkeypatch.setenv("SPMFORECAST_TRACEBACK", "1")
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert "Traceback" in capsys.readouterr().err


def test_a_thousand_problems_are_enough(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**_: object) -> None:
        raise InputError(Problem("map", f"number {n}") for n in range(1234))

    monkeypatch.setattr("spmforecast.cli.common.app", fail)
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1001
    assert lines[-1] == "… and 234 more"


def test_help_in_a_process(tmp_path: Path) -> None:
    ran = _shell("--help", cwd=tmp_path)
    assert ran.returncode == 0
    assert "run" in ran.stdout
    assert ran.stderr == ""
