"""What open deals and deals to come bring given one market factor: chances, expected wins, at the fitted parameters.

Totals of a period are moved by the market of many months, in creation and in conversion. One factor stands for it: the
direction in which the company's total of this period moves most. Every level is followed as far as it moves with the
factor, so that the total's variance is that of the whole market (to first order), and what is left of the levels enters
by its mean effect, so that means are those of the whole market, too. Every period has a factor of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.exact.market import Loading, MarketLaw, market_law
from spmforecast.simulate.exact.money import Money
from spmforecast.simulate.exact.speeds import Answers, last_chance, open_answers, stream_answers
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.outcomes import winning_chances

__all__ = ["Conditional", "conditionals", "expected_cohorts"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_NODES = 7
_STEP = 0.05  # of a level, to see by how much totals move
_ROWS = 512  # deals worked on together


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


def conditionals(inputs: SimulationInputs, money: Money) -> list[Conditional]:
    """Work out the chances at every node of a Gauss-Hermite quadrature over the market.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed; chances are averaged over the draws of the parameters.
    money : Money
        Amounts, which say what the market moves.

    Returns
    -------
    list of Conditional
        One only where there is no market.
    """
    law = market_law(inputs.market, inputs.month_shares.shape[1])
    node, weight = (np.zeros(1), np.ones(1)) if inputs.market is None else np.polynomial.hermite_e.hermegauss(_NODES)
    deals, (streams, made) = open_answers(inputs), stream_answers(inputs)
    gradients = _gradients(inputs, law, money, deals, (streams, made))
    ways = [_Way(inputs, law.loading(gradient), node) for gradient in gradients.T]
    chance = _open(inputs, deals, ways)
    wins = _new(inputs, streams, made, ways)
    return [Conditional(*one) for one in zip((weight / weight.sum()).tolist(), chance, wins, strict=True)]


def expected_cohorts(inputs: SimulationInputs) -> tuple[Array, Array]:
    """Work out how many deals each stream is expected to create in each period, and how many of them are won when.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed; of the market the mean effect is kept.

    Returns
    -------
    created : array of float, shape (streams, cohorts)
        Deals created; a cohort is a period.
    won : array of float, shape (streams, cohorts, periods)
        Of these, wins in each period.
    """
    streams, made = stream_answers(inputs)
    law = market_law(inputs.market, inputs.month_shares.shape[1])
    way = _Way(inputs, law.loading(np.zeros(2 * len(law.level))), np.zeros(1))
    made = made * way.made[0]
    speed, chance = streams.speed(way.level[0] + way.tilt, way.doubt), np.zeros(streams.win.shape)
    for win, lose in _worlds(inputs.new_deals.win, inputs.new_deals.lose):
        chance += winning_chances(win[streams.row], lose[streams.row], speed)
    return made, made[:, :, None] * np.triu(chance) / len(inputs.new_deals.win)


class _Way:
    """The market at the nodes of a factor.

    Parameters
    ----------
    inputs : SimulationInputs
        Months of periods, and lived by deals.
    loading : Loading
        The factor.
    node : array of float, shape (nodes,)
        Its values.
    """

    def __init__(self, inputs: SimulationInputs, loading: Loading, node: Array) -> None:
        shares, lived, values = inputs.month_shares, inputs.lived, node.tolist()
        self.made = np.stack([loading.creation(z, shares) for z in values])
        self.level = np.stack([loading.conversion(z, lived) for z in values])
        self.doubt, self.tilt = loading.doubt(lived), loading.tilt(shares, lived)


def _gradients(
    inputs: SimulationInputs, law: MarketLaw, money: Money, deals: Answers, streams: tuple[Answers, Array]
) -> Array:
    """Change of the company's totals for one unit of every level of the market, shape (2 * months, periods)."""
    months = len(law.level)
    out = np.zeros((2 * months, inputs.periods))
    if inputs.market is None:
        return out
    still = np.concatenate([law.made, law.level])

    def totals(levels: Array) -> Array:
        level, none = inputs.lived @ levels[months:], np.zeros(1)
        chance = winning_chances(deals.win, deals.lose, deals.lift(level[0], none))
        cohorts, made = streams
        later = np.triu(winning_chances(cohorts.win, cohorts.lose, cohorts.lift(level, none)))
        market = np.exp(levels[:months]) @ inputs.month_shares.T
        return np.asarray(money.deals() @ chance + np.einsum("k,kc,kcp->p", money.streams(), made * market, later))

    before = totals(still)
    for row in range(2 * months):
        moved = still.copy()
        moved[row] += _STEP
        out[row] = (totals(moved) - before) / _STEP
    return out


def _worlds(win: Floats, lose: Floats) -> Sequence[tuple[Floats, Floats]]:
    """Pair the hazards of winning and losing by draw of the parameters."""
    return list(zip(win, np.broadcast_to(lose, win.shape), strict=True))


def _open(inputs: SimulationInputs, deals: Answers, ways: list[_Way]) -> Array:
    """Chances of open deals, shape (nodes, deals, periods)."""
    nodes, count = len(ways[0].made), len(deals.row)
    out = np.zeros((nodes, count, inputs.periods))
    worlds = _worlds(inputs.open_deals.win, inputs.open_deals.lose)
    for rows in (slice(start, start + _ROWS) for start in range(0, count, _ROWS)):
        part = deals.part(rows)
        speed = [_speeds(part, way.level[:, 0], way.doubt[0], period) for period, way in enumerate(ways)]
        for win, lose in worlds:
            hazard, loss = win[part.row].astype(np.float64), lose[part.row].astype(np.float64)
            for period, one in enumerate(speed):
                end = period + 1
                out[:, rows, period] += last_chance(hazard[:, :end], loss[:, :end], one)
    return out / inputs.worlds


def _new(inputs: SimulationInputs, streams: Answers, made: Array, ways: list[_Way]) -> Array:
    """Wins expected of streams, shape (nodes, streams, periods)."""
    nodes, count = len(ways[0].made), len(streams.row)
    out = np.zeros((nodes, count, inputs.periods))
    worlds = _worlds(inputs.new_deals.win, inputs.new_deals.lose)
    for rows in (slice(start, start + _ROWS) for start in range(0, count, _ROWS)):
        part = streams.part(rows)
        speed = [_speeds(part, way.level + way.tilt, way.doubt, period) for period, way in enumerate(ways)]
        for win, lose in worlds:
            hazard, loss = win[part.row].astype(np.float64), lose[part.row].astype(np.float64)
            for period, (one, way) in enumerate(zip(speed, ways, strict=True)):
                end = period + 1
                chance = last_chance(hazard[:, :end, :end], loss[:, :end, :end], one)
                out[:, rows, period] += np.einsum("zc,kc,zkc->zk", way.made[:, :end], made[rows, :end], chance)
    return out / len(inputs.new_deals.win)


def _speeds(part: Answers, level: Array, doubt: Array, period: int) -> Array:
    """Multipliers of the hazards up to a period at every node, shape (nodes, ..., periods)."""
    cut, end = part.to(period), slice(period + 1)
    if level.ndim == 2:
        return np.stack([cut.speed(one[end], doubt[end]) for one in level])
    return np.stack([cut.speed(one[end, end], doubt[end, end]) for one in level])
