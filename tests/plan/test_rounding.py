"""Largest remainder: exact sums, bounds, ties, and least squares by brute force."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spmforecast.errors import InfeasibleError, InputError
from spmforecast.plan.rounding import largest_remainder

TARGETS = [1234567, 987654, 2345678, 432101]


def seats(house):
    return list(largest_remainder([Fraction(p * house, 14) for p in (6, 6, 2)], house, 1).multiples)


def naive(targets, step):
    return [int(Decimal(t / step).to_integral_value()) * step for t in targets]


def test_every_reference_value(reference):
    ref = reference("34_largest_remainder")
    odd = largest_remainder([500_150, 500_150], 1_000_300, 1000, residual="declare")
    alone = naive(TARGETS, 25_000)
    got = {
        "Hamilton populations 6,6,2 with 10 then 11 seats (Alabama paradox)": [seats(10), seats(11)],
        "quota targets to step 5000 summing to 5,000,000": largest_remainder(TARGETS, 5_000_000, 5000).amounts.tolist(),
        "step 25000": largest_remainder(TARGETS, 5_000_000, 25_000).amounts.tolist(),
        "exact ties: 3 equal reps, plan 100000, step 1000 (ties by input order)": largest_remainder(
            [Fraction(100_000, 3)] * 3, 100_000, 1000
        ).amounts.tolist(),
        "naive independent rounding of the step-25000 case (sum differs from plan)": alone,
        "its sum": sum(alone),
        "plan not a multiple of the step: 1,000,300 with step 1000 -> must raise or put the 300 in a declared "
        "residual line": float(odd.residual),
    }
    assert set(got) == set(ref.checks)
    for name, value in got.items():
        ref.compare(name, value)


def test_a_total_that_is_no_multiple_is_refused_or_declared():
    with pytest.raises(InputError, match="300 is left over"):
        largest_remainder([1.0], 1_000_300, 1000)
    told = largest_remainder([600_000, 400_300], 1_000_300, 1000, residual="declare")
    assert told.multiples == (600, 400)
    assert told.total + told.residual == 1_000_300


def test_cents_are_read_as_printed():
    got = largest_remainder([0.29, 0.57, 0.14], 1.0, 0.01)
    assert got.multiples == (29, 57, 14)
    assert got.amounts.tolist() == [0.29, 0.57, 0.14]
    assert largest_remainder(np.array([0.1, 0.2]), Decimal("0.3"), Decimal("0.1")).multiples == (1, 2)


def test_a_far_total_is_spread_evenly_and_at_once():
    assert largest_remainder([10, 20], 10_000_000, 0.01).amounts.tolist() == [4_999_995, 5_000_005]
    assert largest_remainder([10, 20], 0, 1).amounts.tolist() == [-5, 5]
    assert largest_remainder([10, 20], 10, 1, lower=0).amounts.tolist() == [0, 10]


def test_bounds_all_met_exactly():
    assert largest_remainder([1, 2], 9, 1, upper=[4, 5]).multiples == (4, 5)
    assert largest_remainder([5, 6], 3, 1, lower=[1, 2]).multiples == (1, 2)
    assert largest_remainder([3, 3], 6, 1, lower=-np.inf, upper=[2, np.inf]).multiples == (2, 4)
    assert largest_remainder([], 0, 1).multiples == ()


AMOUNTS = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=12)


@given(AMOUNTS, st.sampled_from([0.01, 1, 250, 1000]))
def test_sum_is_exact_and_each_within_one_step(weights, step):
    assume(sum(weights) > 0)
    steps = 10_007
    unit = Fraction(str(step))
    whole = sum(Fraction(str(w)) for w in weights)
    targets = [Fraction(str(w)) / whole * steps * unit for w in weights]
    got = largest_remainder(targets, steps * unit, step)
    assert sum(got.multiples) == steps
    assert got.total == steps * unit
    assert all(abs(k * unit - t) < unit for k, t in zip(got.multiples, targets, strict=True))


@given(st.data())
def test_least_squares_within_bounds_by_enumeration(data):
    n = data.draw(st.integers(1, 4))
    targets = data.draw(st.lists(st.integers(-12, 24), min_size=n, max_size=n))
    low = data.draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n))
    high = [a + data.draw(st.integers(0, 4)) for a in low]
    total = data.draw(st.integers(sum(low), sum(high)))
    scaled = [Fraction(t, 4) for t in targets]

    def cost(found):
        return sum((k - t) ** 2 for k, t in zip(found, scaled, strict=True))

    ways = itertools.product(*(range(a, b + 1) for a, b in zip(low, high, strict=True)))
    best = min(cost(way) for way in ways if sum(way) == total)
    got = largest_remainder(scaled, total, 1, low, high).multiples
    assert sum(got) == total
    assert all(a <= k <= b for a, k, b in zip(low, got, high, strict=True))
    assert cost(got) == best


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=10, unique=True), st.randoms(use_true_random=False))
def test_order_of_reps_does_not_matter_apart_from_ties(cents, random):
    step = 700
    total = sum(cents) // step * step
    remainders = [c % step for c in cents]
    assume(len(set(remainders)) == len(remainders))
    order = list(range(len(cents)))
    random.shuffle(order)
    straight = largest_remainder(cents, total, step).multiples
    shuffled = largest_remainder([cents[i] for i in order], total, step).multiples
    assert shuffled == tuple(straight[i] for i in order)


def test_ties_go_to_whoever_comes_first():
    assert largest_remainder([5, 5, 5, 5], 20, 2).amounts.tolist() == [6, 6, 4, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, float("nan")], 1, 1), r"targets\[1\]: not a finite number"),
        (([1], float("inf"), 1), "total: not a finite number"),
        (([1], 1, 0), "the step must be positive"),
        (([1, 2], 3, 1, [0]), "1 bounds for 2 targets"),
        (([], 3, 1), "nobody to carry the total"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        largest_remainder(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message", "limits"),
    [
        (([1, 2], 3, 1, [2, 2]), "lower bounds sum to more", ("lower", "total")),
        (([1, 2], 3, 1, None, [1, 1]), "upper bounds sum to less", ("upper", "total")),
        (([1, 2], 3, 1, [0.2, 0], [0.8, 5]), "no multiple of the step lies within the bounds of entry 0", ("lower",)),
    ],
)
def test_clashing_bounds_are_named(arguments, message, limits):
    with pytest.raises(InfeasibleError, match=message) as caught:
        largest_remainder(*arguments)
    assert caught.value.limits[: len(limits)] == limits
