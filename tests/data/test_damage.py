"""Two hundred damaged copies of a folder: every one is read or refused with reasons, never a fault, and rows add up."""

from __future__ import annotations

import csv
import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spmforecast import cli
from spmforecast.data import ExampleCompany, read_history, write_tables
from spmforecast.data.sources import bigcsv
from spmforecast.errors import InputError

Damage = Callable[[Path, np.random.Generator], None]

# Fifty copies in every run of the tests, all two hundred with the slow ones.
SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))]
TABLES = ("opportunities", "stage_history", "reps", "territories", "plan")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")


def _cells(path: Path, rng: np.random.Generator, new: Callable[[str], str], share: float = 0.02) -> None:
    """Change some cells of one random column."""
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    name = frame.columns[rng.integers(len(frame.columns))]
    hit = rng.random(len(frame)) < share
    hit[rng.integers(len(frame))] = True
    frame[name] = [new(cell) if touched else cell for cell, touched in zip(frame[name], hit, strict=True)]
    frame.to_csv(path, index=False, lineterminator="\n")


def _insert(path: Path, rng: np.random.Generator, what: bytes, times: int = 3) -> None:
    data = path.read_bytes()
    for _ in range(times):
        place = int(rng.integers(len(data)))
        data = data[:place] + what + data[place:]
    path.write_bytes(data)


def _truncated(path: Path, rng: np.random.Generator) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(rng.integers(len(data)))])


def _latin(path: Path, rng: np.random.Generator) -> None:
    _cells(path, rng, lambda cell: cell + "Müller €")
    path.write_bytes(_text(path).encode("cp1252"))


