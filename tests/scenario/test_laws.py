"""Tests of the scenario's keys for laws and tails: they reach the fit, and the report says what was taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from spmforecast.errors import InputError
from spmforecast.scenario import load_scenario, run
from spmforecast.scenario.notes import model_notes


def _scenario(place: Path, tmp_path: Path, model: str) -> Path:
    text = (place / "scenario.yaml").read_text(encoding="utf-8")
    text = text.replace("history: company", f"history: {place / 'company'}").replace("trials: 400", "trials: 40")
    file = tmp_path / "laws.yaml"
    file.write_text(text + f"model: {model}\n", encoding="utf-8")
    return file


def test_a_law_is_fitted_and_told(place: Path, tmp_path: Path) -> None:
    result = run(_scenario(place, tmp_path, "{law: log-logistic, amount_tail: pareto}"))
    assert result.model.spec.law == "log-logistic"
    assert result.model.process.laws.fits
    notes = " ".join(model_notes(result.model, None)["notes"])
    assert "by a law (log-logistic)" in notes
    assert "with a Pareto tail" in notes


def test_the_choice_is_shown(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spmforecast.scenario.fitting.LAWS_TO_TRY", ("piecewise", "exponential"))
    result = run(_scenario(place, tmp_path, "{law: choose}"))
    assert result.model.spec.law in ("piecewise", "exponential")
    assert result.model.choice.startswith("Age in stage: ")
    assert result.model.choice in model_notes(result.model, None)["notes"]


def test_an_unknown_law_is_named_with_its_line(place: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 10, model\.law"):
        load_scenario(_scenario(place, tmp_path, "{law: wiebull}"))


def test_a_half_life_reaches_the_fit_and_is_told(place: Path, tmp_path: Path) -> None:
    result = run(_scenario(place, tmp_path, "{half_life: 4}"))
    assert result.model.spec.half_life == 4.0
    assert "counts half after 4 quarters" in " ".join(model_notes(result.model, None)["notes"])


def test_laws_and_half_lives_are_chosen_one_after_the_other(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spmforecast.scenario.fitting.LAWS_TO_TRY", ("piecewise", "exponential"))
    result = run(_scenario(place, tmp_path, "{law: choose, half_life: choose}"))
    assert result.model.choice.startswith("Age in stage: ")
    assert "Time decay: " in result.model.choice


@pytest.mark.parametrize("wrong", ["0", "-2", "soon"])
def test_a_wrong_half_life_is_named_with_its_line(place: Path, tmp_path: Path, wrong: str) -> None:
    with pytest.raises(InputError, match=r"line 10, model\.half_life"):
        load_scenario(_scenario(place, tmp_path, f"{{half_life: {wrong}}}"))
