"""Open deals as arrays that blocks of trials need: a state for all deals that stand alike, its chances as drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models import FittedPipeline
from spmforecast.models.landmarks import PARTS, kept_chances
from spmforecast.models.risksets import day_number
from spmforecast.simulate.cells import CellPlan
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import OpenDeals
from spmforecast.simulate.looking_back import LookingBack
from spmforecast.simulate.moved import Moved
from spmforecast.simulate.outcomes import mixed_speed, winning_speed
from spmforecast.simulate.streams import Streams

__all__ = ["open_rows", "open_tables"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def open_rows(model: FittedPipeline) -> Ints:
    """Rows of the stays that are still running, in order of deal id so that file order does not matter."""
    rows = np.flatnonzero(model.stays.open_now)
    ids = model.deals["opportunity_id"].to_numpy(dtype=object)[model.stays.deal[rows]]
    return np.asarray(rows[np.argsort(ids.astype(str), kind="stable")], dtype=np.int64)


def open_tables(
    model: FittedPipeline,
    rows: Ints,
    runs: Moved,
    horizon: Horizon,
    owners: tuple[str, ...],
    plan: CellPlan,
    back: LookingBack,
    streams: Streams,
) -> OpenDeals:
    """Lay the open deals out.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    rows : array of int, shape (deals,)
        Stays that are running, in order of deal id.
    runs : Moved
        Tables of chances.
    horizon : Horizon
        Days and periods to come.
    owners : tuple of str
        Everybody who may own a deal.
    plan : CellPlan
        Where wins are counted.
    back : LookingBack
        What earlier dates teach about the tables.
    streams : Streams
        All streams.

    Returns
    -------
    OpenDeals
    """
    deals, deal = model.deals, model.stays.deal[rows]
    states = _States.of(model, rows, horizon, back.signals)
    win = _speed(model, states, runs, back, streams)
    response, bend = runs.response(lambda run: states.pick(run.won, len(model.profiles.table))[0])
    place = {owner: index for index, owner in enumerate(owners)}
    return OpenDeals(
        ids=tuple(str(name) for name in deals["opportunity_id"].to_numpy(dtype=object)[deal]),
        state=states.of_deal,
        response=response,
        bend=bend,
        win=win,
        lose=np.zeros((1, *win.shape[1:]), dtype=np.float32),
        owner=np.asarray(deals["owner_id"].map(place), dtype=np.int64)[deal],
        segment=model.profiles.segment_of_deal[deal],
        column=plan.open_column,
        log_amount=_log_amount(model, rows),
        partners=plan.open_partners,
    )


@dataclass(frozen=True)
class _States:
    """Where deals stand, each constellation once.

    Parameters
    ----------
    profile, stage, age, tenure : array of int, shape (states,)
        Profile, stage, days in it, and its owner's month of tenure when the deal was created.
    signals : array of float, shape (states, columns)
        What else is known of them.
    of_deal : array of int, shape (deals,)
        State of each deal.
    """

    profile: Ints
    stage: Ints
    age: Ints
    tenure: Ints
    signals: Array
    of_deal: Ints

    @classmethod
    def of(cls, model: FittedPipeline, rows: Ints, horizon: Horizon, signals: Array) -> _States:
        """Find the states of stays that are running."""
        stays, deal = model.stays, model.stays.deal[rows]
        age = np.minimum(horizon.days[0] - stays.entry[rows], model.process.bins.cap)
        stands = [model.profiles.of_deal[deal], stays.stage[rows], age, _tenure(model, deal)]
        told = np.column_stack([*(one.astype(np.float64) for one in stands), np.round(signals, 2)])
        full, state = np.unique(told, axis=0, return_inverse=True)
        profile, stage, age, tenure = full[:, : len(stands)].astype(np.int64).T
        return cls(profile, stage, age, tenure, full[:, len(stands) :], state.reshape(-1).astype(np.int64))

    def pick(self, table: npt.NDArray[np.float32], profiles: int) -> Array:
        """Take the states' chances, shape (worlds, states, periods)."""
        by_world = table.reshape(-1, profiles, *table.shape[1:])
        return by_world[:, self.profile, self.stage, self.age].astype(np.float64)


def _speed(
    model: FittedPipeline, states: _States, runs: Moved, back: LookingBack, streams: Streams
) -> npt.NDArray[np.float32]:
    """Hazards of winning by world, state and period, with what signals and the owner's tenure tell.

    What is lost is in these chances already: beside a clock of losing the market could not move them as it does.
    """
    profiles = len(model.profiles.table)
    won = _told_by_signals(back.months * states.pick(runs.drawn.won, profiles), back, states.signals, streams)
    speed = mixed_speed(winning_speed(won), model.variance_of_rep_wins)
    return np.asarray(speed * model.win_ramp.fitted[states.tenure, None], dtype=np.float32)


def _told_by_signals(won: Array, back: LookingBack, x: Array, streams: Streams) -> Array:
    """Correct the chances of open deals (worlds, states, periods) by what their signals tell, a draw in each world."""
    normal = streams.generator("model", "landmarks", "coefficients").standard_normal((len(won), PARTS, x.shape[1]))
    return kept_chances(back.landmarks.corrected(won, x, normal))


def _tenure(model: FittedPipeline, deal: Ints) -> Ints:
    """Month of tenure in which the owner of each deal created it."""
    owners = {owner: index for index, owner in enumerate(model.spans.owners)}
    owner, created = (model.deals[column].iloc[deal] for column in ("owner_id", "created_date"))
    return model.spans.tenure_at(np.asarray(owner.map(owners), dtype=np.int64), day_number(created))


def _log_amount(model: FittedPipeline, rows: Ints) -> Array:
    """Log of each deal's amount as its stage says it will end; not a number where it is unknown."""
    amount = model.deals["amount"].to_numpy(dtype=np.float64, na_value=np.nan)[model.stays.deal[rows]]
    shift = model.amounts.stage_shift(model.stays.stages)
    return np.asarray(np.log(np.where(amount > 0, amount, np.nan)) + shift[model.stays.stage[rows]])
