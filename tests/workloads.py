"""Simulations written down as arrays, of any size and without a fit: for tests and benchmarks of the engine."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from spmforecast.models.amounts import AmountLaw
from spmforecast.models.market import MarketModel, ShockPosterior
from spmforecast.models.teamspread import TeamSpread
from spmforecast.simulate.cells import CellPlan, CreationCells
from spmforecast.simulate.inputs import NewDeals, OpenDeals, SimulationInputs
from spmforecast.simulate.outcomes import period_intensities
from spmforecast.simulate.teams import TeamPlan

MONTHS = 12
_GRID = 2048


def lognormal_law(sigma, rows=1):
    """Quantiles of lognormal laws of median one."""
    from scipy import special

    return AmountLaw(np.tile(sigma * special.ndtri((np.arange(_GRID) + 0.5) / _GRID), (rows, 1)))


def shock(tau, phi=0.9, drift=0.01):
    """Return a market known for certain to have these parameters, standing at its mean."""
    one, zero = np.ones(1), np.zeros(1)
    return ShockPosterior(
        tau=tau * one,
        phi=phi * one,
        drift=drift * one,
        growth=zero,
        weight=one,
        mean=zero,
        mean_sd=zero + 0.05,
        level=zero,
        level_sd=0.5 * tau * one,
        slope=zero,
        months=60,
    )


def market(creation=0.15, conversion=0.15):
    return MarketModel(shock(creation), shock(conversion), 0.5)


def workload(
    deals=20_000,
    streams=500,
    created=40_000.0,
    reps=200,
    periods=4,
    shocks=False,
    worlds=1,
    dispersion=0.0,
    leave=False,
    seed=1,
    run_seed=1,
    win_share=0.25,
    teams=20,
):
    """Make inputs: open deals that are won or lost in month 1 to 12 or stay open, and streams of deals to come.

    A period holds ``12 / periods`` months. With shocks there are 64 draws of the parameters, a market, and multipliers
    of each rep on winning and creating; `teams` teams have good and bad quarters of their own.
    """
    rng = np.random.default_rng(seed)
    worlds = 64 if shocks else worlds
    width = MONTHS // periods
    won = rng.dirichlet(np.linspace(2.0, 1.0, MONTHS), deals) * rng.beta(2, 2 / win_share - 2, deals)[:, None]
    lost = rng.dirichlet(np.linspace(2.0, 1.0, MONTHS), deals) * (0.9 * (1 - won.sum(axis=1)))[:, None]

    def by_period(table):
        return table.reshape(len(table), periods, width).sum(axis=2)

    win, lose = period_intensities(by_period(won), by_period(lost))
    jitter = np.exp(0.1 * rng.standard_normal((worlds, 1, 1)) - 0.005) if shocks else np.ones((1, 1, 1))
    owner = rng.integers(0, reps, deals)
    names = tuple(f"R{k:03d}" for k in range(reps))
    seller = np.sort(rng.integers(0, reps, streams))
    frame = pd.DataFrame(
        {"owner_id": np.repeat(names, periods), "part": "open", "period": list(labels(periods)) * reps}
    )
    shape = np.full(reps, 40.0 if shocks else np.inf)
    return SimulationInputs(
        seed=run_seed,
        plan=CellPlan(frame, np.zeros(len(frame)), np.zeros(len(frame)), owner * periods),
        open_deals=OpenDeals(
            ids=tuple(f"O-{i}" for i in range(deals)),
            state=np.arange(deals),
            response=np.full((deals, periods), 1.0) * rng.uniform(0.5, 1.5, (deals, 1)),
            bend=np.zeros((deals, periods)),
            win=(win[None] * jitter).astype(np.float32),
            lose=lose[None].astype(np.float32),
            owner=owner,
            segment=rng.integers(0, max(streams, 1), deals),
            column=owner * periods,
            log_amount=np.log(np.round(np.exp(rng.normal(9.5, 1.0, deals)), 2)),
            partners=((),) * deals,
        ),
        new_deals=_new_deals(rng, streams, created, seller, names, periods, worlds, jitter, shocks, dispersion, leave),
        owners=names,
        win_shape=shape,
        win_rate=shape,
        market=market() if shocks else None,
        month_shares=np.kron(np.eye(periods), np.full((1, width), 1 / width)),
        lived=_lived(periods, width),
        won_law=AmountLaw(
            lognormal_law(0.8, max(streams, 1)).log_quantiles + rng.normal(9.5, 0.5, (max(streams, 1), 1))
        ),
        ratio_law=lognormal_law(0.5),
        nothing=np.zeros(max(streams, 1)),
        location=0.05 * rng.standard_normal((worlds, max(streams, 1))) * shocks,
        teams=team_shocks(reps, periods, teams) if shocks and teams else None,
    )


def team_shocks(reps, periods, teams, tau=0.1):
    """Deal the reps out to teams whose quarters vary by so much, known for certain."""
    one = np.ones((teams, 1))
    spread = TeamSpread(np.array([tau]), np.ones(1), 0.0 * one, tau * one, 100)
    return TeamPlan(
        names=tuple(f"T{k}" for k in range(teams)),
        weight=np.full(teams, 1.0 / teams),
        spreads={"creating": spread, "winning": spread},
        share=np.kron(np.eye(4), np.ones((periods // 4, 1))) if periods >= 4 else np.full((periods, 4), 0.25),
        of_owner=np.arange(reps) % teams,
        of_place=np.zeros(1, dtype=np.int64),
    )


def labels(periods):
    return (
        [f"2025-{m:02d}" for m in range(1, 13)] if periods == MONTHS else [f"2025Q{q}" for q in range(1, periods + 1)]
    )


def _lived(periods, width):
    shares = np.kron(np.eye(periods), np.full((1, width), 1 / width))
    out = np.zeros((periods, periods, periods * width))
    for cohort in range(periods):
        for period in range(cohort, periods):
            span = shares[cohort : period + 1].sum(axis=0)
            out[cohort, period] = span / span.sum()
    return out


def _new_deals(rng, streams, created, seller, names, periods, worlds, jitter, shocks, dispersion, leave):
    """Streams whose deals have a chance to be won and a lag; each stream is a segment of its own."""
    lag = rng.dirichlet(np.linspace(3.0, 1.0, periods), streams) if streams else np.zeros((0, periods))
    chance, gone = rng.beta(5, 15, streams), rng.uniform(0.5, 0.7, streams)
    won, lost = (np.zeros((streams, periods, periods)) for _ in range(2))
    for cohort in range(periods):
        left = periods - cohort
        won[:, cohort, cohort:] = chance[:, None] * lag[:, :left]
        lost[:, cohort, cohort:] = gone[:, None] * lag[:, :left]
    win, lose = period_intensities(won, lost)
    # Every seller's deals of a cohort, by the day of leaving; days are the cohorts here.
    many = np.bincount(seller, minlength=len(names))
    each = created * many / max(streams, 1) / periods
    by_leave = np.cumsum(np.pad(np.eye(periods), ((1, 0), (0, 0))), axis=0)
    weight = rng.gamma(20.0, 1 / 20.0, streams)
    share = weight / np.bincount(seller, weights=weight, minlength=len(names))[seller] if streams else weight
    return NewDeals(
        cells=CreationCells(
            sellers=names,
            places=(("T", "North"),),
            place_of=np.zeros(len(names), dtype=np.int64),
            seller=seller,
            segment=np.arange(streams),
            share=share,
            column=seller * periods,
            ids=tuple(f"S-{k}" for k in range(streams)),
        ),
        response=np.ones((streams, periods, periods)),
        bend=np.zeros((streams, periods, periods)),
        win=(win[None] * jitter[..., None]).astype(np.float32),
        lose=lose[None].astype(np.float32),
        created=each[:, None, None] * by_leave,
        succeeded=np.zeros((periods + 1, periods)),
        vacant=np.zeros((1, periods)),
        leave_shape=5.0 if leave else 0.0,
        leave_rate=5.0 * 4 * periods,
        creation_shape=np.full(len(names), 40.0 if shocks else np.inf),
        creation_rate=np.full(len(names), 40.0 if shocks else np.inf),
        creation_prior=40.0,
        dispersion=dispersion,
    )


def scaled(inputs, rows, factor):
    """Multiply the chance to win of some open deals' states, each deal having one of its own."""
    deals = inputs.open_deals
    win = deals.win.copy()
    win[:, deals.state[rows]] *= factor
    return dataclasses.replace(inputs, open_deals=dataclasses.replace(deals, win=win))
