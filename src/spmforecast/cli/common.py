"""What the commands share: the app, how errors are told, progress, and options that stand in several of them."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from spmforecast.errors import InputError, Problem, SpmError

__all__ = [
    "FEW",
    "MOST_SHOWN",
    "REJECTED",
    "AsOf",
    "BrokenOff",
    "Jobs",
    "RunFolder",
    "ScenarioPath",
    "Seed",
    "Strict",
    "Trials",
    "app",
    "checked_jobs",
    "main",
    "new_place",
    "progress_bars",
    "writing",
]

app = typer.Typer(
    name="spmforecast",
    help="From a company's CRM history to a plan it can trust: forecasts, quotas and their evaluation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_INTERRUPTED = 130  # what the command line library ends with after Ctrl-C, without a word
MOST_SHOWN = 1000
FEW = 10
REJECTED = "rejected.csv"

RunFolder = Annotated[str | None, typer.Option("-o", "--output", help="Run folder; runs/NAME by default.")]
AsOf = Annotated[str | None, typer.Option(help="Instead of the scenario's date.")]
Trials = Annotated[int | None, typer.Option(help="Instead of the scenario's number.")]
Seed = Annotated[int | None, typer.Option(help="Instead of the scenario's seed.")]
Jobs = Annotated[int, typer.Option(help="Processes; they change no figure.")]
Strict = Annotated[bool, typer.Option(help="Bear no rejected row.")]
ScenarioPath = Annotated[str, typer.Argument(metavar="SCENARIO", help="Scenario file (YAML).")]


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"spmforecast {metadata.version('spmforecast')}")
        raise typer.Exit


@app.callback()
def _all(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """From a company's CRM history to a plan it can trust: forecasts, quotas and their evaluation."""


class BrokenOff(BaseException):
    """Ctrl-C in the midst of work of which something is kept; says what. No library on the way takes it for its own."""


def main() -> None:
    """Run the command line; exit status 0 done, 2 wrong input, 3 infeasible, 1 a fault of ours."""
    # A command builds many lasting objects and few cycles: looking for these all the time takes a tenth of its time.
    gc.set_threshold(100_000, 20, 100)
    try:
        app(standalone_mode=True)
    except SpmError as error:
        _tell(error)
        raise SystemExit(error.exit_status) from None
    except BrokenOff as end:
        _leave(str(end))
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != _INTERRUPTED:
            raise
        _leave("nothing was written")
    except Exception as error:
        _tell_fault(error)
        raise SystemExit(1) from None


def _leave(told: str) -> NoReturn:
    """End after Ctrl-C in one line."""
    print(f"spmforecast: interrupted; {told}", file=sys.stderr)  # noqa: T201
    raise SystemExit(_INTERRUPTED)


def _tell(error: SpmError) -> None:
    """Print every problem on standard error."""
    lines = [f"error: {told}" for told in _told(error)]
    for line in lines[:MOST_SHOWN]:
        print(line, file=sys.stderr)  # noqa: T201
    if len(lines) > MOST_SHOWN:
        print(f"… and {len(lines) - MOST_SHOWN:,} more", file=sys.stderr)  # noqa: T201


def _told(error: SpmError) -> list[str]:
    """Write the problems out; of many like ones the first few only."""
    if not isinstance(error, InputError):
        return [str(error)]
    if len(error.problems) <= FEW:
        return [str(problem) for problem in error.problems]
    from spmforecast.data.quality.files import told_in_groups

    return told_in_groups(error.problems, FEW)


def _tell_fault(error: Exception) -> None:
    """Own up to a fault of ours, with the traceback for whoever mends it."""
    if os.environ.get("SPMFORECAST_TRACEBACK"):
        traceback.print_exception(error)
    told = f"spmforecast: a fault of ours: {type(error).__name__}: {error}\nSet SPMFORECAST_TRACEBACK=1 to see where."
    print(told, file=sys.stderr)  # noqa: T201


def new_place(folder: str) -> Path:
    """Return a folder that can be filled.

    Raises
    ------
    InputError
        If something stands there.
    """
    place = Path(folder)
    if place.exists() and (not place.is_dir() or any(one.name != REJECTED for one in place.iterdir())):
        told = "something stands there already, and nothing is overwritten"
        raise InputError(Problem("command line", told, "Name a new or an empty folder.", file=folder))
    return place


@contextmanager
def writing(folder: str) -> Iterator[None]:
    """Say so where a folder cannot be written to."""
    try:
        yield
    except OSError as error:
        told = f"the folder cannot be written to ({error.strerror})"
        raise InputError(Problem("command line", told, "Name another folder.", file=folder)) from error


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
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


def checked_jobs(jobs: int) -> int:
    """Return the number of processes.

    Raises
    ------
    InputError
        If it is not positive.
    """
    if jobs < 1:
        raise InputError(Problem("command line", "must be at least 1", "", column="--jobs", value=str(jobs)))
    return jobs
