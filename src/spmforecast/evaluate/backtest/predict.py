"""One origin: what the model and its rivals say, from nothing but what was known on that day."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import Period
from spmforecast.data import History
from spmforecast.evaluate.backtest.origins import BacktestSettings, Origin
from spmforecast.evaluate.rivals import POINTS, Node, Snapshot, take, without_deals
from spmforecast.models import BookingsModel, FittedBookings, FittedPipeline, PipelineModel
from spmforecast.simulate import Forecast, simulate

__all__ = ["DEAL_COLUMNS", "Told", "fit", "tell"]

Array = npt.NDArray[np.float64]

DEAL_COLUMNS = ("opportunity_id", "stage", "age_days", "stage_rate")
_COLUMNS = {"region": "region", "rep": "owner_id"}


@dataclass(frozen=True)
class Told:
    """What was said at one origin; it holds nothing of what came.

    Parameters
    ----------
    as_of : str
        The day.
    week : int
        Week of the period.
    targets : tuple of str
        Periods asked for.
    nodes : tuple of (str, str)
        Level and name; the company comes first.
    booked : array of float, shape (nodes, targets)
        Booked in the targets by then.
    points : mapping of str to array of float, shape (nodes, targets)
        What each rival says; NaN where it is silent.
    past : tuple of str
        Whole periods on record.
    ever : tuple of (str, str)
        Every node that ever booked anything by then.
    closed : array of float, shape (ever, past)
        What they booked in those periods, as known then.
    draws : array of float, shape (trials, nodes, targets)
        The model's; no trials where only the rivals speak.
    deals : pandas.DataFrame
        Open deals (:data:`DEAL_COLUMNS`) with the chance to be won by the end of each target, ``p_0``, ``p_1``, ….
    """

    as_of: str
    week: int
    targets: tuple[str, ...]
    nodes: tuple[Node, ...]
    booked: Array
    points: dict[str, Array]
    past: tuple[str, ...]
    ever: tuple[Node, ...]
    closed: Array
    draws: Array
    deals: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(DEAL_COLUMNS)))

    @property
    def scored(self) -> bool:
        """Whether the model spoke."""
        return len(self.draws) > 0


def tell(known: History, origin: Origin, settings: BacktestSettings) -> Told:
    """Let the rivals and, where the origin is scored, the model speak.

    Parameters
    ----------
    known : History
        Cut at the origin.
    origin : Origin
        Day and targets.
    settings : BacktestSettings
        What to fit and how to simulate.

    Returns
    -------
    Told
    """
    seen = take(known, origin.as_of, origin.targets, settings.calendar)
    ever = seen.lines.nodes(since=-(10**9))
    said = POINTS if settings.rivals else {}
    points = {name: np.asarray(say(seen), dtype=np.float64) for name, say in said.items()}
    draws, deals = np.zeros((0, *seen.booked.shape)), pd.DataFrame(columns=list(DEAL_COLUMNS))
    if origin.scored:
        forecast = simulate(
            fit(known, origin.as_of, settings),
            origin.targets[-1].end,
            trials=settings.trials,
            seed=settings.seed,
            period=settings.period,
            levels=("region",),
            worlds=settings.worlds,
        )
        draws, deals = _node_draws(forecast, seen), _deals(forecast, seen)
    return Told(
        as_of=str(origin.as_of.date()),
        week=origin.week,
        targets=tuple(target.label for target in origin.targets),
        nodes=tuple(seen.nodes),
        booked=seen.booked,
        points=points,
        past=tuple(period.label for period in seen.past),
        ever=tuple(ever),
        closed=seen.whole(ever),
        draws=draws,
        deals=deals,
    )


def fit(known: History, as_of: pd.Timestamp, settings: BacktestSettings) -> FittedPipeline | FittedBookings:
    """Fit what deals teach, or, where none is recorded, what bookings do."""
    if without_deals(known):
        return BookingsModel(calendar=settings.calendar).fit(known, as_of)
    return PipelineModel(settings.spec, calendar=settings.calendar).fit(known, as_of)


def _node_draws(forecast: Forecast, seen: Snapshot) -> Array:
    """Add the draws up by node and target, shape (trials, nodes, targets), to the cent."""
    place = {node: row for row, node in enumerate(seen.nodes)}
    labels = [target.label for target in seen.targets]
    out = np.zeros((forecast.trials, len(seen.nodes), len(labels)))
    for level in ("company", *_COLUMNS):
        by = ["period"] if level == "company" else [_COLUMNS[level], "period"]
        totals = forecast.totals(by)
        for column, group in enumerate(totals.groups.astype(str).itertuples(index=False)):
            node = (level, "company" if level == "company" else group[0])
            if node in place and group[-1] in labels:
                out[:, place[node], labels.index(group[-1])] += totals.draws[:, column]
    return np.round(out, 2)


def _deals(forecast: Forecast, seen: Snapshot) -> pd.DataFrame:
    """Describe the open deals and the chance that each is won by the end of every target."""
    if forecast.deals is None or forecast.deals.empty or seen.pipeline is None:
        return pd.DataFrame(columns=list(DEAL_COLUMNS))
    rates = dict(zip(seen.pipeline.ids.tolist(), seen.pipeline.chance.tolist(), strict=True))
    deals = forecast.deals
    out = deals[["opportunity_id", "stage", "age_days"]].astype({"opportunity_id": object, "stage": object})
    out["stage_rate"] = [rates.get(name, np.nan) for name in out["opportunity_id"].tolist()]
    chance = np.zeros(len(deals))
    for ahead, target in enumerate(seen.targets):
        chance = chance + deals[_chance_column(target)].to_numpy(dtype=np.float64)
        out[f"p_{ahead}"] = chance
    return out.reset_index(drop=True)


def _chance_column(target: Period) -> str:
    return f"p_win_{target.label}"
