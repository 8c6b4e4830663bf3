"""Keys and names: ids that name nothing, and texts that are almost but not quite another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import Records, tally
from spmforecast.data.quality.spelling import Speller, plain
from spmforecast.data.quality.vocabulary import COUNTRIES, INDUSTRIES
from spmforecast.data.rules import REFERENCES
from spmforecast.data.tables import NONE, TABLES

__all__ = ["Misspelt", "Unmatched", "misspellings", "misspelt", "unknown_words", "unmatched", "unmatched_keys"]

_MOST_ASKED = 200
_MOST_NAMES = 2_000
_VOCABULARIES = ((COUNTRIES, 0.8), (INDUSTRIES, 0.5))
_INDUSTRY_COLUMNS = ("industry", "sector", "vertical", "branch")

_TEXTS = {
    "opportunities": ("stage", "region", "segment", "product", "lead_source", "forecast_category"),
    "stage_history": ("stage", "forecast_category"),
    "reps": ("role",),
    "accounts": ("industry", "name"),
    "territories": ("name",),
    "enablement": ("program",),
}
_SERVES = {
    "owner_id": "their deals know no hire date, territory, manager or leave",
    "rep_id": "what they did is nobody's",
    "account_id": "what is known of the account does not reach them",
    "territory_id": "they have no region",
    "parent_id": "the line to the region ends there",
    "opportunity_id": "they belong to no deal",
}


@dataclass(frozen=True, eq=False)
class Unmatched:
    """Ids of a column that the table they point to does not list.

    Parameters
    ----------
    table, column, target : str
        Where they stand and where they should.
    rows, of : int
        How many rows name such an id, and how many name any.
    names : numpy.ndarray of str
        The ids, most frequent first.
    nearest : dict of str to str
        The listed id that each most likely means, for those that are near one.
    """

    table: str
    column: str
    target: str
    rows: int
    of: int
    names: npt.NDArray[np.object_]
    nearest: dict[str, str]


@dataclass(frozen=True, eq=False)
class Misspelt:
    """Texts of a column that are almost another one: text to the one meant, with the rows of each."""

    table: str
    column: str
    of: int
    meant: dict[str, str]
    rows: dict[str, int]


def unmatched(records: Records) -> Iterator[Unmatched]:
    """Go through every column that points to another table which is there."""
    there = records.history.tables
    for table, column, target in REFERENCES:
        if table not in there or target not in there or not len(there[target]):
            continue
        if records.history.known_at is not None and target == "reps" and not TABLES[table].dated_by:
            continue  # rows without a date may name people who came later
        codes = records.codes(table, column)
        known = there[target][TABLES[target].key[0]]
        lost = ~(pd.Index(codes.names).isin(pd.Index(known.astype(object))) | (codes.names == NONE))
        rows = np.bincount(codes.code[codes.code >= 0], minlength=len(codes.names))
        order = np.flatnonzero(lost)[np.argsort(-rows[lost], kind="stable")]
        # A parent that is not listed is a top; where none is, the column simply names the tops.
        if not len(order) or (column == "parent_id" and lost.all()):
            continue
        names = codes.names[order]
        speller = Speller(sorted(known.dropna().astype(object).unique()))
        found = {name: speller.nearest(name) for name in names[:_MOST_ASKED]}
        nearest = {name: one for name, one in found.items() if one is not None}
        yield Unmatched(table, column, target, int(rows[order].sum()), int(rows.sum()), names, nearest)


def unmatched_keys(records: Records) -> Iterator[Finding]:
    """Find ids that name nothing, with the id that is meant where one is near; owners not among reps too."""
    for one in unmatched(records):
        owners = one.target == "reps" and one.column == "owner_id"
        told = [f"{name} ~ {one.nearest[name]}" if name in one.nearest else str(name) for name in one.names[:5]]
        yield Finding(
            "owners_not_among_reps" if owners else "unmatched_keys",
            one.table,
            one.column,
            one.rows,
            one.of,
            tuple(told),
            f"Rows name {tally(len(one.names), 'value')} of {one.column} that {one.target} does not list: "
            f"{_SERVES.get(one.column, 'they point to nothing')}.",
            "Let the repair nearest_keys put the nearest in their place, or complete the table."
            if one.nearest
            else f"Complete {one.target}, or correct the ids.",
        )


def misspelt(records: Records) -> Iterator[Misspelt]:
    """Go through the columns of names, one kind of name at a time over all tables that hold it."""
    for (table, column), _ in _columns(records):
        counts = _counted(records, table, column)
        if counts is None:
            continue
        meant = _near_twins(counts, records.limits.rare_share)
        here = records.codes(table, column)
        rows = np.bincount(here.code[here.code >= 0], minlength=len(here.names))
        own = {str(name): int(count) for name, count in zip(here.names, rows, strict=True) if name in meant}
        if own:
            meant = {text: meant[text] for text in own}
            yield Misspelt(table, column, int(rows.sum()), meant, own)


def _columns(records: Records) -> Iterator[tuple[tuple[str, str], bool]]:
    """List the columns of names, and the extra columns of the tables that hold them."""
    for table, names in _TEXTS.items():
        if table in records.history.tables:
            frame = records.history.tables[table]
            extra = [str(name) for name in frame.columns if TABLES[table].column(str(name)) is None]
            for name in (*names, *extra):
                yield (table, name), name in extra


def _counted(records: Records, table: str, column: str) -> pd.Series | None:
    """Count the texts of a column, together with those of the same column in the table beside it."""
    others = [name for name, columns in _TEXTS.items() if column in columns and name != table and column == "stage"]
    parts = []
    for name in (table, *others):
        frame = records.history.tables.get(name)
        if frame is not None and column in frame:
            codes = records.codes(name, column)
            rows = np.bincount(codes.code[codes.code >= 0], minlength=len(codes.names))
            parts.append(pd.Series(rows, index=pd.Index(codes.names, dtype=object)))
    counts = pd.concat(parts).groupby(level=0).sum()
    # Numbers, dates and ids are no names, and free texts are all different.
    if not len(counts) or (len(counts) > _MOST_NAMES and column != "name"):
        return None
    wordy = counts.index.str.contains("[A-Za-z]", regex=True) if len(counts) <= _MOST_NAMES else None
    if wordy is not None:
        counts = counts[np.asarray(wordy, dtype=bool)]
    return counts if len(counts) else None


def _near_twins(counts: pd.Series, rare: float) -> dict[str, str]:
    """Find texts that equal a more frequent one but for case and punctuation, or are rare and a letter or two off."""
    order = sorted(counts.index, key=lambda text: (-int(counts[text]), text))
    first: dict[str, str] = {}
    meant: dict[str, str] = {}
    for text in order:
        kept = first.setdefault(plain(text), text)
        if kept != text and plain(text):
            meant[text] = kept
    if len(first) > _MOST_NAMES:
        return meant
    speller = Speller(first.values())
    for text in first.values():
        frequent = (other for other in speller.neighbours(text) if counts[text] <= rare * counts[other])
        near = next(frequent, None)
        if near is not None:
            meant[text] = near
    return meant


def misspellings(records: Records) -> Iterator[Finding]:
    """Find near-duplicate spellings within one column."""
    for one in misspelt(records):
        order = sorted(one.rows, key=lambda text: (-one.rows[text], text))
        told = [f"{text} ~ {one.meant[text]} ({one.rows[text]:,})" for text in order[:5]]
        yield Finding(
            "misspellings",
            one.table,
            one.column,
            sum(one.rows.values()),
            one.of,
            tuple(told),
            f"{one.column} holds {tally(len(order), 'name')} written almost like another: each counts as a group of "
            "its own, so rates lean on fewer deals than there are.",
            "Let the repair nearest_keys join them, or translate them in a map (values).",
        )


def unknown_words(records: Records) -> Iterator[Finding]:
    """Find countries and industries that are a letter or two off the usual word."""
    for (table, column), _ in _columns(records):
        frame = records.history.tables[table]
        if column in ("name", "stage") or column not in frame:
            continue
        codes = records.codes(table, column)
        if not 1 < len(codes.names) <= _MOST_NAMES:
            continue
        known = {plain(name) for name in codes.names}
        for vocabulary, least in _VOCABULARIES:
            words = {plain(word) for word in vocabulary}
            named = any(word in column.lower() for word in _INDUSTRY_COLUMNS) and vocabulary is INDUSTRIES
            if len(known & words) < (2 if named else max(least * len(known), 3)):
                continue
            speller = Speller(sorted(vocabulary))
            off = {name: speller.nearest(name) for name in codes.names if plain(name) not in words}
            meant = {name: near for name, near in off.items() if near is not None and near not in codes.names}
            if meant:
                rows = {name: int((codes.code == np.flatnonzero(codes.names == name)[0]).sum()) for name in meant}
                yield Finding(
                    "misspellings",
                    table,
                    column,
                    sum(rows.values()),
                    int((codes.code >= 0).sum()),
                    tuple(f"{name} ~ {meant[name]} ({rows[name]:,})" for name in meant),
                    f"Words in {column} are a letter or two off the usual one: they will not match other tables and "
                    "other spellings.",
                    "Translate them in a map (values).",
                )
