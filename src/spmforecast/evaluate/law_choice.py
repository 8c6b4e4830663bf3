"""Which way of fitting foretells best? Specifications compared by what open deals did next, all within the record.

At each of the last quarter ends before the as-of date the stage process is fitted to what was known then. Every deal
open on that day is followed for a quarter, and the fit is charged the negative log likelihood of what it did: it left
for that stage or outcome on that day, or stayed. That is a proper score of exactly what a forecast of open deals needs:
chances by age in stage and by date. Deals of one quarter share its luck, so differences are judged by quarters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.arrays import Floats, require
from spmforecast.calendar import FiscalCalendar, to_day
from spmforecast.data import History
from spmforecast.models import ModelSpec
from spmforecast.models.process import StageProcess
from spmforecast.models.profiles import Profiles, build_profiles
from spmforecast.models.risksets import CENSORED, Stays, build_stays
from spmforecast.models.transitions import fit_transitions

__all__ = ["HALF_LIVES_TO_TRY", "LAWS_TO_TRY", "LawChoice", "choose_half_life", "choose_law", "stay_scores"]

Ints = npt.NDArray[np.int64]

LAWS_TO_TRY = ("piecewise", "weibull", "log-logistic", "lognormal", "generalized-gamma", "lognormal-cure")
HALF_LIVES_TO_TRY = (math.inf, 8.0, 4.0, 2.0)  # quarters
_TOPIC = "choice of law"
_FEWEST_STAYS = 10


@dataclass(frozen=True)
class LawChoice:
    """The chosen specification and the scores that it was chosen by.

    Parameters
    ----------
    spec : ModelSpec
        The choice.
    table : pandas.DataFrame
        A row for each specification: ``law, score, difference, se, quarters, stays, chosen``; `score` is the mean
        negative log likelihood of a stay (lower is better), `difference` that to the first specification with its
        standard error over quarters. Where half-lives were tried, ``half_life`` stands in place of ``law``.
    """

    spec: ModelSpec
    table: pd.DataFrame

    @property
    def of_decay(self) -> bool:
        """Whether half-lives were compared, and not laws."""
        return "half_life" in self.table

    def told(self) -> str:
        """Say in a sentence what was chosen and why."""
        chosen = self.table[self.table["chosen"]].iloc[0]
        first = self.table.iloc[0]
        about, name = ("Time decay", _decay) if self.of_decay else ("Age in stage", str)
        now, plain = (name(row["half_life" if self.of_decay else "law"]) for row in (chosen, first))
        tried = f"{len(self.table)} ways tried on {chosen['quarters']} quarters and {chosen['stays']:,} stays"
        if chosen["quarters"] == 0:
            return f"{about}: {plain}; the record is too short to compare ways of fitting."
        if now == plain:
            return f"{about}: {plain}; nothing foretold clearly better ({tried})."
        return (
            f"{about}: {now}; its score was better by {-chosen['difference']:.4f} "
            f"± {chosen['se']:.4f} a stay than that of {plain} ({tried})."
        )


def _decay(half_life: float) -> str:
    """Say how fast old records count less."""
    return f"half after {half_life:g} quarters" if math.isfinite(half_life) else "none"


def choose_law(
    history: History,
    as_of: object,
    specs: Sequence[ModelSpec] | None = None,
    quarters: int = 4,
    calendar: FiscalCalendar | None = None,
) -> LawChoice:
    """Choose a specification by its score on the last quarters before a date.

    Parameters
    ----------
    history : History
        The record; nothing dated after `as_of` is looked at.
    as_of : date-like
        Close of the last day that is known.
    specs : sequence of ModelSpec, optional
        The first is the default, kept unless another beats it by more than one standard error of the difference over
        quarters. :data:`LAWS_TO_TRY` where absent.
    quarters : int
        Quarters to look back on; those with fewer than 10 open deals tell nothing.
    calendar : FiscalCalendar, optional
        Decides the quarters.

    Returns
    -------
    LawChoice

    Raises
    ------
    InputError
        If there is no specification to choose, or fewer than two quarters are asked for.
    """
    tried = list(specs) if specs is not None else [ModelSpec(law=law) for law in LAWS_TO_TRY]
    require(len(tried) > 0, _TOPIC, "there is nothing to choose from", "specs")
    require(quarters >= 2, _TOPIC, "at least two quarters are needed to tell chance from merit", "quarters")
    fiscal = calendar if calendar is not None else FiscalCalendar()
    known = history.as_of(to_day(as_of))
    scores = []
    for origin, end in _windows(to_day(as_of), quarters, fiscal):
        row = _scores_at(known, origin, end, tried, fiscal)
        if row is not None:
            scores.append(row)
    return _choice(tried, scores)


def choose_half_life(
    history: History, as_of: object, spec: ModelSpec, quarters: int = 4, calendar: FiscalCalendar | None = None
) -> LawChoice:
    """Choose how fast old records count less: not at all, or half after eight, four or two quarters.

    Parameters
    ----------
    history, as_of, quarters, calendar
        As :func:`choose_law`.
    spec : ModelSpec
        What is fitted else.

    Returns
    -------
    LawChoice
        Its table names the ``half_life`` of each in quarters. None is kept unless another beats it by more than one
        standard error.

    Raises
    ------
    InputError
        If fewer than two quarters are asked for.
    """
    tried = [replace(spec, half_life=quarter) for quarter in HALF_LIVES_TO_TRY]
    choice = choose_law(history, as_of, tried, quarters, calendar)
    table = choice.table.rename(columns={"law": "half_life"}).assign(half_life=HALF_LIVES_TO_TRY)
    return LawChoice(choice.spec, table)


def _windows(as_of: pd.Timestamp, quarters: int, calendar: FiscalCalendar) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Close of the day before each quarter, and its last known day; the newest quarter last."""
    out = []
    end = as_of
    for _ in range(quarters):
        period = calendar.period_of(end, "quarter")
        origin = period.start - pd.Timedelta(days=1)
        out.append((origin, end))
        end = origin
    return out[::-1]


