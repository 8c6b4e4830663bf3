"""Order sizes, cancellations, and how much a rep's bookings scatter around their expectation.

Independent orders would scatter with a variance of mean times ``E[X²] / E[X]``, *X* being the size of an order. Where
accounts buy regularly, bookings scatter less, as if orders were more and smaller; where they come in bursts, more. The
*unit* (variance over mean) is estimated from a rep's quarters against the quarters around them; what grows with the
square of the mean is a frailty of the rep's quarter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.tables import empty_frame
from spmforecast.models.amounts import AmountLaw, AmountModel, fit_amounts
from spmforecast.models.bookings.levels import smoothed_levels
from spmforecast.models.profiles import Profiles

__all__ = ["Noise", "OrderSizes", "fit_noise", "fit_sizes", "weight_around"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CELLS_PRIOR = 12.0  # rep-quarters that the scatter of independent orders is worth
_SHARES = np.geomspace(0.1, 1.5, 28)
_SPREADS = np.linspace(0.0, 0.7, 15)  # standard deviation of the frailty
_SPREAD_PRIOR_SD = 0.15  # as for teams, half-normal
_FRAILTY_PRIOR = 0.01
_MOST_CANCELLED = 0.8


@dataclass(frozen=True)
class OrderSizes:
    """Laws of the sizes of orders and of cancellations.

    Parameters
    ----------
    orders : AmountModel
        A row for each rep, the last one for people to be hired.
    cancellations : AmountLaw
        One row.
    cancelled : float
        Cancellations as a share of what is booked before them.
    count, cancellation_count : int
        Orders and cancellations on record.
    unit : float
        Variance over mean of net bookings if all orders came independently of each other.
    """

    orders: AmountModel
    cancellations: AmountLaw
    cancelled: float
    count: int
    cancellation_count: int
    unit: float


def fit_sizes(owner: Ints, amount: Array, owners: int) -> OrderSizes:
    """Fit the laws of sizes.

    Parameters
    ----------
    owner : array of int, shape (orders,)
        Rep of each order.
    amount : array of float, shape (orders,)
        Net amount; negative for cancellations.
    owners : int
        Number of reps.

    Returns
    -------
    OrderSizes
    """
    good, back = amount > 0, amount < 0
    orders = _laws(owner[good], amount[good], owners + 1)
    cancellations = _laws(np.zeros(int(back.sum()), dtype=np.int64), -amount[back], 1)
    gross, lost = float(amount[good].sum()), float(-amount[back].sum())
    cancelled = min(lost / gross, _MOST_CANCELLED) if gross > 0 else 0.0
    square = float((amount**2).sum())
    net = max(gross - lost, (1 - _MOST_CANCELLED) * gross)
    return OrderSizes(
        orders=orders,
        cancellations=cancellations.won,
        cancelled=cancelled,
        count=int(good.sum()),
        cancellation_count=int(back.sum()),
        unit=square / net if net > 0 else 1.0,
    )


def _laws(owner: Ints, amount: Array, owners: int) -> AmountModel:
    """Laws of positive amounts, a row for each owner, small ones leaning on all: as for won deals."""
    deals = pd.DataFrame({"opportunity_id": np.arange(len(amount)).astype(str), "status": "won", "amount": amount})
    names = tuple(str(index) for index in range(owners))
    table = np.stack([np.arange(owners), np.zeros(owners, dtype=np.int64)], axis=1)
    groups = Profiles(names, np.empty(0), table, owner, owner, np.full(len(amount), np.nan))
    return fit_amounts(deals, empty_frame("stage_history"), groups)


@dataclass(frozen=True)
class Noise:
    """Scatter of a rep's bookings around their expectation.

    Parameters
    ----------
    unit : float
        Variance over mean, in money.
    share : float
        `unit` relative to that of independent orders: orders are drawn this much smaller and that much more often.
    frailty : float
        Variance of the multiplier of a rep's quarter.
    cells : int
        Rep-quarters behind it.
    """

    unit: float
    share: float
    frailty: float
    cells: int

    def of_part(self, part: npt.ArrayLike) -> Array:
        """Scatter of parts of a quarter, of any shape, over that of whole ones.

        Where accounts buy regularly, a quarter's orders scatter less than independent ones, but not the days on which
        they come: a share *f* of them, taken at random, has the variance over the mean of ``1 - f (1 - share)`` times
        that of independent orders (thinning).
        """
        return np.asarray((1.0 - np.asarray(part) * (1.0 - self.share)) / self.share)

    @property
    def unit_of_month(self) -> float:
        """Variance over mean of a month, in money."""
        return self.unit * float(self.of_part(1.0 / 3.0))

    def in_quarters(self, strength: float) -> float:
        """Count a prior's strength, given in units of months, in those of whole quarters."""
        return strength * self.unit_of_month / self.unit

    @property
    def log_error(self) -> float:
        """Standard error of the log of the unit."""
        return float(np.sqrt(2.0 / (self.cells + _CELLS_PRIOR)))


