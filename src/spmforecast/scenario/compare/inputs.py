"""What uncertain inputs do to a scenario's bookings, and what it is worth to know them before choosing a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.evaluate.information import evpi, evppi
from spmforecast.scenario.compare.shares import Figures
from spmforecast.simulate import Forecast
from spmforecast.simulate.drivers import NAMES

__all__ = ["input_swings", "value_of_inputs"]

Array = npt.NDArray[np.float64]

_TAIL = 0.2
_NEAR = 0.025  # share of the draws on either side of a cut that tell what is booked there


def input_swings(forecast: Forecast, figures: Figures, drawn: pd.DataFrame) -> pd.DataFrame:
    """Average bookings over the fifth of the trials in which an input is lowest, and highest.

    Parameters
    ----------
    forecast : Forecast
        Of the first scenario.
    figures : Figures
        Periods that are asked about.
    drawn : pandas.DataFrame
        Inputs of each trial.

    Returns
    -------
    pandas.DataFrame
        ``period, input, low, high, mean, se``: the two tails lie around the input's 10 % and 90 % quantile; ``se`` is
        the Monte Carlo standard error of `high` less `low`.
    """
    rows = []
    for label in figures.labels:
        booked = np.round(forecast.period_draws(label), 2)[: len(drawn)]
        for name in drawn:
            order = np.argsort(drawn[name].to_numpy(), kind="stable")
            low, high, error = _tails(booked[order])
            told = {"input": NAMES[str(name)], "low": low, "high": high, "mean": float(booked.mean()), "se": error}
            rows.append({"period": label, **told})
    return pd.DataFrame(rows, columns=["period", "input", "low", "high", "mean", "se"])


def _tails(booked: Array) -> tuple[float, float, float]:
    """Mean of the lowest and the highest fifth of draws in order of an input, and the error of their difference.

    A tail's mean errs by the luck of its draws, and because where the tail begins is itself read from the draws. The
    influence of draw i holds both: ``(booked[i] - at the cut) / share`` within the tail, none without. Taken from one
    tail less the other, draw by draw, its spread over the root of the number of draws is the error.
    """
    draws = len(booked)
    count, near = max(round(_TAIL * draws), 1), max(round(_NEAR * draws), 1)
    at_cut = [booked[max(cut - near, 0) : cut + near].mean() for cut in (count, draws - count)]
    influence = np.zeros(draws)
    influence[-count:] = booked[-count:] - at_cut[1]
    influence[:count] -= booked[:count] - at_cut[0]
    error = influence.std() / count * np.sqrt(draws)
    return float(booked[:count].mean()), float(booked[-count:].mean()), float(error)


def value_of_inputs(
    forecasts: Sequence[Forecast], costs: Sequence[float], margin: float, periods: Sequence[str], drawn: pd.DataFrame
) -> tuple[pd.DataFrame, Mapping[str, float]]:
    """Say what it is worth to know an input before choosing among the scenarios.

    Parameters
    ----------
    forecasts : sequence of Forecast
        One of each scenario, on the same trials.
    costs : sequence of float
        What each scenario costs beyond the first thing in common.
    margin : float
        What a unit of bookings is worth.
    periods : sequence of str
        Periods to come.
    drawn : pandas.DataFrame
        Inputs of each trial.

    Returns
    -------
    tuple of DataFrame and mapping
        ``input, value``, greatest first, the value of knowing everything among them; and the mean worth of each
        scenario by its place.
    """
    worth = np.stack(
        [
            margin * np.sum([np.round(one.period_draws(label), 2) for label in periods], axis=0)[: len(drawn)] - cost
            for one, cost in zip(forecasts, costs, strict=True)
        ]
    )
    rows = [{"input": NAMES[str(name)], "value": evppi(worth, drawn[name].to_numpy())} for name in drawn]
    rows.sort(key=lambda row: -float(str(row["value"])))
    rows.insert(0, {"input": "everything, luck included", "value": evpi(worth)})
    table = pd.DataFrame(rows, columns=["input", "value"])
    return table.round(2), {str(place): float(one.mean()) for place, one in enumerate(worth)}
