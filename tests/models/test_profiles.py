"""Which deals are modelled alike: segments, bands of amount, and which amounts may be used for banding at all."""

from __future__ import annotations

import numpy as np
import pytest

from companies import history_of
from spmforecast.errors import InputError
from spmforecast.models.profiles import OTHER, UNKNOWN_BAND, build_profiles, entry_amounts
from spmforecast.models.spec import ModelSpec


def deals_of(n, **columns):
    """Write down n open deals; a column is a constant or a function of the deal's number."""
    told = {"created_date": "2024-01-10", "amount": 100.0} | columns
    value = {name: what if callable(what) else (lambda i, w=what: w) for name, what in told.items()}
    return [{"opportunity_id": f"D{i:04d}"} | {name: of(i) for name, of in value.items()} for i in range(n)]


def cut(deals, events=None):
    history = history_of(deals, events).as_of("2024-12-31")
    return history, history.deals()


def test_rare_segments_are_pooled():
    deals = deals_of(60, segment=lambda i: "Big" if i < 25 else "Mid" if i < 50 else f"Rare{i}")
    history, frame = cut(deals)
    profiles = build_profiles(history, frame, ModelSpec(min_level_deals=20))
    assert profiles.segments == (OTHER, "Big", "Mid")
    assert np.bincount(profiles.segment_of_deal).tolist() == [10, 25, 25]
    np.testing.assert_array_equal(profiles.table[profiles.of_deal, 0], profiles.segment_of_deal)


def test_any_column_can_be_the_segment_but_not_an_unknown_or_telling_one():
    history, frame = cut(deals_of(40, product=lambda i: "AB"[i % 2]))
    assert build_profiles(history, frame, ModelSpec(segment_by="product")).segments == ("A", "B")
    with pytest.raises(
        InputError, match=r"segment_by: deals have no such attribute \(found 'segmen'\). Did you mean segment"
    ):
        build_profiles(history, frame, ModelSpec(segment_by="segmen"))
    with pytest.raises(InputError, match="segment_by: this tells the outcome"):
        build_profiles(history, frame, ModelSpec(segment_by="status"))


def test_amounts_are_banded_at_their_quantiles():
    history, frame = cut(deals_of(300, amount=lambda i: 10.0 * (i + 1)))
    profiles = build_profiles(history, frame, ModelSpec(amount_bands=(0.5, 0.9)))
    assert profiles.bands == 4
    np.testing.assert_allclose(profiles.band_edges, np.quantile(frame["amount"], [0.5, 0.9]))
    band = profiles.table[profiles.of_deal, 1]
    assert np.bincount(band, minlength=4).tolist() == [0, 150, 120, 30]
    assert (np.diff(band[np.argsort(profiles.amount)]) >= 0).all()
    assert len(profiles.levels()[0]) == len(profiles.levels()[1]) == len(profiles.table)


@pytest.mark.parametrize(("deals", "bands"), [(150, (0.5,)), (300, ())])
def test_few_deals_or_no_wish_make_no_bands(deals, bands):
    history, frame = cut(deals_of(deals, amount=lambda i: 10.0 * (i + 1)))
    profiles = build_profiles(history, frame, ModelSpec(amount_bands=bands))
    assert set(profiles.table[:, 1]) == {UNKNOWN_BAND}


def test_deals_of_unknown_amount_have_a_band_of_their_own():
    history, frame = cut(deals_of(300, amount=lambda i: None if i % 10 == 0 else 10.0 * (i + 1)))
    profiles = build_profiles(history, frame, ModelSpec(amount_bands=(0.5,)))
    band = profiles.table[profiles.of_deal, 1]
    np.testing.assert_array_equal(band == UNKNOWN_BAND, np.arange(300) % 10 == 0)


def test_amounts_that_only_wins_carry_would_tell_the_outcome():
    outcome = {"status": lambda i: ("won", "lost")[i % 2], "close_date": "2024-03-01"}
    told = cut(deals_of(50, **outcome))
    telling = cut(deals_of(50, **outcome, amount=lambda i: None if i % 2 else 100.0))
    assert np.isfinite(entry_amounts(*told)).all()
    assert np.isnan(entry_amounts(*telling)).all()


def test_the_amount_of_the_first_event_counts_not_the_final_one():
    deals = deals_of(2, status=lambda i: ("won", "open")[i], close_date="2024-03-01", amount=900.0)
    events = [
        {"opportunity_id": f"D{i:04d}", "stage": stage, "entered_date": date, "amount": amount}
        for i in (0, 1)
        for stage, date, amount in (("A", "2024-01-10", 100.0), ("B", "2024-02-10", 300.0))
    ]
    history, frame = cut(deals, events)
    first = entry_amounts(history, frame)
    # Open deals are banded as closed ones are, or the bands of both would not compare.
    np.testing.assert_array_equal(first, [100.0, 100.0])


def test_several_attributes_make_one_segment_together():
    deals = deals_of(80, segment=lambda i: ["SMB", "Big"][i % 2], type=lambda i: "renewal" if i % 4 < 2 else "new")
    history, frame = cut(deals)
    both = build_profiles(history, frame, ModelSpec(segment_by=("segment", "type")))
    assert both.segments == ("Big · new", "Big · renewal", "SMB · new", "SMB · renewal")
    assert [both.segments[k] for k in both.segment_of_deal[:4]] == [
        "SMB · renewal",
        "Big · renewal",
        "SMB · new",
        "Big · new",
    ]
    one, alone = (build_profiles(history, frame, ModelSpec(segment_by=by)) for by in (("segment",), "segment"))
    assert one.segments == alone.segments
    np.testing.assert_array_equal(one.of_deal, alone.of_deal)
    with pytest.raises(InputError, match=r"(?s)found 'segmen'.*this tells the outcome"):
        build_profiles(history, frame, ModelSpec(segment_by=("segmen", "status")))
