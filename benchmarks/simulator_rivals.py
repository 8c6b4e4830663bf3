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

NUMBA = """
import time
import numpy as np, numba
@numba.njit
def play(words, steps, base, table, cents, count):
    # One deal of W1: outcome from the upper half of a word, amount from the lower.
    for t in range(len(words)):
        u = (words[t] >> np.uint64(32)) * 2.0**-32
        if u < steps[-1]:
            k = 0
            while u >= steps[k]:
                k += 1
            place = (words[t] & np.uint64(0xFFFFFFFF)) * 2.0**-32 * (len(table) - 1)
            i = int(place)
            q = table[i] + (place - i) * (table[i + 1] - table[i])
            cents[k, t] += np.rint(np.exp(q) * base)
            count[k, t] += 1
rng = np.random.Generator(np.random.SFC64(1))
words = rng.integers(0, 2**63, 8192).astype(np.uint64) * np.uint64(2)
steps, table = np.array([0.07, 0.13, 0.19, 0.25]), np.sort(rng.standard_normal(2048) * 0.5)
cents, count = np.zeros((4, 8192)), np.zeros((4, 8192), dtype=np.float32)
play(words, steps, 1e6, table, cents, count)
start = time.process_time()
for _ in range(2000):
    play(words, steps, 1e6, table, cents, count)
spent = (time.process_time() - start) / 2000
bits = np.random.Philox(key=1)
start = time.process_time()
for _ in range(500):
    bits.random_raw(8192)
raw = (time.process_time() - start) / 500
start = time.process_time()
for _ in range(1000):
    rng.integers(0, 2**32, 2048, dtype=np.uint32)
    rng.standard_normal(2048, dtype=np.float32)
least = (time.process_time() - start) / 1000
print(f"a deal of W1 for 8192 trials: kernel {spent * 1e6:.0f} us, Philox words {raw * 1e6:.0f} us,")
print(f"floor {least * 1e6:.0f} us; kernel with words / floor {(spent + raw) / least:.2f}")
"""
