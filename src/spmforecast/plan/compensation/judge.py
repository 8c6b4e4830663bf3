"""What a plan's keys allow one by one but not together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from spmforecast.errors import Problem
from spmforecast.plan.compensation.schema import ComponentText, PlanText, SpifText
from spmforecast.plan.compensation.terms import Size
from spmforecast.written import Loc, Written, nearest

__all__ = ["wrong_plan"]

_BASES = ("rate", "each", "target_incentive", "weight")


def wrong_plan(plan: PlanText, written: Written, whole: bool = True) -> list[Problem]:
    """Find every fault of a plan whose keys are right one by one.

    Parameters
    ----------
    plan : PlanText
        The plan, or what of it could be read.
    written : Written
        Its text, for the lines.
    whole : bool
        Whether nothing was left out, so that parts may be compared with each other.
    """
    problems = [problem for place, one in enumerate(plan.components) for problem in _component(one, place, written)]
    for place, one in enumerate(plan.components):
        problems += _amounts_like_shares(one, place, plan, written)
    problems += [p for place, spif in enumerate(plan.spifs) for p in _spif(spif, ("spifs", place), written)]
    problems += _multipliers(plan, written)
    problems += _whole_cents(plan, written)
    problems += _measures(plan, written)
    if whole and not plan.components:
        problems.append(written.problem(("components",), "the plan has no component", "Name at least one."))
    if whole:
        problems += [*_weights(plan, written), *_names(plan, written)]
    return problems


def _component(one: ComponentText, place: int, written: Written) -> Iterator[Problem]:
    top: Loc = ("components", place)
    bases = [key for key in _BASES if getattr(one, key) is not None]
    if len(bases) > 1:
        told = f"{' and '.join(bases)} are both given" if len(bases) == 2 else f"{', '.join(bases)} are all given"
        yield written.problem((*top, bases[1]), told, "Keep one: it sets the base rate.")
    if not bases and _needs_base(one):
        mend = "Give one of rate, each, target_incentive and weight."
        yield written.problem(top, "the component has no base rate", mend, one.name)
    ways = [key for key in ("tiers", "curve") if getattr(one, key)]
    ways += ["accelerators"] if one.accelerators or one.decelerators else []
    if len(ways) > 1:
        yield written.problem((*top, ways[1]), f"{' and '.join(ways)} exclude each other", "Keep one of them.")
    if one.basis == "discrete" and one.quota == "to-date":
        mend = "Write basis: year-to-date, or take quota out."
        yield written.problem((*top, "quota"), "has no effect on discrete periods", mend)
    yield from _tiers(one, top, written)
    yield from _accelerators(one, top, written)
    yield from _curve(one, top, written)
    for key in ("minimum", "cap"):
        size = getattr(one, key)
        if size is not None and size.share and one.target_incentive is None and one.weight is None:
            told = "a share of the target incentive, and the component has none"
            yield written.problem((*top, key), told, "Write an amount, or give target_incentive.")
    if _both_amounts(one.minimum, one.cap) and one.minimum.value > one.cap.value:  # type: ignore[union-attr]
        yield written.problem((*top, "minimum"), "the minimum is above the cap", "Lower it.")


def _both_amounts(first: Size | None, second: Size | None) -> bool:
    return first is not None and second is not None and first.share == second.share


def _needs_base(one: ComponentText) -> bool:
    """Whether something is paid at the base rate, or as a share of the target incentive."""
    if one.curve:
        return any(point.pay.share for point in one.curve)
    return not one.tiers or any(tier.rate is None and tier.each is None for tier in one.tiers)


def _tiers(one: ComponentText, top: Loc, written: Written) -> Iterator[Problem]:
    if one.tiers and one.tiers[0].start.value != 0:
        mend = "Let the first start from 0; give it the rate 0 if nothing is paid there."
        yield written.problem((*top, "tiers", 0, "from"), "the tiers leave a gap below the first", mend)
    yield from _rising([tier.start for tier in one.tiers], (*top, "tiers"), "from", written)
    for place, tier in enumerate(one.tiers):
        given = [key for key in ("multiplier", "rate", "each") if getattr(tier, key) is not None]
        if len(given) > 1:
            told = f"{' and '.join(given)} are both given"
            yield written.problem((*top, "tiers", place, given[1]), told, "Keep one of them.")
        elif not given:
            told = "the tier says nothing of its rate"
            yield written.problem((*top, "tiers", place), told, "Give rate, each or multiplier.")


def _accelerators(one: ComponentText, top: Loc, written: Written) -> Iterator[Problem]:
    slow, fast = [item.below for item in one.decelerators], [item.above for item in one.accelerators]
    yield from _rising(slow, (*top, "decelerators"), "below", written)
    yield from _rising(fast, (*top, "accelerators"), "above", written)
    if slow and fast:
        if slow[-1].share != fast[0].share:
            yield _mixed((*top, "accelerators", 0, "above"), written)
        elif slow[-1].value > fast[0].value:
            told = "an accelerator begins where a decelerator still holds"
            yield written.problem((*top, "accelerators", 0, "above"), told, "Let it begin later.")
    for place, bound in enumerate((*slow, *fast)):
        if bound.value == 0:
            key, at = ("decelerators", place) if place < len(slow) else ("accelerators", place - len(slow))
            told = "begins or ends at nothing"
            yield written.problem((*top, key, at), told, "Change the base rate instead.")


def _curve(one: ComponentText, top: Loc, written: Written) -> Iterator[Problem]:
    if not one.curve:
        return
    yield from _rising([point.at for point in one.curve], (*top, "curve"), "at", written)
    if len(one.curve) < 2:
        yield written.problem((*top, "curve"), "a curve needs two points", "Add one.")
    if one.rate is not None or one.each is not None:
        key = "rate" if one.rate is not None else "each"
        yield written.problem((*top, key), "a curve says itself what is paid", f"Take {key} out.")


def _rising(bounds: Sequence[Size], top: Loc, key: str, written: Written) -> Iterator[Problem]:
    """Ask for bounds that rise and are all shares or all amounts; 0 is both."""
    kinds = {bound.share for bound in bounds if bound.value != 0}
    if len(kinds) > 1:
        place = next(i for i, bound in enumerate(bounds) if bound.value != 0 and bound.share != bounds[-1].share)
        yield _mixed((*top, place, key), written)
        return
    for place in range(1, len(bounds)):
        if bounds[place].value <= bounds[place - 1].value:
            told = "is not above the one before"
            yield written.problem((*top, place, key), told, "Sort them from the lowest to the highest.")


def _mixed(loc: Loc, written: Written) -> Problem:
    return written.problem(loc, "shares of quota and amounts are mixed", "Write all with %, or all as amounts.")


def _amounts_like_shares(one: ComponentText, place: int, plan: PlanText, written: Written) -> Iterator[Problem]:
    """Suspect bounds such as 1.2: nobody's tier begins at an amount of 1.20."""
    measure = plan.measures.get(one.measure)
    if measure is not None and measure.count is not None:
        return
    keys = (("tiers", "start", "from"), ("accelerators", "above", "above"), ("decelerators", "below", "below"))
    found: list[tuple[Loc, Size]] = [
        ((key, i, word), getattr(item, name)) for key, name, word in keys for i, item in enumerate(getattr(one, key))
    ]
    found += [(("curve", i, "at"), point.at) for i, point in enumerate(one.curve)]
    if one.threshold is not None:
        found.append((("threshold", "at"), one.threshold.at))
    for loc, size in found:
        if not size.share and 0 < size.value < 1000:
            shown = f"{float(size.value):g}%"
            told = "an amount below 10 as a bound"
            yield written.problem(("components", place, *loc), told, f"Write {shown} if a share of quota is meant.")


