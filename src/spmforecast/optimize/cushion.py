"""The cushion chosen by what it carries and costs, not by a customary percentage.

Bookings do not depend on quotas here, so neither does the chance to reach plan. What depends on the cushion is who
attains, what is paid, and the chance that plan is made without leaning on overachievers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.display import card, chance, percent
from spmforecast.errors import InfeasibleError, InputError, Problem
from spmforecast.evaluate.carried import Payout, attained, p_carried, paid
from spmforecast.optimize.splits import equal_probability
from spmforecast.plan import Bounds

__all__ = ["CUSHIONS", "CushionChoice", "choose_cushion", "cushion_curve"]

Array = npt.NDArray[np.float64]

CUSHIONS: tuple[float, ...] = tuple(round(0.005 * step, 3) for step in range(-20, 101))
"""From -10 % to 50 % by half a per cent."""


@dataclass(frozen=True)
class CushionChoice:
    """The smallest cushion that does what is asked.

    Parameters
    ----------
    cushion : float or None
        Over-assignment; None where none will do.
    told : str
        Why this one, or what stands in the way.
    curve : pandas.DataFrame
        Of :func:`cushion_curve`, with ``allowed``: whether a cushion carries the plan within every limit.
    """

    cushion: float | None
    told: str
    curve: pd.DataFrame = field(repr=False)

    def _repr_html_(self) -> str:
        named = "none will do" if self.cushion is None else percent(self.cushion)
        return card("Cushion", {"chosen": named, "why": self.told}, self.curve)


def cushion_curve(
    bookings: npt.ArrayLike,
    plan: float,
    cushions: Sequence[float] = CUSHIONS,
    payout: Payout | None = None,
    bounds: Bounds | None = None,
    paid_at: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Show what each cushion does, with quotas of equal chance.

    Parameters
    ----------
    bookings : array-like of float, shape (trials, reps)
        Draws of one period.
    plan : float
        Positive; quotas sum to it times one plus the cushion.
    cushions : sequence of float
        Shares above -1.
    payout : callable, optional
        Pay: ``payout(bookings, quota)`` of shapes (trials, reps, periods) and (reps, periods).
    bounds : Bounds, optional
        Limits on the quotas; cushions that they cannot hold are left out.
    paid_at : sequence of float, optional
        Cushions at which pay is worked out, all by default; it is missing elsewhere.

    Returns
    -------
    pandas.DataFrame
        ``cushion, quota_total, p_attain, p_attain_min, p_attain_max, reps_at_quota, expected_attainment, p_carried``,
        with pay also ``payout_mean, payout_p90, cost_of_sales``. ``p_attain`` is the median over reps with a quota.

    Raises
    ------
    InputError
        If draws, plan or a cushion are out of range.
    InfeasibleError
        If the bounds hold none of the cushions.
    """
    draws = np.asarray(bookings, dtype=np.float64)
    _check(draws, plan, cushions)
    low, high = (0.0, np.inf) if bounds is None else (bounds.lower, bounds.upper)
    rows, clash = [], None
    for cushion in cushions:
        total = plan * (1 + cushion)
        try:
            if bounds is not None:
                bounds.check(total)
        except InfeasibleError as error:
            clash = error
            continue
        quota = equal_probability(draws, total, low, high)
        paying = payout if paid_at is None or cushion in paid_at else None
        rows.append({"cushion": cushion, "quota_total": total, **_measured(draws, quota, plan, paying)})
    if not rows:
        assert clash is not None
        raise clash
    return pd.DataFrame(rows)


def _measured(draws: Array, quota: Array, plan: float, payout: Payout | None) -> dict[str, float]:
    asked = quota > 0
    reached = attained(draws, quota).mean(axis=0)[asked]
    out = {
        "p_attain": float(np.median(reached)),
        "p_attain_min": float(reached.min()),
        "p_attain_max": float(reached.max()),
        "reps_at_quota": float(reached.mean()),
        "expected_attainment": float(draws.sum(axis=1).mean() / quota.sum()),
        "p_carried": p_carried(draws, quota, plan),
    }
    if payout is None:
        return out
    total = paid(payout, draws, quota).sum(axis=1)
    sales = float(draws.sum(axis=1).mean())
    return {
        **out,
        "payout_mean": float(total.mean()),
        "payout_p90": float(np.quantile(total, 0.9)),
        "cost_of_sales": float(total.mean()) / sales if sales > 0 else float("nan"),
    }


