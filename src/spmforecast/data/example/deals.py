"""The open deals of the example company: flat arrays over every future, and how a deal is born."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from spmforecast.data.example import figures as fig
from spmforecast.data.example.clock import Today
from spmforecast.data.example.figures import Floats, Ints

__all__ = ["AGREED", "FORGOTTEN", "GHOSTED", "LIVE", "Deals", "new_deals", "snap_due"]

# What nobody in the company sees of an open deal: it wanders; its buyer agreed and has only to sign; its buyer is
# gone and it waits for somebody to clean up; its buyer is gone and nobody will ever close it.
LIVE, AGREED, GHOSTED, FORGOTTEN = 0, 1, 2, 3


@dataclass(slots=True)
class Deals:
    """Open deals, an entry each.

    Parameters
    ----------
    future, number : numpy.ndarray of int
        Future the deal lives in; its number in the company's records, -1 where none are kept.
    home, rep : numpy.ndarray of int
        Flat index of its seat (future x seats + seat); number of its owner.
    segment, source, product, stage : numpy.ndarray of int
        Codes, see :mod:`~spmforecast.data.example.figures`.
    phase : numpy.ndarray of int
        ``LIVE``, ``AGREED``, ``GHOSTED`` or ``FORGOTTEN``.
    due : numpy.ndarray of int
        Day on which its owner expects it to close.
    quality, pace, lean, interest : numpy.ndarray of float
        Hidden quality, speed, drift and level of the buyer's interest.
    list_price, discount : numpy.ndarray of float
        Price before discount; share taken off, missing before Negotiation.
    category : numpy.ndarray of int
        Forecast category.
    """

    future: Ints
    number: Ints
    home: Ints
    rep: Ints
    segment: Ints
    source: Ints
    product: Ints
    stage: Ints
    phase: Ints
    due: Ints
    quality: Floats
    pace: Floats
    lean: Floats
    interest: Floats
    list_price: Floats
    discount: Floats
    category: Ints

    def __len__(self) -> int:
        return len(self.future)

    def take(self, which: npt.NDArray[np.bool_] | Ints) -> Deals:
        """Return the chosen deals."""
        rows = np.flatnonzero(which) if which.dtype == np.bool_ else which
        return Deals(*(column.take(rows) for column in _columns(self)))

    def join(self, other: Deals) -> Deals:
        """Return these deals and the other ones."""
        if not len(other):
            return self
        return Deals(*(np.concatenate(pair) for pair in zip(_columns(self), _columns(other), strict=True)))

    def fork(self, n: int, seats: int) -> Deals:
        """Return `n` copies of one future's deals, each at home in a future of its own."""
        copy = Deals(*(np.tile(column, n) for column in _columns(self)))
        copy.future = np.repeat(np.arange(n), len(self))
        copy.home = copy.home + copy.future * seats
        return copy

    def amounts(self) -> Floats:
        """Return what each deal is worth as it stands, discount taken off, to the cent."""
        return np.round(self.list_price * (1.0 - np.where(np.isnan(self.discount), 0.0, self.discount)), 2)


_columns: Callable[[Deals], tuple[Any, ...]] = attrgetter(*(field.name for field in fields(Deals)))


def snap_due(due: Ints, today: int, rng: np.random.Generator) -> Ints:
    """Move about half of the expected close dates to their month's end, as people do; never before tomorrow."""
    days = due.astype("datetime64[D]")
    end = (days.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    snapped = np.where(rng.random(len(due)) < 0.5, end.astype(np.int64), due)
    return np.maximum(snapped, today + 1)


def new_deals(home: Ints, rep: Ints, seats: int, now: Today, tail: float, rng: np.random.Generator) -> Deals:
    """Open one deal on each seat named.

    Parameters
    ----------
    home, rep : numpy.ndarray of int, shape (n,)
        Flat index of the seat and number of the owner.
    seats : int
        Seats of the company.
    now : Today
        The day.
    tail : float
        Heaviness of the amounts' tail.
    rng : numpy.random.Generator
        Where the luck comes from.

    Returns
    -------
    Deals
        Without numbers.
    """
    n = len(home)
    segment = _pick(fig.SEGMENT_SHARE, n, rng)
    source = _pick(fig.SOURCE_SHARE, n, rng)
    product = _pick(fig.PRODUCT_SHARE, n, rng)
    quality = rng.standard_normal(n)
    price = _prices(segment, product, now.years, tail, rng)
    stage = ((source == 0) & (rng.random(n) < fig.ENTERS_QUALIFIED)).astype(np.int64)
    expected = fig.EXPECTED_DAYS[segment] * np.exp(0.35 * rng.standard_normal(n)) * np.where(stage == 1, 0.8, 1.0)
    return Deals(
        future=home // seats,
        number=np.full(n, -1, dtype=np.int64),
        home=home,
        rep=rep,
        segment=segment,
        source=source,
        product=product,
        stage=stage,
        phase=np.full(n, LIVE, dtype=np.int64),
        due=snap_due(now.day + np.rint(expected).astype(np.int64), now.day, rng),
        quality=quality,
        pace=np.exp(fig.QUALITY_PACE * quality + fig.PACE_SPREAD * rng.standard_normal(n)),
        lean=_lean(segment, source, quality, price),
        interest=np.zeros(n),
        list_price=price,
        discount=np.full(n, np.nan),
        category=np.zeros(n, dtype=np.int64),
    )


def _pick(shares: Floats, n: int, rng: np.random.Generator) -> Ints:
    return np.searchsorted(np.cumsum(shares)[:-1], rng.random(n), side="right").astype(np.int64)


def _prices(segment: Ints, product: Ints, years: float, tail: float, rng: np.random.Generator) -> Floats:
    n = len(segment)
    boost = np.where(rng.random(n) < 0.05, rng.standard_exponential(n) * tail, 0.0)
    log = fig.AMOUNT_SPREAD[segment] * rng.standard_normal(n) + boost + fig.PRICE_TREND * years
    price = fig.TYPICAL_AMOUNT[segment] * fig.PRODUCT_PRICE[product] * np.exp(log)
    rounded: Floats = np.maximum(np.round(price, -2), 500.0)
    return rounded


def _lean(segment: Ints, source: Ints, quality: Floats, price: Floats) -> Floats:
    size = np.log(price / fig.TYPICAL_AMOUNT[segment])
    huge = np.where(price > fig.HUGE_AMOUNT, fig.HUGE_LEAN, 0.0)
    lean: Floats = (
        fig.LEAN[segment]
        + fig.SOURCE_LEAN[source]
        + fig.QUALITY_LEAN * quality
        + fig.LARGE_LEAN * np.clip(size, -2.0, 3.0)
        + huge
    )
    return lean
