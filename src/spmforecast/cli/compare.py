"""The command that holds scenarios against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spmforecast.cli.common import Jobs, Strict, app, checked_jobs, progress_bars

__all__ = ["compare"]

Scenarios = Annotated[
    list[str], typer.Argument(metavar="SCENARIO SCENARIO…", help="Scenario files; the first is base.")
]


@app.command()
def compare(
    scenarios: Scenarios,
    output: Annotated[str | None, typer.Option("-o", "--output", help="Folder; runs/compare by default.")] = None,
    trials: Annotated[int | None, typer.Option(help="Of all of them, instead of the first scenario's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all of them, instead of the first scenario's.")] = None,
    margin: Annotated[float, typer.Option(help="Worth of a unit of bookings, against costs of assumptions.")] = 1.0,
    excel: Annotated[bool, typer.Option("--excel", help="Add comparison.xlsx.")] = False,
    jobs: Jobs = 1,
    strict: Strict = False,
) -> None:
    """Compare scenarios with the first, on the same luck: differences, what brings how much, what is worth knowing."""
    from spmforecast.report import report as write_report
    from spmforecast.scenario.compare import answer
    from spmforecast.scenario.compare.comparison import FACTS
    from spmforecast.scenario.folder import new_folder

    checked_jobs(jobs)
    place = Path(output) if output is not None else Path("runs") / "compare"
    asked = answer.asked(scenarios, trials, seed, strict)
    with new_folder(place, answer.named(asked), FACTS) as draft:
        with progress_bars() as told:
            found = answer.compare_scenarios(asked, margin, jobs, strict, told)
        found.write(draft, excel)
        write_report(draft)
    for line in found.verdict:
        typer.echo(line)
    every = dict.fromkeys(warning for result in found.results for warning in result.warnings)
    for warning in every:
        whose = [result.scenario.keys.name for result in found.results if warning in result.warnings]
        typer.echo(f"warning: {', '.join(whose)}: {warning}", err=True)
    typer.echo(f"Report: {place / 'report.html'}")
