"""Stages that were renamed: deals and their past told by the new names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from spmforecast.data.cells import worded
from spmforecast.data.crm.options import option_problem
from spmforecast.data.pieces import Piece
from spmforecast.data.reading import Read
from spmforecast.errors import Problem
from spmforecast.written import nearest

__all__ = ["renamed", "unknown_names"]

_STAGED = ("opportunities", "stage_history")


def unknown_names(tables: Sequence[Read], names: Mapping[str, str]) -> list[Problem]:
    """Find the old names that no row has.

    Parameters
    ----------
    tables : sequence of Read
        Every table.
    names : mapping of str to str
        Old name to new.

    Returns
    -------
    list of Problem
        One for each old name that neither deals nor their past have.
    """
    pieces = [piece for read in tables if read.table in _STAGED for piece in read.pieces]
    staged = [piece.frame["stage"] for piece in pieces if "stage" in piece.frame]
    there = dict.fromkeys(str(stage) for values in staged for stage in values.unique() if str(stage))
    problems = []
    for old in names:
        if old not in there:
            near = nearest(old, there)
            mend = f"Did you mean {near}?" if near else f"The stages are {', '.join(there) or 'not told'}."
            problems.append(option_problem("stage_names", "the export has no such stage", mend, old))
    return problems


def renamed(tables: Sequence[Read], names: Mapping[str, str]) -> Iterator[Read]:
    """Give stages their new names, whatever a preset calls them by then."""
    for read in tables:
        staged = read.table in _STAGED
        yield replace(read, pieces=[_renamed(piece, names) for piece in read.pieces]) if staged else read


def _renamed(piece: Piece, names: Mapping[str, str]) -> Piece:
    if "stage" not in piece.frame:
        return piece
    frame = worded(piece.frame, ["stage"])
    return replace(piece, frame=frame.assign(stage=frame["stage"].replace(dict(names))))
