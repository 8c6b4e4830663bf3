"""Tests of reconciliation: published reference values, coherence of draws, hierarchies that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from spmforecast.errors import InputError
from spmforecast.evaluate import reconcile as r


def _read(path) -> np.ndarray:
    return np.genfromtxt(path, delimiter=",", skip_header=1)


def test_against_reference(reference):
    ref = reference("21_mint_reconciliation")
    s, e, y = (_read(ref.path / f"{name}.csv") for name in ("S", "residuals", "yhat"))
    assert (r.summing_matrix([0] * 4, [0, 0, 1, 1]) == s).all()
    pair = r.projection(r.summing_matrix([0, 0]), np.eye(3))
    ref.compare("G OLS for total=A+B", pair.ravel().tolist())
    names = {
        "OLS reconciled": "ols",
        "WLS struct reconciled": "struct",
        "WLS variance reconciled": "variance",
        "MinT shrink reconciled": "shrink",
        "MinT sample-covariance reconciled": "sample",
    }
    for name, method in names.items():
        ref.compare(name, r.reconcile(y, s, r.error_weights(s, e, method)).tolist())
    ref.compare("Schaefer-Strimmer lambda", r.shrinkage_intensity(e))
    off = r.incoherence(y, s)
    ref.compare("incoherence of base: total-(A+B), total-sum bottom", [y[0] - y[1] - y[2], off[0]])
    g = r.projection(s, r.error_weights(s, e, "shrink"))
    ref.compare("property: G S = I max abs dev (MinT)", float(np.abs(g @ s - np.eye(4)).max()))
    for method, tool in (("shrink", "mint_shrink (centred residuals, divisor n-1)"), ("sample", "mint_cov")):
        name = f"alternative convention: hierarchicalforecast 1.5.3 {tool}"
        ref.compare(name, r.reconcile(y, s, r.error_weights(s, e, method, centred=True)).tolist())


def test_draws_are_projected_one_by_one_and_coherent_ones_stay():
    s = r.summing_matrix(["all"] * 3, ["a", "a", "b"])
    rng = np.random.default_rng(0)
    residuals = rng.normal(size=(40, len(s)))
    w = r.error_weights(s, residuals)
    draws = rng.normal(size=(50, len(s)))
    out = r.reconcile(draws, s, w)
    assert np.abs(r.incoherence(out, s)).max() < 1e-12
    assert out[7] == pytest.approx(r.reconcile(draws[7], s, w))
    assert r.reconcile(out, s, w) == pytest.approx(out, abs=1e-12)


def test_few_residuals_leave_the_structural_weights():
    s = r.summing_matrix([0, 0])
    few = np.ones((5, 3))
    assert (r.error_weights(s, few) == np.diag([2.0, 1, 1])).all()
    assert (r.error_weights(s) == np.diag([2.0, 1, 1])).all()
    assert r.shrinkage_intensity(np.eye(3)) == 1.0


def test_wrong_input_is_named():
    s = r.summing_matrix([0, 0])
    with pytest.raises(InputError, match="the covariance is singular"):
        r.reconcile([1.0, 2, 3], s, np.ones((3, 3)))
    with pytest.raises(InputError, match="unknown method 'best'"):
        r.error_weights(s, method="best")
    with pytest.raises(InputError, match="variance needs residuals"):
        r.error_weights(s, method="variance")
    with pytest.raises(InputError, match="residuals of 2 nodes for a hierarchy of 3"):
        r.error_weights(s, np.ones((4, 2)), "sample")
    with pytest.raises(InputError, match="ends with the identity"):
        r.reconcile([1.0, 2], np.ones((2, 2)), np.eye(2))
    with pytest.raises(InputError, match=r"base forecasts of shape \(2,\)"):
        r.reconcile([1.0, 2], s, np.eye(3))