def fit_noise(amount: Array, expected: Array, strength: float, memory: float, unit: float, independent: float) -> Noise:
    """Estimate the scatter from quarters of each rep against the quarters around them.

    Parameters
    ----------
    amount, expected : array of float, shape (reps, months)
        Net bookings, and those expected of an average rep.
    strength, memory : float
        Of the levels, by month and in units.
    unit, independent : float
        The present estimate of the unit, and what independent orders would give.

    Returns
    -------
    Noise
    """
    seen, hoped = _quarters(amount), _quarters(expected)
    fallback = Noise(independent, 1.0, _FRAILTY_PRIOR, 0)
    if seen.shape[1] < 3:
        return fallback
    faded = memory**3
    level = smoothed_levels(seen / unit, hoped / unit, strength, faded, leave_out=True)
    mean = hoped * level
    around = weight_around(hoped, faded)
    doubt = 1.0 + hoped / (strength * unit + around)
    used = (hoped > 0) & (around > 0) & (mean > 0.5 * independent)
    cells = int(used.sum())
    if cells < 4:
        return fallback
    size = mean[used] / independent
    square = (seen - mean)[used] ** 2 / (mean * doubt)[used] / independent
    share, frailty = _weighed(square, size)
    return Noise(share * independent, share, frailty, cells)


def _weighed(square: Array, size: Array) -> tuple[float, float]:
    """Average share and frailty by their posterior on a grid.

    Cells of one size cannot tell the two apart, and a best fit would jump from one to the other.

    Parameters
    ----------
    square : array of float, shape (cells,)
        Squared residuals over what is expected, in units of independent orders.
    size : array of float, shape (cells,)
        What is expected, in the same units.

    Returns
    -------
    tuple of float
        Geometric mean of the share, mean of the frailty.
    """
    share, spread = (grid.ravel() for grid in np.meshgrid(_SHARES, _SPREADS, indexing="ij"))
    # Independent orders, seen as often as the prior says: their squared residual is one.
    log_posterior = -0.5 * _CELLS_PRIOR * (np.log(share) + 1.0 / share) - 0.5 * (spread / _SPREAD_PRIOR_SD) ** 2
    # Cells of few orders scatter wildly; large ones tell most.
    weight = size / (size + 1.0)
    for of_square, of_size, of_weight in zip(square, size, weight, strict=True):
        variance = share + spread**2 * of_size
        log_posterior -= 0.5 * of_weight * (np.log(variance) + of_square / variance)
    posterior = np.exp(log_posterior - log_posterior.max())
    posterior /= posterior.sum()
    return float(np.exp(posterior @ np.log(share))), float(posterior @ spread**2)


def _quarters(value: Array) -> Array:
    """Add up runs of three months, the last ones first of all."""
    whole = value.shape[1] // 3
    return np.asarray(value[:, value.shape[1] - 3 * whole :].reshape(len(value), whole, 3).sum(axis=2))


def weight_around(hoped: Array, memory: float) -> Array:
    """Work out the faded expectation of the other quarters, shape of `hoped` (reps, quarters)."""
    steps = np.arange(hoped.shape[1])
    fade = memory ** np.abs(steps[:, None] - steps[None, :]).astype(np.float64)
    return np.asarray(hoped @ (fade - np.eye(len(steps))))
