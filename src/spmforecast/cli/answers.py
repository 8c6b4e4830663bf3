"""Commands that answer a scenario: run, backtest, quotas; and report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spmforecast.cli.common import (
    AsOf,
    BrokenOff,
    Jobs,
    RunFolder,
    ScenarioPath,
    Seed,
    Strict,
    Trials,
    app,
    checked_jobs,
    progress_bars,
)
from spmforecast.errors import InputError

if TYPE_CHECKING:
    from spmforecast.scenario import RunResult

__all__ = ["backtest", "quotas", "report", "run"]


@app.command()
def run(
    scenario: ScenarioPath,
    output: RunFolder = None,
    as_of: AsOf = None,
    trials: Trials = None,
    seed: Seed = None,
    jobs: Jobs = 1,
    strict: Strict = False,
) -> None:
    """Forecast, propose quotas and evaluate against the annual plan; writes a run folder with its report."""
    from spmforecast.report import report as write_report
    from spmforecast.scenario import run_scenario
    from spmforecast.scenario.against_data import load_or_tell_all
    from spmforecast.scenario.folder import new_folder

    question = load_or_tell_all(scenario, {"as_of": as_of, "trials": trials, "seed": seed}, strict)
    checked_jobs(jobs)
    place = Path(output) if output is not None else Path("runs") / question.keys.name
    with new_folder(place, question.keys.name) as draft:
        with progress_bars() as told:
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
    jobs: Jobs = 1,
    strict: Strict = False,
) -> None:
    """Judge forecast and rivals on the company's own past; goes on where it was broken off."""
    from spmforecast.report import report as write_report
    from spmforecast.scenario import backtest as look_back
    from spmforecast.scenario.against_data import load_or_tell_all

    checked_jobs(jobs)
    name = load_or_tell_all(scenario, strict=strict).keys.name
    place = Path(output) if output is not None else Path("runs") / f"{name}-backtest"
    with _going_on(place), progress_bars() as told:
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


@contextmanager
def _going_on(place: Path) -> Iterator[None]:
    """Say, when a backtest is broken off, what of it is kept for the next time."""
    from spmforecast.scenario.backtest import origins_kept

    try:
        yield
    except KeyboardInterrupt:
        kept = origins_kept(place)
        if not kept:
            raise
        raise BrokenOff(f"{kept:,} forecasts are kept in {place}: the same command goes on from there") from None


@app.command()
def quotas(
    scenario: ScenarioPath,
    output: RunFolder = None,
    as_of: AsOf = None,
    trials: Trials = None,
    seed: Seed = None,
    jobs: Jobs = 1,
    strict: Strict = False,
) -> None:
    """Propose quotas, with the curve over cushions and other schemes on the same draws beside them."""
    from spmforecast.report import report as write_report
    from spmforecast.scenario.against_data import load_or_tell_all
    from spmforecast.scenario.run import run_scenario
    from spmforecast.scenario.study import study_run

    question = load_or_tell_all(scenario, {"as_of": as_of, "trials": trials, "seed": seed}, strict)
    checked_jobs(jobs)
    if question.keys.quotas is None:
        told, mend = "the scenario sets no quotas", "Add quotas, for instance {method: equal-probability}."
        raise InputError(question.written.problem((), told, mend))
    place = Path(output) if output is not None else Path("runs") / question.keys.name
    with progress_bars() as told_of:
        result = run_scenario(question, jobs=jobs, strict=strict, progress=told_of)
    for line in study_run(result, place, write_report):
        typer.echo(line)
    for warning in result.warnings:
        typer.echo(f"warning: {warning}", err=True)


@app.command()
def report(folder: Annotated[str, typer.Argument(metavar="RUN_DIR", help="Run folder.")]) -> None:
    """Make the HTML report of a run or backtest folder again."""
    from spmforecast.report import report as write_report

    typer.echo(f"Report: {write_report(folder)}")


def _summarise(result: RunResult, place: Path) -> None:
    """Print the answer: each period against plan, warnings, and where the report is."""
    from rich.console import Console

    from spmforecast.cli.tables import print_forecast
    from spmforecast.scenario.printed import company_rows

    keys = result.scenario.keys
    console = Console(soft_wrap=True)
    rows = company_rows(result.forecast, result.plan)
    print_forecast(console, rows, f"{keys.name}: as of {keys.as_of}", keys.currency)
    for warning in result.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if len(result.history.rejected):
        typer.echo(f"warning: {len(result.history.rejected):,} problems in the data: see rejected.csv", err=True)
    console.print(f"Report: {place / 'report.html'}", markup=False, highlight=False)
