"""The keys of a scenario file as a JSON Schema, for editors that complete and check while one writes."""

from __future__ import annotations

from typing import Any

from spmforecast.scenario.file_keys import ScenarioFile

__all__ = ["scenario_schema"]


def scenario_schema() -> dict[str, Any]:
    """Describe what may stand in a scenario file.

    Returns
    -------
    dict
        A JSON Schema (draft 2020-12). It knows keys, kinds and ranges; what must fit together (dates within the
        horizon, names that the data hold) only ``spmforecast check`` knows.
    """
    own = ScenarioFile.model_json_schema(by_alias=True, mode="validation")
    # A scenario that builds on another one may leave to it whatever it does not change.
    needed = [name for name in own.pop("required", []) if name != "name"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **own,
        "title": "spmforecast scenario",
        "required": ["name"],
        "anyOf": [{"required": ["base"]}, {"required": needed}],
    }
