"""What a compensation plan says, in exact numbers.

Money and credits are counted in hundredths (cents), rates and shares are fractions. A *span* is what a component looks
at when it works out pay: one period, or the fiscal year to date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

__all__ = [
    "Cap",
    "Clawback",
    "Component",
    "Credit",
    "Draw",
    "Measure",
    "Multiplier",
    "Point",
    "Size",
    "Step",
    "Terms",
    "Threshold",
    "Tier",
]


@dataclass(frozen=True, slots=True)
class Size:
    """An amount in hundredths, or a share of something (of quota, of target incentive)."""

    value: Fraction
    share: bool = False

    def of(self, whole: Fraction | int) -> Fraction:
        """Return the amount, in hundredths."""
        return self.value * whole if self.share else self.value


@dataclass(frozen=True, slots=True)
class Measure:
    """What is credited: the amount of deals, or their number, where attributes hold one of the given values."""

    name: str
    counted: bool = False
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """From `start` on, a unit of credit earns `rate`, or `factor` times the base rate.

    A retroactive tier, once reached, sets the rate of everything from the first unit on.
    """

    start: Size
    factor: Fraction | None = None
    rate: Fraction | None = None
    retroactive: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a payout curve: at this credit, this pay."""

    at: Size
    pay: Size


@dataclass(frozen=True, slots=True)
class Threshold:
    """Below `at` nothing is paid; from there on everything, or (`above`) only what lies above it."""

    at: Size
    above: bool = False


@dataclass(frozen=True, slots=True)
class Component:
    """One source of pay: credit of a measure, against its quota, through tiers or a curve.

    Parameters
    ----------
    name, measure : str
        Its name, and what is measured.
    rate : Fraction, optional
        Base rate: pay for a unit of credit.
    target : Fraction, optional
        Target incentive of a year, hundredths: what is paid at 100 % of quota at the base rate. The base rate is then
        the span's target over the span's quota.
    year_to_date : bool
        Work pay out on the fiscal year to date and pay what was not paid before; otherwise every period stands alone.
    to_date : bool
        Measure the year to date against the quota of the periods so far instead of the whole year's.
    threshold, tiers, curve
        How credit becomes pay. The first tier starts at zero; tiers and curve exclude each other.
    extend : bool
        Go on beyond the last point of the curve with its last slope; otherwise pay stays there.
    minimum, cap : Size, optional
        Least and most pay of a span; a share is one of the span's target incentive.
    spif : bool
        Whether it is a SPIF, for the words of the explanation.
    """

    name: str
    measure: str
    rate: Fraction | None = None
    target: Fraction | None = None
    year_to_date: bool = False
    to_date: bool = False
    threshold: Threshold | None = None
    tiers: tuple[Tier, ...] = (Tier(Size(Fraction(0)), factor=Fraction(1)),)
    curve: tuple[Point, ...] = ()
    extend: bool = False
    minimum: Size | None = None
    cap: Size | None = None
    spif: bool = False

    @property
    def needs_quota(self) -> bool:
        """Whether pay depends on a quota: without one the component then pays nothing."""
        if self.threshold is not None and self.threshold.at.share:
            return True
        if self.curve:
            return any(point.at.share for point in self.curve)
        based = self.rate is None and any(tier.rate is None for tier in self.tiers)
        return based or any(tier.start.share and tier.start.value > 0 for tier in self.tiers)


@dataclass(frozen=True, slots=True)
class Step:
    """A point of a multiplier: at this attainment, times this."""

    at: Fraction
    times: Fraction


@dataclass(frozen=True, slots=True)
class Multiplier:
    """Pay of components is multiplied by what the attainment of another measure says.

    Between its steps it runs on a line, or (`stepped`) keeps the lower step's value; outside it stays level.
    """

    name: str
    measure: str
    steps: tuple[Step, ...]
    stepped: bool = False
    on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cap:
    """Most that all components together pay in a period or fiscal year; a share is one of the target incentive."""

    at: Size
    yearly: bool = False


@dataclass(frozen=True, slots=True)
class Draw:
    """A guaranteed pay of each period; if recoverable, what was advanced is taken from later pay above the draw."""

    amount: int
    recoverable: bool = True
    periods: int | None = None


@dataclass(frozen=True, slots=True)
class Clawback:
    """Whether pay is worked out again without deals cancelled later, up to how many periods after their own."""

    recompute: bool = True
    within: int | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """How deals become credit: at most `deal_cap` (hundredths) of each; `overlay` lets shares sum to more than one."""

    deal_cap: int | None = None
    overlay: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """The whole plan, checked."""

    name: str
    components: tuple[Component, ...]
    measures: Mapping[str, Measure]
    currency: str = ""
    periods_per_year: int = 4
    round_lines: bool = True
    multipliers: tuple[Multiplier, ...] = ()
    cap: Cap | None = None
    draw: Draw | None = None
    clawback: Clawback = Clawback()
    credit: Credit = Credit()

    @property
    def main(self) -> str:
        """The measure that a plain array of bookings is credited to: that of the first component."""
        return self.components[0].measure

    @property
    def read(self) -> tuple[str, ...]:
        """Measures that pay depends on, in the order in which the plan names them."""
        names = [part.measure for part in self.components] + [one.measure for one in self.multipliers]
        return tuple(dict.fromkeys(names))

    @property
    def with_quota(self) -> tuple[str, ...]:
        """Measures whose quota pay depends on."""
        names = [part.measure for part in self.components if part.needs_quota]
        return tuple(dict.fromkeys(names + [one.measure for one in self.multipliers]))

    @property
    def target(self) -> Fraction:
        """Target incentive of a year over all components, hundredths."""
        return sum((part.target for part in self.components if part.target is not None), Fraction(0))

    def factors(self, component: Component) -> tuple[Multiplier, ...]:
        """Return the multipliers that act on a component; SPIFs are multiplied only where named."""
        return tuple(one for one in self.multipliers if component.name in one.on or (not one.on and not component.spif))