def _spif(one: SpifText, top: Loc, written: Written) -> Iterator[Problem]:
    if (one.each is None) == (one.rate is None):
        told = "each and rate are both given" if one.each is not None else "the SPIF says nothing of its amount"
        yield written.problem(top, told, "Give one of each and rate.", one.name)


def _multipliers(plan: PlanText, written: Written) -> Iterator[Problem]:
    names = [one.name for one in plan.components] + [one.name for one in plan.spifs]
    for place, one in enumerate(plan.multipliers):
        top: Loc = ("multipliers", place)
        yield from _rising([step.at for step in one.steps], (*top, "steps"), "at", written)
        for i, step in enumerate(one.steps):
            if not step.at.share and step.at.value != 0:
                told = "an attainment is expected here"
                yield written.problem((*top, "steps", i, "at"), told, f"Write {float(step.at.value):g}%.")
        for name in one.on:
            if name not in names:
                near = nearest(name, names)
                mend = f"Did you mean {near}?" if near else f"Use one of: {', '.join(names)}."
                yield written.problem((*top, "on"), "there is no such component", mend, name)


def _whole_cents(plan: PlanText, written: Written) -> Iterator[Problem]:
    """Ask for whole cents where money is paid or counted as it stands."""
    amounts: list[tuple[Loc, Fraction | None]] = [
        (("draw", "amount"), plan.draw.amount if plan.draw else None),
        (("credit", "deal_cap"), plan.credit.deal_cap),
        (("cap", "at"), plan.cap.at.value if plan.cap and not plan.cap.at.share else None),
    ]
    for loc, amount in amounts:
        if amount is not None and amount.denominator != 1:
            yield written.problem(loc, "smaller than a cent", "Write at most two decimals.")
    if plan.cap is not None and plan.cap.at.share and not _targets(plan):
        told = "a share of the target incentive, and the plan has none"
        yield written.problem(("cap",), told, "Write an amount.")


