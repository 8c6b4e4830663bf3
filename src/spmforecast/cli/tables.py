"""The table of a run on a terminal: no figure is ever cut, however narrow the window and large the currency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from spmforecast.report.wording import Scale

__all__ = ["print_forecast"]

_PIPED_WIDTH = 120  # of a file or a pipe, which have no width of their own
_HEADINGS = ("period", "booked", "expected", "80 % interval", "plan", "P(plan)")
_AMOUNTS = ["booked", "mean", "p10", "p90", "plan"]


def print_forecast(console: Console, rows: pd.DataFrame, title: str, currency: str) -> None:
    """Print the company's forecast in the widest way that fits: in full, set closer, or in thousands or millions.

    Parameters
    ----------
    console : rich.console.Console
        Where to; it is made wider where even the narrowest way does not fit.
    rows : pandas.DataFrame
        Of :func:`~spmforecast.scenario.printed.company_rows`.
    title : str
        Above the table.
    currency : str
        Of the amounts.
    """
    from rich.console import Console as AnyConsole
    from rich.measure import Measurement

    from spmforecast.report.wording import Scale

    room = console.width if console.is_terminal else max(console.width, _PIPED_WIDTH)
    full, short = Scale(1.0, 0, currency), Scale.fitting(rows[_AMOUNTS].to_numpy().ravel(), currency)
    endless = AnyConsole(width=10_000)
    needed = room
    for scale, close in ((full, False), (full, True), (short, False), (short, True)):
        table = _table(rows, title, scale, close)
        needed = Measurement.get(endless, endless.options, table).maximum
        if needed <= room:
            break
    console.width = max(room, needed)
    console.print(table)


def _table(rows: Any, title: str, scale: Scale, close: bool) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from spmforecast.display import plan_chance

    table = Table(title=escape(f"{title}{f' ({scale.unit})' if scale.unit else ''}"), padding=0 if close else (0, 1))
    for name in _HEADINGS:
        table.add_column(name, justify="left" if name == "period" else "right", no_wrap=True)
    for row in rows.itertuples(index=False):
        planned = row.plan == row.plan
        table.add_row(
            row.period,
            scale.text(row.booked),
            scale.text(row.mean),
            f"{scale.text(row.p10)} – {scale.text(row.p90)}" if row.sd > 0 else "–",
            scale.text(row.plan) if planned else "–",
            plan_chance(row.p_plan, row.sd, row.booked, row.plan) if planned else "–",
        )
    return table
