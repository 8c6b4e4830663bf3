"""Standard errors and numbers of trials: published figures, and what repeated runs show."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from companies import example_fit
from spmforecast.simulate import Tolerance, simulate
from spmforecast.simulate.precision import (
    control_variate,
    mean_error,
    paired_error,
    probability_error,
    quantile_errors,
    quantile_ranks,
    sd_error,
    trials_for_mean,
    trials_for_probability,
)


def test_reference_of_trial_counts(reference):
    ref = reference("43_trial_counts")
    ref.compare("trials for a half width .01 on a probability .3, 95%", trials_for_probability(0.3, 0.01))
    ref.compare("trials for half width 0.5% of mean when CV=.25", trials_for_mean(0.25, 0.005))
    ref.compare(
        "order-statistic 95% CI ranks for P10 at n=1000 (1-based l,u) and exact coverage", quantile_ranks(1000, 0.1)
    )
    ref.compare("same for median n=100", quantile_ranks(100, 0.5))
    rng = np.random.default_rng(1)
    z = rng.standard_normal((2, 400_000))
    one = 100 * z[0]
    other = 110 * (0.95 * z[0] + np.sqrt(1 - 0.95**2) * z[1])
    sd, gain = ref.checks[
        "paired difference: sd1=100, sd2=110, rho=.95: sd of difference; variance ratio vs independent"
    ]["expected"]
    _, error, found = paired_error(one, other)
    assert error * np.sqrt(400_000) == pytest.approx(sd, rel=0.01)
    assert found == pytest.approx(gain, rel=0.02)
    uniform = rng.random(400_000)
    coupled = ((uniform < 0.32) * 1.0 - (uniform < 0.30)).var()
    assert coupled == pytest.approx(
        ref.checks["Var of Bernoulli diff with CRN: p1=.30,p2=.32 monotone coupled"]["expected"], rel=0.03
    )
    factor = ref.checks["control variate: variance factor at rho=.8"]["expected"]
    drawn = 0.8 * z[0] + 0.6 * z[1]
    estimate, error = control_variate(drawn, z[0], 0.0)
    assert (error * np.sqrt(400_000)) ** 2 == pytest.approx(factor, rel=0.02)
    assert abs(estimate) < 4 * error
    asymptotic = ref.checks["asymptotic se of P10 of N(0,1) at n=10000: sqrt(p(1-p)/n)/phi(q)"]["expected"]
    normal = stats.norm.ppf((np.arange(10_000) + 0.5) / 10_000)[:, None]
    assert quantile_errors(normal, [0.1])[0, 0] == pytest.approx(asymptotic, rel=0.02)


def test_errors_are_the_spread_of_repeated_runs():
    rng = np.random.default_rng(2)
    runs = rng.lognormal(0, 0.7, (2000, 400))
    told = [
        mean_error(runs),
        sd_error(runs),
        *quantile_errors(runs, [0.1, 0.9]),
        probability_error((runs > 1).mean(axis=0), 2000),
    ]
    found = [runs.mean(axis=0), runs.std(axis=0), *np.quantile(runs, [0.1, 0.9], axis=0), (runs > 1).mean(axis=0)]
    for error, figure in zip(told, found, strict=True):
        assert np.sqrt((error**2).mean()) == pytest.approx(figure.std(), rel=0.12)


def test_tolerance_counts_chances_and_widths():
    rng = np.random.default_rng(3)
    narrow, wide = rng.normal(100, 10, (4000, 1)), rng.normal(100, 60, (4000, 1))
    assert Tolerance(0.01, 0.5).met(narrow)
    assert not Tolerance(0.01, 0.5).met(wide)
    assert not Tolerance(0.5, 0.01).met(narrow, [100.0])
    assert Tolerance(0.5, 0.01).met(narrow, [160.0])


def test_auto_doubles_a_pilot_until_the_company_is_known():
    model, told = example_fit(), []
    rough = simulate(model, "2024-09-30", trials="auto", tolerance=Tolerance(0.2, 0.2))
    assert rough.trials == 1000
    fine = simulate(
        model, "2024-09-30", trials="auto", tolerance=Tolerance(0.03, 0.03), progress=lambda *n: told.append(n)
    )
    assert fine.trials in (2000, 4000, 8000, 16_000, 32_000)
    assert fine.draws[:1000].tobytes() == rough.draws.tobytes()
    assert told[-1] == (fine.trials, fine.trials)
    whole = simulate(model, "2024-09-30", trials=fine.trials)
    assert whole.draws.tobytes() == fine.draws.tobytes()
