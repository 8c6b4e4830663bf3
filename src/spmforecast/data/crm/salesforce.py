"""Salesforce: its objects, reports or warehouse copies, brought to tables that the preset maps.

What is done here is only what a map cannot say: ids of two lengths, dates of any locale, which stages close a deal,
and the past of each deal, rebuilt from whatever logs the export has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spmforecast.data.crm.options import CrmOptions
from spmforecast.data.crm.rebuilt import Export, RebuiltSource
from spmforecast.data.crm.salesforce_activities import events, tasks
from spmforecast.data.crm.salesforce_deals import read_deals
from spmforecast.data.crm.salesforce_goals import quotas
from spmforecast.data.crm.salesforce_history import stage_history
from spmforecast.data.crm.salesforce_others import accounts, people, splits, territories, users
from spmforecast.data.sources import RawTable, Source
from spmforecast.errors import InputError

__all__ = ["adapt"]

_DEALS = "salesforce_opportunities"
_LINES = ("opportunity_line_item", "opportunity_product")


@dataclass
class _SalesforceSource(RebuiltSource):
    """A Salesforce export with what was rebuilt from it; some tables may have to be refused when they are asked for."""

    refusals: Mapping[str, InputError] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Return the names of the rebuilt tables, then those of the export, which a user's own map may name."""
        return (*self.tables, *self.below.names())

    def read(self, name: str, table: str) -> RawTable:
        """Read what a name stands for.

        Raises
        ------
        InputError
            As the export does, and for a table whose dates cannot be told.
        """
        if name in self.refusals:
            raise self.refusals[name]
        return super().read(name, table)

    def leftovers(self, used: set[str]) -> tuple[str, ...]:
        """Return a note for each thing in the export that was not used."""
        return (*self.notes, *super().leftovers(used))


def adapt(source: Source, options: CrmOptions) -> Source:
    """Rebuild what an export of Salesforce holds as tables that the preset maps.

    Parameters
    ----------
    source : Source
        Objects by their API names, reports, or a warehouse's copy.
    options : CrmOptions
        Record types to keep, the fiscal year, and what becomes of deleted rows.

    Returns
    -------
    Source
        The export with ``salesforce_opportunities``, ``salesforce_changes`` and so on in front; as it was where it
        holds no opportunities.

    Raises
    ------
    InputError
        If a file cannot be read, or a record type to keep is not there.
    """
    from spmforecast.data.crm import load_preset

    export = Export(source)
    mapping = load_preset("salesforce").tables["opportunities"][0]
    staff = export.table(("user",), "reps")
    deals = read_deals(export, mapping, options, people(staff))
    if deals is None:
        return source
    keep = options.deleted == "keep"
    tables = {_DEALS: deals.raw, **stage_history(export, deals, keep)}
    if staff is not None:
        tables["salesforce_users"] = users(staff, export)
    tables |= _others(export, options, frozenset(deals.frame["opportunity_id"]))
    notes = [f"{name} is not used: amounts are those of the deals" for name in _line_items(export)]
    refusals = {} if deals.refusal is None else {_DEALS: deals.refusal}
    return _SalesforceSource(source, tables, frozenset(export.read), refusals, tuple(notes))


def _others(export: Export, options: CrmOptions, deals: frozenset[str]) -> dict[str, RawTable]:
    """Prepare what stands beside deals and their past, as far as the export has it."""
    keep = options.deleted == "keep"
    out: dict[str, RawTable] = {}
    goals = export.table(("forecasting_quota",), "quotas")
    if goals is not None:
        out["salesforce_quotas"] = quotas(goals, export, options.calendar)
    companies = export.table(("account",), "accounts")
    if companies is not None:
        out["salesforce_accounts"] = accounts(companies)
    places = export.table(("territory2",), "territories")
    if places is not None:
        out["salesforce_territories"] = territories(places, export)
    shares = export.table(("opportunity_split",), "splits")
    if shares is not None:
        out["salesforce_splits"] = splits(shares, export, keep)
    done = export.table(("task",), "activities")
    if done is not None:
        out["salesforce_tasks"] = tasks(done, deals, keep)
    held = export.table(("event",), "activities")
    if held is not None:
        out["salesforce_events"] = events(held, deals, keep)
    return out


def _line_items(export: Export) -> tuple[str, ...]:
    """Find tables of products of deals, and count them as read so that they are named once."""
    before = set(export.read)
    export.table(_LINES, "opportunities")
    return tuple(sorted(export.read - before))
