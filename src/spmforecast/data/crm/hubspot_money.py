"""HubSpot's amounts: in the deal's own currency, or in the company's where HubSpot converted them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.cells import blank
from spmforecast.data.crm.hubspot_history import Versions
from spmforecast.data.crm.options import CrmOptions

__all__ = ["Money", "money_of"]


@dataclass(frozen=True, eq=False)
class Money:
    """Which amounts are used.

    Parameters
    ----------
    amounts, currencies : pandas.Series, shape (n,)
        Of each deal; the currency is empty where HubSpot converted the amount.
    past : str
        Field of the history that tells the same kind of amount (``amount`` or ``home_amount``).
    foreign : numpy.ndarray of bool, shape (n,)
        Deals whose past amounts would stand in another currency and so are unknown.
    notes : tuple of str
        What was chosen.
    """

    amounts: pd.Series
    currencies: pd.Series
    past: str
    foreign: npt.NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def money_of(deals: pd.DataFrame, kept: npt.NDArray[np.bool_], options: CrmOptions, versions: Versions | None) -> Money:
    """Choose between an amount and what HubSpot made of it in the company's currency.

    Parameters
    ----------
    deals : pandas.DataFrame
        n deals under HubSpot's names.
    kept : numpy.ndarray of bool, shape (n,)
        Deals that are not left out.
    options : CrmOptions
        A table of rates goes before HubSpot's own conversion.
    versions : Versions or None
        The past.
    """
    codes = deals["deal_currency_code"].str.strip().str.upper()
    filled = kept & (deals["amount"] != "").to_numpy()
    home = deals["amount_in_home_currency"]
    several = codes[filled & (codes != "").to_numpy()].drop_duplicates().size > 1
    nowhere = np.zeros(len(deals), dtype=bool)
    if not several or options.rates is not None or not (home[filled] != "").any():
        return Money(deals["amount"], codes, "amount", nowhere)
    notes = ["amounts are in several currencies; amount_in_home_currency, as HubSpot converted it, is used for all"]
    lacking = int((filled & (home == "").to_numpy()).sum())
    if lacking:
        notes.append(f"{lacking:,} deals have an amount but none in the company's currency; it counts as unknown")
    past_home = versions is not None and "home_amount" in versions.fields
    foreign = nowhere if past_home else ~_in_home_currency(deals, codes)
    if versions is not None and "amount" in versions.fields and foreign[filled].any():
        notes.append(
            f"past amounts of {int(foreign[filled].sum()):,} deals in other currencies are unknown: the history of "
            "amount_in_home_currency is not in the export"
        )
    return Money(home, blank(deals.index), "home_amount" if past_home else "amount", foreign, tuple(notes))


def _in_home_currency(deals: pd.DataFrame, codes: pd.Series) -> npt.NDArray[np.bool_]:
    """Mark the deals in the company's own currency: that in which both amounts are always the same."""
    both = pd.DataFrame({name: pd.to_numeric(deals[name], errors="coerce") for name in _BOTH}).assign(code=codes)
    both = both.dropna()
    same = (both["amount"] == both["amount_in_home_currency"]).groupby(both["code"]).all()
    return codes.isin(same.index[same.to_numpy(dtype=bool)]).to_numpy()


_BOTH = ("amount", "amount_in_home_currency")
