"""Loading: a source and, where need be, a map become a checked :class:`~spmforecast.data.history.History`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from spmforecast.calendar import to_day
from spmforecast.data.asof import BLANK_WINS, FINAL_ONLY
from spmforecast.data.checks import Checked, check_tables, too_many_rejected
from spmforecast.data.crm import DELETED, CrmOptions, adapt, load_preset
from spmforecast.data.crm.locales import in_plain_cells
from spmforecast.data.crm.money import open_exchange
from spmforecast.data.crm.stagenames import renamed, unknown_names
from spmforecast.data.history import History, SourceFile
from spmforecast.data.maps import Map, load_map
from spmforecast.data.naming import fold_column
from spmforecast.data.reading import Read, Reading
from spmforecast.data.sources import Source, open_source
from spmforecast.data.tables import STATUS, TABLES
from spmforecast.data.threads import ahead
from spmforecast.errors import InputError, Problem

__all__ = ["read_history"]

_BEAR_MORE = ", or bear more (max_rejected_share in a scenario, --max-rejected on the command line)."
_ENOUGH_OPEN = 20

_OUTCOME = re.compile(
    r".*(loss|lost|win|won|close|closed|churn)(primary)?reason.*|.*reasons?(for)?(loss|lost|win|won|close|closed|closing).*|"
    r"hsclosed.*|is(closed|won|lost)c?|closed(won|lost).*|(lost|loss)to(competitor)?.*|daystoclose"
)
"""Folded names of fields in which CRMs write how a deal ended."""

_USED = ("opportunities", "stage_history", "reps")


def read_history(
    source: str | Path | Mapping[str, pd.DataFrame] | Source,
    map: str | Path | Map | None = None,
    timezone: str = "UTC",
    strict: bool = False,
    max_rejected_share: float = 0.05,
    observed_from: object = None,
    crm: str | None = None,
    crm_options: CrmOptions | None = None,
) -> History:
    """Read a company's records and check them.

    Parameters
    ----------
    source : path, mapping of str to DataFrame, or Source
        A folder of files (``opportunities.csv``, ``stage_history.parquet``, ...), a workbook, a database file or URL,
        canonical tables in memory, or anything else that gives raw tables
        (see :func:`~spmforecast.data.sources.opening.open_source`).
    map : path or Map, optional
        How other columns and files become the canonical ones. Tables that the map does not name are read from files
        of their own name where these have the required columns.
    timezone : str
        IANA name of the zone that decides the day of a time stamp; stamps without a zone are taken as local.
    strict : bool
        Bear no rejected row at all.
    max_rejected_share : float
        Share of a table's rows (those left out on purpose aside) of which more may not be rejected.
    observed_from : date, optional
        When tracking began; a map may say it too.
    crm : {"salesforce", "hubspot", "dynamics", "pipedrive"}, optional
        The source is an export of this CRM; tables that `map` names too are mapped as `map` says.
    crm_options : CrmOptions, optional
        Currency, exchange rates, pipelines and renamed stages; currency and rates hold for any map.

    Returns
    -------
    History

    Raises
    ------
    InputError
        If something makes the job impossible or misleading, or too many rows are rejected; with every problem found.
    """
    zone = _zone(timezone)
    began = None if observed_from is None else to_day(observed_from)
    chart = map if map is None or isinstance(map, Map) else load_map(map)
    place, chart, rates = _opened(source, chart, crm, crm_options)
    reading = Reading(place, chart)
    tables = ahead(reading.tables())  # while one is checked, the next one is read
    if crm is not None and crm_options is not None and crm_options.stage_names:
        tables = _renamed(reading, list(tables), crm_options.stage_names)
    checked = check_tables(tables, zone)
    fatal = [*reading.fatal, *_too_little(checked, reading)]
    # A cause that several tables run into (currencies, a missing file) is told once.
    problems = [*dict.fromkeys(fatal), *_refusals(checked, strict, max_rejected_share)]
    if problems:
        raise InputError([*problems, *_row_problems(checked)])
    final_only, said = _final_only(checked, crm is not None)
    notes = (*reading.notes, *_rejection_notes(checked), *checked.warnings, *_absent(checked.tables), *said)
    history = History(
        tables=checked.tables,
        rejected=checked.rejected,
        counts=checked.counts,
        exclusions=checked.exclusions,
        translations=checked.translations,
        warnings=tuple(dict.fromkeys((*notes, *place.leftovers(reading.used)))),
        sources=(*place.files(), *rates),
        timezone=timezone,
        observed_from=began if began is not None or chart is None else chart.observed_from,
        final_only=final_only if chart is None else final_only | chart.final,
    ).with_events(checked.event_deal, checked.status)
    blank = _blank_wins(history, checked)
    return history.with_warning(blank) if blank else history


def _opened(
    source: str | Path | Mapping[str, pd.DataFrame] | Source,
    chart: Map | None,
    crm: str | None,
    options: CrmOptions | None,
) -> tuple[Source, Map | None, tuple[SourceFile, ...]]:
    """Open a source, through the preset of its CRM if it has one; return it, its map and the files of rates."""
    place = open_source(source)
    place.names()  # what cannot be reached at all is told once, not for every table
    exchange, rates = open_exchange(options or CrmOptions())
    if crm is not None:
        place, chart = in_plain_cells(place, chart, load_preset(crm))
        place, preset = adapt(crm, place, options)
        chart = preset if chart is None else chart.over(preset)
    return place, None if chart is None else replace(chart, exchange=exchange), rates


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        mend = "Use an IANA name such as UTC or Europe/Berlin."
        problem = Problem("scenario", "there is no such time zone", mend, column="timezone", value=str(name))
        raise InputError(problem) from error


def _renamed(reading: Reading, tables: Sequence[Read], names: Mapping[str, str]) -> Iterator[Read]:
    """Give stages their new names, once it is seen whether every old one is there."""
    reading.fatal += [] if reading.fatal else unknown_names(tables, names)
    return renamed(tables, names)


def _too_little(checked: Checked, reading: Reading) -> list[Problem]:
    """Say so where neither deals nor bookings are left to work with."""
    main = ("opportunities", "bookings")
    if any(problem.table in (*main, "map", "options") for problem in reading.fatal):
        return []
    there = [name for name in main if name in reading.files]
    if not there:
        mend = "Add opportunities.csv or bookings.csv, or name the files in a map."
        return [Problem("history", "there is neither an opportunities nor a bookings table", mend)]
    if all(not len(checked.tables.get(name, ())) for name in main):
        return [_nothing_left(checked, there[0], reading.files[there[0]])]
    return []


def _nothing_left(checked: Checked, table: str, file: str) -> Problem:
    """Say where the rows of a table went."""
    counts = checked.counts[checked.counts["table"] == table]
    out = checked.exclusions[checked.exclusions["table"] == table]
    went = [f"{rows:,} left out ({reason})" for rows, reason in zip(out["rows"], out["reason"], strict=True) if rows]
    rejected = int(counts["rejected"].sum())
    went += [f"{rejected:,} rejected"] if rejected else []
    told = f"no row is left to work with: of {int(counts['read'].sum()):,} rows {', '.join(went) or 'none is filled'}"
    mend = "Give rows that can be used; those that were rejected follow." if rejected else "Give rows."
    if any(str(reason) == DELETED for reason in out["reason"]):
        mend = "Keep deleted records: --deleted keep on the command line, deleted: keep under history in a scenario."
    elif went and not rejected:
        mend = "Export rows that stay, or change what leaves them out."
    return Problem(table, told, mend, file)


def _refusals(checked: Checked, strict: bool, most: float) -> list[Problem]:
    out = []
    for table, rejected, judged in too_many_rejected(checked.counts, 0.0 if strict else most):
        limit = "strict bears none" if strict else f"more than {100 * most:g} %"
        told = f"{rejected:,} of {judged:,} rows cannot be used ({100 * rejected / judged:.1f} %, {limit})"
        mend = "Mend the rows named below, or leave them out on purpose with exclude in a map"
        mend += "." if strict else _BEAR_MORE
        files = checked.counts.loc[checked.counts["table"] == table, "file"]
        out.append(Problem(table, told, mend, ", ".join(files)))
    return out


def _row_problems(checked: Checked) -> list[Problem]:
    columns = {name: checked.rejected[name].tolist() for name in checked.rejected.columns}
    return [Problem(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def _rejection_notes(checked: Checked) -> list[str]:
    return [
        f"{file}: {rejected:,} of {read:,} rows rejected (named in rejected.csv)"
        for file, read, rejected in zip(*(checked.counts[name] for name in ("file", "read", "rejected")), strict=True)
        if rejected
    ]


def _absent(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    missing = [name for name in _USED if name not in tables]
    return [f"not given, so what rests on it is left out: {', '.join(missing)}"] if missing else []


def _blank_wins(history: History, checked: Checked) -> str:
    """Say of how many won deals nothing tells the amount, neither their own row nor an event; it is not guessed."""
    blank = history.opportunities["amount"].isna().to_numpy(dtype=bool).copy()
    if blank.any():
        blank &= checked.status["opportunities"] == STATUS.index("won")
        filled = history.events.filled("amount")
        blank[history.events.deal if filled is None else history.events.deal[filled]] = False
    lacking = int(np.count_nonzero(blank))
    return f"opportunities: {lacking:,} {BLANK_WINS}" if lacking else ""


def _final_only(checked: Checked, of_crm: bool) -> tuple[frozenset[str], list[str]]:
    """Find extra columns that are filled when a deal ends (a reason of loss): of an open deal they tell nothing.

    In a CRM's export a column whose name says so counts however few deals there are; any other only where enough open
    deals have it empty.
    """
    deals = checked.tables.get("opportunities")
    if deals is None:
        return FINAL_ONLY, []
    extra = [str(name) for name in deals.columns if TABLES["opportunities"].column(name) is None]
    named = [name for name in extra if of_crm and _OUTCOME.fullmatch(fold_column(name))]
    said = [f"opportunities: {name} tells how deals ended, as its name says; unknown before" for name in named]
    open_now = checked.status["opportunities"] == STATUS.index("open")
    if np.count_nonzero(open_now) < _ENOUGH_OPEN:
        return FINAL_ONLY | set(named), said
    extra = [name for name in extra if name not in named]
    found = [name for name in extra if deals[name][~open_now].notna().any() and not deals[name][open_now].notna().any()]
    said += [f"opportunities: {name} is filled for closed deals only and counts as unknown before" for name in found]
    return FINAL_ONLY | set(named) | set(found), said
