"""What a rep earns in a period, line by line, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from spmforecast.plan.compensation.cents import half_up
from spmforecast.plan.compensation.spans import Grid
from spmforecast.plan.compensation.terms import Component
from spmforecast.plan.compensation.walk import Part, Span, multiply, walk

__all__ = ["Line", "Rep", "advance"]

Credits = Mapping[str, Sequence[int]]
"""Credit of a rep in each period, hundredths, by measure."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a statement: `amount` in cents; `base` in hundredths of the measure."""

    component: str
    what: str
    base: Fraction
    rate: Fraction | None
    amount: int
    rule: str


class Rep:
    """The exact arithmetic for one rep.

    Parameters
    ----------
    grid : Grid
        Plan, quotas and periods.
    rep : int
        Row of the grid.
    credits : mapping of str to sequence of int, length periods
        Credit by measure, hundredths.
    """

    def __init__(self, grid: Grid, rep: int, credits: Credits) -> None:
        self.grid, self.rep, self.credits = grid, rep, credits
        self.terms = grid.terms

    def earned(self, period: int) -> list[Line]:
        """Return the lines of a period before draws; they sum to what is earned."""
        lines = self._uncapped(period)
        cap = self.terms.cap
        if cap is None:
            return lines
        most = half_up(cap.at.of(self.grid.period_target(self.rep, period, cap.yearly)))
        first = self.grid.years[period] if cap.yearly else period
        sums = [sum(line.amount for line in self._uncapped(p)) for p in range(first, period + 1)]
        held = min(sum(sums), most) - min(sum(sums[:-1]), most) if cap.yearly else min(sums[-1], most)
        if held == sums[-1]:
            return lines
        span = "the fiscal year" if cap.yearly else "the period"
        rule = f"all components together pay at most {most / 100:,.2f} in {span}"
        return [*lines, Line("", "cap of the plan", Fraction(sums[-1]), None, held - sums[-1], rule)]

    def component(self, component: Component, period: int, credit: int | None = None) -> int:
        """Return what a component pays for its span by the end of a period, cents.

        Parameters
        ----------
        component : Component
            The component.
        period : int
            Period.
        credit : int, optional
            Credit of its measure in the span instead of the rep's own, for pay by deal.
        """
        parts = self._parts(component, period, credit)
        return half_up(sum((part.amount for part in parts), Fraction(0)))

    def _uncapped(self, period: int) -> list[Line]:
        lines: list[Line] = []
        for yearly in (False, True):
            group = [one for one in self.terms.components if one.year_to_date == yearly]
            if not group:
                continue
            if self.terms.round_lines:
                for one in group:
                    lines += self._together([one], period)
            else:
                lines += self._together(group, period)
        return lines

    def _together(self, group: list[Component], period: int) -> list[Line]:
        """Give the lines of components that are rounded together, less what was earned earlier in the year."""
        named = [(one.name, part) for one in group for part in self._parts(one, period)]
        lines = _telescoped(named)
        if group[0].year_to_date and period > self.grid.years[period]:
            before = [part.amount for one in group for part in self._parts(one, period - 1)]
            earlier = half_up(sum(before, Fraction(0)))
            rule = "year to date: what earlier periods of the fiscal year earned is taken off"
            name = group[0].name if len(group) == 1 else ""
            lines.append(Line(name, "earned earlier", Fraction(earlier), Fraction(-1), -earlier, rule))
        return lines

    def _parts(self, component: Component, period: int, credit: int | None = None) -> list[Part]:
        """Work out a component and its multipliers; rounded at every step where lines are."""
        span = self._span(component, component.measure, period)
        if credit is not None:
            span = replace(span, credit=Fraction(credit))
        parts = walk(component, span)
        rounded = self.terms.round_lines
        if rounded:
            parts = [
                replace(part, amount=Fraction(line.amount))
                for part, line in zip(parts, _telescoped([("", part) for part in parts]), strict=True)
            ]
        pay = sum((part.amount for part in parts), Fraction(0))
        for one in self.terms.factors(component):
            other = self._span(component, one.measure, period)
            times = multiply(one, other.credit, other.quota)
            after = Fraction(half_up(pay * times)) if rounded else pay * times
            rule = f"pay times {float(times):.6g}, by attainment of {one.measure}"
            parts.append(Part(one.name, pay, times - 1, after - pay, rule))
            pay = after
        return parts

    def _span(self, component: Component, measure: str, period: int) -> Span:
        first = self.grid.years[period] if component.year_to_date else period
        credit = sum(self.credits[measure][first : period + 1])
        quota = self.grid.quota(measure, self.rep, period, component)
        target = self.grid.target(component, self.rep, period)
        return Span(Fraction(credit), None if quota is None else Fraction(quota), target)


def _telescoped(named: list[tuple[str, Part]]) -> list[Line]:
    """Round the running total, and give each line what it adds: so lines sum to the rounded total exactly."""
    lines, run, told = [], Fraction(0), 0
    for name, part in named:
        run += part.amount
        lines.append(Line(name, part.what, part.base, part.rate, half_up(run) - told, part.rule))
        told = half_up(run)
    return lines


def advance(grid: Grid, period: int, earned: int, debt: int) -> tuple[list[Line], int]:
    """Return the line of the draw, if it changes pay, and what is owed afterwards, cents."""
    draw = grid.terms.draw
    if draw is None:
        return [], 0
    running = draw.periods is None or period < draw.periods
    if not draw.recoverable:
        lift = max(draw.amount - earned, 0) if running else 0
        rule = f"at least {draw.amount / 100:,.2f} in the period, for good"
        return ([Line("", "draw", Fraction(earned), None, lift, rule)] if lift else []), 0
    net = earned - debt
    paid = max(net, draw.amount if running else 0)
    lines = []
    if paid != earned:
        what = "draw advanced" if paid > earned else "draw recovered"
        rule = f"owed {debt / 100:,.2f} before and {(paid - net) / 100:,.2f} after"
        lines.append(Line("", what, Fraction(earned), None, paid - earned, rule))
    return lines, paid - net
