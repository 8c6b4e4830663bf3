"""One block of trials: a pure function of the inputs and of which trials, so that it can run anywhere."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.cohorts import leave_days
from spmforecast.simulate.common import Common
from spmforecast.simulate.handover import hand_over
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.new import play_new_deals
from spmforecast.simulate.open import play_open_deals
from spmforecast.simulate.tally import BlockResult, Overflow, Tally, joined
from spmforecast.simulate.trials import Trials

__all__ = ["BlockResult", "simulate_block"]

Array = npt.NDArray[np.float64]

_PIECE = 4096  # trials played together: the arrays of more leave the cache


def simulate_block(
    inputs: SimulationInputs, start: int, stop: int, ledger: bool = False, room: Array | None = None
) -> BlockResult:
    """Simulate the trials from `start` to `stop`.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed.
    start, stop : int
        Trials; `start` is a multiple of four.
    ledger : bool
        Keep every winner.
    room : array of float, shape (cells, trials), optional
        Where to sum up; the result may lie in it.

    Returns
    -------
    BlockResult
    """
    cuts = [start, *range(start - start % _PIECE + _PIECE, stop, _PIECE), stop]
    whole = np.empty((len(inputs.plan.frame), stop - start)) if room is None else room
    return joined(
        [_piece(inputs, first, last, ledger, whole[:, first - start : last - start]) for first, last in pairwise(cuts)]
    )


def _piece(inputs: SimulationInputs, start: int, stop: int, ledger: bool, room: Array) -> BlockResult:
    trials = Trials(inputs.seed, start, stop, inputs.worlds)
    sizes = start, trials.count, len(inputs.plan.frame), len(inputs.open_deals.ids), inputs.periods
    try:
        return _played(inputs, trials, Tally(*sizes, keep=ledger, room=room))
    except Overflow:
        return _played(inputs, trials, Tally(*sizes, keep=ledger, apart=True))


def _played(inputs: SimulationInputs, trials: Trials, tally: Tally) -> BlockResult:
    common = Common.drawn(inputs, trials)
    if inputs.open_deals.ids:
        play_open_deals(inputs, trials, common, tally)
    play_new_deals(inputs, trials, common, tally)
    leave = leave_days(inputs, trials)
    if inputs.plan.heirs is not None and leave is not None:
        hand_over(inputs.plan.heirs, leave, trials, tally, inputs.new_deals.ends)
    return tally.result()
