"""What reps might do about their pay: three assumptions, each a switch that is off unless it is asked for.

None of them is estimated. Field evidence conflicts (Oyer 1998 and Larkin 2014 find deals moved between periods,
Steenburgh 2008 finds that bonuses mostly raise effort), so that each says in words what it assumes, and whoever uses
one prints these words beside every figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError, Problem
from spmforecast.plan.compensation.optimum import best_effort

if TYPE_CHECKING:
    from spmforecast.plan.compensation.plan import CompPlan

__all__ = ["Effort", "Elasticity", "Kink", "Reckoning", "Timing"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reckoning:
    """A plan with the periods that it is asked about.

    Parameters
    ----------
    plan : CompPlan
        The plan.
    periods : tuple of str, optional
        Labels of the periods.
    calendar : FiscalCalendar, optional
        Calendar years where absent.
    credits, quotas : mapping of str to array of float
        Credit and quota of the plan's other measures, which stay as they are.
    """

    plan: CompPlan
    periods: tuple[str, ...] | None = None
    calendar: FiscalCalendar | None = None
    credits: Mapping[str, npt.ArrayLike] = field(default_factory=dict)
    quotas: Mapping[str, npt.ArrayLike] = field(default_factory=dict)

    def payout(self, bookings: npt.ArrayLike, quota: npt.ArrayLike) -> Array:
        """Return pay (see :meth:`CompPlan.payout`)."""
        return self.plan.payout(*self._named(bookings, quota), periods=self.periods, calendar=self.calendar)

    def marginal(self, bookings: npt.ArrayLike, quota: npt.ArrayLike) -> Array:
        """Return marginal rates (see :meth:`CompPlan.marginal`)."""
        return self.plan.marginal(*self._named(bookings, quota), periods=self.periods, calendar=self.calendar)

    def _named(
        self, bookings: npt.ArrayLike, quota: npt.ArrayLike
    ) -> tuple[dict[str, npt.ArrayLike], dict[str, npt.ArrayLike]]:
        main = self.plan.terms.main
        return {**self.credits, main: bookings}, {**self.quotas, main: quota}


class Effort(Protocol):
    """An assumption on how bookings answer to pay."""

    @property
    def assumption(self) -> str:
        """What is assumed, in a sentence."""

    def respond(self, pay: Reckoning, bookings: Array, quota: Array) -> Array:
        """Return bookings as they would be, of the shape (trials, reps, periods) that was given."""


@dataclass(frozen=True)
class Elasticity:
    """Bookings scale with the marginal rate: ``S * (average marginal rate / reference rate) ** elasticity``.

    Parameters
    ----------
    elasticity : float
        0 changes nothing.
    reference : float
        Marginal rate at which bookings are as forecast.

    Raises
    ------
    InputError
        If the reference rate is not positive or the elasticity negative.
    """

    elasticity: float
    reference: float

    def __post_init__(self) -> None:
        _refuse("elasticity", self.elasticity >= 0, "must not be negative", self.elasticity)
        _refuse("reference", self.reference > 0, "must be positive", self.reference)

    @property
    def assumption(self) -> str:
        """What is assumed, in a sentence."""
        return (
            f"Assumed, not estimated: a rep's bookings rise by {self.elasticity:g} % for each 1 % by which the average "
            f"marginal rate exceeds {self.reference:.4g}."
        )

    def respond(self, pay: Reckoning, bookings: Array, quota: Array) -> Array:
        """Scale each rep's and period's bookings; the rate is averaged over the draws before the response."""
        rate = pay.marginal(bookings, quota).mean(axis=0)
        return np.asarray(bookings * (rate / self.reference) ** self.elasticity)


@dataclass(frozen=True)
class Kink:
    """Reps choose effort once, ahead of the period, against a rate that rises at quota and a bonus paid there.

    Bookings are ``b e + sd * noise`` with normal noise, effort costs ``c e**2 / 2``, and effort 1, which gives the
    forecast, is what the rate alone calls for. The best effort solves
    ``b [r + (a - r)(1 - Phi(z)) + B phi(z) / sd] = c e`` with ``z = (quota - b e) / sd``; of several solutions the one
    with the largest utility is taken.

    Parameters
    ----------
    rate, accelerated : float
        Pay for a unit of bookings below and above quota.
    bonus : float
        Paid where quota is reached.

    Raises
    ------
    InputError
        If the rate is not positive, or the accelerated rate or the bonus is negative.
    """

    rate: float
    accelerated: float
    bonus: float = 0.0

    def __post_init__(self) -> None:
        _refuse("rate", self.rate > 0, "must be positive", self.rate)
        _refuse("accelerated", self.accelerated >= 0, "must not be negative", self.accelerated)
        _refuse("bonus", self.bonus >= 0, "must not be negative", self.bonus)

    @property
    def assumption(self) -> str:
        """What is assumed, in a sentence."""
        return (
            f"Assumed, not estimated: reps choose effort against {self.rate:.4g} below quota, {self.accelerated:.4g} "
            f"above and a bonus of {self.bonus:,.0f} at quota; its cost is quadratic, bookings are normal around it."
        )

    def respond(self, pay: Reckoning, bookings: Array, quota: Array) -> Array:  # noqa: ARG002 - the switch states its own rates
        """Shift each rep's and period's draws by what the chosen effort changes in their mean."""
        mean, sd = bookings.mean(axis=0), bookings.std(axis=0)
        asked = np.broadcast_to(quota, mean.shape)
        shift = np.zeros(mean.shape)
        for cell in zip(*np.nonzero((mean > 0) & (sd > 0) & (asked > 0)), strict=True):
            chosen = best_effort(
                self.rate,
                self.accelerated,
                self.bonus,
                float(asked[cell]),
                slope=float(mean[cell]),
                sd=float(sd[cell]),
                cost=float(mean[cell]) * self.rate,
            )
            shift[cell] = mean[cell] * (chosen.effort - 1)
        return np.asarray(np.maximum(bookings + shift, 0.0))


@dataclass(frozen=True)
class Timing:
    """Deals near the end of a period may be booked in the period beside it, where that pays the rep more.

    Parameters
    ----------
    fraction : float
        Share of the bookings within the window that can be moved.
    late, early : array of float, shape (trials, reps, periods)
        Bookings within the window before the end, and after the start, of each period
        (:func:`~spmforecast.plan.compensation.windows.windows`).
    days : int
        Length of the window, for the words.

    Raises
    ------
    InputError
        If the fraction is none or shapes differ.
    """

    fraction: float
    late: Array
    early: Array
    days: int

    def __post_init__(self) -> None:
        _refuse("fraction", 0 <= self.fraction <= 1, "must be between 0 and 1", self.fraction)
        _refuse("early", self.late.shape == self.early.shape, "shapes differ", self.early.shape)

    @property
    def assumption(self) -> str:
        """What is assumed, in a sentence."""
        return (
            f"Assumed, not estimated: {100 * self.fraction:g} % of what is booked within {self.days} days of the end "
            "of a period moves to the period beside it where that pays the rep more; the sum of bookings stays."
        )

    def respond(self, pay: Reckoning, bookings: Array, quota: Array) -> Array:
        """Move bookings over each boundary in turn, in the direction that pays most, or not at all."""
        _refuse("late", self.late.shape == bookings.shape, "shapes differ from the bookings'", self.late.shape)
        now = bookings
        for period in range(bookings.shape[2] - 1):
            moves = (
                np.zeros(bookings.shape[:2]),
                -self.fraction * self.late[..., period],
                self.fraction * self.early[..., period + 1],
            )
            tried = [_moved(now, period, amount) for amount in moves]
            paid = np.stack([pay.payout(one, quota).sum(axis=2) for one in tried])
            gain = np.where(paid - paid[0] > 0.005, paid, -np.inf)  # less than a cent moves nobody
            gain[0] = paid[0]
            best = gain.argmax(axis=0)
            now = np.choose(best[..., None], tried)
        return np.asarray(now)


def _moved(bookings: Array, period: int, amount: Array) -> Array:
    """Move an amount from the next period into this one; a negative one the other way."""
    out = bookings.copy()
    out[..., period] += amount
    out[..., period + 1] -= amount
    return out


def _refuse(name: str, right: bool, told: str, value: object) -> None:
    if not right:
        raise InputError(Problem("effort", told, "Change it.", column=name, value=str(value)))
