"""Tests of the time left given the age: published reference values and the laws' own identities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.errors import InputError
from spmforecast.models.parametric import residual as r

NAMED = {
    "Weibull(1.4,120)": r.weibull(1.4, 120),
    "lognormal(4.5,.8)": r.lognormal(4.5, 0.8),
    "loglogistic(shape2.2,scale90)": r.log_logistic(2.2, 90),
}


def test_against_reference(reference):
    ref = reference("28_age_conditioning")
    for name, law in NAMED.items():
        chance = law.closing_chance([0, 30, 90, 200, 400], 30)
        ref.compare(f"{name}: P(close in next 30|open at age 0,30,90,200,400)", chance.tolist())
        ref.compare(f"{name}: residual median at age 0,90,200", law.residual_time([0, 90, 200], 0.5).tolist())
    cure = r.mixture_cure(r.weibull(1.4, 120), 0.35)
    ages = [0, 60, 120, 240, 360]
    ref.compare("cure .35 + Weibull(1.4,120): P(never|open at age 0,60,120,240,360)", cure.never_chance(ages).tolist())
    ref.compare("same: P(close in next 90|age)", cure.closing_chance(ages, 90).tolist())
    ref.compare(
        "inverse-CDF draw of Weibull residual life at age 90 for u (prob of having closed)=.05,.5,.95",
        r.weibull(1.4, 120).residual_time(90, [0.05, 0.5, 0.95]).tolist(),
    )


LAWS = st.sampled_from(
    [
        *NAMED.values(),
        r.exponential(50),
        r.generalized_gamma(4, 0.7, 0.6),
        r.generalized_gamma(4, 0.7, -0.6),
        r.FixedLaw(r.LAWS["gompertz"], (4.0, 0.01)),
        r.FixedLaw(r.LAWS["gompertz"], (4.0, -0.01)),
        r.FixedLaw(r.LAWS["gamma"], (4.0, -0.3)),
        r.mixture_cure(r.lognormal(4, 0.8), 0.3),
    ]
)


@settings(max_examples=60, deadline=None)
@given(LAWS, st.floats(0, 300), st.floats(0.001, 0.999))
def test_a_residual_time_is_the_quantile_of_what_is_left(law, age, u):
    left = float(law.residual_time(age, u))
    assert left >= 0
    if np.isfinite(left):
        assert float(law.closing_chance(age, left)) == pytest.approx(u, abs=1e-6)
    else:
        assert float(law.closing_chance(age, 1e7)) <= u + 1e-6


@settings(max_examples=40, deadline=None)
@given(LAWS, st.floats(0.5, 250))
def test_hazard_density_and_survival_agree(law, t):
    h = 1e-4 * t
    slope = -(float(law.log_survival(t + h)) - float(law.log_survival(t - h))) / (2 * h)
    assert float(law.hazard(t)) == pytest.approx(slope, rel=1e-4, abs=1e-12)
    assert float(law.density(t)) == pytest.approx(float(law.hazard(t) * law.survival(t)), rel=1e-9)


def test_a_stale_deal_is_more_likely_dead():
    cure = r.mixture_cure(r.lognormal(3.5, 0.6), 0.2)
    never = cure.never_chance([0, 30, 90, 365])
    assert never[0] == pytest.approx(0.2)
    assert (np.diff(never) > 0).all()
    assert (r.weibull(1.2, 30).never_chance([0, 90]) == 0).all()
    assert np.isinf(cure.residual_time(365, 0.9))


def test_a_new_visit_starts_at_zero():
    law = r.weibull(0.7, 30)
    assert float(law.survival(0)) == 1
    assert float(law.residual_time(0, 0)) == 0
    assert float(law.quantile(0.5)) == pytest.approx(30 * np.log(2) ** (1 / 0.7))


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="shape must be positive"):
        r.weibull(0, 10)
    with pytest.raises(InputError, match="strictly between 0 and 1"):
        r.mixture_cure(r.weibull(1, 10), 1.0)
    with pytest.raises(InputError, match="unknown law 'gamma-cure'"):
        r.mixture_cure(r.FixedLaw(r.LAWS["gamma"], (4.0, -0.3)), 0.1)
