"""Spread of the shocks of teams and quarters: against dense algebra, against truths that were put in, and its edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from spmforecast.models.teamspread import TeamSpread, fit_team_spread, log_ratios

TEAMS, QUARTERS = 5, 12


def table(tau, noise, seed, teams=TEAMS, quarters=QUARTERS):
    rng = np.random.default_rng(seed)
    levels = 0.5 * rng.standard_normal(teams)[:, None] + 0.4 * rng.standard_normal(quarters)
    shock = tau * rng.standard_normal((teams, quarters))
    return levels + shock + noise * rng.standard_normal((teams, quarters)), shock


def dense(ratio, noise, tau):
    """Restricted log likelihood, and the posterior of the last quarter's shocks, by matrices of all cells at once."""
    known = np.isfinite(noise)
    known &= known.sum(axis=0) >= 2
    t, q = np.nonzero(known)
    y, v = ratio[known], noise[known]
    design = np.column_stack([np.eye(ratio.shape[0])[t], np.eye(ratio.shape[1])[q]])
    design = design[:, np.any(design != 0, axis=0)]
    basis = np.linalg.svd(design, full_matrices=True)[0][:, np.linalg.matrix_rank(design) :]
    whole = np.diag(v + tau**2)
    contrast = basis.T @ whole @ basis
    told = basis.T @ y
    log = stats.multivariate_normal(np.zeros(len(told)), contrast).logpdf(told)
    gain = tau**2 * basis @ np.linalg.solve(contrast, basis.T)
    mean, covariance = gain @ y, tau**2 * np.eye(len(y)) - tau**2 * gain
    last = q == ratio.shape[1] - 1
    return log, mean[last], covariance[np.ix_(last, last)]


def spread_of_relative(covariance, share):
    """Standard deviation of each team's shock less what all come to."""
    apart = np.eye(len(share)) - share
    return np.sqrt(np.diag(apart @ covariance @ apart.T))


@pytest.mark.parametrize("holes", [False, True])
def test_posterior_is_that_of_dense_matrices(holes):
    ratio, _ = table(0.15, 0.1, 1)
    noise = np.random.default_rng(2).uniform(0.005, 0.03, ratio.shape)
    if holes:
        noise[0, :4] = noise[3, 7] = noise[1:, 2] = np.inf
    fit = fit_team_spread(ratio, noise, under_way=True)
    told = [dense(ratio, noise, tau) for tau in fit.tau]
    log = np.array([one[0] for one in told]) - 0.5 * (fit.tau / 0.15) ** 2
    np.testing.assert_allclose(fit.weight, np.exp(log - log.max()) / np.exp(log - log.max()).sum(), rtol=1e-4)
    np.testing.assert_allclose(fit.present, np.stack([one[1] for one in told], axis=1), atol=1e-5)
    share = np.full(TEAMS, 1.0 / TEAMS)
    for at, (_, _, covariance) in enumerate(told):
        drawn = spread_of_relative(np.diag(fit.present_sd[:, at] ** 2), share)
        np.testing.assert_allclose(drawn, spread_of_relative(covariance, share), rtol=0.03)


@pytest.mark.parametrize("teams", [2, 3])
def test_what_few_teams_have_in_common_in_a_quarter_does_not_widen_what_tells_them_apart(teams):
    """Two teams' quarter, seen exactly, leaves nothing of their difference in doubt but what they always differ by."""
    ratio, _ = table(0.2, 0.0, 9, teams)
    noise = np.full(ratio.shape, 1e-8)
    fit = fit_team_spread(ratio, noise, under_way=True)
    np.testing.assert_allclose(fit.present_sd, np.broadcast_to(fit.tau / np.sqrt(QUARTERS), (teams, 60)), rtol=0.05)


@pytest.mark.parametrize("tau", [0.05, 0.15, 0.3])
def test_truth_lies_where_the_posterior_says(tau):
    inside = 0
    for seed in range(200):
        ratio, _ = table(tau, 0.1, [seed, 3])
        fit = fit_team_spread(ratio, np.full(ratio.shape, 0.01), under_way=False)
        inside += fit.tau_quantile(0.05) <= tau <= fit.tau_quantile(0.95)
    # 180 of 200, give or take four; the prior's centre is not the truth, and the grid has steps of 0.01.
    assert 168 <= inside <= 198


def test_teams_that_always_differ_and_quarters_alike_for_all_are_no_shocks():
    ratio, _ = table(0.0, 0.0, 4)
    fit = fit_team_spread(ratio, np.full(ratio.shape, 1e-4), under_way=False)
    assert fit.tau_mean() < 0.02


