"""How numbers are written on the page: sensible units, thousands separators, a dash for what is not known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from spmforecast import display

__all__ = [
    "MISSING",
    "Scale",
    "amount",
    "between",
    "chance",
    "count",
    "percent",
    "plan_chance",
    "share",
    "significant",
    "tally",
]

MISSING = "–"
_NBSP = "\u00a0"  # keeps a number and its unit on one line
_UNITS = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))


def _unit(size: float) -> tuple[float, str]:
    """Return divisor and letter; amounts below 10,000 are written in full."""
    if not math.isfinite(size) or abs(size) < 9_995:
        return 1.0, ""
    rounded = abs(float(f"{size:.3g}"))  # 999,950 is 1.00 M, not 1,000 k
    return next(unit for unit in _UNITS if rounded >= unit[0])


def _fixed(value: float, decimals: int) -> str:
    """Write a number with thousands separators, a true minus sign and no negative zero."""
    return f"{value:z,.{decimals}f}".replace("-", "−")


def _decimals(value: float) -> int:
    rounded = abs(float(f"{value:.3g}"))
    return 0 if rounded >= 100 else 1 if rounded >= 10 else 2


def _three(value: float) -> str:
    """Write a number of ordinary size to three significant digits without an exponent."""
    return _fixed(value, _decimals(value))


def amount(value: float, currency: str = "") -> str:
    """Write an amount for a sentence: ``4.31 M EUR``, ``431 k EUR``, ``1,234 EUR``, with no line break in it."""
    if not math.isfinite(value):
        return MISSING
    divisor, letter = _unit(value)
    text = _fixed(value, 0) if divisor == 1 else _three(value / divisor)
    return _NBSP.join(part for part in (text, letter, currency) if part)


def between(low: float, high: float, currency: str = "") -> str:
    """Write an interval in one unit: ``between 3.90 and 4.80 M EUR``."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"between {MISSING} and {MISSING}"
    divisor, letter = _unit(max(abs(low), abs(high)))
    decimals = 0 if divisor == 1 else _decimals(max(abs(low), abs(high)) / divisor)
    texts = [_fixed(value / divisor, decimals) for value in (low, high)]
    return f"between {texts[0]} and {_NBSP.join(part for part in (texts[1], letter, currency) if part)}"


def percent(value: float) -> str:
    """Write a probability as a whole percentage, a dash where it is not known."""
    return display.percent(value).replace("-", "−").replace(" ", _NBSP) if math.isfinite(value) else MISSING


def chance(value: float, certain: bool = False) -> str:
    """Write a chance counted in draws, which none or all of them do not make certain; a dash where it is not known."""
    return display.chance(value, certain).replace(" ", _NBSP) if math.isfinite(value) else MISSING


def plan_chance(value: float, sd: float, booked: float, plan: float) -> str:
    """Write the chance to reach a plan; see :func:`spmforecast.display.plan_chance`."""
    return display.plan_chance(value, sd, booked, plan).replace(" ", _NBSP) if math.isfinite(value) else MISSING


def share(value: float) -> str:
    """Write a share as a percentage with one decimal, a dash where it is not known."""
    return f"{_fixed(100 * value, 1)}{_NBSP}%" if math.isfinite(value) else MISSING


def count(value: float, decimals: int = 0) -> str:
    """Write a number of things, a dash where it is not known."""
    return _fixed(value, decimals) if math.isfinite(value) else MISSING


def tally(value: float) -> str:
    """Write a mean number of things: with a decimal while it is small."""
    return count(value, 0 if abs(value) >= 100 else 1)


def significant(value: float, digits: int = 3) -> str:
    """Write any number to some significant digits or to the unit, never with an exponent."""
    if not math.isfinite(value):
        return MISSING
    if value == 0 or abs(value) >= 10 ** (digits - 1):
        return _fixed(value, 0)
    decimals = min(digits - 1 - math.floor(math.log10(abs(value))), 6)
    return _fixed(value, decimals)


@dataclass(frozen=True, slots=True)
class Scale:
    """The unit in which one table or one axis writes its amounts.

    Parameters
    ----------
    divisor : float
        Amounts are divided by it.
    decimals : int
        Digits after the point.
    unit : str
        In words, ``thousand EUR``.
    """

    divisor: float
    decimals: int
    unit: str

    @classmethod
    def fitting(cls, values: Iterable[float], currency: str) -> Scale:
        """Choose the unit by the largest of the amounts."""
        largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
        if largest < 2e5:
            return cls(1.0, 0, currency)
        word, divisor = ("thousand", 1e3) if largest < 1e9 else ("million", 1e6)
        decimals = 1 if largest < 1e7 or divisor == 1e6 else 0
        return cls(divisor, decimals, f"{word} {currency}".rstrip())

    def text(self, value: float) -> str:
        """Write an amount in this unit, which the caption names."""
        return _fixed(value / self.divisor, self.decimals) if math.isfinite(value) else MISSING

    @property
    def caption(self) -> str:
        """Say the unit: ``amounts in thousand EUR``, or nothing where there is none."""
        return f"amounts in {self.unit}" if self.unit else ""
