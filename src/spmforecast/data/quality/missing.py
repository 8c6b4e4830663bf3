"""Missing: empty cells where they matter, deals without stage history, values known only in the end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import Mask, Records

__all__ = ["empty_cells", "no_stage_history", "only_final_values", "unknown_while_open", "won_without_amount"]

_EFFECTS = {
    "account_id": "their account's industry, potential and territory cannot be used",
    "stage": "they count as being in the usual first stage",
    "amount": "what was lost is unknown, so win rates by amount cannot be told",
    "segment": "their rates are those of all deals without a segment",
    "region": "they belong to no region unless territory or owner tell one",
    "territory_id": "their territory is taken to be their owner's",
    "product": "they belong to no product",
    "lead_source": "they belong to no source",
    "type": "new business, renewals and expansions cannot be told apart",
    "forecast_category": "their owner's own judgement is not known",
}
_OF_OPEN = ("stage", "amount", "close_date")
_MANY = 50


def empty_cells(records: Records) -> Iterator[Finding]:
    """Find columns of deals that are filled for some only, and say whether that hangs on the outcome."""
    n = len(records.deals)
    for column, effect in _EFFECTS.items():
        chosen = records.closed if column in _OF_OPEN else np.ones(n, dtype=bool)
        if column == "amount":
            chosen = records.lost  # of open and of won deals it is told by rules of their own
        empty = records.deals[column].isna().to_numpy(dtype=bool) & chosen
        rows = np.flatnonzero(empty)
        of = int(chosen.sum())
        # A column that is empty throughout is not there; that is said elsewhere.
        if len(rows) == of or len(rows) < max(records.limits.empty_share * of, 1):
            continue
        yield Finding(
            "empty_cells",
            "opportunities",
            column,
            len(rows),
            of,
            records.ids(rows),
            f"Deals have no {column}{_all_of_them(records, empty)}: {effect}.",
            "Fill it in; a column that is filled only for some outcomes must not serve as a segment."
            if _all_of_them(records, empty)
            else "Fill it in, or give a default in a map.",
        )
    yield from _reps(records)


def _all_of_them(records: Records, empty: Mask) -> str:
    for status, chosen in (("open", records.open), ("won", records.won), ("lost", records.lost)):
        if (empty <= chosen).all() and not chosen.all():
            return f", all of them {status}"
    if not (empty & records.closed).any() and records.closed.any():
        return ", no closed one among them"
    return ""


def _reps(records: Records) -> Iterator[Finding]:
    reps = records.history.reps
    bare = reps[reps["hire_date"].isna()]["rep_id"].dropna()
    of = reps["rep_id"].nunique()
    if len(bare):
        yield Finding(
            "empty_cells",
            "reps",
            "hire_date",
            int(bare.nunique()),
            of,
            tuple(str(one) for one in bare.unique()[:5]),
            "Reps have no hire date: they count as ramped from the start, and who was new cannot be told.",
            "Give their hire dates.",
        )


def no_stage_history(records: Records) -> Iterator[Finding]:
    """Find deals of which no stage event is recorded."""
    n = len(records.deals)
    rows = np.flatnonzero(~records.has_moves)
    if not n or not len(rows):
        return
    if len(rows) == n:
        told = (
            "No stage history: only creation and closing of a deal are known, so conversion by stage, time in stage "
            "and what was known at an earlier day (amount, stage, expected close) cannot be told."
        )
        mend = "Export the history of stages as stage_history."
    else:
        told = "Deals have no stage history of their own: they count as entering the usual first stage at creation."
        mend = "Export their stage events, too."
    table = "stage_history"
    yield Finding("no_stage_history", table, "opportunity_id", len(rows), n, records.ids(rows), told, mend)


def only_final_values(records: Records) -> Iterator[Finding]:
    """Find values of which the stage history tells no change, so that only the last one is known."""
    history = records.history.stage_history
    moves = records.moves
    of = int(records.has_moves.sum())
    if of < _MANY:
        return
    for column in ("amount", "close_date"):
        values = np.asarray(history[column].iloc[moves.row])
        known = ~np.asarray(history[column].iloc[moves.row].isna())
        value, deal = values[known], moves.deal[known]
        if len(value) and (value[1:] != value[:-1])[deal[1:] == deal[:-1]].any():
            continue
        if len(value) and not (deal[1:] == deal[:-1]).any():
            continue  # one row a deal cannot show a change
        told = (
            f"The {column} of a deal never changes in the stage history: it is the first or the last value written "
            "into every row, so how it moves before the close cannot be learnt."
            if len(value)
            else f"The stage history tells no {column}: of an open deal it is unknown on any earlier day, so how it "
            "moves before the close cannot be learnt."
        )
        yield Finding(
            "only_final_values",
            "stage_history",
            column,
            of,
            len(records.deals),
            (),
            told,
            f"Export the history of {column}, if the CRM keeps it.",
        )


def _known(records: Records, column: str) -> Mask:
    """Mark the deals whose own row or whose events tell a value."""
    out = records.deals[column].notna().to_numpy(dtype=bool).copy()
    filled = records.history.stage_history[column].notna().to_numpy(dtype=bool)[records.moves.row]
    out[records.moves.deal[filled]] = True
    return out


def won_without_amount(records: Records) -> Iterator[Finding]:
    """Find won deals whose amount nothing tells."""
    # What a won deal's own row leaves out, its events fill in (see :mod:`spmforecast.data.asof`).
    rows = np.flatnonzero(records.won & ~_known(records, "amount"))
    if len(rows):
        yield Finding(
            "won_without_amount",
            "opportunities",
            "amount",
            len(rows),
            int(records.won.sum()),
            records.ids(rows),
            "Won deals have no known amount: they count as wins of 0, so what is booked is too little by them.",
            "Fill in the amount that was won, or leave the rows out with a map.",
        )


def unknown_while_open(records: Records) -> Iterator[Finding]:
    """Find what is not known of open deals."""
    of = int(records.open.sum())
    effects = {
        "stage": "they count as being in the usual first stage",
        "amount": "their amounts are drawn from those of won deals",
        "close_date": "their owners' expectation is not known",
    }
    for column, effect in effects.items():
        rows = np.flatnonzero(records.open & ~_known(records, column))
        if of and len(rows) >= max(records.limits.empty_share * of, 1):
            yield Finding(
                "unknown_while_open",
                "opportunities",
                column,
                len(rows),
                of,
                records.ids(rows),
                f"Of open deals {column} is not known as of {np.datetime64(records.day, 'D')}: {effect}.",
                "Fill it in, or export its history as stage_history.",
            )
