"""The command line: a thin face over scenarios and reports. Heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spmforecast.errors import InputError, Problem, SpmError

if TYPE_CHECKING:
    from rich.console import Console

    from spmforecast.data import History
    from spmforecast.data.quality import Finding
    from spmforecast.scenario import RunResult

__all__ = ["app", "main"]

app = typer.Typer(
    name="spmforecast",
    help="From a company's CRM history to a plan it can trust: forecasts, quotas and their evaluation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_MOST_SHOWN = 1000
_FEW = 10
_MOST_EXAMPLES = 3

ScenarioPath = Annotated[str, typer.Argument(metavar="SCENARIO", help="Scenario file (YAML).")]


def main() -> None:
    """Run the command line; exit status 0 done, 2 wrong input, 3 infeasible, 1 a fault of ours."""
    try:
        app(standalone_mode=True)
    except SpmError as error:
        _tell(error)
        raise SystemExit(error.exit_status) from None
    except KeyboardInterrupt:
        print("spmforecast: interrupted; nothing was written", file=sys.stderr)  # noqa: T201
        raise SystemExit(130) from None
    except Exception as error:
        _tell_fault(error)
        raise SystemExit(1) from None


def _tell(error: SpmError) -> None:
    """Print every problem on standard error."""
    lines = [f"error: {told}" for told in _told(error)]
    for line in lines[:_MOST_SHOWN]:
        print(line, file=sys.stderr)  # noqa: T201
    if len(lines) > _MOST_SHOWN:
        print(f"… and {len(lines) - _MOST_SHOWN:,} more", file=sys.stderr)  # noqa: T201


def _told(error: SpmError) -> list[str]:
    """Write the problems out; of many like ones the first few only."""
    if not isinstance(error, InputError):
        return [str(error)]
    if len(error.problems) <= _FEW:
        return [str(problem) for problem in error.problems]
    from spmforecast.data.quality.files import told_in_groups

    return told_in_groups(error.problems, _FEW)


def _tell_fault(error: Exception) -> None:
    """Own up to a fault of ours, with the traceback for whoever mends it."""
    if os.environ.get("SPMFORECAST_TRACEBACK"):
        traceback.print_exception(error)
    told = f"spmforecast: a fault of ours: {type(error).__name__}: {error}\nSet SPMFORECAST_TRACEBACK=1 to see where."
    print(told, file=sys.stderr)  # noqa: T201


@app.command()
def example(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder for the files, or a new SQLite file.")],
    seed: Annotated[int, typer.Option(help="Seed of the company.")] = 7,
    size: Annotated[str, typer.Option(help="small, medium or large: 8, 40 or 200 reps.")] = "small",
    format: Annotated[str, typer.Option(help="csv, parquet or sqlite (one file instead of a folder).")] = "csv",
) -> None:
    """Write the CRM tables of an invented company, to try things on."""
    from spmforecast.data import ExampleCompany, write_database, write_tables

    problems = []
    for option, given, known in (
        ("size", size, ("small", "medium", "large")),
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
        company = ExampleCompany(seed=seed, size=size)  # type: ignore[arg-type]
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
    timezone: Annotated[str, typer.Option(help="Zone that decides the day of a time stamp.")] = "UTC",
    fiscal_year_start: Annotated[int, typer.Option(help="Month in which the fiscal year begins.")] = 1,
    strict: Annotated[bool, typer.Option(help="Bear no rejected row.")] = False,
) -> None:
    """Turn a CRM's export into canonical tables and rejected.csv."""
    from spmforecast.data import CrmOptions, read_history, write_tables

    place = _new_place(folder)
    options = CrmOptions(currency, rates, tuple(pipeline or ()), fiscal_year_start=fiscal_year_start)
    history = read_history(source, map_file, timezone, strict, crm=kind, crm_options=options)
    with _writing(folder):
        write_tables({**history.tables, "rejected": history.rejected}, place)
    _show_history(history)
    typer.echo(f"Wrote {len(history.tables)} tables and rejected.csv to {folder}")
    if timezone != "UTC":
        typer.echo("Times are written as local ones: the zone has done its work and needs not be named again.")
    if history.observed_from is not None:
        typer.echo(f"Say observed_from: {history.observed_from.date()} in the scenario: tables cannot carry it.")


