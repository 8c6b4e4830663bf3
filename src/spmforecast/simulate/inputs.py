"""What a block of trials needs, as plain arrays: made once, handed to every block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spmforecast.models.amounts import AmountLaw
from spmforecast.models.market import MarketModel
from spmforecast.simulate.cells import CellPlan, CreationCells
from spmforecast.simulate.outcomes import winning_chances
from spmforecast.simulate.quantiles import GammaTable, MoneyTable
from spmforecast.simulate.streams import Streams
from spmforecast.simulate.teams import TeamPlan
from spmforecast.simulate.trials import gamma_tables

__all__ = ["WORLDS", "NewDeals", "OpenDeals", "Resize", "SimulationInputs"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

WORLDS = 64  # draws of the fitted parameters; trial i lives in world i modulo this


@dataclass(frozen=True)
class Resize:
    """Amounts that are supposed to be others: what each win is multiplied by, and what is added.

    Parameters
    ----------
    factor, cents : array of float, shape (n, periods)
        For each deal or stream, by period of the win.
    """

    factor: Array
    cents: Array

    @classmethod
    def none(cls, count: int, periods: int) -> Resize:
        """Change nothing."""
        return cls(np.ones((count, periods)), np.zeros((count, periods)))

    def of(self, row: Ints | int, period: Ints, cents: Array) -> Array:
        """Return the amounts of winners, in whole cents and not below zero."""
        changed = np.rint(cents * self.factor[row, period] + self.cents[row, period])
        return np.asarray(np.maximum(changed, 0.0))


@dataclass(frozen=True)
class OpenDeals:
    """Deals open at the as-of date.

    Parameters
    ----------
    ids : tuple of str
        Deals.
    state : array of int, shape (deals,)
        Position of each deal's (profile, stage, age) in the tables.
    response : array of float, shape (states, periods)
        Change of the log speed of winning in a period for one unit of the market's level, at its mean.
    bend : array of float, shape (states, periods)
        By how much that bends as the level moves; see :func:`spmforecast.simulate.outcomes.bent`.
    win : array of float32, shape (worlds, states, periods)
        Integrated intensities of winning. From a fit they hold what is lost (a subdistribution hazard).
    lose : array of float32, shape (worlds or 1, states, periods)
        Those of losing, zero from a fit; an adjustment may lay losses beside. One world where all have the same.
    owner, segment, column : array of int, shape (deals,)
        Owner, segment, and first of the deal's cells (one for each period).
    log_amount : array of float, shape (deals,)
        As it stands, moved by what is still expected to happen to it in its stage; NaN where it is not known.
    partners : tuple of tuple of (int, float)
        For each deal, first cell and share of whoever shares it beside the leading rep.
    resize : Resize or None
        Other amounts, where they are supposed to be.
    """

    ids: tuple[str, ...]
    state: Ints
    response: Array
    bend: Array
    win: Floats
    lose: Floats
    owner: Ints
    segment: Ints
    column: Ints
    log_amount: Array
    partners: tuple[tuple[tuple[int, float], ...], ...]
    resize: Resize | None = None

    @cached_property
    def law(self) -> Ints:
        """Row of each deal's amount in the engine's table of laws: 0 where its present amount is known."""
        return np.where(np.isnan(self.log_amount), self.segment + 1, 0)

    @cached_property
    def shared(self) -> npt.NDArray[np.bool_]:
        """Whether somebody shares each deal beside the leading rep."""
        return np.array([bool(partners) for partners in self.partners], dtype=np.bool_)

    @cached_property
    def loses(self) -> bool:
        """Whether a clock of losing runs beside that of winning."""
        return bool(self.lose.any())

    @cached_property
    def whole(self) -> Floats:
        """Hazard of winning within the horizon, shape (states, worlds)."""
        return np.asarray(np.stack([one.sum(axis=1, dtype=np.float64) for one in self.win], axis=1), dtype=np.float32)

    @cached_property
    def share(self) -> Floats:
        """Most of the hazard within the horizon, over the worlds, that is there by each period's end.

        Shape (states, periods).
        """
        out = np.zeros(self.win.shape[1:], dtype=np.float32)
        for one in self.win:
            reached = np.cumsum(one, axis=1, dtype=np.float64)
            np.maximum(out, reached / np.maximum(reached[:, -1:], 1e-30), out=out, casting="same_kind")
        return out

    @cached_property
    def kept(self) -> Floats:
        """Most, over the worlds, of the chance not to be lost by each period's end, shape (states, periods)."""
        least = np.min([np.cumsum(one, axis=1, dtype=np.float64) for one in self.lose], axis=0)
        return np.asarray(np.exp(-least), dtype=np.float32)


@dataclass(frozen=True)
class NewDeals:
    """Deals not yet created.

    Parameters
    ----------
    cells : CreationCells
        Who creates what, and where it is counted.
    response, bend : array of float, shape (segments, cohorts, periods)
        As for open deals.
    win, lose : array of float32, shape (worlds, segments, cohorts, periods)
        Integrated intensities of a deal created in a cohort (a period), as for open deals.
    created : array of float, shape (sellers, leave days + 1, cohorts)
        Expected deals of each seller and cohort, in deals of average chance, given the day of leaving (the last entry:
        never).
    succeeded : array of float, shape (leave days + 1, cohorts)
        Expected deals of a successor of average productivity.
    vacant : array of float, shape (places, cohorts)
        Expected deals of those who will fill the seats that stand empty at the as-of date.
    leave_shape, leave_rate : float
        Gamma posterior of the hazard of leaving per day; shape zero: nobody leaves.
    creation_shape, creation_rate : array of float, shape (sellers,)
        Gamma posterior of each seller's productivity; posterior of each seller.
    creation_prior : float
        Strength of the prior that a successor's productivity is drawn from.
    dispersion : float
        Variance of the frailty of a seller and cohort.
    begins : array of int, shape (sellers,), or None
        Day of the horizon on which each begins to sell, 0 for those who do; before it nobody leaves. None: all do.
    ends : array of int, shape (sellers,), or None
        Day of the horizon from which each is supposed to be gone, with nobody to follow; its length for nobody.
    resize : Resize or None
        Other amounts by stream, where they are supposed to be.
    """

    cells: CreationCells
    response: Array
    bend: Array
    win: Floats
    lose: Floats
    created: Array
    succeeded: Array
    vacant: Array
    leave_shape: float
    leave_rate: float
    creation_shape: Array
    creation_rate: Array
    creation_prior: float
    dispersion: float
    begins: Ints | None = None
    ends: Ints | None = None
    resize: Resize | None = None