def _scores_at(
    known: History, origin: pd.Timestamp, end: pd.Timestamp, specs: list[ModelSpec], calendar: FiscalCalendar
) -> list[Floats] | None:
    """Scores of every specification for the stays open at an origin; None where too few are."""
    past = known.as_of(origin)
    if past.opportunities.empty:
        return None
    before, after = build_stays(past), build_stays(known.as_of(end))
    if np.count_nonzero(before.open_now) < _FEWEST_STAYS or not (before.to != CENSORED).any():
        return None
    out = []
    for spec in specs:
        profiles = build_profiles(past, before.deals, spec)
        process = fit_transitions(before, profiles, calendar, spec)
        out.append(stay_scores(process, before, profiles, after))
    return out


def stay_scores(process: StageProcess, before: Stays, profiles: Profiles, after: Stays) -> Floats:
    """Negative log likelihood of what each stay did that was open when the process was fitted.

    Parameters
    ----------
    process : StageProcess
        Fitted to `before`.
    before : Stays
        Visits as known at the origin.
    profiles : Profiles
        Profile of each deal of `before`.
    after : Stays
        Visits as known at the end of the window.

    Returns
    -------
    array of float, shape (stays open at the origin that are found again,)
    """
    rows, ends, to = _followed(before, after)
    if len(rows) == 0:
        return np.empty(0)
    days = np.arange(before.today + 1, after.today + 1)
    rhythm = process.rhythm[:, process.types_of(days)]  # (destinations, days)
    profile, stage = profiles.of_deal[before.deal[rows]], before.stage[rows]
    age = days[None] - before.entry[rows][:, None]
    of_age = process.bins.of_age[profiles.table[profile, 0], stage]  # (rows, ages)
    bins = np.take_along_axis(of_age, np.minimum(age, process.bins.cap), axis=1)
    rate = process.intensities()[profile, stage]  # (rows, destinations, bins)
    total = np.zeros(bins.shape)
    for j in range(rate.shape[1]):
        total += np.take_along_axis(rate[:, j], bins, axis=1) * rhythm[j]
    lived = days[None] < ends[:, None]
    log_likelihood = -(total * lived).sum(axis=1)
    left = to != CENSORED
    last = np.minimum(ends - days[0], len(days) - 1)[left]
    own = rate[left, to[left], bins[left, last]] * rhythm[to[left], last]
    whole = np.maximum(total[left, last], 1e-12)
    log_likelihood[left] += np.log(-np.expm1(-whole)) + np.log(np.maximum(own, 1e-12) / whole)
    return np.asarray(-log_likelihood)


def _followed(before: Stays, after: Stays) -> tuple[Ints, Ints, Ints]:
    """Rows open at the origin, the day after which each was watched no more, and where it went."""
    place = {str(name): k for k, name in enumerate(after.deals["opportunity_id"])}
    stage = {name: k for k, name in enumerate(after.stages)}
    visit = {
        (int(d), int(s), int(e)): k
        for k, (d, s, e) in enumerate(zip(after.deal, after.stage, after.entry, strict=True))
    }
    code = {k: i for i, name in enumerate(before.stages) if (k := stage.get(name)) is not None}
    code |= {after.won: before.won, after.lost: before.lost, CENSORED: CENSORED}
    ids = before.deals["opportunity_id"].to_numpy(dtype=object)
    rows, ends, to = [], [], []
    for row in np.flatnonzero(before.open_now):
        name = before.stages[before.stage[row]]
        key = (place.get(str(ids[before.deal[row]]), -1), stage.get(name, -1), int(before.entry[row]))
        found = visit.get(key)
        if found is None or int(after.to[found]) not in code:
            continue  # a stage that nobody had met before cannot be foretold by any of them
        rows.append(row)
        to.append(code[int(after.to[found])])
        ends.append(key[2] + int(after.duration[found]) + (to[-1] == CENSORED))
    return tuple(np.array(part, dtype=np.int64) for part in (rows, ends, to))  # type: ignore[return-value]


def _choice(specs: list[ModelSpec], scores: list[list[Floats]]) -> LawChoice:
    """Compare mean scores by quarter; one standard error decides for the default."""
    if not scores:
        table = pd.DataFrame({"law": [spec.law for spec in specs]})
        table = table.assign(score=np.nan, difference=np.nan, se=np.nan, quarters=0, stays=0)
        return LawChoice(specs[0], table.assign(chosen=[True, *[False] * (len(specs) - 1)]))
    stays = np.array([len(quarter[0]) for quarter in scores], dtype=np.float64)
    means = np.array([[own.mean() for own in quarter] for quarter in scores])
    weight = stays / stays.sum()
    gap = means - means[:, :1]
    difference = weight @ gap
    count = len(stays)
    spread = weight**2 @ (gap - difference) ** 2 * count / max(count - 1, 1)
    se = np.sqrt(spread) if count > 1 else np.full(len(specs), np.inf)
    better = difference + se < 0
    best = int(np.where(better, difference, np.inf).argmin()) if better.any() else 0
    table = pd.DataFrame(
        {
            "law": [spec.law for spec in specs],
            "score": weight @ means,
            "difference": difference,
            "se": se,
            "quarters": count,
            "stays": int(stays.sum()),
            "chosen": np.arange(len(specs)) == best,
        }
    )
    return LawChoice(specs[best], table)