def _new_place(folder: str) -> Path:
    """Return a folder that can be filled.

    Raises
    ------
    InputError
        If something stands there.
    """
    place = Path(folder)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        told = "something stands there already, and nothing is overwritten"
        raise InputError(Problem("command line", told, "Name a new or an empty folder.", file=folder))
    return place


@contextmanager
def _writing(folder: str) -> Iterator[None]:
    """Say so where a folder cannot be written to."""
    try:
        yield
    except OSError as error:
        told = f"the folder cannot be written to ({error.strerror})"
        raise InputError(Problem("command line", told, "Name another folder.", file=folder)) from error


@app.command()
def check(
    source: Annotated[
        str,
        typer.Argument(metavar="SCENARIO_OR_FOLDER", help="Scenario file (.yaml); or folder, file or URL of tables."),
    ],
    map_file: Annotated[str | None, typer.Option("--map", help="Map of the data.")] = None,
    crm: Annotated[str | None, typer.Option(help="CRM that the data are an export of.")] = None,
    strict: Annotated[bool, typer.Option(help="Bear no rejected row.")] = False,
) -> None:
    """Name every problem of a scenario and its data; 0 if a run would go on."""
    from spmforecast.scenario.check import check_source, drift_of, findings_of

    history, problems = check_source(source, strict, map_file, crm)
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
    lines = told_in_groups((Problem(**dict(zip(columns, row, strict=True))) for row in rows), _FEW)
    for line in lines[:_MOST_SHOWN]:
        typer.echo(f"rejected: {line}", err=True)
    if len(lines) > _MOST_SHOWN:
        typer.echo(f"… and {len(lines) - _MOST_SHOWN:,} more", err=True)


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
def run(
    scenario: ScenarioPath,
    output: Annotated[str | None, typer.Option("-o", "--output", help="Run folder; runs/NAME by default.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Instead of the scenario's date.")] = None,
    trials: Annotated[int | None, typer.Option(help="Instead of the scenario's number.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the scenario's seed.")] = None,
    jobs: Annotated[int, typer.Option(help="Processes; they change no figure.")] = 1,
    strict: Annotated[bool, typer.Option(help="Bear no rejected row.")] = False,
) -> None:
    """Forecast, propose quotas and evaluate against the annual plan; writes a run folder with its report."""
    from spmforecast.report import report as write_report
    from spmforecast.scenario import load_scenario, run_scenario
    from spmforecast.scenario.folder import new_folder

    question = load_scenario(scenario, {"as_of": as_of, "trials": trials, "seed": seed})
    if jobs < 1:
        raise InputError(Problem("command line", "must be at least 1", "", column="--jobs", value=str(jobs)))
    place = Path(output) if output is not None else Path("runs") / question.keys.name
    with new_folder(place, question.keys.name) as draft:
        with _progress() as told:
            result = run_scenario(question, jobs=jobs, strict=strict, progress=told)
        result.write(draft)
        write_report(draft)
    _summarise(result, place)


@app.command()
def backtest(
    scenario: ScenarioPath,
    output: Annotated[str | None, typer.Option("-o", "--output", help="Folder; runs/NAME-backtest by default.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Last day for which the record is whole, instead of the scenario's as_of.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes; they change no figure.")] = 1,
    strict: Annotated[bool, typer.Option(help="Bear no rejected row.")] = False,
) -> None:
    """Judge forecast and rivals on the company's own past; goes on where it was broken off."""
    from spmforecast.report import report as write_report
    from spmforecast.scenario import backtest as look_back
    from spmforecast.scenario import load_scenario

    if jobs < 1:
        raise InputError(Problem("command line", "must be at least 1", "", column="--jobs", value=str(jobs)))
    name = load_scenario(scenario).keys.name
    place = Path(output) if output is not None else Path("runs") / f"{name}-backtest"
    with _progress() as told:
        result = look_back(
            scenario,
            place,
            until=until,
            jobs=jobs,
            strict=strict,
            progress=lambda done, wanted: told("backtest", done, wanted),
        )
    page = write_report(place)
    for said in result.verdict:
        typer.echo(said)
    typer.echo(f"Report: {page}")


