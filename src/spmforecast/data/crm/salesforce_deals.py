"""Salesforce's opportunities: which rows count, how each stands, and what its stages mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.cells import blank
from spmforecast.data.crm.options import CrmOptions
from spmforecast.data.crm.rebuilt import Export
from spmforecast.data.crm.salesforce_cells import (
    Cells,
    ambiguous_dates,
    days,
    long_ids,
    order_of_days,
    stamps,
    truth,
)
from spmforecast.data.crm.stages import Stages, in_pipelines
from spmforecast.data.maps import TableMap
from spmforecast.data.sources import RawTable
from spmforecast.errors import InputError, Problem

__all__ = ["FILES", "Deals", "read_deals"]

FILES = ("opportunity", "opportunities_report", "opportunity_report", "report")
"""What a file of opportunities may be called."""

_DATED = ("created_date", "close_date")
_IDS = ("opportunity_id", "owner_id", "account_id", "territory_id")
_STAGES: Mapping[str, tuple[str, ...]] = {
    "id": ("ApiName", "MasterLabel", "Stage Name", "Label"),
    "label": ("MasterLabel", "Label", "Stage Name"),
    "closed": ("IsClosed", "Closed"),
    "won": ("IsWon", "Won"),
    "place": ("SortOrder",),
}
_STANDARD = {"closed won": "won", "closed lost": "lost"}

_TYPES = {
    "new": ("new", "new business", "new customer", "new logo", "new client"),
    "renewal": ("renewal", "renewals", "existing customer - renewal", "existing business - renewal"),
    "expansion": (
        *("existing business", "existing customer", "expansion", "upsell", "up-sell", "cross-sell", "cross sell"),
        *("add-on", "add-on business", "upgrade", "existing customer - upgrade", "existing customer - replacement"),
        *("existing customer - downgrade",),
    ),
}
_TYPE_OF = {word: kind for kind, words in _TYPES.items() for word in words}

# What speaks of the day of the export rather than of the deal.
_OF_TODAY = re.compile(
    "probability|expectedrevenue|fiscal|fiscalyear|fiscalquarter|fiscalperiod|age|stageduration|nextstep|description|"
    "last(activity|modified|stagechange|viewed|referenced)(date|indays|by|byid)?|systemmodstamp|pushcount|attributes|"
    "has(openactivity|overduetask|opportunitylineitem)|last(amount|closedate)changedhistoryid|"
    "forecastcategory(name)?|isexcludedfromterritory2filter"
)


@dataclass(frozen=True, eq=False)
class Deals:
    """Opportunities as they stand today.

    Parameters
    ----------
    raw : RawTable
        n rows as the export has them, with cells of ids and dates brought to one form and columns ``salesforce_*``
        that say what was worked out; what speaks of today only is left out.
    frame : pandas.DataFrame
        n rows: ``opportunity_id, owner_id, created, stage, status, amount, close_date, forecast_category, currency,
        pipeline, left_out``; times may be datetime64, all else is text.
    stages : Stages
        The stages, and whether they close a deal.
    many : bool
        Whether stages carry the name of their pipeline.
    versions : RawTable
        The rows before anything was done to them.
    refusal : InputError or None
        Why the rows cannot be used as they are.
    """

    raw: RawTable
    frame: pd.DataFrame
    stages: Stages
    many: bool
    versions: RawTable
    refusal: InputError | None = None

    def named(self, stages: pd.Series, deals: pd.Series) -> pd.Series:
        """Give the stages of some deals the name of the pipeline, where that is asked for."""
        if not self.many:
            return stages
        by_deal = self.frame.drop_duplicates("opportunity_id").set_index("opportunity_id")["pipeline"]
        pipeline = deals.map(by_deal).astype("str").fillna("")
        return stages.where((stages == "") | (pipeline == ""), pipeline + ": " + stages)


def read_deals(export: Export, mapping: TableMap, options: CrmOptions, people: Mapping[str, str]) -> Deals | None:
    """Read the opportunities of an export; None where it has none.

    Parameters
    ----------
    export : Export
        The export.
    mapping : TableMap
        The preset's mapping, which says what columns may be called.
    people : mapping of str to str
        Ids of users by their names in small letters, for reports that give names.
    options : CrmOptions
        Record types to keep, and whether deleted rows stay.

    Raises
    ------
    InputError
        If a file cannot be read, or a record type to keep is not there.
    """
    raw = export.table(FILES, "opportunities")
    if raw is None:
        # A warehouse may keep nothing but the versions of each deal.
        raw = export.table(("opportunity_history",), "opportunities")
        if raw is None or "_fivetran_start" not in raw.frame:
            return None
    cells = Cells(_without_footer(raw), mapping.columns)
    order = order_of_days([cells.text(name) for name in _DATED])
    frame = _frame(cells, order, people)
    stages, notes = _stages(export, cells, frame)
    status, told = _status(cells, frame["stage"], stages)
    stages, record_type = replace(stages, pipelines=_pipeline_names(export)), long_ids(cells.text("record_type"))
    chosen = in_pipelines(stages, record_type, options.pipelines)
    frame = frame.assign(
        status=status,
        pipeline=stages.pipeline_names(record_type),
        left_out=_left_out(cells, chosen, options),
    )
    many = len(options.pipelines) > 1
    kinds, odd = _types(cells.text("sales_type"), cells.raw.file)
    deals = Deals(cells.raw, frame, stages, many, cells.raw, _refusal(cells, order))
    added = {
        "salesforce_status": status,
        "salesforce_stage": deals.named(frame["stage"], frame["opportunity_id"]),
        "salesforce_left_out": frame["left_out"],
        "salesforce_type": kinds,
    }
    if (frame["pipeline"] != "").any():
        added["salesforce_pipeline"] = frame["pipeline"]
    out = _rewritten(cells, frame).assign(**added)
    return replace(deals, raw=replace(cells.raw, frame=out, notes=(*cells.raw.notes, *notes, *told, *odd)))


def _without_footer(raw: RawTable) -> RawTable:
    """Leave out the lines under a report that say who made it."""
    marks = ("Copyright (c)", "Confidential Information", "Generated By")
    last = int(raw.lines.max(initial=0))
    below = [problem for problem in raw.broken if (problem.line or 0) > last]
    if not any(problem.value.startswith(marks) for problem in below):
        return raw
    kept = tuple(problem for problem in raw.broken if problem not in below)
    return replace(raw, broken=kept, exclusions={**raw.exclusions, "the lines under a report": len(below)})


def _frame(cells: Cells, order: str | None, people: Mapping[str, str]) -> pd.DataFrame:
    """Return what the history needs of each deal."""
    out = {name: long_ids(cells.text(name)) for name in ("opportunity_id", "owner_id")}
    if people and not out["owner_id"].isin(set(people.values())).any():
        out["owner_id"] = out["owner_id"].str.casefold().map(dict(people)).astype("str").fillna(out["owner_id"])
    out["created"] = stamps(cells.typed("created_date"), order, cells.utc)
    out["close_date"] = days(cells.typed("close_date"), order)
    out["stage"] = cells.text("stage_name")
    out |= {name: cells.text(name) for name in ("amount", "forecast_category", "currency")}
    return pd.DataFrame(out, index=cells.raw.frame.index)


def _rewritten(cells: Cells, frame: pd.DataFrame) -> pd.DataFrame:
    """Bring ids and dates of the export's own columns to one form, and drop what speaks of today only."""
    new: dict[str, pd.Series] = {}
    for name in _IDS:
        own = cells.column(name)
        if own is not None:
            new[own] = long_ids(cells.text(name))
    for name, column in (("created_date", "created"), ("close_date", "close_date"), ("owner_id", "owner_id")):
        own = cells.column(name)
        if own is not None:
            new[own] = frame[column]
    used = {cells.column(name) for name in cells.names}
    spare = [
        name
        for name in cells.raw.frame.columns
        if name not in used and (name.startswith("_") or _OF_TODAY.fullmatch(_plain(name)))
    ]
    return cells.raw.frame.assign(**new).drop(columns=spare)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _stages(export: Export, cells: Cells, frame: pd.DataFrame) -> tuple[Stages, tuple[str, ...]]:
    """Find out which stages close a deal: as OpportunityStage says, else as the deals that stand in them do."""
    raw = export.table(("opportunity_stage",), "opportunities")
    if raw is not None:
        table = Cells(raw, _STAGES)
        place = pd.to_numeric(table.text("place"), errors="coerce").fillna(0.0).sort_values(kind="stable").index
        status = _flagged(truth(table.text("closed")), truth(table.text("won")))
        rows = pd.DataFrame({"id": table.text("id"), "label": table.text("label"), "pipeline": "", "status": status})
        return Stages.of(rows.loc[place].itertuples(index=False), {}), ()
    flags = _flagged(truth(cells.text("is_closed")), truth(cells.text("is_won")))
    seen = pd.DataFrame({"stage": frame["stage"], "status": flags})[(flags != "") & (frame["stage"] != "")]
    counted = seen.groupby(["stage", "status"], sort=True).size().sort_values(ascending=False, kind="stable")
    usual = counted.reset_index().drop_duplicates("stage")
    odd = len(counted) - len(usual)
    rows = pd.DataFrame({"id": usual["stage"], "label": "", "pipeline": "", "status": usual["status"]})
    note = f"{cells.raw.file}: {odd:,} stages hold both open and closed deals, or won and lost ones; most deals count"
    return Stages.of(rows.itertuples(index=False), {}), (note,) if odd else ()


