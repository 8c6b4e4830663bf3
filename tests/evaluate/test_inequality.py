"""Measures of inequality against reference values and their own laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spmforecast.errors import InputError
from spmforecast.evaluate import inequality as iq

POSITIVE = hnp.arrays(float, st.integers(2, 30), elements=st.floats(0.01, 1e6))
MEASURES = [
    iq.gini,
    lambda x: iq.gini(x, unbiased=True),
    iq.theil_t,
    iq.theil_l,
    iq.atkinson,
    lambda x: iq.atkinson(x, epsilon=1),
    iq.hoover,
    iq.coefficient_of_variation,
    iq.jain,
]


def test_every_reference_value(reference):
    ref = reference("36_inequality")
    checks = list(ref.checks.values())
    listed = [check for check in checks if "input" in check]
    got = {check["name"]: [measure(check["input"]) for measure in MEASURES] for check in listed}
    split = iq.theil_decomposition(listed[1]["input"], ["low"] * 6 + ["high"] * 8)
    got["Theil T decomposition of the 14 (first 6 vs last 8): between, within, total"] = [
        split.between,
        split.within,
        split.total,
    ]
    one = [0, 0, 0, 1]
    got["zeros allowed? Gini of 0,0,0,1 =.75; Theil T uses 0 ln 0 = 0 -> ln 4; Theil L infinite"] = [
        iq.gini(one),
        iq.theil_t(one),
    ]
    assert len(listed) == 3
    assert set(got) == set(ref.checks)
    for name, value in got.items():
        ref.compare(name, value)


def test_zeros():
    assert iq.theil_l([0, 1]) == np.inf
    assert iq.atkinson([0, 1], epsilon=1) == 1
    assert iq.atkinson([0, 1], epsilon=2) == 1
    assert iq.gini([0, 0, 0, 1], unbiased=True) == pytest.approx(1)
    assert iq.jain([0, 0, 0, 1]) == pytest.approx(0.25)


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_to_share_is_undefined(measure):
    assert np.isnan(measure([0.0, 0.0]))


def test_decomposition_of_nothing_and_of_an_empty_handed_group():
    assert np.isnan(iq.theil_decomposition([0, 0], [1, 2]).within)
    split = iq.theil_decomposition([0, 0, 1, 3], ["a", "a", "b", "b"])
    assert split.between + split.within == pytest.approx(split.total)


def test_a_single_value():
    assert iq.gini([3.0]) == 0
    assert np.isnan(iq.gini([3.0], unbiased=True))


@given(POSITIVE, st.floats(0.01, 100))
def test_unit_and_order_do_not_matter(x, factor):
    for measure in MEASURES:
        assert measure(x[::-1] * factor) == pytest.approx(measure(x), rel=1e-6, abs=1e-9)


@given(POSITIVE)
def test_writing_everybody_twice_changes_no_population_measure(x):
    for measure in (iq.gini, iq.theil_t, iq.theil_l, iq.atkinson, iq.hoover, iq.jain):
        assert measure(np.tile(x, 2)) == pytest.approx(measure(x), rel=1e-6, abs=1e-9)


@given(POSITIVE, st.integers(1, 4))
def test_decomposition_adds_up(x, groups):
    split = iq.theil_decomposition(x, np.arange(x.size) % groups)
    assert split.between + split.within == pytest.approx(split.total, abs=1e-9)
    assert split.between >= -1e-12
    assert split.within >= -1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: iq.gini([1, -1]), "must not be negative"),
        (lambda: iq.theil_t([1, np.nan]), "missing or infinite"),
        (lambda: iq.hoover([]), "at least one"),
        (lambda: iq.hoover([[1.0]]), "at least one"),
        (lambda: iq.atkinson([1], epsilon=0), "epsilon must be positive"),
        (lambda: iq.theil_decomposition([1, 2], [1]), "1 group labels for 2 values"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
