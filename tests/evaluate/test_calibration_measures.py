"""Tests of coverage and calibration tests: published reference values, and where they have nothing to say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.errors import InputError
from spmforecast.evaluate import calibration as c


def _read(path) -> np.ndarray:
    return np.genfromtxt(path, delimiter=",", skip_header=1)


def test_coverage_against_reference(reference):
    ref = reference("23_calibration_tests")
    hits = _read(ref.path / "hits.csv")
    seen = c.coverage(hits, 0.05)
    ref.compare("violations", seen.events)
    ref.compare("Kupiec LR_uc,p", [seen.statistic, seen.p_value])
    ref.compare("exact binomial 95% CI of coverage failure", [seen.low, seen.high])
    runs = c.independence(hits, 0.05)
    ref.compare("n00,n01,n10,n11", runs.transitions.ravel().tolist())
    ref.compare(
        "Christoffersen LR_ind,p; LR_cc (sum),p",
        [runs.statistic, runs.p_value, runs.joint_statistic, runs.joint_p_value],
    )


def test_chances_against_reference(reference):
    ref = reference("23_calibration_tests")
    p, y = _read(ref.path / "winprob.csv").T
    parts = c.brier(p, y)
    ref.compare("Brier", parts.score)
    three = [parts.reliability, parts.resolution, parts.uncertainty]
    ref.compare("Murphy bins [0,.1],(.1,.2]..: reliability,resolution,uncertainty", three)
    within = [parts.within_variance, parts.within_covariance]
    ref.compare("within-bin variance and covariance terms (Stephenson et al. 2008)", within)
    left = parts.score - (three[0] - three[1] + three[2] + within[0] - within[1])
    ref.compare("identity Brier-(rel-res+unc+wbv-wbc)", left)
    line = c.calibration_line(p, y)
    ref.compare("calibration intercept, slope", [line.intercept, line.slope])
    ref.compare("calibration-in-the-large (offset)", line.in_the_large)
    ref.compare("Spiegelhalter z, p", list(c.spiegelhalter(p, y)))
    ref.compare("Hosmer-Lemeshow chi2 10 groups by rank", c.hosmer_lemeshow(p, y)[0])
    ref.compare("log loss", c.log_loss(p, y))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40), st.integers(1, 12))
def test_the_parts_of_the_brier_score_add_up(rows, bins):
    p, y = np.array(rows, dtype=float).T
    b = c.brier(p, y, bins)
    parts = b.reliability - b.resolution + b.uncertainty + b.within_variance - b.within_covariance
    assert parts == pytest.approx(b.score, abs=1e-12)


def test_calibrated_chances_pass_and_overconfident_ones_fail():
    rng = np.random.default_rng(3)
    p = rng.uniform(0.05, 0.95, 4000)
    y = (rng.random(4000) < p).astype(float)
    extreme = p**3 / (p**3 + (1 - p) ** 3)
    assert c.spiegelhalter(p, y)[1] > 0.01
    assert c.spiegelhalter(extreme, y)[1] < 1e-6
    good, bad = c.calibration_line(p, y), c.calibration_line(extreme, y)
    assert abs(good.slope - 1) < 3 * good.slope_se
    assert bad.slope == pytest.approx(good.slope / 3, rel=1e-6)
    assert c.hosmer_lemeshow(p, y)[1] > 0.01
    table = c.reliability(p, y)
    assert table["n"].sum() == 4000
    assert ((table["low"] <= table["observed"]) & (table["observed"] <= table["high"])).all()
    assert ((table["lower"] <= table["chance"]) & (table["chance"] <= table["upper"])).all()


def test_where_there_is_nothing_to_tell():
    line = c.calibration_line([0.2, 0.4, 0.9], [1, 1, 1])
    assert np.isnan([line.intercept, line.slope, line.in_the_large]).all()
    separated = c.calibration_line([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert np.isnan(separated.slope)
    assert np.isnan(c.spiegelhalter([0.5, 1.0], [0, 1])).all()
    assert c.log_loss([0.0], [1]) == np.inf
    assert c.hosmer_lemeshow([0.0, 0.0], [0, 1], groups=1)[0] == np.inf
    none = c.coverage(np.zeros(20), 0.1)
    assert (none.low, none.share) == (0.0, 0.0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 20))
    assert none.statistic == pytest.approx(-40 * np.log(0.9))
    assert c.independence([1.0], 0.5).statistic == 0.0


def test_the_binomial_band_holds_the_claimed_chance():
    low, high = c.coverage([1] * 30 + [0] * 10, 0.8).band()
    assert low < 0.8 < high
    assert (low, high) == (0.675, 0.925)


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="hits: values must be 0 or 1"):
        c.coverage([0, 2], 0.5)
    with pytest.raises(InputError, match="nominal must lie strictly between"):
        c.coverage([0, 1], 1.0)
    with pytest.raises(InputError, match="chances must lie between 0 and 1"):
        c.brier([1.2], [1])
    with pytest.raises(InputError, match="lengths differ: chance 2, outcome 1"):
        c.log_loss([0.1, 0.2], [1])
    with pytest.raises(InputError, match="1 of 2 values are missing"):
        c.brier([0.1, np.nan], [1, 0])
