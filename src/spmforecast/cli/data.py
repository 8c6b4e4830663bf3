"""Commands about data: example, import and check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from spmforecast.cli.common import FEW, MOST_SHOWN, REJECTED, Strict, app, new_place, writing
from spmforecast.errors import InputError, Problem

if TYPE_CHECKING:
    from spmforecast.data import History
    from spmforecast.data.quality import Finding

__all__ = ["check", "example", "import_", "schema"]

_MOST_EXAMPLES = 3

TimeZone = Annotated[str, typer.Option(help="Zone that decides the day of a time stamp.")]
Deleted = Annotated[str, typer.Option(help="Deleted records of Salesforce: exclude or keep.")]
MaxRejected = Annotated[float, typer.Option(help="Share of a table's rows that may be rejected.")]


@app.command()
def example(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder for the files, or a new SQLite file.")],
    seed: Annotated[int, typer.Option(help="Seed of the company.")] = 7,
    size: Annotated[str, typer.Option(help="small, medium or large: 8, 40 or 200 reps.")] = "small",
    character: Annotated[
        str, typer.Option(help="calm, ordinary, stormy or tiny (5 reps, whatever the size).")
    ] = "ordinary",
    format: Annotated[str, typer.Option(help="csv, parquet or sqlite (one file instead of a folder).")] = "csv",
) -> None:
    """Write the CRM tables of an invented company, to try things on."""
    from spmforecast.data import ExampleCompany, write_database, write_tables

    problems = []
    for option, given, known in (
        ("size", size, ("small", "medium", "large")),
        ("character", character, ("calm", "ordinary", "stormy", "tiny")),
        ("format", format, ("csv", "parquet", "sqlite")),
    ):
        if given not in known:
            mend = f"Use one of: {', '.join(known)}."
            problems.append(Problem("command line", f"no such {option}", mend, column=f"--{option}", value=given))
    if seed < 0:
        problems.append(Problem("command line", "must be at least 0", "", column="--seed", value=str(seed)))
    if problems:
        raise InputError(problems)
    place = Path(folder)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        told = "something stands there already, and nothing is overwritten"
        raise InputError(Problem("command line", told, "Name a new or an empty folder.", file=folder))
    try:
        company = ExampleCompany(seed=seed, size=size, character=character)  # type: ignore[arg-type]
        if format == "csv":
            company.write(place)
        elif format == "parquet":
            write_tables(company.tables(), place, "parquet")
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_database(company.tables(), place)
    except OSError as error:
        told = f"the folder cannot be written to ({error.strerror})"
        raise InputError(Problem("command line", told, "Name another folder.", file=folder)) from error
    typer.echo(f"Wrote the example company to {folder}")


@app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="salesforce, hubspot, dynamics or pipedrive.")],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The export: a folder, file or database.")],
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder for the canonical tables.")],
    currency: Annotated[str, typer.Option(help="Currency wanted, for instance EUR.")] = "",
    rates: Annotated[str | None, typer.Option(help="CSV of exchange rates: currency, rate and perhaps from.")] = None,
    pipeline: Annotated[list[str] | None, typer.Option(help="Pipeline to keep; may be given several times.")] = None,
    map_file: Annotated[str | None, typer.Option("--map", help="Map for the tables that are not as usual.")] = None,
    timezone: TimeZone = "UTC",
    fiscal_year_start: Annotated[int, typer.Option(help="Month in which the fiscal year begins.")] = 1,
    deleted: Deleted = "exclude",
    max_rejected: MaxRejected = 0.05,
    strict: Strict = False,
) -> None:
    """Turn a CRM's export into canonical tables and rejected.csv; where it is refused, rejected.csv alone."""
    from spmforecast.data import CrmOptions, read_history, write_tables

    place = new_place(folder)
    options = CrmOptions(
        currency, rates, tuple(pipeline or ()), fiscal_year_start=fiscal_year_start, deleted=cast("Any", deleted)
    )
    share = _share(max_rejected)
    try:
        history = read_history(source, map_file, timezone, strict, share, crm=kind, crm_options=options)
    except InputError as error:
        with writing(folder):
            _write_rejected(error, place)
        raise
    with writing(folder):
        write_tables({**history.tables, "rejected": history.rejected}, place)
    _show_history(history)
    typer.echo(f"Wrote {len(history.tables)} tables and rejected.csv to {folder}")
    if timezone != "UTC":
        typer.echo("Times are written as local ones: the zone has done its work and needs not be named again.")
    if history.observed_from is not None:
        typer.echo(f"Say observed_from: {history.observed_from.date()} in the scenario: tables cannot carry it.")


