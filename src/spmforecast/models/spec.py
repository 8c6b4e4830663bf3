"""What to fit: a frozen specification, apart from anything learned from data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spmforecast.arrays import require
from spmforecast.models.growth import GROWTHS, STEADY
from spmforecast.models.holidays import named_holidays
from spmforecast.models.parametric.hazards import FREE, check_law

__all__ = ["RECORDED", "ModelSpec", "attributes"]

RECORDED = "recorded"
TAILS = ("empirical", "pareto", RECORDED)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Choices of the fit.

    Parameters
    ----------
    segment_by : str or tuple of str
        Deal attribute that separates the stage processes (conversion, speed, amount), or several that do so together,
        as in ``SMB · renewal``. Levels with fewer than `min_level_deals` deals are pooled as ``(other)``.
    amount_bands : tuple of float
        Quantiles of the amount at which deals are banded; larger deals win less often. Empty for no bands.
    min_level_deals : int
        Deals a level needs to be modelled on its own; shrinkage does the rest.
    max_age_bins : int
        Age-in-stage bins of the piecewise-constant hazard, the age of zero days and the plateau included.
    events_per_bin : int
        Exits an age bin should hold.
    plateau : float
        Share of the observed exits beyond whose age the hazard is frozen.
    law : str
        How the chance to move depends on the age in stage: ``piecewise`` (free in each age bin), a law by name
        (``exponential``, ``weibull``, ``lognormal``, ``log-logistic``, ``gamma``, ``gompertz``,
        ``generalized-gamma``, or one of the first four with ``-cure``), or ``aic`` for the best of every transition.
    half_life : float
        Quarters after which a day of the record counts half for how deals move; infinite for no decay.
    growth : str
        What growth of creation by a rep the forecast goes on with: ``steady`` (a few per cent a year at most), or
        ``free`` (as much as the record shows).
    amount_tail : str
        Tail of the amounts of won deals: ``empirical`` (hardly any is larger than the largest seen, and one far beyond
        all others counts for no more than the largest of so many usually is), ``recorded`` (each counts as it stands),
        or ``pareto``, a generalised Pareto law beyond the 95 % quantile where at least 30 won deals are that large.
    holidays : tuple of str, optional
        Days of the year on which the company works as it does on a weekend, named as in ``4 July``, ``Good Friday`` and
        ``the last Monday of May``; none where it is empty. By default they are learned from the record.

    Raises
    ------
    InputError
        If there is no such law, growth, tail or day of the year, or the half-life is not positive.
    """

    segment_by: str | tuple[str, ...] = "segment"
    amount_bands: tuple[float, ...] = (0.5, 0.8, 0.95)
    min_level_deals: int = 20
    max_age_bins: int = 12
    events_per_bin: int = 40
    plateau: float = 0.975
    law: str = FREE
    half_life: float = math.inf
    growth: str = STEADY
    amount_tail: str = "empirical"
    holidays: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_law(self.law)
        told = f"half-life must be a positive number of quarters, not {self.half_life!r}"
        mend = "Call evaluate.choose_half_life, or write half_life: choose under model in a scenario."
        given: object = self.half_life
        known = isinstance(given, (int, float)) and given > 0
        require(known, "scenario", told, "half_life", mend if given == "choose" else "")
        told = f"unknown growth {self.growth!r}; use one of {', '.join(GROWTHS)}"
        require(self.growth in GROWTHS, "scenario", told, "growth")
        told = f"unknown tail {self.amount_tail!r}; use one of {', '.join(TAILS)}"
        require(self.amount_tail in TAILS, "scenario", told, "amount_tail")
        named_holidays(self.holidays or ())


def attributes(segment_by: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the attributes that separate the stage processes, one or several."""
    return (segment_by,) if isinstance(segment_by, str) else segment_by
