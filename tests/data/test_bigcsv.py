"""Files in pieces: read as whole ones are, whatever stands in them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data import History, read_history
from spmforecast.data.sources import bigcsv
from spmforecast.data.sources.bigcsv import read_big_csv
from spmforecast.errors import InputError

GOOD = "D{n},R1,2024-01-{d:02d},won,{n}.50,2024-03-01 10:30:00,Prospecting\n"
HEAD = "opportunity_id,owner_id,created_date,status,amount,close_date,stage\n"

DATES = ["2024-02-30", "2024-01-05", "2024-01-05T10", "2024-01-05 10:30", "2024-01-05T10:30:59Z", "", " 2024-01-05"]
AMOUNTS = ["1", "1.", ".5", "-3", "007.50", "1e3", "nan", "inf", "", " 4", "1,5", "$5"]
WORDS = ["won", "lost", "open", "Won", ""]


def _written(folder: Path, rows: list[str], head: str = HEAD) -> Path:
    (folder / "opportunities.csv").write_bytes((head + "".join(rows)).encode())
    return folder


def _read(folder: Path, piece: int) -> History | tuple[object, ...]:
    """Read with files cut at so many bytes."""
    was, bigcsv.PIECE = bigcsv.PIECE, piece
    try:
        return read_history(folder, max_rejected_share=1.0)
    except InputError as error:
        return error.problems
    finally:
        bigcsv.PIECE = was


def _alike(folder: Path, piece: int) -> None:
    pieces, at_once = _read(folder, piece), _read(folder, 1 << 30)
    if not isinstance(pieces, History) or not isinstance(at_once, History):
        assert pieces == at_once
        return
    assert pieces.warnings == at_once.warnings
    assert pieces.sources == at_once.sources
    for name in at_once.tables:
        pd.testing.assert_frame_equal(pieces.tables[name], at_once.tables[name])
    pd.testing.assert_frame_equal(pieces.rejected, at_once.rejected)
    pd.testing.assert_frame_equal(pieces.counts, at_once.counts)


CELLS = st.tuples(
    st.sampled_from(["A", "B", "C", "", '"D"', '"D\n"', "é", " F"]),
    st.sampled_from(DATES),
    st.sampled_from(WORDS),
    st.sampled_from(AMOUNTS),
    st.sampled_from(DATES),
)


@given(
    odd=st.lists(CELLS, max_size=4),
    place=st.integers(0, 30),
    piece=st.sampled_from([70, 200, 1000]),
    ending=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
    last=st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_any_file_is_judged_as_if_it_were_whole(
    odd: list[tuple[str, ...]], place: int, piece: int, ending: str, mark: bool, last: bool
) -> None:
    good = [GOOD.format(n=n, d=n % 28 + 1) for n in range(30)]
    rows = [f"{name},R1,{created},{status},{amount},{close},x\n" for name, created, status, amount, close in odd]
    text = HEAD + "".join([*good[:place], *rows, *good[place:]])
    data = (text if last else text[:-1]).replace("\n", ending).encode("utf-8-sig" if mark else "utf-8")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "opportunities.csv").write_bytes(data)
        _alike(Path(folder), piece)


@pytest.mark.parametrize("date", DATES)
def test_a_column_that_cannot_be_typed_at_once_stays_text(tmp_path: Path, date: str) -> None:
    row = f"D{{n}},R1,{date},won,{{n}}.50,2024-03-01 10:30:00,x\n"
    _alike(_written(tmp_path, [row.format(n=n) for n in range(50)]), 300)


@pytest.mark.parametrize("amount", ["-3.50", "007.50", "1e400"])
def test_what_is_rejected_is_told_as_it_is_written(tmp_path: Path, amount: str) -> None:
    rows = [GOOD.format(n=n, d=n % 28 + 1) for n in range(50)]
    rows[33] = f"D33,R1,2024-05-20 00:00,won,{amount},2024-03-01,x\n"
    _alike(_written(tmp_path, rows), 400)
    history = _read(tmp_path, 400)
    assert isinstance(history, History)
    told = history.rejected
    assert set(told["line"]) == {35}
    assert "closes before it was created (2024-05-20 00:00)" in told["reason"].tolist()


def test_pieces_are_typed_and_every_byte_is_hashed(tmp_path: Path) -> None:
    path = _written(tmp_path, [GOOD.format(n=n, d=n % 28 + 1) for n in range(100)]) / "opportunities.csv"
    read = read_big_csv(path, "f.csv", "opportunities", typed=True, piece=700)
    assert read is not None
    raw, file, separator = read
    assert (file.sha256, file.bytes) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
    assert separator == ","
    assert raw.frame["created_date"].dtype == raw.frame["close_date"].dtype == "datetime64[s]"
    assert raw.frame["amount"].tolist() == [n + 0.5 for n in range(100)]
    assert raw.frame["opportunity_id"].tolist() == [f"D{n}" for n in range(100)]
    assert raw.lines.tolist() == list(range(2, 102))
    assert raw.origin is not None
    lines = np.array([2, 51, 101])
    assert raw.origin.cells("close_date", lines).tolist() == ["2024-03-01 10:30:00"] * 3
    assert raw.origin.cells("amount", lines).tolist() == ["0.50", "49.50", "99.50"]


@pytest.mark.parametrize(
    "spoilt", [b"x\n", b"\n", b'D,R1,"2024\n', b"D\0,R1,,,,,\n", b"D,R1,,,,\r,\n", b"\xff,R1,,,,,\n"]
)
def test_whatever_is_odd_is_left_to_the_other_readers(tmp_path: Path, spoilt: bytes) -> None:
    rows = "".join(GOOD.format(n=n, d=n % 28 + 1) for n in range(100)).encode()
    path = tmp_path / "opportunities.csv"
    for data in (HEAD.encode() + rows + spoilt, HEAD.encode() + spoilt + rows):
        path.write_bytes(data)
        assert read_big_csv(path, "f.csv", "opportunities", typed=True, piece=700) is None


def test_small_files_and_headers_out_of_order_are_left_to_the_other_readers(tmp_path: Path) -> None:
    rows = [GOOD.format(n=n, d=1) for n in range(100)]
    path = _written(tmp_path, rows) / "opportunities.csv"
    assert read_big_csv(path, "f.csv", "opportunities", typed=True) is None
    for head in ("a,a\n", "\n", "a\0,b\n", 'a,b"\n', "a\rb,c\n", "a," + "b" * 1000 + "\n"):
        _written(tmp_path, rows, head)
        assert read_big_csv(path, "f.csv", "opportunities", typed=True, piece=700) is None


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = _written(tmp_path, [GOOD.format(n=n, d=1) for n in range(100)]) / "opportunities.csv"
    read = read_big_csv(path, "f.csv", "opportunities", typed=True, piece=700)
    assert read is not None
    assert read[0].origin is not None
    os.utime(path, ns=(0, 0))
    with pytest.raises(InputError, match="changed while it was read"):
        read[0].origin.cells("amount", np.array([2]))


def test_a_map_speaks_of_the_text(tmp_path: Path) -> None:
    path = _written(tmp_path, [GOOD.format(n=n, d=1) for n in range(100)]) / "opportunities.csv"
    read = read_big_csv(path, "f.csv", "opportunities", typed=False, piece=700)
    assert read is not None
    assert read[0].frame["amount"].iloc[1] == "1.50"
    assert read[0].origin is None


@pytest.mark.parametrize("cores", [1, 3])
def test_any_number_of_cores_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    rows = [GOOD.format(n=n, d=n % 28 + 1) for n in range(200)]
    rows[150] = "D1,R1,2024-02-01,won,-1,2024-01-01,x\n"
    _written(tmp_path, rows)
    expected = _read(tmp_path, 1 << 30)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    found = _read(tmp_path, 300)
    assert isinstance(found, History)
    assert isinstance(expected, History)
    pd.testing.assert_frame_equal(found.opportunities, expected.opportunities)
    pd.testing.assert_frame_equal(found.rejected, expected.rejected)
    assert found.warnings == expected.warnings
