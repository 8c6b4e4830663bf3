"""Events sorted as whole numbers stand as they do when deals, times and ranks are compared one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.data import eventorder, threads
from spmforecast.data.eventorder import ordered

EVENT = st.tuples(st.integers(-1, 700), st.integers(0, 3), st.booleans())


def _alike(deal: np.ndarray, seconds: np.ndarray, last: np.ndarray, deals: int) -> None:
    when = seconds.astype("datetime64[s]")
    row, of, at = ordered(deal, when, last, deals)
    slow = np.lexsort((last, when, deal))
    slow = slow[deal[slow] >= 0]
    assert row.tolist() == slow.tolist()
    assert of.tolist() == deal[slow].tolist()
    assert at.tolist() == when[slow].tolist()


@given(st.lists(EVENT, max_size=60), st.sampled_from([1, 86_400, 1 << 55]), st.booleans())
@settings(max_examples=80)
def test_any_events_are_put_in_order(events: list[tuple[int, int, bool]], unit: int, early: bool) -> None:
    deal = np.array([event[0] for event in events], dtype=np.int64)
    seconds = np.array([event[1] for event in events], dtype=np.int64) * unit - early * unit
    _alike(deal, seconds, np.array([event[2] for event in events], dtype=bool), 701)


def test_threads_and_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    deal, seconds = rng.integers(-1, 900, 5_000), rng.integers(0, 40, 5_000)
    monkeypatch.setattr(threads, "MANY", 1)
    monkeypatch.setattr(eventorder, "_BLOCK", 100)
    _alike(deal, seconds, rng.random(5_000) < 0.3, 900)


def test_a_bucket_too_full_for_whole_numbers_is_sorted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventorder, "_BITS", 16)
    rng = np.random.default_rng(6)
    _alike(rng.integers(0, 900, 2_000), rng.integers(0, 4_000, 2_000), rng.random(2_000) < 0.3, 900)