def _flagged(closed: pd.Series, won: pd.Series) -> pd.Series:
    """Return won, lost, open, or empty text where nothing is flagged."""
    out = blank(closed.index).mask(closed == "false", "open").mask(closed == "true", "lost")
    return out.mask((won == "true") & (closed != "false"), "won")


def _status(cells: Cells, stage: pd.Series, stages: Stages) -> tuple[pd.Series, tuple[str, ...]]:
    """Tell whether deals are open, won or lost: by their flags, else by their stage."""
    status = _flagged(truth(cells.text("is_closed")), truth(cells.text("is_won")))
    status = status.mask(status == "", stages.statuses(stage))
    lacking = status == ""
    if not lacking.any():
        return status, ()
    named = stage.str.casefold().map(_STANDARD).astype("str").fillna("open")
    note = (
        f"{cells.raw.file}: nothing flags {int(lacking.sum()):,} deals as open or closed; only the stages Closed Won "
        "and Closed Lost count as closed. Export IsClosed and IsWon, or OpportunityStage"
    )
    return status.mask(lacking, named), (note,)


def _pipeline_names(export: Export) -> dict[str, str]:
    raw = export.table(("record_type",), "opportunities")
    if raw is None:
        return {}
    cells = Cells(raw, {"id": ("Id",), "name": ("Name", "DeveloperName")})
    return dict(zip(long_ids(cells.text("id")), cells.text("name"), strict=True))


