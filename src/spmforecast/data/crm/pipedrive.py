"""Pipedrive: deals with their flow, users, organisations and activities, brought to tables that the preset maps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.cells import blank
from spmforecast.data.crm.options import CrmOptions
from spmforecast.data.crm.pipedrive_deals import Names, PipedriveDeals, read_deals, read_objects, stamps
from spmforecast.data.crm.pipedrive_flow import Flow, changes_of_deals, read_flow
from spmforecast.data.crm.rebuilt import Export
from spmforecast.data.crm.retold import Retold, retell
from spmforecast.data.crm.stages import Stages, in_pipelines
from spmforecast.data.sources import RawTable, Source
from spmforecast.data.sources.columns import as_text

__all__ = ["adapt"]

_STAGE_NAMES: Names = {"id": ("stage_id",), "name": ("label",), "pipeline_id": (), "pipeline_name": (), "order_nr": ()}
_USER_NAMES: Names = {"id": ("user_id",), "name": ("full name",), "email": ()}
_ORGANISATION_NAMES: Names = {
    "id": ("organization - id", "org_id"),
    "name": ("organization - name",),
    "owner_id": ("organization - owner", "user_id"),
    "industry": ("organization - industry",),
}
_ACTIVITY_NAMES: Names = {
    "id": ("activity - id", "activity_id"),
    "type": ("activity - type",),
    "done": ("activity - done",),
    "due_date": ("activity - due date",),
    "marked_as_done_time": ("activity - marked as done time",),
    "user_id": ("owner_id", "activity - assigned to user", "assigned_to_user_id"),
    "deal_id": ("activity - deal id", "activity - deal"),
    "org_id": ("activity - organization id", "activity - organization"),
    "is_deleted": ("deleted",),
}

# What Pipedrive works out or counts speaks of the day of the export.
_CALCULATED = re.compile(
    r".*_count|.*_activity_.*|formatted_.*|weighted_.*|.*_time|.*time|person_.*|person|org_.*|owner_name|cc_email|"
    r"creator_user_id|user_id.*|active|active_flag|deleted|is_deleted|is_archived|rotten.*|visible_to|renewal_type|"
    r"stage_order_nr|probability|weighted value.*|(last|next|total|done) .*activit.*|.* on|age|products? .*|label_ids",
    re.IGNORECASE,
)
_USED = frozenset({"id", "add_time", "org_id", "user_id"})
_CLOSED = ("won", "lost")


def adapt(source: Source, options: CrmOptions) -> Source:
    """Rebuild what an export of Pipedrive holds as tables that the preset maps.

    Parameters
    ----------
    source : Source
        Answers of the API (``deals.json``, ``flow.json`` or a ``flow_<id>.json`` a deal, ``stages.json``, ...) or CSV
        exports.
    options : CrmOptions
        Pipelines to keep.

    Returns
    -------
    Source
        The export with ``pipedrive_deals``, ``pipedrive_stage_history`` and so on in front; as it was where it holds
        no deals.

    Raises
    ------
    InputError
        If a file cannot be read, or a pipeline to keep is not there.
    """
    export = Export(source)
    deals = read_deals(export)
    if deals is None:
        return source
    work = _Work.of(export, deals, options)
    tables = {"pipedrive_deals": work.deals(), **work.histories(read_flow(export))}
    others = {
        "pipedrive_users": read_objects(export, ("users",), _USER_NAMES, "reps"),
        "pipedrive_organizations": read_objects(export, ("organizations",), _ORGANISATION_NAMES, "accounts"),
        "pipedrive_activities": _activities(export, deals.utc),
    }
    return export.rebuilt({**tables, **{name: raw for name, raw in others.items() if raw.file}})


def _activities(export: Export, utc: bool) -> RawTable:
    """Read activities, dated by when they were marked as done, else by the day for which they were planned."""
    raw = read_objects(export, ("activities",), _ACTIVITY_NAMES, "activities")
    frame = raw.frame.assign(type=raw.frame["type"].str.casefold(), done=raw.frame["done"].str.casefold())
    marked = stamps(frame["marked_as_done_time"], utc)
    return replace(raw, frame=frame.assign(date=marked.where(marked != "", frame["due_date"])))


@dataclass(frozen=True, eq=False)
class _Work:
    """What deals and their history are told with: n deals, as they are and what is made of them."""

    raw: RawTable
    stages: Stages
    left_out: pd.Series
    """Why a deal is left out; empty for those that are kept."""
    several: bool

    @classmethod
    def of(cls, export: Export, deals: PipedriveDeals, options: CrmOptions) -> _Work:
        frame = deals.frame
        status = frame["status"].str.strip().str.casefold()
        stages = _stages(export)
        stage = stages.ids(frame["stage_id"], frame["pipeline_id"])
        closed = frame["won_time"].where(status == "won", frame["lost_time"])
        closed = closed.where(closed != "", frame["close_time"]).where(status.isin(_CLOSED), "")
        frame = frame.assign(status=status, stage_id=stage, closed_time=closed)
        gone = (status == "deleted") | frame["is_deleted"].str.casefold().isin(("true", "1"))
        chosen = in_pipelines(stages, frame["pipeline_id"], options.pipelines)
        left_out = blank(frame.index).mask(~chosen, "pipeline").mask(gone, "deleted")
        pipelines = stages.pipeline_names(frame["pipeline_id"])
        kept = pipelines[((left_out == "") & (pipelines != "")).to_numpy()]
        frame = frame.assign(pipeline=pipelines)
        return cls(replace(deals.raw, frame=frame), stages, left_out, kept.drop_duplicates().size > 1)

    def deals(self) -> RawTable:
        """Return the deals, with what was worked out in columns of its own."""
        frame = self.raw.frame
        expected = frame["expected_close_date"]
        own = [name for name in frame.columns if name in _USED or not _CALCULATED.fullmatch(name)]
        table = frame[own].assign(
            left_out=self.left_out,
            stage_name=self._stage_names(frame["stage_id"], frame["pipeline"]),
            close_date=expected.where(~frame["status"].isin(_CLOSED), frame["closed_time"]),
        )
        table = table.drop(columns=["stage_id", "pipeline_id", "expected_close_date", "closed_time"], errors="ignore")
        named = frame["stage_id"].isin(self.stages.table.index) | (frame["stage_id"] == "")
        notes = self.raw.notes
        if not named.all():
            first = frame["stage_id"][~named].iloc[0]
            lacking = int((~named).sum())
            notes += (f"{self.raw.file}: no table of stages names the stages of {lacking:,} deals (first: {first})",)
        return replace(self.raw, frame=table, notes=notes)

    def _stage_names(self, stages: pd.Series, pipelines: pd.Series) -> pd.Series:
        return self.stages.names(stages, pipelines if self.several else None)

    def histories(self, flow: Flow | None) -> dict[str, RawTable]:
        """Return the states of deals: as the log tells, and as the deals' own rows tell of what the log leaves out."""
        deals = self.raw.frame.drop_duplicates("id")
        logged = _followed(deals, flow)
        followed = _fields(deals, flow)
        if flow is not None and "stage" not in followed:
            unused = {**flow.exclusions, "the flow tells no stages, though deals changed theirs": len(flow.frame)}
            flow, logged = replace(flow, frame=flow.frame[:0], exclusions=unused), np.zeros(len(deals), dtype=bool)
        opening = self._from_rows(deals[~logged])
        if flow is None:
            return {"pipedrive_openings": opening}
        told = self._replayed(flow, deals[logged], {"stage", *followed})
        frame, of_log = self._finished(told.frame), told.lines > 0
        merged = dict(flow.exclusions)
        for reason, count in told.exclusions.items():
            merged[reason] = merged.get(reason, 0) + count
        broken = (*flow.broken, *told.broken)
        log = RawTable(flow.file, _only(frame, of_log), told.lines[of_log], broken, flow.notes, merged)
        # A creation alone is told by the deal's own row, and so stands on its line.
        rest = _only(frame, ~of_log)
        born = self._lines().reindex(rest["opportunity_id"]).to_numpy(dtype=np.int64)
        frame = _stacked([opening.frame, rest])
        opening = replace(opening, frame=frame, numbers=np.concatenate([opening.lines, born]))
        return {"pipedrive_stage_history": log, "pipedrive_openings": opening}

    def _lines(self) -> pd.Series:
        lines = pd.Series(self.raw.lines, index=pd.Index(self.raw.frame["id"]))
        return lines[~lines.index.duplicated()]

    def _from_rows(self, deals: pd.DataFrame) -> RawTable:
        """Tell the past of deals without a log."""
        lines = deals["id"].map(self._lines())
        start = deals[["id", "add_time"]].set_axis(["opportunity_id", "created"], axis=1)
        told = retell(changes_of_deals(deals, lines), start, ("stage", "status"), self.raw.file)
        notes: tuple[str, ...] = ()
        if len(deals):
            notes = (
                f"{self.raw.file}: of {len(deals):,} deals without a flow only the last change of stage and the end "
                "are known; amounts, close dates and owners of their past are unknown",
            )
        return RawTable(self.raw.file, self._finished(told.frame), told.lines, told.broken, notes, told.exclusions)

    def _replayed(self, flow: Flow, deals: pd.DataFrame, followed: set[str]) -> Retold:
        """Replay the log; what it never mentions of a deal has always been as it is, if the log follows it at all."""
        start = pd.DataFrame(
            {
                "opportunity_id": deals["id"],
                "created": deals["add_time"],
                "stage": deals["stage_id"],
                "status": deals["status"],
                "amount": deals["value"],
                "close_date": deals["expected_close_date"],
                "owner_id": deals["user_id"],
            }
        )
        return retell(flow.frame, start, followed, flow.file)

    def _finished(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Name the stages, and let a deal that was closed have closed when it was."""
        by_id = self.raw.frame.drop_duplicates("id").set_index("id")
        deal = frame["opportunity_id"]
        pipeline = deal.map(by_id["pipeline"]).fillna("").astype("str")
        out = frame.assign(stage=self._stage_names(frame["stage"], pipeline))
        if "status" in out:
            expected = out["close_date"] if "close_date" in out else blank(out.index)
            out["close_date"] = expected.mask(out["status"].isin(_CLOSED), _begin_of_status(out))
        if "amount" in out:
            out["currency"] = deal.map(by_id["currency"]).fillna("").astype("str")
        return out


def _moved(deals: pd.DataFrame) -> pd.Series:
    """Mark the deals that have changed their stage."""
    return (deals["stage_change_time"] != "") & (deals["stage_change_time"] != deals["add_time"])


def _followed(deals: pd.DataFrame, flow: Flow | None) -> npt.NDArray[np.bool_]:
    """Mark the deals that a log covers: those it speaks of, and all others if none of these can have changed."""
    if flow is None:
        return np.zeros(len(deals), dtype=bool)
    spoken = deals["id"].isin(flow.frame["opportunity_id"])
    changed = ~spoken & (_moved(deals) | deals["status"].isin(_CLOSED))
    return (spoken | (not changed.any())).to_numpy()


def _fields(deals: pd.DataFrame, flow: Flow | None) -> set[str]:
    """Return the fields that a log follows: those it speaks of, and the stage if no deal has changed its own."""
    if flow is None:
        return set()
    return set(flow.frame["field"]) | (set() if _moved(deals).any() else {"stage"})


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put events of several origins together; stamps that are not all of one kind become text."""
    filled = [frame for frame in frames if len(frame)] or list(frames[:1])
    if len({frame["entered_date"].dtype for frame in filled}) > 1:
        filled = [frame.assign(entered_date=as_text(frame["entered_date"])) for frame in filled]
    out = pd.concat(filled, ignore_index=True)
    return out.fillna({name: "" for name in out.columns if name != "entered_date"})


def _only(frame: pd.DataFrame, rows: npt.NDArray[np.bool_]) -> pd.DataFrame:
    return frame[rows].reset_index(drop=True)


def _begin_of_status(events: pd.DataFrame) -> pd.Series:
    """Return, as text, when the status of each event began; events are in order of deal and time."""
    same = (events["status"] == events["status"].shift()) & (
        events["opportunity_id"] == events["opportunity_id"].shift()
    )
    return as_text(events["entered_date"]).mask(same).ffill()


def _stages(export: Export) -> Stages:
    """Read the names of stages and pipelines."""
    pipelines = read_objects(export, ("pipelines",), {"id": (), "name": ()}, "stage_history").frame
    rows = read_objects(export, ("stages", "deal_stages"), _STAGE_NAMES, "stage_history").frame
    names = {key: name for key, name in zip(rows["pipeline_id"], rows["pipeline_name"], strict=True) if key and name}
    names |= dict(zip(pipelines["id"], pipelines["name"], strict=True))
    place = pd.to_numeric(rows["order_nr"], errors="coerce").fillna(0.0)
    order = pd.DataFrame({"pipeline": pd.factorize(rows["pipeline_id"])[0], "place": place}, index=rows.index)
    rows = rows.loc[order.sort_values(["pipeline", "place"], kind="stable").index]
    stages = rows[["id", "name", "pipeline_id"]].assign(status="open")
    return Stages.of(stages.itertuples(index=False), names)