@app.command()
def quotas(
    scenario: ScenarioPath,
    output: Annotated[str | None, typer.Option("-o", "--output", help="Run folder; runs/NAME by default.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Instead of the scenario's date.")] = None,
    trials: Annotated[int | None, typer.Option(help="Instead of the scenario's number.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the scenario's seed.")] = None,
    jobs: Annotated[int, typer.Option(help="Processes; they change no figure.")] = 1,
    strict: Annotated[bool, typer.Option(help="Bear no rejected row.")] = False,
) -> None:
    """Propose quotas, with the curve over cushions and other schemes on the same draws beside them."""
    from spmforecast.scenario import load_scenario
    from spmforecast.scenario.quotas import study_run
    from spmforecast.scenario.run import run_scenario

    question = load_scenario(scenario, {"as_of": as_of, "trials": trials, "seed": seed})
    if jobs < 1:
        raise InputError(Problem("command line", "must be at least 1", "", column="--jobs", value=str(jobs)))
    if question.keys.quotas is None:
        told, mend = "the scenario sets no quotas", "Add quotas, for instance {method: equal-probability}."
        raise InputError(question.written.problem((), told, mend))
    place = Path(output) if output is not None else Path("runs") / question.keys.name
    with _progress() as told_of:
        result = run_scenario(question, jobs=jobs, strict=strict, progress=told_of)
    for line in study_run(result, place):
        typer.echo(line)
    for warning in result.warnings:
        typer.echo(f"warning: {warning}", err=True)


@app.command()
def report(folder: Annotated[str, typer.Argument(metavar="RUN_DIR", help="Run folder.")]) -> None:
    """Make the HTML report of a run or backtest folder again."""
    from spmforecast.report import report as write_report

    typer.echo(f"Report: {write_report(folder)}")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each step on a terminal; say nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress, TimeRemainingColumn

    console = Console(stderr=True)
    with Progress(
        *Progress.get_default_columns()[:3], TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        tasks: dict[str, Any] = {}

        def told(step: str, done: int, wanted: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=wanted)
            bar.update(tasks[step], completed=done, total=wanted)

        yield told


def _summarise(result: RunResult, place: Path) -> None:
    """Print the answer: each period against plan, warnings, and where the report is."""
    from rich.console import Console

    from spmforecast.scenario.tables import covers, forecast_table

    keys = result.scenario.keys
    table = forecast_table(result.forecast, result.plan)
    console = Console(soft_wrap=True)
    company = table[table["node_level"] == "company"]
    part = [name for name in result.forecast.years if not covers(result.forecast, name)]
    company = company.assign(period=[f"{name} (part)" if name in part else name for name in company["period"]])
    _print_table(console, company, f"{keys.name}: as of {keys.as_of}", keys.currency)
    for warning in result.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if len(result.history.rejected):
        typer.echo(f"warning: {len(result.history.rejected):,} problems in the data: see rejected.csv", err=True)
    console.print(f"Report: {place / 'report.html'}", markup=False, highlight=False)


def _print_table(console: Console, company: Any, title: str, currency: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    from spmforecast.display import money, percent

    shown = Table(title=escape(f"{title}{f' ({currency})' if currency else ''}"))
    for name in ("period", "booked", "expected", "80 % interval", "plan", "P(plan)"):
        shown.add_column(name, justify="left" if name == "period" else "right")
    for row in company.itertuples(index=False):
        planned = row.plan == row.plan
        shown.add_row(
            row.period,
            money(row.booked),
            money(row.mean),
            f"{money(row.p10)} – {money(row.p90)}" if row.sd > 0 else "–",
            money(row.plan) if planned else "–",
            percent(row.p_plan) if planned else "–",
        )
    console.print(shown)


if __name__ == "__main__":
    main()
