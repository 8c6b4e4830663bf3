"""Amounts far beyond all others: taken back to what the largest of so many plausibly is, and nothing else moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from companies import example_fit, history_of
from spmforecast.models import ModelSpec, PipelineModel
from spmforecast.models.outliers import largest_plausible
from spmforecast.scenario.notes import model_notes


def test_the_largest_of_an_exponential_tail_is_beyond_the_limit_in_one_of_ten_records():
    rng = np.random.default_rng(1)
    records = [rng.standard_exponential(400) * 0.5 for _ in range(2000)]
    beyond = np.mean([record.max() > largest_plausible(record) for record in records])
    assert beyond == pytest.approx(0.1, abs=0.03)


def test_lognormal_amounts_are_hardly_ever_limited():
    rng = np.random.default_rng(2)
    records = [0.8 * rng.standard_normal(n) for n in (5, 20, 100, 500) for _ in range(200)]
    assert np.mean([record.max() > largest_plausible(record) for record in records]) < 0.05


def test_an_outlier_does_not_set_its_own_limit():
    usual = np.linspace(-1.0, 1.0, 50)
    limits = [largest_plausible(np.append(usual, far)) for far in (3.0, 9.0, 90.0)]
    assert limits[0] == pytest.approx(limits[1]) == pytest.approx(limits[2])
    assert 1.0 < limits[0] < 6.0


def test_one_amount_alone_has_no_limit():
    assert largest_plausible(np.zeros(0)) == largest_plausible(np.ones(1)) == np.inf


@given(hnp.arrays(float, st.integers(2, 60), elements=st.floats(-5, 5)))
def test_the_limit_lies_above_most_amounts_wherever_they_lie(residual):
    limit = largest_plausible(residual)
    assert (residual > limit).sum() <= 1 + len(residual) // 10 + 5
    assert limit > np.quantile(residual, 0.5, method="lower")
    assert largest_plausible(residual + 3.0) == pytest.approx(limit + 3.0)


def deals(amounts):
    days = np.datetime64("2024-01-01") + np.arange(len(amounts)) * 5
    return [
        {
            "opportunity_id": f"D{i:03}",
            "created_date": str(day),
            "close_date": str(day + 30),
            "status": "won",
            "amount": amount,
        }
        for i, (day, amount) in enumerate(zip(days, amounts, strict=True))
    ]


def test_a_deal_of_another_world_is_not_forecast_again_and_again():
    usual = np.exp(9.0 + 0.6 * np.random.default_rng(3).standard_normal(80)).round(2).tolist()
    plain, with_one = (history_of(deals(amounts)) for amounts in (usual, [*usual, 72_018_308.8]))
    as_of = "2025-06-30"
    mean = PipelineModel().fit(plain, as_of=as_of).amounts.won.mean()[0]
    model = PipelineModel().fit(with_one, as_of=as_of)
    ((whole, part),) = model.amounts.limited
    assert whole == 72_018_308.8
    assert 2 * max(usual) < part < 40 * mean
    assert mean < model.amounts.won.mean()[0] < 1.7 * mean
    told = " ".join(model_notes(model, None)["notes"])
    assert f"72,018,309 as {part:,.0f}; model: {{amount_tail: recorded}}" in told
    recorded = PipelineModel(ModelSpec(amount_tail="recorded")).fit(with_one, as_of=as_of)
    assert recorded.amounts.limited == ()
    assert "Far beyond" not in " ".join(model_notes(recorded, None)["notes"])
    assert recorded.amounts.won.mean()[0] > 20 * mean


def test_amounts_that_are_alike_stay_as_they_are():
    assert example_fit().amounts.limited == ()
