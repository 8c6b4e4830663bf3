"""A run of the Monte Carlo engine: blocks of trials, here or in other processes, put together as they come in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models import FittedPipeline
from spmforecast.simulate.block import BlockResult, simulate_block
from spmforecast.simulate.bookings import BookingInputs, simulate_booking_block
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.tally import Ledger
from spmforecast.simulate.workers import block_length, run_blocks

__all__ = ["OpenDealSums", "Progress", "Run"]

Array = npt.NDArray[np.float64]

Progress = Callable[[int, int], None]

_DEAL_FACTS = ["opportunity_id", "owner_id", "region", "segment", "stage", "age_days", "amount"]


class Run:
    """A run that can be made longer: later trials come after the earlier ones, which stay as they are.

    Parameters
    ----------
    inputs : SimulationInputs or BookingInputs
        Everything needed.
    jobs : int
        Processes.
    cluster : str, optional
        Address of a Dask scheduler.
    progress : callable, optional
        Called with the trials done and wanted.
    ledger : bool
        Keep every winner.
    """

    def __init__(
        self,
        inputs: SimulationInputs | BookingInputs,
        jobs: int = 1,
        cluster: str | None = None,
        progress: Progress | None = None,
        ledger: bool = False,
    ) -> None:
        self.inputs, self.jobs, self.cluster, self.progress, self.ledger = inputs, jobs, cluster, progress, ledger
        self.open_deals = OpenDealSums(inputs) if isinstance(inputs, SimulationInputs) else None
        cells = len(inputs.plan.frame)
        self.draws = np.empty((0, cells))
        self.counts = np.empty((0, cells), dtype=np.float32)
        self.ledgers: list[Ledger] = []
        if isinstance(inputs, SimulationInputs):
            inputs.prepare()

    def extend(self, trials: int) -> None:
        """Run all blocks up to a number of trials, and put bookings and wins of every trial and cell together."""
        first, plan = len(self.draws), self.inputs.plan
        cells = len(plan.frame)
        # Trials of a cell lie side by side, as blocks book them: nothing has to be turned.
        draws, counts = np.empty((cells, trials)).T, np.empty((cells, trials), dtype=np.float32).T
        draws[:first], counts[:first] = self.draws, self.counts
        self.draws, self.counts = draws, counts
        length = block_length(cells, trials - first, self.jobs if self.cluster is None else self.jobs + 1)
        bounds = [(start, min(start + length, trials)) for start in range(first, trials, length)]
        # Blocks played in this process are summed up where they are to stand.
        table = self.draws.T if self.cluster is None and self.jobs == 1 else None
        blocks = run_blocks(partial(_play, self.inputs, self.ledger, table), bounds, self.jobs, self.cluster)
        for start, stop in bounds:
            block = next(blocks)
            block.sums.put(self.draws[start:stop], self.counts[start:stop], plan.amount, plan.count)
            if self.open_deals is not None:
                self.open_deals.add(block)
            if block.ledger is not None:
                self.ledgers.append(block.ledger)
            del block  # before the next one is played: one at a time has to fit the memory
            if self.progress is not None:
                self.progress(stop, trials)


def _play(
    inputs: SimulationInputs | BookingInputs, ledger: bool, table: Array | None, start: int, stop: int
) -> BlockResult:
    """Simulate one block of either kind."""
    if isinstance(inputs, BookingInputs):
        return simulate_booking_block(inputs, start, stop)
    return simulate_block(inputs, start, stop, ledger, None if table is None else table[:, start:stop])


class OpenDealSums:
    """Sums up, over blocks, what each open deal did.

    Parameters
    ----------
    inputs : SimulationInputs
        What is simulated.
    """

    def __init__(self, inputs: SimulationInputs) -> None:
        self.ids = inputs.open_deals.ids
        self.wins, self.cents = np.zeros((2, len(self.ids), inputs.periods))
        self.sum, self.squares = np.zeros((2, len(self.ids)))

    @staticmethod
    def columns(horizon: Horizon) -> list[str]:
        """Columns of :meth:`table`."""
        by_period = [f"{figure}_{label}" for figure in ("p_win", "expected") for label in horizon.labels]
        return [*_DEAL_FACTS, "p_win", *by_period, "expected_amount", "spread_share"]

    def add(self, block: BlockResult) -> None:
        """Add what a block found."""
        self.wins += block.deal_wins
        self.cents += block.deal_cents
        self.sum += block.deal_sum
        self.squares += block.deal_squares

    def table(self, model: FittedPipeline, horizon: Horizon, draws: Array) -> pd.DataFrame:
        """Describe each open deal: where it stands, its chances, its expected amount and share of the spread."""
        trials = len(draws)
        stays = model.stays
        rows = np.flatnonzero(stays.open_now)
        deals = model.deals.iloc[stays.deal[rows]].reset_index(drop=True)
        deals["stage"] = np.array(stays.stages, dtype=object)[stays.stage[rows]]
        deals["age_days"] = stays.today - stays.entry[rows]
        deals = deals.set_index(deals["opportunity_id"].astype(str)).loc[list(self.ids)]
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
