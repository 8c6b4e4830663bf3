"""Adjustments: typed statements of what the future will be unlike the past in, and for whom and when.

They change nothing of a fit. Whoever simulates applies each at its own place: chances to be won, speed, amounts,
creation, people. An adjustment without a scope concerns everybody, from the as-of date on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

__all__ = [
    "Adjustment",
    "Attrition",
    "DealOutcome",
    "Faster",
    "HandOver",
    "Hire",
    "Larger",
    "Leave",
    "Likelier",
    "More",
    "Ramp",
    "Scope",
]


@dataclass(frozen=True)
class Scope:
    """For whom and when an adjustment holds.

    Parameters
    ----------
    where : mapping of str to tuple of str
        Attributes of deals and the values that are meant, for instance ``{"segment": ("SMB",)}``; all must hold.
    since, until : pandas.Timestamp or None
        First and last day; open ends reach the ends of the horizon.
    """

    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: pd.Timestamp | None = None
    until: pd.Timestamp | None = None


@dataclass(frozen=True)
class Likelier:
    """Deals are won more often: the chance to be won in each period is multiplied.

    Parameters
    ----------
    factor : float
        Multiplier of the chance, at least 0; no chance grows beyond what can end by then.
    points : float
        Added to the chance to be won within the horizon, spread over the periods as the chance is.
    scope : Scope
        Deals, by the period of the win.
    """

    factor: float = 1.0
    points: float = 0.0
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True)
class Faster:
    """Deals move at another pace: every stay in a stage is multiplied in length.

    Parameters
    ----------
    factor : float
        Multiplier of the time, above 0.
    scope : Scope
        Deals, and days on which they move so.
    """

    factor: float
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True)
class Larger:
    """Won deals have other amounts.

    Parameters
    ----------
    factor : float
        Multiplier of the amount, at least 0.
    amount : float
        Added to each amount after that; none falls below 0.
    scope : Scope
        Deals, by the period of the win.
    """

    factor: float = 1.0
    amount: float = 0.0
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True)
class More:
    """More deals are created.

    Parameters
    ----------
    factor : float
        Multiplier of the number expected, at least 0.
    count : float
        Added to the number expected in each period, spread over those who create as their deals are.
    scope : Scope
        Deals, by the period of their creation.
    """

    factor: float = 1.0
    count: float = 0.0
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True)
class Hire:
    """Somebody starts to sell, ramps as newcomers do and has the productivity of one of whom nothing is known.

    Parameters
    ----------
    rep_id : str
        Name of the newcomer in the cells.
    start : pandas.Timestamp
        First day.
    territory_id, region, manager_id : str
        Where.
    """

    rep_id: str
    start: pd.Timestamp
    territory_id: str
    region: str
    manager_id: str


@dataclass(frozen=True)
class Leave:
    """Somebody stops selling on a day; nobody follows, unless a hire is stated too.

    Parameters
    ----------
    rep_id : str
        Who.
    day : pandas.Timestamp
        First day without.
    heir : str or None
        Who takes the open deals over from that day on; they stay under the leaver's name where nobody is named.
    """

    rep_id: str
    day: pd.Timestamp
    heir: str | None = None


@dataclass(frozen=True)
class HandOver:
    """Open deals, and from then on deals to come, of some kind pass to somebody else.

    Parameters
    ----------
    to : str
        Owner who takes them over.
    scope : Scope
        Deals, from its first day on.
    """

    to: str
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True)
class Ramp:
    """Newcomers ramp at another pace: the months to full productivity are multiplied by `factor`, above 0."""

    factor: float


@dataclass(frozen=True)
class Attrition:
    """Reps leave at another rate: the hazard is multiplied by `factor`, or set to a yearly share."""

    factor: float = 1.0
    annual: float | None = None


@dataclass(frozen=True)
class DealOutcome:
    """What is known or supposed of one open deal.

    Parameters
    ----------
    opportunity_id : str
        Which.
    outcome : {"won", "lost"} or None
        How it ends; won in the period of `day`, or in the first.
    day : pandas.Timestamp or None
        When it is won.
    amount : float or None
        What it is won for.
    slip_days : int
        By how many days its win moves back (or forward, if negative) where no outcome is stated.
    """

    opportunity_id: str
    outcome: str | None = None
    day: pd.Timestamp | None = None
    amount: float | None = None
    slip_days: int = 0


Adjustment = Likelier | Faster | Larger | More | Hire | Leave | HandOver | Ramp | Attrition | DealOutcome
"""Any of them."""
