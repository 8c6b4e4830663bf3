"""Ids are found as numbers where they can be, and always where they are found as texts."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data import ids, numberings
from spmforecast.data.ids import all_distinct, rows_of

SHAPES = (
    st.integers(0, 99).map("006A{:07d}".format),
    st.integers(0, 10**9).map("{:010d}".format),
    st.text(alphabet="0aZ/:é", min_size=3, max_size=3),
    st.text(alphabet="01", min_size=12, max_size=12),
    st.text(alphabet="ab", min_size=12, max_size=12),
    st.one_of(st.none(), st.text(alphabet="01", max_size=2)),
)


@pytest.mark.parametrize("shape", range(len(SHAPES)))
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_ids_are_found_where_texts_are(shape: int, data: st.DataObject) -> None:
    known = data.draw(st.lists(SHAPES[shape], min_size=1, max_size=20))
    other = data.draw(st.lists(st.one_of(SHAPES[shape], st.sampled_from(known), *SHAPES), max_size=20))
    few, block = ids._FEW, ids.BLOCK
    ids._FEW, ids.BLOCK, numberings.BLOCK = 1, 3, 3
    try:
        for wanted in (other, [word for word in other if word and len(word) == len(known[0] or "")]):
            found = rows_of(pd.Series(wanted, dtype="str"), pd.Series(known, dtype="str"))
            assert found.tolist() == [known.index(w) if w is not None and w in known else -1 for w in wanted]
        expected = None not in known and len(set(known)) == len(known)
        assert all_distinct(pd.Series(known, dtype="str")) == expected
    finally:
        ids._FEW, ids.BLOCK, numberings.BLOCK = few, block, block


def test_characters_beside_the_digits_are_not_taken_for_them() -> None:
    known = pd.Series([f"D{n:04d}" for n in range(2_000)], dtype="str")
    wanted = pd.Series([f"D{n:04d}" for n in range(1_000)] + ["D00/9", "D00:0", "D2000", "E0001", "d0001"], dtype="str")
    assert rows_of(wanted, known).tolist() == [*range(1_000), -1, -1, -1, -1, -1]
    assert rows_of(wanted.str.slice(0, 4), known).max() == -1


@pytest.mark.parametrize("form", ["D-{:06d}", "{:010d}", "006A{:08d}", "{:09d}X"])
def test_noughts_that_all_known_ids_have_are_asked_for(form: str) -> None:
    known = [form.format(n) for n in range(2_000)]
    ones = [
        name[:place] + digit + name[place + 1 :] for name in known[::37] for place in range(len(name)) for digit in "19"
    ]
    wanted = pd.Series([form.format(100_000 + n) for n in range(2_000)] + ones, dtype="str")
    place = {name: row for row, name in enumerate(known)}
    assert rows_of(wanted, pd.Series(known, dtype="str")).tolist() == [place.get(name, -1) for name in wanted]
