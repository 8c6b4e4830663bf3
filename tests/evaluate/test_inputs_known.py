"""What it is worth to know one input: against closed forms, and its bounds."""

from __future__ import annotations

import numpy as np
import pytest

from spmforecast.errors import InputError
from spmforecast.evaluate.information import evpi, evpi_normal, evppi


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(7)
    known, luck = rng.normal(size=(2, 40_000))
    return known, np.stack([np.zeros(len(known)), 0.3 + 2.0 * known + 1.5 * luck])


def test_a_normal_input_is_worth_what_the_formula_says(drawn):
    known, payoff = drawn
    assert evppi(payoff, known) == pytest.approx(evpi_normal(0.3, 2.0), rel=0.03)


def test_no_input_is_worth_more_than_everything_and_none_less_than_nothing(drawn):
    known, payoff = drawn
    assert 0 <= evppi(payoff, known) <= evpi(payoff)
    assert evppi(payoff, np.random.default_rng(1).normal(size=len(known))) < 0.01
    assert evppi(payoff, np.zeros(len(known))) == pytest.approx(0.0, abs=1e-9)


def test_an_input_of_few_values_is_taken_as_it_is():
    known = np.repeat([0.0, 1.0], 500)
    payoff = np.stack([np.full(1000, 0.4), known])
    assert evppi(payoff, known) == pytest.approx(0.5 * (0.4 + 1.0) - 0.5, abs=1e-9)


def test_shapes_must_fit():
    with pytest.raises(InputError, match="a row an action and a column a draw"):
        evppi(np.zeros((2, 5)), np.zeros(4))
