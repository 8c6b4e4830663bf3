"""Stages that were renamed: deals and their past told by the new names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from spmforecast.data.cells import worded
from spmforecast.data.crm.options import option_problem
from spmforecast.data.pieces import Piece
from spmforecast.errors import Problem
from spmforecast.written import nearest

__all__ = ["renamed", "unknown_names"]

_STAGED = ("opportunities", "stage_history")


def unknown_names(pieces: Mapping[str, Sequence[Piece]], names: Mapping[str, str]) -> list[Problem]:
    """Find the old names that no row has.

    Parameters
    ----------
    pieces : mapping of str to sequence of Piece
        Mapped files by canonical table.
    names : mapping of str to str
        Old name to new.

    Returns
    -------
    list of Problem
        One for each old name that neither deals nor their past have.
    """
    staged = [piece.frame["stage"] for table in _STAGED for piece in pieces.get(table, ()) if "stage" in piece.frame]
    there = dict.fromkeys(str(stage) for values in staged for stage in values.unique() if str(stage))
    problems = []
    for old in names:
        if old not in there:
            near = nearest(old, there)
            mend = f"Did you mean {near}?" if near else f"The stages are {', '.join(there) or 'not told'}."
            problems.append(option_problem("stage_names", "the export has no such stage", mend, old))
    return problems


def renamed(pieces: Mapping[str, Sequence[Piece]], names: Mapping[str, str]) -> dict[str, list[Piece]]:
    """Give stages their new names, whatever a preset calls them by then."""
    out = {table: list(ones) for table, ones in pieces.items()}
    for table in _STAGED:
        out[table] = [_renamed(piece, names) for piece in out.get(table, ())]
    return {table: ones for table, ones in out.items() if ones}


def _renamed(piece: Piece, names: Mapping[str, str]) -> Piece:
    if "stage" not in piece.frame:
        return piece
    frame = worded(piece.frame, ["stage"])
    return replace(piece, frame=frame.assign(stage=frame["stage"].replace(dict(names))))
