"""Exports of CRMs: for each a map that is shipped with the package, and code where structure must be rebuilt.

:func:`adapt` gives the source and the map with which an export is read like any other.
"""

from __future__ import annotations

from importlib import import_module, resources
from typing import Protocol, cast

from spmforecast.data.crm.options import CrmOptions, option_problem
from spmforecast.data.maps import Map, parse_map
from spmforecast.data.sources import Source
from spmforecast.errors import InputError
from spmforecast.written import nearest

__all__ = ["CRMS", "DELETED", "CrmOptions", "adapt", "load_preset"]

CRMS = ("salesforce", "hubspot", "dynamics", "pipedrive")
"""The CRMs that can be read."""

DELETED = "deleted in Salesforce"
"""Why the preset leaves out rows that :class:`CrmOptions` can keep."""


class _Adapter(Protocol):
    def adapt(self, source: Source, options: CrmOptions) -> Source: ...


def load_preset(kind: str) -> Map:
    """Return the map that the package ships for a CRM.

    Parameters
    ----------
    kind : str
        One of :data:`CRMS`.

    Returns
    -------
    Map

    Raises
    ------
    InputError
        If there is no such CRM.
    """
    _known(kind)
    text = (resources.files("spmforecast.data.crm") / "presets" / f"{kind}.yaml").read_text(encoding="utf-8")
    return parse_map(text, f"{kind} (preset)")


def adapt(kind: str, source: Source, options: CrmOptions | None = None) -> tuple[Source, Map]:
    """Prepare a CRM's export for reading.

    Parameters
    ----------
    kind : str
        One of :data:`CRMS`.
    source : Source
        The export.
    options : CrmOptions, optional
        What it cannot say itself.

    Returns
    -------
    source : Source
        The export with tables added that had to be rebuilt.
    preset : Map
        How these become canonical tables.

    Raises
    ------
    InputError
        If there is no such CRM, or what must be rebuilt cannot be.
    """
    preset, chosen = load_preset(kind), options or CrmOptions()
    if chosen.deleted == "keep" and kind != "salesforce":
        told, mend = "deleted records can be kept of Salesforce only", "Take deleted out."
        raise InputError(option_problem("deleted", told, mend, "keep"))
    adapter = cast("_Adapter", import_module(f"spmforecast.data.crm.{kind}"))
    return adapter.adapt(source, chosen), preset


def _known(kind: str) -> None:
    if kind not in CRMS:
        near = nearest(kind, CRMS)
        mend = f"Did you mean {near}?" if near else f"Use one of: {', '.join(CRMS)}."
        raise InputError(option_problem("crm", "this CRM is not known", mend, kind))
