"""Ramp, attrition and capacity against reference 29, and on paper."""

from __future__ import annotations

import numpy as np
import pytest

from spmforecast.plan.ramp import (
    carried_quota,
    gompertz_ramp,
    logistic_ramp,
    monthly_hazard,
    productive_months,
    table_ramp,
)

QUARTERS = [(0, 3), (3, 6), (6, 9), (9, 12)]


def by_quarter(ramp, shift=0.0, hazard=0.0):
    return [productive_months(ramp, a - shift, b - shift, hazard) for a, b in QUARTERS]


def test_reference_figures(reference):
    ref = reference("29_ramp_capacity")
    logistic, gompertz = logistic_ramp(1.2, 4.0), gompertz_ramp(5.0, 0.6)
    table = table_ramp([0.0, 0.0, 0.25, 0.5, 0.75, 1.0])
    at = np.array([0.0, 3.0, 6.0, 9.0])
    hazard = monthly_hazard(0.25)
    got = {
        "logistic k=1.2/mo, midpoint 4: value at t=0,3,6,9": logistic(at).tolist(),
        "logistic productive months in quarters [0,3],[3,6],[6,9],[9,12]": by_quarter(logistic),
        "Gompertz b=5,c=.6: value at 0,3,6,9": gompertz(at).tolist(),
        "Gompertz productive months per quarter": by_quarter(gompertz),
        "piecewise monthly 0,0,25,50,75,100%: hired at month 1.5 of the year, productive months in Q1..Q4": by_quarter(
            table, 1.5
        ),
        "monthly hazard from 25% annual attrition": hazard,
        "logistic ramp x survival to attrition, productive months Q1..Q4": by_quarter(logistic, hazard=hazard),
        "capacity $: 10 reps at 900k/yr ramped, 25% annual attrition constant hazard no backfill, annual": 10
        * 75_000
        * productive_months(table_ramp([1.0]), 0, 12, hazard),
    }
    assert set(got) == set(ref.checks)
    for name, value in got.items():
        ref.compare(name, value)


def test_nothing_before_the_hire_and_steps_at_whole_months():
    ramp = table_ramp([0.5, 1.0])
    assert ramp(np.array([-0.1, 0.0, 0.99, 1.0, 40.0])).tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]
    assert productive_months(ramp, -3.0, 2.0) == pytest.approx(1.5)
    assert productive_months(ramp, 3.0, 3.0) == 0.0
    assert productive_months(ramp, -3.0, -1.0) == 0.0


def test_carried_quota_is_a_product():
    assert carried_quota(8, 50_000, 3, 0.9) == pytest.approx(1_080_000)
