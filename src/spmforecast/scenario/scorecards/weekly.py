"""The weekly review: what each rep did in the last full week, against targets that are given or proposed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models.risksets import day_number
from spmforecast.scenario.scorecards.basis import Basis

__all__ = ["Week", "week_of", "weekly_table"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FEW = 3  # ramped reps below whom a median of them says little
_WITHOUT_PROPOSAL = ("deals_won", "bookings")
_RARE = 0.5  # a week, below which a single week says nothing
_TOO_RARE = "too rare for a week"


@dataclass(frozen=True)
class Week:
    """A week from Monday to Sunday, by day numbers."""

    first: int
    last: int

    @property
    def label(self) -> str:
        """Its Monday, ISO 8601."""
        return str(np.datetime64(self.first, "D"))


def week_of(basis: Basis) -> Week:
    """Return the last week that was over at the close of the as-of day."""
    day = basis.today
    last = day - (day + 4) % 7  # 1970-01-01 was a Thursday, so day 3 was a Sunday
    return Week(last - 6, last)


def weekly_table(basis: Basis, cards: pd.DataFrame) -> pd.DataFrame:
    """Hold each rep's last full week against its targets.

    Parameters
    ----------
    basis : Basis
        What all rests on.
    cards : pandas.DataFrame
        Scorecards: quota, chance to win and ramp of each rep.

    Returns
    -------
    pandas.DataFrame
        ``rep_id, week, measure, done, target, target_from, met, usual``: `week` is its Monday, `usual` the rep's own
        weekly mean of the weeks before. Targets come from the scenario; else deals to create from what the quota takes
        at the rep's own chance to win and usual amount; else from the median of the ramped reps' weekly means, times
        the rep's ramp. Proposals are whole numbers; what happens less than once in two weeks gets none.
    """
    week, pace = week_of(basis), basis.keys.pace_weeks
    done = _counts(basis, week.first, week.last)
    long = _counts(basis, week.first - 7 * pace, week.first - 1)
    weeks = _weeks_there(basis, week, pace)
    ramp = cards["ramp"].to_numpy(dtype=np.float64)[: len(basis.reps)]
    rows = []
    for measure, now in done.items():
        usual = np.divide(long[measure], weeks, out=np.full(len(weeks), np.nan), where=weeks > 0)
        target, source = _target(basis, measure, usual, ramp, cards)
        for at, rep in enumerate(basis.reps):
            rows.append(
                {
                    "rep_id": rep,
                    "week": week.label,
                    "measure": measure,
                    "done": now[at],
                    "target": target[at],
                    "target_from": source[at],
                    "met": "" if np.isnan(target[at]) else "yes" if now[at] >= target[at] else "no",
                    "usual": usual[at],
                }
            )
    columns = ["rep_id", "week", "measure", "done", "target", "target_from", "met", "usual"]
    return pd.DataFrame(rows, columns=columns).sort_values("rep_id", kind="stable").reset_index(drop=True)


def _counts(basis: Basis, first: int, last: int) -> dict[str, Array]:
    """Count what each rep did from one day to another, by measure."""
    log = basis.model.history.activities
    day = np.asarray(log["date"], dtype="datetime64[D]").astype(np.int64)
    kind, rep = log["type"].astype(str).to_numpy(dtype=object), log["rep_id"].astype(object).to_numpy(dtype=object)
    inside = (day >= first) & (day <= last)
    out = {name: basis.by_rep(rep[inside & (kind == name)]) for name in sorted(set(kind))}
    made = (basis.created >= first) & (basis.created <= last)
    out["deals_created"] = basis.by_rep(basis.owner[made])
    if len(basis.model.stays.stages) > 1:
        qualified = _qualified_on(basis)
        out["deals_qualified"] = basis.by_rep(basis.owner[(qualified >= first) & (qualified <= last)])
    credits = basis.credits
    rows = credits["day"].between(first, last).to_numpy()
    out["deals_won"] = basis.by_rep(credits["owner_id"][rows & credits["lead"].to_numpy(dtype=bool)])
    out["bookings"] = np.round(basis.by_rep(credits["owner_id"][rows], credits["amount"][rows]), 2)
    return out


def _qualified_on(basis: Basis) -> Ints:
    """Day on which each deal first stood beyond the first stage; -1 where it never did."""
    stays = basis.model.stays
    rows = np.flatnonzero(stays.stage > 0)
    out = np.full(len(basis.created), np.iinfo(np.int64).max)
    np.minimum.at(out, stays.deal[rows], stays.entry[rows])
    return np.where(out == np.iinfo(np.int64).max, -1, out)


def _weeks_there(basis: Basis, week: Week, pace: int) -> Array:
    """Weeks before the last one that each rep was at work."""
    hired = basis.model.history.current_reps()["hire_date"].reindex(list(basis.reps))
    begun = np.where(hired.isna(), np.iinfo(np.int32).min, day_number(hired))
    record = basis.before if basis.days < 7 * pace else np.iinfo(np.int32).min
    first = np.maximum(np.maximum(begun, record + 1), week.first - 7 * pace)
    return np.asarray(np.maximum(week.first - first, 0) / 7.0)


def _target(basis: Basis, measure: str, usual: Array, ramp: Array, cards: pd.DataFrame) -> tuple[Array, list[str]]:
    """Take a measure's target from the scenario, else propose one; NaN where neither is to be had."""
    size = len(usual)
    given = {str(name): value for name, value in basis.keys.targets.items()}
    if measure in given:
        return np.full(size, given[measure]), ["given"] * size
    if measure in _WITHOUT_PROPOSAL:
        return np.full(size, np.nan), [""] * size
    ramped = (ramp >= 1.0) & np.isfinite(usual)
    several = ramped if ramped.sum() >= _FEW else np.isfinite(usual)
    whom = "median of ramped reps" if ramped.sum() >= _FEW else "median of the team"
    pace = float(np.median(usual[several])) if several.any() else np.nan
    target, source = pace * ramp, [whom] * size
    if measure == "deals_created":
        needed = _needed(basis, cards)
        source = [f"needed for the {by} quota" if n > 0 else said for n, by, said in
                  zip(np.nan_to_num(needed), cards["quota_from"], source, strict=False)]  # fmt: skip
        target = np.where(np.nan_to_num(needed) > 0, needed, target)
    known = np.isfinite(target) & (target > 0)
    whole = np.where(known & (target >= _RARE), np.floor(np.nan_to_num(target) + 0.5), np.nan)
    said = [
        one if here and not np.isnan(value) else _TOO_RARE if here else ""
        for one, here, value in zip(source, known, whole, strict=True)
    ]
    return whole, said


def _needed(basis: Basis, cards: pd.DataFrame) -> Array:
    """Deals a week that carry a rep's quota in the long run: quota a week over what a new deal is worth."""
    own = cards.iloc[: len(basis.reps)]
    weeks = basis.model.calendar.period(basis.ahead).days / 7.0
    credits = basis.credits[(basis.credits["day"] > basis.before).to_numpy()]
    whole = float(credits["amount"].sum()) / max(float(credits["lead"].sum()), 1.0)
    won = basis.by_rep(credits["owner_id"][credits["lead"].to_numpy(dtype=bool)])
    booked = basis.by_rep(credits["owner_id"], credits["amount"])
    # A rep's own mean amount counts as ten wins of the company's do.
    usual = (booked + 10.0 * whole) / (won + 10.0)
    worth = own["win_rate"].to_numpy(dtype=np.float64) * usual
    quota = own["quota"].to_numpy(dtype=np.float64)
    return np.asarray(np.divide(quota / weeks, worth, out=np.full(len(own), np.nan), where=worth > 0))
