"""The whole fit: what it may look at, what it refuses, and that it is one function of the record."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from companies import AS_OF, example_fit, example_tables, history_of, shuffled
from spmforecast.data import read_history
from spmforecast.errors import InputError
from spmforecast.models import ModelSpec, PipelineModel


def assert_same_fit(one, other):
    assert one.stays.stages == other.stays.stages
    np.testing.assert_allclose(one.process.intensities(), other.process.intensities(), rtol=1e-9)
    np.testing.assert_allclose(one.process.rhythm, other.process.rhythm, rtol=1e-9)
    np.testing.assert_allclose(one.amounts.won.log_quantiles, other.amounts.won.log_quantiles, rtol=1e-9)
    np.testing.assert_allclose(one.market.conversion.weight, other.market.conversion.weight, atol=1e-9)
    assert one.creation.owners == other.creation.owners
    assert one.creation.base == pytest.approx(other.creation.base, rel=1e-9)
    np.testing.assert_allclose(one.rep_wins.mean, other.rep_wins.mean, rtol=1e-9)
    assert one.roster.owners == other.roster.owners
    pd.testing.assert_frame_equal(one.roster.places, other.roster.places)
    assert one.attrition == other.attrition


def test_order_of_the_rows_does_not_matter():
    again = read_history(shuffled(example_tables(), np.random.default_rng(3)))
    assert_same_fit(example_fit(), PipelineModel().fit(again, as_of=AS_OF))


def test_what_is_cut_already_is_fitted_as_it_is():
    history = read_history(example_tables()).as_of(AS_OF)
    assert_same_fit(example_fit(), PipelineModel().fit(history))


def test_as_of_defaults_to_the_last_recorded_day():
    deals = [
        {"opportunity_id": "D", "created_date": "2024-01-10"},
        {"opportunity_id": "E", "created_date": "2024-01-10", "status": "lost", "close_date": "2024-04-05"},
        {"opportunity_id": "F", "created_date": "2024-01-12", "close_date": "2025-12-31"},
    ]
    assert PipelineModel().fit(history_of(deals)).as_of == pd.Timestamp("2024-04-05")


def test_date_before_the_first_deal_is_refused():
    history = history_of([{"opportunity_id": "D", "created_date": "2024-01-10"}])
    with pytest.raises(InputError, match="no deal is known as of 2023-12-31") as caught:
        PipelineModel().fit(history, as_of="2023-12-31")
    assert caught.value.problems[0].column == "created_date"


def test_no_date_is_refused():
    with pytest.raises(InputError, match="not a date"):
        PipelineModel().fit(read_history(example_tables()), as_of="soon")


def test_a_fit_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
        example_fit().calendar = None


def test_nothing_of_the_fit_is_later_than_its_date():
    model = example_fit()
    assert model.as_of == pd.Timestamp(AS_OF)
    assert model.deals["created_date"].max() < pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
    closed = model.deals["status"] != "open"
    assert model.deals.loc[closed, "close_date"].max() < pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
    assert (model.creation.months <= np.datetime64(AS_OF, "M").astype(np.int64)).all()


def test_fiscal_year_decides_the_types_of_day():
    history = read_history(example_tables())
    shifted = PipelineModel(fiscal_year_start=2).fit(history, as_of=AS_OF)
    assert shifted.calendar.year_start == 2
    assert not np.allclose(shifted.process.rhythm, example_fit().process.rhythm)


def test_spec_decides_the_segments():
    history = read_history(example_tables())
    by_product = PipelineModel(ModelSpec(segment_by="product")).fit(history, as_of=AS_OF)
    assert set(by_product.profiles.segments) <= {*history.opportunities["product"].unique(), "(other)"}
    assert by_product.conversion_rates(by="product")["segment"].nunique() == len(by_product.profiles.segments)


def test_win_multipliers_of_the_team_centre_on_one():
    fit = example_fit()
    pool, weight = fit.rep_wins, np.where(np.isin(fit.creation.owners, fit.roster.owners), fit.creation.reps.mean, 0.0)
    assert pool.observed.sum() == (fit.deals["status"] == "won").sum()
    assert np.average(pool.mean, weights=weight) == pytest.approx(1.0, abs=2e-3)
    assert (pool.mean > 0).all()


def test_a_fit_shows_itself():
    page = example_fit()._repr_html_()
    assert "Fitted pipeline" in page
    assert AS_OF in page