def _targets(plan: PlanText) -> bool:
    return any(one.target_incentive is not None or one.weight is not None for one in plan.components)


def _measures(plan: PlanText, written: Written) -> Iterator[Problem]:
    for name, one in plan.measures.items():
        if one.total is not None and one.count is not None:
            yield written.problem(("measures", name), "sum and count are both given", "Keep one of them.", name)
        if one.first is not None and one.last is not None and one.last < one.first:
            yield written.problem(("measures", name, "until"), "ends before it begins", "Give a later day.")
    known = ["bookings", *plan.measures]
    for key in ("components", "spifs", "multipliers"):
        for place, part in enumerate(getattr(plan, key)):
            if part.measure not in known:
                near = nearest(part.measure, known)
                mend = f"Did you mean {near}?" if near else "Describe it under measures."
                yield written.problem((key, place, "measure"), "there is no such measure", mend, part.measure)


def _weights(plan: PlanText, written: Written) -> Iterator[Problem]:
    weights = [one.weight for one in plan.components if one.weight is not None]
    if weights and plan.target_incentive is None:
        told = "weights need the plan's target_incentive"
        yield written.problem(("components",), told, "Add target_incentive at the top of the plan.")
    if plan.target_incentive is not None and not weights:
        told = "has no effect: no component has a weight"
        yield written.problem(("target_incentive",), told, "Give weights, or a target_incentive in the component.")
    if weights and sum(weights) != 1:
        told = f"the weights sum to {float(sum(weights)) * 100:g} %, not to 100 %"
        yield written.problem(("components",), told, "Change them.")


def _names(plan: PlanText, written: Written) -> Iterator[Problem]:
    seen: set[str] = set()
    for key in ("components", "spifs"):
        for place, part in enumerate(getattr(plan, key)):
            if part.name in seen:
                told = "two parts have the same name"
                yield written.problem((key, place, "name"), told, "Give it a name of its own.", part.name)
            seen.add(part.name)