def test_nothing_known_leaves_the_prior_and_never_zero():
    ratio, nothing = np.zeros((3, 4)), np.full((3, 4), np.inf)
    fit = fit_team_spread(ratio, nothing, under_way=True)
    assert fit.cells == 0
    assert fit.tau_mean() == pytest.approx(0.15 * np.sqrt(2 / np.pi), abs=0.005)
    np.testing.assert_array_equal(fit.present, 0.0)
    np.testing.assert_allclose(fit.present_sd, np.broadcast_to(fit.tau, (3, len(fit.tau))))
    assert fit.tau.min() > 0


def test_quarters_that_no_team_connects_are_told_apart():
    noise = np.full((4, 6), np.inf)
    noise[:2, :3] = noise[2:, 3:] = 0.01
    ratio = np.where(np.isfinite(noise), table(0.2, 0.1, 5, 4, 6)[0], 0.0)
    shifted = ratio + np.repeat([0.0, 1.0], 2)[:, None]
    one, other = (fit_team_spread(of, noise, under_way=True) for of in (ratio, shifted))
    np.testing.assert_allclose(one.weight, other.weight, rtol=1e-3)


def test_what_members_do_on_their_own_is_not_the_team():
    """Ten members whose own quarters vary by 0.3 make a team's vary by 0.09, which is no shock of the team."""
    rng = np.random.default_rng(6)
    ratio = (0.3 * rng.standard_normal((6, 16, 10))).mean(axis=2)
    noise, few = np.full((6, 16), 1e-3), np.full((6, 16), 0.1)
    assert fit_team_spread(ratio, noise, under_way=False).tau_mean() > 0.08
    assert fit_team_spread(ratio, noise, False, few, 0.09).tau_mean() < 0.05


def test_counts_below_one_tell_nothing():
    ratio, noise = log_ratios(np.array([[0.0, 30.0]]), np.array([[0.5, 20.0]]))
    assert np.isinf(noise[0, 0])
    assert ratio[0, 1] == pytest.approx(np.log(1.5), abs=0.03)
    assert noise[0, 1] == pytest.approx(0.05, abs=0.01)


def spread(tau, teams, present=0.0, present_sd=None):
    one = np.ones((teams, 1))
    return TeamSpread(np.array([tau]), np.ones(1), present * one, (tau if present_sd is None else present_sd) * one, 9)


def test_shocks_cancel_out_over_the_company_and_have_mean_one():
    share = np.array([0.5, 0.3, 0.2])
    normal = np.random.default_rng(7).standard_normal((3, 2, 40_000))
    logs = spread(0.4, 3).shocks(np.full(40_000, 0.5), normal, share)
    np.testing.assert_allclose(np.exp(logs).mean(axis=2), 1.0, atol=0.01)
    # But for what keeps their means at one, the same in every trial.
    assert np.ptp(np.einsum("t,tqn->qn", share, logs), axis=1).max() < 1e-12
    expected = 0.4**2 * (1 - 2 * share + (share**2).sum())
    np.testing.assert_allclose(logs.var(axis=2), np.stack([expected, expected], axis=1), rtol=0.03)


def test_the_quarter_under_way_goes_on_as_it_is_known():
    fit = spread(0.3, 2, present=np.array([[0.2], [-0.2]]), present_sd=0.05)
    normal = np.random.default_rng(8).standard_normal((2, 2, 20_000))
    logs = fit.shocks(np.full(20_000, 0.5), normal, np.array([0.5, 0.5]))
    np.testing.assert_allclose(logs[:, 0].mean(axis=1) + 0.25 * 0.3**2, [0.2, -0.2], atol=0.002)
    assert logs[:, 0].std() < 0.25
    assert logs[0, 0].std() == pytest.approx(0.05 / np.sqrt(2), rel=0.03)
    np.testing.assert_allclose(logs[:, 1].mean(axis=1), -0.25 * 0.3**2, atol=0.01)
    np.testing.assert_array_equal(fit.unseen().present, 0.0)
    np.testing.assert_array_equal(fit.unseen().present_sd, 0.3)


@pytest.mark.parametrize("share", [[0.5, 0.5], [0.6, 0.3, 0.1]])
def test_variance_is_that_of_what_is_drawn_on_average_over_the_company(share):
    share = np.array(share)
    fit = spread(0.3, len(share))
    normal = np.random.default_rng(10).standard_normal((len(share), 1, 100_000))
    drawn = fit.shocks(np.full(100_000, 0.5), normal, share).var(axis=2)[:, 0]
    assert fit.variance(share) == pytest.approx(float(share @ drawn), rel=0.02)
