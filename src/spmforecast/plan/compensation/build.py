"""Turning the words of a plan's parts into terms."""

from __future__ import annotations

from fractions import Fraction

from spmforecast.plan.compensation.schema import ComponentText, PlanText, SpifText, TierText
from spmforecast.plan.compensation.terms import Component, Measure, Point, Size, Threshold, Tier

__all__ = ["component_of", "measures_of", "spif_of"]

_ZERO = Size(Fraction(0))


def measures_of(plan: PlanText) -> dict[str, Measure]:
    """Return the measures by name; ``bookings`` is always there, and what is not defined is given from outside."""
    defined = {
        name: Measure(name, one.count == "deals", one.where, one.first, one.last) for name, one in plan.measures.items()
    }
    return {"bookings": Measure("bookings"), **defined}


def component_of(text: ComponentText, plan: PlanText) -> Component:
    """Return a component; a weight becomes its share of the plan's target incentive."""
    target = text.target_incentive
    if text.weight is not None and plan.target_incentive is not None:
        target = plan.target_incentive * text.weight
    threshold = text.threshold
    return Component(
        name=text.name,
        measure=text.measure,
        rate=text.rate if text.each is None else text.each / 100,
        target=target,
        year_to_date=text.basis == "year-to-date",
        to_date=text.quota == "to-date",
        threshold=None if threshold is None else Threshold(threshold.at, threshold.pays == "above-threshold"),
        tiers=_tiers(text),
        curve=tuple(Point(one.at, one.pay) for one in text.curve),
        extend=text.beyond == "extend",
        minimum=text.minimum,
        cap=text.cap,
    )


def spif_of(text: SpifText) -> Component:
    """Return a SPIF as a component that pays a rate for each unit, up to so many units in a period."""
    rate = text.rate if text.each is None else text.each / 100
    assert rate is not None
    cap = None if text.at_most is None else Size(rate * text.at_most * 100)
    return Component(text.name, text.measure, rate=rate, cap=cap, spif=True)


def _tiers(text: ComponentText) -> tuple[Tier, ...]:
    """Return the tiers, written out or following from accelerators and decelerators around the base rate."""
    if text.tiers:
        return tuple(_tier(one, text.tier_rule == "retroactive") for one in text.tiers)
    slow = sorted(text.decelerators, key=lambda one: one.below.value)
    starts = [_ZERO, *(one.below for one in slow)]
    factors = [*(one.multiplier for one in slow), Fraction(1)]
    tiers = [Tier(start, factor) for start, factor in zip(starts, factors, strict=True)]
    fast = [Tier(one.above, one.multiplier, None, one.retroactive) for one in text.accelerators]
    fast = sorted(fast, key=lambda one: one.start.value)
    if fast and fast[0].start.value == tiers[-1].start.value:
        tiers.pop()  # a decelerator ends where the first accelerator begins
    return (*tiers, *fast)


def _tier(text: TierText, retroactive: bool) -> Tier:
    rate = text.rate if text.each is None else text.each / 100
    factor = Fraction(1) if text.multiplier is None and rate is None else text.multiplier
    return Tier(text.start, factor, rate, retroactive if text.retroactive is None else text.retroactive)
