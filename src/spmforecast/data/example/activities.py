"""What the reps of the example company did: calls, meetings, proposals, events."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spmforecast.data.example import figures as fig
from spmforecast.data.example.accounts import Accounts
from spmforecast.data.example.labels import Texts, dates, deal_ids, rep_ids

__all__ = ["build_activities"]

_BY_STAGE = ("call", "meeting", "proposal_sent", "meeting", "proposal_accepted", "")
_MONTHLY = {"coaching": 0.5, "event": 0.3, "referral_given": 0.25}  # chance in a rep's month
_COLUMNS = ["day", "type", "rep", "number"]


def build_activities(
    rows: pd.DataFrame,
    deals: pd.DataFrame,
    people: pd.DataFrame,
    accounts: Accounts,
    start: int,
    today: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the canonical table ``activities``, in order of date.

    Parameters
    ----------
    rows, deals, people : pandas.DataFrame
        Stage-history rows, deals and people, in codes.
    accounts : Accounts
        For the account of each deal.
    start, today : int
        First day of the records, and the day at whose close the records are taken.
    rng : numpy.random.Generator
        Where the luck comes from.

    Returns
    -------
    pandas.DataFrame
    """
    parts = [_with_stages(rows), _mails(rows, rng), _referrals(deals), _monthly(people, start, today, rng)]
    done = pd.concat(parts, ignore_index=True).sort_values("day", kind="stable", ignore_index=True)
    number = done["number"].to_numpy(dtype=np.int64)
    on_deal = number > 0
    deal, account = _blank(len(done)), _blank(len(done))
    deal[on_deal] = deal_ids(number[on_deal])
    account[on_deal] = accounts.ids(accounts.of_deal[number[on_deal] - 1])  # deals are numbered from 1 without gaps
    return pd.DataFrame(
        {
            "activity_id": [f"V-{rank:06d}" for rank in range(1, len(done) + 1)],
            "date": dates(done["day"]),
            "type": done["type"],
            "rep_id": rep_ids(done["rep"]),
            "opportunity_id": deal,
            "account_id": account,
        }
    )


def _blank(count: int) -> Texts:
    return np.full(count, None, dtype=object)


def _with_stages(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what goes with entering a stage."""
    enters = (rows["stage"] != rows["stage"].shift()) | (rows["number"] != rows["number"].shift())
    seen = rows.loc[enters & (rows["stage"] != fig.LOST), ["day", "stage", "rep", "number"]]
    kind = np.array(_BY_STAGE, dtype=object)[seen["stage"].to_numpy(dtype=np.int64)]
    return seen.assign(type=kind)[_COLUMNS]


def _mails(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return mails that go with some of the other rows of a deal: pushes and edits."""
    seen = rows.loc[(rows["stage"] < fig.WON) & (rng.random(len(rows)) < 0.2), ["day", "rep", "number"]]
    return seen.assign(type="email")[_COLUMNS]


def _referrals(deals: pd.DataFrame) -> pd.DataFrame:
    """Return the referrals behind the deals that came from one, with the rep who took the call that day."""
    came = deals.loc[deals["source"] == fig.SOURCES.index("referral"), ["day", "first_rep", "number"]]
    return came.rename(columns={"first_rep": "rep"}).assign(type="referral_received")[_COLUMNS]


def _monthly(people: pd.DataFrame, start: int, today: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return what reps do without a deal, a few times a quarter while they are there."""
    months = np.arange(start, today + 1, 30)
    parts = []
    for kind, chance in _MONTHLY.items():
        shape = (len(people), len(months))
        happens = rng.random(shape) < chance
        day = months[None, :] + rng.integers(0, 30, shape)
        begin, end = people["day"].to_numpy()[:, None], people["end"].fillna(today).to_numpy()[:, None]
        who, when = np.nonzero(happens & (day >= begin) & (day <= end) & (day <= today))
        rep = people["rep"].to_numpy()[who]
        parts.append(pd.DataFrame({"day": day[who, when], "type": kind, "rep": rep, "number": 0}))
    return pd.concat(parts, ignore_index=True)
