"""Scorecards: for each rep the pyramid from drivers (activities) over indicators (rates) to objectives (bookings)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.data.ids import rows_of
from spmforecast.models.ramp import RAMP_MONTHS
from spmforecast.scenario.nodes import node_draws
from spmforecast.scenario.scorecards.basis import OTHERS, Basis
from spmforecast.scenario.scorecards.board import tenure_months
from spmforecast.simulate import Forecast

__all__ = ["quota_of", "rep_draws_of", "scorecard_table"]

Array = npt.NDArray[np.float64]

_WEEKS_DAYS = 28
_CENT = 0.005
_RECORDED, _PROPOSED, _SHARE = "recorded", "proposed", "share of the plan"


def scorecard_table(basis: Basis, breaches: pd.DataFrame) -> pd.DataFrame:
    """Put each rep's figures side by side; a last row holds what owners booked who no longer sell.

    Parameters
    ----------
    basis : Basis
        What all rests on.
    breaches : pandas.DataFrame
        Open deals beyond their stage's healthy time.

    Returns
    -------
    pandas.DataFrame
        A row for each rep; columns are described with ``scorecards.csv``. Bookings add up to the forecast's.
    """
    parts = [_who(basis), _activities(basis), _deals_created(basis), _win_rates(basis), _cycles(basis)]
    parts += [_pipeline(basis, breaches), _discounts(basis)]
    booked = _booked(basis)
    table = pd.concat([*parts, booked.iloc[:-1].reset_index(drop=True), _forecast(basis)], axis=1)
    table = pd.concat([table, _coverage(basis, table)], axis=1)
    others = {"rep_id": OTHERS, "name": "", **booked.iloc[-1].to_dict()}
    return pd.concat([table, pd.DataFrame([others])], ignore_index=True)[list(table.columns)]


def _who(basis: Basis) -> pd.DataFrame:
    reps = basis.model.history.current_reps().reindex(list(basis.reps))
    places, model = basis.model.roster.places, basis.model
    tenure = tenure_months(basis, reps["hire_date"])
    level = model.booking_ramp[np.clip(np.nan_to_num(tenure, nan=RAMP_MONTHS), 0, RAMP_MONTHS).astype(np.int64)]
    return pd.DataFrame(
        {
            "rep_id": list(basis.reps),
            "name": reps["name"].astype(object).fillna("").astype(str).to_numpy(),
            "role": reps["role"].astype(object).fillna("").astype(str).to_numpy(),
            "manager_id": places["manager_id"].astype(str).to_numpy(),
            "territory_id": places["territory_id"].astype(str).to_numpy(),
            "region": places["region"].astype(str).to_numpy(),
            "tenure_months": tenure,
            "ramp": np.minimum(level, 1.0),
        }
    )


def _activities(basis: Basis) -> pd.DataFrame:
    """Count activities by type in the period so far and in the last four weeks; nothing where none is recorded."""
    log = basis.model.history.activities
    out = {}
    day = np.asarray(log["date"], dtype="datetime64[D]").astype(np.int64)
    kind = log["type"].astype(str).to_numpy(dtype=object)
    rep = log["rep_id"].astype(object).to_numpy(dtype=object)
    for name in sorted(set(kind)):
        for span, first in (("period", basis.period_start), ("4w", basis.today - _WEEKS_DAYS + 1)):
            rows = (kind == name) & (day >= first)
            out[f"{name}_{span}"] = basis.by_rep(rep[rows])
    return pd.DataFrame(out, index=range(len(basis.reps)))


def _deals_created(basis: Basis) -> pd.DataFrame:
    spans = {
        "period": basis.period_start,
        "4w": basis.today - _WEEKS_DAYS + 1,
        "year": basis.before + 1,
    }
    made = {f"deals_created_{name}": basis.by_rep(basis.owner[basis.created >= day]) for name, day in spans.items()}
    return pd.DataFrame(made)


def _win_rates(basis: Basis) -> pd.DataFrame:
    """Chance of each rep's new deals to be won: as their segments and sizes are, times the rep's own multiplier."""
    model, pool = basis.model, basis.model.rep_wins
    chance = basis.passing.of_profile[model.profiles.of_deal]
    count, total = basis.by_rep(basis.owner), basis.by_rep(basis.owner, chance)
    usual = float(chance.mean())
    mix = np.divide(total, count, out=np.full(len(count), usual), where=count > 0)
    at = rows_of(pd.Series(basis.reps, dtype="str"), pd.Series(model.creation.owners, dtype="str"))
    low, high = (pool.quantile(np.full(pool.observed.shape, q))[at] for q in (0.05, 0.95))
    return pd.DataFrame(
        {
            "win_rate": np.minimum(mix * pool.mean[at], 1.0),
            "win_rate_low": np.minimum(mix * low, 1.0),
            "win_rate_high": np.minimum(mix * high, 1.0),
            "win_rate_deals": count,
            "win_rate_wins": pool.observed[at],
            "win_rate_shrinkage": pool.shrinkage[at],
        }
    )


def _cycles(basis: Basis) -> pd.DataFrame:
    """Median days from creation to win of the deals won in the last year, by owner."""
    rows = (basis.status == "won") & (basis.closed > basis.before)
    days = pd.Series((basis.closed - basis.created)[rows].astype(np.float64))
    found = days.groupby(basis.owner[rows]).agg(["median", "size"]).reindex(list(basis.reps))
    return pd.DataFrame(
        {"cycle_days": found["median"].to_numpy(), "cycle_deals": found["size"].fillna(0).to_numpy(dtype=np.float64)}
    )


def _pipeline(basis: Basis, breaches: pd.DataFrame) -> pd.DataFrame:
    deals = _open_deals(basis)
    return pd.DataFrame(
        {
            "open_deals": basis.by_rep(deals["owner_id"]),
            "open_amount": np.round(basis.by_rep(deals["owner_id"], deals["worth"]), 2),
            "open_expected": basis.by_rep(deals["owner_id"], deals["expected_amount"]),
            "over_limit": basis.by_rep(breaches["owner_id"]),
        }
    )


def _open_deals(basis: Basis) -> pd.DataFrame:
    """Return the open deals with what each is worth if won: its amount, or what the forecast takes for it."""
    deals = basis.result.forecast.deals
    assert deals is not None
    chance = deals["p_win"].to_numpy(dtype=np.float64)
    taken = np.divide(
        deals["expected_amount"].to_numpy(dtype=np.float64), chance, out=np.zeros(len(deals)), where=chance > 0
    )
    return deals.assign(worth=deals["amount"].astype("float64").fillna(pd.Series(taken, index=deals.index)))


def _discounts(basis: Basis) -> pd.DataFrame:
    """Mean discount of the deals won in the last year of which one is known."""
    discount = basis.model.deals["discount"].to_numpy(dtype=np.float64, na_value=np.nan)
    rows = (basis.status == "won") & (basis.closed > basis.before) & np.isfinite(discount)
    count, total = basis.by_rep(basis.owner[rows]), basis.by_rep(basis.owner[rows], discount[rows])
    mean = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return pd.DataFrame({"discount": mean, "discount_deals": count})


def _booked(basis: Basis) -> pd.DataFrame:
    """Bookings so far, of each rep and at last of all others, from the forecast's own cells."""
    forecast = basis.result.forecast
    won = (forecast.cells["part"] == "won").to_numpy(dtype=bool)
    cells, amount = forecast.cells[won], forecast.draws[0, won]
    year = cells["period"].astype(str).map(forecast.calendar.year_of) == basis.year
    spans = {
        "booked_period": (cells["period"].astype(str) == basis.period).to_numpy(),
        "booked_year": year.to_numpy(dtype=bool),
    }
    out = {}
    for name, rows in spans.items():
        own = np.round(basis.by_rep(cells["owner_id"][rows].astype(str), amount[rows]), 2)
        out[name] = np.append(own, np.round(amount[rows].sum() - own.sum(), 2) + 0.0)
    return pd.DataFrame(out)


