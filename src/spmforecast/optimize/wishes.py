"""What is asked of a quota proposal, checked as a whole before anything is split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Literal

import numpy as np
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.optimize.ways import WAYS, check_way
from spmforecast.plan import Hierarchy, Limits
from spmforecast.simulate import Forecast
from spmforecast.written import nearest

__all__ = ["CENT", "Wishes", "check_wishes"]

CENT = Decimal("0.01")
Total = float | Decimal | Mapping[str, float | Decimal] | None


@dataclass(frozen=True)
class Wishes:
    """Everything that shapes a proposal beside the forecast and the totals.

    Parameters
    ----------
    method : str
        One of :data:`spmforecast.optimize.ways.WAYS`.
    over_assignment : float
        The company's cushion.
    round_to : float or None
        Step; a cent where absent.
    options : mapping of str to object
        Of the method.
    fields : pandas.DataFrame
        ``rep_id``, perhaps ``period``, and the fields that methods use.
    limits : Limits
        Floors, ceilings, locks, ratchets.
    figures : mapping of str to float or None
        Bottom-up figures; None is no figure, and 0 is one.
    figures_as : {"fixed", "base"}
        Whether figures stand as they are and the others share the rest, or the rest is spread on top of them.
    hierarchy : Hierarchy or None
        Levels between company and rep.
    """

    method: str = "equal-probability"
    over_assignment: float = 0.0
    round_to: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    fields: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"rep_id": pd.Series(dtype="str")}))
    limits: Limits = field(default_factory=Limits)
    figures: Mapping[str, float | None] = field(default_factory=dict)
    figures_as: Literal["fixed", "base"] = "fixed"
    hierarchy: Hierarchy | None = None

    @property
    def step(self) -> Decimal:
        """Step to which quotas are rounded."""
        return Decimal(str(self.round_to)) if self.round_to is not None else CENT

    def fields_of(self, period: str, reps: Sequence[str]) -> pd.DataFrame:
        """Fields of each rep in a period, in the order of the reps; missing where not given."""
        table = self.fields
        if "period" in table:
            own = table["period"].isna() | (table["period"].astype(object) == period)
            # A row for the very period goes before one for all.
            table = table[own].sort_values("period", na_position="first", kind="stable")
            table = table.drop_duplicates("rep_id", keep="last").drop(columns="period")
        indexed = table.assign(rep_id=table["rep_id"].astype(str)).set_index("rep_id")
        return indexed.reindex(list(reps))


def check_wishes(
    forecast: Forecast, total: Total, wishes: Wishes, reps: Sequence[str] | None
) -> dict[str, Decimal | None]:
    """Check every argument and return the totals as exact amounts.

    Parameters
    ----------
    forecast : Forecast
        Draws.
    total : number, mapping of str to number, or None
        As :func:`spmforecast.optimize.quotas.propose_quotas` takes it.
    wishes : Wishes
        The rest.
    reps : sequence of str or None
        Who gets a quota.

    Returns
    -------
    dict of str to Decimal or None
        By period; None where the figures make the total.

    Raises
    ------
    InputError
        With everything that is wrong.
    """
    problems: list[Problem] = []
    if "owner_id" not in forecast.cells:
        problems.append(Problem("quotas", "cells have no column owner_id", "Say whose bookings each cell holds."))
    problems += check_way(wishes.method, wishes.options)
    problems += _wrong_numbers(wishes)
    problems += _wrong_reps(forecast, reps)
    problems += _wrong_tables(forecast, wishes, reps)
    totals = _totals(forecast, total, wishes, problems)
    if problems:
        raise InputError(problems)
    return totals


def _wrong_numbers(wishes: Wishes) -> list[Problem]:
    problems = []
    over, step = wishes.over_assignment, wishes.round_to
    if not np.isfinite(over) or over <= -1:
        told = "must be a share above -1"
        problems.append(Problem("quotas", told, "0.10 is 10 %.", column="over_assignment", value=str(over)))
    if step is not None and not (np.isfinite(step) and step >= 0.01):
        told = "must be at least a cent"
        problems.append(Problem("quotas", told, "For instance 1000.", column="round_to", value=str(step)))
    for rep, amount in wishes.figures.items():
        if amount is not None and amount == amount and not (np.isfinite(amount) and amount >= 0):
            told = "must be an amount of at least 0, or missing"
            problems.append(Problem("quotas", told, column=f"figures[{rep}]", value=str(amount)))
    if wishes.figures_as not in ("fixed", "base"):
        problems.append(Problem("quotas", "must be fixed or base", column="figures_as", value=str(wishes.figures_as)))
    return problems


def _wrong_reps(forecast: Forecast, reps: Sequence[str] | None) -> list[Problem]:
    if reps is None:
        return []
    if not reps:
        return [Problem("quotas", "no rep is named", "Name at least one, or leave reps out.", column="reps")]
    problems = []
    if len(set(reps)) != len(reps):
        problems.append(Problem("quotas", "a rep is named twice", "Name each rep once.", column="reps"))
    if "owner_id" in forecast.cells:
        owners = {str(owner) for owner in forecast.cells["owner_id"]}
        for rep in sorted(set(map(str, reps)) - owners):
            near = nearest(rep, owners)
            mend = f"Did you mean {near}?" if near else "Name owners of the forecast's cells."
            problems.append(Problem("quotas", "the forecast knows no such rep", mend, column="reps", value=rep))
    return problems


def _wrong_tables(forecast: Forecast, wishes: Wishes, reps: Sequence[str] | None) -> list[Problem]:
    """Find what speaks of reps that get no quota, or does not say whom it speaks of."""
    if "owner_id" not in forecast.cells:
        return []
    known = [str(rep) for rep in (reps if reps is not None else forecast.cells["owner_id"].unique())]
    problems = wishes.limits.unknown(known)
    for rep in sorted(set(wishes.figures) - set(known)):
        near = nearest(rep, known)
        mend = f"Did you mean {near}?" if near else "Name reps that get a quota."
        problems.append(Problem("quotas", "no such rep gets a quota", mend, column="figures", value=rep))
    fields = wishes.fields
    if "rep_id" not in fields:
        problems.append(Problem("quotas", "fields have no column rep_id", "Say whose they are.", column="fields"))
    elif fields.duplicated([name for name in ("rep_id", "period") if name in fields]).any():
        problems.append(Problem("quotas", "fields name a rep twice", "Keep one row.", column="fields"))
    if wishes.hierarchy is not None:
        problems += wishes.hierarchy.missing(known)
    return problems


def _totals(forecast: Forecast, total: Total, wishes: Wishes, problems: list[Problem]) -> dict[str, Decimal | None]:
    if total is None:
        if wishes.method in WAYS and not WAYS[wishes.method].amounts:
            able = ", ".join(name for name, way in WAYS.items() if way.amounts)
            told = f"{wishes.method} splits a total and makes none"
            problems.append(Problem("quotas", told, f"Give the total, or use one of: {able}.", column="total"))
        return dict.fromkeys(forecast.periods)
    if not isinstance(total, Mapping):
        if len(forecast.periods) != 1:
            told, mend = "one number needs a forecast of one period", "Give {period: amount}."
            problems.append(Problem("quotas", told, mend, column="total", value=str(total)))
            return {}
        total = {forecast.periods[0]: total}
    reached = {*forecast.periods, *forecast.years}
    return {str(period): _amount(str(period), value, reached, forecast, problems) for period, value in total.items()}


def _amount(period: str, value: object, reached: set[str], forecast: Forecast, problems: list[Problem]) -> Decimal:
    try:
        amount = Decimal(str(value)).quantize(CENT, ROUND_HALF_UP)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        told = "must be an amount of at least 0"
        problems.append(Problem("quotas", told, column=f"total[{period}]", value=str(value)))
    elif period not in reached:
        told, mend = "the forecast does not reach this period", f"It holds {', '.join(forecast.periods)}."
        problems.append(Problem("quotas", told, mend, column="total", value=period))
    return amount
