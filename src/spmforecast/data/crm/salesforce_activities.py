"""Salesforce's activities: tasks that were done (calls, emails) and events (meetings)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from spmforecast.data.cells import blank
from spmforecast.data.crm.salesforce_cells import Cells, days, long_ids, order_of_days, stamps, truth
from spmforecast.data.crm.salesforce_others import without
from spmforecast.data.sources import RawTable
from spmforecast.data.sources.columns import as_text

__all__ = ["events", "tasks"]

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "activity_id": ("Id", "Activity ID", "Task ID", "Event ID"),
    "rep_id": ("OwnerId", "Assigned ID", "Owner ID", "Assigned"),
    "what": ("WhatId", "Related To ID", "Opportunity ID"),
    "account_id": ("AccountId", "Account ID", "Company ID"),
    "done_at": ("CompletedDateTime", "Completed Date"),
    "begins_at": ("StartDateTime", "ActivityDateTime", "Start"),
    "day": ("ActivityDate", "Date", "Due Date"),
    "kind": ("Type",),
    "subtype": ("TaskSubtype", "EventSubtype", "Subtype"),
    "closed": ("IsClosed", "Closed"),
    "status": ("Status",),
    "is_deleted": ("IsDeleted", "Deleted"),
}
_KINDS = {
    "call": "call",
    "phone call": "call",
    "phone": "call",
    "email": "email",
    "e-mail": "email",
    "listemail": "email",
    "meeting": "meeting",
    "demo": "meeting",
    "presentation": "meeting",
    "proposal sent": "proposal_sent",
    "proposal accepted": "proposal_accepted",
    "referral given": "referral_given",
    "referral received": "referral_received",
    "event": "event",
    "trade show": "event",
    "webinar": "event",
    "coaching": "coaching",
}


def tasks(raw: RawTable, deals: frozenset[str], keep_deleted: bool) -> RawTable:
    """Prepare tasks that were done: calls, emails and what ``Type`` names otherwise.

    Parameters
    ----------
    raw : RawTable
        ``Task``.
    deals : frozenset of str
        Ids of all opportunities of the export, to tell what a task is related to.
    keep_deleted : bool
        Whether deleted rows count.
    """
    cells = Cells(raw, _COLUMNS)
    done = truth(cells.text("closed"))
    done = done.where(done != "", truth((cells.text("status").str.casefold() == "completed").map(str)))
    status_told = cells.has("closed") or cells.has("status")
    rows = _rows(cells, deals, ("done_at", "day"), "")
    open_ones = ((done != "true") & status_told).to_numpy()
    out = {"not done": open_ones, "neither call, email, meeting nor another kind that is known": rows["type"] == ""}
    return _sorted_out(replace(raw, frame=rows), cells, out, keep_deleted)


def events(raw: RawTable, deals: frozenset[str], keep_deleted: bool) -> RawTable:
    """Prepare events of the calendar: meetings, unless ``Type`` says otherwise."""
    cells = Cells(raw, _COLUMNS)
    rows = _rows(cells, deals, ("begins_at", "day"), "meeting")
    return _sorted_out(replace(raw, frame=rows), cells, {}, keep_deleted)


def _rows(cells: Cells, deals: frozenset[str], when: tuple[str, str], usual: str) -> pd.DataFrame:
    order = order_of_days([cells.text(name) for name in when])
    at = as_text(stamps(cells.typed(when[0]), order, cells.utc))
    at = at.where(at != "", days(cells.typed(when[1]), order))
    kind = cells.text("kind").str.casefold().map(_KINDS).astype("str").fillna("")
    subtype = cells.text("subtype").str.casefold().map(_KINDS).astype("str").fillna("")
    kind = kind.where(kind != "", subtype)
    what, account = long_ids(cells.text("what")), long_ids(cells.text("account_id"))
    of_deal = what.isin(deals)
    of_account = what.str.startswith("001")
    return pd.DataFrame(
        {
            "activity_id": cells.text("activity_id"),
            "date": at,
            "type": kind.where(kind != "", usual),
            "rep_id": long_ids(cells.text("rep_id")),
            "opportunity_id": what.where(of_deal, ""),
            "account_id": account.mask((account == "") & of_account, what),
        }
    )


def _sorted_out(raw: RawTable, cells: Cells, reasons: Mapping[str, object], keep_deleted: bool) -> RawTable:
    deleted = (truth(cells.text("is_deleted")) == "true") & (not keep_deleted)
    masks = {"deleted in Salesforce": deleted, **reasons}
    left = np.zeros(len(raw.frame), dtype=bool)
    words = blank(raw.frame.index)
    for reason, mask in masks.items():
        own = np.asarray(mask, dtype=bool) & ~left
        words, left = words.mask(own, reason), left | own
    for reason in masks:
        out = (words == reason).to_numpy()
        raw, words = without(raw, out, reason), words[~out].reset_index(drop=True)
    return raw
