"""Candidates and winners of a batch of deals: positions and what is read off them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.simulate.winners import Candidates

TRIALS = 8


@given(st.lists(st.lists(st.booleans(), min_size=TRIALS, max_size=TRIALS), min_size=1, max_size=5), st.data())
@settings(max_examples=50, deadline=None)
def test_candidates_know_their_deals_and_trials(mask, data):
    mask = np.array(mask)
    found = Candidates.at(np.flatnonzero(mask), *mask.shape)
    deal, trial = np.nonzero(mask)
    np.testing.assert_array_equal(found.deal, deal)
    np.testing.assert_array_equal(found.trial, trial)
    np.testing.assert_array_equal(found.number, mask.sum(axis=1))
    np.testing.assert_array_equal(found.of_deal(np.arange(len(mask)) * 2.5), deal * 2.5)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(deal), max_size=len(deal))), dtype=np.bool_)
    some = found.take(np.flatnonzero(kept))
    np.testing.assert_array_equal(some.deal, deal[kept])
    np.testing.assert_array_equal(some.trial, trial[kept])
