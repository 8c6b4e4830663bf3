"""A whole backtest: origins, what is said at each, and the judgement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from spmforecast.calendar import Period, to_day
from spmforecast.data import History
from spmforecast.display import card
from spmforecast.evaluate.backtest.deals import by_age, deal_outcomes, deal_scores, reliability_curves, settle
from spmforecast.evaluate.backtest.gather import gather
from spmforecast.evaluate.backtest.judge import FORECAST, Truth, judge
from spmforecast.evaluate.backtest.origins import BacktestSettings, Origin, origins_of, recorded
from spmforecast.evaluate.backtest.predict import Told
from spmforecast.evaluate.backtest.stored import Store
from spmforecast.evaluate.backtest.summary import summarise
from spmforecast.evaluate.backtest.verdict import verdict
from spmforecast.evaluate.monitors import pit_by_period
from spmforecast.evaluate.rivals import Lines
from spmforecast.models.risksets import day_number

__all__ = ["Backtest", "backtest_history", "truth_of"]


@dataclass(frozen=True)
class Backtest:
    """What a backtest showed.

    Parameters
    ----------
    settings : BacktestSettings
        What was asked.
    until : pandas.Timestamp
        Last day of the record.
    origins : tuple of Origin
        Days from which was forecast; those that are not scored taught the rivals their errors.
    summary : pandas.DataFrame
        By level, periods ahead, week and method (see :func:`~spmforecast.evaluate.backtest.summary.summarise`).
    cells : pandas.DataFrame
        A row for each origin, target, node and method: what was said, what came, scores.
    joint : pandas.DataFrame
        Energy scores of the regions and of the reps together.
    deals : pandas.DataFrame
        A row for each origin, target and open deal: chance and outcome.
    deal_scores, reliability, ages : pandas.DataFrame
        Brier scores, points of the reliability curves, and calibration by decile of age in stage.
    mixes : pandas.DataFrame
        Rival and weight of the mix at each origin.
    drift : pandas.DataFrame
        Where outcomes fell in their laws, period by period.
    verdict : tuple of str
        All of it in words.
    """

    settings: BacktestSettings
    until: pd.Timestamp
    origins: tuple[Origin, ...]
    summary: pd.DataFrame
    cells: pd.DataFrame
    joint: pd.DataFrame
    deals: pd.DataFrame
    deal_scores: pd.DataFrame
    reliability: pd.DataFrame
    ages: pd.DataFrame
    mixes: pd.DataFrame
    drift: pd.DataFrame
    verdict: tuple[str, ...]

    def _repr_html_(self) -> str:
        facts = {"until": self.until.date(), "origins": sum(origin.scored for origin in self.origins)}
        own = self.summary[self.summary["method"] == FORECAST]
        shown = own[["level", "ahead", "week", "cells", "crps", "held_80", "bias"]]
        return card("Backtest", facts, shown, shares=("bias",))


def backtest_history(
    history: History,
    settings: BacktestSettings,
    until: object = None,
    jobs: int = 1,
    store: Store | None = None,
    code: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Forecast every period of the record from what was known then, and judge by what came.

    Parameters
    ----------
    history : History
        The record.
    settings : BacktestSettings
        What to ask.
    until : date-like, optional
        Last day for which the record is whole; by default its last recorded day.
    jobs : int
        Processes; they change no figure.
    store : Store, optional
        Where origins are kept between runs.
    code : str
        Stands for the program in the store.
    progress : callable, optional
        Called with origins done and wanted.

    Returns
    -------
    Backtest

    Raises
    ------
    InputError
        If the record is too short.
    """
    last = recorded(history)[1] if until is None else to_day(until)
    origins = origins_of(history, settings, last)
    said = gather(history, origins, settings, jobs, store, code, progress)
    return judged(history.as_of(last), said, origins, settings, last)


def judged(
    record: History, said: Sequence[Told], origins: Sequence[Origin], settings: BacktestSettings, last: pd.Timestamp
) -> Backtest:
    """Judge what was said by a record that is cut at its last whole day."""
    periods = {target.label: target for origin in origins for target in origin.targets if target.end <= last}
    verdicts = judge(said, truth_of(record, said, periods), settings.seed)
    cells, joint = pd.DataFrame(verdicts.cells), pd.DataFrame(verdicts.joint)
    ends = {label: target.end for label, target in periods.items()}
    deals = settle(deal_outcomes(said, record, frozenset(periods)), ends)
    summary, scored = summarise(cells, joint, len(settings.weeks), settings.seed), deal_scores(deals)
    return Backtest(
        settings=settings,
        until=last,
        origins=tuple(origins),
        summary=summary,
        cells=cells,
        joint=joint,
        deals=deals,
        deal_scores=scored,
        reliability=reliability_curves(deals),
        ages=by_age(deals),
        mixes=pd.DataFrame(verdicts.partners),
        drift=pit_by_period(cells, FORECAST),
        verdict=verdict(summary, scored),
    )


def truth_of(record: History, said: Sequence[Told], periods: dict[str, Period]) -> Truth:
    """Look up what every node booked in the periods that are over."""
    lines = Lines.of(record)
    nodes = sorted({node for told in said for node in told.nodes}, key=lambda node: (node[0], node[1]))
    labels = list(periods)
    spans = [periods[label] for label in labels]
    starts = day_number(pd.DatetimeIndex([span.start for span in spans]))
    stops = day_number(pd.DatetimeIndex([span.end for span in spans]))
    sums = lines.sums(nodes, starts, stops)
    return {(node, label): float(sums[i, k]) for i, node in enumerate(nodes) for k, label in enumerate(labels)}
