from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spmforecast.data.sources import FolderSource
from spmforecast.data.sources.encoding import decode
from spmforecast.errors import InputError

TEXT = "rep_id,name\nR1,Zoë Müller €\n"


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (TEXT.encode(), ()),
        (TEXT.encode("utf-8-sig"), ()),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), ("f.csv: read as UTF-16, as its first bytes say",)),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), ("f.csv: read as UTF-16, as its first bytes say",)),
        (TEXT.encode("cp1252"), ("f.csv: read as Windows-1252, because it is not UTF-8",)),
    ],
    ids=["UTF-8", "with mark", "UTF-16 LE", "UTF-16 BE", "Windows-1252"],
)
def test_encodings_are_found_out_and_said(tmp_path: Path, data: bytes, notes: tuple[str, ...]) -> None:
    assert decode(data, "f.csv", "reps") == (TEXT, notes)
    (tmp_path / "f.csv").write_bytes(data)
    raw = FolderSource(tmp_path).read("f.csv", "reps")
    assert raw.frame["name"].tolist() == ["Zoë Müller €"]
    assert raw.notes == notes


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            b"rep_id,name\nR1,Anna\nR2,Zo\x81\n",
            r"line 3: .* neither UTF-8 nor Windows-1252 \(found 'bytes 81 0a'",
        ),
        (b"rep_id,name\nR1,Zo\xe9\0\n", "neither UTF-8 nor Windows-1252"),
        ("Zoë, Åsa, Łódź\n".encode() + b"\xff\n", "line 2: the text is neither UTF-8 nor Windows-1252"),
        ("Zoë".encode()[:-1] + "Åsa Łódź".encode(), "neither UTF-8 nor Windows-1252"),
        (TEXT.encode("utf-32"), "the text is UTF-32"),
        (TEXT.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le")[:-1], "the text is damaged UTF-16"),
        (bytes(range(256)), "neither UTF-8 nor Windows-1252"),
    ],
)
def test_what_is_none_of_them_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        decode(data, "f.csv", "reps")
    assert "CSV UTF-8" in caught.value.problems[0].mend


@given(st.text())
def test_every_text_in_utf_8_is_read_as_it_is_or_refused_for_its_nuls(text: str) -> None:
    data = text.encode()
    if data[:4096].count(0) * 4 > len(data[:4096]):
        return
    assert decode(data, "f", "t") == (text.removeprefix("\ufeff"), ())


@given(st.binary())
def test_whatever_the_bytes_they_are_text_or_refused(data: bytes) -> None:
    try:
        text, _ = decode(data, "f", "t")
    except InputError as error:
        assert error.problems[0].mend  # noqa: PT017
        return
    assert isinstance(text, str)


@pytest.mark.parametrize(
    ("name", "separator", "note"),
    [
        ("reps.csv", ";", ("reps.csv: cells are separated by semicolons",)),
        ("reps.txt", "\t", ("reps.txt: cells are separated by tabs",)),
        ("reps.csv", "|", ("reps.csv: cells are separated by bars",)),
        ("reps.tsv", "\t", ()),
        ("reps.csv", ",", ()),
    ],
)
@pytest.mark.parametrize("odd", [False, True], ids=["plain", "strict"])
def test_separators_other_than_a_comma_are_said(
    tmp_path: Path, name: str, separator: str, note: tuple[str, ...], odd: bool
) -> None:
    (tmp_path / name).write_text(f"rep_id{separator}name\nR1{separator}Anna\n" + ("\n\n" if odd else ""))
    raw = FolderSource(tmp_path).read(name, "reps")
    assert raw.frame["name"].tolist() == ["Anna"]
    assert raw.notes == note
