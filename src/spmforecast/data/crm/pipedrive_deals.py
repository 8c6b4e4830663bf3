"""Pipedrive's deals, from its API or an export of its user interface, under the API's names, every cell as text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from spmforecast.data.cells import blank, worded
from spmforecast.data.crm.jsonfiles import JsonRecord, json_table
from spmforecast.data.crm.rebuilt import Export
from spmforecast.data.naming import find_name, fold_column
from spmforecast.data.sources import RawTable

__all__ = ["PipedriveDeals", "flat", "named", "read_deals", "read_objects", "stamps"]

Names = Mapping[str, tuple[str, ...]]

_DEAL_NAMES: Names = {
    "id": ("deal - id", "deal_id", "deal id"),
    "title": ("deal - title",),
    "value": ("deal - value",),
    "currency": ("deal - currency of value", "deal - currency", "deal - value currency"),
    "status": ("deal - status",),
    "pipeline_id": ("deal - pipeline", "pipeline"),
    "stage_id": ("deal - stage", "stage"),
    "stage_change_time": ("deal - last stage change",),
    "expected_close_date": ("deal - expected close date",),
    "add_time": ("deal - deal created", "deal - created"),
    "close_time": ("deal - deal closed on",),
    "won_time": ("deal - won time",),
    "lost_time": ("deal - lost time",),
    "lost_reason": ("deal - lost reason",),
    "user_id": ("owner_id", "deal - owner", "owner"),
    "org_id": ("organization_id", "deal - organization id", "deal - organization"),
    "is_deleted": ("deleted",),
}
_TIMES = ("stage_change_time", "add_time", "close_time", "won_time", "lost_time")
_DAY_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?$"
_FIELD_KEY = re.compile(r"([0-9a-f]{40})(_currency|_until|_timezone_id)?")


@dataclass(frozen=True, eq=False)
class PipedriveDeals:
    """Deals as Pipedrive has them.

    Parameters
    ----------
    raw : RawTable
        n deals; the columns that matter here always there.
    utc : bool
        Whether times without a zone are UTC, as the API's are; those of the user interface are local.
    """

    raw: RawTable
    utc: bool

    @property
    def frame(self) -> pd.DataFrame:
        """The deals' cells."""
        return self.raw.frame


def read_deals(export: Export) -> PipedriveDeals | None:
    """Read the deals of an export; None where it has none.

    Raises
    ------
    InputError
        If their file cannot be read.
    """
    dump = export.dump(("deals",), "opportunities")
    raw = export.table(("deals",), "opportunities") if dump is None else json_table(dump, "opportunities", flat)
    if raw is None:
        return None
    utc = not any(name.casefold().startswith("deal - ") for name in raw.frame.columns)
    frame = named(_with_field_names(export, raw.frame), _DEAL_NAMES)
    for name in _TIMES:
        frame[name] = stamps(frame[name], utc)
    return PipedriveDeals(replace(raw, frame=frame), utc)


def read_objects(export: Export, wanted: tuple[str, ...], names: Names, table: str) -> RawTable:
    """Read objects other than deals, from a dump or a table; without rows where the export has none."""
    dump = export.dump(wanted, table)
    raw = export.table(wanted, table) if dump is None else json_table(dump, table, flat)
    if raw is None:
        raw = RawTable("", pd.DataFrame(), np.array([], dtype=np.int64))
    return replace(raw, frame=named(raw.frame, names))


def flat(record: JsonRecord) -> Mapping[str, object]:
    """Return an object's fields; of a person, user or organisation that is written out, the id."""
    out: dict[str, object] = {}
    for name, cell in record.value.items():
        if name == "custom_fields" and isinstance(cell, dict):
            out |= {key: _plain(value) for key, value in cell.items()}
        else:
            out[name] = _plain(cell)
    return out


def _plain(cell: object) -> object:
    if not isinstance(cell, dict):
        return cell
    for key in ("id", "value"):
        if not isinstance(cell.get(key), dict | list | None):
            return cell[key]
    return cell


def named(frame: pd.DataFrame, names: Names) -> pd.DataFrame:
    """Give columns the API's names, as text.

    Parameters
    ----------
    frame : pandas.DataFrame
        n rows.
    names : mapping of str to tuple of str
        The API's name: how else it is written.

    Returns
    -------
    pandas.DataFrame
        n rows with every name of `names`, empty where the file lacks it; other columns follow without ``Deal -``.
    """
    frame = worded(frame, frame.columns)
    out: dict[str, pd.Series] = {}
    taken: set[str] = set()
    for name, others in names.items():
        free = [column for column in frame.columns if column not in taken]
        found = find_name((name, *others), free, fold_column)
        taken |= set(found[:1])
        out[name] = frame[found[0]] if found else blank(frame.index)
    for column in frame.columns:
        bare = re.sub(r"^Deal - ", "", column)
        if column not in taken:
            out[column if bare in out else bare] = frame[column]
    return pd.DataFrame(out, index=frame.index)


def stamps(cells: pd.Series, utc: bool) -> pd.Series:
    """Say of times that they are UTC, where they are and do not say it themselves."""
    return cells.mask(cells.str.match(_DAY_TIME), cells + "Z") if utc else cells


def _with_field_names(export: Export, frame: pd.DataFrame) -> pd.DataFrame:
    """Call custom fields what people call them, and their options too, where ``dealFields`` tells."""
    dump = export.dump(("dealFields", "deal_fields"), "opportunities")
    if dump is None:
        return frame
    frame = worded(frame, frame.columns)
    names: dict[str, str] = {}
    for record in dump.records:
        key, name = str(record.value.get("key") or ""), str(record.value.get("name") or "")
        if key in frame.columns and _FIELD_KEY.fullmatch(key) and name and name not in frame.columns:
            names[key] = name
            options = record.value.get("options")
            frame[key] = frame[key].replace(_labels(options) if isinstance(options, list) else {})
    return frame.rename(columns={key: name for key, name in names.items() if list(names.values()).count(name) == 1})


def _labels(options: list[object]) -> dict[str, str]:
    listed = [one for one in options if isinstance(one, dict)]
    return {_word(one.get("id")): _word(one.get("label")) for one in listed}


def _word(cell: object) -> str:
    return cell if isinstance(cell, str) else "" if cell is None else json.dumps(cell)
