"""What a component pays for a credit, walked tier by tier in exact fractions: the arithmetic of the explanation."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

from spmforecast.plan.compensation.terms import Component, Multiplier, Tier

__all__ = ["Part", "Span", "multiply", "walk"]


@dataclass(frozen=True, slots=True)
class Span:
    """What a component looks at: credit, quota and target incentive of a period or a year to date, in hundredths."""

    credit: Fraction
    quota: Fraction | None
    target: Fraction


@dataclass(frozen=True, slots=True)
class Part:
    """A line of the explanation before rounding: `amount` is `base` times `rate` where there is a rate."""

    what: str
    base: Fraction
    rate: Fraction | None
    amount: Fraction
    rule: str


def walk(component: Component, span: Span) -> list[Part]:
    """Work out what a component pays, line by line.

    Parameters
    ----------
    component : Component
        The component.
    span : Span
        What it looks at.

    Returns
    -------
    list of Part
        Their amounts sum to the pay of the span. Without the quota that it needs a component pays nothing.
    """
    if component.needs_quota and (span.quota is None or span.quota <= 0):
        return [Part("no quota", span.credit, None, Fraction(0), "measured against a quota, and there is none")]
    quota = span.quota if span.quota is not None else Fraction(0)
    floor = Fraction(0) if component.threshold is None else component.threshold.at.of(quota)
    if component.threshold is not None and span.credit < floor:
        parts = [Part("below threshold", span.credit, Fraction(0), Fraction(0), f"nothing below {_units(floor)}")]
    elif component.curve:
        parts = _along_curve(component, span, quota, floor)
    else:
        above = component.threshold is not None and component.threshold.above
        parts = _through_tiers(component, span, quota, floor if above else Fraction(0))
    return parts + _limits(component, span, sum((part.amount for part in parts), Fraction(0)))


def _through_tiers(component: Component, span: Span, quota: Fraction, paid_from: Fraction) -> list[Part]:
    """Pay each unit at the rate of its tier; the last retroactive tier reached also sets the rate of all below it."""
    starts = [tier.start.of(quota) for tier in component.tiers]
    reached = max([i for i, start in enumerate(starts) if start <= span.credit], default=0)
    first = max([i for i in range(reached + 1) if component.tiers[i].retroactive], default=0)
    parts = []
    for i in range(first, reached + 1):
        low = Fraction(0) if i == first else starts[i]
        high = span.credit if i == reached else starts[i + 1]
        low = max(low, paid_from)
        if high <= low and not (i == first == reached and high < low):
            continue
        rate = _rate(component, component.tiers[i], span)
        parts.append(Part(_tier_name(component, i), high - low, rate, (high - low) * rate, _tier_rule(component, i)))
    return parts


def _rate(component: Component, tier: Tier, span: Span) -> Fraction:
    if tier.rate is not None:
        return tier.rate
    assert tier.factor is not None
    if component.rate is not None:
        return component.rate * tier.factor
    assert span.quota is not None
    return span.target / span.quota * tier.factor


def _along_curve(component: Component, span: Span, quota: Fraction, floor: Fraction) -> list[Part]:
    """Interpolate between the points; a threshold that pays only above it takes off what the curve pays there."""
    points = [(point.at.of(quota), point.pay.of(span.target)) for point in component.curve]
    pay = _interpolate(points, span.credit, component.extend)
    parts = [Part("payout curve", span.credit, None, pay, "between the points of the curve on a straight line")]
    if component.threshold is not None and component.threshold.above:
        at_floor = _interpolate(points, floor, component.extend)
        parts.append(Part("threshold", floor, None, -at_floor, "only what lies above the threshold is paid"))
    return parts


def _interpolate(points: list[tuple[Fraction, Fraction]], at: Fraction, extend: bool) -> Fraction:
    if at <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if at <= x1:
            return y0 + (y1 - y0) * (at - x0) / (x1 - x0)
    if not extend:
        return points[-1][1]
    (x0, y0), (x1, y1) = points[-2:]
    return y1 + (y1 - y0) * (at - x1) / (x1 - x0)


def _limits(component: Component, span: Span, pay: Fraction) -> list[Part]:
    parts = []
    if component.minimum is not None and pay < component.minimum.of(span.target):
        lift = component.minimum.of(span.target) - pay
        parts.append(Part("minimum", pay, None, lift, "lifted to the minimum"))
        pay += lift
    if component.cap is not None and pay > component.cap.of(span.target):
        parts.append(Part("cap", pay, None, component.cap.of(span.target) - pay, "held at the cap"))
    return parts


def multiply(multiplier: Multiplier, credit: Fraction, quota: Fraction | None) -> Fraction:
    """Return what a multiplier multiplies by; without a quota it leaves pay as it is."""
    if quota is None or quota <= 0:
        return Fraction(1)
    attained = credit / quota
    steps = multiplier.steps
    if attained < steps[0].at:
        return steps[0].times
    if multiplier.stepped:
        return [step.times for step in steps if step.at <= attained][-1]
    return _interpolate([(step.at, step.times) for step in steps], attained, extend=False)


def _units(hundredths: Fraction) -> str:
    return f"{float(hundredths / 100):,.2f}"


def _tier_name(component: Component, i: int) -> str:
    if component.spif or len(component.tiers) == 1:
        return "SPIF" if component.spif else "base rate"
    start = component.tiers[i].start
    shown = f"{float(start.value * 100):g} % of quota" if start.share else _units(start.value)
    return f"tier {i + 1}, from {shown}" if start.value else f"tier {i + 1}, from 0"


def _tier_rule(component: Component, i: int) -> str:
    tier = component.tiers[i]
    if tier.retroactive and tier.start.value:
        return "retroactive: the rate of this tier for everything from the first unit on"
    return "marginal: the rate of this tier for what lies in it" if len(component.tiers) > 1 else "credit times rate"
