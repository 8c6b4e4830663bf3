"""A plan in words: what a reader sees of it in a notebook or a report."""

from __future__ import annotations

from fractions import Fraction

from spmforecast.plan.compensation.terms import Component, Multiplier, Size, Terms, Tier

__all__ = ["facts", "parts"]

_PERIOD = {12: "month", 4: "quarter", 1: "year"}


def facts(terms: Terms) -> dict[str, str]:
    """Return what holds for the whole plan, by name."""
    told = {
        "period": _PERIOD[terms.periods_per_year],
        "rounding": "cents half up, " + ("each line" if terms.round_lines else "the total"),
    }
    if terms.target:
        told["target incentive"] = f"{_money(terms.target)} {terms.currency}".rstrip()
    return told


def parts(terms: Terms) -> list[tuple[str, str]]:
    """Return every part of a plan with its rule in words."""
    told = [(one.name, _component(one)) for one in terms.components]
    told += [(one.name, _multiplier(one)) for one in terms.multipliers]
    if terms.cap is not None:
        span = "fiscal year" if terms.cap.yearly else "period"
        told.append(("cap", f"all together at most {_incentive(terms.cap.at)} in a {span}"))
    if terms.draw is not None:
        kind = "recoverable" if terms.draw.recoverable else "not recoverable"
        length = "" if terms.draw.periods is None else f", for the first {terms.draw.periods} periods"
        told.append(("draw", f"{_money(Fraction(terms.draw.amount))} a period, {kind}{length}"))
    if terms.credit.deal_cap is not None:
        told.append(("credit", f"at most {_money(Fraction(terms.credit.deal_cap))} of a deal"))
    told.append(("cancelled deals", _clawback(terms)))
    return told


def _component(one: Component) -> str:
    if one.spif:
        return f"{_rate(one.rate)} for each unit of {one.measure}" + _limits(one)
    base = f"{_money(one.target)} a year at quota" if one.target is not None else ""
    base = f"{_rate(one.rate)} of {one.measure}" if one.rate is not None else base
    span = "discrete periods"
    if one.year_to_date:
        span = "year to date against the quota " + ("to date" if one.to_date else "of the year")
    told = [base, one.measure if one.rate is None else "", span]
    if one.threshold is not None:
        how = "what lies above it" if one.threshold.above else "everything from the first unit on"
        told.append(f"nothing below {_bound(one.threshold.at)}, then {how}")
    if one.curve:
        told.append("on a line through " + ", ".join(f"{_bound(p.at)}: {_incentive(p.pay)}" for p in one.curve))
    elif len(one.tiers) > 1 or one.tiers[0].factor != 1:
        told.append(", ".join(_tier(tier) for tier in one.tiers))
    return "; ".join(word for word in told if word) + _limits(one)


def _tier(tier: Tier) -> str:
    rate = _rate(tier.rate) if tier.rate is not None else f"{float(tier.factor or 0):g} times the base rate"
    return f"{rate} from {_bound(tier.start) if tier.start.value else '0'} on" + (
        " for all of it" if tier.retroactive and tier.start.value else ""
    )


def _limits(one: Component) -> str:
    least = "" if one.minimum is None else f"; at least {_incentive(one.minimum)}"
    return least + ("" if one.cap is None else f"; at most {_incentive(one.cap)}")


def _multiplier(one: Multiplier) -> str:
    steps = ", ".join(f"{float(step.at * 100):g} %: times {float(step.times):g}" for step in one.steps)
    between = "in steps" if one.stepped else "straight lines between"
    of = " and ".join(one.on) if one.on else "all components"
    return f"pay of {of} by attainment of {one.measure}: {steps}; {between}"


def _clawback(terms: Terms) -> str:
    if not terms.clawback.recompute:
        return "pay stays as it was"
    limit = "" if terms.clawback.within is None else f" up to {terms.clawback.within} periods later"
    return f"pay is worked out again without them{limit}, and the difference taken back"


def _rate(rate: Fraction | None) -> str:
    value = float(rate or 0)
    return f"{value * 100:g} %" if value <= 1 else f"{value:,.2f}"


def _money(hundredths: Fraction) -> str:
    return f"{float(hundredths / 100):,.2f}".removesuffix(".00")


def _bound(size: Size) -> str:
    return f"{float(size.value * 100):g} % of quota" if size.share else _money(size.value)


def _incentive(size: Size) -> str:
    return f"{float(size.value * 100):g} % of target incentive" if size.share else _money(size.value)
