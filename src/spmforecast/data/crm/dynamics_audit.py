"""The audit log of Dynamics 365 as stage history.

Each audit row holds, as JSON, the attributes that one save changed, with their values before and after. Attributes
that are not audited do not occur; their past is left empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.crm.changes import FIELDS, instants, replay
from spmforecast.data.naming import find_name, fold_column
from spmforecast.data.sources import RawTable
from spmforecast.data.sources.columns import as_text
from spmforecast.errors import InputError, Problem

__all__ = ["column_of", "stage_history"]

MERGED = "told together with another change of the same instant"
OTHER_TABLE = "an audit row of another table"
NOTHING = "nothing that is followed changed"

_OF_FIELD = {
    "stepname": "stage",
    "salesstage": "stage",
    "statecode": "status",
    "estimatedvalue": "amount",
    "actualvalue": "amount",
    "estimatedclosedate": "close_date",
    "actualclosedate": "close_date",
    "ownerid": "owner_id",
    "msdyn_forecastcategory": "forecast_category",
}
"""Field that each audited attribute tells."""

_HOPED = {"actualvalue": "estimatedvalue", "actualclosedate": "estimatedclosedate"}
"""What stood for an attribute while the deal was open."""

_ID = ("opportunityid", "(Do Not Modify) Opportunity", "Opportunity ID")
_CURRENT = {
    "stepname": ("stepname", "Pipeline Phase"),
    "salesstage": ("salesstage",),
    "statecode": ("statecode", "Status"),
    "estimatedvalue": ("estimatedvalue", "Est. Revenue", "Estimated Revenue"),
    "estimatedclosedate": ("estimatedclosedate", "Est. Close Date", "Estimated Close Date"),
    "ownerid": ("_ownerid_value", "ownerid", "Owner ID"),
    "msdyn_forecastcategory": ("msdyn_forecastcategory",),
}


def column_of(frame: pd.DataFrame, candidates: tuple[str, ...]) -> pd.Series | None:
    """Return the first of several columns that is there, as text without blanks around it; None where none is."""
    found = find_name(candidates, frame.columns, fold_column)
    return as_text(frame[found[0]]).str.strip() if found else None


def stage_history(audit: RawTable, deals: RawTable) -> RawTable:
    """Rebuild the states of deals from their audit rows.

    Parameters
    ----------
    audit : RawTable
        ``createdon``, ``objectid``, ``changedata`` and, where rows of other tables are among them,
        ``objecttypecode``.
    deals : RawTable
        The opportunities as they stand now.

    Returns
    -------
    RawTable
        An event a deal and instant. Rows read are the audit rows and an opening event for each deal that the log
        follows from its creation on; audit rows of one deal and second are told together.

    Raises
    ------
    InputError
        If the log lacks a column.
    """
    log = _read(audit)
    changes = _translated(log)
    start = _start(deals, log, changes)
    changes = changes.assign(old=_old(changes, start))
    events = replay(changes[["opportunity_id", "at", "field", "old", "new", "line"]], start)
    events["amount"] = _in_base(events, deals)
    used = changes["line"].nunique()
    told = int((events["line"] != 0).sum())
    counts = {**audit.exclusions, OTHER_TABLE: log.others, NOTHING: log.rows - used, MERGED: used - told}
    frame = events.drop(columns="line").fillna(dict.fromkeys(FIELDS, ""))
    return RawTable(
        audit.file,
        frame,
        events["line"].to_numpy(dtype=np.int64),
        (*audit.broken, *log.broken),
        (*audit.notes, *_notes(log, start)),
        {reason: count for reason, count in counts.items() if count},
    )


@dataclass(frozen=True, eq=False)
class _Log:
    """The audit rows of opportunities.

    Parameters
    ----------
    changes : pandas.DataFrame
        A row a changed attribute: ``opportunity_id, at, attribute, old, new, line``.
    rows, others : int
        Rows of opportunities that could be read, and rows of other tables.
    first : str
        When the first row of an opportunity was logged, whatever it tells; empty where there is none.
    broken : tuple of Problem
        Rows that could not be read.
    """

    changes: pd.DataFrame
    rows: int
    others: int
    first: str
    broken: tuple[Problem, ...]


def _read(audit: RawTable) -> _Log:
    at = column_of(audit.frame, ("createdon", "Changed Date"))
    deal = column_of(audit.frame, ("_objectid_value", "objectid"))
    data = column_of(audit.frame, ("changedata",))
    missing = [name for name, found in (("createdon", at), ("objectid", deal), ("changedata", data)) if found is None]
    if at is None or deal is None or data is None:
        mend = "Export it with createdon, objectid, objecttypecode and changedata."
        raise InputError(
            Problem("stage_history", "a required column is missing", mend, audit.file, 1, name) for name in missing
        )
    table = column_of(audit.frame, ("objecttypecode", "objecttypecodename"))
    ours = np.ones(len(at), dtype=bool) if table is None else table.str.lower().isin(["opportunity", "3"]).to_numpy()
    when = instants(at).at
    dated = ~np.isnat(when)
    rows: list[tuple[str, str, str, str, str, int]] = []
    broken: list[Problem] = []
    deals, stamps, texts = deal.tolist(), at.tolist(), data.tolist()
    for row in np.flatnonzero(ours).tolist():
        line, told = int(audit.lines[row]), texts[row]
        found = _attributes(told)
        if not dated[row]:
            mend = "Export the log with times as ISO 8601, 2025-03-31T12:00:00Z."
            broken.append(Problem("stage_history", "no date", mend, audit.file, line, "createdon", stamps[row]))
        elif found is None:
            mend = "Export changedata as the Web API gives it, a JSON object with changedAttributes."
            reason = "the changes cannot be read"
            broken.append(Problem("stage_history", reason, mend, audit.file, line, "changedata", told[:80]))
        else:
            rows += [(deals[row], stamps[row], *one, line) for one in found]
    names = ["opportunity_id", "at", "attribute", "old", "new", "line"]
    changes = pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names[:5], "str") | {"line": "int64"})
    told_at = np.flatnonzero(ours & dated)
    first = stamps[int(told_at[np.argmin(when[told_at])])] if len(told_at) else ""
    return _Log(changes, int(ours.sum()) - len(broken), int((~ours).sum()), first, tuple(broken))


def _attributes(told: str) -> list[tuple[str, str, str]] | None:
    """Read name, old and new value of each changed attribute; None where the text is not what it should be."""
    if not told:
        return []
    try:
        listed = json.loads(told).get("changedAttributes", [])
        return [
            (str(one["logicalName"]).lower(), _value(one.get("oldValue")), _value(one.get("newValue")))
            for one in listed
        ]
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return None


def _value(value: object) -> str:
    return "" if value is None else str(value).strip()


def _translated(log: _Log) -> pd.DataFrame:
    """Keep the attributes that are followed, in the words of the tables; of two that tell one field, the finer one."""
    changes = log.changes
    attribute = changes["attribute"]
    out = changes[attribute.isin(list(_OF_FIELD))]
    if (out["attribute"] == "stepname").any():
        out = out[out["attribute"] != "salesstage"]
    zero = pd.to_numeric(out["new"], errors="coerce") == 0
    out = out[~((out["attribute"] == "actualvalue") & (zero | (out["new"] == "")))]
    for name in ("old", "new"):
        out = out.assign(**{name: _plain(out[name], out["attribute"])})
    # Within one row what was hoped for comes before what came true, and a cleared close before a new hope.
    rank = out["attribute"].isin(list(_HOPED)).astype("int64")
    rank = rank.mask((out["attribute"] == "actualclosedate") & (out["new"] == ""), -1)
    out = out.assign(field=out["attribute"].map(_OF_FIELD).astype("str"), row=out["line"].to_numpy(), rank=rank)
    place = pd.factorize(out["row"])[0]
    return out.iloc[np.lexsort((rank.to_numpy(), place))].drop(columns=["row", "rank"]).reset_index(drop=True)


def _plain(values: pd.Series, attribute: pd.Series) -> pd.Series:
    """Write ids without the name of their table, and days as ISO 8601."""
    out = values.copy()
    owner = (attribute == "ownerid").to_numpy()
    out[owner] = values[owner].str.replace("^.*,", "", regex=True)
    day = values[attribute.isin(["estimatedclosedate", "actualclosedate"]).to_numpy()]
    american = pd.to_datetime(day.str[:10], format="%m/%d/%Y", errors="coerce").dropna()
    out[american.index] = american.dt.strftime("%Y-%m-%d")
    return out


def _start(deals: RawTable, log: _Log, changes: pd.DataFrame) -> pd.DataFrame:
    """Return the deals as they stand now, for fields that never changed."""
    ids = column_of(deals.frame, _ID)
    created = column_of(deals.frame, ("createdon", "Created On"))
    if ids is None or created is None:
        return pd.DataFrame({name: pd.Series([], dtype="str") for name in ("opportunity_id", "created", *FIELDS)})
    start = pd.DataFrame({"opportunity_id": ids, "created": created})
    for attribute in ("salesstage", "stepname", "statecode", "estimatedvalue", "estimatedclosedate", "ownerid",
                      "msdyn_forecastcategory"):  # fmt: skip
        now = column_of(deals.frame, _CURRENT[attribute])
        if now is not None and (attribute != "salesstage" or "stepname" not in set(changes["attribute"])):
            start[_OF_FIELD[attribute]] = now
    start = start.assign(**{name: "" for name in FIELDS if name not in start})
    start = start[(ids != "").to_numpy() & ~ids.duplicated().to_numpy()].reset_index(drop=True)
    return start.assign(since=_since(start, log))


def _since(start: pd.DataFrame, log: _Log) -> pd.Series:
    """Return from when on the log tells of each deal: its creation, or the first row of a log that begins later."""
    if not log.first:
        return start["created"]
    begins = instants(pd.Series([log.first], dtype="str")).at.min()
    late = instants(start["created"]).at < begins
    return start["created"].mask(late, log.first)


def _old(changes: pd.DataFrame, start: pd.DataFrame) -> pd.Series:
    """Return the value before each change; before a first actual figure it is the one hoped for, if known."""
    old = changes["old"].copy()
    followed = set(changes["attribute"])
    for actual, hoped in _HOPED.items():
        mine = (changes["attribute"] == actual).to_numpy()
        told = changes[changes["attribute"] == hoped].drop_duplicates("opportunity_id").set_index("opportunity_id")
        now = start.set_index("opportunity_id")[_OF_FIELD[hoped]] if hoped in followed else pd.Series(dtype="str")
        ids = changes["opportunity_id"][mine]
        before = ids.map(told["old"]).astype("str").fillna(ids.map(now).astype("str")).fillna("")
        old[mine] = before.to_numpy()
    return old


def _in_base(events: pd.DataFrame, deals: RawTable) -> pd.Series:
    """Bring amounts into the base currency, where the deals' own amounts are taken in it."""
    amount, ids = events["amount"], column_of(deals.frame, _ID)
    base = column_of(deals.frame, ("estimatedvalue_base", "Est. Revenue (Base)", "Estimated Revenue (Base)"))
    rate = column_of(deals.frame, ("exchangerate", "Exchange Rate"))
    if base is None or rate is None or ids is None:
        return amount
    rates = pd.Series(pd.to_numeric(rate, errors="coerce").to_numpy(dtype=np.float64), index=ids)
    rates = rates[~rates.index.duplicated()]
    own: npt.NDArray[np.float64] = events["opportunity_id"].map(rates).to_numpy(dtype=np.float64)
    foreign = np.isfinite(own) & (own > 0) & (own != 1)
    if not foreign.any():
        return amount
    divided = pd.to_numeric(amount, errors="coerce") / own
    return amount.mask(foreign & divided.notna().to_numpy(), as_text(divided.round(4)))


def _notes(log: _Log, start: pd.DataFrame) -> Iterator[str]:
    late = int((start["since"] != start["created"]).sum()) if "since" in start else 0
    if late:
        yield f"the audit log begins on {log.first[:10]}: of {late:,} deals created earlier it tells from then on only"
    followed: Mapping[str, str] = _OF_FIELD
    silent = sorted(set(followed.values()) - set(log.changes["attribute"].map(followed).dropna()))
    if silent:
        yield f"the audit log never tells of {', '.join(silent)}: their past is unknown"
