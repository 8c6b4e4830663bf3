"""The JSON Schema of scenarios: sound itself, and of one mind with the reader."""

from __future__ import annotations

import datetime
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from spmforecast.cli import app
from spmforecast.scenario import load_scenario
from spmforecast.scenario.json_schema import scenario_schema

pytestmark = pytest.mark.skipif(importlib.util.find_spec("jsonschema") is None, reason="jsonschema is not there")

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for path in (ROOT / "scenarios").glob("*.yaml") if not path.name.startswith("comp_plan"))
BLOCK = re.compile(r"^( *)```yaml scenario\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (path.name, body.group(2))
    for path in [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "scenarios" / "README.md"]
    for body in BLOCK.finditer(path.read_text(encoding="utf-8"))
]
LEAST = "name: plain\nhistory: data\nas_of: 2025-06-30\nuntil: 2025-12-31\n"


def as_editors_see(node: Any) -> Any:
    """JSON knows no dates and no keys but text."""
    if isinstance(node, dict):
        return {str(key): as_editors_see(value) for key, value in node.items()}
    if isinstance(node, list):
        return [as_editors_see(value) for value in node]
    return node.isoformat() if isinstance(node, datetime.date) else node


def wrong(text: str) -> list[str]:
    import jsonschema  # takes seconds, which a worker that has none of these tests is spared

    check = jsonschema.Draft202012Validator(scenario_schema())
    return [error.message for error in check.iter_errors(as_editors_see(yaml.safe_load(text)))]


def test_it_is_a_schema_and_the_command_prints_it() -> None:
    import jsonschema

    schema = scenario_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert {"base", "name", "assumptions", "simulate"} <= set(schema["properties"])
    assert "from" in schema["$defs"]["AssumptionKeys"]["properties"]
    assert "since" not in schema["$defs"]["AssumptionKeys"]["properties"]
    printed = CliRunner().invoke(app, ["schema"])
    assert json.loads(printed.output) == json.loads(json.dumps(schema))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_scenarios_of_the_repository_fit_and_load(path: Path) -> None:
    assert wrong(path.read_text(encoding="utf-8")) == []
    assert load_scenario(path).keys.name


def test_scenarios_of_the_docs_fit() -> None:
    assert len(BLOCKS) > 5
    assert {name: found for name, text in BLOCKS if (found := wrong(text))} == {}


@pytest.mark.parametrize(
    "more",
    [
        "quality: {repair: nearest_keys, rules: {skip: dead_deals}}\n",
        "hiring: {starts: 2025-09-01}\n",
        "assumptions: [{creation: {add: 1}, where: {segment: SMB}}]\n",
        "assumptions: [{creation: {add: 1}, where: {segment: [SMB, Mid]}, from: 2025-07-01}]\n",
        "quotas: {}\ncompensation: plan.yaml\n",
        "simulate: {trials: auto}\n",
        "model: {segment_by: [segment, type]}\n",
        "plan: targets.csv\n",
        "territories: {propose: {}, hold_days: 30}\n",
    ],
)
def test_short_forms_are_allowed(more: str) -> None:
    assert wrong(LEAST + more) == []


@pytest.mark.parametrize(
    "text",
    [
        LEAST + "quota: {}\n",
        LEAST + "assumptions: [{wn_rate: {multiply: 1}}]\n",
        LEAST + "assumptions: [{creation: {add: 1}, since: 2025-07-01}]\n",
        LEAST + "simulate: {trials: many}\n",
        LEAST.replace("until: 2025-12-31\n", ""),
        LEAST.replace("name: plain\n", ""),
    ],
)
def test_wrong_ones_are_not(text: str) -> None:
    assert wrong(text)


def test_a_scenario_with_a_base_needs_no_more_than_a_name() -> None:
    assert wrong("base: baseline.yaml\nname: own\n") == []
