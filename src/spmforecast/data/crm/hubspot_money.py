"""HubSpot's amounts: in the deal's own currency, or in the company's where HubSpot converted them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.cells import blank
from spmforecast.data.crm.hubspot_history import Versions
from spmforecast.data.crm.options import CrmOptions, option_problem
from spmforecast.errors import InputError

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

    Raises
    ------
    InputError
        If amounts are in several currencies, HubSpot's own conversion of them is not into the one that is wanted, and
        there are no rates.
    """
    codes = deals["deal_currency_code"].str.strip().str.upper()
    filled = kept & (deals["amount"] != "").to_numpy()
    home = deals["amount_in_home_currency"]
    several = codes[filled & (codes != "").to_numpy()].drop_duplicates().size > 1
    nowhere = np.zeros(len(deals), dtype=bool)
    if not several or options.rates is not None or not (home[filled] != "").any():
        return Money(deals["amount"], codes, "amount", nowhere)
    notes = ["amounts are in several currencies; amount_in_home_currency, as HubSpot converted it, is used for all"]
    notes += _home_currency(deals[filled], codes[filled], options.currency)
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


def _home_currency(deals: pd.DataFrame, codes: pd.Series, wanted: str) -> list[str]:
    """Say which currency HubSpot converted into: the one whose amounts it left as they were.

    Raises
    ------
    InputError
        If that is not the one that is wanted.
    """
    both = _both(deals, codes)
    same = _always_same(both[both["amount"] != 0])
    home, others = sorted(same.index[same]), set(same.index[~same])
    if wanted and ((home and wanted not in home) or wanted in others):
        what = " or ".join(home)
        told = f"amount_in_home_currency is in {what}, not in {wanted}" if what else f"its own is not {wanted}"
        told = f"amounts are in several currencies, and HubSpot converted them into the company's own: {told}"
        mend = "Give a table of rates with the columns currency and rate (rates)"
        mend += f", or take {what} as the currency." if what else "."
        raise InputError(option_problem("rates", told, mend))
    if wanted in home:
        return []
    if wanted:
        return [f"the home currency is unknown, taken as {wanted}: no deal tells in which amount_in_home_currency is"]
    return [f"the home currency is {' or '.join(home)}" if home else "the home currency is unknown: name it (currency)"]


def _in_home_currency(deals: pd.DataFrame, codes: pd.Series) -> npt.NDArray[np.bool_]:
    """Mark the deals in the company's own currency: that in which both amounts are always the same."""
    same = _always_same(_both(deals, codes))
    return codes.isin(same.index[same]).to_numpy()


def _both(deals: pd.DataFrame, codes: pd.Series) -> pd.DataFrame:
    """Return both amounts as numbers and the currency, of the deals that have all three."""
    both = pd.DataFrame({name: pd.to_numeric(deals[name], errors="coerce") for name in _BOTH}).assign(code=codes)
    return both[codes != ""].dropna()


def _always_same(both: pd.DataFrame) -> pd.Series:
    """Tell by currency whether both amounts are the same in every deal."""
    same = (both["amount"] == both["amount_in_home_currency"]).groupby(both["code"]).all()
    return same.astype(bool)


_BOTH = ("amount", "amount_in_home_currency")
