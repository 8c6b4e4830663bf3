"""Commands of the planbook: what was planned, forecast and promised, by whom, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from spmforecast.cli.common import app

if TYPE_CHECKING:
    import pandas as pd

    from spmforecast.scenario.planbook import Planbook

__all__ = ["commands"]

commands = typer.Typer(
    name="planbook",
    help="Versions of plans, forecasts, quotas and territories: kept, compared, approved, never changed.",
    no_args_is_help=True,
)
app.add_typer(commands)

Where = Annotated[
    str, typer.Option("--planbook", help="SQLite file, database URL, or env:NAME for the variable that holds it.")
]
Kind = Annotated[str | None, typer.Option(help="plan, forecast, quotas or territories.")]
Name = Annotated[str | None, typer.Option(help="Scenario whose versions are meant.")]
Number = Annotated[int, typer.Argument(metavar="ID", help="Number of the version in the book.")]
Reason = Annotated[str, typer.Option(help="Why.")]
Author = Annotated[str | None, typer.Option(help="Who; by default who is logged in.")]

_BOOK = "planbook.sqlite"
_ROWS = 40


@commands.command()
def add(
    folder: Annotated[str, typer.Argument(metavar="RUN_DIR", help="Run folder.")],
    reason: Reason,
    author: Author = None,
    planbook: Where = _BOOK,
) -> None:
    """Keep the forecast, quotas, moves and plan of a run as versions."""
    from spmforecast.scenario.planbook import record_run

    made = record_run(_book(planbook), folder, reason, author)
    for version in made:
        typer.echo(f"{version.id}: {version.label}")
    if not made:
        typer.echo("Nothing new: the newest versions say the same.")


@commands.command()
def log(kind: Kind = None, name: Name = None, planbook: Where = _BOOK) -> None:
    """List the versions, newest first."""
    _show(_book(planbook).log(kind, name).iloc[::-1], "versions")


@commands.command()
def show(version: Number, planbook: Where = _BOOK) -> None:
    """Print a version: who, when, why, its facts and tables."""
    one = _book(planbook).get(version)
    said = "approved" if one.approved else "not approved"
    typer.echo(f"{one.id}: {one.label}, {said}\nby {one.author} at {one.at}: {one.reason}\nsha256 {one.sha256}")
    for key, value in one.content.facts.items():
        typer.echo(f"{key}: {value}")
    for title, frame in one.content.tables.items():
        _show(frame, title)


@commands.command()
def diff(
    first: Annotated[int, typer.Argument(metavar="ID", help="The earlier version.")],
    second: Annotated[int, typer.Argument(metavar="ID", help="The later version.")],
    planbook: Where = _BOOK,
) -> None:
    """Compare two versions, cell by cell."""
    found = _book(planbook).diff(first, second)
    if found.empty:
        typer.echo("The two say the same.")
        return
    _show(found, "differences")


@commands.command()
def approve(version: Number, reason: Reason, author: Author = None, planbook: Where = _BOOK) -> None:
    """Approve a version."""
    made = _book(planbook).approve(version, reason, author)
    typer.echo(f"Version {version} is approved by {made.author}.")


@commands.command()
def withdraw(version: Number, reason: Reason, author: Author = None, planbook: Where = _BOOK) -> None:
    """Take an approval back."""
    made = _book(planbook).decide(version, "withdraw", reason, author)
    typer.echo(f"The approval of version {version} is withdrawn by {made.author}.")


@commands.command("roll-back")
def roll_back(version: Number, reason: Reason, author: Author = None, planbook: Where = _BOOK) -> None:
    """Make an earlier version the newest again, by a new version that says the same."""
    made = _book(planbook).roll_back(version, reason, author)
    typer.echo(f"{made.id}: {made.label}")


@commands.command()
def accuracy(name: Name = None, planbook: Where = _BOOK) -> None:
    """Hold kept forecasts of the company against what later ones know as booked."""
    found = _book(planbook).accuracy(name)
    found = found[found["node_level"] == "company"]
    if found.empty:
        typer.echo("No forecast of a period that has closed since is kept yet.")
        return
    columns = ["id", "name", "as_of", "period", "days_ahead", "mean", "p10", "p90", "actual", "error", "inside"]
    _show(found[columns], "forecasts against what came")


@commands.command()
def verify(planbook: Where = _BOOK) -> None:
    """Check that every version is as it was written and none is missing."""
    book = _book(planbook)
    book.verify()
    typer.echo(f"{len(book.log()):,} versions are as they were written.")


def _book(where: str) -> Planbook:
    from spmforecast.scenario.planbook import Planbook

    return Planbook(where)


def _show(frame: pd.DataFrame, title: str) -> None:
    """Print the first rows of a table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from spmforecast.display import cell

    shown = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD)
    for column in frame.columns:
        shown.add_column(Text(str(column)), overflow="fold")
    for row in frame.head(_ROWS).itertuples(index=False, name=None):
        shown.add_row(*(Text(cell(value)) for value in row))
    Console(soft_wrap=True).print(shown)
    if len(frame) > _ROWS:
        typer.echo(f"… and {len(frame) - _ROWS:,} more rows")
