"""Quota proposals: a total split over reps on the draws of a forecast, rounded so that it still sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.optimize.splits import SPLITS
from spmforecast.plan import QuotaProposal, largest_remainder
from spmforecast.simulate import Forecast
from spmforecast.written import nearest

__all__ = ["propose_quotas"]

Array = npt.NDArray[np.float64]

_CENT = Decimal("0.01")
_ATOM = 0.005


def propose_quotas(
    forecast: Forecast,
    total: float | Decimal | Mapping[str, float | Decimal],
    method: str = "equal-probability",
    over_assignment: float = 0.0,
    round_to: float | None = None,
    reps: Sequence[str] | None = None,
) -> QuotaProposal:
    """Propose quotas whose sum is the total with its cushion, exactly.

    Parameters
    ----------
    forecast : Forecast
        Draws with ``owner_id`` among the cells.
    total : number or mapping of str to number
        Amount to be carried before the cushion: one number for a forecast of one period, else one for each period
        (a fiscal year may be named too: quotas are then set on the year's bookings).
    method : {"equal-probability", "proportional"}
        The same chance to attain for everybody, or the same expected attainment.
    over_assignment : float
        Cushion; quotas sum to ``total * (1 + over_assignment)``, to the cent.
    round_to : float, optional
        Quotas become whole multiples of it; what is left of the total is declared as the proposal's remainder.
    reps : sequence of str, optional
        Who gets a quota; everybody with cells by default.

    Returns
    -------
    QuotaProposal

    Raises
    ------
    InputError
        With everything that is wrong at once: totals, cushion, step, method, periods, reps.
    """
    totals = _check(forecast, total, method, over_assignment, round_to, reps)
    frames, remainder, notes = [], {}, []
    for period, amount in totals.items():
        names, draws = _rep_draws(forecast, period, reps)
        cushioned = (amount * (1 + Decimal(str(over_assignment)))).quantize(_CENT, ROUND_HALF_UP)
        step = Decimal(str(round_to)) if round_to is not None else _CENT
        rounded = largest_remainder(
            SPLITS[method](draws, float(cushioned)).tolist(),
            cushioned,
            step,
            lower=[0] * len(names),
            residual="declare",
        )
        remainder[period] = Decimal(str(float(rounded.residual))).quantize(_CENT)
        table = _table(names, period, draws, np.asarray(rounded.amounts, dtype=np.float64))
        notes.extend(_notes(table, draws, period, method))
        frames.append(table)
    return QuotaProposal(
        table=pd.concat(frames, ignore_index=True),
        method=method,
        over_assignment=over_assignment,
        total=totals,
        remainder={period: left for period, left in remainder.items() if left},
        notes=tuple(notes),
    )


def _table(names: list[str], period: str, draws: Array, quota: Array) -> pd.DataFrame:
    """Judge each quota on the rep's own draws."""
    mean = draws.mean(axis=0)
    p10, p50, p90 = np.quantile(draws, [0.1, 0.5, 0.9], axis=0)
    return pd.DataFrame(
        {
            "rep_id": names,
            "period": period,
            "quota": quota,
            # Without a quota there is nothing to attain: null is not 0, and not certainty either.
            "p_attain": np.where(quota > 0, (draws >= quota - _ATOM).mean(axis=0), np.nan),
            "expected_attainment": np.divide(mean, quota, out=np.full(len(names), np.nan), where=quota > 0),
            "mean": mean,
            "p10": p10,
            "p50": p50,
            "p90": p90,
        }
    )


def _notes(table: pd.DataFrame, draws: Array, period: str, method: str) -> list[str]:
    """Say where an equal chance cannot be had: reps that book nothing in many draws, totals out of reach."""
    if method != "equal-probability":
        return []
    idle = (draws <= 0).mean(axis=0)
    held = table.loc[(table["quota"] <= 0) & (idle > 0), "rep_id"]
    notes = []
    if len(held) and len(held) < len(table):
        notes.append(
            f"{period}: no quota is left for {', '.join(map(str, held[:5]))}{' and others' if len(held) > 5 else ''}: "
            "at the common chance they book nothing, or less than half a rounding step"
        )
    if (table["p_attain"].dropna() <= 0).all() and (table["quota"] > 0).any():
        notes.append(f"{period}: the total lies above what the reps book in any draw; nobody can be expected to attain")
    return notes


def _rep_draws(forecast: Forecast, period: str, reps: Sequence[str] | None) -> tuple[list[str], Array]:
    """Bookings of each rep in a period, shape (trials, reps)."""
    inside = forecast.cells["period"].astype(str).map(lambda own: forecast.calendar.contains(period, own))
    owner = forecast.cells["owner_id"].astype(str)
    names = sorted(set(owner[inside])) if reps is None else [str(rep) for rep in reps]
    draws = np.zeros((forecast.trials, len(names)))
    for index, name in enumerate(names):
        draws[:, index] = forecast.draws[:, (inside & (owner == name)).to_numpy(dtype=bool)].sum(axis=1)
    return names, draws


def _check(
    forecast: Forecast,
    total: float | Decimal | Mapping[str, float | Decimal],
    method: str,
    over_assignment: float,
    round_to: float | None,
    reps: Sequence[str] | None,
) -> dict[str, Decimal]:
    """Check every argument and return the totals as exact amounts."""
    problems: list[Problem] = []
    if "owner_id" not in forecast.cells:
        problems.append(Problem("quotas", "cells have no column owner_id", "Say whose bookings each cell holds."))
    if method not in SPLITS:
        near = nearest(method, SPLITS)
        mend = f"Did you mean {near!r}?" if near else f"Use one of: {', '.join(SPLITS)}."
        problems.append(Problem("quotas", "no such method", mend, column="method", value=method))
    if not np.isfinite(over_assignment) or over_assignment <= -1:
        problems.append(
            Problem(
                "quotas",
                "must be a share above -1",
                "0.10 is 10 %.",
                column="over_assignment",
                value=str(over_assignment),
            )
        )
    if round_to is not None and not (np.isfinite(round_to) and round_to >= 0.01):
        problems.append(
            Problem("quotas", "must be at least a cent", "For instance 1000.", column="round_to", value=str(round_to))
        )
    if reps is not None and not reps:
        problems.append(Problem("quotas", "no rep is named", "Name at least one, or leave reps out.", column="reps"))
    if reps is not None and len(set(reps)) != len(reps):
        problems.append(Problem("quotas", "a rep is named twice", "Name each rep once.", column="reps"))
    if reps is not None and "owner_id" in forecast.cells:
        owners = {str(owner) for owner in forecast.cells["owner_id"]}
        for rep in sorted(set(map(str, reps)) - owners):
            near = nearest(rep, owners)
            mend = f"Did you mean {near}?" if near else "Name owners of the forecast's cells."
            problems.append(Problem("quotas", "the forecast knows no such rep", mend, column="reps", value=rep))
    totals = _totals(forecast, total, problems)
    if problems:
        raise InputError(problems)
    return totals


def _totals(
    forecast: Forecast, total: float | Decimal | Mapping[str, float | Decimal], problems: list[Problem]
) -> dict[str, Decimal]:
    if not isinstance(total, Mapping):
        if len(forecast.periods) != 1:
            problems.append(
                Problem(
                    "quotas",
                    "one number needs a forecast of one period",
                    "Give {period: amount}.",
                    column="total",
                    value=str(total),
                )
            )
            return {}
        total = {forecast.periods[0]: total}
    out = {}
    reached = {*forecast.periods, *forecast.years}
    for period, value in total.items():
        try:
            amount = Decimal(str(value)).quantize(_CENT, ROUND_HALF_UP)
        except InvalidOperation:
            amount = Decimal(-1)
        if not amount.is_finite() or amount < 0:
            problems.append(
                Problem("quotas", "must be an amount of at least 0", column=f"total[{period}]", value=str(value))
            )
        elif str(period) not in reached:
            mend = f"It holds {', '.join(forecast.periods)}."
            problems.append(
                Problem("quotas", "the forecast does not reach this period", mend, column="total", value=str(period))
            )
        out[str(period)] = amount
    return out
