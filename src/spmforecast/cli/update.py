"""The quarterly update."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spmforecast.cli.common import Jobs, RunFolder, ScenarioPath, Seed, Strict, Trials, app, checked_jobs, progress_bars
from spmforecast.errors import InputError, Problem

__all__ = ["update"]


@app.command()
def update(
    scenario: ScenarioPath,
    as_of: Annotated[str, typer.Option("--as-of", help="The new date; the scenario's own is the last forecast's.")],
    output: RunFolder = None,
    previous: Annotated[
        str | None, typer.Option(help="Run folder of the last forecast, or its number in the planbook.")
    ] = None,
    planbook: Annotated[
        str | None, typer.Option(help="Keep the update in this planbook: file, database URL or env:NAME.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the planbook.")] = None,
    author: Annotated[str | None, typer.Option(help="Who, for the planbook; by default who is logged in.")] = None,
    policy: Annotated[str | None, typer.Option(help="hold, reallocate or partial; the scenario's by default.")] = None,
    share: Annotated[float | None, typer.Option(help="Of the gap to plan that partial reallocates.")] = None,
    trials: Trials = None,
    seed: Seed = None,
    jobs: Jobs = 1,
    strict: Strict = False,
) -> None:
    """Freeze closed periods, refit, forecast the rest, and tell in a bridge what changed since the last forecast."""
    from spmforecast.report import report as write_report
    from spmforecast.scenario import load_scenario
    from spmforecast.scenario.folder import new_folder
    from spmforecast.scenario.planbook import Planbook, record_run
    from spmforecast.scenario.update import update as bring_up
    from spmforecast.scenario.update.telling import update_lines

    checked_jobs(jobs)
    name = load_scenario(scenario).keys.name
    if planbook is None and (reason is not None or author is not None):
        told, mend = "reason and author are for a planbook, and none is named", "Add --planbook."
        raise InputError(Problem("command line", told, mend, column="--planbook"))
    place = Path(output) if output is not None else Path("runs") / name
    with progress_bars() as shown:
        result = bring_up(
            scenario,
            as_of,
            planbook=planbook,
            previous=previous,
            policy=policy,
            share=share,
            trials=trials,
            seed=seed,
            jobs=jobs,
            strict=strict,
            progress=shown,
        )
    with new_folder(place, name) as draft:
        result.write(draft)
        write_report(draft)
    for line in update_lines(result):
        typer.echo(line)
    for warning in (*result.notes, *result.run.warnings):
        typer.echo(f"warning: {warning}", err=True)
    if planbook is not None:
        told = reason or f"update as of {result.run.scenario.keys.as_of}"
        for version in record_run(Planbook(planbook), place, told, author):
            typer.echo(f"Planbook {version.id}: {version.label}")
    typer.echo(f"Report: {place / 'report.html'}")
