"""The documentation: links lead somewhere, examples run, and every column, key and command is described."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import typer
import yaml

from spmforecast.cli import app
from spmforecast.data import TABLES, ExampleCompany
from spmforecast.data.maps import TableMap, parse_map
from spmforecast.scenario import load_scenario
from spmforecast.scenario.file_keys import ScenarioFile
from spmforecast.scenario.keys import ModelKeys, QuotaKeys, SimulateKeys

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "scenarios" / "README.md"])

_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, its language and what follows that, and its text."""

    page: Path
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.text.strip().splitlines()[0][:30]}"


def _blocks(page: Path) -> list[Block]:
    out = []
    for indent, kind, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        bare = "\n".join(line.removeprefix(indent) for line in text.splitlines())
        out.append(Block(page, kind.strip(), bare + "\n"))
    return out


BLOCKS = [block for page in PAGES for block in _blocks(page)]


def _of(*kinds: str) -> list[Block]:
    return [block for block in BLOCKS if block.kind in kinds]


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(rf"^{re.escape(heading)}$\n(.*?)(?=^#{{1,{level}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no heading {heading!r}"
    return found[1]


def _first_cells(text: str) -> list[str]:
    """First cells of the rows of a Markdown table, without its head."""
    rows = [line for line in text.splitlines() if line.startswith("| ") and not set(line) <= set("|-: ")]
    return [row.split("|")[1].strip() for row in rows]


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_kind_of_block_is_known() -> None:
    known = {"bash", "python", "text", "yaml", "yaml scenario", "yaml map", "yaml mapping"}
    assert {block.kind for block in BLOCKS} == known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = link.partition("#")
        if target.startswith(("http://", "https://")):
            continue
        place = (page.parent / target).resolve() if target else page
        if not place.exists() or (anchor and anchor not in _anchors(place.read_text(encoding="utf-8"))):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("block", _of("yaml scenario"), ids=str)
def test_scenarios_in_the_text_are_right(block: Block, tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(block.text, encoding="utf-8")
    assert load_scenario(tmp_path / "scenario.yaml").keys.name


@pytest.mark.parametrize("block", _of("yaml map"), ids=str)
def test_maps_in_the_text_are_right(block: Block) -> None:
    assert "opportunities" in parse_map(block.text).tables


@pytest.mark.parametrize("block", _of("yaml mapping"), ids=str)
def test_pieces_of_maps_in_the_text_are_right(block: Block) -> None:
    body = "".join(f"    {line}\n" for line in block.text.splitlines())
    whole = body if block.text.startswith("file:") else "    file: pipeline.csv\n" + body
    assert parse_map("tables:\n  opportunities:\n" + whole).tables


@pytest.mark.parametrize("block", _of("yaml"), ids=str)
def test_other_yaml_in_the_text_can_be_read(block: Block) -> None:
    assert yaml.safe_load(block.text)


@pytest.mark.parametrize("block", [one for one in _of("bash") if "spmforecast " in one.text], ids=str)
def test_commands_in_the_text_are_commands(block: Block) -> None:
    group = typer.main.get_command(app)
    lines = [line.rpartition("&& ")[2] for line in block.text.splitlines() if "spmforecast " in line]
    for line in lines:
        program, name, *arguments = shlex.split(line.partition(" > ")[0], comments=True)
        assert program == "spmforecast"
        group.commands[name].make_context(name, arguments)  # type: ignore[attr-defined]


def test_a_wrong_command_in_the_text_would_be_found() -> None:
    command = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    with pytest.raises(Exception, match="No such option"):
        command.make_context("run", ["scenario.yaml", "--trails", "5"])


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(b.kind == "python" for b in _blocks(page))], ids=lambda page: page.name
)
def test_python_in_the_text_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ExampleCompany(character="tiny").write("my_company")
    readme = next(block for block in _blocks(ROOT / "README.md") if block.kind == "yaml scenario")
    Path("my_scenario.yaml").write_text(readme.text, encoding="utf-8")
    names: dict[str, object] = {}
    for block in _blocks(page):
        if block.kind == "python":
            exec(compile(block.text, str(page), "exec"), names)  # noqa: S102 - the text is our own
    if page.name == "scenarios.md":
        _check_run_folder(Path("runs/my-plan"))


def _check_run_folder(folder: Path) -> None:
    """Compare the files of a run folder with what their sections say."""
    text = _page("scenarios.md")
    for name in ("forecast", "parts", "variance", "actuals", "deals", "rates", "quotas"):
        told = re.findall(r"`([^`]*)`", _section(text, f"### {name}.csv"))[0].split(", ")
        columns = pd.read_csv(folder / f"{name}.csv", nrows=0).columns
        assert (
            list(dict.fromkeys(re.sub(r"(p_win|expected)_\d.*", r"\1_<period>", column) for column in columns)) == told
        )
    metrics = pd.read_csv(folder / "evaluation.csv")["metric"].str.partition("[")[0]
    told = re.findall(r"`(\w+)`", " ".join(_first_cells(_section(text, "### evaluation.csv"))))
    assert set(metrics) == set(told)
    listed = re.findall(r"`([\w.]+)`", " ".join(_first_cells(_section(_readme(), "## What you get"))))
    assert {path.name for path in folder.iterdir()} == set(listed) - {
        "report.html",
        "exact.csv",
    }  # with method exact alone


def _readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(TABLES))
def test_every_column_is_described(name: str) -> None:
    cells = _first_cells(_section(_page("tables.md"), f"## {name}"))
    told = {column: cell.startswith("**") for cell in cells for column in re.findall(r"`(\w+)`", cell)}
    assert told == {column.name: column.required for column in TABLES[name].columns}


@pytest.mark.parametrize("name", list(TABLES))
def test_every_allowed_word_and_key_is_described(name: str) -> None:
    section = _section(_page("tables.md"), f"## {name}")
    assert all(f"`{word}`" in section for column in TABLES[name].columns for word in column.choices)
    key = re.search(r"Key: (.*?)\.(?:\s|$)", section)
    assert re.findall(r"`(\w+)`", key[1] if key else "") == list(TABLES[name].key)


def test_every_key_of_a_map_is_described() -> None:
    text = _page("maps.md")
    keys = set(TableMap.model_fields)
    assert {cell.strip("`") for cell in _first_cells(_section(text, "## Keys"))} - {"key"} == keys
    for key in keys:
        assert f"{key}:" in _section(text, f"### {key}")


def test_every_key_of_a_scenario_is_described_with_its_default() -> None:
    section = _section(_page("scenarios.md"), "## Keys").partition("###")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    told = {row.split("|")[1].strip(" `"): row.split("|")[2].strip() for row in rows}
    assert set(told) == set(ScenarioFile.model_fields)
    for name, info in ScenarioFile.model_fields.items():
        assert (told[name] == "required") == info.is_required()
    assert told["period"] == f"`{ScenarioFile.model_fields['period'].default}`"
    for model, word in ((ModelKeys, "model"), (SimulateKeys, "simulate"), (QuotaKeys, "quotas")):
        row = next(line for line in rows if line.startswith(f"| `{word}`"))
        assert all(f"`{key}`" in row for key in model.model_fields)


def test_every_command_and_option_is_described() -> None:
    section = _section(_page("scenarios.md"), "## Command line")
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        row = next(
            line
            for line in section.splitlines()
            if line.startswith((f"| `spmforecast {name} ", f"| `spmforecast {name}`"))
        )
        for option in command.params:
            if option.param_type_name == "option" and option.name != "help":
                assert any(flag in row for flag in option.opts), f"{name}: {option.opts}"
