"""Common shocks: the spread is found in its order of magnitude, and exponentials of the paths have mean one."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from spmforecast.models.market import MonthlyCounts, fit_market, fit_shock


def simulated(rng, tau, phi, months, per_month):
    """Counts of months whose log level is an AR(1) series, and the counts expected without it."""
    level = np.empty(months)
    now = rng.normal(0, tau)
    for month in range(months):
        now = phi * now + np.sqrt(1 - phi**2) * tau * rng.normal()
        level[month] = now
    expected = np.full(months, float(per_month))
    return MonthlyCounts(rng.poisson(expected * np.exp(level - tau**2 / 2)).astype(float), expected)


def luck(shock, rng, trials, months):
    """Random numbers for the paths, by name: a uniform to choose the law, normals for a trial or for each month."""
    wide = {"innovation", "drift"}
    names = [name for name in inspect.signature(shock.paths).parameters if name != "choice"]
    drawn = {name: rng.normal(size=(trials, months) if name in wide else trials) for name in names}
    return {"choice": rng.random(trials)} | drawn


@pytest.mark.parametrize("tau", [0.12, 0.25, 0.45])
def test_spread_is_found_in_its_order_of_magnitude(tau):
    rng = np.random.default_rng(12)
    found = [fit_shock(*simulated(rng, tau, 0.6, 48, 400).log_ratio()) for _ in range(12)]
    assert tau / 1.8 < np.mean([one.tau_mean() for one in found]) < tau * 1.8
    inside = [one.tau_quantile(0.025) <= tau <= one.tau_quantile(0.975) for one in found]
    assert sum(inside) >= 8


def test_quantiles_of_the_spread_are_ordered_and_weights_sum_to_one():
    one = fit_shock(*simulated(np.random.default_rng(1), 0.2, 0.6, 36, 100).log_ratio())
    assert one.weight.sum() == pytest.approx(1.0)
    assert one.months == 36
    assert one.tau_quantile(0.05) < one.tau_mean() < one.tau_quantile(0.95)
    assert one.tau.min() > 0


def test_a_quiet_record_still_leaves_room_for_shocks():
    quiet = fit_shock(np.zeros(8), np.full(8, 0.01))
    loud = fit_shock(np.tile([0.5, -0.5], 4), np.full(8, 0.01))
    assert 0 < quiet.tau_mean() < loud.tau_mean()


def test_months_that_tell_nothing_change_nothing_but_time():
    ratio, noise = np.array([0.1, -0.2, 0.05]), np.full(3, 0.02)
    whole = fit_shock(ratio, noise)
    padded = fit_shock(np.append(np.zeros(4), ratio), np.append(np.full(4, np.inf), noise))
    # But for what may have changed in that time.
    np.testing.assert_allclose(padded.weight, whole.weight, atol=1e-3)
    assert padded.months == whole.months == 3


def test_without_any_month_the_prior_speaks():
    prior = fit_shock(np.zeros(0), np.zeros(0))
    assert prior.months == 0
    assert prior.weight.sum() == pytest.approx(1.0)
    paths = prior.paths(**luck(prior, np.random.default_rng(0), 50, 4))
    assert np.isfinite(paths).all()


def test_exponential_of_the_paths_has_mean_one_in_the_long_run():
    rng = np.random.default_rng(4)
    far, spread = [], []
    for _ in range(20):
        shock = fit_shock(*simulated(rng, 0.4, 0.6, 120, 2000).log_ratio())
        paths = shock.paths(**luck(shock, rng, 2000, 36))
        assert paths.shape == (2000, 36)
        far.append(np.exp(paths[:, -12:]).mean())
        spread.append(paths[:, -1].std())
    assert np.mean(far) == pytest.approx(1.0, abs=0.12)
    assert 0.3 < np.mean(spread) < 0.6


def test_a_level_above_the_mean_fades():
    quiet = np.random.default_rng(3).normal(0, 0.02, 60)
    raised = np.append(quiet[:-6], np.full(6, 0.5))
    shock = fit_shock(raised, np.full(60, 1e-3))
    paths = shock.paths(**luck(shock, np.random.default_rng(5), 4000, 36)).mean(axis=0)
    assert paths[0] > 0.15
    assert paths[-1] < 0.9 * paths[0]


def test_paths_hang_on_their_own_trial_only():
    shock = fit_shock(*simulated(np.random.default_rng(2), 0.2, 0.6, 36, 100).log_ratio())
    drawn = luck(shock, np.random.default_rng(6), 100, 12)
    whole = shock.paths(**drawn)
    later = shock.paths(**{name: values[40:] for name, values in drawn.items()})
    shorter = shock.paths(**{name: values[:, :5] if values.ndim == 2 else values for name, values in drawn.items()})
    np.testing.assert_array_equal(later, whole[40:])
    np.testing.assert_array_equal(shorter, whole[:, :5])


def test_log_ratio_knows_which_months_tell_nothing():
    counts = MonthlyCounts(np.array([20.0, 0.0, 5.0]), np.array([10.0, 0.0, 0.0]))
    ratio, noise = counts.log_ratio()
    assert counts.known.tolist() == [True, False, False]
    assert ratio[0] == pytest.approx(np.log(2.0), abs=0.05)
    assert ratio[1:].tolist() == [0.0, 0.0]
    assert np.isinf(noise[1:]).all()
    assert np.isfinite(noise[0])


@pytest.mark.parametrize("few", [3, 10, 40, 140, 160])
def test_months_without_a_shock_read_zero_on_average_however_few_their_events(few):
    expected = np.full(20_000, float(few))
    counts = MonthlyCounts(np.random.default_rng(9).poisson(expected).astype(float), expected)
    ratio, noise = counts.log_ratio()
    assert ratio.mean() == pytest.approx(0.0, abs=4 * np.sqrt(noise[0] / len(expected)))
    assert ratio.var() == pytest.approx(noise[0], rel=0.05)


def test_a_small_company_is_not_forecast_below_its_record():
    rng = np.random.default_rng(10)
    expected = np.full(42, 9.0)
    found = [fit_shock(*MonthlyCounts(rng.poisson(expected).astype(float), expected).log_ratio()) for _ in range(60)]
    means = [float(one.weight @ (one.mean - 0.5 * one.tau**2)) for one in found]
    # Single records scatter by some 5 %; their mean is zero.
    assert np.mean(means) == pytest.approx(0.0, abs=0.02)


def test_correlation_is_that_of_levels_that_move_together():
    rng = np.random.default_rng(8)
    shared = rng.normal(0, 0.3, 60)
    expected = np.full(60, 2000.0)

    def counts(level):
        return MonthlyCounts(rng.poisson(expected * np.exp(level)).astype(float), expected)

    created, lost = counts(shared), counts(np.zeros(60))
    together = fit_market(created, counts(shared), lost)
    apart = fit_market(created, counts(rng.normal(0, 0.3, 60)), lost)
    against = fit_market(created, counts(-shared), lost)
    assert together.correlation > 0.7
    assert together.correlation > apart.correlation > against.correlation
    assert abs(apart.correlation) < 0.45
    assert all(-1 < market.correlation < 1 for market in (together, apart, against))


def test_fewer_losses_are_as_good_a_sign_as_more_advances_and_a_quicker_pace_is_none():
    expected = np.full(48, 500.0)
    even, more, fewer = (MonthlyCounts(expected * np.exp(np.full(48, by)), expected) for by in (0.0, 0.2, -0.2))

    def level(up, lost):
        shock = fit_market(MonthlyCounts(expected, expected), up, lost).conversion
        return float((shock.weight * (shock.mean + shock.level)).sum())

    assert level(more, even) == pytest.approx(level(even, fewer), abs=0.02)
    assert level(more, even) > 0.1
    assert level(more, more) == pytest.approx(level(even, even), abs=0.01)


def test_drift_is_told_from_a_steady_mean():
    rng = np.random.default_rng(21)
    noise = np.full(60, 0.01**2)
    steady = fit_shock(rng.normal(0, 0.02, 60), noise)
    drifting = fit_shock(np.cumsum(rng.normal(0, 0.05, 60)) + rng.normal(0, 0.01, 60), noise)
    assert (steady.weight * steady.drift).sum() < (drifting.weight * drifting.drift).sum()


def test_growth_goes_on_damped_and_none_is_claimed_without_it():
    rng, month, noise = np.random.default_rng(22), np.arange(48), np.full(48, 0.02**2)
    flat, risen = (fit_shock(slope * month + rng.normal(0, 0.02, 48), noise) for slope in (0.0, 0.004))
    assert abs(float(flat.weight @ flat.growth)) < 0.001
    assert 0.0015 < float(risen.weight @ risen.growth) < 0.0045
    ahead = risen.paths(**luck(risen, np.random.default_rng(7), 4000, 24)).mean(axis=0)
    first, second = ahead[11] - ahead[0], ahead[23] - ahead[12]
    assert 0.005 < second < first < 0.05
    np.testing.assert_allclose(risen.grown(2), [0.98, 0.98 + 0.98**2])


def persistent(rng, correlation, months):
    """Two AR(1) levels with correlated innovations."""
    shared, own = rng.normal(size=(2, months))
    both = np.stack([shared, correlation * shared + np.sqrt(1 - correlation**2) * own])
    level = np.zeros((2, months))
    for m in range(1, months):
        level[:, m] = 0.85 * level[:, m - 1] + np.sqrt(1 - 0.85**2) * 0.25 * both[:, m]
    return level


@pytest.mark.parametrize(("months", "apart"), [(42, 0.4), (500, 0.15)])
def test_correlation_of_lasting_levels_is_trusted_by_their_independent_months(months, apart):
    rng = np.random.default_rng(23)
    expected = np.full(months, 2000.0)
    for truth in (0.9, 0.1):
        created, up = (
            MonthlyCounts(rng.poisson(expected * np.exp(level)).astype(float), expected)
            for level in persistent(rng, truth, months)
        )
        found = fit_market(created, up, MonthlyCounts(expected, expected)).correlation
        # A short record leans on the prior of one half, whatever it happens to show; a long one tells the truth.
        assert abs(found - (0.5 if months < 100 else truth)) < apart
