"""Who takes which territory, and where people are missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InfeasibleError, InputError, Problem

__all__ = ["match_reps", "staffing_gaps"]


def match_reps(
    cost: npt.ArrayLike, today: npt.ArrayLike | None = None, stay: float = 0.0
) -> tuple[npt.NDArray[np.int64], float]:
    """Match reps to territories one to one at the least cost (linear assignment).

    Parameters
    ----------
    cost : array-like of float, shape (T, R)
        Cost of each territory with each rep, for instance kilometres from home; infinite forbids the pair.
    today : array-like of int, shape (T,), optional
        Rep of each territory today, -1 for none.
    stay : float
        Taken off the cost of a pair that stays.

    Returns
    -------
    rep : array of int, shape (T,)
        -1 where there are fewer reps than territories: a staffing gap.
    total : float
        Cost of the pairs, `stay` left out.

    Raises
    ------
    InputError
        A cost that is missing or of the wrong shape.
    InfeasibleError
        Forbidden pairs leave no full matching.
    """
    from scipy.optimize import linear_sum_assignment

    table = np.asarray(cost, dtype=np.float64)
    if table.ndim != 2 or not table.size or np.isnan(table).any():
        raise InputError(Problem("match", "must be a table of numbers, a row a territory", column="cost"))
    priced = table.copy()
    if today is not None:
        held = np.asarray(today, dtype=np.int64)
        if held.shape != (len(table),) or held.max(initial=-1) >= table.shape[1]:
            raise InputError(Problem("match", "must name a rep or -1 for each territory", column="today"))
        rows = np.flatnonzero(held >= 0)
        priced[rows, held[rows]] -= stay
    try:
        row, column = linear_sum_assignment(priced)
    except ValueError as error:
        raise InfeasibleError("forbidden pairs leave no full matching of reps to territories", ["cost"]) from error
    rep = np.full(len(table), -1, dtype=np.int64)
    rep[row] = column
    return rep, float(table[row, column].sum())


def staffing_gaps(table: pd.DataFrame, hours: float, column: str = "workload") -> pd.DataFrame:
    """Compare the work of each territory with what a rep can do.

    Parameters
    ----------
    table : pandas.DataFrame
        A row a territory with `column` in hours a month, such as :attr:`TerritoryProposal.table`.
    hours : float
        Hours a month that a rep has for accounts.
    column : str

    Returns
    -------
    pandas.DataFrame
        The table's first column, ``workload, reps_needed, gap``; a gap above 0 is a share of a rep that is
        missing. The last
        row, ``(all)``, sums them.

    Raises
    ------
    InputError
        Hours that are not above 0, a column that is missing.
    """
    wrong = []
    if not (np.isfinite(hours) and hours > 0):
        wrong.append(Problem("staffing", "must be above 0", column="hours", value=str(hours)))
    if column not in table:
        wrong.append(Problem("staffing", "the column is missing", column=column))
    if wrong:
        raise InputError(wrong)
    work = table[column].to_numpy(dtype=np.float64)
    name = table.columns[0]
    needed = work / hours
    out = pd.DataFrame({name: table[name].astype(str), "workload": work, "reps_needed": needed, "gap": needed - 1.0})
    total = pd.DataFrame(
        {name: ["(all)"], "workload": [work.sum()], "reps_needed": [needed.sum()], "gap": [needed.sum() - len(work)]}
    )
    return pd.concat([out, total], ignore_index=True)
