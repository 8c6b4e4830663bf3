"""The accounts of the example company: who buys, where, and what they might be worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.example import figures as fig
from spmforecast.data.example.figures import Floats, Ints
from spmforecast.data.example.labels import Texts, leaf_places, names, rep_ids
from spmforecast.data.example.staff import Map

__all__ = ["Accounts", "draw_accounts"]

_INDUSTRIES = ("manufacturing", "retail", "logistics", "health", "finance", "software")
_WORDS = (
    "Alder",
    "Beacon",
    "Cobalt",
    "Delta",
    "Ember",
    "Fjord",
    "Granite",
    "Harbour",
    "Iris",
    "Juniper",
    "Keel",
    "Lumen",
)
_FORMS = ("Works", "Trading", "Systems", "Group", "Partners", "Supply", "Holding")
_NEW_ACCOUNT = 0.45  # share of the deals that open a new account
_UNTAPPED = 0.15  # accounts nobody has sold to yet, as a share of the others
_EXPANDS = 0.7  # share of an earlier buyer's later deals that extend what it has
_WORKLOAD = np.array([2.0, 5.0, 12.0])  # typical hours a month


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts and their deals.

    Parameters
    ----------
    of_deal : numpy.ndarray of int, shape (deals,)
        Account of each deal.
    expands : numpy.ndarray of bool, shape (deals,)
        Whether the deal extends what the account has bought.
    leaf, segment, industry, word : numpy.ndarray of int, shape (accounts,)
        Codes.
    potential, workload : numpy.ndarray of float, shape (accounts,)
        EUR a year; hours a month.
    place : numpy.ndarray of float, shape (accounts, 2)
        Latitude, longitude.
    """

    of_deal: Ints
    expands: npt.NDArray[np.bool_]
    leaf: Ints
    segment: Ints
    industry: Ints
    word: Ints
    potential: Floats
    workload: Floats
    place: Floats

    @staticmethod
    def ids(codes: npt.ArrayLike) -> Texts:
        """Return account ids, ``A-00012``."""
        return np.array([f"A-{code + 1:05d}" for code in np.asarray(codes, dtype=np.int64).tolist()], dtype=object)

    def table(self, deals: pd.DataFrame, people: pd.DataFrame, sales_map: Map) -> pd.DataFrame:
        """Return the canonical table ``accounts`` with one extra column, ``segment``."""
        count = len(self.leaf)
        words = names(_WORDS, self.word % len(_WORDS)) + " " + names(_FORMS, self.word % len(_FORMS))
        return pd.DataFrame(
            {
                "account_id": self.ids(np.arange(count)),
                "name": [f"{word} {number + 1}" for number, word in enumerate(words)],
                "owner_id": rep_ids(self._owners(deals, people)),
                "territory_id": names(sales_map.leaf_names, self.leaf),
                "segment": names(fig.SEGMENTS, self.segment),
                "industry": names(_INDUSTRIES, self.industry),
                "potential": self.potential,
                "workload": self.workload,
                "latitude": np.round(self.place[:, 0], 4),
                "longitude": np.round(self.place[:, 1], 4),
            }
        )

    def _owners(self, deals: pd.DataFrame, people: pd.DataFrame) -> Ints:
        """Give each account to the owner of its latest deal if still there, else to somebody of its territory."""
        owner = np.full(len(self.leaf), -1, dtype=np.int64)
        owner[self.of_deal] = deals["rep"].to_numpy(dtype=np.int64)  # deals stand in order: the latest one stays
        here = people["end"].isna().to_numpy()
        rep, leaf = people["rep"].to_numpy(dtype=np.int64), people["leaf"].to_numpy(dtype=np.int64)
        owner[~np.isin(owner, rep[here])] = -1
        for code in np.unique(self.leaf):
            there = rep[here & (leaf == code)]
            # While every seat is vacant the accounts stay with the territory's last rep.
            choice = there if len(there) else rep[leaf == code][-1:]
            waiting = np.flatnonzero((owner < 0) & (self.leaf == code))
            owner[waiting] = choice[np.arange(len(waiting)) % len(choice)] if len(choice) else rep[0]
        return owner


def draw_accounts(deals: pd.DataFrame, sales_map: Map, rng: np.random.Generator) -> Accounts:
    """Invent the accounts behind a list of deals.

    Parameters
    ----------
    deals : pandas.DataFrame
        In order of creation, with columns ``leaf, segment, day, stage, due``.
    sales_map : Map
        Where the territories lie.
    rng : numpy.random.Generator
        Where the luck comes from.

    Returns
    -------
    Accounts
        Those with deals first, then those nobody has sold to yet.
    """
    of_deal, leaf, segment = _match(deals, rng)
    spare = round(_UNTAPPED * len(leaf))
    leaf = np.concatenate((leaf, rng.integers(0, len(sales_map.leaf_names), spare)))
    segment = np.concatenate((segment, rng.choice(len(fig.SEGMENTS), spare, p=fig.SEGMENT_SHARE)))
    count = len(leaf)
    industry, word = rng.integers(0, [[len(_INDUSTRIES)], [len(_WORDS) * len(_FORMS)]], (2, count))
    return Accounts(
        of_deal=of_deal,
        expands=_expansions(deals, of_deal, rng),
        leaf=leaf,
        segment=segment,
        industry=industry,
        word=word,
        potential=np.round(1.2 * fig.TYPICAL_AMOUNT[segment] * np.exp(0.6 * rng.standard_normal(count)), -2),
        workload=np.round(_WORKLOAD[segment] * np.exp(0.35 * rng.standard_normal(count)), 1),
        place=leaf_places(sales_map)[leaf] + 0.25 * rng.standard_normal((count, 2)),
    )


def _match(deals: pd.DataFrame, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Return each deal's account, and the leaf and segment of each account."""
    leaf, segment = deals["leaf"].to_numpy(dtype=np.int64), deals["segment"].to_numpy(dtype=np.int64)
    cell = pd.Series(leaf * len(fig.SEGMENTS) + segment)
    fresh, luck = rng.random((2, len(deals)))
    opens = (fresh < _NEW_ACCOUNT) | ~cell.duplicated().to_numpy()
    known = pd.Series(opens.astype(np.int64)).groupby(cell).cumsum().to_numpy(dtype=np.int64)
    rank = np.where(opens, known - 1, np.floor(luck * known).astype(np.int64))
    # (cell, rank within the cell) names an account; number them in the order in which they opened.
    key = cell.to_numpy(dtype=np.int64) * (len(deals) + 1) + rank
    account = np.cumsum(opens) - 1
    order = np.argsort(key[opens])
    of_deal = account[opens][order][np.searchsorted(key[opens][order], key)]
    return of_deal, leaf[opens], segment[opens]


def _expansions(deals: pd.DataFrame, of_deal: Ints, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    never = np.iinfo(np.int64).max
    first_win = np.full(len(deals), never)
    won = (deals["stage"] == fig.WON).to_numpy()
    np.minimum.at(first_win, of_deal[won], deals["due"].to_numpy(dtype=np.int64)[won])
    bought = first_win[of_deal] < deals["day"].to_numpy(dtype=np.int64)
    return bought & (rng.random(len(deals)) < _EXPANDS)
