"""Rolling backtests on real data: this forecast against the rivals that people use, on their own past.

    python benchmarks/backtest.py tests/real/*/scenario.yaml

Each data set is judged on as many periods as its record holds. Prints, for each, the mean CRPS of every method by level
and period ahead, with the share that 80 % intervals held, and at the end the gain on the best rival.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd

import spmforecast as spm
from spmforecast.evaluate.backtest import Backtest, BacktestSettings
from spmforecast.evaluate.backtest.summary import ALL_WEEKS, best_rival
from spmforecast.models import ModelSpec

# Last day for which each record is whole, and the days of record that a first forecast needs where it is short.
ASKED: dict[str, tuple[str, BacktestSettings]] = {
    "bpic2012": ("2012-02-29", BacktestSettings(period="month", least_days=60)),
    "maven_crm": ("2017-12-31", BacktestSettings(least_days=120, spec=ModelSpec(segment_by="product"))),
    "ms_regional_sales": ("2021-09-30", BacktestSettings()),
    "adventureworks": ("2020-06-30", BacktestSettings()),
}
COLUMNS = ["level", "ahead", "method", "cells", "periods", "crps", "ratio", "ratio_low", "ratio_high", "p_value",
           "bias", "held_50", "held_80", "held_95", "band_80_low", "band_80_high"]  # fmt: skip


def rolling(scenario: Path, trials: int, folder: Path, jobs: int) -> Backtest:
    """Backtest one data set; what is worked out stays in its folder."""
    name = scenario.parent.name
    until, settings = ASKED[name]
    told = lambda done, wanted: print(f"\r{name}: {done} of {wanted}", end="", file=sys.stderr)  # noqa: E731
    return spm.backtest(
        scenario, folder / name, settings=replace(settings, trials=trials), until=until, jobs=jobs, progress=told
    )


def gains(name: str, summary: pd.DataFrame) -> list[dict[str, object]]:
    """Gain on the best rival by level and period ahead."""
    rows = []
    for level, ahead in summary[["level", "ahead"]].drop_duplicates().itertuples(index=False):
        best = best_rival(summary, level, ahead)
        if best is not None:
            gain = {"gain": 1 - best["ratio"], "low": 1 - best["ratio_high"], "high": 1 - best["ratio_low"]}
            rows.append({"data": name, "level": level, "ahead": ahead, "best rival": best["method"], **gain})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="+", type=Path)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("runs/backtest-real"))
    args = parser.parse_args()
    rows = []
    for scenario in args.scenarios:
        result = rolling(scenario, args.trials, args.folder, args.jobs)
        whole = result.summary[result.summary["week"] == ALL_WEEKS]
        print(f"\n{scenario.parent.name}")
        print(
            whole[COLUMNS].to_string(index=False, float_format=lambda x: f"{x:,.3g}" if abs(x) < 100 else f"{x:,.0f}")
        )
        print("\n".join(result.verdict))
        print(result.ages.to_string(index=False, float_format="{:.3f}".format))
        rows += gains(scenario.parent.name, result.summary)
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.2f}".format))


if __name__ == "__main__":
    main()
