"""From a scenario to its scorecards, and the folder that they leave."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.models import FittedPipeline
from spmforecast.models.passing import passing
from spmforecast.scenario.against_data import load_or_tell_all, telling_all
from spmforecast.scenario.folder import defused, new_folder, rounded
from spmforecast.scenario.keys import TerritoryKeys
from spmforecast.scenario.prepare import Progress, prepare
from spmforecast.scenario.run import RunResult, run_scenario
from spmforecast.scenario.schema import Scenario
from spmforecast.scenario.scorecards.actions import action_table, well_table
from spmforecast.scenario.scorecards.basis import Basis
from spmforecast.scenario.scorecards.board import leaderboard
from spmforecast.scenario.scorecards.bottleneck import Bottleneck, bottleneck, mend_table
from spmforecast.scenario.scorecards.cards import scorecard_table
from spmforecast.scenario.scorecards.notes import notes
from spmforecast.scenario.scorecards.pyramid import measure_table
from spmforecast.scenario.scorecards.river import breach_table, river_table, stage_targets
from spmforecast.scenario.scorecards.team import team_table
from spmforecast.scenario.scorecards.weekly import week_of, weekly_table

__all__ = ["FACTS", "Scorecards", "answer", "scorecards"]

FACTS = "scorecards.json"


@dataclass(frozen=True)
class Scorecards:
    """River, cards, leaderboard and weekly reviews of a scenario.

    Parameters
    ----------
    result : RunResult
        The forecast that they rest on.
    river, mends, breaches, scorecards, measures, leaderboard, weekly, actions, well, team : pandas.DataFrame
        The tables, as the files of those names hold them.
    bottleneck : Bottleneck
        The stage that is worth mending most, with the reason.
    facts : dict
        Days, periods and notes.
    """

    result: RunResult
    river: pd.DataFrame
    mends: pd.DataFrame
    breaches: pd.DataFrame
    scorecards: pd.DataFrame
    measures: pd.DataFrame
    leaderboard: pd.DataFrame
    weekly: pd.DataFrame
    actions: pd.DataFrame
    well: pd.DataFrame
    team: pd.DataFrame
    bottleneck: Bottleneck
    facts: dict[str, Any]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        return tuple(self.facts["notes"])

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables by file name without ``.csv``."""
        return {
            "river": self.river,
            "mends": self.mends,
            "breaches": self.breaches,
            "scorecards": self.scorecards,
            "scorecard_measures": self.measures,
            "leaderboard": self.leaderboard,
            "weekly": self.weekly,
            "actions": self.actions,
            "well": self.well,
            "team": self.team,
        }

    def save(self, folder: str | Path) -> Path:
        """Write the folder, whole or not at all.

        Parameters
        ----------
        folder : path or str
            Where it is to stand; older scorecards of the same scenario are replaced.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If something else stands there.
        """
        with new_folder(folder, self.facts["name"], FACTS) as draft:
            self.write(draft)
        return Path(folder)

    def write(self, folder: Path) -> None:
        """Write the files into an empty folder."""
        for name, table in self.tables().items():
            defused(rounded(table)).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
        text = json.dumps(self.facts, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / FACTS).write_text(text + "\n", encoding="utf-8")

    def _repr_html_(self) -> str:
        from spmforecast.display import card

        facts = {"as of": self.facts["as_of"], "bottleneck": self.bottleneck.stage or "none stands out"}
        shown = self.leaderboard[["rep_id", "rank", "bookings", "rank_adjusted", "index"]]
        return card(f"Scorecards: {self.facts['name']}", facts, shown)


