"""The command about territories."""

from __future__ import annotations

from pathlib import Path

import typer

from spmforecast.cli.common import (
    AsOf,
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

__all__ = ["territories"]


@app.command()
def territories(
    scenario: ScenarioPath,
    output: RunFolder = None,
    as_of: AsOf = None,
    trials: Trials = None,
    seed: Seed = None,
    jobs: Jobs = 1,
    strict: Strict = False,
) -> None:
    """Draw a new map, tell each move's reason, and judge what it books against today's map on the same draws."""
    from spmforecast.report import report as write_report
    from spmforecast.scenario.against_data import load_or_tell_all
    from spmforecast.scenario.folder import new_folder
    from spmforecast.scenario.run import run_scenario
    from spmforecast.scenario.territory_files import map_lines

    question = load_or_tell_all(scenario, {"as_of": as_of, "trials": trials, "seed": seed}, strict)
    checked_jobs(jobs)
    if not question.keys.territories.new_map:
        told, mend = "the scenario keeps today's territories", "Add territories, for instance {propose: {}}."
        raise InputError(question.written.problem(("territories",), told, mend))
    place = Path(output) if output is not None else Path("runs") / question.keys.name
    with new_folder(place, question.keys.name) as draft:
        with progress_bars() as shown:
            result = run_scenario(question, jobs=jobs, strict=strict, progress=shown)
        result.write(draft)
        write_report(draft)
    assert result.territories is not None
    for line in map_lines(result.territories, question.keys.currency):
        typer.echo(line)
    for warning in result.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"Report: {place / 'report.html'}")
