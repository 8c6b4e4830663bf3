"""Views on the fitted process: rates between zero and one, estimates within their intervals, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import example_fit
from spmforecast.errors import InputError


@pytest.fixture(scope="module")
def model():
    return example_fit()


@pytest.fixture(scope="module")
def conversion(model):
    return model.conversion_rates()


@pytest.fixture(scope="module")
def cycles(model):
    return model.cycle_lengths()


@pytest.fixture(scope="module")
def summary(model):
    return model.summary()


def test_conversion_has_a_row_for_each_segment_and_stage(model, conversion):
    assert list(conversion) == ["segment", "stage", "estimate", "low", "high", "deals", "won", "open", "shrinkage"]
    want = [(name, stage) for name in model.profiles.segments for stage in model.stays.stages]
    assert list(zip(conversion["segment"], conversion["stage"], strict=True)) == want


def test_conversion_rates_are_chances_within_their_intervals(conversion):
    assert conversion["estimate"].between(0, 1).all()
    assert (conversion["low"] < conversion["high"]).all()
    assert conversion["estimate"].between(conversion["low"], conversion["high"]).all()
    assert conversion["shrinkage"].between(0, 1).all()


def test_conversion_counts_are_those_of_the_record(model, conversion):
    assert conversion["deals"].sum() == len(model.stays.deal)
    status = model.deals["status"].to_numpy()[model.stays.deal]
    assert conversion["won"].sum() == (status == "won").sum()
    assert conversion["open"].sum() == (status == "open").sum()


def test_conversion_counts_bear_the_estimates_out(model):
    """Whoever divides what was won by what was decided is near the estimate: deals won later count for each stage."""
    whole = model.conversion_rates(by=None)
    raw = whole["won"] / (whole["deals"] - whole["open"])
    np.testing.assert_allclose(raw, whole["estimate"], atol=0.05)
    assert (whole["won"] > 0).all()


def test_later_stages_convert_better(model, conversion):
    table = conversion.pivot_table(index="segment", columns="stage", values="estimate")[list(model.stays.stages)]
    assert (table.iloc[:, -1] > table.iloc[:, 0]).all()


def test_whole_company_lies_between_its_segments(model, conversion):
    whole = model.conversion_rates(by=None)
    assert whole["segment"].unique().tolist() == ["(all)"]
    for row in whole.itertuples():
        own = conversion.loc[conversion["stage"] == row.stage, "estimate"]
        assert own.min() - 1e-9 <= row.estimate <= own.max() + 1e-9
    assert whole["deals"].sum() == conversion["deals"].sum()


def test_cycles_are_ordered(model, cycles):
    assert list(cycles) == ["segment", "p25", "median", "p75", "median_low", "median_high", "deals"]
    assert (cycles["p25"] <= cycles["median"]).all()
    assert (cycles["median"] <= cycles["p75"]).all()
    assert (cycles["median_low"] <= cycles["median_high"]).all()
    assert cycles["deals"].sum() == (model.deals["status"] == "won").sum()
    assert model.cycle_lengths(by=None)["median"].between(cycles["median"].min(), cycles["median"].max()).all()


def test_a_grouping_that_was_not_fitted_is_refused(model):
    """What is proposed instead can be had: only attributes of deals that do not tell the outcome."""
    with pytest.raises(InputError, match=r"rates were fitted by segment alone.*ModelSpec\(segment_by='region'\)"):
        model.conversion_rates(by="region")
    with pytest.raises(InputError, match=r"segment_by=\('region', 'product'\)"):
        model.cycle_lengths(by=["region", "product"])
    with pytest.raises(InputError, match=r"by: deals have no such attribute .*'regoin'.* Did you mean region"):
        model.conversion_rates(by="regoin")
    with pytest.raises(InputError, match="this tells the outcome or the deal itself"):
        model.cycle_lengths(by="status")


def test_a_grouping_may_be_named_as_the_fit_names_it(model, conversion):
    pd.testing.assert_frame_equal(model.conversion_rates(by=["segment"]), conversion)


def test_the_card_tells_what_its_columns_are(model):
    html = model._repr_html_()
    assert "90 % interval" in html
    assert "won in the end, of the visits to a stage" in html


def test_rows_of_a_kind_stand_together(summary):
    kinds = summary["kind"]
    assert (kinds != kinds.shift()).sum() == kinds.nunique()


def test_summary_holds_every_kind_of_rate(summary):
    assert {"conversion", "cycle", "amount", "creation", "market"} <= set(summary["kind"])
    told = summary[["estimate", "low", "high"]].to_numpy(dtype=float)
    assert np.isfinite(told).all()
    assert (told[:, 1] <= told[:, 2]).all()
    assert (summary["deals"] >= 0).all()


def test_summary_shows_the_same_figures_as_the_views(summary, conversion, cycles):
    np.testing.assert_allclose(summary.loc[summary["kind"] == "conversion", "estimate"], conversion["estimate"])
    np.testing.assert_allclose(summary.loc[summary["kind"] == "cycle", "estimate"], cycles["median"])


def test_the_same_fit_shows_the_same_figures(model, conversion):
    pd.testing.assert_frame_equal(model.conversion_rates(), conversion)
