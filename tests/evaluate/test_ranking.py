"""Tests of concordance: published reference values, censoring, ties."""

from __future__ import annotations

import numpy as np
import pytest

from spmforecast.errors import InputError
from spmforecast.evaluate.ranking import concordance, hazard_ratios


def test_against_reference(reference):
    ref = reference("09_concordance")
    data = np.genfromtxt(ref.path / "lung.csv", delimiter=",", names=True)
    time, dead = data["time"], (data["status"] == 2).astype(float)
    cox = hazard_ratios(time, dead, np.column_stack([data["age"], data["sex"]]))
    ref.compare("coxph Efron coef age,sex", cox.coefficient.tolist())
    ref.compare("C of Cox age+sex on lung (Breslow/Efron default Efron)", concordance(cox.score, time, dead).index)
    age = concordance(data["age"], time, dead)
    ref.compare("C of age alone (higher=worse)", age.index)
    pairs = [age.concordant, age.discordant, age.tied_score, age.tied_time, age.tied_both]
    ref.compare("pairs concordant,discordant,tied.x,tied.y,tied.xy", pairs)
    ref.compare("Uno-type C (n/G2)", concordance(data["age"], time, dead, uno=True).index)
    area = concordance(data["age"], 1 - dead, np.ones(len(dead))).index
    ref.compare("AUC of age for binary status==2", area)


def test_only_known_orders_count():
    # The second is censored before the first leaves: nothing is known of the two.
    assert np.isnan(concordance([1.0, 2.0], [5, 3], [1, 0]).index)
    assert concordance([1.0, 2.0], [5, 5], [1, 0]).discordant == 1
    assert concordance([2.0, 1.0, 3.0], [1, 1, 2], [1, 1, 1]).tied_time == 1


def test_uno_s_index_does_not_depend_on_the_censoring():
    rng = np.random.default_rng(11)
    n = 4000
    # Early exits follow the score, late ones do not: censoring the late ones flatters Harrell's index.
    score = rng.normal(size=n)
    time = np.where(rng.random(n) < 0.5, rng.exponential(np.exp(-1.5 * score)), 3 + rng.exponential(1.0, n))
    whole = concordance(score, time, np.ones(n)).index
    cut = rng.exponential(3.0, n)
    until = np.minimum(time, cut)
    seen = (time <= cut).astype(float)
    harrell, uno = (concordance(score, until, seen, uno=u).index for u in (False, True))
    assert abs(uno - whole) < 0.5 * abs(harrell - whole)


def test_left_truncation_reaches_the_cox_fit():
    rng = np.random.default_rng(2)
    n = 4000
    z = rng.binomial(1, 0.5, n).astype(float)
    time = rng.weibull(0.7, n) * np.exp(-np.log(2) * z / 0.7)
    entry = rng.exponential(0.5, n)
    watched = time > entry
    fit = hazard_ratios(time[watched], np.ones(watched.sum()), z[watched, None], entry[watched])
    assert fit.coefficient[0] == pytest.approx(np.log(2), abs=3 * fit.se[0])


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="event: values must be 0 or 1"):
        concordance([1.0], [1.0], [2])
    with pytest.raises(InputError, match="nothing was seen to leave"):
        hazard_ratios([1.0, 2.0], [0, 0], [[1.0], [2.0]])
    with pytest.raises(InputError, match="covariates of shape"):
        hazard_ratios([1.0, 2.0], [1, 0], [1.0, 2.0])
