"""Choice of the spec: the rule by hand, candidates of the data, and a choice that the future cannot reach."""

from __future__ import annotations

import numpy as np
import pytest

from backtests import SETTINGS, small_history
from spmforecast.errors import InputError
from spmforecast.evaluate.selection import _ranked, candidates, choose_spec, describe
from spmforecast.models import ModelSpec


def test_the_simplest_within_one_standard_error_of_the_best_is_chosen() -> None:
    best = np.array([1.0, 1.2, 0.9, 1.1])
    near, far = best + np.array([0.3, -0.2, 0.2, -0.1]), best + np.array([0.3, 0.2, 0.3, 0.2])
    table = _ranked(["far", "near", "best"], np.stack([far, near, best]))
    assert table["candidate"][table["chosen"]].tolist() == ["near"]
    off = near - best
    assert table.loc[1, "behind"] == pytest.approx(off.mean())
    assert table.loc[1, "standard_error"] == pytest.approx(off.std(ddof=1) / 2)
    # A single past forecast tells nothing of how much forecasts differ: the simplest stays.
    assert _ranked(["far", "best"], np.array([[2.0], [1.0]]))["chosen"].tolist() == [True, False]


def test_candidates_are_attributes_that_separate_enough_deals() -> None:
    known = small_history().as_of("2024-06-30")
    specs = candidates(known, ModelSpec())
    assert specs[0].amount_bands == ()
    assert 2 <= len(specs) <= 6
    deals = known.deals()
    for spec in specs:
        names = (spec.segment_by,) if isinstance(spec.segment_by, str) else spec.segment_by
        assert all((deals[name].value_counts() >= 20).sum() >= 2 for name in names)
    assert (
        describe(ModelSpec(segment_by=("segment", "type"), amount_bands=())) == "by segment and type, no amount bands"
    )


@pytest.mark.slow
def test_a_choice_is_made_from_the_past_alone() -> None:
    known = small_history().as_of("2024-12-31")
    specs = (ModelSpec(amount_bands=()), ModelSpec())
    choice = choose_spec(known, specs, SETTINGS)
    assert choice.spec in specs
    assert choice.table["origins"].tolist() == [4, 4]
    assert choice.table["chosen"].sum() == 1
    assert "' was chosen, the simplest within one standard error" in choice.note


def test_a_history_that_is_not_cut_is_refused() -> None:
    with pytest.raises(InputError, match="not cut at a date"):
        choose_spec(small_history(), (ModelSpec(),), SETTINGS)
    with pytest.raises(InputError, match="no candidate"):
        choose_spec(small_history().as_of("2024-12-31"), (), SETTINGS)
