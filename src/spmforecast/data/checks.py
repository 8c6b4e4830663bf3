"""Checks: text becomes typed tables, and every row that cannot be used is named with all its problems.

A row with a problem is rejected whole. Rows that are odd but usable are kept and counted in the warnings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.arrow import missing_column, select, without_empty
from spmforecast.data.history import COUNTS_COLUMNS, EXCLUSIONS_COLUMNS, REJECTED_COLUMNS, TRANSLATIONS_COLUMNS
from spmforecast.data.ids import KnownIds
from spmforecast.data.parsing import Parsed, parse_column
from spmforecast.data.pieces import Piece
from spmforecast.data.reading import Read
from spmforecast.data.rules import RULES, DealIds
from spmforecast.data.sheet import Sheet
from spmforecast.data.sources.columns import as_text, is_text
from spmforecast.data.tables import TABLES, Column, dtype_of
from spmforecast.data.threads import each

__all__ = ["Checked", "check_tables", "too_many_rejected"]

_OPPORTUNITY_LEFT_OUT = "its opportunity was left out"


@dataclass
class Checked:
    """What the checks leave.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Typed canonical tables with the rows that can be used, in file order.
    rejected, counts, exclusions, translations : pandas.DataFrame
        As in :class:`~spmforecast.data.history.History`.
    warnings : list of str
        What is odd but was kept.
    event_deal : numpy.ndarray of int or None
        Row of the opportunities of each event of the stage history, where both could be read.
    status : dict of str to numpy.ndarray of int
        For opportunities and stage history: 0 for open, 1 for won, 2 for lost, -1 where the row does not tell.
    """

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    rejected: pd.DataFrame = field(default_factory=pd.DataFrame)
    counts: pd.DataFrame = field(default_factory=pd.DataFrame)
    exclusions: pd.DataFrame = field(default_factory=pd.DataFrame)
    translations: pd.DataFrame = field(default_factory=pd.DataFrame)
    warnings: list[str] = field(default_factory=list)
    event_deal: npt.NDArray[np.int64] | None = None
    status: dict[str, npt.NDArray[np.int8]] = field(default_factory=dict)


def check_tables(tables: Iterable[Read], zone: ZoneInfo) -> Checked:
    """Type and check every table.

    Parameters
    ----------
    tables : iterable of Read
        Tables in the order of :data:`~spmforecast.data.tables.TABLES`; those that could not be read are absent.
    zone : zoneinfo.ZoneInfo
        Zone that decides the day of a time stamp.

    Returns
    -------
    Checked
    """
    checked = Checked()
    deals: DealIds | None = None
    rejected, counts, exclusions, translations = [], [], [], []
    for read in tables:
        name = read.table
        parts = [_without_left_out(piece, deals) for piece in read.pieces]
        sheet = _type_table(name, parts, zone)
        RULES[name](sheet, deals)
        used = ~sheet.bad
        checked.tables[name] = select(sheet.typed, used)
        if name == "stage_history" and sheet.deal is not None:
            checked.event_deal = sheet.deal if used.all() else sheet.deal[used]
        if TABLES[name].column("status") is not None:
            checked.status[name] = sheet.places("status") if used.all() else sheet.places("status")[used]
        if name == "opportunities" and read.whole:
            deals = _deal_ids(sheet, parts)
        rejected.append(_rejected_frame(sheet, parts))
        counts.append(_count(sheet, parts))
        exclusions += [(name, piece.file, rows, reason) for piece in parts for reason, rows in piece.exclusions.items()]
        translations += [(name, p.file, *which, rows) for p in parts for which, rows in p.translations.items()]
        checked.warnings += [note for piece in parts for note in piece.notes] + sheet.notes
    checked.rejected = _stack(rejected, REJECTED_COLUMNS, whole=("line",))
    checked.counts = _stack(counts, COUNTS_COLUMNS, whole=COUNTS_COLUMNS[2:])
    checked.exclusions = _stack([pd.DataFrame(exclusions, columns=EXCLUSIONS_COLUMNS)], EXCLUSIONS_COLUMNS, ("rows",))
    told = pd.DataFrame(translations, columns=TRANSLATIONS_COLUMNS)
    checked.translations = _stack([told], TRANSLATIONS_COLUMNS, ("rows",))
    return checked


def too_many_rejected(counts: pd.DataFrame, most: float) -> list[tuple[str, int, int]]:
    """Return each table of whose rows more than a share is rejected: name, rows rejected, rows not left out.

    Parameters
    ----------
    counts : pandas.DataFrame
        As in :class:`~spmforecast.data.history.History`.
    most : float
        Share between 0 and 1 that is still borne; rows left out on purpose do not count.
    """
    whole = counts.groupby("table", sort=False)[["read", "rejected", "excluded"]].sum()
    out = []
    for name, read, rejected, excluded in whole.itertuples():
        judged = int(read - excluded)
        if rejected > most * judged:
            out.append((str(name), int(rejected), judged))
    return out


def _without_left_out(piece: Piece, deals: DealIds | None) -> Piece:
    """Leave out what belongs to an opportunity that was left out on purpose."""
    if deals is None or piece.table not in ("stage_history", "splits") or not deals.left_out:
        return piece
    out = piece.frame["opportunity_id"].isin(deals.left_out).to_numpy()
    return piece.without(out, _OPPORTUNITY_LEFT_OUT) if out.any() else piece


def _type_table(name: str, pieces: Sequence[Piece], zone: ZoneInfo) -> Sheet:
    """Stack the pieces of a table and parse every column."""
    text = _with_words(_stacked([piece.frame for piece in pieces]), name)
    sheet = Sheet(
        name=name,
        text=text,
        files=tuple(piece.file for piece in pieces),
        starts=np.cumsum([0, *(len(piece.frame) for piece in pieces[:-1])]),
        pieces=pieces,
    )
    there = [column for column in TABLES[name].columns if column.name in text]
    parsed = each(lambda column: _parsed(sheet, column, pieces, zone), there, len(text))
    known = {column.name: _accepted(sheet, column, parts) for column, parts in zip(there, parsed, strict=True)}
    columns = {
        column.name: known[column.name] if column.name in known else missing_column(dtype_of(column.kind), text.index)
        for column in TABLES[name].columns
    }
    extra = [column for column in text.columns if column not in columns]
    columns |= {column: _extra(text[column]) for column in extra}
    sheet.typed = pd.DataFrame(columns, index=text.index, copy=False)
    return sheet


def _with_words(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Let every column be text that is neither a date nor a number in the table: an id that looks like one is none."""
    known = {column.name for column in TABLES[table].columns if column.kind in ("date", "amount", "number")}
    typed = [name for name in frame.columns if name not in known and not is_text(frame[name])]
    return frame.assign(**{name: as_text(frame[name]) for name in typed}) if typed else frame