def quota_of(basis: Basis, period: str) -> tuple[Array, list[str]]:
    """Quota of each rep in a period, NaN where there is none, and where it comes from.

    Recorded quotas come first: that of the period, else the sum of those of the periods within it that are all there.
    Where none is recorded, one that the scenario proposes stands in.
    """
    book, calendar = basis.model.history.quotas, basis.model.calendar
    known: dict[str, float] = {}
    if len(book):
        labels = book["period"].astype(str)
        own = book[(labels == period).to_numpy()]
        if own.empty:
            own = _whole_of_parts(book[[calendar.contains(period, one) for one in labels]], period, calendar)
        known = {str(rep): float(total) for rep, total in own.groupby("rep_id")["quota"].sum().items()}
    proposed: dict[str, float] = {}
    if basis.result.quotas is not None:
        table = basis.result.quotas.table
        rows = table[(table["period"].astype(str) == period).to_numpy()]
        proposed = dict(zip(rows["rep_id"].astype(str), rows["quota"].astype(float), strict=True))
    value = np.array([known.get(rep, proposed.get(rep, np.nan)) for rep in basis.reps], dtype=np.float64)
    source = [_RECORDED if rep in known else _PROPOSED if rep in proposed else "" for rep in basis.reps]
    return value, source


def _whole_of_parts(book: pd.DataFrame, period: str, calendar: FiscalCalendar) -> pd.DataFrame:
    """Keep the quotas of reps who have one for each of the shorter periods, of one length, within a period."""
    if book.empty:
        return book
    kind = book["period"].astype(str).map(calendar.kind)
    book = book[(kind == kind.iloc[0]).to_numpy()]
    whole = calendar.period(period)
    parts = len(calendar.periods(whole.start, whole.end, kind.iloc[0]))
    return book[(book.groupby("rep_id")["period"].transform("nunique") == parts).to_numpy()]


