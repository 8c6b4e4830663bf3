"""Permutation by period, Diebold–Mariano and bootstrap against values worked out by hand or by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from spmforecast.evaluate.backtest.significance import bootstrap_ratio, diebold_mariano, sign_flip


def test_sign_flips_of_whole_periods() -> None:
    # Sums by period 3, 2, 1: of eight sign patterns two reach 6, the pattern seen and its mirror.
    assert sign_flip([1, 2, 2, 1], ["a", "a", "b", "c"]) == pytest.approx(2 / 8)
    assert sign_flip([1, -1], ["a", "b"]) == 1.0
    many = np.ones(20)
    assert sign_flip(many, range(20)) == pytest.approx(1 / 10_000)
    assert sign_flip(many, range(20), seed=2) == pytest.approx(1 / 10_000)


def test_sign_flip_rejects_a_true_null_as_often_as_it_should() -> None:
    rng = np.random.default_rng(5)
    period = np.repeat(np.arange(8), 5)
    shared = rng.standard_normal((400, 8)).repeat(5, axis=1) + 0.3 * rng.standard_normal((400, 40))
    rejected = np.mean([sign_flip(row, period) <= 0.1 for row in shared])
    assert 0.06 <= rejected <= 0.14
    # Taking dependent origins for independent ones would reject far too often.
    assert np.mean([stats.ttest_1samp(row, 0).pvalue <= 0.1 for row in shared]) > 0.25


def test_diebold_mariano_with_one_step_is_students_test_with_the_small_sample_correction() -> None:
    d = np.random.default_rng(1).standard_normal(15) + 0.4
    statistic, p = diebold_mariano(d)
    # With overlap 1 the correction turns the biased variance into the unbiased one: Student's t.
    expected = stats.ttest_1samp(d, 0)
    assert statistic == pytest.approx(expected.statistic)
    assert p == pytest.approx(expected.pvalue)


def test_diebold_mariano_with_overlap_by_hand() -> None:
    d = np.array([1.0, 2.0, 0.0, 1.0, 3.0, 2.0])
    off = d - d.mean()
    variance = (off @ off + 2 * off[1:] @ off[:-1]) / 36
    statistic, _ = diebold_mariano(d, overlap=2)
    assert statistic == pytest.approx(d.mean() / np.sqrt(variance) * np.sqrt((6 + 1 - 4 + 2 / 6) / 6))
    assert np.isnan(diebold_mariano([1.0], 1)[0])
    assert np.isnan(diebold_mariano([1.0, 1.0], 1)[0])


def test_bootstrap_of_a_ratio_resamples_periods() -> None:
    low, high = bootstrap_ratio([1, 1, 3, 3], [2, 2, 2, 2], ["a", "a", "b", "b"])
    assert (low, high) == pytest.approx((0.5, 1.5))
    assert np.isnan(bootstrap_ratio([1, 2], [2, 2], ["a", "a"])[0])