def _extra(values: pd.Series) -> pd.Series:
    """Keep an extra column as text, missing where it is empty."""
    return without_empty(values)


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Stack frames of raw columns; one that is not everywhere, or not everywhere of one type, becomes text."""
    if len(frames) == 1:
        return frames[0]
    names = dict.fromkeys(name for frame in frames for name in frame.columns)
    columns = {}
    for name in names:
        parts = [frame[name] if name in frame else _blank(len(frame)) for frame in frames]
        one_type = len({part.dtype for part in parts}) == 1
        columns[name] = pd.concat(parts if one_type else [as_text(part) for part in parts], ignore_index=True)
    return pd.DataFrame(columns)


def _blank(rows: int) -> pd.Series:
    return pd.Series("", index=range(rows), dtype="str")


def _parsed(sheet: Sheet, column: Column, pieces: Sequence[Piece], zone: ZoneInfo) -> list[Parsed]:
    """Parse what each file gives of a column."""
    text = sheet.text[column.name]
    if column.required:
        sheet.empty(column.name)  # which is asked for later on, is found here beside other columns
    ends = np.cumsum([len(piece.frame) for piece in pieces]).tolist()
    return [
        parse_column(text.iloc[end - len(piece.frame) : end], column, zone, piece.dates.get(column.name))
        for piece, end in zip(pieces, ends, strict=True)
    ]


def _accepted(sheet: Sheet, column: Column, parts: Sequence[Parsed]) -> pd.Series:
    """Reject the bad cells of a column and return its values."""
    if column.required:
        mend = "Fill it in, or give a default for it in a map."
        sheet.reject(sheet.empty(column.name), column.name, "a required value is missing", mend)
    start = 0
    for part in parts:
        sheet.reject_rows(part.rows + start, column.name, part.reasons, part.mends)
        start += len(part.values)
    sheet.know_places(column.name, [part.places for part in parts])
    return pd.concat([part.values for part in parts]) if len(parts) > 1 else parts[0].values


def _deal_ids(sheet: Sheet, pieces: Sequence[Piece]) -> DealIds:
    ids = sheet.text["opportunity_id"]
    bad = sheet.bad
    used = KnownIds(select(ids.to_frame(), ~bad)["opportunity_id"])
    used.prepare()  # while the next table is read
    broken = frozenset[str]().union(*(piece.broken_ids for piece in pieces)) - {""}
    rejected = _not_among(pd.Series([*ids[bad], *sorted(broken)], dtype="str"), used)
    out = frozenset[str]().union(*(piece.excluded_ids for piece in pieces))
    left_out = _not_among(pd.Series(sorted(out), dtype="str"), used) - rejected
    return DealIds(used, rejected, left_out)


def _not_among(ids: pd.Series, used: KnownIds) -> frozenset[str]:
    return frozenset(ids[used.rows_of(ids) < 0]) if len(ids) else frozenset()


def _rejected_frame(sheet: Sheet, pieces: Sequence[Piece]) -> pd.DataFrame:
    if not sheet.faulty and not any(piece.broken for piece in pieces):
        return pd.DataFrame()
    broken = [problem for piece in pieces for problem in piece.broken]
    told = pd.DataFrame(
        [(p.table, p.file, p.line, p.column, p.value, p.reason, p.mend) for p in broken], columns=REJECTED_COLUMNS
    )
    found = pd.concat([told, sheet.rejections()], ignore_index=True) if broken else sheet.rejections()
    order = {piece.file: place for place, piece in reversed(list(enumerate(pieces)))}
    places = found["file"].map(order)
    return found.iloc[np.lexsort((found["line"].to_numpy(dtype=np.int64), places.to_numpy(dtype=np.int64)))]


def _count(sheet: Sheet, pieces: Sequence[Piece]) -> pd.DataFrame:
    rows = []
    bad = sheet.bad
    start = 0
    for piece in pieces:
        end = start + len(piece.frame)
        rejected = int(np.count_nonzero(bad[start:end])) + len(piece.broken)
        excluded = sum(piece.exclusions.values())
        rows.append((sheet.name, piece.file, piece.read, piece.read - rejected - excluded, rejected, excluded))
        start = end
    counted = pd.DataFrame(rows, columns=list(COUNTS_COLUMNS))
    return counted.groupby(["table", "file"], sort=False, as_index=False).sum()


def _stack(frames: Sequence[pd.DataFrame], columns: Sequence[str], whole: Sequence[str]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    stacked = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))
    for name in columns:
        stacked[name] = stacked[name].astype("int64" if name in whole else "str")
    return stacked
