"""The Monte Carlo engine: runs blocks of trials, here or in other processes, and puts the forecast together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import PeriodKind
from spmforecast.errors import InputError, Problem
from spmforecast.models import FittedPipeline
from spmforecast.models.adjust import Adjustment
from spmforecast.models.bookings import FittedBookings
from spmforecast.simulate.adjusting import PEOPLE, adjusted, check_scopes, with_people
from spmforecast.simulate.block import BlockResult, simulate_block
from spmforecast.simulate.bookings import BookingInputs, build_booking_inputs, simulate_booking_block
from spmforecast.simulate.drivers import drivers
from spmforecast.simulate.exact import ExactForecast, exact_forecast
from spmforecast.simulate.forecast import Forecast
from spmforecast.simulate.from_model import build_inputs
from spmforecast.simulate.horizon import Horizon, build_horizon
from spmforecast.simulate.inputs import WORLDS, SimulationInputs
from spmforecast.simulate.precision import MOST, PILOT, Tolerance
from spmforecast.simulate.tally import Ledger
from spmforecast.simulate.workers import block_length, run_blocks

__all__ = ["Simulator", "simulate", "simulate_exactly"]

_DEAL_FACTS = ["opportunity_id", "owner_id", "region", "segment", "stage", "age_days", "amount"]

Progress = Callable[[int, int], None]


def simulate(
    model: FittedPipeline | FittedBookings,
    until: object,
    trials: int | Literal["auto"] = 10_000,
    seed: int = 1,
    period: PeriodKind = "quarter",
    levels: Sequence[str] = ("region", "segment"),
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
    levels : sequence of str
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
        If `trials`, `jobs` or `worlds` is not positive, `until` does not end a period after the as-of date, a level is
        not an attribute of the deals, the cluster cannot be reached, or an adjustment names what is not there.
    """
    auto = trials == "auto"
    _check_positive(trials=PILOT if trials == "auto" else trials, jobs=jobs, worlds=worlds)
    horizon = build_horizon(model.as_of, until, period, model.calendar)
    inputs: SimulationInputs | BookingInputs
    if isinstance(model, FittedBookings):
        _refuse_adjustments(adjustments)
        inputs = build_booking_inputs(model, horizon, levels, seed)
    else:
        inputs = _inputs(model, horizon, levels, seed, adjustments, worlds)
    run = _Run(inputs, jobs, cluster, progress, ledger)
    run.extend(PILOT if trials == "auto" else trials)
    goal = tolerance or Tolerance()
    while auto and len(run.draws) < MOST and not goal.met(*_deciding(run, inputs, targets or {}, model)):
        run.extend(min(2 * len(run.draws), MOST))
    return Forecast(
        run.draws,
        inputs.plan.frame,
        counts=run.counts,
        deals=_deal_table(run, model, horizon, inputs),
        calendar=model.calendar,
        ledger=Ledger.joined(run.ledgers) if ledger else None,
        drivers=drivers(inputs, len(run.draws)) if isinstance(inputs, SimulationInputs) else None,
    )


