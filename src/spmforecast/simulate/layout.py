"""Laying out cells: what the forecasts of deals and of bookings have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import NONE
from spmforecast.errors import InputError
from spmforecast.models.profiles import check_attribute
from spmforecast.simulate.horizon import Horizon

__all__ = ["Groups", "dimensions", "merge_shares", "with_quiet_periods"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SMALLEST_SHARE = 0.01


def dimensions(deals: pd.DataFrame, levels: Sequence[str], always: Sequence[str]) -> list[str]:
    """List the dimensions of the cells beside owner, part and period.

    Parameters
    ----------
    deals : pandas.DataFrame
        Deals or bookings with resolved dimensions.
    levels : sequence of str
        Attributes asked for.
    always : sequence of str
        Attributes that are dimensions in any case.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If a level is not an attribute of the deals.
    """
    wrong = [check_attribute(level, deals) for level in levels]
    problems = [replace(problem, column="levels") for problem in wrong if problem is not None]
    if problems:
        raise InputError(problems)
    dims = list(dict.fromkeys([*always, *levels]))
    return [level for level in dims if level not in ("owner_id", "part", "period")]


def with_quiet_periods(
    won: pd.DataFrame, amount: Array, count: Array, labels: list[str]
) -> tuple[pd.DataFrame, Array, Array]:
    """Give every one of these periods a cell, so that none is missing where nothing happened.

    Parameters
    ----------
    won : pandas.DataFrame
        Cells of what is booked.
    amount, count : array of float, shape (cells,)
        What stands in them.
    labels : list of str
        Periods.

    Returns
    -------
    tuple of pandas.DataFrame, array, array
        The same with the cells added.
    """
    quiet = [label for label in labels if label not in set(won["period"])]
    rows = [{**dict.fromkeys(won.columns, NONE), "part": "won", "period": label} for label in quiet]
    added = pd.DataFrame(rows, columns=won.columns).astype(object)
    zeros = np.zeros(len(rows))
    return pd.concat([won, added], ignore_index=True), np.append(amount, zeros), np.append(count, zeros)


class Groups:
    """Hands out one run of cells, a cell a period, to each distinct combination of part, owner and dimensions.

    Parameters
    ----------
    first : int
        Column of the first cell to hand out.
    periods : int
        Cells of a run.
    """

    def __init__(self, first: int, periods: int) -> None:
        self.first, self.periods = first, periods
        self.known: dict[tuple[object, ...], int] = {}

    def place(self, part: str, rows: pd.DataFrame) -> Ints:
        """Return the first cell of each row's combination; new combinations are added in sorted order."""
        keys = [(part, *map(str, row)) for row in rows.itertuples(index=False, name=None)]
        for key in sorted(set(keys) - self.known.keys()):
            self.known[key] = self.first + len(self.known) * self.periods
        return np.array([self.known[key] for key in keys], dtype=np.int64)

    def frame(self, dims: list[str], horizon: Horizon) -> pd.DataFrame:
        """List the cells handed out."""
        rows = [(owner, part, period, *values) for part, owner, *values in self.known for period in horizon.labels]
        return pd.DataFrame(rows, columns=["owner_id", "part", "period", *dims]).astype(object)


def merge_shares(rows: pd.DataFrame, keys: list[str], within: str | None = None) -> pd.DataFrame:
    """Add up the shares of equal combinations, drop negligible ones and let the rest sum to one.

    Parameters
    ----------
    rows : pandas.DataFrame
        Keys and ``share``.
    keys : list of str
        What makes a combination.
    within : str, optional
        Column whose every value has shares of its own, which sum to one.

    Returns
    -------
    pandas.DataFrame
        `within`, keys and ``share``, in sorted order.
    """
    by = keys if within is None else [within, *keys]
    merged = rows.groupby(by, sort=True, dropna=False)["share"].sum().reset_index()
    merged["share"] = merged["share"] / _over(merged, within, "sum")
    merged = merged[merged["share"] >= np.minimum(_SMALLEST_SHARE, _over(merged, within, "max"))]
    return merged.assign(share=merged["share"] / _over(merged, within, "sum"))


def _over(rows: pd.DataFrame, within: str | None, what: Literal["sum", "max"]) -> float | npt.NDArray[np.float64]:
    """Sum or maximum of the shares, of each row's group where there are groups."""
    if within is None:
        return float(rows["share"].agg(what))
    return np.asarray(rows.groupby(within)["share"].transform(what), dtype=np.float64)
