"""Where the river is worth mending: paired simulations of each stage a little better, and the bottleneck."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.display import money, percent
from spmforecast.models.mending import StageMend
from spmforecast.scenario.assuming import adjustments_of
from spmforecast.scenario.scorecards.basis import Basis
from spmforecast.simulate import Simulator

__all__ = ["Bottleneck", "bottleneck", "mend_table"]

Array = npt.NDArray[np.float64]
Way = Literal["leak", "pace"]

_MENDS: tuple[tuple[Way, float], ...] = (("leak", 0.1), ("pace", 0.2))
_WORDS = {"leak": "a tenth of its losses and steps back moves on instead", "pace": "its deals stay a fifth less time"}
_TRIALS = 1000
_SILTS = 1.25  # stock over what Little's law lets expect


@dataclass(frozen=True)
class Bottleneck:
    """The stage that is worth mending most.

    Parameters
    ----------
    stage, way : str
        Which, and how; empty where nothing is worth anything.
    reason : str
        Why, in sentences.
    """

    stage: str
    way: str
    reason: str


def mend_table(basis: Basis, jobs: int, told: Callable[[int, int], None]) -> tuple[pd.DataFrame, dict[str, Array]]:
    """Simulate the horizon with each stage a little better, on the same luck.

    Parameters
    ----------
    basis : Basis
        What all rests on.
    jobs : int
        Processes.
    told : callable
        Called with the simulations done and wanted.

    Returns
    -------
    table : pandas.DataFrame
        ``stage, way, by, worth, se, p10, p50, p90, p_above``: additional company bookings until the end of the horizon;
        quantiles are of the difference between paired draws.
    differences : dict of str to array of float, shape (trials,)
        Those differences, by ``stage/way``.
    """
    keys, model = basis.result.scenario.keys, basis.model
    trials = min(basis.result.forecast.trials, _TRIALS)
    simulator = Simulator(model, keys.until, keys.period, keys.levels, keys.simulate.seed)
    adjustments = adjustments_of(basis.result.scenario, model)
    base = simulator.run(adjustments, trials, jobs).draws.sum(axis=1)
    stages = model.stays.stages
    wanted = [StageMend(s, way, by) for way, by in _MENDS for s in range(len(stages))]
    differences, rows = {}, []
    for number, mend in enumerate(wanted):
        told(number, len(wanted))
        apart = np.round(simulator.run(adjustments, trials, jobs, mend).draws.sum(axis=1) - base, 2)
        differences[f"{stages[mend.stage]}/{mend.way}"] = apart
        p10, p50, p90 = np.quantile(apart, [0.1, 0.5, 0.9])
        rows.append(
            {
                "stage": stages[mend.stage],
                "way": mend.way,
                "by": mend.by,
                "worth": float(apart.mean()),
                "se": float(apart.std() / np.sqrt(trials)),
                "p10": float(p10),
                "p50": float(p50),
                "p90": float(p90),
                "p_above": float((apart > 0).mean()),
            }
        )
    told(len(wanted), len(wanted))
    return pd.DataFrame(rows), differences


def bottleneck(basis: Basis, river: pd.DataFrame, mends: pd.DataFrame, differences: dict[str, Array]) -> Bottleneck:
    """Choose the stage that is worth mending most within the horizon, and say why.

    Parameters
    ----------
    basis : Basis
        What all rests on.
    river : pandas.DataFrame
        Of :func:`~spmforecast.scenario.scorecards.river.river_table`.
    mends : pandas.DataFrame
        Of :func:`mend_table`.
    differences : dict of str to array
        Of :func:`mend_table`.

    Returns
    -------
    Bottleneck
    """
    best_of_stage = mends.loc[mends.groupby("stage", sort=False)["worth"].idxmax()]
    ordered = best_of_stage.sort_values("worth", ascending=False, kind="stable").to_dict("records")
    best = ordered[0]
    if best["worth"] <= 2 * best["se"]:
        return Bottleneck("", "", "No stage stands out: mending none of them brings more than the error of simulation.")
    keys = basis.result.scenario.keys
    whole = river[river["segment"] == "(all)"].set_index("stage")
    said = [
        f"{best['stage']} is the bottleneck: if {_WORDS[best['way']]}, bookings until {keys.until} are "
        f"{money(best['worth'], keys.currency)} higher on average, and between {money(best['p10'])} and "
        f"{money(best['p90'], keys.currency)} in eight of ten draws."
    ]
    said += _beside_next(best, ordered, differences)
    said += _in_the_long_run(best["stage"], whole)
    said += _silted(whole)
    return Bottleneck(str(best["stage"]), str(best["way"]), " ".join(said))


def _beside_next(best: Mapping[Any, Any], ordered: Sequence[Mapping[Any, Any]], every: dict[str, Array]) -> list[str]:
    """Hold the best against the second, draw by draw."""
    if len(ordered) < 2:
        return []
    second = ordered[1]
    apart = every[f"{best['stage']}/{best['way']}"] - every[f"{second['stage']}/{second['way']}"]
    error = float(apart.std() / np.sqrt(len(apart)))
    if float(apart.mean()) < 2 * error:
        return [f"{second['stage']} comes so close that the draws do not tell the two apart."]
    ahead = percent(float((apart > 0).mean()))
    return [f"It is worth more than {second['stage']}, the next, on average, and in {ahead} of the draws."]


def _in_the_long_run(stage: str, whole: pd.DataFrame) -> list[str]:
    """Name the stage whose losses weigh most once all deals have run their course, if it is another one."""
    gain = whole["gain_leak"]
    most = str(gain.idxmax())
    if most == stage:
        return [f"In the long run, too: a tenth fewer losses there bring {100 * gain[stage]:.1f} % more wins."]
    return [
        f"In the long run, beyond the horizon, {most} weighs more: a tenth fewer losses there bring "
        f"{100 * gain[most]:.1f} % more wins, in {stage} {100 * gain[stage]:.1f} %."
    ]


def _silted(whole: pd.DataFrame) -> list[str]:
    """Name the stage that holds most deals beyond what arrivals and time in stage hold up."""
    silting = whole["silting"].dropna()
    if silting.empty or silting.max() < _SILTS:
        return ["No stage holds many more deals than its arrivals and usual times account for."]
    stage = str(silting.idxmax())
    row = whole.loc[stage]
    return [
        f"{stage} silts up: {row['open']:.0f} deals stand there, where arrivals and usual times account for "
        f"{row['little_open']:.0f}."
    ]
