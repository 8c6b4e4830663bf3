"""Salesforce's quotas: ``ForecastingQuota``, a row a user, period and kind of forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from spmforecast.calendar import FiscalCalendar, PeriodKind
from spmforecast.data.crm.rebuilt import Export
from spmforecast.data.crm.salesforce_cells import Cells, days, long_ids, order_of_days, truth
from spmforecast.data.crm.salesforce_others import refused, without
from spmforecast.data.sources import RawTable

__all__ = ["quotas"]

_QUOTAS: Mapping[str, tuple[str, ...]] = {
    "rep_id": ("QuotaOwnerId", "Quota Owner ID", "Quota Owner", "OwnerId"),
    "quota": ("QuotaAmount", "Quota Amount", "Amount"),
    "starts": ("StartDate", "Start Date"),
    "period": ("PeriodId", "Period ID"),
    "kind": ("ForecastingTypeId", "Forecasting Type ID", "Forecast Type"),
    "currency": ("CurrencyIsoCode",),
    "is_amount": ("IsAmount",),
    "is_quantity": ("IsQuantity",),
    "is_deleted": ("IsDeleted",),
}
_PERIODS: Mapping[str, tuple[str, ...]] = {"id": ("Id",), "kind": ("Type",)}
_KINDS: Mapping[str, PeriodKind] = {"month": "month", "quarter": "quarter", "year": "year"}


def quotas(raw: RawTable, export: Export, calendar: FiscalCalendar) -> RawTable:
    """Give each quota of money the label of its fiscal period; those of one user and period are added up.

    Parameters
    ----------
    raw : RawTable
        ``ForecastingQuota``.
    export : Export
        Where a table of periods may say how long each is; else all are quarters if each begins one, else months.
    calendar : FiscalCalendar
        The company's.
    """
    cells = Cells(raw, _QUOTAS)
    quantity = (truth(cells.text("is_quantity")) == "true") | (truth(cells.text("is_amount")) == "false")
    gone = (truth(cells.text("is_deleted")) == "true").to_numpy()
    raw = without(raw, gone, "deleted in Salesforce")
    raw = without(
        raw, quantity.to_numpy()[~gone] | (Cells(raw, _QUOTAS).text("quota") == "").to_numpy(), "not of money"
    )
    raw = _of_one_kind(raw)
    cells = Cells(raw, _QUOTAS)
    starts = days(cells.typed("starts"), order_of_days([cells.text("starts")])).str.slice(0, 10)
    first = pd.to_datetime(starts, format="%Y-%m-%d", errors="coerce")
    kinds, notes = _kinds(cells, export, first, calendar)
    labels = _labels(first, kinds, calendar)
    frame = pd.DataFrame({"rep_id": long_ids(cells.text("rep_id")), "period": labels, "quota": cells.text("quota")})
    frame["starts"] = starts
    if cells.has("currency"):
        frame["currency"] = cells.text("currency")
    raw = replace(raw, frame=frame, notes=(*raw.notes, *notes))
    told, mend = "no fiscal period begins on this day", "Correct it, or say in which month the fiscal year begins."
    return _added_up(refused(raw, (labels == "").to_numpy(), "quotas", "StartDate", starts, told, mend))


def _of_one_kind(raw: RawTable) -> RawTable:
    """Keep the kind of forecast that most quotas are for: those of several kinds are not to be added up."""
    kind = Cells(raw, _QUOTAS).text("kind")
    if len(kind.unique()) <= 1:
        return raw
    most = kind.value_counts(sort=False).sort_index().idxmax()
    note = f"{raw.file}: quotas are for {kind.nunique():,} kinds of forecast; only those of {most} are used"
    return replace(without(raw, (kind != most).to_numpy(), "for another kind of forecast"), notes=(*raw.notes, note))


def _kinds(
    cells: Cells, export: Export, first: pd.Series, calendar: FiscalCalendar
) -> tuple[pd.Series, tuple[str, ...]]:
    """Tell how long the period of each quota is."""
    known = first.dropna()
    quarters = bool(len(known)) and all(_begins(day, "quarter", calendar) for day in known.unique())
    usual: PeriodKind = "quarter" if quarters else "month"
    raw = export.table(("period",), "quotas")
    if raw is None or not cells.has("period"):
        note = f"{cells.raw.file}: quotas are taken as those of a {usual} each, as the days on which they begin suggest"
        return pd.Series(usual, index=first.index), (note,) if len(known) else ()
    table = Cells(raw, _PERIODS)
    kinds = table.text("kind").str.casefold().map(_KINDS)
    by_id = pd.Series(kinds.to_numpy(), index=pd.Index(long_ids(table.text("id"))))
    found = long_ids(cells.text("period")).map(by_id[~by_id.index.duplicated()])
    return found.where(found.notna(), usual), ()


def _begins(day: pd.Timestamp, kind: PeriodKind, calendar: FiscalCalendar) -> bool:
    return bool(calendar.period_of(day, kind).start == day)


def _labels(first: pd.Series, kinds: pd.Series, calendar: FiscalCalendar) -> pd.Series:
    """Return the label of each period; empty text where none begins on that day."""
    out = pd.Series("", index=first.index, dtype="str")
    for day, kind in pd.DataFrame({"day": first, "kind": kinds}).dropna().drop_duplicates().itertuples(index=False):
        period = calendar.period_of(day, kind)
        if period.start == day:
            out = out.mask(((first == day) & (kinds == kind)).to_numpy(), period.label)
    return out


def _added_up(raw: RawTable) -> RawTable:
    """Let the first quota of a user and period be the sum of all: they are told by territory or product family."""
    frame = raw.frame
    keys = [name for name in ("rep_id", "period", "currency") if name in frame]
    again = frame.duplicated(keys).to_numpy()
    if not again.any():
        return raw
    amounts = pd.to_numeric(frame["quota"], errors="coerce")
    shared = frame.duplicated(keys, keep=False) & amounts.notna()
    sums = amounts.groupby([frame[name] for name in keys]).transform("sum")
    words = sums.map(lambda amount: repr(float(amount))).astype("str")
    summed = replace(raw, frame=frame.assign(quota=frame["quota"].mask(shared, words)))
    return without(summed, again & amounts.notna().to_numpy(), "added to another quota of the same user and period")
