"""The page itself: sections put through one template into one self-contained file."""

from __future__ import annotations

from pathlib import Path

from spmforecast.errors import InputError, Problem
from spmforecast.report import backtest, compare, scorecards
from spmforecast.report.blocks import Section
from spmforecast.report.folder import Run, read_run
from spmforecast.report.pages import sections

__all__ = ["render", "report"]

PAGE = "report.html"


def render(folder: str | Path) -> str:
    """Return the page of a run (or backtest, comparison, scorecards) folder as HTML, without writing anything.

    Parameters
    ----------
    folder : str or pathlib.Path
        What ``spmforecast run`` or ``spmforecast backtest`` left.

    Returns
    -------
    str
        One self-contained document: style and figures are within, nothing is fetched. The same folder gives the
        same text.

    Raises
    ------
    InputError
        If it is no run folder, or a file of it is damaged.
    """
    if (Path(folder) / backtest.FACTS).is_file():
        told = backtest.read_backtest(Path(folder))
        return _page(told.facts, backtest.sections(told))
    if (Path(folder) / compare.FACTS).is_file():
        held = compare.read_compare(Path(folder))
        return _page(held.facts, compare.sections(held))
    if (Path(folder) / scorecards.FACTS).is_file():
        cards = scorecards.read_scorecards(Path(folder))
        return _page(cards.facts, scorecards.sections(cards))
    run = read_run(folder)
    return _page(run, sections(run))


def report(folder: str | Path) -> Path:
    """Write ``report.html`` into a run folder, made from the files in it alone.

    Parameters
    ----------
    folder : str or pathlib.Path
        What ``spmforecast run`` or ``spmforecast backtest`` left.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    InputError
        If it is no run folder, a file of it is damaged, or the page cannot be written.
    """
    page = render(folder)
    path = Path(folder) / PAGE
    beside = path.with_name(f".{PAGE}.part")
    try:
        beside.write_text(page, encoding="utf-8", newline="\n")
        beside.replace(path)
    except OSError as fault:
        raise InputError(
            Problem("report", f"cannot be written: {fault.strerror}", "Make the folder writable.", file=str(path))
        ) from fault
    return path


def _page(run: Run, parts: tuple[Section, ...]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("spmforecast.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.j2").render(
        title=run.fact("name") or "Sales forecast",
        version=run.fact("version"),
        sections=parts,
    )