def rep_draws_of(basis: Basis, period: str) -> Array:
    """Bookings of each rep in a period, trial by trial, in whole cents; shape (trials, reps)."""
    forecast: Forecast = basis.result.forecast
    groups, draws = node_draws(forecast, "owner_id")
    rows = np.flatnonzero((groups["period"] == period).to_numpy())
    at = dict(zip(groups["node"].iloc[rows].astype(str), rows, strict=True))
    out = np.zeros((forecast.trials, len(basis.reps)))
    for place, rep in enumerate(basis.reps):
        if rep in at:
            out[:, place] = draws[:, at[rep]]
    return out


def _forecast(basis: Basis) -> pd.DataFrame:
    done, done_from = quota_of(basis, basis.period)
    quota, source = quota_of(basis, basis.ahead)
    draws = rep_draws_of(basis, basis.ahead)
    p10, p50, p90 = np.quantile(draws, [0.1, 0.5, 0.9], axis=0)
    # A quota of nothing is reached by doing nothing: that says nothing of anybody.
    reached = np.where(np.nan_to_num(quota) > 0, (draws >= quota - _CENT).mean(axis=0), np.nan)
    booked = _booked(basis)["booked_period"].to_numpy()[:-1]
    out = {
        "quota_period": np.where(np.array(done_from) == _RECORDED, done, np.nan),
        "forecast_mean": draws.mean(axis=0),
        "p10": p10,
        "p50": p50,
        "p90": p90,
        "quota": quota,
        "quota_from": source,
        "p_quota": reached,
    }
    out["attainment_period"] = np.divide(
        booked, out["quota_period"], out=np.full(len(booked), np.nan), where=np.nan_to_num(out["quota_period"]) > 0
    )
    return pd.DataFrame(out)


def _coverage(basis: Basis, table: pd.DataFrame) -> pd.DataFrame:
    """Open pipeline over what is left to be booked, and the coverage that is needed at the company's rates.

    What is left is the rep's quota less what is booked; without a quota the rep's share of the company's plan, as the
    forecast shares bookings out. Of every unit of open pipeline the company books `yield` in the period, and of what is
    still to come in it a share `new` is from deals not yet created: so ``(1 - new) / yield`` units of pipeline are
    needed for each unit that is left.
    """
    result, period = basis.result, basis.ahead
    booked = table["booked_period"].to_numpy(dtype=np.float64) if period == basis.period else np.zeros(len(table))
    quota, mean = table["quota"].to_numpy(dtype=np.float64), table["forecast_mean"].to_numpy(dtype=np.float64)
    plan, source = result.plan.target(period), table["quota_from"].to_numpy(dtype=object)
    if plan is not None:
        whole = float(result.forecast.period_draws(period).mean())
        share = mean / whole if whole > 0 else np.zeros(len(mean))
        source = np.where(np.isnan(quota), _SHARE, source)
        quota = np.where(np.isnan(quota), plan * share, quota)
    left = np.maximum(quota - booked, 0.0)
    over = np.divide(
        table["open_amount"].to_numpy(dtype=np.float64), left, out=np.full(len(left), np.nan),
        where=np.nan_to_num(left) > 0,
    )  # fmt: skip
    return pd.DataFrame({"left": left, "left_from": source, "coverage": over, "coverage_needed": _needed(basis)})


def _needed(basis: Basis) -> float:
    deals, forecast = _open_deals(basis), basis.result.forecast
    expected, worth = float(deals[f"expected_{basis.ahead}"].sum()), float(deals["worth"].sum())
    if expected <= 0 or worth <= 0:
        return float("nan")
    cells = forecast.cells
    new = ((cells["part"] == "new") & (cells["period"].astype(str) == basis.ahead)).to_numpy(dtype=bool)
    coming = float(forecast.draws[:, new].sum(axis=1).mean())
    return (1.0 - coming / (coming + expected)) / (expected / worth)
