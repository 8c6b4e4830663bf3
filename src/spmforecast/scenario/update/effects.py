"""The effects of news on a forecast: what deals and groups of deals did, factor by factor, by node and period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.scenario.update.outlook import Axes, DealView, GroupView
from spmforecast.scenario.update.shapley import deal_factors, split_product

__all__ = ["FACTORS", "Effects", "deal_news", "group_news", "no_effects", "single_deals"]

Array = npt.NDArray[np.float64]

FACTORS = (
    "won_as_expected",
    "created",
    "converted",
    "timing",
    "size",
    "moved",
    "model",
    "assumptions",
    "restated",
)
_SPLIT = ("created", "converted", "timing", "size")


@dataclass(frozen=True)
class Effects:
    """Effects by factor (in the order of :data:`FACTORS`), node and period.

    Parameters
    ----------
    amount : array of float, shape (factors, nodes, periods)
        On the mean of all bookings.
    booked : array of float, shape (factors, nodes, periods)
        Of that, on what is booked already; the rest is to come.
    """

    amount: Array
    booked: Array

    def __add__(self, other: Effects) -> Effects:
        return Effects(self.amount + other.amount, self.booked + other.booked)

    def with_(self, factor: str, amount: Array, booked: Array | None = None) -> Effects:
        """Add an effect of one factor, shape (nodes, periods)."""
        amounts, sums = self.amount.copy(), self.booked.copy()
        amounts[FACTORS.index(factor)] += amount
        if booked is not None:
            sums[FACTORS.index(factor)] += booked
        return Effects(amounts, sums)


def no_effects(axes: Axes) -> Effects:
    """Return effects of which all are zero."""
    none = np.zeros((len(FACTORS), len(axes.nodes), len(axes.periods)))
    return Effects(none, none.copy())


def single_deals(old: DealView, new: DealView) -> tuple[Array, Array]:
    """Split the change of every deal known before; one that the record has lost since is expected to bring nothing.

    Parameters
    ----------
    old, new : DealView
        Before and after.

    Returns
    -------
    split : array of float, shape (4, deals, periods)
        By created (always zero), converted, timing and size; they add up to the change of the deal's value.
    carried : array of float, shape (deals, periods)
        What moved from expected to booked because the deal is won now; negative where a win was taken back.
    """
    one = np.ones(len(old.known))
    before, after = deal_factors((one, one), (old.chance, new.chance), (old.value, new.value))
    split = np.where(old.known[None, :, None], split_product(before, after), 0.0)
    turned = new.booked.astype(np.float64) - old.booked.astype(np.float64)
    return split, np.where(old.known[:, None], turned[:, None] * old.value, 0.0)


def deal_news(old: DealView, new: DealView, axes: Axes) -> Effects:
    """Effects of the deals known before, counted where they now are.

    Parameters
    ----------
    old, new : DealView
        Before and after.
    axes : Axes
        Periods and places.

    Returns
    -------
    Effects
    """
    split, carried = single_deals(old, new)
    node, out = np.where(new.known, new.node, old.node), no_effects(axes)
    for part, factor in enumerate(_SPLIT):
        booked = np.where(new.booked[:, None], split[part], 0.0)
        out = out.with_(factor, _sum(split[part], node, axes), _sum(booked, node, axes))
    out = out.with_("won_as_expected", axes.empty(), _sum(carried, node, axes))
    gone = np.where((old.known & (old.node != node))[:, None], old.value, 0.0)
    was_booked = np.where(old.booked[:, None], gone, 0.0)
    there, here = (_sum(gone, place, axes) for place in (node, old.node))
    booked_there, booked_here = (_sum(was_booked, place, axes) for place in (node, old.node))
    return out.with_("moved", there - here, booked_there - booked_here)


def group_news(old: GroupView, new: GroupView, axes: Axes) -> Effects:
    """Effects of deals that are not the same ones before and after, group by group.

    Parameters
    ----------
    old, new : GroupView
        Expected before, and after: created since, or still expected.
    axes : Axes
        Periods and places.

    Returns
    -------
    Effects
        What is booked of a group takes its share of what was expected of the group, as won as expected.
    """
    before, after = deal_factors((old.count, new.count), (old.wins, new.wins), (old.value, new.value))
    split = split_product(before, after)
    share = np.divide(new.booked, new.value, out=np.zeros_like(new.value), where=new.value != 0)
    node = axes.node_of_group
    out = no_effects(axes)
    for part, factor in enumerate(_SPLIT):
        out = out.with_(factor, _sum(split[part], node, axes), _sum(split[part] * share, node, axes))
    return out.with_("won_as_expected", axes.empty(), _sum(old.value * share, node, axes))


def _sum(values: Array, node: npt.NDArray[np.int64], axes: Axes) -> Array:
    """Add up rows by node, shape (nodes, periods)."""
    out = axes.empty()
    np.add.at(out, node, values)
    return out