def _left_out(cells: Cells, chosen: npt.NDArray[np.bool_], options: CrmOptions) -> pd.Series:
    """Say why rows are left out, each for one reason."""
    out = blank(cells.raw.frame.index).mask(~chosen, "pipeline")
    if cells.has("_fivetran_start"):
        # Every version of a deal is there; the last one is the deal.
        start = pd.to_datetime(cells.text("_fivetran_start"), format="ISO8601", errors="coerce", utc=True)
        order = start.sort_values(kind="stable", na_position="first").index
        last = ~cells.text("opportunity_id").loc[order].duplicated(keep="last").sort_index()
        out = out.mask(~last, "version")
    if options.deleted == "keep":
        return out
    active = truth(cells.text("_fivetran_active")), truth(cells.text("_fivetran_deleted"))
    gone = (active[0] == "false") | (active[1] == "true") | (truth(cells.text("is_deleted")) == "true")
    return out.mask(gone & (out != "version"), "deleted")


def _types(words: pd.Series, file: str) -> tuple[pd.Series, tuple[str, ...]]:
    """Translate types of deals; say which are not known."""
    kinds = words.str.casefold().map(_TYPE_OF).astype("str").fillna("")
    unknown = words[(kinds == "") & (words != "")]
    if not len(unknown):
        return kinds, ()
    named = ", ".join(unknown.value_counts().index[:3])
    note = f"{file}: {len(unknown):,} deals are of types that are not known ({named}); kept in the column sales_type"
    return kinds, (note,)


def _refusal(cells: Cells, order: str | None) -> InputError | None:
    problems = []
    for name in _DATED:
        found = ambiguous_dates(cells.text(name), order)
        if found:
            mend = "Export it as YYYY-MM-DD, or give its format in a map of your own (--map): under tables, "
            mend += f"opportunities: {{file: {cells.raw.file}, dates: {{{name}: '%d/%m/%Y'}}}}"
            told = "day and month cannot be told apart in this column"
            problems.append(Problem("opportunities", told, mend, cells.raw.file, 1, str(cells.column(name)), found))
    return InputError(problems) if problems else None
