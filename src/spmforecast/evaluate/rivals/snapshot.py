"""What a rival may look at: bookings by node and period, the same stretch of earlier periods, and the open pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar, Period, PeriodKind
from spmforecast.data import History
from spmforecast.evaluate.rivals.lines import LEVELS, Lines, Node, without_deals
from spmforecast.evaluate.rivals.pipeline import Pipeline, weigh
from spmforecast.models.risksets import day_number

__all__ = ["Snapshot", "selling", "take"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_RECENT_PERIODS = 4


@dataclass(frozen=True)
class Snapshot:
    """A record as a rival sees it at the close of a day.

    Parameters
    ----------
    today : int
        Day number of the origin.
    calendar : FiscalCalendar
        The fiscal year.
    kind : {"month", "quarter"}
        Length of the periods.
    nodes : list of (str, str)
        Level and name; the company comes first.
    targets : tuple of Period
        What is asked for.
    past : list of Period
        Whole periods on record, in order of time; the last one is closed.
    closed : array of float, shape (nodes, past)
        Booked in each of them.
    paced : array of float, shape (nodes, past)
        Booked in each of them up to the same share of its days that the first target has seen.
    booked : array of float, shape (nodes, targets)
        Booked in the targets so far.
    lines : Lines
        Every booking known.
    pipeline : Pipeline or None
        Open deals weighted by the record of their stage; None where no deals are recorded.
    submissions : pandas.DataFrame
        People's own forecasts known so far.
    """

    today: int
    calendar: FiscalCalendar
    kind: PeriodKind
    nodes: list[Node]
    targets: tuple[Period, ...]
    past: list[Period]
    closed: Array
    paced: Array
    booked: Array
    lines: Lines
    pipeline: Pipeline | None
    submissions: pd.DataFrame

    @property
    def blank(self) -> Array:
        """Shape of an answer, nothing said: (nodes, targets) of NaN."""
        return np.full(self.booked.shape, np.nan)

    @property
    def a_year(self) -> int:
        """Periods in a year."""
        return 4 if self.kind == "quarter" else 12

    def whole(self, nodes: list[Node]) -> Array:
        """Return what other nodes booked in the whole periods on record, shape (nodes, past)."""
        return self.lines.sums(nodes, *_bounds(self.past))

    def recent(self, periods: int = _RECENT_PERIODS) -> Array:
        """Return the mean of each node's last whole periods, shape (nodes,); NaN where there is none."""
        last = self.closed[:, -periods:]
        return last.mean(axis=1) if last.shape[1] else np.full(len(self.nodes), np.nan)


def take(known: History, today: pd.Timestamp, targets: tuple[Period, ...], calendar: FiscalCalendar) -> Snapshot:
    """Look at a record as the rivals do.

    Parameters
    ----------
    known : History
        Cut at the origin.
    today : pandas.Timestamp
        The origin.
    targets : tuple of Period
        The period under way (or about to begin) and those that follow.
    calendar : FiscalCalendar
        The fiscal year.

    Returns
    -------
    Snapshot
    """
    lines = Lines.of(known)
    kind = calendar.kind(targets[0].label)
    past = _whole_periods(known, lines, targets[0], calendar, kind)
    day = int(_day(today))
    since = int(_day(past[-_RECENT_PERIODS:][0].start)) if past else -(10**9)
    nodes = selling(known, lines, since)
    starts, stops = _bounds(past)
    share = (day + 1 - _day(targets[0].start)) / targets[0].days
    so_far = starts - 1 + np.rint(share * (stops - starts + 1)).astype(np.int64)
    begun, ends = _bounds(targets)
    return Snapshot(
        today=day,
        calendar=calendar,
        kind=kind,
        nodes=nodes,
        targets=targets,
        past=past,
        closed=lines.sums(nodes, starts, stops),
        paced=lines.sums(nodes, starts, so_far),
        booked=lines.sums(nodes, begun, np.minimum(ends, day)),
        lines=lines,
        pipeline=None if without_deals(known) else weigh(known, nodes, targets),
        submissions=known.submissions,
    )


def selling(known: History, lines: Lines, since: int) -> list[Node]:
    """List the nodes to be judged: the company, its regions, and the reps who have not left and did something lately.

    Parameters
    ----------
    known : History
        Cut at the origin.
    lines : Lines
        Its bookings.
    since : int
        Day number from which a booking or a new deal counts as lately.

    Returns
    -------
    list of (level, name)
    """
    nodes = set(lines.nodes(since))
    if not known.opportunities.empty:
        deals = known.deals()
        lately = (day_number(deals["created_date"]) >= since) | (deals["status"] == "open").to_numpy()
        nodes |= {("region", str(name)) for name in set(deals.loc[lately, "region"].astype(object))}
        nodes |= {("rep", str(name)) for name in set(deals.loc[lately, "owner_id"].astype(object))}
    reps = known.current_reps()
    left = {str(name) for name in reps.index[reps["end_date"].notna().to_numpy()]}
    kept = [node for node in nodes if node[1] != "(none)" and not (node[0] == "rep" and node[1] in left)]
    return sorted(kept, key=lambda node: (LEVELS.index(node[0]), node[1]))


def _whole_periods(
    known: History, lines: Lines, first_target: Period, calendar: FiscalCalendar, kind: PeriodKind
) -> list[Period]:
    """List the periods before the first target that are on record from their first day to their last."""
    if not len(lines.day):
        return []
    begun = pd.Timestamp(int(lines.day.min()), unit="D")
    if not known.opportunities.empty:
        begun = min(begun, pd.Timestamp(known.opportunities["created_date"].min()))
    if known.observed_from is not None:
        begun = max(begun, known.observed_from)
    if begun >= first_target.start:
        return []
    every = calendar.periods(begun, first_target.start, kind)
    # A record that begins within the first days of a period has seen that period whole.
    return [p for p in every if p.end < first_target.start and begun <= p.start + pd.Timedelta(days=5)]


def _bounds(periods: Sequence[Period]) -> tuple[Ints, Ints]:
    """First and last day numbers of periods."""
    starts = np.array([_day(period.start) for period in periods], dtype=np.int64)
    return starts, np.array([_day(period.end) for period in periods], dtype=np.int64)


def _day(stamp: pd.Timestamp) -> int:
    return int(day_number(pd.DatetimeIndex([stamp]))[0])
