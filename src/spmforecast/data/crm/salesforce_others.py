"""What stands beside Salesforce's opportunities: users, accounts, territories and splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.cells import blank
from spmforecast.data.crm.rebuilt import Export
from spmforecast.data.crm.salesforce_cells import Cells, days, long_ids, order_of_days, stamps, truth
from spmforecast.data.sources import RawTable
from spmforecast.data.sources.columns import as_text
from spmforecast.errors import Problem

__all__ = ["accounts", "people", "refused", "splits", "territories", "users", "without"]

_USERS: Mapping[str, tuple[str, ...]] = {
    "id": ("Id", "User ID"),
    "name": ("Name", "Full Name"),
    "first": ("FirstName", "First Name"),
    "last": ("LastName", "Last Name"),
    "active": ("IsActive", "Active"),
    "left": ("End_Date__c", "end_date_c", "LastLoginDate", "Last Login"),
    "created": ("Hire_Date__c", "hire_date_c", "CreatedDate", "Created Date"),
    "kind": ("UserType", "User Type"),
    "role_id": ("UserRoleId", "Role ID"),
    "role": ("UserRole.Name", "Role", "Role Name", "Title"),
    "manager": ("ManagerId", "Manager ID", "Manager"),
    "territory": ("Territory__c", "territory_c"),
}
_PLACES: Mapping[str, tuple[str, ...]] = {
    "user": ("UserId", "User ID"),
    "territory": ("Territory2Id", "Territory ID"),
    "active": ("IsActive", "Active"),
}
_SPLITS: Mapping[str, tuple[str, ...]] = {
    "opportunity_id": ("OpportunityId", "Opportunity ID"),
    "rep_id": ("SplitOwnerId", "Split Owner ID", "Split Owner"),
    "share": ("SplitPercentage", "Split Percent", "Split Percentage", "Split (%)"),
    "kind": ("SplitTypeId", "Split Type ID", "SplitType.MasterLabel", "Split Type"),
    "is_deleted": ("IsDeleted", "Deleted"),
}
_KINDS: Mapping[str, tuple[str, ...]] = {
    "id": ("Id",),
    "label": ("DeveloperName", "MasterLabel"),
    "field": ("SplitField",),
    "whole": ("IsTotalValidated",),
}
_IDS = ("Id", "OwnerId", "ParentId", "ManagerId", "ParentTerritory2Id", "Territory2ModelId")

Mask = npt.NDArray[np.bool_]


def _long(raw: RawTable) -> pd.DataFrame:
    """Return a frame whose ids have 18 characters."""
    cells = Cells(raw, {name: (name,) for name in _IDS})
    own = [name for name in (cells.column(word) for word in _IDS) if name is not None]
    return raw.frame.assign(**{name: long_ids(as_text(raw.frame[name]).str.strip()) for name in own})


def _names(cells: Cells) -> pd.Series:
    full = (cells.text("first") + " " + cells.text("last")).str.strip()
    name = cells.text("name")
    return name.where(name != "", full)


def people(raw: RawTable | None) -> dict[str, str]:
    """Return the ids of users by their names in small letters, where a name means one user."""
    if raw is None:
        return {}
    cells = Cells(raw, _USERS)
    table = pd.DataFrame({"name": _names(cells).str.casefold(), "id": long_ids(cells.text("id"))})
    table = table[table["name"] != ""].drop_duplicates("name", keep=False)
    return dict(zip(table["name"], table["id"], strict=True))


def users(raw: RawTable, export: Export) -> RawTable:
    """Prepare users as reps: dates of hire and leave, role, territory.

    A user's record begins when it is created, which stands for the hire where there is no ``Hire_Date__c``; one that
    is not active any more left with the last login, or on ``End_Date__c``.
    """
    cells = Cells(raw, _USERS)
    order = order_of_days([cells.text("created"), cells.text("left")])
    gone = (truth(cells.text("active")) == "false").to_numpy()
    last = as_text(stamps(cells.typed("left"), order, cells.utc))
    kind = cells.text("kind")
    ids = long_ids(cells.text("id"))
    places, told = _places(export, ids)
    added = {
        "salesforce_left": days(last.str.slice(0, 10).where(gone, ""), order),
        "salesforce_role": _roles(cells, export),
        "salesforce_territory": places.where(places != "", cells.text("territory")),
        "salesforce_left_out": blank(ids.index).mask(~kind.isin(("", "Standard")), "kind"),
    }
    frame = _long(raw)
    created = cells.column("created")
    if created is not None:
        frame = frame.assign(**{created: stamps(cells.typed("created"), order, cells.utc)})
    if cells.column("name") is None:
        frame = frame.assign(Name=_names(cells))
    open_end = int((gone & (added["salesforce_left"] == "").to_numpy()).sum())
    if open_end:
        told += (
            f"{raw.file}: {open_end:,} users are not active, and nothing says when they left; they count as still "
            "there. Export LastLoginDate",
        )
    return replace(raw, frame=frame.assign(**added), notes=(*raw.notes, *told))


def _roles(cells: Cells, export: Export) -> pd.Series:
    role, role_id = cells.text("role"), long_ids(cells.text("role_id"))
    raw = export.table(("user_role",), "reps")
    if raw is None:
        return role.where(role != "", role_id)
    table = Cells(raw, {"id": ("Id",), "name": ("Name", "DeveloperName")})
    names = pd.Series(table.text("name").to_numpy(), index=pd.Index(long_ids(table.text("id"))))
    found = role_id.map(names[~names.index.duplicated()]).astype("str").fillna("")
    return found.where(found != "", role)


def _places(export: Export, ids: pd.Series) -> tuple[pd.Series, tuple[str, ...]]:
    """Return the territory of each user who has but one."""
    raw = export.table(("user_territory2association",), "reps")
    if raw is None:
        return blank(ids.index), ()
    cells = Cells(raw, _PLACES)
    table = pd.DataFrame({"user": long_ids(cells.text("user")), "territory": long_ids(cells.text("territory"))})
    table = table[truth(cells.text("active")) != "false"].drop_duplicates()
    several = table["user"].duplicated(keep=False)
    single = table[~several].set_index("user")["territory"]
    many = table["user"][several].nunique()
    notes = (f"{raw.file}: {many:,} users have several territories, so none of them is theirs",) if many else ()
    return ids.map(single).astype("str").fillna(""), notes


def accounts(raw: RawTable) -> RawTable:
    """Prepare accounts: ids of one length."""
    return replace(raw, frame=_long(raw))


def territories(raw: RawTable, export: Export) -> RawTable:
    """Prepare territories: those of the active model, where the export says which that is."""
    frame = _long(raw)
    cells = Cells(replace(raw, frame=frame), {"model": ("Territory2ModelId",)})
    models = export.table(("territory2model",), "territories")
    if models is None or not cells.has("model"):
        return replace(raw, frame=frame)
    table = Cells(models, {"id": ("Id",), "state": ("State",)})
    active = set(long_ids(table.text("id"))[table.text("state").str.casefold() == "active"])
    out = (~cells.text("model").isin(active)).to_numpy() if active else np.zeros(len(frame), dtype=bool)
    return without(replace(raw, frame=frame), out, "of a territory model that is not active")


def splits(raw: RawTable, export: Export, keep_deleted: bool) -> RawTable:
    """Turn splits of revenue into shares; overlays, which need not sum to the whole, are left out."""
    cells = Cells(raw, _SPLITS)
    if not keep_deleted:
        raw = without(raw, (truth(cells.text("is_deleted")) == "true").to_numpy(), "deleted in Salesforce")
        cells = Cells(raw, _SPLITS)
    share = pd.to_numeric(cells.text("share").str.removesuffix("%"), errors="coerce")
    deal, kind = long_ids(cells.text("opportunity_id")), cells.text("kind")
    overlay = ~kind.isin(_revenue_kinds(export, kind, deal, share)).to_numpy()
    words = (share / 100).map("{:.12g}".format).astype("str").where(share.notna(), cells.text("share"))
    rows = pd.DataFrame({"opportunity_id": deal, "rep_id": long_ids(cells.text("rep_id")), "share": words})
    return without(replace(raw, frame=rows), overlay, "a split of another kind than revenue")


def _revenue_kinds(export: Export, kind: pd.Series, deal: pd.Series, share: pd.Series) -> set[str]:
    """Find the type of splits that shares out the whole amount."""
    if len(kind.unique()) <= 1:
        return set(kind)
    raw = export.table(("opportunity_split_type",), "splits")
    if raw is not None:
        table = Cells(raw, _KINDS)
        of_revenue = (table.text("field").isin(("", "Amount")) & (truth(table.text("whole")) != "false")) & (
            table.text("label").str.casefold().isin(("revenue", "")) | (table.text("field") == "Amount")
        )
        found = set(table.text("id")[of_revenue]) | set(long_ids(table.text("id"))[of_revenue])
        return found & set(kind)
    named = {word for word in kind.unique() if word.casefold() == "revenue"}
    if named:
        return named
    whole = share.groupby([kind, deal]).sum().round(6) == 100
    shares = whole.groupby(level=0).mean().sort_values(ascending=False, kind="stable")
    return set(shares.index[:1]) if len(shares) else set()


def without(raw: RawTable, out: Mask, reason: str) -> RawTable:
    """Leave rows out for a reason."""
    if not out.any():
        return raw
    exclusions = {**raw.exclusions, reason: raw.exclusions.get(reason, 0) + int(out.sum())}
    frame = raw.frame[~out].reset_index(drop=True)
    return replace(raw, frame=frame, numbers=raw.lines[~out], exclusions=exclusions)


def refused(raw: RawTable, rows: Mask, table: str, column: str, words: pd.Series, told: str, mend: str) -> RawTable:
    """Reject rows for what stands in a column."""
    if not rows.any():
        return raw
    faults = tuple(
        Problem(table, told, mend, raw.file, int(raw.lines[row]), column, str(words.iloc[row]))
        for row in np.flatnonzero(rows)
    )
    kept = raw.frame[~rows].reset_index(drop=True)
    return replace(raw, frame=kept, numbers=raw.lines[~rows], broken=(*raw.broken, *faults))
