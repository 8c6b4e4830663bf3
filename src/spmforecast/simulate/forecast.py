"""Forecast: sample paths and the cells they fall into. Every figure that anyone sees is computed from these draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar, calendar_of
from spmforecast.display import card
from spmforecast.errors import InputError, Problem
from spmforecast.simulate.drivers import Drivers
from spmforecast.simulate.tally import Ledger

__all__ = ["Forecast", "Totals"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Totals:
    """Draws added up over cells.

    Parameters
    ----------
    groups : pandas.DataFrame
        A row for each group.
    draws : array of float, shape (trials, groups)
        Sums.
    """

    groups: pd.DataFrame
    draws: Array


class Forecast:
    """Draws of bookings, trial by trial, and the frame that says what each column is.

    Parameters
    ----------
    draws : array-like of float, shape (trials, cells)
        Bookings.
    cells : pandas.DataFrame
        A row for each column of `draws`, with at least ``period``; usually also ``owner_id``, ``part`` (``won``,
        ``open``, ``new``) and levels such as ``region``.
    counts : array-like of float, shape (trials, cells), optional
        Number of wins.
    fiscal_year_start : int
        Month in which the fiscal year begins.
    deals : pandas.DataFrame, optional
        The open deals, one a row.
    calendar : FiscalCalendar, optional
        The whole fiscal calendar instead of `fiscal_year_start`, for instance one of weeks.
    ledger : Ledger, optional
        Winners one by one, for pay by deal.
    drivers : Drivers, optional
        What was drawn beside the luck of single deals: parameters and market.
    told : sequence of str
        How the draws were made, in words: what was found and chosen beside the fit.

    Raises
    ------
    InputError
        If the shapes do not fit, draws are not finite, or ``period`` is missing or wrong.
    """

    def __init__(
        self,
        draws: npt.ArrayLike,
        cells: pd.DataFrame,
        counts: npt.ArrayLike | None = None,
        fiscal_year_start: int = 1,
        deals: pd.DataFrame | None = None,
        calendar: FiscalCalendar | None = None,
        ledger: Ledger | None = None,
        drivers: Drivers | None = None,
        told: Sequence[str] = (),
    ) -> None:
        self.draws: Array = np.asarray(draws, dtype=np.float64)
        self.cells = cells.reset_index(drop=True)
        self.counts = None if counts is None else np.asarray(counts)
        self.calendar = calendar_of(fiscal_year_start, calendar)
        self.deals = deals
        self.ledger = ledger
        self.drivers = drivers
        self.told = tuple(told)
        _check(self)

    @property
    def trials(self) -> int:
        """Number of sample paths."""
        return int(self.draws.shape[0])

    @property
    def periods(self) -> list[str]:
        """Periods of the cells, in order of time."""
        return list(self._periods)

    @cached_property
    def _periods(self) -> tuple[str, ...]:
        labels = self.cells["period"].astype(str).unique()
        return tuple(sorted(labels, key=lambda label: self.calendar.period(label).start))

    @property
    def years(self) -> list[str]:
        """Fiscal years touched, in order."""
        return sorted({self.calendar.year_of(label) for label in self.periods})

    def totals(self, by: Sequence[str] | str = ("period",), counts: bool = False) -> Totals:
        """Add the draws up over all cells that agree in some columns.

        Parameters
        ----------
        by : sequence of str
            Columns of `cells`; empty for one grand total.
        counts : bool
            Add up numbers of wins instead of bookings.

        Returns
        -------
        Totals
            Groups in sorted order.

        Raises
        ------
        InputError
            If a column is unknown, or counts were not simulated.
        """
        source = self._source(counts)
        keys = [by] if isinstance(by, str) else list(by)
        unknown = [key for key in keys if key not in self.cells]
        if unknown:
            mend = f"Use one of: {', '.join(map(str, self.cells.columns))}."
            raise InputError(Problem("forecast", "cells have no such column", mend, value=key) for key in unknown)
        if not keys:
            return Totals(pd.DataFrame(index=[0]), source.sum(axis=1, dtype=np.float64)[:, None])
        keyed = self.cells[keys].astype(object)
        code = keyed.groupby(keys, sort=True, dropna=False).ngroup().to_numpy()
        groups = keyed.assign(_code=code).drop_duplicates("_code").sort_values("_code")
        out = np.zeros((len(source), len(groups)))
        for group in range(len(groups)):
            out[:, group] = source[:, code == group].sum(axis=1, dtype=np.float64)
        return Totals(groups.drop(columns="_code").reset_index(drop=True), out)

    def _source(self, counts: bool) -> npt.NDArray[np.floating]:
        if not counts:
            return self.draws
        if self.counts is None:
            raise InputError(Problem("forecast", "this forecast holds no numbers of wins", "Give counts to Forecast."))
        return self.counts

    def quantiles(
        self, by: Sequence[str] | str = ("period",), q: Sequence[float] | float = (0.1, 0.5, 0.9), counts: bool = False
    ) -> pd.DataFrame:
        """Quantiles of the sums over cells.

        Parameters
        ----------
        by : sequence of str
            Columns of `cells` to group by.
        q : sequence of float, or float
            Quantile levels, or one of them.
        counts : bool
            Of numbers of wins instead of bookings.

        Returns
        -------
        pandas.DataFrame
            A row for each group, indexed by `by`; a column for each quantile, named by its level. NumPy's default
            (linear) definition. Quantiles of groups do not add up; the draws do.
        """
        by = [by] if isinstance(by, str) else list(by)
        q = _quantile_levels(q)
        totals = self.totals(by, counts)
        values = np.quantile(totals.draws, q, axis=0).T
        groups = totals.groups
        index = pd.MultiIndex.from_frame(groups) if len(by) > 1 else pd.Index(groups.iloc[:, 0] if by else ["company"])
        return pd.DataFrame(values, index=index, columns=q)

    def period_draws(self, label: str, counts: bool = False) -> Array:
        """Company bookings of one period, or of a longer one that holds several, trial by trial.

        Parameters
        ----------
        label : str
            ``2025Q3``, ``2025`` or a month, as the calendar writes it.
        counts : bool
            Numbers of wins instead of bookings.

        Returns
        -------
        array of float, shape (trials,)

        Raises
        ------
        InputError
            If no cell lies within the period.
        """
        within = [own for own in self._periods if self.calendar.contains(label, own)]
        inside = self.cells["period"].astype(str).isin(within).to_numpy(dtype=bool)
        if not inside.any():
            raise InputError(
                Problem(
                    "forecast",
                    "the forecast does not reach this period",
                    f"It holds {', '.join(self.periods)}.",
                    value=label,
                )
            )
        return np.asarray(self._source(counts)[:, inside].sum(axis=1, dtype=np.float64))

    def p_plan(self, plan: Mapping[str, float]) -> pd.Series:
        """Share of draws at or above plan.

        Parameters
        ----------
        plan : mapping of str to float
            Target of each period; a fiscal year is judged by the sum of its periods.

        Returns
        -------
        pandas.Series
            Indexed by period.

        Raises
        ------
        InputError
            If the forecast does not reach a period, or a target is not a finite number.
        """
        targets = _targets(plan)
        # Half a cent of tolerance: sums of cents in floating point may fall a hair short of the plan they meet.
        reached = {
            str(label): float((self.period_draws(str(label)) >= target - 0.005).mean())
            for label, target in targets.items()
        }
        return pd.Series(reached, name="p_plan", dtype=np.float64).rename_axis("period")

    def __repr__(self) -> str:
        return f"Forecast({self.trials:,} trials × {len(self.cells):,} cells, {self.periods[0]} to {self.periods[-1]})"

    def _repr_html_(self) -> str:
        table = self.quantiles(["period"], [0.1, 0.5, 0.9]).rename(columns=lambda level: f"p{100 * level:.0f}")
        table.insert(0, "mean", self.totals(["period"]).draws.mean(axis=0))
        facts = {"trials": f"{self.trials:,}", "cells": f"{len(self.cells):,}"}
        return card("Forecast", facts, table.reset_index())


def _quantile_levels(q: Sequence[float] | float) -> list[float]:
    """Turn levels, or a single one, into a list."""
    given: object = q
    levels: list[Any] = [given] if isinstance(given, str) or not np.iterable(given) else list(given)
    wrong = [level for level in levels if not (isinstance(level, (int, float, np.number)) and 0 <= level <= 1)]
    if wrong:
        told, mend = "a quantile level is a number from 0 to 1", "Give for instance 0.5, the median."
        raise InputError(Problem("forecast", told, mend, column="q", value=str(level)) for level in wrong)
    return levels


def _targets(plan: Mapping[str, float]) -> dict[str, float]:
    """Read the target of each period."""
    found = {str(label): _number(target) for label, target in plan.items()}
    wrong = [str(label) for label in plan if not math.isfinite(found[str(label)])]
    if wrong:
        told, mend = "a target is a finite number", "Write it in full, for instance 400_000, or leave the period out."
        values = {str(label): str(target) for label, target in plan.items()}
        raise InputError(Problem("plan", told, mend, column=label, value=values[label]) for label in wrong)
    return found


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def _check(forecast: Forecast) -> None:
    """Refuse draws and cells that do not fit together, naming everything that is wrong."""
    draws, cells, problems = forecast.draws, forecast.cells, []
    if draws.ndim != 2 or draws.shape[0] == 0 or draws.shape[1] != len(cells):
        problems.append(
            Problem("forecast", f"draws have shape {draws.shape}, cells {len(cells)} rows", "Give (trials, cells).")
        )
    elif not np.isfinite(draws).all():
        problems.append(Problem("forecast", "draws hold values that are not finite", "Remove NaN and infinite draws."))
    if forecast.counts is not None and forecast.counts.shape != draws.shape:
        problems.append(
            Problem("forecast", f"counts have shape {forecast.counts.shape}", "Give the shape of the draws.")
        )
    if "period" not in cells:
        problems.append(Problem("forecast", "cells have no column period", "Label each cell, for instance 2025Q3."))
    if problems:
        raise InputError(problems)
    for label in cells["period"].astype(str).unique():
        forecast.calendar.kind(label)
