"""The Monte Carlo engine: runs blocks of trials, here or in other processes, and puts the forecast together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import PeriodKind
from spmforecast.errors import InputError, Problem
from spmforecast.models import FittedPipeline
from spmforecast.models.bookings import FittedBookings
from spmforecast.simulate.block import BlockResult, simulate_block
from spmforecast.simulate.bookings import BookingInputs, build_booking_inputs, simulate_booking_block
from spmforecast.simulate.forecast import Forecast
from spmforecast.simulate.horizon import Horizon, build_horizon
from spmforecast.simulate.inputs import SimulationInputs, build_inputs

__all__ = ["simulate"]

_BLOCK = 1000  # trials; a multiple of four. Bounds the memory of a block, and changes no draw

_DEAL_FACTS = ["opportunity_id", "owner_id", "region", "segment", "stage", "age_days", "amount"]

Progress = Callable[[int, int], None]


def simulate(
    model: FittedPipeline | FittedBookings,
    until: object,
    trials: int = 10_000,
    seed: int = 1,
    period: PeriodKind = "quarter",
    levels: Sequence[str] = ("region", "segment"),
    jobs: int = 1,
    progress: Progress | None = None,
) -> Forecast:
    """Project what open deals and deals not yet created will book, or, where no deals are recorded, what reps will.

    Parameters
    ----------
    model : FittedPipeline or FittedBookings
        The fit; its as-of date is where the future begins.
    until : date-like
        Last day of the horizon; it ends a period.
    trials : int
        Sample paths.
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

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        If `trials` or `jobs` is not positive, `until` does not end a period after the as-of date, or a level is
        not an attribute of the deals.
    """
    _check_positive(trials=trials, jobs=jobs)
    horizon = build_horizon(model.as_of, until, period, model.calendar)
    if isinstance(model, FittedBookings):
        booked = build_booking_inputs(model, horizon, levels, seed)
        draws, counts = _gather(booked, trials, jobs, progress)
        nothing_open = pd.DataFrame(columns=_deal_columns(horizon))
        return Forecast(draws, booked.plan.frame, counts=counts, deals=nothing_open, calendar=model.calendar)
    inputs = build_inputs(model, horizon, levels, seed)
    tally = _Tally(inputs)
    draws, counts = _gather(inputs, trials, jobs, progress, tally)
    return Forecast(
        draws,
        inputs.plan.frame,
        counts=counts,
        deals=tally.table(model, horizon, inputs, draws),
        calendar=model.calendar,
    )


def _gather(
    inputs: SimulationInputs | BookingInputs,
    trials: int,
    jobs: int,
    progress: Progress | None,
    tally: _Tally | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Run all blocks and put bookings and wins of every trial and cell together."""
    cells = len(inputs.plan.frame)
    draws = np.empty((trials, cells))
    counts = np.empty((trials, cells), dtype=np.float32)
    starts = range(0, trials, _BLOCK)
    for start, block in zip(starts, _blocks(inputs, trials, jobs), strict=True):
        rows = slice(start, min(start + _BLOCK, trials))
        np.add(block.amounts, inputs.plan.amount, out=draws[rows])
        np.add(block.counts, inputs.plan.count, out=counts[rows], casting="same_kind")
        if tally is not None:
            tally.add(block)
        if progress is not None:
            progress(rows.stop, trials)
    return draws, counts


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


def _blocks(inputs: SimulationInputs | BookingInputs, trials: int, jobs: int) -> Iterator[BlockResult]:
    """Run the blocks in order of their trials."""
    bounds = [(start, min(start + _BLOCK, trials)) for start in range(0, trials, _BLOCK)]
    if jobs == 1 or len(bounds) == 1:
        return (_play(inputs, *bound) for bound in bounds)
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=jobs, return_as="generator")
    return iter(parallel(delayed(_play)(inputs, *bound) for bound in bounds))


def _play(inputs: SimulationInputs | BookingInputs, start: int, stop: int) -> BlockResult:
    """Simulate one block of either kind."""
    if isinstance(inputs, BookingInputs):
        return simulate_booking_block(inputs, start, stop)
    return simulate_block(inputs, start, stop)


def _deal_columns(horizon: Horizon) -> list[str]:
    """Columns of the table of open deals."""
    by_period = [f"p_win_{label}" for label in horizon.labels]
    return [*_DEAL_FACTS, "p_win", *by_period, "expected_amount", "spread_share"]


class _Tally:
    """Sums up, over blocks, what each open deal did."""

    def __init__(self, inputs: SimulationInputs) -> None:
        deals = len(inputs.open_deals.ids)
        self.wins = np.zeros((deals, inputs.periods))
        self.sum, self.squares = np.zeros(deals), np.zeros(deals)

    def add(self, block: BlockResult) -> None:
        self.wins += block.deal_wins
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
                expected_amount=mean,
                spread_share=spread / whole if whole > 0 else 0.0,
            )
        )
