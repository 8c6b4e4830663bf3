"""The command that shows the process as a river, and each rep's scorecard and weekly review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spmforecast.cli.common import AsOf, Jobs, ScenarioPath, Seed, Strict, Trials, app, checked_jobs, progress_bars

__all__ = ["scorecards"]


@app.command()
def scorecards(
    scenario: ScenarioPath,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="Folder; runs/NAME-scorecards by default.")
    ] = None,
    as_of: AsOf = None,
    trials: Trials = None,
    seed: Seed = None,
    jobs: Jobs = 1,
    strict: Strict = False,
) -> None:
    """Show where the pipeline silts up, how each rep stands, and what each did last week against target."""
    from spmforecast.report import report as write_report
    from spmforecast.scenario.against_data import load_or_tell_all
    from spmforecast.scenario.folder import new_folder
    from spmforecast.scenario.scorecards.answer import FACTS, answer

    question = load_or_tell_all(scenario, {"as_of": as_of, "trials": trials, "seed": seed}, strict)
    checked_jobs(jobs)
    name = question.keys.name
    place = Path(output) if output is not None else Path("runs") / f"{name}-scorecards"
    with new_folder(place, name, FACTS) as draft:
        with progress_bars() as told:
            found = answer(question, jobs, strict, told)
        found.write(draft)
        write_report(draft)
    typer.echo(found.bottleneck.reason)
    whole = found.team.iloc[-1]
    typer.echo(
        f"{whole['reps']:.0f} reps sell; {len(found.breaches):,} open deals are beyond their stage's healthy time, "
        f"{len(found.actions):,} ask for something."
    )
    for said in found.notes:
        typer.echo(f"note: {said}")
    for warning in found.result.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"Report: {place / 'report.html'}")
