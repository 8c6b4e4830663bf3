"""The sections of the page, in the order in which a sales chief and a finance chief ask their questions."""

from __future__ import annotations

from spmforecast.report.blocks import Section
from spmforecast.report.folder import Run
from spmforecast.report.pages import (
    data,
    deals,
    drift,
    exact,
    forecast,
    headline,
    hiring,
    levels,
    method,
    parts,
    pay,
    people,
    quality,
    quotas,
    rates,
    schemes,
    territories,
    update,
)

__all__ = ["sections"]

_PAGES = (
    headline,
    update,
    forecast,
    exact,
    parts,
    levels,
    quotas,
    schemes,
    pay,
    hiring,
    territories,
    people,
    deals,
    rates,
    data,
    quality,
    drift,
    method,
)


def sections(run: Run) -> tuple[Section, ...]:
    """Make every section of the page from a run."""
    made = (page.section(run) for page in _PAGES)
    return tuple(one for one in made if one.blocks)
