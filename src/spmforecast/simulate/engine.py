"""The Monte Carlo engine: from a fit to a run, and from the run to a forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import PeriodKind
from spmforecast.errors import InputError, Problem
from spmforecast.models import FittedPipeline
from spmforecast.models.adjust import Adjustment
from spmforecast.models.bookings import FittedBookings
from spmforecast.models.mending import StageMend
from spmforecast.simulate.adjusting import PEOPLE, adjusted, check_scopes, with_people
from spmforecast.simulate.bookings import BookingInputs, build_booking_inputs
from spmforecast.simulate.drivers import drivers
from spmforecast.simulate.exact import ExactForecast, exact_forecast
from spmforecast.simulate.forecast import Forecast
from spmforecast.simulate.from_model import build_inputs
from spmforecast.simulate.horizon import Horizon, build_horizon
from spmforecast.simulate.inputs import WORLDS, SimulationInputs
from spmforecast.simulate.precision import MOST, PILOT, Tolerance
from spmforecast.simulate.run import OpenDealSums, Progress, Run
from spmforecast.simulate.tally import Ledger

__all__ = ["Simulator", "simulate", "simulate_exactly"]


def simulate(
    model: FittedPipeline | FittedBookings,
    until: object,
    trials: int | Literal["auto"] = 10_000,
    seed: int = 1,
    period: PeriodKind = "quarter",
    levels: Sequence[str] | str = ("region", "segment"),
    jobs: int = 1,
    progress: Progress | None = None,
    *,
    tolerance: Tolerance | None = None,
    targets: Mapping[str, float] | None = None,
    cluster: str | None = None,
    ledger: bool = False,
    adjustments: Sequence[Adjustment] = (),
    worlds: int = WORLDS,
) -> Forecast:
    """Project what open deals and deals not yet created will book, or, where no deals are recorded, what reps will.

    Parameters
    ----------
    model : FittedPipeline or FittedBookings
        The fit; its as-of date is where the future begins.
    until : date-like
        Last day of the horizon; it ends a period.
    trials : int or "auto"
        Sample paths; with ``auto`` a pilot of 1,000, doubled until the company's figures are within the tolerance.
    seed : int
        Seed of all random streams: same model, seed and trials give the same draws, bit for bit.
    period : {"month", "quarter", "year"}
        Length of the periods.
    levels : sequence of str, or str
        Deal attributes that become dimensions of the cells, beside owner, territory, region and segment.
    jobs : int
        Processes; they change no draw.
    progress : callable, optional
        Called with the trials done and wanted.
    tolerance : Tolerance, optional
        What ``auto`` is to reach; within 1 % of the mean, and one percentage point for chances, by default.
    targets : mapping of str to float, optional
        Company targets by period, whose chances ``auto`` is to know.
    cluster : str, optional
        Address of a Dask scheduler that runs the blocks; it changes no draw.
    ledger : bool
        Keep every winner (trial, deal, cell, amount) in ``forecast.ledger``.
    adjustments : sequence of Adjustment
        What the future is supposed to be unlike the past in; the same luck is drawn with and without.
    worlds : int
        Draws of the parameters fitted to deals, 64 by default; trial i lives in draw i modulo this. Fewer take less
        time and tell less of what the record leaves in doubt.

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        If `trials`, `jobs` or `worlds` is not a positive whole number, there is no such `period`, `until` does not end
        a period after the as-of date, a level is not an attribute of the deals, the cluster cannot be reached, or an
        adjustment names what is not there.
    """
    auto = trials == "auto"
    _check_positive(trials=PILOT if trials == "auto" else trials, jobs=jobs, worlds=worlds)
    levels = (levels,) if isinstance(levels, str) else levels
    horizon = build_horizon(model.as_of, until, period, model.calendar)
    inputs: SimulationInputs | BookingInputs
    if isinstance(model, FittedBookings):
        _refuse_adjustments(adjustments)
        inputs = build_booking_inputs(model, horizon, levels, seed)
    else:
        inputs = _inputs(model, horizon, levels, seed, adjustments, worlds)
    run = Run(inputs, jobs, cluster, progress, ledger)
    run.extend(PILOT if trials == "auto" else trials)
    goal = tolerance or Tolerance()
    while auto and len(run.draws) < MOST and not goal.met(*_deciding(run, inputs, targets or {}, model)):
        run.extend(min(2 * len(run.draws), MOST))
    return Forecast(
        run.draws,
        inputs.plan.frame,
        counts=run.counts,
        deals=_deal_table(run, model, horizon),
        calendar=model.calendar,
        ledger=Ledger.joined(run.ledgers) if ledger else None,
        drivers=drivers(inputs, len(run.draws)) if isinstance(inputs, SimulationInputs) else None,
        told=(*inputs.told, *_without_amounts(model)) if isinstance(inputs, SimulationInputs) else (),
    )


def simulate_exactly(
    model: FittedPipeline | FittedBookings,
    until: object,
    period: PeriodKind = "quarter",
    levels: Sequence[str] | str = ("region", "segment"),
    adjustments: Sequence[Adjustment] = (),
) -> ExactForecast:
    """Work out the laws of the company's and every rep's bookings without drawing; arguments as in :func:`simulate`.

    Returns
    -------
    ExactForecast
        Its ``left_out`` says what it does not hold.

    Raises
    ------
    InputError
        As :func:`simulate`; and if there are no deals, as bookings alone have no such laws, or if amounts are
        supposed to be others.
    """
    if not isinstance(model, FittedPipeline):
        told, mend = "method exact needs deals; bookings alone can only be drawn", "Set method to monte-carlo."
        raise InputError(Problem("scenario", told, mend, column="simulate.method", value="exact"))
    horizon = build_horizon(model.as_of, until, period, model.calendar)
    inputs = _inputs(model, horizon, levels, 1, adjustments)
    if inputs.open_deals.resize is not None or inputs.new_deals.resize is not None:
        told, mend = "exact laws do not know other amounts (deal_size, price, the amount of a deal)", "Take them out."
        raise InputError(Problem("assumptions", told, mend, column="simulate.method", value="exact"))
    return exact_forecast(inputs)


def _inputs(
    model: FittedPipeline,
    horizon: Horizon,
    levels: Sequence[str],
    seed: int,
    adjustments: Sequence[Adjustment],
    worlds: int = WORLDS,
) -> SimulationInputs:
    """Prepare a simulation of the future as it is supposed to be."""
    inputs = build_inputs(with_people(model, adjustments), horizon, levels, seed, worlds)
    check_scopes(inputs.plan.frame, model.deals, adjustments)
    return adjusted(inputs, adjustments, horizon) if adjustments else inputs


class Simulator:
    """Simulations of one fit under different adjustments; what they share is worked out once.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    until : date-like
        Last day of the horizon.
    period : {"month", "quarter"}
        Length of the periods.
    levels : sequence of str
        Dimensions of the cells.
    seed : int
        Seed of all streams.
    """

    def __init__(
        self, model: FittedPipeline, until: object, period: PeriodKind, levels: Sequence[str], seed: int
    ) -> None:
        self.model, self.levels, self.seed = model, tuple(levels), seed
        self.horizon = build_horizon(model.as_of, until, period, model.calendar)
        self._known: dict[tuple[Adjustment, ...], SimulationInputs] = {}

    def inputs(self, adjustments: Sequence[Adjustment] = (), mend: StageMend | None = None) -> SimulationInputs:
        """Prepare a simulation; tables are fitted anew only where people differ or a stage is mended."""
        people = tuple(one for one in adjustments if isinstance(one, PEOPLE))
        if mend is not None:
            inputs = build_inputs(with_people(self.model, people), self.horizon, self.levels, self.seed, mend=mend)
        else:
            if people not in self._known:
                self._known[people] = build_inputs(
                    with_people(self.model, people), self.horizon, self.levels, self.seed
                )
            inputs = self._known[people]
        check_scopes(inputs.plan.frame, self.model.deals, adjustments)
        return adjusted(inputs, adjustments, self.horizon) if adjustments else inputs

    def run(
        self, adjustments: Sequence[Adjustment], trials: int, jobs: int = 1, mend: StageMend | None = None
    ) -> Forecast:
        """Draw; the same as :func:`simulate` with the same arguments, without the table of open deals."""
        inputs = self.inputs(adjustments, mend)
        run = Run(inputs, jobs)
        run.extend(trials)
        return Forecast(run.draws, inputs.plan.frame, counts=run.counts, calendar=self.model.calendar)


def _refuse_adjustments(adjustments: Sequence[Adjustment]) -> None:
    if adjustments:
        told, mend = "assumptions need deals; here bookings alone are recorded", "Take the assumptions out."
        raise InputError(Problem("assumptions", told, mend))


def _deciding(
    run: Run,
    inputs: SimulationInputs | BookingInputs,
    targets: Mapping[str, float],
    model: FittedPipeline | FittedBookings,
) -> tuple[npt.NDArray[np.float64], list[float | None]]:
    """Company totals of the periods to come and of whatever has a target, with the targets."""
    now = Forecast(run.draws, inputs.plan.frame, calendar=model.calendar)
    coming = inputs.plan.frame.loc[inputs.plan.frame["part"] != "won", "period"].astype(str)
    labels = [label for label in now.periods if label in set(coming)]
    labels += [label for label in targets if label not in labels]
    draws = np.stack([now.period_draws(label) for label in labels], axis=1)
    moving = np.ptp(draws, axis=0) > 0
    return draws[:, moving], [targets.get(label) for label, move in zip(labels, moving, strict=True) if move]


def _deal_table(run: Run, model: FittedPipeline | FittedBookings, horizon: Horizon) -> pd.DataFrame:
    if run.open_deals is None or isinstance(model, FittedBookings):
        return pd.DataFrame(columns=OpenDealSums.columns(horizon))
    return run.open_deals.table(model, horizon, run.draws)


def _without_amounts(model: FittedPipeline | FittedBookings) -> tuple[str, ...]:
    """Say that the money means nothing where no amount is known."""
    if (model.deals["amount"] > 0).any():
        return ()
    return ("No amount is known of any deal: only numbers of wins mean something, bookings in money do not.",)


def _check_positive(**values: int) -> None:
    wrong = [
        Problem(
            "scenario",
            "must be a whole number of at least 1",
            f"Set {name} to 1 or more.",
            column=name,
            value=str(value),
        )
        for name, value in values.items()
        if not isinstance(value, (int, np.integer)) or value < 1
    ]
    if wrong:
        raise InputError(wrong)
