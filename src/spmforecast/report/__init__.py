"""What people look at: one self-contained page, made from a run folder alone.

The room reads the files that a run leaves (``run.json``, ``forecast.csv``, …), never the objects that made them, so a
page can be made again years later, on another machine, from the files that were archived.
"""

from __future__ import annotations

from spmforecast.report.html import render, report

__all__ = ["render", "report"]