@dataclass(frozen=True)
class SimulationInputs:
    """Everything that a block of trials needs.

    Parameters
    ----------
    seed : int
        Seed of all streams.
    plan : CellPlan
        Cells and the bookings already known.
    open_deals, new_deals : OpenDeals, NewDeals
        What can still be won.
    owners : tuple of str
        Owners of open or new deals.
    win_shape, win_rate : array of float, shape (owners,)
        Gamma posterior of each owner's multiplier on winning.
    market : MarketModel or None
        Common shocks; None for none.
    month_shares : array of float, shape (periods, months)
        Months to come in each period.
    lived : array of float, shape (cohorts, periods, months)
        Months that a deal of a cohort has lived through by the end of a period; the first cohort stands for open deals.
    won_law, ratio_law : AmountLaw
        Amounts of won deals; final over present amounts.
    nothing : array of float, shape (segments,)
        Share of wins that bring nothing.
    location : array of float, shape (worlds, segments)
        Drawn errors of the log amounts' locations, less half their variance: the mean amount is not to grow with doubt.
    told : tuple of str
        What was found and chosen on the way, in words.
    teams : TeamPlan or None
        Shocks of single teams.
    """

    seed: int
    plan: CellPlan
    open_deals: OpenDeals
    new_deals: NewDeals
    owners: tuple[str, ...]
    win_shape: Array
    win_rate: Array
    market: MarketModel | None
    month_shares: Array
    lived: Array
    won_law: AmountLaw
    ratio_law: AmountLaw
    nothing: Array
    location: Array
    told: tuple[str, ...] = ()
    teams: TeamPlan | None = None

    @property
    def periods(self) -> int:
        """Number of periods to come."""
        return int(self.month_shares.shape[0])

    @property
    def worlds(self) -> int:
        """Draws of the fitted parameters."""
        return len(self.open_deals.win)

    def prepare(self) -> None:
        """Make all tables now, so that they go to other processes with the inputs and are not made again there."""
        if self.open_deals.loses:
            _ = self.open_deals.share, self.open_deals.kept
        for table in ("win_tables", "creation_tables", "heir_table", "leave_table", "money", "deal_keys", "deal_cents"):
            getattr(self, table)

    @cached_property
    def win_tables(self) -> tuple[GammaTable | None, ...]:
        """Law of each owner's multiplier on winning."""
        return gamma_tables(self.win_shape, self.win_rate)

    @cached_property
    def creation_tables(self) -> tuple[GammaTable | None, ...]:
        """Law of each seller's productivity."""
        return gamma_tables(self.new_deals.creation_shape, self.new_deals.creation_rate)

    @cached_property
    def heir_table(self) -> GammaTable | None:
        """Law of a successor's productivity."""
        prior = np.array([self.new_deals.creation_prior])
        return gamma_tables(prior, prior)[0]

    @cached_property
    def leave_table(self) -> GammaTable | None:
        """Law of the hazard of leaving; None where nobody leaves."""
        shape, rate = self.new_deals.leave_shape, self.new_deals.leave_rate
        return GammaTable.of(shape, rate) if shape > 0 else None

    @cached_property
    def money(self) -> MoneyTable:
        """Amount laws: final over present amounts, then a row for each segment."""
        laws = AmountLaw(np.concatenate([self.ratio_law.log_quantiles, self.won_law.log_quantiles]))
        location = np.pad(self.location, ((0, 0), (1, 0)))
        return MoneyTable.of(laws, np.append(0.0, self.nothing), location)

    @cached_property
    def settled(self) -> npt.NDArray[np.uint32]:
        """Undisturbed chance to be won by the end of each period, in steps of 2**-32.

        Shape (states, periods, worlds).
        """
        deals = self.open_deals
        chances = winning_chances(deals.win, deals.lose, np.ones(self.periods)).transpose(1, 2, 0)
        reached = np.rint(np.cumsum(chances, axis=1) * 2.0**32)
        return np.minimum(reached, 2.0**32 - 1).astype(np.uint32)

    @cached_property
    def deal_keys(self) -> npt.NDArray[np.uint64]:
        """Key of each open deal's stream, shape (deals, 2)."""
        streams = Streams(self.seed)
        keys = [streams.key("deal", name, "outcome") for name in self.open_deals.ids]
        return np.array(keys, dtype=np.uint64).reshape(-1, 2)

    @cached_property
    def deal_cents(self) -> Array:
        """Median amount in cents that each open deal would be won for."""
        deals, median = self.open_deals, self.money.base[self.open_deals.law]
        known = ~np.isnan(deals.log_amount)
        # The table's first row is the ratio of final to present amounts, in cents as the others.
        return np.where(known, np.exp(np.where(known, deals.log_amount, 0.0)) * median, median)
