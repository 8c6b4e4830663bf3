"""The quarterly update."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spmforecast.cli.common import Jobs, RunFolder, ScenarioPath, Seed, Strict, Trials, app, checked_jobs, progress_bars
from spmforecast.errors import InputError, Problem

if TYPE_CHECKING:
    from spmforecast.scenario.update import UpdateResult

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
    from spmforecast.scenario.against_data import load_or_tell_all
    from spmforecast.scenario.update import update as bring_up

    checked_jobs(jobs)
    name = load_or_tell_all(scenario, strict=strict).keys.name
    _check_planbook(planbook, reason, author)
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
    _leave(result, place, name)
    _tell(result)
    if planbook is not None:
        _keep(result, place, planbook, reason, author)
    typer.echo(f"Report: {place / 'report.html'}")


def _check_planbook(planbook: str | None, reason: str | None, author: str | None) -> None:
    """Refuse words for a planbook where none is named."""
    if planbook is None and (reason is not None or author is not None):
        told, mend = "reason and author are for a planbook, and none is named", "Add --planbook."
        raise InputError(Problem("command line", told, mend, column="--planbook"))


def _leave(result: UpdateResult, place: Path, name: str) -> None:
    """Write the run folder with its report; it appears whole or not at all."""
    from spmforecast.report import report as write_report
    from spmforecast.scenario.folder import new_folder

    with new_folder(place, name) as draft:
        result.write(draft)
        write_report(draft)


def _tell(result: UpdateResult) -> None:
    """Print what changed, and what to know before relying on it."""
    from spmforecast.scenario.update.telling import update_lines

    for line in update_lines(result):
        typer.echo(line)
    for warning in (*result.notes, *result.run.warnings):
        typer.echo(f"warning: {warning}", err=True)


def _keep(result: UpdateResult, place: Path, planbook: str, reason: str | None, author: str | None) -> None:
    """Keep the run as versions in a planbook."""
    from spmforecast.scenario.planbook import Planbook, record_run

    told = reason or f"update as of {result.run.scenario.keys.as_of}"
    for version in record_run(Planbook(planbook), place, told, author):
        typer.echo(f"Planbook {version.id}: {version.label}")
