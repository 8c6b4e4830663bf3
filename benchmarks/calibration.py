"""Calibration against known truth: do the intervals hold the futures of example companies?

The example company's mechanism is not the model's. Each company is re-simulated from its true state at the as-of
date; an 80 % interval should hold 80 % of those futures. Prints a table by character and level:

    python benchmarks/calibration.py --companies 20
"""

from __future__ import annotations

import argparse
from itertools import cycle, islice

import numpy as np
import pandas as pd

import spmforecast as spm

AS_OF, UNTIL = "2025-06-30", "2026-06-30"
KINDS = (("small", "ordinary"), ("medium", "ordinary"), ("small", "calm"), ("small", "stormy"))


def company_coverage(seed: int, size: str, character: str, trials: int = 2000, futures: int = 200) -> pd.DataFrame:
    """Coverage and bias of one company: a row for each level, node and period."""
    company = spm.ExampleCompany(seed=seed, size=size, character=character)
    model = spm.PipelineModel().fit(spm.read_history(company.tables()), as_of=AS_OF)
    forecast = spm.simulate(model, until=UNTIL, trials=trials, seed=seed)
    truth = company.futures(AS_OF, UNTIL, n=futures, seed=seed)
    truth["period"] = spm.FiscalCalendar().labels(pd.to_datetime(truth["period_month"] + "-01").to_numpy(), "quarter")
    coming = forecast.cells["part"] != "won"
    ahead = spm.Forecast(forecast.draws[:, coming], forecast.cells[coming])
    rows = []
    for level, by in (
        ("company", ["period"]),
        ("company, year", []),
        ("region", ["region", "period"]),
        ("region, year", ["region"]),
    ):
        totals = ahead.totals(by)
        for node, (_, group) in enumerate(totals.groups.iterrows()):
            mine = truth[(truth[by] == group[by]).all(axis=1)] if by else truth
            amount = mine.groupby("future")["amount"].sum().reindex(range(futures), fill_value=0.0).to_numpy()
            draws = totals.draws[:, node]
            low, high = np.quantile(draws, [0.1, 0.9])
            held = ((amount >= low) & (amount <= high)).mean()
            rows.append((level, seed, size, character, held, draws.mean(), amount.mean(), draws.std() / amount.std()))
    return pd.DataFrame(rows, columns=["level", "seed", "size", "character", "held", "mean", "true_mean", "sd_ratio"])


def calibrate(companies: int, first_seed: int = 101) -> pd.DataFrame:
    """Coverage of several companies, kinds in turn."""
    kinds = list(islice(cycle(KINDS), companies))
    return pd.concat([company_coverage(first_seed + i, *kind) for i, kind in enumerate(kinds)], ignore_index=True)


def summarise(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Average coverage of the 80 % interval, bias of the mean and ratio of spreads."""
    grouped = rows.groupby(by)
    out = grouped[["held", "sd_ratio"]].mean()
    out["bias"] = grouped["mean"].sum() / grouped["true_mean"].sum() - 1
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--companies", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=101)
    args = parser.parse_args()
    rows = calibrate(args.companies, args.first_seed)
    print(summarise(rows, ["level"]).round(3).to_string())
    print(summarise(rows, ["character", "size", "level"]).round(3).to_string())


if __name__ == "__main__":
    main()
