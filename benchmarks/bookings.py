"""Forecasts from bookings alone against what followed, and against what simpler forecasts would have said.

python benchmarks/bookings.py tests/real/adventureworks/scenario.yaml
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

import spmforecast as spm
from spmforecast.models import BookingsModel
from spmforecast.scenario import load_history, load_scenario

ORIGINS = ("2018-12-31", "2019-03-31", "2019-06-30", "2019-09-30", "2019-12-31", "2020-03-31")
TRIALS = 4000

Point = Callable[[pd.Series, pd.Period], float]


def last_quarter(past: pd.Series, _wanted: pd.Period) -> float:
    """Run rate: the last quarter again."""
    return float(past.iloc[-1])


def last_year(past: pd.Series, wanted: pd.Period) -> float:
    """Seasonal naive: the same quarter a year ago."""
    return float(past.get(wanted - 4, past.iloc[-1]))


def last_year_grown(past: pd.Series, wanted: pd.Period) -> float:
    """The same quarter a year ago, times the growth of the last quarter over its year."""
    before = past.get(past.index[-1] - 4, 0.0)
    return last_year(past, wanted) * (float(past.iloc[-1]) / before if before > 0 else 1.0)


RIVALS: dict[str, Point] = {
    "run rate, last quarter": last_quarter,
    "same quarter last year": last_year,
    "same quarter last year, grown": last_year_grown,
}


def rolling(scenario: str, ahead: int = 2) -> pd.DataFrame:
    """One row an origin, quarter, node and method: interval, CRPS and what came; node "company" or a rep."""
    question = load_scenario(scenario)
    history = load_history(question)
    bookings = history.bookings
    quarter = bookings["date"].dt.to_period("Q")
    actual = bookings.assign(quarter=quarter).pivot_table(
        index="quarter", columns="rep_id", values="amount", aggfunc="sum", fill_value=0.0
    )
    rows: list[dict[str, object]] = []
    for origin in ORIGINS:
        now = pd.Period(origin, "Q")
        steps = min(ahead, int((actual.index[-1] - now).n))
        model = BookingsModel(calendar=question.calendar).fit(history, origin)
        until = str((now + steps).end_time.date())
        forecast = spm.simulate(model, until, trials=TRIALS, seed=1)
        for node, period, draws in _draws(forecast):
            wanted = pd.Period(period, "Q")
            if wanted <= now or (node != "company" and node not in model.roster.owners):
                continue
            series = actual.sum(axis=1) if node == "company" else actual[node]
            told = {"origin": origin, "ahead": int((wanted - now).n), "node": node, "truth": float(series[wanted])}
            rows.append({**told, "method": "this forecast", **_judge(draws, told["truth"])})
            for name, point in RIVALS.items():
                law = _rival(point, series, actual, node, now, wanted)
                rows.append({**told, "method": name, **_judge(law, told["truth"])})
    return pd.DataFrame(rows)


def _draws(forecast: spm.Forecast) -> Iterator[tuple[str, str, np.ndarray]]:
    for period in forecast.periods:
        yield "company", period, forecast.period_draws(period)
    reps = forecast.totals(["owner_id", "period"])
    for index, row in enumerate(reps.groups.itertuples(index=False)):
        yield str(row.owner_id), str(row.period), reps.draws[:, index]


def _rival(
    point: Point, series: pd.Series, actual: pd.DataFrame, node: str, now: pd.Period, wanted: pd.Period
) -> np.ndarray:
    """The point forecast times the ratios of truth to forecast that the same rule had met by then."""
    ratios = []
    like = [actual.sum(axis=1)] if node == "company" else [actual[rep] for rep in actual]
    for one in like:
        for target in one.index[one.index <= now]:
            past = one[one.index <= target - (wanted - now).n]
            told = point(past, target) if len(past) else 0.0
            if told > 0:
                ratios.append(float(one[target]) / told)
    return point(series[series.index <= now], wanted) * np.array(ratios or [1.0])


def _judge(draws: np.ndarray, truth: object) -> dict[str, float | bool]:
    low, high = np.quantile(draws, [0.1, 0.9])
    value = float(truth)  # type: ignore[arg-type]
    crps = float(spm.scores.crps(draws, value))
    return {"mean": float(draws.mean()), "low": low, "high": high, "held": low <= value <= high, "crps": crps}


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Coverage of 80 % intervals, mean CRPS and bias by level, quarters ahead and method."""
    level = np.where(table["node"] == "company", "company", "rep")
    grouped = table.assign(level=level).groupby(["level", "ahead", "method"], sort=False)
    out = grouped.agg(n=("held", "size"), held=("held", "mean"), crps=("crps", "mean"))
    sums = grouped[["mean", "truth"]].sum()
    return out.assign(bias=sums["mean"] / sums["truth"] - 1).sort_index(sort_remaining=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario")
    table = rolling(parser.parse_args().scenario)
    company = table[(table["node"] == "company") & (table["method"] == "this forecast") & (table["ahead"] == 1)]
    print(
        company[["origin", "mean", "low", "high", "truth", "held"]].to_string(
            index=False, float_format="{:,.0f}".format
        )
    )
    print(summary(table).to_string(float_format="{:,.3f}".format))


if __name__ == "__main__":
    main()