def choose_cushion(
    curve: pd.DataFrame,
    wanted: float = 0.8,
    least_p_attain: float = 0.0,
    most_payout: float | None = None,
    most_payout_p90: float | None = None,
) -> CushionChoice:
    """Take the smallest cushion that carries the plan with the wanted chance within stated limits.

    Parameters
    ----------
    curve : pandas.DataFrame
        Of :func:`cushion_curve`.
    wanted : float
        Chance that the plan is carried within quotas, 0 to 1.
    least_p_attain : float
        Smallest chance to attain that a rep with a quota may be left with (median over reps).
    most_payout, most_payout_p90 : float, optional
        Largest expected pay, and largest pay in nine of ten draws; the curve must know pay.

    Returns
    -------
    CushionChoice
        Without a cushion where none will do; then it says what the best of the curve reaches and which limits clash.

    Raises
    ------
    InputError
        If chances are out of range, or pay is limited and the curve knows none.
    """
    limits = _limits(curve, wanted, least_p_attain, most_payout, most_payout_p90)
    carries = curve["p_carried"] >= wanted
    within = pd.Series(True, index=curve.index)
    for column, low, high, _ in limits:
        within &= (curve[column] >= low) & (curve[column] <= high)
    shown = curve.assign(allowed=carries & within)
    found = shown[shown["allowed"]].sort_values("cushion")
    if len(found):
        row = found.iloc[0]
        told = f"the smallest that carries the plan with a chance of {chance(row['p_carried'])} within the limits"
        return CushionChoice(float(row["cushion"]), told, shown)
    return CushionChoice(None, _why_none(curve, wanted, carries, limits), shown)


_Limit = tuple[str, float, float, str]


def _limits(
    curve: pd.DataFrame, wanted: float, least_p_attain: float, most: float | None, most_p90: float | None
) -> list[_Limit]:
    problems = [
        Problem("quotas", "must be a chance from 0 to 1", column=name, value=str(value))
        for name, value in (("wanted", wanted), ("least_p_attain", least_p_attain))
        if not 0 <= value <= 1
    ]
    limits: list[_Limit] = [("p_attain", least_p_attain, np.inf, f"P(attain) of at least {percent(least_p_attain)}")]
    for name, column, value in (("most_payout", "payout_mean", most), ("most_payout_p90", "payout_p90", most_p90)):
        if value is None:
            continue
        if column not in curve:
            told, mend = "the curve knows no pay", "Make it with a payout."
            problems.append(Problem("quotas", told, mend, column=name, value=str(value)))
        limits.append((column, -np.inf, value, f"{column} of at most {value:,.0f}"))
    if problems:
        raise InputError(problems)
    return limits


def _why_none(curve: pd.DataFrame, wanted: float, carries: pd.Series, limits: list[_Limit]) -> str:
    """Say what stands in the way."""
    best = curve.iloc[int(curve["p_carried"].to_numpy().argmax())]
    if not carries.any():
        return (
            f"no cushion will do: the plan is carried with a chance of at most {chance(best['p_carried'])} (at a "
            f"cushion of {percent(best['cushion'])}), and {percent(wanted)} is wanted"
        )
    able = curve[carries]
    clash = [label for column, low, high, label in limits if not ((able[column] >= low) & (able[column] <= high)).any()]
    named = " and ".join(clash or [label for _, _, _, label in limits])
    first = able.sort_values("cushion").iloc[0]
    return (
        f"no cushion will do: from {percent(first['cushion'])} on the plan is carried with the wanted chance of "
        f"{percent(wanted)}, but not with {named}"
    )


def _check(draws: Array, plan: float, cushions: Sequence[float]) -> None:
    problems = []
    if draws.ndim != 2 or not draws.size:
        told = f"draws have shape {draws.shape}"
        problems.append(Problem("quotas", told, "Give (trials, reps) of one period.", column="bookings"))
    if not (np.isfinite(plan) and plan > 0):
        problems.append(Problem("quotas", "a plan must be positive", column="plan", value=str(plan)))
    if not len(cushions):
        problems.append(Problem("quotas", "no cushion is given", column="cushions"))
    for cushion in cushions:
        if not (np.isfinite(cushion) and cushion > -1):
            told = "must be a share above -1"
            problems.append(Problem("quotas", told, "0.10 is 10 %.", column="cushions", value=str(cushion)))
    if problems:
        raise InputError(problems)
