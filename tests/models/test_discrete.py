"""Tests of discrete-time hazards: published reference values, the life table, causes, rows of deals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.errors import InputError
from spmforecast.models.counting import count_risks
from spmforecast.models.discrete import cumulative_incidence, fit_discrete_hazard, person_periods


def test_regressions_against_reference(reference):
    ref = reference("07_discrete_time_hazard")
    rows = pd.read_csv(ref.path / "lung_person_period.csv")
    # Deals handed in as one row each are spread over the very periods of the file.
    each = rows.groupby("id", sort=False).agg(last=("k", "max"), event=("y", "max"))
    spread = person_periods(each["last"], each["event"])
    covariates = rows.groupby("id", sort=False)[["sex", "age"]].first().to_numpy(dtype=float)[spread.deal]
    ref.compare("person-period rows, events", [len(spread.period), int(spread.outcome.sum())])
    logit = fit_discrete_hazard(spread.period, spread.outcome, covariates, cap=10)
    ref.compare("logit coef k1..k10,sex,age", logit.coefficients.tolist())
    ref.compare("logit deviance", logit.deviance)
    cloglog = fit_discrete_hazard(spread.period, spread.outcome, covariates, link="cloglog", cap=10)
    ref.compare("cloglog coef", cloglog.coefficients.tolist())
    bare = fit_discrete_hazard(rows["k"], rows["y"], cap=10)
    ref.compare("fitted hazards of saturated glm", bare.hazard(np.arange(1, 11)).tolist())
    capped = np.minimum(spread.period, 10)
    share = np.bincount(capped, weights=spread.outcome)[1:] / np.bincount(capped)[1:]
    ref.compare("intercept-only hazards = events/at risk", share.tolist())


def test_incidence_against_reference(reference):
    ref = reference("07_discrete_time_hazard")
    years = pd.read_csv(ref.path / "mgus2_years.csv")
    reached = cumulative_incidence(years["t"], years["e"], 2, [1, 5, 10, 20])
    ref.compare("mgus2 yearly discrete CIF pcm, years 1,5,10,20", reached[:, 0].tolist())
    ref.compare("mgus2 yearly discrete CIF death", reached[:, 1].tolist())


def test_saturated_hazards_are_the_life_table_under_truncation():
    rng = np.random.default_rng(4)
    last = rng.integers(1, 7, 400)
    first = np.minimum(rng.integers(1, 4, 400), last)
    event = rng.binomial(1, 0.6, 400)
    spread = person_periods(last, event, first)
    fit = fit_discrete_hazard(spread.period, spread.outcome)
    table = count_risks(first - 1, last, event)
    assert fit.hazard(table.time.astype(int)) == pytest.approx(table.hazard[:, 0], rel=1e-9)
    assert fit.hazard([9]) == pytest.approx(fit.hazard([6]))
    assert cumulative_incidence(last, event, 1, [3], first)[0, 0] == pytest.approx(1 - table.survival[2])


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="period 2 has no exit"):
        fit_discrete_hazard([1, 1, 2, 2], [1, 0, 0, 0])
    with pytest.raises(InputError, match="periods must be whole"):
        person_periods([1.5], [1])
    with pytest.raises(InputError, match="from period 1 or later on"):
        person_periods([2], [1], [3])
    with pytest.raises(InputError, match="unknown link 'probit'"):
        fit_discrete_hazard([1, 1], [1, 0], link="probit")
