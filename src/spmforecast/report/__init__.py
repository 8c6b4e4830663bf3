"""What people look at: one self-contained page, made from a run folder alone.

The room reads the files that a run leaves (``run.json``, ``forecast.csv``, …), never the objects that made them, so a
page can be made again years later, on another machine, from the files that were archived.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from spmforecast.report.html import render, report

__all__ = ["render", "report"]


class _CallableRoom(ModuleType):
    """The room and its chief function share one name: ``spmforecast.report(folder)`` works."""

    def __call__(self, folder: str | Path) -> Path:
        """Write the report of a run folder; see :func:`spmforecast.report.html.report`."""
        return report(folder)


sys.modules[__name__].__class__ = _CallableRoom
