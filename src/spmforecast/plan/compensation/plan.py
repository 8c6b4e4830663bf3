"""Compensation plans: read from YAML, and priced on bookings exactly or on whole arrays of draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.display import card
from spmforecast.errors import InputError, Problem
from spmforecast.plan.compensation.advance import apply_draw
from spmforecast.plan.compensation.arrays import Earnings, blocks
from spmforecast.plan.compensation.cents import to_hundredths
from spmforecast.plan.compensation.deals import earned_of, pay_by_deal
from spmforecast.plan.compensation.ledger import Ledger
from spmforecast.plan.compensation.load import load_terms, parse_terms
from spmforecast.plan.compensation.shapes import ByMeasure, grid_of, named, shaped
from spmforecast.plan.compensation.spans import Grid
from spmforecast.plan.compensation.statement import Statement, state
from spmforecast.plan.compensation.terms import Terms
from spmforecast.plan.compensation.words import facts, parts

__all__ = ["CompPlan"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CompPlan:
    """A compensation plan; made by :meth:`load` or :meth:`parse`.

    Parameters
    ----------
    terms : Terms
        What it says.

    Notes
    -----
    Credits are whole hundredths, every number of the plan is the decimal that is written, and pay is rounded half up to
    the cent. :meth:`payout` works on arrays and gives the same cents as the line-by-line reckoning of
    :meth:`statement`. The expected pay is the mean of the pay of draws, never the pay of mean bookings.
    """

    terms: Terms

    @classmethod
    def load(cls, path: str | Path) -> CompPlan:
        """Read a plan from a YAML file.

        Raises
        ------
        InputError
            With every problem at once: file, line and the nearest right key.
        """
        return cls(load_terms(path))

    @classmethod
    def parse(cls, text: str, name: str = "comp_plan.yaml") -> CompPlan:
        """Read a plan from its text; `name` is told in messages.

        Raises
        ------
        InputError
            As :meth:`load`.
        """
        return cls(parse_terms(text, name))

    @property
    def name(self) -> str:
        """Name of the plan."""
        return self.terms.name

    @property
    def measures(self) -> tuple[str, ...]:
        """Measures that pay depends on; the first is that of a plain array of bookings."""
        return self.terms.read

    @property
    def target_incentive(self) -> float:
        """Target incentive of a rep and year over all components; 0 where the plan pays by rates alone."""
        return float(self.terms.target / 100)

    def payout(
        self,
        bookings: ByMeasure,
        quota: ByMeasure | None = None,
        *,
        periods: Sequence[str] | None = None,
        active: npt.ArrayLike | None = None,
        calendar: FiscalCalendar | None = None,
    ) -> Array:
        """Return what is paid for bookings.

        Parameters
        ----------
        bookings : array-like, or mapping of measure to array-like
            Credited bookings, rounded to hundredths: draws of shape (trials, reps, periods); or (reps, periods); or
            a number or plain array, each entry of which is then a rep in one period of his own. Deal caps, splits and
            conditions of measures are questions of single deals: see :meth:`pay_ledger`.
        quota : array-like, or mapping of measure to array-like, optional
            Quota of each rep and period, of the shape of the bookings or of (reps, periods); NaN where there is none.
        periods : sequence of str, optional
            Labels of the periods, which say where fiscal years begin; where absent, the first period begins one. With
            labels, the entries of a plain array are the periods of one rep.
        active : array-like, optional
            Share of each period in which a rep is on the plan: scales the target incentive.
        calendar : FiscalCalendar, optional
            Calendar years where absent.

        Returns
        -------
        array of float, of the bookings' shape
            Pay to the cent, after caps and draws.

        Raises
        ------
        InputError
            If shapes do not fit, a measure is not given, bookings are not finite or quotas negative.
        """
        given = shaped(self.terms, bookings, quota, periods, active, calendar)
        pay = Earnings(given.grid)
        out = np.empty(given.whole)
        for block in blocks(*given.whole):
            credits = {name: to_hundredths(one[block]) for name, one in given.credits.items()}
            out[block] = apply_draw(self.terms.draw, pay.earned(credits))[0]
        out /= 100.0
        return out.reshape(given.shape)

    def marginal(
        self,
        bookings: ByMeasure,
        quota: ByMeasure | None = None,
        *,
        periods: Sequence[str] | None = None,
        active: npt.ArrayLike | None = None,
        calendar: FiscalCalendar | None = None,
    ) -> Array:
        """Return the marginal rate: what one more unit of the main measure pays, before the plan's cap and draws.

        Parameters
        ----------
        bookings, quota, periods, active, calendar
            As :meth:`payout`.

        Returns
        -------
        array of float, of the bookings' shape
            Jumps of retroactive tiers and thresholds have no rate and are left out.

        Raises
        ------
        InputError
            As :meth:`payout`.
        """
        given = shaped(self.terms, bookings, quota, periods, active, calendar)
        pay = Earnings(given.grid)
        out = np.empty(given.whole)
        for block in blocks(*given.whole):
            out[block] = pay.marginal({name: to_hundredths(one[block]) for name, one in given.credits.items()})
        return out.reshape(given.shape)

    def pay_ledger(
        self,
        ledger: Ledger,
        quota: ByMeasure | None = None,
        *,
        active: npt.ArrayLike | None = None,
        calendar: FiscalCalendar | None = None,
    ) -> Array:
        """Return what is paid for a ledger of deals, with deal caps, splits, conditions and clawbacks.

        Parameters
        ----------
        ledger : Ledger
            Won deals, of one trial or many.
        quota : array-like, or mapping of measure to array-like, optional
            Shape (reps, periods), in the order of the ledger's.
        active, calendar
            As :meth:`payout`.

        Returns
        -------
        array of float, shape (trials, reps, periods)
            Pay to the cent, after caps and draws.

        Raises
        ------
        InputError
            If the ledger lacks what a measure asks for, shares do not sum to one, or quotas do not fit.
        """
        grid = self._grid(ledger, quota, active, calendar)
        return apply_draw(self.terms.draw, earned_of(grid, ledger))[0] / 100.0

    def pay_deals(
        self,
        ledger: Ledger,
        quota: ByMeasure | None = None,
        *,
        active: npt.ArrayLike | None = None,
        calendar: FiscalCalendar | None = None,
    ) -> pd.DataFrame:
        """Return what each deal added to pay when it was won: pay with it less pay before it.

        The pays of a rep's deals sum to the period's pay of the component, so that the order of deals changes their
        lines and not the total. The plan's cap and draws are questions of the period and are not dealt out.

        Parameters
        ----------
        ledger, quota, active, calendar
            As :meth:`pay_ledger`.

        Returns
        -------
        pandas.DataFrame
            ``trial, deal, rep, period``, a column for each component, and ``pay``; rows as in the ledger.

        Raises
        ------
        InputError
            As :meth:`pay_ledger`.
        """
        return pay_by_deal(self._grid(ledger, quota, active, calendar), ledger)

    def statement(
        self,
        ledger: Ledger,
        quota: ByMeasure | None = None,
        *,
        active: npt.ArrayLike | None = None,
        calendar: FiscalCalendar | None = None,
    ) -> Statement:
        """Reckon exactly, line by line, what a company's ledger pays.

        Parameters
        ----------
        ledger : Ledger
            Won deals of one trial.
        quota, active, calendar
            As :meth:`pay_ledger`.

        Returns
        -------
        Statement

        Raises
        ------
        InputError
            As :meth:`pay_ledger`, and if the ledger has several trials.
        """
        if ledger.trials != 1:
            raise InputError(Problem("ledger", "a statement is of one trial", "Take the rows of one.", column="trial"))
        return state(self._grid(ledger, quota, active, calendar), ledger)

    def _grid(
        self, ledger: Ledger, quota: ByMeasure | None, active: npt.ArrayLike | None, calendar: FiscalCalendar | None
    ) -> Grid:
        asked = named(self.terms, quota, "quota", self.terms.with_quota)
        shape = (len(ledger.reps), len(ledger.periods))
        return grid_of(self.terms, asked, shape, ledger.periods, active, calendar)

    def __str__(self) -> str:
        return "\n".join(f"{part}: {told}" for part, told in parts(self.terms))

    def _repr_html_(self) -> str:
        return card(self.name, facts(self.terms), pd.DataFrame(parts(self.terms), columns=["part", "rule"]))
