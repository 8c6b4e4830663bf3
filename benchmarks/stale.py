"""Stale deals on example companies: chance and outcome by decile of the age in stage, several companies pooled.

python benchmarks/stale.py --companies 4
"""

from __future__ import annotations

import argparse

import pandas as pd

import spmforecast as spm
from spmforecast.evaluate.backtest import BacktestSettings, backtest_history
from spmforecast.evaluate.backtest.deals import by_age, deal_scores

UNTIL = "2025-06-30"
SETTINGS = BacktestSettings(weeks=(4, 10), periods=6, trials=400, rivals=False)
CHARACTERS = ("ordinary", "calm", "stormy", "ordinary")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--companies", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=301)
    args = parser.parse_args()
    parts = []
    for place in range(args.companies):
        company = spm.ExampleCompany(seed=args.first_seed + place, size="small", character=CHARACTERS[place % 4])
        parts.append(backtest_history(spm.read_history(company.tables()), SETTINGS, UNTIL).deals)
    deals = pd.concat(parts, ignore_index=True)
    print(by_age(deals).to_string(index=False, float_format="{:.3f}".format))
    print(deal_scores(deals).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
