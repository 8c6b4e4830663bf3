"""What a new map books: who gets which part of which cell, under stated rules.

Accounts carry their potential: of a rep's deals to come that share passes on which the accounts that leave have of all
the potential the rep holds. Open deals pass by the chances of the deals themselves. Bookings of a period pass from the
day on which the map holds, in proportion to the days that are left of the period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.evaluate.remapped import Passage
from spmforecast.simulate import Forecast

__all__ = ["Effects", "MapRules", "passages"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MapRules:
    """Rules and assumptions under which a new map takes over.

    Parameters
    ----------
    as_of : pandas.Timestamp
        The forecast begins after the close of this day.
    starts : pandas.Timestamp
        First day on which the new map holds.
    hold_days : int or None
        Days for which an open deal stays with its owner from `starts` on; None: until it is closed.
    lost : float
        Disturbance: share of what accounts that move would book that is lost.
    lost_days : int
        Days for which it is, from `starts` on.
    """

    as_of: pd.Timestamp
    starts: pd.Timestamp
    hold_days: int | None = None
    lost: float = 0.0
    lost_days: int = 180

    def share_after(self, start: pd.Timestamp, end: pd.Timestamp, wait: int = 0) -> float:
        """Share of a period's days still to come that lie `wait` days after the map's first day, or later."""
        first = max(start, self.as_of + pd.Timedelta(days=1))
        days = (end - first).days + 1
        inside = (end - max(first, self.starts + pd.Timedelta(days=wait))).days + 1
        return min(max(inside / days, 0.0), 1.0) if days > 0 else 0.0

    def kept(self, start: pd.Timestamp, end: pd.Timestamp, wait: int = 0) -> float:
        """Share that disturbance leaves of what passes in a period from `wait` days after the map's first day on."""
        ahead = self.share_after(start, end, wait)
        if self.lost == 0.0 or ahead == 0.0:
            return 1.0
        calm = self.share_after(start, end, max(self.lost_days, wait))
        return 1.0 - self.lost * (ahead - calm) / ahead


@dataclass(frozen=True)
class Effects:
    """What reps bring to whatever they hold, relative to the company's mean.

    Parameters
    ----------
    wins : mapping of str to float
        Multiplier of each rep on the odds to win; 1 where it is not named.
    productivity : mapping of str to float
        Deals that each rep creates for the potential held; 1 where it is not named.
    chance : float
        Usual chance that a deal to come is won.
    """

    wins: Mapping[str, float] = field(default_factory=dict)
    productivity: Mapping[str, float] = field(default_factory=dict)
    chance: float = 0.0

    def of_wins(self, source: str, target: str, chance: Array | float) -> Array:
        """By what a chance to win is multiplied when a deal passes on: its odds change by the ratio of the reps'."""
        ratio = self.wins.get(target, 1.0) / self.wins.get(source, 1.0)
        likely = np.asarray(chance, dtype=np.float64)
        return np.asarray(ratio / (1.0 - likely + likely * ratio))

    def of_creation(self, source: str, target: str) -> float:
        """By what bookings to come are multiplied when their account passes on."""
        ratio = self.productivity.get(target, 1.0) / self.productivity.get(source, 1.0)
        return ratio * float(self.of_wins(source, target, self.chance))


def passages(
    forecast: Forecast, accounts: pd.DataFrame, deal_account: Mapping[str, str], rules: MapRules, effects: Effects
) -> list[Passage]:
    """Work out what passes to whom.

    Parameters
    ----------
    forecast : Forecast
        Draws under today's map, with its open deals.
    accounts : pandas.DataFrame
        ``account_id, owner_id, proposed_owner_id, potential``; where nobody's potential is known each account counts 1.
    deal_account : mapping of str to str
        Account of each open deal.
    rules : MapRules
    effects : Effects

    Returns
    -------
    list of Passage
        Open deals of an account that belong to somebody else than the account's owner stay where they are.
    """
    return [
        *_creation(forecast, _shares(accounts), rules, effects),
        *_open_deals(forecast, accounts, deal_account, rules, effects),
    ]


