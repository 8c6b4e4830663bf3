"""What the fitted process says of each stage: how many move on and when, what hangs on it, and what mending it brings.

A group of deals (the company, a segment) is the mix of its profiles, each as often as its new deals visit the stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spmforecast.models.kinds import move_types, rises
from spmforecast.models.mending import StageMend
from spmforecast.models.river import Chain
from spmforecast.models.views import even_rates, stage_exits

if TYPE_CHECKING:
    from spmforecast.models.pipeline import FittedPipeline

__all__ = ["Passing", "passing"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WORLDS = 100
_DAYS = 730
_LOW, _HIGH = 0.05, 0.95


@dataclass(frozen=True)
class Passing:
    """Figures of each group and stage; groups are the company as a whole, then its segments.

    Parameters
    ----------
    groups : tuple of str
        ``(all)`` and the segments.
    on, on_low, on_high : array of float, shape (groups, stages)
        Chance that a visit is followed by a higher stage or a win, and its 90 % interval.
    won, won_low, won_high : array of float, shape (groups, stages)
        Chance to be won in the end on entering the stage.
    leverage : array of float, shape (groups, stages)
        ``d ln wins / d ln`` of the chance of moving on, what is more being taken from losses.
    visits : array of float, shape (groups, stages)
        Visits of a new deal.
    win_rate : array of float, shape (groups,)
        Chance of a new deal to be won.
    chain_gain : dict of str to array of float, shape (groups, stages)
        By how much wins of a new deal grow, as a share of them, if a tenth more (``chance``) move on, or a tenth fewer
        are lost (``leak``): exactly, not to first order.
    of_profile : array of float, shape (profiles,)
        Chance of a new deal of each profile to be won.
    survival, risen : array of float, shape (groups, stages, days)
        Chance to be in the stage still, and to have moved on, at the close of each day of age.
    """

    groups: tuple[str, ...]
    on: Array
    on_low: Array
    on_high: Array
    won: Array
    won_low: Array
    won_high: Array
    leverage: Array
    visits: Array
    win_rate: Array
    chain_gain: dict[str, Array]
    of_profile: Array
    survival: Array
    risen: Array

    def moved_by(self, share: float) -> Array:
        """Age in days by which a share of those that move on have done so; NaN where none does; (groups, stages)."""
        whole = self.risen[..., -1]
        reached = self.risen >= share * whole[..., None] - 1e-12
        return np.where(whole > 0, reached.argmax(axis=2), np.nan)

    def days_within(self, limit: Array) -> Array:
        """Mean days spent in a stage at ages up to a limit (groups, stages); a limit that is missing is none."""
        inside = np.arange(self.survival.shape[2]) <= np.where(np.isnan(limit), np.inf, limit)[..., None]
        return np.asarray((self.survival * inside).sum(axis=2))


def passing(model: FittedPipeline) -> Passing:
    """View the fitted process stage by stage.

    Parameters
    ----------
    model : FittedPipeline
        The fit.

    Returns
    -------
    Passing
    """
    point, draws = even_rates(model, _WORLDS)
    names, weight = _mix(model)
    entry = model.process.entry_stage[model.profiles.table[:, 0]]
    chain = Chain.of_exits(entry, _exits(model, point))
    fitted, drawn = _figures(chain, weight), _figures(Chain.of_exits(entry, _exits(model, draws)), weight)
    on_low, on_high = np.quantile(drawn["on"], [_LOW, _HIGH], axis=0)
    won_low, won_high = np.quantile(drawn["won"], [_LOW, _HIGH], axis=0)
    survival, risen = _by_age(model, point)
    share = _shares(weight[:, :, None] * chain.visits)
    return Passing(
        groups=names,
        on=fitted["on"],
        on_low=on_low,
        on_high=on_high,
        won=fitted["won"],
        won_low=won_low,
        won_high=won_high,
        leverage=fitted["leverage"],
        visits=fitted["visits"],
        win_rate=fitted["win_rate"],
        chain_gain={way: _gains(model, point, entry, weight, way) for way in ("chance", "leak")},
        of_profile=chain.win_rate,
        survival=np.einsum("kgs,gsa->ksa", share, survival),
        risen=np.einsum("kgs,gsa->ksa", share, risen),
    )


def _mix(model: FittedPipeline) -> tuple[tuple[str, ...], Array]:
    """Name the groups and weigh the profiles among each one's new deals, shape (groups, profiles)."""
    size = np.bincount(model.profiles.of_deal, minlength=len(model.profiles.table)).astype(np.float64)
    whole = size / size.sum()
    return ("(all)", *model.profiles.segments), np.concatenate([whole[None], model.process.entry_profile])


