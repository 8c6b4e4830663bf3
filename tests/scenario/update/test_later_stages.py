"""The key ``scorecards`` of today and the forecast of an earlier day."""

from __future__ import annotations

from pathlib import Path

from spmforecast.scenario import load_scenario
from spmforecast.scenario.keys import ScorecardKeys
from spmforecast.scenario.update.updating import _without_cards


def test_the_last_forecast_is_not_asked_for_stages_that_came_later(place: Path, tmp_path: Path) -> None:
    """A stage of today must not keep an update from working out what was said before it was there."""
    text = (place / "scenario.yaml").read_text(encoding="utf-8")
    path = tmp_path / "scenario.yaml"
    path.write_text(text + "scorecards: {stages: {Trial: {deals: 3}}, moved_on: 0.7}\n", encoding="utf-8")
    asked = load_scenario(path)
    assert "Trial" in asked.keys.scorecards.stages
    assert _without_cards(asked).keys.scorecards == ScorecardKeys()
    assert _without_cards(asked).keys.plan == asked.keys.plan
