"""Tables of chances changed for some deals or streams only: whoever is meant gets rows of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs

__all__ = ["Change", "change_new", "change_open"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

Change = Callable[[Array, Array, int], tuple[Array, Array]]
"""From integrated intensities of winning and losing, shape (..., periods), and the first period in which the deal can
be there, to the changed ones."""


def change_open(inputs: SimulationInputs, rows: Ints, change: Change) -> SimulationInputs:
    """Change the tables of some open deals.

    Parameters
    ----------
    inputs : SimulationInputs
        Before.
    rows : array of int
        Open deals that are meant.
    change : callable
        What to do.

    Returns
    -------
    SimulationInputs
        With further states for those deals; all others keep theirs.
    """
    if not len(rows):
        return inputs
    deals = inputs.open_deals
    states, back = np.unique(deals.state[rows], return_inverse=True)
    win = deals.win[:, states].astype(np.float64)
    win, lose = change(win, np.broadcast_to(deals.lose[:, states], win.shape), 0)
    state = deals.state.copy()
    state[rows] = deals.win.shape[1] + back.reshape(-1)
    changed = replace(
        deals,
        state=state,
        response=np.concatenate([deals.response, deals.response[states]]),
        bend=np.concatenate([deals.bend, deals.bend[states]]),
        win=_beside(deals.win, win),
        lose=_beside(deals.lose, _narrow(lose)),
    )
    return replace(inputs, open_deals=changed)


def change_new(inputs: SimulationInputs, rows: Ints, change: Change) -> SimulationInputs:
    """Change the tables of some streams of deals to come; arguments as in :func:`change_open`.

    Streams name their tables by segment, so those that are meant get copies of their segments, amounts and all.
    """
    if not len(rows):
        return inputs
    new = inputs.new_deals
    segments, back = np.unique(new.cells.segment[rows], return_inverse=True)
    win = new.win[:, segments].astype(np.float64)
    lose = np.broadcast_to(new.lose[:, segments], win.shape).astype(np.float64)
    for cohort in range(win.shape[2]):
        here = np.s_[:, :, cohort, cohort:]
        win[here], lose[here] = change(win[here], lose[here], cohort)
    segment = new.cells.segment.copy()
    segment[rows] = new.win.shape[1] + back.reshape(-1)
    law = inputs.won_law.log_quantiles
    changed = replace(
        new,
        cells=replace(new.cells, segment=segment),
        response=np.concatenate([new.response, new.response[segments]]),
        bend=np.concatenate([new.bend, new.bend[segments]]),
        win=_beside(new.win, win),
        lose=_beside(new.lose, _narrow(lose)),
    )
    return replace(
        inputs,
        new_deals=changed,
        won_law=replace(inputs.won_law, log_quantiles=np.concatenate([law, law[segments]])),
        nothing=np.concatenate([inputs.nothing, inputs.nothing[segments]]),
        location=np.concatenate([inputs.location, inputs.location[:, segments]], axis=1),
    )


def _narrow(table: Array) -> Array:
    """Keep one world where all have the same."""
    return table[:1] if (table == table[:1]).all() else table


def _beside(table: Floats, more: Array) -> Floats:
    """Put further rows, the second axis, after those there are."""
    worlds = max(len(table), len(more))
    parts = [np.broadcast_to(part, (worlds, *part.shape[1:])) for part in (table, more)]
    return np.concatenate(parts, axis=1).astype(np.float32)