def _shares(accounts: pd.DataFrame) -> dict[str, list[tuple[str, float]]]:
    """Share of each owner's potential that passes to each other rep."""
    weight = accounts["potential"].fillna(0.0).to_numpy(dtype=np.float64)
    weight = weight if weight.sum() > 0 else np.ones(len(accounts))
    frame = pd.DataFrame(
        {
            "source": accounts["owner_id"].fillna("").astype(str).to_numpy(dtype=object),
            "target": accounts["proposed_owner_id"].astype(str).to_numpy(dtype=object),
            "weight": weight,
        }
    )
    total = frame.groupby("source")["weight"].sum()
    moving = frame[(frame["source"] != frame["target"]) & (frame["source"] != "")]
    out: dict[str, list[tuple[str, float]]] = {}
    passed = moving.groupby(["source", "target"], sort=True)["weight"].sum().reset_index()
    for source, target, own in passed.itertuples(index=False, name=None):
        if own > 0:
            out.setdefault(str(source), []).append((str(target), float(own / total[source])))
    return out


def _creation(
    forecast: Forecast, shares: Mapping[str, list[tuple[str, float]]], rules: MapRules, effects: Effects
) -> list[Passage]:
    cells = forecast.cells
    out = []
    for cell in np.flatnonzero((cells["part"] == "new").to_numpy(dtype=bool)).tolist():
        source = str(cells["owner_id"].iloc[cell])
        period = forecast.calendar.period(str(cells["period"].iloc[cell]))
        ahead, kept = rules.share_after(period.start, period.end), rules.kept(period.start, period.end)
        out += [
            Passage(cell, target, share * ahead, effects.of_creation(source, target) * kept)
            for target, share in shares.get(source, ())
            if ahead > 0
        ]
    return out


def _open_deals(
    forecast: Forecast,
    accounts: pd.DataFrame,
    deal_account: Mapping[str, str],
    rules: MapRules,
    effects: Effects,
) -> list[Passage]:
    deals = forecast.deals
    if rules.hold_days is None or deals is None or deals.empty:
        return []
    cells = forecast.cells
    by = [name for name in ("owner_id", "region", "segment") if name in cells and name in deals]
    deals = _with_targets(deals, accounts, deal_account)
    groups = {key if isinstance(key, tuple) else (key,): own for key, own in deals.groupby(by, sort=True)}
    out = []
    for cell in np.flatnonzero((cells["part"] == "open").to_numpy(dtype=bool)).tolist():
        own = groups.get(tuple(cells[name].iloc[cell] for name in by))
        label = str(cells["period"].iloc[cell])
        if own is None or f"p_win_{label}" not in own:
            continue
        period = forecast.calendar.period(label)
        ahead = rules.share_after(period.start, period.end, rules.hold_days)
        kept = rules.kept(period.start, period.end, rules.hold_days)
        if ahead > 0:
            out += _of_deals(cell, own, f"p_win_{label}", ahead, kept, effects)
    return out


def _of_deals(cell: int, own: pd.DataFrame, column: str, ahead: float, kept: float, effects: Effects) -> list[Passage]:
    """Passages of one cell of open deals: shares of what its deals are expected to bring in the period."""
    value = own[column].to_numpy(dtype=np.float64) * own["_value"].to_numpy(dtype=np.float64)
    if not value.sum() > 0:
        return []
    chance, target = own["p_win"].to_numpy(dtype=np.float64), own["_to"].to_numpy(dtype=object)
    source = str(own["owner_id"].iloc[0])
    out = []
    for name in sorted({str(to) for to in target if to}):
        part = np.where(target == name, value, 0.0)
        if part.sum() > 0:
            factor = float((part * effects.of_wins(source, name, chance)).sum() / part.sum())
            out.append(Passage(cell, name, float(part.sum() / value.sum()) * ahead, factor * kept))
    return out


def _with_targets(deals: pd.DataFrame, accounts: pd.DataFrame, deal_account: Mapping[str, str]) -> pd.DataFrame:
    """Put beside each open deal who gets it (empty: it stays) and what it brings if it is won."""
    known = accounts.assign(_key=accounts["account_id"].astype(str)).set_index("_key")
    account = deals["opportunity_id"].astype(str).map(deal_account)
    holder = account.map(known["owner_id"].astype(object)).astype(object)
    heir = account.map(known["proposed_owner_id"].astype(object)).astype(object)
    moves = (holder == deals["owner_id"].astype(object)) & (heir != holder) & heir.notna()
    chance = deals["p_win"].to_numpy(dtype=np.float64)
    usual = np.divide(
        deals["expected_amount"].to_numpy(dtype=np.float64), chance, out=np.zeros(len(deals)), where=chance > 0
    )
    return deals.assign(_to=heir.where(moves, ""), _value=usual)
