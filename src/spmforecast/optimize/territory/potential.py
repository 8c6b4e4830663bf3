"""What accounts are worth and what work they make, from their own history as far as it goes.

Wins of account i over T years: ``Poisson(theta_i * r_g * T)`` with r_g the rate of its group (industry) and
``theta_i ~ Gamma(a, a)``, a estimated by maximum marginal likelihood. Potential a year is the posterior rate times
the mean
amount of its wins, shrunk to the group's by n / (n + 3). An account without history gets its group's figure. Visits are
estimated in the same way.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from spmforecast.data import History
from spmforecast.models.pooling import fit_gamma_pool
from spmforecast.optimize.territory.problem import Floats, Ints

__all__ = ["fit_potential", "fit_workload"]

_AMOUNT_PRIOR = 3.0  # wins that the group's mean amount counts for
_VISITS = ("meeting", "call", "event")


def fit_potential(history: History, as_of: str, by: str = "industry") -> pd.DataFrame:
    """Estimate each account's yearly bookings from its won deals, shrunk to accounts like it.

    Parameters
    ----------
    history : History
        With accounts, and deals that name them.
    as_of : str
        What was known at the close of that day is used.
    by : str
        Column of accounts that tells which are alike.

    Returns
    -------
    pandas.DataFrame
        ``account_id, wins, years, expected_wins, shrinkage, amount, potential``, in the order of accounts;
        ``shrinkage`` is the
        weight of the group (1 where an account has no history).
    """
    known = history.as_of(as_of)
    accounts = known.tables["accounts"]
    deals = known.tables["opportunities"]
    years = max((pd.Timestamp(as_of) - deals["created_date"].min()).days / 365.25, 1.0 / 12)
    won = deals[(deals["status"] == "won") & deals["account_id"].isin(accounts["account_id"])]
    sums = (
        won.groupby("account_id")["amount"].agg(["size", "sum", "count"]).reindex(accounts["account_id"], fill_value=0)
    )
    wins, money, priced = (sums[name].to_numpy(dtype=np.float64) for name in ("size", "sum", "count"))
    group = _groups(accounts, by)
    expected = _group_mean(wins, np.ones(len(wins)), group)
    pool = fit_gamma_pool(wins, expected)
    typical = _group_mean(money, priced, group)
    amount = (money + _AMOUNT_PRIOR * typical) / (priced + _AMOUNT_PRIOR)
    return pd.DataFrame(
        {
            "account_id": accounts["account_id"].to_numpy(),
            "wins": wins,
            "years": years,
            "expected_wins": expected,
            "shrinkage": pool.shrinkage,
            "amount": amount,
            "potential": pool.mean * expected / years * amount,
        }
    )


def fit_workload(history: History, as_of: str, hours_a_visit: float = 1.0, by: str = "industry") -> pd.DataFrame:
    """Estimate each account's hours a month from meetings, calls and events, shrunk to accounts like it.

    Parameters
    ----------
    history : History
        With activities that name accounts, or deals of accounts.
    as_of : str
    hours_a_visit : float
        Preparation included, travel not.
    by : str

    Returns
    -------
    pandas.DataFrame
        ``account_id, visits, workload`` (hours a month), in the order of accounts; missing without activities.
    """
    known = history.as_of(as_of)
    accounts = known.tables["accounts"]
    acts = known.tables.get("activities")
    names = accounts["account_id"].to_numpy()
    if acts is None or not len(acts):
        return pd.DataFrame({"account_id": names, "visits": 0.0, "workload": np.nan})
    account = acts["account_id"]
    deals = known.tables["opportunities"].set_index("opportunity_id")["account_id"]
    account = account.where(account.notna() & (account != ""), acts["opportunity_id"].map(deals))
    counts = account[acts["type"].isin(_VISITS)].value_counts().reindex(names, fill_value=0)
    visits = np.asarray(counts, dtype=np.float64)
    months = max((pd.Timestamp(as_of) - acts["date"].min()).days / 30.4375, 1.0)
    expected = _group_mean(visits, np.ones(len(visits)), _groups(accounts, by))
    rate = fit_gamma_pool(visits, expected).mean * expected / months
    return pd.DataFrame({"account_id": names, "visits": visits, "workload": rate * hours_a_visit})


def _groups(accounts: pd.DataFrame, by: str) -> Ints:
    if by not in accounts:
        return np.zeros(len(accounts), dtype=np.int64)
    codes, _ = pd.factorize(accounts[by].fillna(""), sort=True)
    return np.asarray(codes, dtype=np.int64)


def _group_mean(total: Floats, count: Floats, code: Ints) -> Floats:
    """Mean of each group, of the whole where the group has nothing."""
    top, bottom = np.bincount(code, weights=total), np.bincount(code, weights=count)
    whole = total.sum() / max(count.sum(), 1.0)
    return np.asarray(np.where(bottom > 0, top / np.maximum(bottom, 1e-12), whole)[code])
