"""Exposure and events by the diagonal count, against a loop over every deal and day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companies import example_fit, profiles_of, stays_of
from spmforecast.models.agebins import AgeBins, age_bins
from spmforecast.models.exposure import collect
from spmforecast.models.risksets import CENSORED
from spmforecast.models.spec import ModelSpec

TODAY = 140


def brute_force(stays, profiles, bins):
    """Walk every stay day by day."""
    first = min(int(e + s) for e, s in zip(stays.entry, stays.start, strict=True))
    shape = (len(profiles.table), len(stays.stages), bins.bins, stays.today - first + 1)
    exposure = np.zeros(shape)
    events = np.zeros((*shape[:2], len(stays.stages) + 2, *shape[2:]))
    for i in range(len(stays.deal)):
        g, s = profiles.of_deal[stays.deal[i]], stays.stage[i]
        of_age = bins.of_age[profiles.table[g, 0], s]
        for age in range(stays.start[i], stays.duration[i] + 1):
            cell = of_age[min(age, len(of_age) - 1)], stays.entry[i] + age - first
            exposure[(g, s, *cell)] += 1
        if stays.to[i] != CENSORED:
            events[(g, s, stays.to[i], *cell)] += 1
    return exposure, events, first


@st.composite
def stay_rows(draw):
    """Rows of (deal, stage, entry, start, duration, to) that end by TODAY."""
    rows = []
    for deal in range(draw(st.integers(1, 12))):
        entry = draw(st.integers(0, TODAY))
        duration = draw(st.integers(0, TODAY - entry))
        start = draw(st.integers(0, duration))
        stage = draw(st.integers(0, 1))
        to = draw(st.sampled_from([CENSORED, 1 - stage, 2, 3]))
        rows.append((deal, stage, entry, start, duration, to))
    return rows


@given(rows=stay_rows(), cap=st.integers(1, 90), seed=st.integers(0, 1000))
@settings(max_examples=60)
def test_equals_a_loop_over_deal_days(rows, cap, seed):
    rng = np.random.default_rng(seed)
    stays = stays_of(rows, today=TODAY)
    profiles = profiles_of(rng.integers(0, 3, len(rows)), segments=3)
    steps = rng.integers(0, 2, size=(3, 2, cap)) * (rng.random((3, 2, cap)) < 0.3)
    of_age = np.concatenate([np.zeros((3, 2, 1), dtype=np.int64), np.cumsum(steps, axis=2)], axis=2)
    bins = AgeBins(of_age, int(of_age.max()) + 1, np.zeros(2, dtype=np.int64))
    got = collect(stays, profiles, bins)
    exposure, events, first = brute_force(stays, profiles, bins)
    assert got.first_day == first
    np.testing.assert_array_equal(got.exposure, exposure)
    np.testing.assert_array_equal(got.events, events)


def test_plateau_holds_every_day_past_the_last_age():
    stays = stays_of([(0, 0, 0, 0, 100, CENSORED), (1, 0, 10, 70, 90, 2)], stages=("A",), today=100)
    bins = AgeBins(np.array([[[0, 1, 1, 1, 2]]]), 3, np.array([2]))
    got = collect(stays, profiles_of([0, 0]), bins)
    assert got.exposure[0, 0].sum(axis=1).tolist() == [1, 3, 97 + 21]
    assert got.exposure[0, 0, 2, :4].sum() == 0
    assert got.exposure[0, 0, 2, 4:80].tolist() == [1] * 76
    assert got.exposure[0, 0, 2, 80:].tolist() == [2] * 21
    assert got.events[0, 0, 1, 2, 100] == 0
    assert got.events.sum() == got.events[0, 0, 2, 2, 100] == 1


def test_cutting_the_watch_in_two_changes_no_exposure():
    whole = stays_of([(0, 0, 3, 0, 40, 2)], today=60)
    parts = stays_of([(0, 0, 3, 0, 17, CENSORED), (0, 0, 3, 18, 40, 2)], today=60)
    bins = AgeBins(np.array([[[0, 1, 1, 1, 1, 2]] * 2]), 3, np.array([2, 2]))
    one, two = (collect(stays, profiles_of([0]), bins) for stays in (whole, parts))
    np.testing.assert_array_equal(one.exposure, two.exposure)
    np.testing.assert_array_equal(one.events, two.events)


def test_totals_of_a_lived_company():
    model = example_fit()
    stays, bins = model.stays, model.process.bins
    got = collect(stays, model.profiles, bins)
    assert got.exposure.sum() == (stays.duration - stays.start + 1).sum()
    assert got.days[-1] == stays.today
    counts = np.zeros((len(stays.stages), len(stays.stages) + 2))
    done = ~stays.open_now
    np.add.at(counts, (stays.stage[done], stays.to[done]), 1)
    np.testing.assert_array_equal(got.events.sum(axis=(0, 3, 4)), counts)
    np.testing.assert_array_equal(got.exposure.sum(axis=(2, 3)), model.process.exposure)
    np.testing.assert_array_equal(got.events.sum(axis=(3, 4)), model.process.observed)


def test_bins_rise_with_age_and_keep_the_first_day_apart():
    bins = example_fit().process.bins
    assert (np.diff(bins.of_age, axis=2) >= 0).all()
    assert (bins.of_age[:, :, 0] == 0).all()
    assert (bins.of_age[:, :, 1] >= 1).all()
    assert bins.of_age.max() == bins.bins - 1
    assert bins.cap == bins.of_age.shape[2] - 1
    assert (bins.plateau < bins.bins).all()


@pytest.mark.parametrize("most", [3, 6, 12])
def test_bins_hold_enough_exits_and_are_not_too_many(most):
    rng = np.random.default_rng(5)
    rows = [(i, 0, 0, 0, int(age), 1 + i % 3) for i, age in enumerate(rng.geometric(0.03, 600))]
    stays = stays_of(rows)
    spec = ModelSpec(max_age_bins=most, events_per_bin=40)
    bins = age_bins(stays, profiles_of(np.zeros(600)), spec)
    plateau = int(bins.plateau[0])
    assert plateau + 1 <= most
    # Days are whole, so a cut may fall a day beside its quantile.
    held = np.bincount(bins.of_age[0, 0, np.minimum(stays.duration, bins.cap)], minlength=bins.bins)
    assert (held[1:plateau] >= 20).all()


def test_without_exits_only_the_first_day_is_told_apart():
    stays = stays_of([(0, 0, 0, 0, 50, CENSORED), (1, 1, 0, 0, 50, CENSORED)])
    bins = age_bins(stays, profiles_of([0, 0]), ModelSpec())
    assert bins.of_age.tolist() == [[[0, 1], [0, 1]]]


def test_where_many_deals_were_seen_to_the_end_the_last_of_them_lend_nothing_to_those_never_closed():
    """Four thousand deals leave by day 100, as many stay for a year and never do: silence begins soon after day 100."""
    rng = np.random.default_rng(6)
    rows = [(i, 0, 0, 0, int(age), 1) for i, age in enumerate(rng.integers(1, 101, 4000))]
    rows += [(4000 + i, 0, 0, 0, 365, CENSORED) for i in range(4000)]
    stays, profiles = stays_of(rows, stages=("A",)), profiles_of(np.zeros(8000))
    bins = age_bins(stays, profiles, ModelSpec())
    of_age = bins.of_age[0, 0]
    last = int(np.flatnonzero(of_age == of_age[100])[-1])
    assert 100 <= last < 160
    ends = np.flatnonzero(np.diff(of_age)) + 1
    late = ends[(ends >= 97) & (ends <= 100)]
    assert len(late) >= 2  # the plateau at 97.5 %, and a half of what is left
    few = age_bins(stays_of(rows[::40], stages=("A",)), profiles_of(np.zeros(8000)), ModelSpec())
    assert few.bins < bins.bins