def _share(max_rejected: float) -> float:
    """Return a share of rows that may be rejected.

    Raises
    ------
    InputError
        If it is none.
    """
    if not 0 <= max_rejected <= 1:
        told, mend = "must be a share between 0 and 1", "0.05 is 5 %."
        raise InputError(Problem("command line", told, mend, column="--max-rejected", value=f"{max_rejected:g}"))
    return max_rejected


def _write_rejected(error: InputError, place: Path) -> None:
    """Leave the rows for which an import was refused, so that they can be mended."""
    from spmforecast.data import write_tables
    from spmforecast.data.quality.files import rejected_among

    rejected = rejected_among(error.problems)
    if len(rejected):
        write_tables({"rejected": rejected}, place)
        typer.echo(f"The import is refused; the rows that cannot be used are named in {place / REJECTED}", err=True)


@app.command()
def check(
    source: Annotated[
        str,
        typer.Argument(metavar="SCENARIO_OR_FOLDER", help="Scenario file (.yaml); or folder, file or URL of tables."),
    ],
    map_file: Annotated[str | None, typer.Option("--map", help="Map of the data.")] = None,
    crm: Annotated[str | None, typer.Option(help="CRM that the data are an export of.")] = None,
    currency: Annotated[str, typer.Option(help="Currency wanted of a CRM's export.")] = "",
    rates: Annotated[str | None, typer.Option(help="CSV of exchange rates: currency, rate and perhaps from.")] = None,
    pipeline: Annotated[list[str] | None, typer.Option(help="Pipeline to keep; may be given several times.")] = None,
    timezone: TimeZone = "UTC",
    deleted: Deleted = "exclude",
    max_rejected: MaxRejected = 0.05,
    strict: Strict = False,
) -> None:
    """Name every problem of a scenario and its data; 0 if a run would go on."""
    from spmforecast.data import CrmOptions
    from spmforecast.scenario.check import Reading, check_source, drift_of, findings_of

    options = CrmOptions(currency, rates, tuple(pipeline or ()), deleted=cast("Any", deleted))
    reading = Reading(map_file, crm, options, timezone, _share(max_rejected))
    history, problems = check_source(source, strict, reading)
    if history is not None:
        _show_history(history)
        _show_findings(findings_of(source, history))
        for said in drift_of(source, history):
            typer.echo(f"drift: {said}")
    if problems:
        raise InputError(problems)
    typer.echo("A run would go on.")


def _show_history(history: History) -> None:
    """Print what was read, what was left out, and what was rejected, like rows together."""
    from spmforecast.data.quality.files import told_in_groups

    for row in history.counts.itertuples(index=False):
        typer.echo(
            f"{row.table} ({row.file}): {row.read:,} rows read = {row.used:,} used + {row.rejected:,} rejected "
            f"+ {row.excluded:,} excluded"
        )
    for row in history.exclusions.itertuples(index=False):
        typer.echo(f"{row.table} ({row.file}): {row.rows:,} rows left out: {row.reason}")
    for warning in history.warnings:
        typer.echo(f"warning: {warning}", err=True)
    columns = [str(name) for name in history.rejected.columns]
    rows = history.rejected.itertuples(index=False, name=None)
    lines = told_in_groups((Problem(**dict(zip(columns, row, strict=True))) for row in rows), FEW)
    for line in lines[:MOST_SHOWN]:
        typer.echo(f"rejected: {line}", err=True)
    if len(lines) > MOST_SHOWN:
        typer.echo(f"… and {len(lines) - MOST_SHOWN:,} more", err=True)


def _show_findings(findings: Sequence[Finding]) -> None:
    """Print the findings on the data as a table, and below what each does to the forecast and how to mend it."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not findings:
        typer.echo("Nothing odd was found in the data.")
        return
    shown = Table(title="Findings on the data, most telling first", title_justify="left", box=box.SIMPLE_HEAD)
    for name, side in (("", "right"), ("finding", "left"), ("where", "left"), ("rows", "right"), ("share", "right")):
        shown.add_column(name, justify=side)  # type: ignore[arg-type]
    for number, one in enumerate(findings, 1):
        where = f"{one.table}.{one.column}" if one.column else one.table
        cells = (str(number), one.rule, where, f"{one.rows:,}", f"{100 * one.share:.1f} %")
        shown.add_row(*(Text(cell, overflow="fold") for cell in cells))
    Console(soft_wrap=True).print(shown)
    for number, one in enumerate(findings, 1):
        examples = f" For example: {'; '.join(one.examples[:_MOST_EXAMPLES])}." if one.examples else ""
        typer.echo(f"{number}. {one.effect}{examples} Mend: {one.mend}")


@app.command()
def schema() -> None:
    """Print the keys of scenario files as a JSON Schema, for editors that complete and check them."""
    import json

    from spmforecast.scenario.json_schema import scenario_schema

    typer.echo(json.dumps(scenario_schema(), indent=2, ensure_ascii=False))
