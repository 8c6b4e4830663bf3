"""From a fitted pipeline to the arrays that blocks of trials need: tables of chances, corrected and drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spmforecast.models import FittedPipeline
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.models.mending import StageMend
from spmforecast.simulate.cells import plan_cells
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import WORLDS, SimulationInputs
from spmforecast.simulate.looking_back import look_back
from spmforecast.simulate.moved import moved_futures, run_together
from spmforecast.simulate.new_tables import new_tables
from spmforecast.simulate.open_tables import open_rows, open_tables
from spmforecast.simulate.streams import Streams
from spmforecast.simulate.teams import plan_teams

__all__ = ["build_inputs"]

Array = npt.NDArray[np.float64]


def build_inputs(
    model: FittedPipeline,
    horizon: Horizon,
    levels: Sequence[str],
    seed: int,
    worlds: int = WORLDS,
    mend: StageMend | None = None,
) -> SimulationInputs:
    """Prepare a simulation.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    horizon : Horizon
        Days and periods to come.
    levels : sequence of str
        Dimensions of the cells beside owner, part and period.
    seed : int
        Seed of all streams.
    worlds : int
        Draws of the fitted parameters.
    mend : StageMend, optional
        What is supposed to become better in a stage. What the past taught about the tables of chances holds as before.

    Returns
    -------
    SimulationInputs
    """
    streams, rows = Streams(seed), open_rows(model)
    plan, creation = plan_cells(model, horizon, levels, rows)
    runs = moved_futures(model, horizon, streams, worlds, mend)
    # What is mended is mended from now on: the past is held against the process as it was.
    past = runs.centre if mend is None else run_together(model, horizon, [model.process.shifted(0.0)])[0]
    back = look_back(model, horizon, past, rows)
    owners = tuple(sorted({*model.creation.owners, *model.roster.owners, TO_BE_HIRED}))
    win_shape, win_rate = model.rep_wins.posterior(model.creation.owners, owners)
    return SimulationInputs(
        seed=seed,
        plan=plan,
        open_deals=open_tables(model, rows, runs, horizon, owners, plan, back, streams),
        new_deals=new_tables(model, runs, horizon, creation, back),
        owners=owners,
        win_shape=win_shape,
        win_rate=win_rate,
        market=model.market,
        month_shares=horizon.month_shares(),
        lived=horizon.lived(),
        won_law=model.amounts.won,
        ratio_law=model.amounts.ratio,
        nothing=model.amounts.nothing,
        location=_locations(model, horizon, streams, worlds),
        told=back.told,
        teams=plan_teams(model, horizon, owners, creation.places),
    )


def _locations(model: FittedPipeline, horizon: Horizon, streams: Streams, worlds: int) -> Array:
    """Draw how far log amounts of each segment may lie from the fit, and add their trend, shape (worlds, segments)."""
    generator = streams.generator("model", "amounts", "location")
    drawn = generator.standard_normal((worlds, len(model.profiles.segments)))
    return np.asarray(drawn * model.amounts.location_sd + model.amounts.coming(len(horizon.days)))
