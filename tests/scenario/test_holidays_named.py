"""Tests of the scenario's key for holidays: what is named reaches the fit and the notes, what is wrong is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from spmforecast.errors import InputError
from spmforecast.scenario import load_scenario, run
from spmforecast.scenario.notes import model_notes


def _scenario(place: Path, tmp_path: Path, model: str) -> Path:
    text = (place / "scenario.yaml").read_text(encoding="utf-8")
    text = text.replace("history: company", f"history: {place / 'company'}").replace("trials: 400", "trials: 40")
    file = tmp_path / "holidays.yaml"
    file.write_text(text + f"model: {model}\n", encoding="utf-8")
    return file


def _told(result) -> str:
    return " ".join(model_notes(result.model, None)["notes"])


def test_what_the_notes_tell_can_be_written_down_and_gives_the_same_forecast(place: Path, tmp_path: Path) -> None:
    learned = run(_scenario(place, tmp_path, "{segment_by: segment}"))
    names = [str(rule) for rule in learned.model.holidays.rules]
    assert f"Holidays: {learned.model.holidays}. On such days" in _told(learned)
    assert "name them: model: {holidays: […]}" in _told(learned)
    named = run(_scenario(place, tmp_path, f"{{holidays: [{', '.join(reversed(names))}]}}"))
    assert named.model.holidays == learned.model.holidays
    assert (named.forecast.draws == learned.forecast.draws).all()
    assert f"Holidays, as the scenario names them: {learned.model.holidays}." in _told(named)


def test_a_company_that_names_none_has_none(place: Path, tmp_path: Path) -> None:
    result = run(_scenario(place, tmp_path, "{holidays: []}"))
    assert not result.model.holidays.rules
    assert "olidays" not in _told(result)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("[1 January, 4 Juli]", r"names no day of the year \(found '4 Juli'\)\. Did you mean 4 July\?"),
        ("[2025-07-04]", r"names no day of the year\. Write days as in 4 July"),
        ("4 July", r"a list is expected here"),
    ],
)
def test_what_is_no_day_of_the_year_is_told_with_its_line(place: Path, tmp_path: Path, wrong: str, told: str) -> None:
    with pytest.raises(InputError, match=r"line 10, model\.holidays: " + told):
        load_scenario(_scenario(place, tmp_path, f"{{holidays: {wrong}}}"))
