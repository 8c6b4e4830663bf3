"""Spelling: what counts as almost the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spmforecast.data.quality.spelling import Speller, distance, plain

WORDS = st.text(alphabet="abcde 1-", max_size=9)


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("", "", 0), ("a", "", 1), ("abc", "abc", 0), ("abc", "acb", 1), ("technolgy", "technology", 1), ("ab", "ba", 1),
     ("kitten", "sitting", 3), ("ca", "abc", 3)],
)  # fmt: skip
def test_distance(one: str, other: str, steps: int) -> None:
    assert distance(one, other) == steps


@given(WORDS, WORDS)
def test_distance_is_symmetric_and_bounded(one: str, other: str) -> None:
    steps = distance(one, other)
    assert steps == distance(other, one)
    assert abs(len(one) - len(other)) <= steps <= max(len(one), len(other))
    assert (steps == 0) == (one == other)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("GTXPro", "GTX Pro"),
        ("gtx-pro", "GTX Pro"),
        ("technolgy", "technology"),
        ("Philipines", "Philippines"),
        ("Tier 3", None),  # another thing, not a slip
        ("R002", "R2"),
        ("R3", None),
        ("cold", None),  # short words differ by a letter and mean something else
        ("", None),
        ("GTX Pro", None),  # itself
    ],
)
def test_nearest(written: str, meant: str | None) -> None:
    known = ["GTX Pro", "technology", "Philippines", "Tier 1", "Tier 2", "R2", "gold", "Southeast"]
    assert Speller(known).nearest(written) == meant


def test_digits_apart_stay_apart() -> None:
    assert plain("Works 1 1") != plain("Works 11")
    assert plain("A-0017") == plain("a 17")


LETTERS = st.text(alphabet="abcde -", min_size=4, max_size=12)


@given(st.lists(LETTERS, max_size=6), LETTERS)
def test_the_stumps_find_every_near_word_and_no_other(known: list[str], word: str) -> None:
    mine = plain(word)
    near = set()
    for name in {plain(one) for one in known} - {mine}:
        shorter = min(len(mine), len(name))
        allowed = 0 if shorter < 5 else 1 if shorter < 10 else 2
        if 0 < distance(mine, name) <= allowed:
            near.add(name)
    assert {plain(one) for one in Speller(known).neighbours(word)} == near