def _exits(model: FittedPipeline, rate: Array) -> Array:
    """Chances of where visits end, shape (..., profiles, stages, stages + 2)."""
    out = np.empty(rate.shape[:-1])
    for k in range(len(model.profiles.segments)):
        own = model.profiles.table[:, 0] == k
        rows = rate[..., own, :, :, :]
        exits = stage_exits(rows.reshape(-1, *rows.shape[-3:]), model.process.bins.of_age[k])
        out[..., own, :, :] = exits.reshape(rows.shape[:-1])
    return out


def _shares(weight: Array) -> Array:
    """Share of each profile in a group's visits (..., groups, profiles, stages); nobody's where there is none."""
    return np.asarray(weight / np.maximum(weight.sum(axis=-2, keepdims=True), 1e-300))


def _figures(chain: Chain, weight: Array) -> dict[str, Array]:
    """Put chains of profiles (..., profiles, stages) together into those of groups (..., groups, stages)."""
    stages = chain.win.shape[-1]
    up = rises(move_types(stages))[:, : stages + 1]
    visits = weight[:, :, None] * chain.visits[..., None, :, :]
    share = _shares(visits)
    moves = np.concatenate([chain.move, chain.win[..., None]], axis=-1)
    wins = np.einsum("kg,...g->...k", weight, chain.win_rate)
    gain = np.einsum("kg,...gs->...ks", weight, (chain.gain * up).sum(axis=-1))
    return {
        "on": np.einsum("...kgs,...gs->...ks", share, (moves * up).sum(axis=-1)),
        "won": np.einsum("...kgs,...gs->...ks", share, chain.value),
        "visits": visits.sum(axis=-2),
        "win_rate": wins,
        "leverage": gain / np.maximum(wins, 1e-300)[..., None],
    }


def _gains(model: FittedPipeline, rate: Array, entry: Array, weight: Array, way: str) -> Array:
    """Share by which wins of a new deal grow if a stage is mended by a tenth, shape (groups, stages)."""
    before = np.einsum("kg,g->k", weight, Chain.of_exits(entry, _exits(model, rate)).win_rate)
    after = [
        np.einsum("kg,g->k", weight, Chain.of_exits(entry, _exits(model, StageMend(s, way, 0.1).of(rate))).win_rate)  # type: ignore[arg-type]
        for s in range(rate.shape[-3])
    ]
    return np.asarray(np.stack(after, axis=1) / np.maximum(before, 1e-300)[:, None] - 1.0)


def _by_age(model: FittedPipeline, rate: Array) -> tuple[Array, Array]:
    """Chance to be there still, and to have moved on, by age: two arrays of shape (profiles, stages, days)."""
    of_age = model.process.bins.of_age
    ages = np.minimum(np.arange(_DAYS), of_age.shape[2] - 1)
    bins = of_age[model.profiles.table[:, 0]][:, :, ages]  # (profiles, stages, days)
    up = rises(move_types(rate.shape[1]))
    total = np.take_along_axis(rate.sum(axis=2), bins, axis=2)
    rising = np.take_along_axis((rate * up[..., None]).sum(axis=2), bins, axis=2)
    after = np.exp(-np.cumsum(total, axis=2))
    leaves = np.exp(total) * after - after  # those still there before the day, less those after it
    return after, np.cumsum(rising / np.maximum(total, 1e-300) * leaves, axis=2)
