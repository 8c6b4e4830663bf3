"""The quick reader gives what the strict one gives, or leaves the file to it."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data.sources.csvtext import parse_csv
from spmforecast.data.sources.plaincsv import parse_plain_csv
from spmforecast.errors import InputError

CELL = st.text(alphabet=st.sampled_from('ab1 "\n\r,;é.-'), max_size=6)


def _agrees(data: bytes) -> bool:
    """Compare the two readers; tell whether the quick one took the file."""
    quick = parse_plain_csv(data, "f.csv")
    if quick is None:
        return False
    strict = parse_csv(data.decode("utf-8-sig"), "f.csv", "plan")
    assert not strict.broken
    pd.testing.assert_frame_equal(quick.frame, strict.frame)
    assert quick.lines.tolist() == strict.lines.tolist()
    return True


@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=8),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    separator=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
)
@settings(max_examples=100)
def test_written_files_are_read_alike(
    rows: list[list[str]], quoting: int, separator: str, ending: str, mark: bool
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=ending).writerows([["x", "y", "z"], *rows])
    _agrees(out.getvalue().encode("utf-8-sig" if mark else "utf-8"))


@given(st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "a", "é", " ", '""', "\r", ";", "\0"]), max_size=30))
@settings(max_examples=150)
def test_any_bytes_are_read_alike_or_left_alone(parts: list[str]) -> None:
    data = ("x,y\n1,2\n" + "".join(parts)).encode()
    try:
        _agrees(data)
    except InputError as error:
        pytest.fail(f"the quick reader took what the strict one refuses: {data!r} {error}")


def test_a_plain_file_is_read_quickly() -> None:
    assert _agrees(b'\xef\xbb\xbfid,name,amount\r\n1,"Smith, ""Jo""",5\r\n2,,\r\n')
    assert _agrees("a;b\n1;é\n2;".encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"a,a\n1,2\n",
        b"a,\n1,2\n",
        b"a,b\n1\n",
        b"a,b\n1,2\n\n3,4\n",
        b'a,b\n1,"2\n3,4\n',
        b'a,b\n1,"2"x\n',
        b'a,b\n1,"x\ny"\n',
        b"a,b\n1,\xff\n",
        b"a,b\n1,\0\n",
        b"a,b\r1,2\r",
    ],
)
def test_whatever_is_odd_is_left_to_the_strict_reader(data: bytes) -> None:
    assert parse_plain_csv(data, "f.csv") is None
