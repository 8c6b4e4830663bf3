"""Run folders: whole or not at all, and never in the place of something else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spmforecast.errors import InputError
from spmforecast.scenario.folder import bytes_hash, defused, new_folder, write_run


def _run(target: Path, name: str = "one", text: str = "new") -> None:
    with new_folder(target, name) as draft:
        (draft / "run.json").write_text(json.dumps({"name": name}), encoding="utf-8")
        (draft / "text").write_text(text, encoding="utf-8")


def test_a_folder_appears_whole_with_its_parents(tmp_path: Path) -> None:
    _run(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "text").read_text() == "new"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "run", "one") as draft:
            (draft / "half").write_text("half", encoding="utf-8")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail()
    assert list(tmp_path.iterdir()) == []
    _run(tmp_path / "run", text="old")
    with pytest.raises(RuntimeError, match="midway"):
        fail()
    assert (tmp_path / "run" / "text").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_nothing_stands_at_the_target_before_the_end(tmp_path: Path) -> None:
    with new_folder(tmp_path / "run", "one") as draft:
        assert not (tmp_path / "run").exists()
        assert draft.parent == tmp_path
        (draft / "run.json").write_text("{}", encoding="utf-8")
    assert (tmp_path / "run" / "run.json").is_file()


def test_an_older_run_of_the_same_scenario_is_replaced_whole(tmp_path: Path) -> None:
    _run(tmp_path / "run", text="old")
    (tmp_path / "run" / "left").write_text("over", encoding="utf-8")
    _run(tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["run.json", "text"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    _run(tmp_path / "run")
    assert (tmp_path / "run" / "text").is_file()


def test_a_run_of_another_scenario_is_left_alone(tmp_path: Path) -> None:
    _run(tmp_path / "run", name="one", text="old")
    with pytest.raises(InputError, match="a run of 'one' stands there"):
        _run(tmp_path / "run", name="two")
    assert (tmp_path / "run" / "text").read_text() == "old"


@pytest.mark.parametrize("facts", [None, "not json", "[]", "{}", '{"name": 3}'])
def test_anything_else_is_left_alone(tmp_path: Path, facts: str | None) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "dear").write_text("letter", encoding="utf-8")
    if facts is not None:
        (tmp_path / "run" / "run.json").write_text(facts, encoding="utf-8")
    with pytest.raises(InputError, match="stands there"):
        _run(tmp_path / "run")
    assert (tmp_path / "run" / "dear").read_text() == "letter"


def test_a_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("file", encoding="utf-8")
    with pytest.raises(InputError, match="something that is no run folder stands there"):
        _run(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "file"


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="the folder cannot be written to"):
        _run(tmp_path / "file" / "run")


def test_formulas_are_defused() -> None:
    frame = pd.DataFrame(
        {"name": ["=cmd|' /C calc'!A0", "+1", "-x", "@x", "\tx", "Ann", None], "value": [-1.0, 2, 3, 4, 5, 6, 7]}
    )
    out = defused(frame)
    assert out["name"].tolist()[:6] == ["'=cmd|' /C calc'!A0", "'+1", "'-x", "'@x", "'\tx", "Ann"]
    assert out["value"].tolist() == frame["value"].tolist()
    assert frame["name"][0].startswith("=")


def test_files_are_written_plainly(tmp_path: Path) -> None:
    draws = np.arange(6.0).reshape(2, 3)
    write_run(tmp_path, {"name": "ä"}, draws, {"t": pd.DataFrame({"a": ["=1"], "b": [0.1]})})
    assert (tmp_path / "t.csv").read_bytes() == b"a,b\n'=1,0.1\n"
    np.testing.assert_array_equal(np.load(tmp_path / "draws.npy", allow_pickle=False), draws)
    assert (tmp_path / "run.json").read_text(encoding="utf-8") == '{\n  "name": "ä"\n}\n'


def test_figures_that_json_has_not_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_run(tmp_path, {"x": float("nan")}, np.zeros((1, 1)), {})


def test_a_hash_is_that_of_the_bytes() -> None:
    assert bytes_hash(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
