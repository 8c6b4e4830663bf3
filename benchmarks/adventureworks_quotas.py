"""Quotas of eight quarters, each set from what was known on its eve, against the company's own split and what came.

python benchmarks/adventureworks_quotas.py tests/real/adventureworks/scenario.yaml

Each quarter's total is held at the company's own: only the split differs.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

import spmforecast as spm
from spmforecast.data import History
from spmforecast.evaluate import fairness
from spmforecast.models import BookingsModel
from spmforecast.scenario import load_history, load_scenario

QUARTERS = [str(one) for one in pd.period_range("2018Q3", "2020Q2", freq="Q")]
TRIALS = 4000
METHODS = {
    "equal probability of attainment": ("equal-probability", {}),
    "proportional to expected bookings": ("proportional", {}),
    "growth on the same quarter last year": ("growth", {"by": "same_quarter"}),
    "growth on the last quarter": ("growth", {"by": "last_quarter"}),
    "half last four quarters, half last quarter": ("hybrid", {"parts": {"last_four": 1, "last_quarter": 1}}),
    "even": ("even", {}),
}


def quarters(history: History) -> pd.DataFrame:
    """Bookings by quarter (rows) and rep (columns)."""
    table = history.bookings.assign(quarter=history.bookings["date"].dt.to_period("Q"))
    return table.pivot_table(index="quarter", columns="rep_id", values="amount", aggfunc="sum", fill_value=0.0)


def fields(booked: pd.DataFrame, reps: list[str], quarter: pd.Period) -> pd.DataFrame:
    """What was known of each rep on the eve of a quarter; a rep's own last quarter where a year ago there was none."""
    past = booked[booked.index < quarter].reindex(columns=reps, fill_value=0.0)
    last, year = past.iloc[-1], past.iloc[-4] if len(past) >= 4 else past.iloc[-1]
    same = year.where(year > 0, last)
    four = past.iloc[-4:]
    active = (four > 0).sum().clip(lower=1)
    return pd.DataFrame(
        {"rep_id": reps, "same_quarter": same, "last_quarter": last, "last_four": four.sum() / active}
    ).reset_index(drop=True)


def splits(history: History, quarter: str) -> pd.DataFrame:
    """Quotas of one quarter by every method: ``quarter, rep_id, method, quota, actual, size``."""
    eve = pd.Period(quarter, "Q").start_time.normalize() - pd.Timedelta(days=1)
    booked = quarters(history)
    model = BookingsModel().fit(history, eve)
    forecast = spm.simulate(model, str(pd.Period(quarter, "Q").end_time.date()), trials=TRIALS, seed=1)
    own = history.quotas[history.quotas["period"] == quarter].set_index("rep_id")["quota"]
    reps = sorted(set(own.index) & set(model.roster.owners))
    total = float(own[reps].sum())
    known = fields(booked, reps, pd.Period(quarter, "Q"))
    told = {"the company's own": own[reps].to_numpy(dtype=float)}
    for name, (method, options) in METHODS.items():
        found = spm.propose_quotas(forecast, {quarter: total}, method, reps=reps, options=options, fields=known)
        told[name] = found.table["quota"].to_numpy(dtype=float)
    actual = booked.loc[pd.Period(quarter, "Q")].reindex(reps, fill_value=0.0).to_numpy(dtype=float)
    size = known["last_four"].to_numpy(dtype=float)
    frames = [
        pd.DataFrame({"quarter": quarter, "rep_id": reps, "method": name, "quota": q, "actual": actual, "size": size})
        for name, q in told.items()
    ]
    missing = len(own) - len(reps)
    return pd.concat(frames, ignore_index=True).assign(left_out=missing, quotas=len(own))


def judge(table: pd.DataFrame) -> pd.DataFrame:
    """Judge each method over all quarters: error, spread of attainment within quarters, slope of attainment on size."""
    rows = []
    for method, own in table.groupby("method", sort=False):
        asked = own[own["quota"] > 0]
        ratio = asked["actual"] / asked["quota"]
        quarter = asked["quarter"]
        level = ratio.groupby(quarter).transform("mean")
        z = asked.groupby("quarter")["size"].transform(lambda one: (one - one.mean()) / one.std())
        slope = fairness(np.full(len(asked), 0.5), (ratio - level + ratio.mean()).clip(lower=0), z)
        rows.append(
            {
                "method": method,
                "rep-quarters": len(own),
                "error": float((own["quota"] - own["actual"]).abs().mean()),
                "error / actual": float((own["quota"] - own["actual"]).abs().sum() / own["actual"].sum()),
                "attainment sd": float(ratio.groupby(quarter).std().mean()),
                "slope": slope.slope,
                "slope se": slope.slope_se,
                "slope p": slope.slope_p,
                "without quota": int((own["quota"] <= 0).sum()),
            }
        )
    return pd.DataFrame(rows).set_index("method")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario")
    history = load_history(load_scenario(parser.parse_args().scenario))
    table = pd.concat([splits(history, quarter) for quarter in QUARTERS], ignore_index=True)
    first = table[table["method"] == table["method"].iloc[0]]
    counts = first.groupby("quarter")[["left_out", "quotas"]].first().sum()
    print(f"{counts['quotas']} quotas in {len(QUARTERS)} quarters; {counts['left_out']} of reps unknown on the eve")
    print(judge(table).to_string(float_format="{:,.3f}".format))


if __name__ == "__main__":
    main()