def _utf16(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(_text(path).encode("utf-16" if rng.random() < 0.5 else "utf-16-le"))


def _swapped_names(path: Path, rng: np.random.Generator) -> None:
    header, rest = _text(path).split("\n", 1)
    names = header.split(",")
    one, two = rng.choice(len(names), 2, replace=False)
    names[one], names[two] = names[two], names[one]
    _put(path, ",".join(names) + "\n" + rest)


def _twice_named(path: Path, rng: np.random.Generator) -> None:
    header, rest = _text(path).split("\n", 1)
    names = header.split(",")
    names[int(rng.integers(len(names)))] = names[0]
    _put(path, ",".join(names) + "\n" + rest)


def _column_gone(path: Path, rng: np.random.Generator) -> None:
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    frame.drop(columns=frame.columns[rng.integers(len(frame.columns))]).to_csv(path, index=False)


def _mixed_dates(path: Path, rng: np.random.Generator) -> None:
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    dated = [name for name in frame.columns if name.endswith(("_date", "_from"))] or [frame.columns[0]]
    for name in dated:
        hit = rng.random(len(frame)) < rng.choice([0.01, 0.2, 1.0])
        frame[name] = ["/".join(c[:10].split("-")[::-1]) if h else c for c, h in zip(frame[name], hit, strict=True)]
    frame.to_csv(path, index=False)


def _repeated_rows(path: Path, rng: np.random.Generator) -> None:
    lines = _text(path).splitlines(keepends=True)
    _put(path, "".join([*lines, *(lines[int(row)] for row in rng.integers(0, len(lines), 5))]))


def _ragged(path: Path, rng: np.random.Generator) -> None:
    lines = _text(path).splitlines()
    for row in rng.integers(0, len(lines), 4):
        lines[int(row)] += "," * int(rng.integers(1, 4))
    _put(path, "\n".join(lines))


def _blank_lines(path: Path, rng: np.random.Generator) -> None:
    lines = _text(path).splitlines()
    for row in rng.integers(0, len(lines), 4):
        lines[int(row)] += "\n" * int(rng.integers(1, 4))
    _put(path, "\n".join(lines))


def _broken_gzip(path: Path, rng: np.random.Generator) -> None:
    data = gzip.compress(path.read_bytes())
    path.unlink()
    path.with_name(path.name + ".gz").write_bytes(data[: int(rng.integers(1, len(data)))])


def _other_ends(path: Path, rng: np.random.Generator) -> None:
    _put(path, _text(path).replace("\n", "\r" if rng.random() < 0.5 else "\r\n"))


def _other_separator(path: Path, rng: np.random.Generator) -> None:
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    frame.to_csv(path, index=False, sep=str(rng.choice([";", "\t", "|", ":"])), quoting=csv.QUOTE_ALL)


DAMAGES: dict[str, Damage] = {
    "truncated": _truncated,
    "latin": _latin,
    "utf16": _utf16,
    "random bytes": lambda path, rng: _insert(path, rng, rng.bytes(8)),
    "swapped names": _swapped_names,
    "twice named": _twice_named,
    "column gone": _column_gone,
    "NULs": lambda path, rng: _insert(path, rng, b"\0"),
    "huge cell": lambda path, rng: _insert(path, rng, b"x" * 10_000_000, 1),
    "huge quoted cell": lambda path, rng: _cells(path, rng, lambda _: "y\n" * 5_000_000, 0.0),
    "mixed dates": _mixed_dates,
    "formulas": lambda path, rng: _cells(path, rng, lambda cell: "=1+1|cmd" if len(cell) % 2 else "@SUM(A1)"),
    "huge integers": lambda path, rng: _cells(path, rng, lambda _: "9" * int(rng.integers(20, 500))),
    "negative": lambda path, rng: _cells(path, rng, lambda cell: "-" + cell),
    "empty cells": lambda path, rng: _cells(path, rng, lambda _: "", 0.3),
    "words": lambda path, rng: _cells(path, rng, lambda _: "n/a"),
    "quotes": lambda path, rng: _insert(path, rng, b'"', int(rng.integers(1, 4))),
    "separators": lambda path, rng: _insert(path, rng, b","),
    "repeated rows": _repeated_rows,
    "ragged": _ragged,
    "blank lines": _blank_lines,
    "broken gzip": _broken_gzip,
    "other line ends": _other_ends,
    "other separator": _other_separator,
    "emptied": lambda path, rng: path.write_bytes(b"" if rng.random() < 0.5 else b" \n\n") and None,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 120 deals with their events and the small tables."""
    tables = ExampleCompany(seed=3, size="small").tables()
    deals = tables["opportunities"].iloc[:120]
    mine = tables["stage_history"]["opportunity_id"].isin(deals["opportunity_id"])
    folder = tmp_path_factory.mktemp("whole")
    small = {name: tables[name] for name in TABLES if name in tables}
    write_tables({**small, "opportunities": deals, "stage_history": tables["stage_history"][mine]}, folder)
    return folder


def _damaged(whole: Path, folder: Path, kind: str, seed: int) -> Path:
    shutil.copytree(whole, folder)
    rng = np.random.default_rng([seed, *kind.encode()])
    # Half of the copies are damaged in the deals, the others anywhere.
    there = sorted(path.name for path in folder.iterdir())
    name = "opportunities.csv" if seed % 2 else there[int(rng.integers(len(there)))]
    DAMAGES[kind](folder / name, rng)
    return folder


def _status(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["spmforecast", *arguments])
    with pytest.raises(SystemExit, match=r"^\d$") as left:
        cli.main()
    return int(left.value.code or 0)


def _judged(folder: Path) -> tuple[object, ...]:
    try:
        history = read_history(folder, max_rejected_share=1.0)
    except InputError as error:
        return (error.problems,)
    frames = [*history.tables.values(), history.rejected, history.counts]
    return (history.warnings, history.sources, *(frame.to_csv(index=False) for frame in frames))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if not kind.startswith("huge")])
def test_a_file_in_pieces_is_judged_as_a_whole_one(
    whole: Path, tmp_path: Path, kind: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _damaged(whole, tmp_path / "copy", kind, seed)
    at_once = _judged(folder)
    monkeypatch.setattr(bigcsv, "PIECE", 5_000)
    assert _judged(folder) == at_once


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_folder_is_read_or_refused(
    whole: Path,
    tmp_path: Path,
    kind: str,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = _damaged(whole, tmp_path / "copy", kind, seed)
    status = _status(monkeypatch, "check", str(folder))
    told = capsys.readouterr().err
    assert status in (0, 2), told
    assert (status == 2) == ("error: " in told)
    assert "Traceback" not in told
    try:
        history = read_history(folder, max_rejected_share=1.0)
    except InputError:
        assert status == 2
        return
    counts = history.counts
    assert (counts["read"] == counts["used"] + counts["rejected"] + counts["excluded"]).all()
    used = counts.groupby("table")["used"].sum()
    assert {name: len(frame) for name, frame in history.tables.items()} == used.to_dict()
    lines = history.rejected.groupby(["table", "file"])["line"].nunique()
    rejected = counts.set_index(["table", "file"])["rejected"]
    assert lines.to_dict() == rejected[rejected > 0].to_dict()


@pytest.mark.slow
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_run_on_a_damaged_folder_ends_well_or_with_reasons(
    whole: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _damaged(whole, tmp_path / "copy", kind, seed=1)
    (tmp_path / "s.yaml").write_text(
        "{name: s, history: copy, as_of: 2024-06-30, until: 2024-09-30, simulate: {trials: 50}}", encoding="utf-8"
    )
    status = _status(monkeypatch, "run", str(tmp_path / "s.yaml"), "-o", str(tmp_path / "out"))
    assert status in (0, 2), capsys.readouterr().err
