"""What the simulator is measured against: plain vectorised NumPy, the cost of random numbers alone, other packages."""

from __future__ import annotations

import numpy as np

from spmforecast.simulate.outcomes import winning_chances


def floor(winners: int) -> None:
    """Generate the random numbers that winners need at the least: a 32-bit integer and a float32 normal for each."""
    rng = np.random.Generator(np.random.SFC64(1))
    for _ in range(winners // 20_000):
        rng.integers(0, 2**32, 20_000, dtype=np.uint32)
        rng.standard_normal(20_000, dtype=np.float32)


def rival_open_deals(inputs, trials: int):
    """Play open deals trial by trial, each trial vectorised over deals."""
    rng = np.random.Generator(np.random.SFC64(1))
    deals, periods = inputs.open_deals, inputs.periods
    chances = winning_chances(deals.win[0], deals.lose[0], np.ones(periods))[deals.state]
    reached = np.cumsum(chances, axis=1)
    out = np.empty((trials, len(inputs.plan.frame)))
    for trial in range(trials):
        uniform = rng.random(len(reached))
        period = (uniform[:, None] >= reached).sum(axis=1)
        won = np.flatnonzero(period < periods)
        amount = np.exp(deals.log_amount[won] + 0.5 * rng.standard_normal(len(won)))
        out[trial] = np.bincount(deals.column[won] + period[won], weights=np.round(amount, 2), minlength=out.shape[1])
    return out


def rival_new_deals(inputs, trials: int):
    """Draw the winners of each trial: their number for each stream and period, then their amounts."""
    rng = np.random.Generator(np.random.SFC64(1))
    new, cells, periods = inputs.new_deals, inputs.new_deals.cells, inputs.periods
    made = new.created[cells.seller, -1] * cells.share[:, None]
    chance = winning_chances(new.win[0], new.lose[0], np.ones(periods))[cells.segment]
    mean = np.einsum("kc,kcp->kp", made, chance)
    middle = inputs.won_law.log_quantiles[:, inputs.won_law.log_quantiles.shape[1] // 2]
    out = np.empty((trials, len(inputs.plan.frame)))
    for trial in range(trials):
        count = rng.poisson(mean).ravel()
        column = np.repeat((cells.column[:, None] + np.arange(periods)).ravel(), count)
        stream = np.repeat(np.repeat(np.arange(len(mean)), periods), count)
        amount = np.exp(middle[cells.segment[stream]] + 0.8 * rng.standard_normal(len(stream)))
        out[trial] = np.bincount(column, weights=np.round(amount, 2), minlength=out.shape[1])
    return out


PYMSM = """
import contextlib, io, time
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    from pymsm.datasets import prep_rotterdam
    from pymsm.multi_state_competing_risks_model import MultiStateModel, default_update_covariates_function
    # Its own example data, cut to the training size asked for.
    paths, _ = prep_rotterdam()
    paths = paths[:1000]
    model = MultiStateModel(paths, [3], default_update_covariates_function)
    model.fit()
    n = 200
    start = time.process_time()
    model.run_monte_carlo_simulation(
        sample_covariates=paths[0].covariates, origin_state=1, current_time=0, n_random_samples=n,
        max_transitions=10, n_jobs=1, print_paths=False,
    )
    spent = time.process_time() - start
print(len(paths), n, spent)
"""
