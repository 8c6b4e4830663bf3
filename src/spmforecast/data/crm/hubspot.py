"""HubSpot: deals with their past, owners, companies and engagements, brought to tables that the preset maps.

What is done here is only what a map cannot say: properties wherever an export puts them, stages by their id, and the
past rebuilt from versions of properties.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.cells import blank
from spmforecast.data.crm.hubspot_deals import HubSpotDeals, bare_days, read_deals, stamps, truth
from spmforecast.data.crm.hubspot_history import Versions, read_versions
from spmforecast.data.crm.hubspot_money import Money, money_of
from spmforecast.data.crm.hubspot_others import read_others
from spmforecast.data.crm.hubspot_stages import bare_labels, read_stages, stage_of_property
from spmforecast.data.crm.options import CrmOptions
from spmforecast.data.crm.rebuilt import Export
from spmforecast.data.crm.retold import retell
from spmforecast.data.crm.stages import Stages, in_pipelines
from spmforecast.data.sources import RawTable, Source

__all__ = ["adapt"]

_USED = frozenset({"hs_object_id", "hs_manual_forecast_category"})

# HubSpot's own calculated properties speak of the day of the export; of them only the source of a deal is kept.
_CALCULATED = re.compile(
    r"hs_(?!analytics_source$).*|_fivetran.*|_airbyte.*|date (entered|exited).*|(cumulative |latest )?time in .*|"
    r"days[_ ]to[_ ]close|(hs_)?last[_ ]?modified[_ ]?date|(created|updated|archived)_?at|archived|url|id|portal_?id|"
    r"deal_currency_code|is_closed.*|notes_.*|num_.*|(weighted|forecast|closed deal) amount.*|(deal )?description",
    re.IGNORECASE,
)


def adapt(source: Source, options: CrmOptions) -> Source:
    """Rebuild what an export of HubSpot holds as tables that the preset maps.

    Parameters
    ----------
    source : Source
        Answers of the API (``deals.json``, ``pipelines.json``, ...), CSV exports, or a warehouse's copy.
    options : CrmOptions
        Pipelines to keep, currency and rates.

    Returns
    -------
    Source
        The export with ``hubspot_deals``, ``hubspot_stage_history`` and so on in front; as it was where it holds no
        deals.

    Raises
    ------
    InputError
        If a file cannot be read, or a pipeline to keep is not there.
    """
    export = Export(source)
    deals = read_deals(export)
    if deals is None:
        return source
    versions, unused = read_versions(export, deals)
    deals = replace(deals, raw=replace(deals.raw, notes=(*deals.raw.notes, *unused)))
    others = read_others(export)
    work = _Work.of(export, deals, versions, options, others.get("hubspot_owners"))
    tables = {"hubspot_deals": work.deals()}
    if versions is not None:
        tables["hubspot_stage_history"] = work.stage_history(versions)
    return export.rebuilt({**tables, **others})


@dataclass(frozen=True, eq=False)
class _Work:
    """What deals and their history are told with: n deals, as they are and what is made of them."""

    raw: RawTable
    versions: Versions | None
    stages: Stages
    stage: pd.Series
    """Id of each deal's stage."""
    pipelines: pd.Series
    left_out: pd.Series
    """Why a deal is left out; empty for those that are kept."""
    several: bool
    money: Money
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        export: Export,
        deals: HubSpotDeals,
        versions: Versions | None,
        options: CrmOptions,
        owners: RawTable | None,
    ) -> _Work:
        frame = deals.frame.assign(dealstage=bare_labels(deals.frame["dealstage"], deals.frame["pipeline"]))
        frame = frame.assign(hubspot_owner_id=_owner_ids(frame["hubspot_owner_id"], owners))
        named = None if versions is None else versions.frame["value"][versions.frame["field"] == "stage"]
        stages, notes = read_stages(export, frame, named if versions and versions.kind != "entered" else None)
        left_out = _left_out(frame, in_pipelines(stages, frame["pipeline"], options.pipelines))
        kept = (left_out == "").to_numpy()
        pipelines = stages.pipeline_names(frame["pipeline"])
        money = money_of(frame, kept, options, versions)
        merged = int((kept & (frame["hs_merged_object_ids"] != "").to_numpy()).sum())
        if merged:
            notes += (f"{merged:,} deals took in others that were merged into them, whose own past HubSpot drops",)
        return cls(
            raw=replace(deals.raw, frame=frame),
            versions=versions,
            stages=stages,
            stage=stages.ids(frame["dealstage"], frame["pipeline"]),
            pipelines=pipelines,
            left_out=left_out,
            several=pipelines[kept & (pipelines != "").to_numpy()].drop_duplicates().size > 1,
            money=money,
            notes=(*notes, *money.notes, *_empty(frame[kept], deals.raw.file)),
        )

    def deals(self) -> RawTable:
        """Return the deals, with what was worked out in columns of its own."""
        frame = self.raw.frame
        status, notes = self._status()
        close, filled = self._close_dates(status)
        own = [name for name in frame.columns if name in _USED or not _CALCULATED.fullmatch(name)]
        table = frame[own].assign(
            left_out=self.left_out,
            status=status,
            stage_name=self.stages.names(self.stage, self.pipelines if self.several else None),
            pipeline=self.pipelines,
            closedate=close,
            amount=self.money.amounts,
        )
        if (self.money.currencies != "").any():
            table["currency"] = self.money.currencies
        table = table.drop(columns=["dealstage", "amount_in_home_currency"])
        return replace(self.raw, frame=table, notes=(*self.raw.notes, *self.notes, *notes, *filled))

    def _status(self) -> tuple[pd.Series, tuple[str, ...]]:
        """Tell whether deals are open, won or lost: as they are flagged, else as their stage says."""
        closed, won = truth(self.raw.frame["hs_is_closed"]), truth(self.raw.frame["hs_is_closed_won"])
        flagged = closed.replace({"false": "open", "true": "lost"}).mask(won == "true", "won")
        by_stage = self.stages.statuses(self.stage)
        status = flagged.where(flagged != "", by_stage).replace({"": "open"})
        odd = int(((flagged != "") & (by_stage != "") & (flagged != by_stage)).sum())
        notes = (f"{odd:,} deals are flagged otherwise than their stage says; the flags count",) if odd else ()
        return status, notes

    def _close_dates(self, status: pd.Series) -> tuple[pd.Series, tuple[str, ...]]:
        """Let closed deals without a close date have closed when they entered their stage."""
        close = self.raw.frame["closedate"]
        lacking = (status != "open") & (close == "")
        if self.versions is None or not lacking.any():
            return close, ()
        entered = self._entered().drop_duplicates(["opportunity_id", "value"], keep="last")
        table = pd.Series(
            entered["at"].to_numpy(), index=pd.MultiIndex.from_frame(entered[["opportunity_id", "value"]])
        )
        keys = pd.MultiIndex.from_arrays([self.raw.frame["hs_object_id"], self.stage])
        known = table.reindex(keys).set_axis(close.index).fillna("").astype("str")
        filled = int((lacking & (known != "")).sum())
        note = f"{filled:,} closed deals have no close date; they closed when they entered their stage"
        return close.mask(lacking, known), (note,) if filled else ()

    def _entered(self) -> pd.DataFrame:
        """Return the versions of stages, by the stages' ids."""
        assert self.versions is not None, "asked for where there is a history"
        frame = self.versions.frame[self.versions.frame["field"] == "stage"]
        if self.versions.kind != "entered":
            return frame
        pipelines = frame["opportunity_id"].map(self._by_deal(self.pipelines)).fillna("").astype("str")
        return frame.assign(value=stage_of_property(frame["value"], pipelines, self.stages))

    def _by_deal(self, values: pd.Series) -> pd.Series:
        by_deal = pd.Series(values.to_numpy(), index=pd.Index(self.raw.frame["hs_object_id"]), dtype="str")
        return by_deal[~by_deal.index.duplicated()]

    def stage_history(self, versions: Versions) -> RawTable:
        """Return the states of deals in the past."""
        rest = versions.frame[versions.frame["field"] != "stage"]
        both = pd.concat([self._entered(), rest]).sort_index(kind="stable")
        unused = {"amount", "home_amount"} - {self.money.past}
        skipped = both["field"].isin(unused)
        exclusions = {**versions.exclusions, "amounts in the other currency": int(skipped.sum())}
        both = both[~skipped].replace({"field": {"home_amount": "amount"}}).reset_index(drop=True)
        both = both.rename(columns={"value": "new"})
        start = self.raw.frame[["hs_object_id", "createdate"]].set_axis(["opportunity_id", "created"], axis=1)
        told = retell(both, start, set(both["field"]), versions.file)
        for reason, rows in told.exclusions.items():
            exclusions[reason] = exclusions.get(reason, 0) + rows
        frame = self._finished(told.frame)
        notes = (*versions.notes, *self._gaps(both))
        broken = (*versions.broken, *told.broken)
        counted = {reason: rows for reason, rows in exclusions.items() if rows}
        return RawTable(versions.file, frame, told.lines, broken, notes, counted)

    def _finished(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Bring states to what the deals' own rows say: names of stages, and whether these close a deal."""
        stage = frame["stage"]
        pipelines = frame["opportunity_id"].map(self._by_deal(self.pipelines)).astype("str")
        frame = frame.assign(
            status=self.stages.statuses(stage).replace({"": "open"}),
            stage=self.stages.names(stage, pipelines if self.several else None),
        )
        if "close_date" in frame:
            frame["close_date"] = bare_days(stamps(frame["close_date"], zoned=True))
        if "amount" in frame:
            flags = pd.Series(np.where(self.money.foreign, "foreign", ""), index=self.raw.frame.index)
            foreign = frame["opportunity_id"].map(self._by_deal(flags)) == "foreign"
            frame["amount"] = frame["amount"].mask(foreign, "")
            if (self.money.currencies != "").any():
                frame["currency"] = frame["opportunity_id"].map(self._by_deal(self.money.currencies)).astype("str")
        return frame

    def _gaps(self, versions: pd.DataFrame) -> tuple[str, ...]:
        """Say for how many deals the history does not tell when they entered the stage in which they stand."""
        told = pd.MultiIndex.from_frame(versions[versions["field"] == "stage"][["opportunity_id", "new"]])
        now = pd.MultiIndex.from_arrays([self.raw.frame["hs_object_id"], self.stage])
        open_stage = ((self.left_out == "") & (self.stage != "")).to_numpy()
        lacking = int((open_stage & ~now.isin(told)).sum())
        return (f"{lacking:,} deals have no date of entering the stage in which they stand",) if lacking else ()


def _empty(deals: pd.DataFrame, file: str) -> tuple[str, ...]:
    """Say which of the things that matter most are told of no deal, and how many deals have no owner."""
    if not len(deals):
        return ()
    nothing = [name for name in ("dealstage", "amount", "closedate") if not (deals[name] != "").any()]
    notes = [f"{file}: no deal has anything under {', '.join(nothing)}"] if nothing else []
    without = int((deals["hubspot_owner_id"] == "").sum())
    if without:
        notes.append(f"{file}: {without:,} deals have no owner, who counts as (none)")
    return tuple(notes)


def _left_out(frame: pd.DataFrame, chosen: npt.NDArray[np.bool_]) -> pd.Series:
    """Say why deals are left out, each for one reason."""
    listed = frame["hs_merged_object_ids"].str.split(r"[;,\s]+", regex=True).explode()
    # A deal may name itself among those that it took in.
    others = listed[(listed != "") & (listed != frame["hs_object_id"].reindex(listed.index))]
    gone = frame["hs_object_id"].isin(others)
    words = blank(frame.index).mask(~chosen, "pipeline").mask(gone, "merged")
    return words.mask(truth(frame["archived"]) == "true", "deleted")


def _owner_ids(owners: pd.Series, table: RawTable | None) -> pd.Series:
    """Replace names of owners, as exports of the user interface have them, by ids, where a name means one owner."""
    if table is None or not len(table.frame):
        return owners
    people = table.frame.drop_duplicates("name", keep=False)
    by_name = pd.Series(people["id"].to_numpy(), index=pd.Index(people["name"].str.casefold()))
    by_name = by_name[~by_name.index.duplicated(keep=False)]
    found = owners.str.casefold().map(by_name).astype("str")
    return owners.where(owners.isin(table.frame["id"]) | found.isna(), found)