def scorecards(
    scenario: str | Path,
    as_of: object = None,
    trials: int | None = None,
    seed: int | None = None,
    jobs: int = 1,
    strict: bool = False,
    progress: Progress | None = None,
) -> Scorecards:
    """Draw the river of a scenario's pipeline, each rep's scorecard and weekly review, and the leaderboard.

    Parameters
    ----------
    scenario : path or str
        A YAML file; its key ``scorecards`` may give targets.
    as_of : date-like, optional
        Instead of the file's. Nothing dated later is looked at.
    trials, seed : int, optional
        Instead of the file's.
    jobs : int
        Processes for the simulations; they change no figure.
    strict : bool
        Bear no rejected row.
    progress : callable, optional
        Called with the step, what is done and what there is to do.

    Returns
    -------
    Scorecards

    Raises
    ------
    InputError
        If scenario or data are wrong, or the history holds bookings without deals.
    """
    overrides = {"as_of": None if as_of is None else str(as_of)[:10], "trials": trials, "seed": seed}
    return answer(load_or_tell_all(scenario, overrides, strict), jobs, strict, progress)


def answer(scenario: Scenario, jobs: int = 1, strict: bool = False, progress: Progress | None = None) -> Scorecards:
    """Answer a scenario that is already checked; see :func:`scorecards`."""
    told = progress or (lambda *_: None)
    asked = _plain(scenario)
    with telling_all([scenario], strict):
        ready = prepare(asked, jobs, strict, told)
    if not isinstance(ready.model, FittedPipeline):
        told_so = "scorecards need deals, and the history holds bookings alone: nothing says what passed which stage"
        raise InputError(Problem("opportunities", told_so, "Add a table of opportunities, or use `spmforecast run`."))
    result = run_scenario(asked, jobs, strict, told, ready)
    return _put_together(Basis(result, ready.model, passing(ready.model)), jobs, told)


def _plain(scenario: Scenario) -> Scenario:
    """Leave out what the cards do not need: hiring, other maps and pay."""
    quotas = scenario.keys.quotas
    cheap = None if quotas is None else quotas.model_copy(update={"compare": ()})
    without = {"hiring": None, "territories": TerritoryKeys(), "compensation": None, "quotas": cheap}
    return replace(scenario, keys=scenario.keys.model_copy(update=without))


def _put_together(basis: Basis, jobs: int, told: Progress) -> Scorecards:
    targets = stage_targets(basis)
    river, breaches = river_table(basis, targets), breach_table(basis, targets)
    mends, apart = mend_table(basis, jobs, lambda done, wanted: told("mend", done, wanted))
    cards = scorecard_table(basis, breaches)
    weekly, actions = weekly_table(basis, cards), action_table(basis, breaches)
    found = bottleneck(basis, river, mends, apart)
    return Scorecards(
        result=basis.result,
        river=river,
        mends=mends,
        breaches=breaches,
        scorecards=cards,
        measures=measure_table(cards, basis.result.scenario),
        leaderboard=leaderboard(basis),
        weekly=weekly,
        actions=actions,
        well=well_table(basis, weekly, week_of(basis)),
        team=team_table(basis, cards, actions, weekly),
        bottleneck=found,
        facts=_facts(basis, found, cards),
    )


def _facts(basis: Basis, found: Bottleneck, cards: pd.DataFrame) -> dict[str, Any]:
    result = basis.result
    keys, week = result.scenario.keys, week_of(basis)
    needed = float(cards["coverage_needed"].iloc[0]) if len(cards) > 1 else math.nan
    return {
        "kind": "scorecards",
        "name": keys.name,
        "version": metadata.version("spmforecast"),
        "seed": keys.simulate.seed,
        "trials": result.forecast.trials,
        "as_of": str(keys.as_of),
        "until": str(keys.until),
        "currency": keys.currency,
        "since": str((pd.Timestamp(0) + pd.Timedelta(days=basis.before + 1)).date()),
        "days": basis.days,
        "period": basis.period,
        "period_ahead": basis.ahead,
        "fiscal_year": basis.year,
        "week": week.label,
        "stages": list(basis.model.stays.stages),
        "coverage_needed": None if math.isnan(needed) else round(needed, 4),
        "bottleneck": {"stage": found.stage, "way": found.way, "reason": found.reason},
        "moved_on": keys.scorecards.moved_on,
        "pace_weeks": keys.scorecards.pace_weeks,
        "notes": notes(basis),
        "warnings": list(result.warnings),
    }
