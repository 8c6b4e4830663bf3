"""The ramp of newcomers: the usual curve without them, their own with many of them."""

from __future__ import annotations

import numpy as np

from spmforecast.models.ramp import RAMP_MONTHS, fit_ramp, usual_ramp

RAMPED = np.append(np.full(RAMP_MONTHS, 200.0), 5000.0)


def test_the_usual_ramp_rises_to_one():
    usual = usual_ramp()
    assert usual.shape == (RAMP_MONTHS + 1,)
    assert (np.diff(usual) >= 0).all()
    assert usual[0] < 0.4
    assert usual[-1] == 1.0


def test_without_newcomers_or_ramped_reps_no_ramp_is_claimed():
    np.testing.assert_array_equal(fit_ramp(0.3 * RAMPED, RAMPED, hires=0), 1.0)
    few = np.append(np.full(RAMP_MONTHS, 2.0), 10.0)
    np.testing.assert_array_equal(fit_ramp(0.3 * few, few, hires=3), 1.0)


def test_few_newcomers_lean_on_the_usual_ramp():
    expected = np.append(np.full(RAMP_MONTHS, 0.5), 300.0)
    shallow = fit_ramp(np.append(np.full(RAMP_MONTHS, 0.5), 300.0), expected, hires=1)
    steep = fit_ramp(np.append(np.zeros(RAMP_MONTHS), 300.0), expected, hires=1)
    assert (steep[:4] < usual_ramp()[:4]).all()
    assert (usual_ramp()[:4] < shallow[:4]).all()
    assert shallow[0] < 0.7


def test_many_newcomers_are_followed():
    share = np.append(np.linspace(0.1, 1.0, RAMP_MONTHS), 1.0)
    ramp = fit_ramp(RAMPED * share, RAMPED, hires=20)
    assert (np.diff(ramp) >= 0).all()
    assert ramp[-1] == 1.0
    np.testing.assert_allclose(ramp, share, atol=0.05)
    noisy = fit_ramp(np.random.default_rng(2).poisson(RAMPED * share), RAMPED, hires=20)
    assert (np.diff(noisy) >= 0).all()
    np.testing.assert_allclose(noisy, share, atol=0.15)
    flat = fit_ramp(RAMPED, RAMPED, hires=20)
    np.testing.assert_allclose(flat, 1.0, atol=0.03)


def test_ramp_never_exceeds_the_ramped():
    ramp = fit_ramp(RAMPED * np.append(np.full(RAMP_MONTHS, 3.0), 1.0), RAMPED, hires=20)
    assert (ramp <= 1.0).all()
    assert ramp.shape == (RAMP_MONTHS + 1,)
