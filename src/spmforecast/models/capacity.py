"""Rep capacity: who sells at the as-of date, how newcomers ramp, how reps leave and are replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import NONE, History
from spmforecast.data.arrow import codes_of
from spmforecast.data.dimensions import top_parents
from spmforecast.models.ramp import RAMP_MONTHS
from spmforecast.models.risksets import day_number

__all__ = [
    "RAMP_MONTHS",
    "TO_BE_HIRED",
    "Attrition",
    "RepSpans",
    "Roster",
    "Vacancy",
    "build_roster",
    "fit_attrition",
    "places_of",
    "rep_spans",
    "seat_of",
    "tenure_months",
]

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

TO_BE_HIRED = "(to be hired)"
MONTH_DAYS = 30.4375
_ACTIVE_DAYS = 91
_PRIOR_LEAVES, _PRIOR_YEARS = 1.0, 4.0  # one leave in four rep-years, before the data speak
_DEFAULT_BACKFILL_DAYS = 90.0
_NEWCOMER_DAYS = 182
_LONGEST_BACKFILL = 365


@dataclass(frozen=True)
class RepSpans:
    """Days on which each owner was selling, as known at the as-of date.

    Parameters
    ----------
    owners : tuple of str
        All owners of the record.
    start, end : array of int, shape (owners,)
        First and last day known, cut to the record.
    hired : array of int, shape (owners,)
        Day of hire, or a very early day where it is unknown: such owners count as ramped.
    active : array of bool, shape (owners,)
        Selling at the as-of date.
    left : array of bool, shape (owners,)
        Known to have left.
    """

    owners: tuple[str, ...]
    start: Ints
    end: Ints
    hired: Ints
    active: npt.NDArray[np.bool_]
    left: npt.NDArray[np.bool_]

    def tenure_months(self, day: Ints) -> Ints:
        """Whole months since hire, at most :data:`RAMP_MONTHS`, broadcast owners against days."""
        return tenure_months(day - self.hired[:, None])

    def tenure_at(self, owner: Ints, day: Ints) -> Ints:
        """Whole months since hire of some owners on a day each.

        Parameters
        ----------
        owner : array of int, shape (n,)
            Their places among the owners.
        day : array of int, shape (n,)
            Day numbers.

        Returns
        -------
        array of int, shape (n,)
            Between 0 and :data:`RAMP_MONTHS`; a day before the stated hire counts as the first.
        """
        return tenure_months(day - self.hired[owner])


def tenure_months(days: Ints | Array) -> Ints:
    """Whole months of tenure after a number of days, between 0 and :data:`RAMP_MONTHS`; any shape."""
    return np.asarray(np.clip(days // MONTH_DAYS, 0, RAMP_MONTHS), dtype=np.int64)


class Vacancy(NamedTuple):
    """A seat that stands empty: where (``(none)`` where nothing tells), and days until a successor starts."""

    territory: str
    region: str
    days: int


@dataclass(frozen=True)
class Attrition:
    """Constant hazard of leaving, and the delay until a successor starts.

    Parameters
    ----------
    shape, rate : float
        Gamma posterior of the hazard per day; a shape of zero means that leaving is not modelled.
    leaves : int
        Leaves observed.
    backfill_days : float
        Median days from a leave to the successor's start.
    backfills : int
        Successors behind that figure; 0 where it is assumed.
    vacancies : tuple of Vacancy
        Seats that stand empty at the as-of date and will be filled.
    """

    shape: float
    rate: float
    leaves: int
    backfill_days: float
    backfills: int
    vacancies: tuple[Vacancy, ...] = ()

    @property
    def annual(self) -> float:
        """Posterior mean share of reps that leave within a year."""
        return float(-np.expm1(-365.25 * self.shape / self.rate))


@dataclass(frozen=True)
class Roster:
    """Owners that will create deals, with their place in the organisation.

    Parameters
    ----------
    owners : tuple of str
        Owners selling at the as-of date.
    places : pandas.DataFrame
        ``territory_id``, ``region`` and ``manager_id`` of each owner, in the same order.
    hired : array of int, shape (owners,)
        Day of hire.
    """

    owners: tuple[str, ...]
    places: pd.DataFrame
    hired: Ints

    def seats(self, vacancies: Sequence[Vacancy]) -> list[tuple[str, str]]:
        """List the places (territory, region) in which sellers stand or seats are vacant, in order."""
        places = self.places[["territory_id", "region"]].astype(str)
        taken = set(places.itertuples(index=False, name=None))
        known = {territory for territory, _ in taken}
        # Those without a territory are told apart by region alone.
        return sorted(taken | {(at, region) for at, region, _ in vacancies if at == NONE or at not in known})


def seat_of(vacancy: Vacancy, places: Sequence[tuple[str, str]]) -> int | None:
    """Find the place, as :meth:`Roster.seats` lists them, in which a vacancy will be filled."""
    here = [index for index, (territory, _) in enumerate(places) if territory == vacancy.territory]
    exact = [index for index in here if places[index][1] == vacancy.region]
    return next(iter(exact or here), None)


def rep_spans(history: History, deals: pd.DataFrame, first_day: int, today: int) -> RepSpans:
    """Work out from the reps table, or from the deals where it is silent, when each owner was selling.

    Parameters
    ----------
    history : History
        Cut at its as-of date: later hires and leaves are not known.
    deals : pandas.DataFrame
        Deals with ``owner_id`` and ``created_date``.
    first_day, today : int
        The record.

    Returns
    -------
    RepSpans
    """
    code, names = codes_of(deals["owner_id"].astype("str"))
    created = pd.Series(day_number(deals["created_date"])).groupby(code)
    first, last = (ends.set_axis([names[k] for k in ends.index]) for ends in (created.min(), created.max()))
    reps = history.current_reps()
    owners = tuple(sorted({*names, *map(str, reps.index)}))
    listed = np.array([owner in reps.index for owner in owners], dtype=bool)
    hire = reps["hire_date"].reindex(owners)
    leave = reps["end_date"].reindex(owners)
    known_hire, known_leave = hire.notna().to_numpy(), leave.notna().to_numpy()
    earliest = min(first_day, int(created.min().min())) if len(names) else first_day
    long_ago = earliest - int(MONTH_DAYS * (RAMP_MONTHS + 1))
    hired = np.where(known_hire, day_number(hire), long_ago)
    first_deal = first.reindex(owners).fillna(today).to_numpy(dtype=np.int64)
    last_deal = last.reindex(owners).fillna(first_day - 1).to_numpy(dtype=np.int64)
    recent = last_deal > today - min(_ACTIVE_DAYS, max((today - first_day) // 2, 1))
    # Somebody who is listed, never created a deal and is no newcomer (a manager, say) does not sell.
    newcomer = known_hire & (hired > today - _NEWCOMER_DAYS)
    active = np.where(listed, ~known_leave & (newcomer | (last_deal >= first_day)), recent)
    end = np.where(active, today, np.where(known_leave, day_number(leave), last_deal))
    start = np.maximum(np.where(known_hire, hired, np.where(listed, first_day, first_deal)), first_day)
    left = listed & known_leave & (day_number(leave) >= first_day)
    # An owner who created deals before the stated hire date was there.
    start = np.minimum(start, np.maximum(first_deal, first_day))
    return RepSpans(owners, start, np.maximum(end, start - 1), hired, active.astype(bool), left)


def build_roster(places: pd.DataFrame, spans: RepSpans) -> Roster:
    """List the owners that sell at the as-of date and where they stand.

    Parameters
    ----------
    places : pandas.DataFrame
        Where all owners stand, from :func:`places_of`.
    spans : RepSpans
        Who is active.

    Returns
    -------
    Roster
    """
    owners = _active(spans)
    return Roster(owners, places.loc[list(owners)], spans.hired[spans.active])


def places_of(history: History, deals: pd.DataFrame, owners: Sequence[str]) -> pd.DataFrame:
    """Tell where owners stand: as listed, or as their deals usually do.

    Parameters
    ----------
    history : History
        Cut at its as-of date.
    deals : pandas.DataFrame
        Deals with resolved dimensions; they tell where those stand of whom the table of reps does not.
    owners : sequence of str
        Whom to tell of.

    Returns
    -------
    pandas.DataFrame
        ``territory_id``, ``region`` and ``manager_id`` of each, indexed by owner.
    """
    listed = history.current_reps()[["territory_id", "manager_id"]].astype(object).reindex(list(owners))
    listed["region"] = listed["territory_id"].map(top_parents(history.territories)).astype(object)
    places = pd.DataFrame(index=list(owners))
    owner = codes_of(deals["owner_id"].astype("str"))
    for column in ("territory_id", "region", "manager_id"):
        usual = _most_common(owner, deals[column]).astype(object)
        usual = usual.where(usual != NONE).reindex(list(owners)).astype(object)
        places[column] = listed[column].fillna(usual)
    # Without a table of territories, a territory lies where its deals do; failing that it is a top itself.
    placed = (deals["region"] != NONE).to_numpy()
    of_territory = _most_common(codes_of(deals["territory_id"][placed].astype("str")), deals["region"][placed])
    by_territory = places["territory_id"].map(of_territory).astype(object)
    places["region"] = places["region"].fillna(by_territory).fillna(places["territory_id"])
    return places.fillna(NONE)


def _most_common(group: tuple[npt.NDArray[np.int32], tuple[str, ...]], value: pd.Series) -> pd.Series:
    """Return the most common value of each group, the first by alphabet among equals; indexed by group."""
    (of, groups), (code, values) = group, codes_of(value.astype("str"))
    known = (of >= 0) & (code >= 0)
    pair = of[known].astype(np.int64) * len(values) + code[known]
    if not len(pair):
        return pd.Series([], dtype=object)
    few = len(groups) * len(values) <= 4 * len(pair)
    count = np.bincount(pair) if few else np.empty(0, dtype=np.int64)
    cell, count = (np.flatnonzero(count), count[count > 0]) if few else np.unique(pair, return_counts=True)
    order = np.lexsort((cell, -count, cell // len(values)))
    best = cell[order[np.append(True, np.diff(cell[order] // len(values)) > 0)]]
    return pd.Series([values[k] for k in best % len(values)], index=[groups[k] for k in best // len(values)])


def fit_attrition(history: History, deals: pd.DataFrame, spans: RepSpans, places: pd.DataFrame) -> Attrition:
    """Estimate the hazard of leaving and the delay of successors.

    Parameters
    ----------
    history : History
        Cut at its as-of date.
    deals : pandas.DataFrame
        Deals, which tell who sells.
    spans : RepSpans
        Days of service; reps still here are censored.
    places : pandas.DataFrame
        Where all owners stand, from :func:`places_of`.

    Returns
    -------
    Attrition
        With shape zero where the record holds no leave at all: then leaving is not tracked.
    """
    leaves = int(spans.left.sum())
    if leaves == 0:
        return Attrition(0.0, 1.0, 0, _DEFAULT_BACKFILL_DAYS, 0)
    days = float(np.maximum(spans.end - spans.start + 1, 0).sum())
    lags, unfilled = _backfills(_seats(history, deals, spans, places))
    enough = len(lags) >= 3
    delay = float(np.median(lags)) if enough else _DEFAULT_BACKFILL_DAYS
    return Attrition(
        shape=_PRIOR_LEAVES + leaves,
        rate=_PRIOR_YEARS * 365.25 + days,
        leaves=leaves,
        backfill_days=delay,
        backfills=len(lags) if enough else 0,
        vacancies=_vacancies(unfilled, history.known_at, delay),
    )


def _seats(history: History, deals: pd.DataFrame, spans: RepSpans, places: pd.DataFrame) -> pd.DataFrame:
    """List hires and leaves with the place of each rep; those without a territory are one team."""
    reps = history.current_reps()[["hire_date", "end_date", "territory_id"]]
    sells = reps.index.isin([*deals["owner_id"].astype(str).unique(), *_active(spans)])
    # A manager who has no territory and never sold leaves no seat behind.
    reps = reps[sells | reps["territory_id"].notna().to_numpy()]
    here = places.loc[reps.index.astype(str)]
    return reps.assign(territory_id=here["territory_id"].to_numpy(), region=here["region"].to_numpy())


def _active(spans: RepSpans) -> tuple[str, ...]:
    return tuple(owner for owner, active in zip(spans.owners, spans.active, strict=True) if active)


def _backfills(teams: pd.DataFrame) -> tuple[list[float], list[tuple[str, str, pd.Timestamp]]]:
    """Match each leave with the next hire in its territory within a year; also list the leaves that have none."""
    lags, unfilled = [], []
    for territory, team in teams.groupby("territory_id"):
        hires = sorted(team["hire_date"].dropna())
        for leave, region in team[["end_date", "region"]].dropna().sort_values("end_date").itertuples(index=False):
            later = [hire for hire in hires if leave <= hire <= leave + pd.Timedelta(days=_LONGEST_BACKFILL)]
            if later:
                hires.remove(later[0])
                lags.append(float((later[0] - leave).days))
            else:
                unfilled.append((str(territory), str(region), leave))
    return lags, unfilled


def _vacancies(
    unfilled: list[tuple[str, str, pd.Timestamp]], today: pd.Timestamp | None, delay: float
) -> tuple[Vacancy, ...]:
    """Seats left lately: their successors are still to come. A seat left long ago is taken as given up."""
    out = []
    for territory, region, leave in unfilled:
        waited = (today - leave).days if today is not None else 0
        if waited <= 3 * delay:
            out.append(Vacancy(territory, region, max(round(delay - waited), round(delay / 3))))
    return tuple(out)