def simulate_exactly(
    model: FittedPipeline | FittedBookings,
    until: object,
    period: PeriodKind = "quarter",
    levels: Sequence[str] = ("region", "segment"),
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

    def inputs(self, adjustments: Sequence[Adjustment] = ()) -> SimulationInputs:
        """Prepare a simulation; tables are fitted anew only where people differ."""
        people = tuple(one for one in adjustments if isinstance(one, PEOPLE))
        if people not in self._known:
            self._known[people] = build_inputs(with_people(self.model, people), self.horizon, self.levels, self.seed)
        inputs = self._known[people]
        check_scopes(inputs.plan.frame, self.model.deals, adjustments)
        return adjusted(inputs, adjustments, self.horizon) if adjustments else inputs

    def run(self, adjustments: Sequence[Adjustment], trials: int, jobs: int = 1) -> Forecast:
        """Draw; the same as :func:`simulate` with the same arguments, without the table of open deals."""
        inputs = self.inputs(adjustments)
        run = _Run(inputs, jobs, None, None, False)
        run.extend(trials)
        return Forecast(run.draws, inputs.plan.frame, counts=run.counts, calendar=self.model.calendar)


def _refuse_adjustments(adjustments: Sequence[Adjustment]) -> None:
    if adjustments:
        told, mend = "assumptions need deals; here bookings alone are recorded", "Take the assumptions out."
        raise InputError(Problem("assumptions", told, mend))


def _deciding(
    run: _Run,
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


class _Run:
    """A run that can be made longer: later trials come after the earlier ones, which stay as they are."""

    def __init__(
        self,
        inputs: SimulationInputs | BookingInputs,
        jobs: int,
        cluster: str | None,
        progress: Progress | None,
        ledger: bool,
    ) -> None:
        self.inputs, self.jobs, self.cluster, self.progress, self.ledger = inputs, jobs, cluster, progress, ledger
        self.tally = _Tally(inputs) if isinstance(inputs, SimulationInputs) else None
        cells = len(inputs.plan.frame)
        self.draws = np.empty((0, cells))
        self.counts = np.empty((0, cells), dtype=np.float32)
        self.ledgers: list[Ledger] = []
        if isinstance(inputs, SimulationInputs):
            inputs.prepare()

    def extend(self, trials: int) -> None:
        """Run all blocks up to a number of trials, and put bookings and wins of every trial and cell together."""
        first, plan = len(self.draws), self.inputs.plan
        rows, wins = np.empty((trials, len(plan.frame))), np.empty((trials, len(plan.frame)), dtype=np.float32)
        rows[:first], wins[:first] = self.draws, self.counts
        self.draws, self.counts = rows, wins
        length = block_length(len(plan.frame), trials - first, self.jobs if self.cluster is None else self.jobs + 1)
        bounds = [(start, min(start + length, trials)) for start in range(first, trials, length)]
        play = partial(_play, self.inputs, ledger=self.ledger)
        blocks = run_blocks(play, bounds, self.jobs, self.cluster)
        for start, stop in bounds:
            block = next(blocks)
            np.add(block.amounts, plan.amount, out=self.draws[start:stop])
            np.add(block.counts, plan.count, out=self.counts[start:stop], casting="same_kind")
            if self.tally is not None:
                self.tally.add(block)
            if block.ledger is not None:
                self.ledgers.append(block.ledger)
            del block  # before the next one is played: one at a time has to fit the memory
            if self.progress is not None:
                self.progress(stop, trials)


def _deal_table(
    run: _Run, model: FittedPipeline | FittedBookings, horizon: Horizon, inputs: SimulationInputs | BookingInputs
) -> pd.DataFrame:
    if run.tally is None or isinstance(model, FittedBookings) or isinstance(inputs, BookingInputs):
        return pd.DataFrame(columns=_deal_columns(horizon))
    return run.tally.table(model, horizon, inputs, run.draws)


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
        if value < 1
    ]
    if wrong:
        raise InputError(wrong)


def _play(inputs: SimulationInputs | BookingInputs, start: int, stop: int, ledger: bool = False) -> BlockResult:
    """Simulate one block of either kind."""
    if isinstance(inputs, BookingInputs):
        return simulate_booking_block(inputs, start, stop)
    return simulate_block(inputs, start, stop, ledger)


def _deal_columns(horizon: Horizon) -> list[str]:
    """Columns of the table of open deals."""
    by_period = [f"{figure}_{label}" for figure in ("p_win", "expected") for label in horizon.labels]
    return [*_DEAL_FACTS, "p_win", *by_period, "expected_amount", "spread_share"]


class _Tally:
    """Sums up, over blocks, what each open deal did."""

    def __init__(self, inputs: SimulationInputs) -> None:
        deals = len(inputs.open_deals.ids)
        self.wins, self.cents = np.zeros((2, deals, inputs.periods))
        self.sum, self.squares = np.zeros(deals), np.zeros(deals)

    def add(self, block: BlockResult) -> None:
        self.wins += block.deal_wins
        self.cents += block.deal_cents
        self.sum += block.deal_sum
        self.squares += block.deal_squares

    def table(
        self, model: FittedPipeline, horizon: Horizon, inputs: SimulationInputs, draws: npt.NDArray[np.float64]
    ) -> pd.DataFrame:
        """Describe each open deal: where it stands, its chances, its expected amount and share of the spread."""
        trials = len(draws)
        stays = model.stays
        rows = np.flatnonzero(stays.open_now)
        deals = model.deals.iloc[stays.deal[rows]].reset_index(drop=True)
        deals["stage"] = np.array(stays.stages, dtype=object)[stays.stage[rows]]
        deals["age_days"] = stays.today - stays.entry[rows]
        deals = deals.set_index(deals["opportunity_id"].astype(str)).loc[list(inputs.open_deals.ids)]
        chance = self.wins / trials
        mean = self.sum / trials
        spread = np.maximum(self.squares / trials - mean**2, 0.0)
        whole = float(draws.sum(axis=1).var())
        return (
            deals[_DEAL_FACTS]
            .reset_index(drop=True)
            .assign(
                p_win=chance.sum(axis=1),
                **{f"p_win_{label}": chance[:, m] for m, label in enumerate(horizon.labels)},
                **{f"expected_{label}": self.cents[:, m] / 100 / trials for m, label in enumerate(horizon.labels)},
                expected_amount=mean,
                spread_share=spread / whole if whole > 0 else 0.0,
            )
        )
