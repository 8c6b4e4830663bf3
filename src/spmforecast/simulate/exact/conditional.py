"""What open deals and deals to come bring given one market factor: chances, expected wins, at the fitted parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.market import ShockPosterior
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.outcomes import bent, winning_chances

__all__ = ["Conditional", "conditionals", "expected_cohorts"]

Array = npt.NDArray[np.float64]

_NODES = 7


@dataclass(frozen=True)
class Conditional:
    """One node of the quadrature.

    Parameters
    ----------
    weight : float
        Its weight.
    chance : array of float, shape (deals, periods)
        Chance of each open deal to be won in each period.
    wins : array of float, shape (streams, periods)
        Expected wins of each stream of deals to come.
    """

    weight: float
    chance: Array
    wins: Array


def conditionals(inputs: SimulationInputs) -> list[Conditional]:
    """Work out the chances at every node of a Gauss-Hermite quadrature over the market.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed; chances are averaged over the draws of the parameters.

    Returns
    -------
    list of Conditional
        One only where there is no market.
    """
    if inputs.market is None:
        none = np.zeros(inputs.month_shares.shape[1])
        return [_at(inputs, 1.0, none, none)]
    node, weight = np.polynomial.hermite_e.hermegauss(_NODES)
    creation, conversion = (_factor(shock, inputs.month_shares.shape[1]) for shock in _shocks(inputs))
    rho = inputs.market.correlation
    return [
        # One market moves both: creation follows the factor of conversion as far as they are correlated.
        _at(inputs, w, _path(creation, rho * z, 1 - rho**2), _path(conversion, z, 0.0))
        for z, w in zip(node.tolist(), (weight / weight.sum()).tolist(), strict=True)
    ]


def expected_cohorts(inputs: SimulationInputs) -> tuple[Array, Array]:
    """Work out how many deals each stream is expected to create in each period, and how many of them are won when.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed; the market stands at its mean path.

    Returns
    -------
    created : array of float, shape (streams, cohorts)
        Deals created; a cohort is a period.
    won : array of float, shape (streams, cohorts, periods)
        Of these, wins in each period.
    """
    months = inputs.month_shares.shape[1]
    creation, conversion = np.zeros(months), np.zeros(months)
    if inputs.market is not None:
        creation, conversion = (_path(_factor(shock, months), 0.0, 1.0) for shock in _shocks(inputs))
    level = np.einsum("m,cpm->cp", conversion, inputs.lived)
    effect = _means(inputs.win_shape, inputs.win_rate)
    made, chance = _cohorts(inputs, level, np.exp(creation) @ inputs.month_shares.T, effect)
    return made, made[:, :, None] * chance / len(inputs.new_deals.win)


def _shocks(inputs: SimulationInputs) -> tuple[ShockPosterior, ShockPosterior]:
    assert inputs.market is not None
    return inputs.market.creation, inputs.market.conversion


def _factor(shock: ShockPosterior, months: int) -> tuple[Array, Array]:
    """Mean of the level in each month, and its standard deviation, at the posterior mean of the parameters."""
    tau, phi = float(shock.weight @ shock.tau), float(shock.weight @ shock.phi)
    mean, level = float(shock.weight @ shock.mean), float(shock.weight @ shock.level)
    apart = float(np.sqrt(shock.weight @ shock.mean_sd**2))
    start = float(np.sqrt(shock.weight @ shock.level_sd**2))
    slope = float(shock.weight @ shock.slope)
    month = np.arange(1, months + 1)
    kept = phi**month
    moved = month * float(shock.weight @ shock.drift**2)
    variance = (apart * (1 + slope * kept)) ** 2 + (start * kept) ** 2 + tau**2 * (1 - kept**2) + moved
    grown = float(shock.weight @ shock.growth) * shock.grown(months)
    variance += float(shock.weight @ shock.growth**2) * shock.grown(months) ** 2 - grown**2
    return np.asarray(mean + level * kept + grown - 0.5 * tau**2), np.asarray(np.sqrt(variance))


def _path(factor: tuple[Array, Array], z: float, averaged: float) -> Array:
    """Levels by month at a value of the factor; of the share of variance not followed the mean effect is kept."""
    centre, spread = factor
    return np.asarray(centre + spread * z + 0.5 * averaged * spread**2)


def _at(inputs: SimulationInputs, weight: float, creation: Array, conversion: Array) -> Conditional:
    level = np.einsum("m,cpm->cp", conversion, inputs.lived)
    made = np.exp(creation) @ inputs.month_shares.T
    effect = _means(inputs.win_shape, inputs.win_rate)
    return Conditional(weight, _open(inputs, level[0], effect), _new(inputs, level, made, effect))


def _means(shape: Array, rate: Array) -> Array:
    """Return the means of gamma laws; one where a law is certain."""
    known = np.isfinite(shape)
    return np.where(known, np.where(known, shape, 1.0) / np.where(known, rate, 1.0), 1.0)


def _open(inputs: SimulationInputs, level: Array, effect: Array) -> Array:
    deals = inputs.open_deals
    if not len(deals.ids):
        return np.zeros((0, inputs.periods))
    lifted = np.exp(level * deals.response - bent(level) * deals.bend)
    speed = lifted[deals.state] * effect[deals.owner][:, None]
    chance = np.zeros((len(deals.ids), inputs.periods))
    for win, lose in zip(deals.win, np.broadcast_to(deals.lose, deals.win.shape), strict=True):
        chance += winning_chances(win[deals.state], lose[deals.state], speed)
    return chance / inputs.worlds


def _new(inputs: SimulationInputs, level: Array, market: Array, effect: Array) -> Array:
    made, chance = _cohorts(inputs, level, market, effect)
    return np.asarray(np.einsum("kc,kcp->kp", made, chance) / len(inputs.new_deals.win))


def _cohorts(inputs: SimulationInputs, level: Array, market: Array, effect: Array) -> tuple[Array, Array]:
    """Deals that each stream creates by cohort, and a cohort's chances by period, summed over the parameters' draws."""
    new, cells = inputs.new_deals, inputs.new_deals.cells
    seller = np.minimum(cells.seller, max(len(cells.sellers) - 1, 0))
    known = cells.seller < len(cells.sellers)
    owner = np.array([inputs.owners.index(name) for name in cells.sellers], dtype=np.int64)
    own = np.where(known, effect[owner[seller]] if len(owner) else 1.0, 1.0)
    lifted = np.exp(level * new.response - bent(level) * new.bend)
    speed = lifted[cells.segment] * own[:, None, None]
    chance = np.zeros(speed.shape)
    for win, lose in zip(new.win, np.broadcast_to(new.lose, new.win.shape), strict=True):
        chance += winning_chances(win[cells.segment], lose[cells.segment], speed)
    made = _created(inputs)[cells.seller] * cells.share[:, None] * market
    made = made if cells.tilt is None else made * cells.tilt
    return made, np.triu(chance)


def _created(inputs: SimulationInputs) -> Array:
    """Return expected deals of each seller, then of those to be hired into each place, by cohort."""
    new = inputs.new_deals
    productive, chance = _means(new.creation_shape, new.creation_rate), _leaving(inputs)
    sellers = np.einsum("sd,sdc->sc", chance, new.created) * productive[:, None]
    heirs = new.vacant.copy()
    if new.leave_shape > 0:
        np.add.at(heirs, new.cells.place_of, chance @ new.succeeded)
    return np.concatenate([sellers, heirs])


def _leaving(inputs: SimulationInputs) -> Array:
    """Chance of each seller to leave on each day; the last entry is that to stay."""
    new = inputs.new_deals
    count, days = len(new.created), new.created.shape[1] - 1
    begins = np.zeros(count, np.int64) if new.begins is None else new.begins
    ends = np.full(count, days) if new.ends is None else new.ends
    chance = np.zeros((count, days + 1))
    chance[:, days] = 1.0
    if new.leave_shape > 0:
        # The hazard is gamma, so the chance to stay d days is a Lomax law's.
        stays = (1 + np.arange(days + 1) / new.leave_rate) ** -new.leave_shape
        for row, begin, end in zip(chance, begins.tolist(), ends.tolist(), strict=True):
            watched = max(end - begin, 0)
            row[begin : begin + watched] = stays[:watched] - stays[1 : watched + 1]
            row[days] = stays[watched]
    return chance
