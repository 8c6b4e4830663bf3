"""The forecast that is shipped: the model's own, or its mix with a rival where that scored clearly better on the past.

Everything is measured before the as-of date: rival and weight on the periods that were over at each origin, the gain of
the mix on origins that had no part in choosing them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import History
from spmforecast.evaluate.backtest.gather import gather
from spmforecast.evaluate.backtest.judge import COMBINATION, FORECAST, MIX, Judge, Truth
from spmforecast.evaluate.backtest.origins import BacktestSettings, Origin, origins_of
from spmforecast.evaluate.backtest.predict import Told, tell
from spmforecast.evaluate.backtest.run import truth_of
from spmforecast.evaluate.backtest.stored import Store
from spmforecast.evaluate.mixing import stretch
from spmforecast.simulate import Forecast
from spmforecast.simulate.streams import Streams

__all__ = ["Combined", "combine"]

_FEWEST_CASES = 4
_COLUMNS = ["period", "ahead", "rival", "weight", "cases", "own_crps", "mix_crps", "gain_se", "shipped"]


@dataclass(frozen=True)
class Combined:
    """The forecast to ship and why.

    Parameters
    ----------
    forecast : Forecast
        The mix in the periods in which it scored better, else the model's own draws.
    choice : pandas.DataFrame
        A row for each period that was tried: ``period, ahead, rival, weight`` (of the model)``, cases, own_crps,
        mix_crps, gain_se`` (standard error of the difference of both)``, shipped``.
    """

    forecast: Forecast
    choice: pd.DataFrame

    @property
    def notes(self) -> tuple[str, ...]:
        """What was chosen, in words."""
        return tuple(_note(row) for row in self.choice.to_dict("records"))


def _note(row: dict) -> str:  # type: ignore[type-arg]
    if not row["rival"]:
        return f"{row['period']}: nothing is over yet that a mix could be measured on; the forecast is the model's own"
    versus = f"mean CRPS {row['mix_crps']:,.0f} against {row['own_crps']:,.0f} over {row['cases']} past periods"
    mixed = f"a mix with {row['rival']} (weight of the model {row['weight']:.2f})"
    if row["shipped"]:
        return f"{row['period']}: the forecast is {mixed}: {versus}"
    doubt = f", standard error of the difference {row['gain_se']:,.0f}" if np.isfinite(row["gain_se"]) else ""
    return f"{row['period']}: the forecast is the model's own; {mixed} did not score clearly better: {versus}{doubt}"


def combine(
    forecast: Forecast,
    known: History,
    settings: BacktestSettings,
    jobs: int = 1,
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Combined:
    """Mix a rival into the periods under way and next, where such mixes scored clearly better in the company's past.

    Clearly is by more than one standard error of the difference over past periods. A rival that today says nothing more
    will come takes no part: mixed in, it would say so in as many trials as it has weight.

    Parameters
    ----------
    forecast : Forecast
        The model's draws, from the day at which `known` is cut.
    known : History
        Cut at the as-of date.
    settings : BacktestSettings
        How to look back; its weeks are replaced by the one in which the as-of date lies.
    jobs : int
        Processes; they change no figure.
    store : Store, optional
        Where origins are kept.
    progress : callable, optional
        Called with origins done and wanted.

    Returns
    -------
    Combined

    Raises
    ------
    InputError
        If the record is too short to look back.
    """
    assert known.known_at is not None, "a mix needs a history that is cut at a date"
    now = _now(known.known_at, settings)
    asked = replace(settings, weeks=(now.week,))
    origins = origins_of(known, asked, known.known_at)
    said = gather(known, origins, asked, jobs, store, progress=progress)
    judge = Judge(settings.seed)
    truth = truth_of(known, said, {t.label: t for o in origins for t in o.targets if t.end <= known.known_at})
    for told in said:
        judge.hear(told, truth)
    return _shipped(forecast, judge, tell(known, now, asked), settings.seed)


def _now(today: pd.Timestamp, settings: BacktestSettings) -> Origin:
    """Return the origin of today; on the last day of a period the next one is about to begin."""
    first = settings.calendar.period_of(today + pd.Timedelta(days=1), settings.period)
    every = settings.calendar.periods(first.start, first.end + pd.Timedelta(days=400), settings.period)
    week = int((today - first.start).days + 1) // 7
    return Origin(today, min(week, 13 if settings.period == "quarter" else 4), tuple(every[: settings.ahead]), False)


def _shipped(forecast: Forecast, judge: Judge, told: Told, seed: int) -> Combined:
    """Decide for every period, and mix."""
    nothing: Truth = {}
    judge.hear(told, nothing)
    points = {**told.points, COMBINATION: judge.combined(told)}
    cells = pd.DataFrame(judge.cells, columns=["ahead", "level", "method", "as_of", "crps"])
    company = cells[cells["level"] == "company"]
    draws, rows = forecast.draws.copy(), []
    for ahead, label in enumerate(told.targets):
        if label not in forecast.periods:
            continue
        laws = judge.laws(told, points, ahead)
        law = {name: of[0][:, 0] for name, of in laws.items() if "company" in of[1]}
        booked = float(told.booked[0, ahead])
        rival, weight = judge.partner({name: atoms for name, atoms in law.items() if np.median(atoms) > booked})
        past = company[company["ahead"] == ahead].pivot_table(index="as_of", columns="method", values="crps")
        own, mix, error = _past(past)
        shipped = bool(rival) and len(past) >= _FEWEST_CASES and own - mix > error
        rows.append((label, ahead, rival, weight, len(past), own, mix, error, shipped))
        if shipped:
            mine = np.flatnonzero((forecast.cells["period"].astype(str) == label).to_numpy())
            draws[:, mine] = _mixed(forecast, mine, law[rival], weight, seed)
    mixed = Forecast(
        draws,
        forecast.cells,
        counts=forecast.counts,
        deals=forecast.deals,
        calendar=forecast.calendar,
        told=forecast.told,
    )
    return Combined(mixed, pd.DataFrame(rows, columns=_COLUMNS))


def _past(past: pd.DataFrame) -> tuple[float, float, float]:
    """Mean CRPS of the forecast and of the mix over past periods, and the standard error of their difference."""
    if not {FORECAST, MIX} <= set(past.columns):
        return float("nan"), float("nan"), float("nan")
    own, mix = past[FORECAST].to_numpy(), past[MIX].to_numpy()
    error = float((own - mix).std(ddof=1) / np.sqrt(len(own))) if len(own) > 1 else float("nan")
    return float(own.mean()), float(mix.mean()), error


def _mixed(
    forecast: Forecast, mine: npt.NDArray[np.int64], law: npt.NDArray[np.float64], weight: float, seed: int
) -> npt.NDArray[np.float64]:
    """Mix the cells of one period; what is won stays as it is."""
    draws = forecast.draws[:, mine]
    won = (forecast.cells["part"].iloc[mine] == "won").to_numpy(dtype=bool)
    booked = np.where(won, draws[0], 0.0)
    label = str(forecast.cells["period"].iloc[mine[0]])
    own = Streams(seed).uniforms("mix", label, "member", 0, len(draws)) <= weight
    return stretch(draws, booked, draws.sum(axis=1), float(booked.sum()), law, own)
